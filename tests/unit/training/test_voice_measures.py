"""Chains, pools, rates: the arithmetic that the figures of the voice detector rest on."""

from __future__ import annotations

import numpy as np
import pytest
from bench.synth import speech_like
from training.synthesis.voice import augment, calibrate, corpus
from training.synthesis.voice.metrics import auc, auc_interval, cllr, eer, interval

from rightscan.errors import PermanentError
from rightscan.synthesis.voice.sound import RATE

HEAD = "path,label,family,lattice,site,subject,split,source_path,start_s,sample_rate,licence\n"


def test_a_chain_is_its_seed():
    assert augment.draw(7) == augment.draw(7)
    assert len({augment.draw(seed).word for seed in range(60)}) > 20
    sound = speech_like(1, 2.0, sample_rate=RATE).mean(axis=1).astype(np.float32)
    for seed in range(6):
        first, second = (augment.apply(sound, augment.draw(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all()


def test_clean_changes_level_alone():
    sound = speech_like(1, 2.0, sample_rate=RATE).mean(axis=1).astype(np.float32)
    result = augment.apply(sound, augment.CLEAN)
    scale = float(np.abs(result).max() / np.abs(sound).max())
    np.testing.assert_allclose(result, sound * scale, atol=1e-4)


def test_an_index_with_a_licence_that_is_not_clear_is_refused(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text(HEAD + "a.flac,fake,world,0,site,p1,train,voices/a,0,16000,CC BY 4.0 (LibriSpeech)\n")
    (clip,) = corpus.read_index(index)
    assert clip.fake
    assert not clip.lattice
    assert clip.path == tmp_path / "a.flac"
    index.write_text(HEAD + "a.flac,real,real,0,site,p1,train,voices/a,0,16000,CC BY-NC 4.0\n")
    with pytest.raises(PermanentError, match="licence_not_clear"):
        corpus.read_index(index)


def test_areas_and_rates():
    fake, real = np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.5])
    assert auc(fake, real) == pytest.approx(8 / 9)
    assert auc(real, real) == pytest.approx(0.5)
    assert eer(np.array([5.0, 6.0]), np.array([1.0, 2.0])) == 0.0
    assert eer(fake, real) == pytest.approx(1 / 3)
    assert cllr(np.zeros(3), np.zeros(3)) == pytest.approx(1.0)
    assert cllr(np.full(3, 9.0), np.full(3, -9.0)) < 1e-6
    assert interval(0, 300)[1] == pytest.approx(0.0126, abs=1e-3)
    assert interval(300, 300)[1] == 1.0
    low, high = auc_interval(fake, real)
    assert low <= 8 / 9 <= high


def test_calibration_makes_likelihood_ratios_of_shifted_logits():
    r = np.random.default_rng(0)
    n = 4_000
    fake = r.random(n) < 0.5
    windows = r.choice(calibrate.COUNTS, n)
    # Logits of natural scale 2x + 1 with noise that falls with the number of windows.
    truth = np.where(fake, 1.0, -1.0) + r.normal(size=n) / np.sqrt(windows)
    words = np.full(n, "a")
    pool = calibrate.Pool(2 * truth + 1, windows, fake, words, words, words)
    calibration = calibrate.fit(pool, trials=1_000)
    ratios = calibrate.log10_lr(calibration, pool)
    assert cllr(ratios[fake], ratios[~fake]) < 0.45
    assert abs(np.median(ratios[fake]) + np.median(ratios[~fake])) < 0.5
    assert np.abs(ratios).max() <= 3.0


def test_the_threshold_lets_no_site_have_more_than_five_in_a_hundred():
    r = np.random.default_rng(1)
    ratios = np.concatenate([r.normal(-1, 0.3, 5_000), r.normal(0.5, 0.3, 100)])
    site = np.array(["usual"] * 5_000 + ["loud"] * 100)
    threshold = calibrate.queue_threshold(ratios, site)
    assert np.mean(ratios >= threshold) <= 0.01
    assert np.mean(ratios[site == "loud"] >= threshold) <= 0.05
