"""Decoding: whole files of every format, bad files of every kind, and what mono is made of."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import hostile_media
from hostile_media import FILES, PIECE_S, RATE, Hostile, encoded, pcm16, piece, wav
from rightscan.errors import PermanentError, UsageError
from rightscan.media.decode import AudioStream, Tap, open_audio
from rightscan.media.encode import encode
from rightscan.media.limits import Limits
from rightscan.media.probe import probe

WANTED = 11025
FORMATS = (
    "wav",
    "mp3",
    "m4a",
    "adts",
    "flac",
    "ogg",
    "opus",
    "wma",
    "aiff",
    "mp4",
    "mov",
    "mkv",
    "webm",
    "avi",
)
LOSSLESS = ("wav", "flac", "aiff", "mkv")


def heard(path: Path, limits: Limits | None = None) -> tuple[np.ndarray, AudioStream]:
    with open_audio(path, limits) as stream:
        sound = np.concatenate(list(stream.blocks(WANTED)))
    return sound, stream


def refusal(path: Path, limits: Limits | None = None) -> PermanentError:
    with pytest.raises(PermanentError) as caught:
        heard(path, limits)
    assert caught.value.cause
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("codec", FORMATS)
def test_a_whole_file_is_complete(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(encoded(codec))
    sound, stream = heard(path)
    assert stream.outcome.complete, stream.outcome.problems
    assert stream.outcome.problems == ()
    assert not stream.outcome.silent
    assert stream.outcome.decoded_duration_s == pytest.approx(PIECE_S, abs=0.1)
    assert sound.size == pytest.approx(PIECE_S * WANTED, abs=0.1 * WANTED)
    assert stream.facts.channels == 2
    assert stream.facts.has_video == (codec in ("mp4", "mov", "mkv", "webm", "avi"))


def test_formats_agree_on_time_and_level(tmp_path: Path) -> None:
    """One sample of offset between formats would blur what is compared across them."""
    sounds = {}
    for codec in LOSSLESS:
        (tmp_path / codec).write_bytes(encoded(codec))
        sounds[codec] = heard(tmp_path / codec)[0]
    for one, other in pairwise(LOSSLESS):
        np.testing.assert_allclose(sounds[one], sounds[other], atol=2e-4)


@pytest.mark.parametrize("bad", FILES, ids=lambda bad: bad.name)
def test_every_bad_file_ends_as_it_should(bad: Hostile, tmp_path: Path) -> None:
    path = hostile_media.write(bad.name, tmp_path)
    if bad.ends not in ("partial", "complete"):
        assert refusal(path).code == bad.ends
        return
    sound, stream = heard(path)
    outcome = stream.outcome
    assert outcome.complete == (bad.ends == "complete"), outcome.problems
    assert outcome.silent == bad.silent
    assert np.isfinite(sound).all()
    if not outcome.complete:
        assert outcome.problems
    if bad.sound_s is not None:
        assert outcome.decoded_duration_s == pytest.approx(bad.sound_s, abs=0.25)


@pytest.mark.parametrize("bad", FILES, ids=lambda bad: bad.name)
def test_the_probe_refuses_what_is_plainly_wrong(bad: Hostile, tmp_path: Path) -> None:
    path = hostile_media.write(bad.name, tmp_path)
    with path.open("rb") as file:
        if bad.refused is None:
            assert probe(file, path.stat().st_size).container
            return
        with pytest.raises(PermanentError) as caught:
            probe(file, path.stat().st_size)
    assert caught.value.code == bad.refused
    assert caught.value.remedy


def test_a_header_that_denies_sound_hides_none(tmp_path: Path) -> None:
    honest = tmp_path / "honest.wav"
    honest.write_bytes(wav(pcm16(piece()), rate=RATE, channels=2))
    lying = hostile_media.write("header_too_short.wav", tmp_path)
    np.testing.assert_array_equal(heard(lying)[0], heard(honest)[0])


def test_inverted_polarity_hides_nothing(tmp_path: Path) -> None:
    """The mean of a channel and its inverse is silence; both channels play as the piece."""
    single = tmp_path / "single.wav"
    single.write_bytes(wav(pcm16(piece()[:, :1]), rate=RATE, channels=1))
    inverted, stream = heard(hostile_media.write("inverted.wav", tmp_path))
    assert not stream.outcome.silent
    np.testing.assert_allclose(inverted, heard(single)[0], atol=2e-3)


def test_inverted_music_under_speech_is_heard(tmp_path: Path) -> None:
    hidden = piece()[:, 0]
    spoken = 0.15 * piece(6)[:, 0]
    path = tmp_path / "hidden.wav"
    path.write_bytes(wav(pcm16(0.7 * np.stack([spoken + hidden, spoken - hidden], 1)), rate=RATE, channels=2))
    single = tmp_path / "single.wav"
    single.write_bytes(wav(pcm16(0.7 * piece()[:, :1]), rate=RATE, channels=1))
    correlation = np.corrcoef(heard(path)[0], heard(single)[0])[0, 1]
    assert correlation > 0.9


def test_mono_is_the_mean_of_ordinary_channels(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    path.write_bytes(wav(pcm16(piece()), rate=RATE, channels=2))
    mean = tmp_path / "mean.wav"
    mean.write_bytes(wav(pcm16(piece().mean(axis=1, keepdims=True)), rate=RATE, channels=1))
    np.testing.assert_allclose(heard(path)[0], heard(mean)[0], atol=2e-4)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 16])
def test_sound_in_any_one_channel_is_heard(channels: int, tmp_path: Path) -> None:
    sound = np.zeros((RATE * 2, channels), np.float32)
    sound[:, -1] = piece()[: RATE * 2, 0]
    path = tmp_path / "one_of_many.wav"
    path.write_bytes(wav(pcm16(sound), rate=RATE, channels=channels))
    got, stream = heard(path)
    assert stream.facts.channels == channels
    assert not stream.outcome.silent
    assert got.size == pytest.approx(2 * WANTED, abs=2)
    assert np.abs(got).max() == pytest.approx(np.abs(sound).max() / channels, rel=0.15)


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "piece.flac"
    path.write_bytes(encoded("flac"))
    assert refusal(path, Limits(max_duration_s=PIECE_S - 1)).code == "too_long"
    assert refusal(path, Limits(max_channels=1)).code == "too_many_channels"
    assert refusal(path, Limits(max_sample_rate=RATE - 1)).code == "sample_rate_too_high"
    assert heard(path, Limits(max_duration_s=PIECE_S + 1))[1].outcome.complete


def test_the_name_plays_no_part(tmp_path: Path) -> None:
    """Not even one that FFmpeg would take for a protocol or an option."""
    for name in ("concat:a|b", "http:", "pipe:0", "방송 🎵", "-i", "sound.txt"):
        path = tmp_path / name
        encode(piece()[:RATE], RATE, tmp_path / "plain", "flac")
        (tmp_path / "plain").rename(path)
        assert heard(path)[1].outcome.complete


def test_the_outcome_waits_for_the_end(tmp_path: Path) -> None:
    path = tmp_path / "piece.flac"
    path.write_bytes(encoded("flac"))
    with open_audio(path) as stream:
        blocks = stream.blocks(WANTED, 1.0)
        next(blocks)
        with pytest.raises(PermanentError) as caught:
            _ = stream.outcome
        assert caught.value.code == "not_decoded"


def test_a_second_sound_track_does_not_replace_the_first(tmp_path: Path) -> None:
    """Of two tracks the one is heard that a player would choose, and the picture is left alone."""
    path = tmp_path / "film.mkv"
    path.write_bytes(encoded("mkv"))
    _, stream = heard(path)
    assert stream.facts.streams == 2
    assert stream.facts.codec == "flac"


def tapped(path: Path, rate: int = 44_100) -> tuple[np.ndarray, list[np.ndarray]]:
    """The mono stream, and what a tap heard meanwhile."""
    blocks: list[np.ndarray] = []
    with open_audio(path) as stream:
        sound = np.concatenate(list(stream.blocks(WANTED, tap=Tap(rate, blocks.append))))
    return sound, blocks


@pytest.mark.parametrize("codec", FORMATS)
def test_a_tap_changes_nothing(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(encoded(codec))
    sound, blocks = tapped(path)
    np.testing.assert_array_equal(sound, heard(path)[0])
    joined = np.concatenate(blocks)
    assert joined.dtype == np.float32
    assert joined.shape[1] == 2
    assert joined.shape[0] / 44_100 == pytest.approx(sound.size / WANTED, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 16])
def test_a_tap_hears_two_channels_at_the_most(channels: int, tmp_path: Path) -> None:
    sound = np.zeros((RATE * 2, channels), np.float32)
    sound[:, 0] = piece()[: RATE * 2, 0]
    path = tmp_path / "many.wav"
    path.write_bytes(wav(pcm16(sound), rate=RATE, channels=channels))
    plain, blocks = tapped(path, RATE)
    np.testing.assert_array_equal(plain, heard(path)[0])
    columns = {block.shape[1] for block in blocks}
    assert len(columns) == 1
    assert columns <= {1, 2}
    joined = np.concatenate(blocks)
    assert joined.shape[0] == RATE * 2
    if channels <= 2:
        np.testing.assert_allclose(joined, sound, atol=1e-4)
    else:
        assert np.corrcoef(joined[:, 0], sound[:, 0])[0, 1] > 0.99


def test_a_tap_goes_on_where_the_channels_change(tmp_path: Path) -> None:
    path = tmp_path / "chained.aac"
    for name, sound in (("mono", piece()[:, :1]), ("stereo", piece())):
        encode(sound, RATE, tmp_path / name, "adts")
    path.write_bytes((tmp_path / "mono").read_bytes() + (tmp_path / "stereo").read_bytes())
    plain, blocks = tapped(path)
    np.testing.assert_array_equal(plain, heard(path)[0])
    assert {block.shape[1] for block in blocks} == {1, 2}
    assert sum(map(len, blocks)) / 44_100 == pytest.approx(plain.size / WANTED, abs=0.01)


def test_what_is_no_number_reaches_no_tap(tmp_path: Path) -> None:
    path = hostile_media.write("not_numbers.wav", tmp_path)
    _, blocks = tapped(path)
    assert np.isfinite(np.concatenate(blocks)).all()


def test_unknown_codec(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        encode(piece(), RATE, tmp_path / "x", "wax")
    assert caught.value.code == "unknown_codec"


def test_real_files_are_complete(media_folder: Path) -> None:
    """No real file may be taken for a damaged one: a few of every format that the folder has."""
    by_format: dict[str, list[Path]] = {}
    for path in sorted((media_folder / "music").rglob("*")) + sorted((media_folder / "voices").rglob("*")):
        if path.suffix in (".mp3", ".ogg", ".flac", ".wav", ".m4a") and path.stat().st_size < 3_000_000:
            by_format.setdefault(path.suffix, []).append(path)
    for paths in by_format.values():
        for path in paths[:: max(1, len(paths) // 4)][:4]:
            _, stream = heard(path)
            assert stream.outcome.complete, (path.name, stream.outcome.problems)
