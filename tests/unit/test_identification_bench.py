"""The identification bench's own arithmetic, its deal of the media, and that a seed gives the same questions."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from bench import arithmetic, sound
from bench.identification import (
    calibrate,
    conditions,
    growth,
    negatives,
    queries,
    report,
    streams,
)
from bench.identification.conditions import BY_NAME, MORE, STANDARD, N
from bench.identification.material import Library, Material, Track, deal, gather, series
from bench.identification.queries import Appearance, first_seconds, make, plan
from bench.identification.run import Answer, Row
from bench.seeds import rng_for
from bench.sound import RATE
from bench.synth import render
from hypothesis import given
from hypothesis import strategies as st

from rightscan.fingerprint import SAMPLE_RATE, fingerprint

# ---- arithmetic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Wilson's own formula worked by hand for 8 of 10; none and all of them in closed form n/(n+z²).
    [(8, 10, 0.4902, 0.9433), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson(k: int, n: int, low: float, high: float):
    assert arithmetic.wilson(k, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Published values; for none of n the bound is 1 - (miss/2)^(1/n).
    [
        (0, 80, 0.0, 1 - 0.025 ** (1 / 80)),
        (1, 80, 0.000316, 0.0677),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1),
    ],
)
def test_clopper_pearson(k: int, n: int, low: float, high: float):
    assert arithmetic.clopper_pearson(k, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("k", "upper"), [(0, 2.9957), (1, 4.7439), (2, 6.2958), (10, 16.9622)])
def test_poisson_upper_is_the_exact_one_sided_bound(k: int, upper: float):
    assert arithmetic.poisson_upper(k) == pytest.approx(upper, abs=1e-4)


@given(st.integers(0, 60), st.integers(1, 60))
def test_intervals_hold_the_share_and_lie_inside_zero_and_one(k: int, n: int):
    k = min(k, n)
    for low, high in (arithmetic.wilson(k, n), arithmetic.clopper_pearson(k, n)):
        assert 0 <= low <= k / n <= high <= 1


@given(st.lists(st.floats(-5, 50), min_size=1, max_size=400))
def test_at_most_one_percent_of_the_negatives_lie_above_the_threshold(scores: list[float]):
    threshold = arithmetic.threshold_at(scores)
    assert sum(s > threshold for s in scores) <= 0.01 * len(scores)
    assert threshold in scores


def test_a_threshold_of_few_negatives_is_the_largest_and_of_none_everything_passes():
    assert arithmetic.threshold_at([1.0, 7.0, -math.inf]) == 7.0
    assert arithmetic.threshold_at([]) == -math.inf


span = st.tuples(st.floats(0, 50), st.floats(0.1, 50)).map(lambda s: (s[0], s[0] + s[1]))


@given(span, span)
def test_iou_is_symmetric_and_one_only_of_the_same(a: tuple[float, float], b: tuple[float, float]):
    assert arithmetic.iou(a, b) == pytest.approx(arithmetic.iou(b, a))
    assert 0 <= arithmetic.iou(a, b) <= 1
    assert arithmetic.iou(a, a) == pytest.approx(1)


def test_iou_and_quantiles_by_hand():
    assert arithmetic.iou((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert arithmetic.iou((0, 1), (2, 3)) == 0
    assert arithmetic.quantile([3, 1, 2], 0.5) == 2
    assert arithmetic.quantile([0, 10], 0.9) == pytest.approx(9)
    assert arithmetic.quantile([], 0.5) is None


# ---- the deal -------------------------------------------------------------------------------------------
NAMES = [f"folder/{i:02d}" for i in range(30)]


@pytest.mark.parametrize("half", ["report", "tuning"])
@pytest.mark.parametrize("seed", [1, 5])
def test_halves_never_meet_whatever_the_seed(half: str, seed: int):
    mine = {n for n, role in deal(NAMES, seed, half).items() if role != "context"}
    other = {
        n
        for n, role in deal(NAMES, 1, "tuning" if half == "report" else "report").items()
        if role != "context"
    }
    assert not mine & other
    assert mine | other == set(NAMES)


@pytest.mark.parametrize(("half", "folds", "of"), [("report", 3, 15), ("tuning", 3, 15), ("all", 5, 30)])
def test_every_series_of_a_half_is_held_out_in_one_fold(half: str, folds: int, of: int):
    out = [n for f in range(folds) for n, role in deal(NAMES, 2, half, f).items() if role == "held_out"]
    assert len(out) == len(set(out)) == of


def test_tracks_of_one_series_share_folder_and_first_word():
    assert (
        series(Path("game/caves_1.ogg"))
        == series(Path("game/caves boss.ogg"))
        != series(Path("film/caves_1.ogg"))
    )


# ---- sound ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten short pieces in ten series, and two folders of voices."""
    root = tmp_path_factory.mktemp("media")
    for i in range(10):
        folder = root / "music" / f"source{i}"
        folder.mkdir(parents=True)
        if i < 2:
            x = sound.mono(render(900 + i, 24.0, sample_rate=22050))
            sound.write_wav(folder / "piece.wav", sound.resampled(x, RATE, called=22050))
        else:
            # Seven tones each: only the two above are ever listened to.
            t = np.arange(21 * RATE) / RATE
            tones = (np.sin(2 * np.pi * 220 * 2 ** ((i + k) / 5) * t) for k in range(7))
            sound.write_wav(folder / "piece.wav", np.sum(list(tones), axis=0, dtype=np.float32) / 10)
    for person in ("one", "two", "three", "four"):
        (root / "voices" / person).mkdir(parents=True)
        noise = rng_for(3, person).standard_normal(3 * RATE).astype(np.float32)
        sound.write_wav(root / "voices" / person / "talk.wav", 0.1 * noise)
    return root


@pytest.fixture(scope="module")
def library(media: Path) -> Library:
    """Everything registered but a fifth."""
    return Library(gather(media / "music", None, media / "voices", half="all", seed=4), rooms=1)


def test_a_folder_too_small_to_hold_anything_out_is_an_error(tmp_path: Path, media: Path):
    shutil.copytree(media / "music" / "source2", tmp_path / "source2")
    with pytest.raises(ValueError, match="too few"):
        gather(tmp_path, None, None, half="all")


def test_a_seed_gives_the_same_questions(library: Library, media: Path):
    names = ("clean", "white_-5", "ambient_+0", "reverb", "mashup")
    chosen = [BY_NAME[n] for n in names]
    again = Library(gather(media / "music", None, media / "voices", half="all", seed=4), rooms=1)
    first, second = (plan(one.material, chosen, 1, 1) for one in (library, again))
    assert first == second
    # In another order: what was made before changes nothing.
    made = {q: make(q, library) for q in first}
    for q in reversed(second):
        a, b = made[q], make(q, again)
        assert a is not None
        assert b is not None
        assert a[1] == b[1]
        assert np.array_equal(a[0], b[0])


def test_another_seed_asks_other_questions(media: Path):
    a, b = (gather(media / "music", None, media / "voices", half="all", seed=s) for s in (4, 5))
    assert plan(a, STANDARD, 2, 1) != plan(b, STANDARD, 2, 1)


STRETCH = np.random.default_rng(0).standard_normal(2 * N).astype(np.float32) * np.float32(0.1)


@pytest.fixture(params=["what is here", "FFmpeg atempo"])
def stretcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of tempo and pitch by the program there is, and without it."""
    if request.param == "FFmpeg atempo":
        monkeypatch.setattr(sound.shutil, "which", lambda _: None)
        assert sound.stretcher() == request.param


@pytest.mark.usefixtures("stretcher")
@pytest.mark.parametrize("condition", [c for c in STANDARD if c.factor != 1.0], ids=lambda c: c.name)
def test_speed_and_tempo_change_length_by_their_factor(condition: conditions.Condition, library: Library):
    x = np.stack([STRETCH[: 3 * RATE]] * 2, axis=1)
    y = condition.change(x, library, np.random.default_rng(0))
    # A tenth of a second: atempo works in windows and leaves out the last.
    assert y.size == pytest.approx(x.shape[0] / condition.factor, abs=0.1 * RATE)


@pytest.mark.parametrize(
    "name", ["clean", "mp3_32k", "phone", "reverb", "pitch_+2", "quiet_30", "agc", "opus_24k"]
)
def test_other_conditions_keep_the_length(name: str, library: Library):
    x = np.stack([STRETCH[: 3 * RATE]] * 2, axis=1)
    y = BY_NAME[name].change(x, library, np.random.default_rng(0))
    assert y.size == pytest.approx(x.shape[0], abs=0.1 * RATE)


@pytest.mark.usefixtures("stretcher")
def test_pitch_and_speed_move_a_tone_as_told(library: Library):
    x = np.sin(2 * np.pi * 500 * np.arange(4 * RATE) / RATE).astype(np.float32) * np.float32(0.3)

    def tone(name: str) -> float:
        y = BY_NAME[name].change(np.stack([x, x], axis=1), library, np.random.default_rng(0))[RATE : 2 * RATE]
        return float(np.argmax(np.abs(np.fft.rfft(y * np.hanning(y.size)))))

    assert tone("clean") == 500
    assert tone("speed_+5") == pytest.approx(525, abs=1)
    assert tone("tempo_+10") == pytest.approx(500, abs=2)
    assert tone("pitch_-2") == pytest.approx(500 * 2 ** (-2 / 12), abs=3)
    assert tone("pitch_+0.5") == pytest.approx(500 * 2 ** (0.5 / 12), abs=3)


def test_noise_is_as_loud_as_its_name_says(library: Library):
    x = np.stack([STRETCH[:N]] * 2, axis=1)
    y = BY_NAME["white_-5"].change(x, library, np.random.default_rng(1))
    added = sound.rms(y - x[:, 0])
    assert 20 * math.log10(sound.rms(x[:, 0]) / added) == pytest.approx(-5, abs=0.01)


def test_centre_and_difference(library: Library):
    middle, side = STRETCH[: 2 * RATE], STRETCH[2 * RATE : 4 * RATE]
    x = np.stack([middle + side, middle - side], axis=1)
    rng = np.random.default_rng(0)
    assert np.allclose(BY_NAME["side"].change(x, library, rng), side, atol=1e-5)
    left = BY_NAME["karaoke"].change(np.stack([middle, middle], axis=1), library, rng)
    assert sound.rms(left) < 0.2 * sound.rms(middle)  # nothing but what lies under 120 Hz


def test_the_two_parts_of_a_sound_are_apart():
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    clicks = np.zeros_like(tone)
    clicks[:: RATE // 4] = 20
    harmonic, percussive = (sound.stem(tone + clicks, part) for part in ("harmonic", "percussive"))
    assert harmonic.size == percussive.size == tone.size
    assert np.corrcoef(harmonic, tone)[0, 1] > 0.9 > 0.5 > abs(np.corrcoef(percussive, tone)[0, 1])
    assert np.abs(percussive).max() > 5 * np.abs(harmonic).max()


def test_band_pass_keeps_its_band_and_halves_power_at_its_edges():
    impulse = np.zeros(RATE, np.float32)
    impulse[0] = 1
    response = np.abs(np.fft.rfft(sound.band_passed(impulse, 300, 3400)))
    assert response[1000] == pytest.approx(1, abs=0.01)
    assert response[[300, 3400]] == pytest.approx([2**-0.5] * 2, abs=0.01)
    assert response[[100, 9000]].max() < 0.01


def test_loops_appear_again_and_shorter_queries_hold_less(library: Library):
    made = make(queries.Query("loop_4s", True, 0, (0,)), library)
    assert made is not None
    x, there = made
    assert [(a.start, a.end) for a in there] == [(0, 4), (4, 8), (8, 10)]
    assert len({a.reference for a in there}) == 1
    assert np.allclose(x[: 2 * RATE], x[4 * RATE : 6 * RATE])
    short, part = first_seconds(x, there, 5)
    assert short.size == 5 * RATE
    assert [(a.start, a.end) for a in part] == [(0, 4), (4, 5)]


def test_conditions_have_names_of_their_own():
    for group in (STANDARD, MORE):
        assert len({c.name for c in group}) == len(group)
    assert len(STANDARD) == 31


# ---- programmes -----------------------------------------------------------------------------------------
def test_programmes_say_where_a_recording_is(library: Library):
    x, there = streams.montage(library, 0)
    assert x.size == streams.FRAGMENTS * streams.FRAGMENT_S * RATE
    assert [a.end - a.start for a in there] == [streams.FRAGMENT_S] * streams.FRAGMENTS
    track = next(t for t in library.material.registered if t.name == there[2].recording)
    source = sound.mono(library.cut(track, there[2].reference, streams.FRAGMENT_S))
    part = x[round(there[2].start * RATE) :][: source.size]
    assert np.corrcoef(part, source)[0, 1] == pytest.approx(1, abs=1e-4)
    x, there = streams.thrice(library, 0)
    assert len(there) == 3
    assert np.array_equal(x[: 10 * RATE], x[20 * RATE :])


def test_unregistered_programmes_go_through_every_change(library: Library):
    names = [streams.unregistered(library, k, 8.0, synthesised=0.0)[1] for k in range(len(streams.CHANGES))]
    assert names == list(streams.CHANGES)


# ---- the report -----------------------------------------------------------------------------------------
def answer(
    name: str, start: float = 0.0, end: float = 10.0, reference: float = 30.0, score: float = 9.0
) -> Answer:
    return Answer(name, start, end, reference, score, 1.0, 0.0)


def asked(answers: list[Answer], *, truth: list[Appearance] | None = None, condition: str = "clean") -> Row:
    there = [Appearance("a", 0, 10, 30.0)] if truth is None else truth
    return Row("excerpt", condition, 10, 0, bool(there), there, answers, 0.1)


def test_a_cell_counts_right_wrong_and_displaced_answers():
    rows = [
        asked([answer("a")]),
        asked([answer("a", reference=30.7)]),
        asked([answer("b", score=12), answer("a", score=5)]),
        asked([]),
    ]
    c = report.cell(rows, 8.0, {})
    assert c["shipped"]["k"] == 2
    assert c["shipped"]["n"] == 4
    assert c["placed"]["k"] == 1
    assert (c["wrong"], c["also"]) == (1, 1)
    assert report.cell(rows, 9.0, {})["at_1_percent"]["k"] == 0
    assert report.cell(rows, 8.0, {"b": "a"})["shipped"]["k"] == 3


def test_an_offset_is_read_at_the_beginning_of_what_sounds():
    late = Answer("a", 4.0, 10.0, 35.0, 9.0, 1.25, 0.0)
    assert report.offset_error(late, Appearance("a", 0, 10, 30.0, 1.25)) == pytest.approx(0)
    assert report.offset_error(late, Appearance("a", 2, 10, 30.0, 1.25)) == pytest.approx(2.5)


def test_thresholds_come_from_the_unregistered_of_the_same_length():
    rows = [asked([answer("a", score=s)], truth=[]) for s in (3.0, 4.0)] + [asked([])]
    assert report.thresholds(rows) == {10: 4.0}


def test_three_times_the_same_are_three_segments_and_one_is_not():
    truth = [Appearance("a", 10 * i, 10 * (i + 1), 30.0) for i in range(3)]
    row = Row(
        "stream", "thrice", 30, 0, True, truth, [answer("a", 10 * i, 10 * i + 9.6) for i in range(3)], 1.0
    )
    told = report.programme([row], {})
    assert told["found"]["k"] == 3
    assert told["all_found"]["k"] == 1
    assert told["both_borders"]["k"] == 3
    assert told["iou_mean"] == pytest.approx(0.96)
    one = report.programme([Row("stream", "thrice", 30, 0, True, truth, [answer("a", 0, 30)], 1.0)], {})
    assert one["found"]["k"] == 1
    assert one["all_found"]["k"] == 0


def test_what_overlaps_nothing_of_its_recording_is_false():
    row = Row(
        "stream",
        "inside, clean",
        180,
        0,
        True,
        [Appearance("a", 50, 65, 0)],
        [answer("a", 51, 64), answer("a", 100, 110), answer("b", 50, 65)],
    )
    told = report.programme([row], {})
    assert told["false"] == 2
    assert told["false_per_hour"] == pytest.approx(40)
    assert told["false_per_hour_upper"] == pytest.approx(20 * 6.2958, abs=0.01)


def test_rows_survive_json_and_tables_hold_every_condition():
    rows = [asked([answer("a")], condition=c.name) for c in STANDARD] + [asked([], truth=[])]
    again = [Row.of(json.loads(json.dumps(r.as_dict()))) for r in rows]
    assert again == rows
    text = "\n".join(report.excerpt_tables(report.excerpts(again, [c.name for c in STANDARD], {})))
    assert all(f"| {c.name} |" in text for c in STANDARD)
    assert "**100.0 / 100.0**" in text


def test_negatives_are_counted_by_hour_and_by_excerpt():
    rows = [
        Row("programme", "as it is", 1800, 0, False, [], [], 60),
        Row("programme", "mp3 32k", 1800, 1, False, [], [answer("a")], 60),
        Row("voices", "as it is", 10, 0, False, [], [], 1),
    ]
    told = negatives.told(rows)
    assert told["programmes"]["an_hour"] == 1
    assert told["programmes"]["an_hour_upper"] == pytest.approx(4.7439, abs=1e-3)
    assert told["excerpts"]["all"][10]["n"] == 1
    assert "| **all** | 2 | 1.00 | 1 | 1.00 (4.74) |" in "\n".join(negatives.tables(told))


def test_the_fit_separates_what_is_apart():
    seen = [
        *(calibrate.Seen(True, [(h, 4.0, 0.8, 0.0, 1.0)], [h]) for h in (8.0, 9.0, 10.0, 4.0)),
        *(calibrate.Seen(False, [(h, 3.0, 0.4, 1.0, 1.0)], [h - 5]) for h in (1.0, 2.0, 3.0, 5.0)),
    ]
    harmony, _, _, changed, _ = calibrate.fitted(seen)
    assert harmony > 0 > changed
    fit = np.array([f for s in seen for f in s.features]) @ calibrate.fitted(seen)
    assert (fit[:4] > 0).all()
    assert (fit[4:] < 0).all()
    assert "log10_lr >=  0.5: registered 1.000, unregistered 0 " in "\n".join(calibrate.lines(seen))


# ---- growth ---------------------------------------------------------------------------------------------
def test_synthetic_recordings_have_the_habits_of_their_sources_and_are_nobodys():
    fps = [
        fingerprint([sound.mono(render(950 + k, 60.0, style="pop", sample_rate=SAMPLE_RATE))], SAMPLE_RATE)
        for k in range(2)
    ]
    sources = [growth.Source.of(fp) for fp in fps]
    made = [growth.synthetic(sources, rng_for(1, "synthetic", k), 60.0) for k in range(2)]
    again = growth.synthetic(sources, rng_for(1, "synthetic", 1), 60.0)
    assert np.array_equal(made[1].keys, again.keys)
    assert not np.array_equal(made[0].keys[:100], made[1].keys[:100])
    for fp in made:
        peaks = fp.peaks()
        assert np.all(np.diff(peaks.ticks.astype(np.int64)) >= 0)
        assert 60 <= fp.duration_s < 65
        assert fp.bands().shape[0] == pytest.approx(fp.duration_s / 60 * fps[0].bands().shape[0], abs=3)
    a, b = growth.statistics(fps, made), growth.statistics(made, fps)
    for name in ("peaks a second", "keys a second"):
        assert b[name] == pytest.approx(a[name], rel=0.4)


def test_a_material_can_be_made_by_hand():
    track = Track("a", Path("a.wav"), 60.0, 1)
    material = Material(1, (track,), (track,), (), (), (), ())
    assert {q.condition for q in plan(material, STANDARD, 1, 1)} == {
        c.name for c in STANDARD if c.needs == ""
    }
