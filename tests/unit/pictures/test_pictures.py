"""Pictures: what they say, that every letter has a form, and that drawing leaves no trace."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from bench.picture_fonts import characters
from matplotlib.font_manager import get_font
from PIL import Image

from rightscan.errors import UsageError
from rightscan.index.explanation import Explanation, Reason, explain
from rightscan.pictures import explanation as picture
from rightscan.pictures import style
from unit.fingerprint.catalogue import cut, of, registered, sound

NAMES = picture.Names("저녁의 음악 산책 11월 3일.m4a", "겨울에 쓴 답장 (REC-1002)")


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    return explain(of(cut(sound(1), 8, 20)), registered(1), tmp_path_factory.mktemp("matched"))


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    return explain(of(0 * cut(sound(1), 8, 20)), registered(1), tmp_path_factory.mktemp("silent"))


def texts(figure) -> str:
    return "\n".join(
        t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()
    )


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_match_says_where_and_how_sure(matched, tmp_path, language):
    figure = picture.draw(matched, NAMES, language)
    said = texts(figure)
    (passage,) = matched.passages
    for wanted in (
        picture.words("told", language),
        NAMES.upload,
        NAMES.recording,
        f"log10 LR {passage.log10_lr:.1f}",
        f"{matched.threshold:.1f}",
        f"{passage.matched:,} / {passage.of:,}",
        f"{passage.offset_s:+.3f} s",
    ):
        assert wanted in said
    style.save_png(figure, tmp_path / "new folder" / "picture.png")
    with Image.open(tmp_path / "new folder" / "picture.png") as image:
        assert (image.format, image.size) == ("PNG", (picture.WIDTH, picture.HEIGHT))
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["picture.png"]


def test_the_same_numbers_give_the_same_bytes(matched, tmp_path):
    for name in ("a.png", "b.png"):
        style.save_png(picture.draw(matched, NAMES, "ko"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_alignment_that_is_not_told_is_drawn_with_the_reason(matched, language):
    (passage,) = matched.passages
    reasons = (Reason.SCORE,)
    weak = replace(passage, log10_lr=1.5, reasons=reasons)
    said = texts(picture.draw(replace(matched, passages=(weak,), reasons=reasons), NAMES, language))
    for name in ("not_told", "score_under_threshold", "strongest_followed", "fixation"):
        assert picture.words(name, language) in said
    assert "log10 LR 1.5" in said


def test_a_long_file_says_what_was_not_looked_for(matched):
    for language in ("ko", "en"):
        assert picture.words("shallow", language) in texts(
            picture.draw(replace(matched, deep=False), NAMES, language)
        )


def test_many_passages_are_listed_up_to_four(matched):
    (passage,) = matched.passages
    many = tuple(replace(passage, log10_lr=10.0 + n) for n in range(7))
    said = texts(picture.draw(replace(matched, passages=many), NAMES, "en"))
    assert "LR 13.0" in said
    assert "LR 14.0" not in said
    assert "and 3 more" in said


@pytest.mark.parametrize("language", ["ko", "en"])
def test_silence_is_no_verdict(silent, language):
    said = texts(picture.draw(silent, NAMES, language))
    assert picture.words("not_comparable", language) in said
    assert picture.words("silent", language) in said
    assert picture.words("none_followed", language) in said


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_in_both_languages(reason):
    assert any("가" <= letter <= "힣" for letter in picture.why((reason,), "ko"))
    assert picture.why((reason,), "en").isascii()


def test_drawing_leaves_matplotlib_as_it_was(matched):
    before = mpl.rcParams.copy()
    picture.draw(matched, NAMES, "ko")
    assert mpl.rcParams.copy() == before


def test_the_fonts_have_every_letter_of_ours_and_ks_x_1001():
    for weight in ("Regular", "Bold"):
        font = get_font(Path(style.__file__).with_name("fonts") / f"RightscanSansKR-{weight}.ttf")
        assert font.family_name == style.FAMILY
        there = set(font.get_charmap())
        assert there >= characters()
        ours = {letter for pair in picture._WORDS.values() for word in pair for letter in word}
        assert {letter for letter in ours | set("●■—←×±…") if ord(letter) not in there} == set()


def test_names_of_files_are_made_fit_to_draw(monkeypatch):
    assert style.letters(unicodedata.normalize("NFD", "겨울 노래.mp3")) == "겨울 노래.mp3"
    assert style.letters("a\nb\tc\x00d") == "a b c d"
    assert style.letters("가" * 40 + ".mp3", 20) == "가" * 9 + "…" + "가" * 6 + ".mp3"
    monkeypatch.setattr(style, "_spare", lambda letter: None)
    assert style.letters("뙠 美.mp3") == "? ?.mp3"


def test_dollars_in_a_name_are_no_mathematics(matched, tmp_path):
    figure = picture.draw(matched, picture.Names("$x_1$ \\frac.mp3", "^"), "en")
    style.save_png(figure, tmp_path / "picture.png")
    assert "$x_1$ \\frac.mp3" in texts(figure)


@pytest.mark.parametrize(
    ("seconds", "digits", "shown"),
    [
        (0, 1, "0:00.0"),
        (59.96, 1, "1:00.0"),
        (83.456, 2, "1:23.46"),
        (3661, 0, "1:01:01"),
        (-0.001, 0, "0:00"),
    ],
)
def test_clock(seconds, digits, shown):
    assert style.clock(seconds, digits) == shown


def test_a_place_that_cannot_be_written_is_named(matched, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        style.save_png(picture.draw(matched, NAMES, "ko"), tmp_path / "file" / "picture.png")
    assert caught.value.code == "unwritable_picture"


def test_matplotlib_is_loaded_only_to_draw():
    program = (
        "import sys, rightscan.cli.main, rightscan.cli.explaining, rightscan.pictures.explanation;"
        "assert 'matplotlib' not in sys.modules;"
        "from rightscan.pictures import style;"
        "style.new_figure(100, 100);"
        "assert 'matplotlib' in sys.modules;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
