"""The shipped voice model: its file is the one of its card, and it says on a made sound what it said when made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from bench.synth import speech_like

import rightscan
from rightscan.synthesis.voice import NAMES, features
from rightscan.synthesis.voice.judgement import Calibration, pool

FOLDER = Path(rightscan.__file__).parent / "models" / "shipped" / "voice-synthesis"
CARD = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(str(FOLDER / CARD["file"]), providers=["CPUExecutionProvider"])


def test_the_file_is_the_one_of_the_card_and_small():
    data = (FOLDER / CARD["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == CARD["sha256"]
    assert len(data) < 2_000_000
    assert CARD["inputs"]["arrays"][0]["shape"] == ["windows", len(NAMES)]


def test_it_says_on_a_made_sound_what_it_said_when_it_was_made(session):
    check = CARD["outputs"]["check"]
    sound = speech_like(check["seed"], check["seconds"], sample_rate=check["sample_rate"]).mean(axis=1)
    measured = features(sound.astype(np.float32), check["sample_rate"])
    (logits,) = session.run(["logit"], {"values": measured.values})
    np.testing.assert_allclose(logits[:, 0], check["logits"], atol=2e-2)
    again = session.run(["logit"], {"values": measured.values})[0]
    np.testing.assert_array_equal(logits, again)
    result = pool(logits[:, 0], measured, Calibration.read(CARD["inputs"]["features"], CARD["calibration"]))
    assert result.windows == measured.values.shape[0]
    assert result.log10_lr is not None


def test_missing_bands_and_no_windows_are_taken(session):
    (logits,) = session.run(["logit"], {"values": np.full((2, len(NAMES)), np.nan, np.float32)})
    assert np.isfinite(logits).all()
    (none,) = session.run(["logit"], {"values": np.zeros((0, len(NAMES)), np.float32)})
    assert none.shape == (0, 1)


def test_it_never_asserts_and_states_its_errors():
    assert CARD["thresholds"]["assert"] is None
    assert CARD["thresholds"]["queue"] > 0
    assert {"condition", "generator", "n_fake", "n_real", "eer", "auc", "cllr"} <= set(CARD["errors"][0])
    licences = {source["licence"] for source in CARD["training_data"]["sources"]}
    assert all(word.startswith(("CC0", "CC BY ", "public domain", "own ")) for word in licences)
