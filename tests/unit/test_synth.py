"""The synthesiser makes music that tests may rely on: repeatable, dense, unlike any other, truth exact."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
import unicodedata
from pathlib import Path

import av
import numpy as np
import openpyxl
import pytest
from bench.synth import (
    STYLES,
    DemoSet,
    another_performance,
    demo_catalogue,
    programme,
    render,
    room_noise,
    speech_like,
    stems,
    write_demo,
)
from bench.synth.composition import JANGDAN, compose
from bench.synth.instruments import Gesture, make
from bench.synth.performance import perform
from bench.synth.signal import hertz, ring
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.rights import lineup, vocabulary
from rightscan.rights.identifiers import IdentifierKind, IdentifierOutcome, check

RATE = 16000  # a third of the work; everything tested here lies under 8 kHz


def mono(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=1) if x.ndim == 2 else x


def power(x: np.ndarray, size: int = 1024, hop: int = 256) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(mono(x), size)[::hop] * np.hanning(size)
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2


def correlation(a: np.ndarray, b: np.ndarray) -> tuple[float, int]:
    """Largest normalised cross-correlation over all lags, and the lag of ``b`` in ``a`` in samples."""
    a, b = mono(a).astype(np.float64), mono(b).astype(np.float64)
    n = 1 << (len(a) + len(b)).bit_length()
    c = np.fft.irfft(np.fft.rfft(a, n) * np.conj(np.fft.rfft(b, n)), n)
    lag = int(np.abs(c).argmax())
    return float(np.abs(c[lag]) / np.sqrt((a**2).sum() * (b**2).sum())), lag if lag < n // 2 else lag - n


@pytest.fixture(scope="module")
def music() -> dict[tuple[str, int], np.ndarray]:
    return {(s, seed): render(seed, 15, style=s, sample_rate=RATE) for s in STYLES for seed in range(4)}


# ---- render ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_same_seed_gives_the_same_bytes(style: str) -> None:
    one, two = (render(5, 6, style=style, sample_rate=RATE) for _ in range(2))
    assert one.tobytes() == two.tobytes()


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**40), st.floats(0.3, 3.0), st.sampled_from([8000, RATE, 44100]))
def test_shape_type_and_peak_hold_for_any_seed_length_and_rate(seed: int, seconds: float, rate: int) -> None:
    x = render(seed, seconds, sample_rate=rate)
    assert x.dtype == np.float32
    assert x.shape == (round(seconds * rate), 2)
    assert np.abs(x).max() == pytest.approx(10 ** (-1 / 20), rel=1e-5)


def test_the_seed_alone_chooses_the_style() -> None:
    assert {compose(seed, 5).style for seed in range(40)} == set(STYLES)
    assert (
        render(3, 2, sample_rate=RATE).tobytes()
        == render(3, 2, style=compose(3, 2).style, sample_rate=RATE).tobytes()
    )


@pytest.mark.parametrize(("seed", "style", "seconds"), [(-1, None, 5), (1, "trot", 5), (1, "pop", 0)])
def test_wrong_arguments_are_refused(seed: int, style: str | None, seconds: float) -> None:
    with pytest.raises(ValueError):
        render(seed, seconds, style=style, sample_rate=RATE)


def test_a_shorter_rendering_is_the_beginning_of_a_longer_one() -> None:
    short, long = (
        render(8, 8, style="ballad", sample_rate=RATE),
        render(8, 16, style="ballad", sample_rate=RATE),
    )
    value, lag = correlation(long[: 7 * RATE], short[: 7 * RATE])
    assert (value, lag) == (pytest.approx(1.0, abs=0.06), 0)  # the balance may differ a little


# ---- it sounds like music, not like beeps ------------------------------------------------------------


def test_spectrum_is_neither_a_few_sines_nor_noise(music: dict[tuple[str, int], np.ndarray]) -> None:
    for key, x in music.items():
        p = power(x)[:, 4:] + 1e-12
        loud = p[p.sum(axis=1) > np.percentile(p.sum(axis=1), 30)]
        flatness = np.median(np.exp(np.log(loud).mean(axis=1)) / loud.mean(axis=1))
        assert 5e-4 < flatness < 0.3, key
        inner = loud[:, 1:-1]
        peaks = (inner > loud[:, :-2]) & (inner >= loud[:, 2:]) & (inner > 1e-5 * loud.max(axis=1)[:, None])
        assert np.median(peaks.sum(axis=1)) > 20, key  # three sines have three


def test_all_octaves_from_bass_to_treble_are_used(music: dict[tuple[str, int], np.ndarray]) -> None:
    frequencies = np.fft.rfftfreq(1024, 1 / RATE)
    for key, x in music.items():
        total = power(x).sum(axis=0)
        for low in (125, 250, 500, 1000, 2000):
            share = total[(frequencies >= low) & (frequencies < 2 * low)].sum() / total.sum()
            assert share > 1e-3, (key, low)  # -30 dB


def test_notes_begin_at_a_musical_rate(music: dict[tuple[str, int], np.ndarray]) -> None:
    for key, x in music.items():
        flux = np.maximum(np.diff(np.log1p(1e3 * power(x)), axis=0), 0).mean(axis=1)
        middle = flux[1:-1]
        onsets = (middle > flux[:-2]) & (middle >= flux[2:]) & (middle > flux.mean() + 0.5 * flux.std())
        assert 1.0 < onsets.sum() / 15 < 15, key


def test_it_is_stereo_and_never_falls_silent(music: dict[tuple[str, int], np.ndarray]) -> None:
    for key, x in music.items():
        assert correlation(x[:, :1], x[:, 1:])[0] < 0.999, key
        seconds = np.sqrt((mono(x)[: 14 * RATE].reshape(14, RATE) ** 2).mean(axis=1))
        assert seconds.min() > 0.003, key  # -50 dBFS


# ---- one seed is not another -------------------------------------------------------------------------


def test_pieces_do_not_resemble_each_other(music: dict[tuple[str, int], np.ndarray]) -> None:
    halved = {key: mono(x).reshape(-1, 2).mean(axis=1) for key, x in music.items()}
    n = 1 << 18  # both signals fit behind each other
    spectra = {key: np.fft.rfft(x / np.linalg.norm(x), n) for key, x in halved.items()}
    for (a, x), (b, y) in itertools.combinations(spectra.items(), 2):
        assert np.abs(np.fft.irfft(x * np.conj(y), n)).max() < 0.15, (a, b)


def test_another_performance_is_the_same_work_and_another_recording() -> None:
    for style in STYLES:
        first = render(2, 12, style=style, sample_rate=RATE)
        other = another_performance(2, 1, 12, style=style, sample_rate=RATE)
        assert correlation(first, other)[0] < 0.15
        played, replayed = (perform(2, 3, style=style, sample_rate=8000, take=take) for take in (0, 1))
        assert played.score == replayed.score
        assert 0.04 < abs(replayed.bpm / played.bpm - 1) < 0.15
    assert (
        another_performance(2, 0, 5, style="pop", sample_rate=RATE).tobytes()
        == render(2, 5, style="pop", sample_rate=RATE).tobytes()
    )
    with pytest.raises(ValueError):
        another_performance(2, -1, 5)


def test_a_passage_has_one_right_place_in_its_piece() -> None:
    for seed, style in itertools.product((1, 2), STYLES):
        x = render(seed, 40, style=style, sample_rate=8000)
        cut = x[14 * 8000 : 22 * 8000]
        assert correlation(x, cut)[1] == 14 * 8000
        without = np.concatenate((x[: 14 * 8000], np.zeros_like(cut), x[22 * 8000 :]))
        again = correlation(without, cut)[0] * np.sqrt((mono(without) ** 2).sum() / (mono(cut) ** 2).sum())
        assert again < 0.45, (seed, style)  # the same chorus, but not the same sound


# ---- the composition ---------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(STYLES), st.floats(5, 90))
def test_scores_keep_to_their_scale_range_and_length(seed: int, style: str, seconds: float) -> None:
    score = compose(seed, seconds, style)
    last = score.sections[-1][0] + (2 if score.sections[-1][1] == "i" else 4) * score.bar
    assert last * 60 / score.bpm >= seconds
    used = {round(n.pitch - score.key) % 12 for n in score.tracks["melody"]}
    steps = {
        ("gugak", False): {0, 2, 5, 7, 9},
        ("gugak", True): {0, 3, 5, 7, 10},
    }.get((style, score.minor), {0, 2, 3, 5, 7, 8, 10, 11} if score.minor else {0, 2, 4, 5, 7, 9, 11})
    assert used <= steps
    for notes in score.tracks.values():
        assert all(0 <= n.beat < last and n.beats > 0 and 0 < n.velocity <= 1 for n in notes)
        assert [n.beat for n in notes] == sorted(n.beat for n in notes)


def test_a_longer_score_begins_like_the_shorter_one() -> None:
    short, long = compose(4, 20, "pop"), compose(4, 60, "pop")
    assert long.sections[: len(short.sections)] == short.sections
    for name, notes in short.tracks.items():
        assert long.tracks[name][: len(notes)] == notes


def test_jangdan_strokes_lie_in_their_cycle() -> None:
    for name, jangdan in JANGDAN.items():
        assert jangdan.beats % jangdan.group == 0, name
        assert jangdan.strokes[0][:2] == (0, "deong"), name
        assert all(0 <= at < jangdan.beats for at, _, _ in jangdan.strokes), name


# ---- instruments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["guitar", "gayageum", "piano", "violin", "haegeum", "flute", "voice_low"])
@pytest.mark.parametrize("pitch", [52.0, 64.3])
def test_instruments_are_in_tune(name: str, pitch: float) -> None:
    rng = np.random.default_rng(3)
    x = make(name, 44100, rng).note(Gesture(pitch, 1.2, 0.8), rng)[4410:44100]
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 18))
    cents = np.arange(-100, 101)
    candidates = hertz(pitch) * 2 ** (cents / 1200)
    bins = np.fft.rfftfreq(1 << 18, 1 / 44100)
    harmonic_sum = sum(np.log(np.interp(k * candidates, bins, spectrum) + 1e-9) for k in (1, 2, 3))
    assert abs(cents[int(np.argmax(harmonic_sum))]) < 45  # vibrato may lean to one side


def test_unknown_instrument() -> None:
    with pytest.raises(KeyError):
        make("theremin", RATE, np.random.default_rng(0))


def test_ring_equals_the_sum_of_decaying_sines() -> None:
    f, a, t60, phase = (
        np.array([220.0, 3000.5]),
        np.array([1.0, 0.3]),
        np.array([0.5, 0.1]),
        np.array([0.2, 1.0]),
    )
    t = np.arange(5000) / RATE
    sines = a * np.exp(-6.9078 * t[:, None] / t60) * np.cos(2 * np.pi * f * t[:, None] + phase)
    assert np.allclose(ring(f, a, t60, 5000, RATE, phase), sines.sum(axis=1), atol=1e-5)


# ---- stems -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_stems_add_up_to_the_piece(style: str) -> None:
    whole = render(6, 10, style=style, sample_rate=RATE)
    parts = stems(6, 10, style=style, sample_rate=RATE)
    assert set(parts) <= {"vocals", "melody", "harmony", "bass", "drums"}
    assert {"harmony", "bass"} <= set(parts)
    assert len({"vocals", "melody"} & set(parts)) == 1
    assert all(part.dtype == np.float32 and part.shape == whole.shape for part in parts.values())
    assert np.abs(sum(parts.values()) - whole).max() < 1e-5


def test_songs_are_sung() -> None:
    assert all(
        "vocals" in stems(seed, 12, style=s, sample_rate=8000) for seed in range(3) for s in ("pop", "ballad")
    )


# ---- talk, noise, programmes -------------------------------------------------------------------------


def test_talk_has_syllables_and_pauses() -> None:
    x = speech_like(3, 12, sample_rate=RATE)
    assert x.shape == (12 * RATE, 2)
    assert x.tobytes() == speech_like(3, 12, sample_rate=RATE).tobytes()
    assert correlation(x, speech_like(4, 12, sample_rate=RATE))[0] < 0.15
    envelope = np.sqrt((mono(x).reshape(-1, RATE // 50) ** 2).mean(axis=1))
    quiet = (envelope < 0.05 * envelope.max()).mean()
    assert 0.05 < quiet < 0.6
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
    rate = np.fft.rfftfreq(len(envelope), 1 / 50)
    assert spectrum[(rate > 2) & (rate < 12)].sum() > 0.3 * spectrum[rate > 0.5].sum()


def test_room_noise_has_the_level_asked_for() -> None:
    x = room_noise(1, 4, level_dbfs=-50, sample_rate=RATE)
    assert 10 * np.log10(np.mean(x**2)) == pytest.approx(-50, abs=0.01)
    assert correlation(x[:, :1], x[:, 1:])[0] < 0.95


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from(["silence", "noise", "array"]), st.floats(0.2, 3.0)), min_size=1, max_size=5
    ),
    st.floats(0, 1.5),
)
def test_programme_spans_tile_the_programme(plan: list[tuple[str, float]], crossfade: float) -> None:
    parts = [np.full((round(s * 8000), 2), 0.1, np.float32) if k == "array" else (k, s) for k, s in plan]
    out, spans = programme(parts, sample_rate=8000, crossfade_s=crossfade)
    assert [s.part for s in spans] == list(range(len(plan)))
    assert spans[0].start == 0
    assert spans[-1].end == len(out) / 8000
    for span, (_, seconds) in zip(spans, plan, strict=True):
        assert span.end - span.start == pytest.approx(round(seconds * 8000) / 8000)
    for a, b in itertools.pairwise(spans):
        shorter = min(a.end - a.start, b.end - b.start)
        assert a.end - b.start == pytest.approx(min(crossfade, shorter / 2), abs=2 / 8000)


def test_a_part_lies_where_its_span_says() -> None:
    piece = render(9, 6, style="gugak", sample_rate=RATE)
    out, spans = programme(
        [("talk", 3.0), piece, ("music", 4.0), ("noise", 1.0)], sample_rate=RATE, talk_over=(2,)
    )
    value, lag = correlation(out, piece)
    assert lag == round(spans[1].start * RATE)
    inside = slice(round((spans[1].start + 0.5) * RATE), round((spans[1].end - 0.5) * RATE))
    assert np.allclose(
        out[inside] / out[inside].max(), piece[8000:-8000] / piece[8000:-8000].max(), atol=1e-4
    )
    assert value > 0.3
    assert [(s.kind, s.under_talk) for s in spans] == [
        ("talk", False),
        ("audio", False),
        ("music", True),
        ("noise", False),
    ]
    assert np.abs(out).max() <= 10 ** (-1 / 20) + 1e-6


def test_programme_refuses_nonsense() -> None:
    with pytest.raises(ValueError):
        programme([])
    with pytest.raises(ValueError):
        programme([("applause", 1.0)])


# ---- the demonstration -------------------------------------------------------------------------------


def test_demo_catalogue_is_a_catalogue() -> None:
    pieces = demo_catalogue(1)
    assert pieces == demo_catalogue(1)
    assert len(pieces) == 6
    assert {p.style for p in pieces} == set(STYLES)
    assert all(40 <= p.duration_s <= 60 for p in pieces)
    assert [p.lineup_size - len(p.performers) for p in pieces][:-1] == [0] * 5
    assert pieces[-1].lineup_size > len(pieces[-1].performers)
    for piece in pieces:
        assert check(IdentifierKind.ISRC, piece.isrc).outcome is IdentifierOutcome.VALID_SYNTAX
        assert piece.isrc.startswith("DG")
        assert any(credit.featured for credit in piece.credits)
        for credit in piece.credits:
            role = lineup.role_named(credit.role)
            assert role is not None
            assert role.is_performer
            assert role.category == vocabulary.code_for("category", credit.category)
    people = {p for piece in pieces for p in piece.performers}
    assert len({p.performer_id for p in people}) == len(people)
    assert len({p.name_ko for p in people}) < len(people), "two people of one name"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSet:
    return write_demo(tmp_path_factory.mktemp("synth") / "demo", sample_rate=RATE)


def decode(path: Path) -> np.ndarray:
    """Mono at half the rate: enough to tell what is heard and where."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE // 2)
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        return np.concatenate([f.to_ndarray()[0] for f in [*frames, *resampler.resample(None)]])


def test_demo_catalogue_file_has_korean_headers(demo: DemoSet) -> None:
    layout = vocabulary.load_toml("columns.toml")
    book = openpyxl.load_workbook(demo.catalogue)
    sheets = {name: layout[name]["ko"] for name in layout if name != "consents"}
    assert book.sheetnames == list(sheets.values())
    for name, title in sheets.items():
        headers = [cell.value for cell in book[title][1]]
        known = {column["ko"] for column in layout[name]["columns"].values()}
        assert set(headers) - known <= {"영문곡명"}
    rows = list(book[sheets["recordings"]].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == [p.recording_id for p in (*demo.pieces, *demo.parts)]
    audio = [cell.value for cell in book[sheets["recordings"]][1]].index(
        layout["recordings"]["columns"]["audio"]["ko"]
    )
    for row, piece in zip(rows, (*demo.pieces, *(part.piece for part in demo.parts)), strict=True):
        seconds = len(decode(demo.directory / row[audio])) / (RATE // 2)
        assert seconds == pytest.approx(piece.duration_s, abs=0.01)


def test_demo_uploads_hold_what_is_expected(demo: DemoSet) -> None:
    rate = RATE // 2
    originals = {path.stem: decode(path) for path in (demo.directory / "audio").iterdir()}
    for path, expected in zip(demo.uploads, demo.expected, strict=True):
        if expected.code == "X2":
            with pytest.raises(av.FFmpegError):
                decode(path)
            continue
        heard = decode(path)
        for a in expected.appearances:
            if expected.code == "U2":
                assert a.reference_end - a.reference_start > 1.05 * (a.media_end - a.media_start)
                continue
            assert a.media_end - a.media_start == pytest.approx(a.reference_end - a.reference_start)
            assert 0 <= a.media_start < a.media_end <= len(heard) / rate + 0.1
            passage = originals[a.recording_id][
                round(a.reference_start * rate) : round(a.reference_end * rate)
            ]
            value, lag = correlation(heard, passage)
            if expected.code in ("L1", "A2"):
                assert value < 0.9, "a vocoder gives nothing back as it was"
                continue
            assert lag / rate == pytest.approx(a.media_start, abs=0.08), expected.what  # encoder delay
            assert value > 0.4, expected.what
        if not expected.appearances:
            assert all(correlation(heard, x)[0] < 0.15 for x in originals.values())


def test_demo_covers_every_case(demo: DemoSet) -> None:
    told = " ".join(e.code for e in demo.expected)
    assert told == "U1 U1 U1 U3 N1 X2 U1 U2 L1 A2 H1"
    recordings = {a.recording_id for e in demo.expected for a in e.appearances if e.code == "U3"}
    assert recordings == {demo.pieces[-1].recording_id}
    copies = [e for e in demo.expected if e.same_bytes_as]
    assert len(copies) == 1
    assert (demo.directory / copies[0].path).read_bytes() == (
        demo.directory / copies[0].same_bytes_as
    ).read_bytes()
    for path in demo.uploads:
        assert unicodedata.is_normalized("NFC", path.name)
    written = json.loads((demo.directory / "expected.json").read_text("utf-8"))
    assert [w["path"] for w in written] == [e.path for e in demo.expected]


def test_demo_facts_name_every_upload_in_its_korean_month(demo: DemoSet) -> None:
    with demo.facts.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [demo.facts.parent / row["path"] for row in rows] == list(demo.uploads)
    korea = dt.timezone(dt.timedelta(hours=9))
    for row, expected in zip(rows, demo.expected, strict=True):
        posted = dt.datetime.fromisoformat(row["posted_at"])
        assert f"{posted.astimezone(korea):%Y-%m}" == expected.use_period
        assert dt.datetime.fromisoformat(row["captured_at"]) > posted
        assert vocabulary.code_for("use_type", row["use_type"])
        assert vocabulary.code_for("territory", row["territory"]) == "KR"
        assert row["url"].split("/")[2].endswith(".example")
    assert {e.use_period for e in demo.expected} == {"2026-10", "2026-11"}


def test_a_second_demonstration_is_not_written_over_the_first(demo: DemoSet) -> None:
    with pytest.raises(FileExistsError):
        write_demo(demo.directory, sample_rate=RATE)
