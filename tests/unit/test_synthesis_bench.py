"""The synthesis bench: its arithmetic, what it takes for one source, its changes, and what it makes itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import pages, sound
from bench.seeds import rng_for
from bench.sound import RATE, write_wav
from bench.synthesis import __main__ as command
from bench.synthesis import (
    calibrating,
    changes,
    decoder_made,
    engine,
    long_made,
    material,
    measures,
    real_kinds,
    report,
    run,
)
from bench.synthesis.engine import Answer
from bench.synthesis.measures import Comparison, Scored
from bench.synthesis.run import Row
from hypothesis import given
from hypothesis import strategies as st

STAND_IN = f"{__name__}:flat"


def flat(x: Any) -> dict[str, Any]:
    """A stand-in for an engine: how flat the spectrum is."""
    y = sound.decode(Path(x), channels=2) if isinstance(x, str | Path) else x
    assert y.dtype == np.float32
    assert y.shape[1] == 2
    mono = y.mean(axis=1)
    if mono.size < 4096:
        raise ValueError("too short")
    power = np.abs(np.fft.rfft(mono[: mono.size // 4096 * 4096].reshape(-1, 4096), axis=1)) ** 2 + 1e-9
    mean = power.mean(axis=0)
    score = float(np.exp(np.log(mean).mean()) / mean.mean())
    found = score > 0.5
    return {
        "score": score,
        "log10_lr": 2.0 if found else -2.0,
        "axis_c": "detected" if found else "none_found",
        "kind": "full",
        "family": "flat" if found else None,
        "conditions": [],
        "queue": found,
        "assert": score > 0.9,
        "segments": [],
    }


# ---- measures -------------------------------------------------------------------------------------------
def of(scores: list[float], sources: list[str] | None = None) -> Scored:
    return Scored.of(scores, sources or [f"s{i}" for i in range(len(scores))])


def test_auc_counts_ties_half():
    c = Comparison(of([0, 1, 2]), of([1, 3]))
    told = c.told(50)
    assert told["auc"]["value"] == pytest.approx((1.5 + 3) / 6)
    assert told["n_fake"] == 2
    assert told["n_real"] == 3


@given(
    st.lists(st.integers(-9, 9), min_size=1, max_size=30),
    st.lists(st.integers(-9, 9), min_size=1, max_size=30),
)
def test_auc_and_eer_agree_with_counting(negative: list[int], positive: list[int]):
    c = Comparison(of([*map(float, negative)]), of([*map(float, positive)]))
    ones = np.ones(len(negative)), np.ones(len(positive))
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert c.auc(*ones) == pytest.approx(wins / len(negative) / len(positive))
    rates = [
        (sum(p <= t for p in positive) / len(positive), sum(n > t for n in negative) / len(negative))
        for t in (-100, *sorted({*negative, *positive}))
    ]
    missed, flagged = min(rates, key=lambda r: abs(r[0] - r[1]))
    best = abs(missed - flagged)
    fit = [(m + f) / 2 for m, f in rates if math.isclose(abs(m - f), best, abs_tol=1e-9)]
    assert any(c.eer(*ones) == pytest.approx(v) for v in fit)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300), st.sampled_from([0.0, 0.01, 0.1]))
def test_no_more_negatives_than_allowed_lie_above_the_threshold(scores: list[float], allowed: float):
    c = Comparison(of(scores), of([0.0]))
    threshold = c.threshold(allowed, np.ones(len(scores)))
    assert sum(s > threshold for s in scores) <= allowed * len(scores)
    assert threshold in scores
    lower = [s for s in scores if s < threshold]
    assert not lower or sum(s > max(lower) for s in scores) > allowed * len(scores)


def test_no_rate_below_one_in_n_is_stated():
    few = Comparison(of([float(i) for i in range(99)]), of([200.0] * 5))
    assert few.recall_told(0.01, 20) is None
    enough = Comparison(of([float(i) for i in range(100)]), of([98.5, 97.5]))
    assert enough.recall_told(0.01, 20)["k"] == 1
    assert enough.recall_told(0.001, 20) is None
    assert enough.recall_told(0.0, 20)["threshold"] == 99.0
    assert report.at_rate({"recall_1": None, "n_real": 99}, "recall_1") == "not stated, n = 99"


def test_clips_of_one_source_make_wide_intervals():
    one = measures.share([True] * 30, ["a"] * 30)
    each = measures.share([True] * 30, [str(i) for i in range(30)])
    assert one["share"] == each["share"] == 1
    assert one["low"] < 0.03
    assert each["low"] == pytest.approx(0.025 ** (1 / 30), abs=1e-3)
    rng = np.random.default_rng(1)
    people = rng.normal(0, 1, 6)
    clips = [float(p + 0.01 * rng.standard_normal()) for p in people for _ in range(20)]
    names = [f"p{i}" for i in range(6) for _ in range(20)]
    wide = Comparison(of([0.0] * 20), of(clips, names)).told(300)["auc"]
    narrow = Comparison(of([0.0] * 20), of(clips)).told(300)["auc"]
    assert wide["high"] - wide["low"] > 2 * (narrow["high"] - narrow["low"])


def test_a_score_that_is_none_is_lower_than_any():
    c = Comparison(Scored.of([0.0, 1.0], ["a", "b"]), Scored.of([None, 2.0], ["c", "d"]))
    assert c.told(20)["auc"]["value"] == pytest.approx(0.5)


def test_nothing_has_no_figures():
    told = Comparison(of([]), of([1.0])).told()
    assert told == {"n_fake": 1, "n_real": 0, "sources_fake": 1, "sources_real": 0}
    assert measures.share([], [])["share"] is None
    assert measures.loss([], [], [])["points"] is None


def test_loss_is_in_points_of_the_same_clips():
    told = measures.loss([True] * 4, [True, True, True, False], ["a", "b", "c", "d"])
    assert told["points"] == pytest.approx(25)
    assert told["low"] <= 25 <= told["high"]


def test_cllr_of_what_says_nothing_is_one():
    assert measures.cllr([0.0], [0.0]) == pytest.approx(1)
    assert measures.cllr([-6.0], [6.0]) < 1e-5
    assert measures.cllr([3.0], [-3.0]) > 5
    assert measures.cllr([], [1.0]) is None


# ---- material -------------------------------------------------------------------------------------------
def tone(seconds: float, hertz: float = 440.0) -> np.ndarray:
    return np.asarray(0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE), np.float32)


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return np.asarray(0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE)), np.float32)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Two generators: one deep in the tree with real files beside it, one without; voices of two people."""
    for name, x in (
        ("ai/deep/gan/real/song1.wav", tone(2)),
        ("ai/deep/gan/real/song12.wav", tone(2, 500)),
        ("ai/deep/gan/fake/song12_take1.wav", noise(2)),
        ("ai/deep/gan/fake/song1_take1.wav", noise(2, 2)),
        ("ai/deep/gan/fake/short.wav", noise(0.2)),
        ("ai/other/fake/anna/one.wav", noise(3, 3)),
        ("ai/other/fake/anna/two.wav", noise(3, 4)),
        ("voices/hall/kim/a.wav", tone(2, 300)),
        ("voices/hall/kim/b.wav", tone(2, 310)),
        ("voices/hall/lee/a.wav", tone(2, 320)),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, x)
    (tmp_path / "ai/other/fake/broken.wav").write_bytes(b"RIFF")
    return tmp_path


def test_folders_of_any_depth_are_generators_and_sources_are_shared(media: Path):
    found = material.generators(media / "ai")
    by_name = {i.name: i for i in found.items}
    assert {i.made_by for i in found.items} == {"deep/gan", "other"}
    assert by_name["song12_take1.wav"].source == by_name["song12.wav"].source == "song12"
    assert by_name["song1_take1.wav"].source == "song1"
    assert by_name["one.wav"].source == by_name["two.wav"].source == "anna"
    assert len(found.left_out) == 2
    assert {i.made_by for i in material.generators(media / "ai", only=["oth*"]).items} == {"other"}
    assert {i.made_by for i in material.generators(media / "ai", skip=["oth*"]).items} == {"deep/gan"}


def test_a_generator_itself_may_be_given(media: Path):
    assert {i.made_by for i in material.generators(media / "ai/deep/gan").items} == {"gan"}


def test_a_list_of_sources_counts_more_than_names(media: Path):
    (media / "sources.csv").write_text("path,source\ngan/fake/song1_take1.wav,anna\n")
    listed = material.sources_from(media / "sources.csv")
    found = material.generators(media / "ai", listed=listed)
    assert {i.source for i in found.items if i.name == "song1_take1.wav"} == {"anna"}


def test_people_are_sources_and_folders_are_sites(media: Path):
    items = material.by_people("voices", media / "voices").items
    assert {i.site for i in items} == {"voices/hall"}
    assert sorted({i.source for i in items}) == ["voices/hall/kim", "voices/hall/lee"]
    two = material.at_most(items, 2, 1)
    assert len({i.source for i in two}) == 2


@given(st.floats(1, 600), st.floats(5, 120), st.integers(1, 8))
def test_cuts_lie_inside_and_apart(length: float, seconds: float, pieces: int):
    found = material.cuts(Path("a"), length, seconds, pieces)
    assert 1 <= len(found) <= pieces
    ends = 0.0
    for cut in found:
        assert cut.start_s >= ends - 0.002
        ends = cut.start_s + (cut.seconds or 0)
        assert ends <= length + 0.002


def test_long_cases_use_a_clip_once_and_say_when_it_comes_again(media: Path):
    items = material.generators(media / "ai").items
    made = long_made.long_cases(items, 3.5).items
    by = {(i.made_by, i.fake): i for i in made}
    assert by["long-made-here/deep/gan", True].name == "1 of 1"
    assert "looped" in long_made.long_cases(items, 60).items[0].name
    assert all(i.made_by.startswith("long-made-here/") for i in made)
    assert all(i.fake for i in long_made.long_cases(items, 60).items)
    x = by["long-made-here/other", True].origin.sound()
    assert x.shape == (round(3.5 * RATE), 2)
    assert x.dtype == np.float32
    cases = long_made.long_cases(items, 2.5).items
    used = [c for i in cases if i.made_by.endswith("other") for c in i.origin.clips]
    assert len(used) == len(set(used))


def test_joined_clips_keep_one_level():
    x = long_made.joined([tone(1), 0.01 * tone(1)], 2 * RATE)
    assert sound.rms(x[: RATE // 2]) == pytest.approx(sound.rms(x[-RATE // 2 :]), rel=0.1)
    with pytest.raises(ValueError, match="long enough"):
        long_made.joined([tone(0.01)], RATE)


# ---- changes --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [c.name for c in changes.CONDITIONS if not c.backing])
def test_every_change_keeps_two_channels(name: str):
    x = np.stack((tone(2) + noise(2), tone(2, 700) + noise(2, 2)), axis=1)
    condition = changes.BY_NAME[name]
    y = condition.change(x, rng_for(1, name))
    assert y.dtype == np.float32
    assert y.shape[1] == 2
    assert np.isfinite(y).all()
    assert abs(np.corrcoef(y[:, 0], y[:, 1])[0, 1]) < 0.9
    ratio = condition.ratio if condition.family == "speed" else 1.0
    assert y.shape[0] == pytest.approx(2 * RATE / (ratio or 1), rel=0.03)


@pytest.mark.parametrize("name", [c.name for c in changes.CONDITIONS if c.ratio])
def test_a_change_of_speed_or_pitch_moves_a_line_by_its_ratio(name: str):
    condition = changes.BY_NAME[name]
    y = sound.mono(condition.change(sound.stereo(tone(3, 1000)), rng_for(1)))[RATE // 2 : -RATE // 2]
    peak = np.argmax(np.abs(np.fft.rfft(y * np.hanning(y.size), 1 << 20))) * RATE / (1 << 20)
    assert peak == pytest.approx(1000 * condition.ratio, rel=1e-3)


def test_noise_lies_where_it_is_asked_for():
    x = sound.stereo(tone(3))
    y = changes.noisy(x, 20, rng_for(1))
    assert 20 * math.log10(sound.rms(x) / sound.rms(y - x)) == pytest.approx(20, abs=0.1)


def test_wow_sways_the_speed_and_adds_nothing_else():
    x = tone(3, 15_000)
    y = changes.wowed(x, 0.0005, 0.55)
    n = np.arange(x.size)
    turn = 2 * np.pi * 0.55 / RATE
    place = n + 0.0005 / turn * (1 - np.cos(turn * n))
    ideal = 0.3 * np.sin(2 * np.pi * 15_000 * place / RATE)
    assert 20 * math.log10(sound.rms(y[99:-99] - ideal[99:-99]) / sound.rms(x)) < -60
    assert np.array_equal(changes.wowed(sound.stereo(x), 0.0005, 0.55)[:, 1], y)


def test_a_rate_cuts_the_band():
    y = changes.through_rate(sound.stereo(noise(2)), 16_000)
    power = np.abs(np.fft.rfft(y[:, 0])) ** 2
    f = np.fft.rfftfreq(y.shape[0], 1 / RATE)
    assert power[f > 9000].sum() < 1e-4 * power.sum()


# ---- made here ------------------------------------------------------------------------------------------
def test_the_lines_of_a_decoder_stand_where_its_strides_say_and_as_high_as_asked():
    music = sound.stereo(noise(6)) + sound.stereo(tone(6))
    decoder = decoder_made.DECODERS[-1]
    assert decoder.lattices == (500.0, 62.5)
    control = decoder_made.with_lines(music, decoder, None, rng_for(1))
    fake = decoder_made.with_lines(music, decoder, 12.0, rng_for(1))
    n = min(len(control), len(fake))
    lines = fake[:n] - control[:n]
    assert decoder_made.level_db(lines, control, decoder) == pytest.approx(12, abs=0.5)
    amplitude = decoder_made.spectrum(lines)
    tooth = round(5000 * 65536 / RATE)
    assert amplitude[tooth - 2 : tooth + 3].max() > 20 * np.median(amplitude[tooth - 60 : tooth + 61])


def test_a_decoder_in_pieces_is_the_decoder_in_one():
    decoder = decoder_made.Decoder("small", 16000, (4, 2))
    latents = np.random.default_rng(1).standard_normal((600, decoder_made.CHANNELS)).astype(np.float32)
    whole = decoder_made.decoded(latents, decoder, rng_for(1))
    assert whole.shape == (600 * 8, 2)
    later = decoder_made.decoded(latents[200:], decoder, rng_for(1))
    assert np.allclose(whole[210 * 8 :], later[10 * 8 :], atol=1e-5)


def test_a_transposed_convolution_overlaps_as_it_should():
    weights = np.random.default_rng(1).standard_normal((8, 4, 8)).astype(np.float32)
    bias = np.arange(8, dtype=np.float32)
    h = np.random.default_rng(2).standard_normal((5, 8)).astype(np.float32)
    slow = np.zeros((5 * 2 + 2, 8))
    for t in range(5):
        for k in range(4):
            slow[2 * t + k] += h[t] @ weights[:, k]
    assert np.allclose(decoder_made.upsampled(h, (weights, bias), 2), slow[:10] + bias, atol=1e-4)


def test_cases_name_their_level_and_keep_a_control():
    music = decoder_made.own_music(2, 5.0)
    items = decoder_made.cases(music, [0.0], decoder_made.DECODERS[:1]).items
    assert [(i.fake, i.made_by) for i in items[:2]] == [
        (False, "decoder-made-here/EnCodec 24k 8·5·4·2"),
        (True, "decoder-made-here/EnCodec 24k 8·5·4·2 +0 dB"),
    ]
    assert items[0].source == items[1].source != items[2].source


@pytest.mark.parametrize("name", list(real_kinds.KINDS))
def test_every_kind_sounds_and_is_the_same_again(name: str):
    kind = real_kinds.Kind(name, 1, 3.0)
    x = kind.sound()
    assert x.shape[1] == 2
    assert x.shape[0] == pytest.approx(3 * RATE, abs=RATE / 50)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 1
    assert 0.02 < sound.rms(x) <= 0.11
    assert np.array_equal(x, kind.sound())
    assert not np.array_equal(x, real_kinds.Kind(name, 2, 3.0).sound()[: x.shape[0]])


def test_a_looped_sample_has_lines_on_a_lattice_of_its_own():
    x = sound.mono(real_kinds.looped_sample(rng_for(1), 5.0))
    power = np.abs(np.fft.rfft(x * np.hanning(x.size))) ** 2
    assert np.sort(power)[-200:].sum() > 0.5 * power.sum()


# ---- asking and reporting ---------------------------------------------------------------------------------
def test_an_answer_that_lacks_something_is_refused():
    with pytest.raises(ValueError, match="segments"):
        Answer.of({name: None for name in engine.NEEDED if name != "segments"})
    with pytest.raises(ValueError, match="module:attribute"):
        engine.load("no colon")
    with pytest.raises(TypeError, match="called"):
        engine.load("bench.synthesis.engine:OWN")


class Failing:
    def score(self, x: Any) -> dict[str, Any]:
        raise RuntimeError("out of order")


def test_an_engine_that_fails_stands_in_the_report(media: Path):
    items = material.generators(media / "ai").items
    rows = run.asked(items, ["clean"], engine=f"{__name__}:Failing")
    told = report.clean(rows, {}, 20)
    assert told["errors"] == {"RuntimeError: out of order": len(items)}
    assert told["groups"]["all"]["failed_fake"] == 4
    assert "out of order" in "\n".join(report.clean_tables(told))


def test_rows_survive_json(media: Path):
    rows = run.asked(material.generators(media / "ai").items, ["clean"], engine=STAND_IN)
    assert [Row.of(json.loads(json.dumps(r.as_dict()))) for r in rows] == rows


def test_generators_groups_sites_and_conditions_are_told(media: Path):
    items = [
        *material.generators(media / "ai").items,
        *material.by_people("voices", media / "voices").items,
    ]
    rows = run.asked(items, ["clean", "mp3_64", "noise_10", "speed_+3", "length_60"], engine=STAND_IN)
    assert not any(r.condition == "length_60" for r in rows)
    groups = dict([report.group_of("mine=other:voices")])
    told = report.clean(rows, groups, 50)
    assert told["groups"]["all"]["auc"]["value"] == 1
    assert told["groups"]["mine"]["n_real"] == 3
    assert told["groups"]["mine"]["queue_fake"]["k"] == 2
    assert told["generators"]["deep/gan"]["families"] == {"flat": 2}
    assert told["sites"]["voices/hall"]["queue"]["k"] == 0
    assert told["sites"]["all"]["n"] == 5
    text = "\n".join(report.clean_tables(told))
    assert "not stated, n = 5" in text
    robust = report.robust(rows, 50)
    assert list(robust) == ["clean", "mp3_64", "noise_10", "speed_+3"]
    assert robust["mp3_64"]["loss_queue"]["points"] > 0  # the codec cuts the band: no longer flat
    assert robust["clean"]["loss_queue"]["points"] == 0
    assert "| noise_10 |" in "\n".join(report.robust_table(robust))
    controls = report.controls(rows, {}, 20)
    assert controls["mp3_64"]["all"]["queue_fake"]["k"] == 4
    assert "| mp3_64 | all | 4 / 5 |" in "\n".join(report.control_table(controls))


def test_a_group_reads_patterns():
    assert report.group_of("a=b*,c:music")[1] == {"fakes": ["b*", "c"], "reals": ["music"]}
    for text in ("a", "=b", "a="):
        with pytest.raises(ValueError, match="NAME=PATTERN"):
            report.group_of(text)


def test_a_backing_is_the_same_for_a_fake_and_its_original(media: Path):
    write_wav(media / "backing.wav", tone(4, 200))
    items = [i for i in material.generators(media / "ai").items if i.source == "song1"]
    rows = run.asked(items, ["backing_0"], engine=STAND_IN, backing=[media / "backing.wav"])
    assert all(r.answer for r in rows)
    with pytest.raises(ValueError, match="backing"):
        run.asked(items, ["backing_0"], engine=STAND_IN)


@pytest.mark.parametrize("what", ["run", "robust", "long"])
def test_the_commands_keep_what_they_print(
    what: str,
    media: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(command, "KEPT", tmp_path / "kept")
    words = [
        what,
        str(media / "ai"),
        "--real",
        f"voices={media / 'voices'}",
        "--engine",
        STAND_IN,
        "--jobs",
        "1",
    ]
    words += {
        "run": ["--controls", "mp3_64"],
        "robust": ["--conditions", "noise_30"],
        "long": ["--seconds", "3"],
    }[what]
    words += ["--draws", "20"]
    assert command.main(words) == 0
    printed = capsys.readouterr().out
    body = json.loads((tmp_path / "kept" / f"{what}.json").read_text("utf-8"))
    assert body["rows"]
    assert str(media) not in json.dumps(body["head"])
    assert command.main(["report", str(tmp_path / "kept" / f"{what}.json")]) == 0
    assert capsys.readouterr().out.strip() in printed


def test_decoders_and_kinds_say_that_they_are_made_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(command, "KEPT", tmp_path)
    monkeypatch.setattr(decoder_made, "DECODERS", decoder_made.DECODERS[:1])
    monkeypatch.setattr(real_kinds, "KINDS", {"stationary tones": real_kinds.tones})
    monkeypatch.setattr(command.picture, "draw", lambda *_: None)  # a second of matplotlib each
    common = ["--engine", STAND_IN, "--jobs", "1", "--seconds", "4", "--draws", "20"]
    assert command.main(["decoders", "--n", "2", "--levels", "0,12", *common]) == 0
    printed = capsys.readouterr().out
    assert "| decoder | n | +0 dB | +12 dB |" in printed
    assert "no output of a generator" in printed
    assert command.main(["kinds", "--n", "2", "--real", "--conditions", "mp3_128", *common]) == 0
    printed = capsys.readouterr().out
    assert "kinds-made-here/stationary tones" in printed
    assert "Under mp3_128" in printed


def test_sections_of_the_page_are_filled_by_name():
    text = "a\n<!-- synthesis run:start -->\nold\n<!-- synthesis run:end -->\nb"
    assert "\nnew\n" in pages.section(text, "synthesis run", "new")
    with pytest.raises(ValueError, match="synthesis long"):
        pages.section(text, "synthesis long", "new")


# ---- calibration ----------------------------------------------------------------------------------------
def scored_row(made_by: str, fake: bool, source: str, score: float) -> Row:
    answer = Answer(score, None, "none_found", None, None, (), False, False, 0)
    return Row("x", made_by, fake, made_by, source, "clean", 30.0, answer, None, 0.1)


def drawn_rows(apart: float, n: int = 400) -> list[Row]:
    """Normal scores of unit deviation, ``apart`` from each other: the log ratio is known."""
    random = np.random.default_rng(3)
    fakes = [scored_row(f"maker {i % 8}", True, f"f{i}", random.normal(apart)) for i in range(n)]
    return fakes + [scored_row("people", False, f"r{i}", random.normal()) for i in range(n)]


def test_the_fitted_line_is_the_log_ratio_of_the_two_classes():
    knots = (-1.0, 0.0, 1.0, 2.0, 3.0)
    found = calibrating.told(drawn_rows(2.0), knots)
    truth = (2.0 * np.array(knots) - 2.0) / math.log(10)
    assert np.abs(np.array(found["log10_lrs"]) - truth)[1:-1].max() < 0.3
    assert found["log10_lrs"] == sorted(found["log10_lrs"])
    assert found["cllr_left_out"] < 0.6
    assert found["misleading"]["reals_over_1"] < 0.1


def test_scores_that_say_nothing_are_worth_nothing():
    found = calibrating.told(drawn_rows(0.0), (-1.0, 0.0, 1.0, 2.0))
    assert np.abs(found["log10_lrs"]).max() < 0.35
    assert found["cllr_left_out"] == pytest.approx(1.0, abs=0.05)


def test_no_ratio_outgrows_the_number_of_sources():
    few = calibrating.told(drawn_rows(30.0, 16), (0.0, 15.0, 30.0))
    assert max(few["log10_lrs"]) <= math.log10(17) + 0.05
    assert min(few["log10_lrs"]) >= -math.log10(17) - 0.05
