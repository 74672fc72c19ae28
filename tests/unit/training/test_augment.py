import numpy as np
import pytest
from training.synthesis.augment import Recipe, augment, controls, draw, write_controls, write_worn
from training.synthesis.classical import mu_law
from training.synthesis.fakes import Maker, chosen_clips, make
from training.synthesis.index import read

RATE = 16000


def voice(seconds: float = 4.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 300 * t) * (1 + 0.5 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def test_the_draw_knows_the_clip_and_nothing_of_its_label():
    assert draw("voice-1", 0, RATE) == draw("voice-1", 0, RATE)
    assert draw("voice-1", 0, RATE) != draw("voice-1", 1, RATE)
    recipes = [draw(f"voice-{number}", 0, RATE) for number in range(400)]
    assert 0.5 < np.mean([recipe.codec is not None for recipe in recipes]) < 0.7
    assert {recipe.codec for recipe in recipes} == {None, "mp3", "aac", "opus"}
    assert all(recipe.rate != RATE for recipe in recipes)


@pytest.mark.parametrize("number", range(12))
def test_recipes_work_and_repeat(number):
    recipe = draw(f"clip-{number}", 0, RATE)
    out, rate = augment(voice(), RATE, recipe)
    again, _ = augment(voice(), RATE, recipe)
    np.testing.assert_array_equal(out, again)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 0.98
    assert rate == (recipe.rate or RATE)
    assert out.size / rate == pytest.approx(max(3.0, 4 * recipe.keep) / recipe.speed, abs=0.02)


def test_nothing_asked_for_nothing_done():
    out, rate = augment(voice(), RATE, Recipe())
    np.testing.assert_array_equal(out, voice())
    assert rate == RATE


def test_noise_lies_where_it_is_asked_for():
    for colour in ("white", "pink", "brown", "recorded"):
        out, _ = augment(voice(), RATE, Recipe(snr_db=20, noise=colour), [(np.ones(5, np.float32), 8000)])
        ratio = np.sqrt(np.mean(voice() ** 2) / np.mean((out - voice()) ** 2))
        assert 20 * np.log10(ratio) == pytest.approx(20, abs=0.5)


def test_formats_alone_leave_the_sound():
    for name, recipe in controls(RATE).items():
        out, rate = augment(voice(), RATE, recipe)
        assert out.size == round(voice().size * rate / RATE), name
        loudness = np.sqrt(np.mean(out**2) / np.mean(voice() ** 2))
        assert loudness == pytest.approx(1.0, abs=0.1), name


def test_worn_folders_keep_labels(tmp_path):
    clips = [clip for clip in chosen_clips(None, 12, 1) if clip.source.split == "report"][:1]
    assert clips
    make([Maker("mu_law", 0, 24000, frozenset({"music"}), mu_law)], clips, None, tmp_path / "fakes")
    assert write_worn(tmp_path / "fakes", tmp_path / "worn", 2) == 4
    rows = read(tmp_path / "worn")
    assert sorted(row["label"] for row in rows) == ["fake", "fake", "real", "real"]
    worn = {(row["path"].split("/")[0], row["label"]): row["settings"].split("| ")[1] for row in rows}
    for variant in ("worn-0", "worn-1"):
        assert worn[variant, "real"] == worn[variant, "fake"]
    assert write_controls(tmp_path / "fakes", tmp_path / "control", 5) == len(controls(24000))
    assert {row["label"] for row in read(tmp_path / "control")} == {"real"}
