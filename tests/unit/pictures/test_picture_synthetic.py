"""The picture of a classification: it shows what is there, in both languages, and the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generated import music, through_decoder
from rightscan.pictures import style, synthetic
from rightscan.synthesis import Analyser, Evidence, Source, judge


def heard(sound: np.ndarray) -> Evidence:
    analyser = Analyser()
    analyser.add(sound[:, None])
    return analyser.finish()


@pytest.fixture(scope="module")
def machine() -> Evidence:
    return heard(through_decoder(music(77, 20.0)))


def subject(evidence: Evidence | None, name: str = "파일.mp3", axis_c: str = "detected") -> synthetic.Subject:
    judgement = None if evidence is None else judge(evidence, Source(True, None, 44_100))
    return synthetic.Subject(name, 20.0, axis_c, "", ("vocal_not_separated",), evidence, judgement)


def texts(figure) -> str:
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_it_names_what_it_shows(machine: Evidence, language: str) -> None:
    shown = texts(synthetic.draw(subject(machine), language))
    assert "44100/512" in shown
    assert "86.13" in shown
    said = {"ko": ("합성 검출", "보컬을 분리하지 않음"), "en": ("Synthesis detected", "vocal not separated")}
    for words in said[language]:
        assert words in shown
    # Nothing may be read into the absence of lines.
    assert {"ko": "사람이 만든 소리라는 뜻은", "en": "does not mean"}[language] in shown.replace("\n", " ")
    assert "침해" not in shown


def test_a_candidate_under_the_threshold_is_called_no_evidence() -> None:
    shown = texts(synthetic.draw(subject(heard(music(77, 20.0)), axis_c="none_found"), "en"))
    assert "no evidence" in shown
    assert "Synthesis detected\n" not in shown.split("Score by stretch")[0]


def test_without_sound_there_is_a_picture_too() -> None:
    for evidence in (None, heard(np.zeros(44_100 * 3, np.float32))):
        assert "no sound" in texts(synthetic.draw(subject(evidence, axis_c="not_tested"), "en"))


def test_the_same_evidence_gives_the_same_bytes(machine: Evidence, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        style.save_png(synthetic.draw(subject(machine), "ko"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_name_of_somebody_else_is_drawn_as_text(machine: Evidence) -> None:
    shown = texts(synthetic.draw(subject(machine, name="$x^2$ \u202e rtl\n" + "길" * 200), "ko"))
    assert "$x^2$" in shown
    assert "…" in shown


def test_stored_evidence_draws_the_same_lattice(machine: Evidence) -> None:
    again = Evidence.from_arrays(machine.to_arrays())
    assert "44100/512" in texts(synthetic.draw(subject(again), "en"))
