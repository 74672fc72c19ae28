"""The probe: what it recognises, from how many bytes, and what it leaves to the decoder."""

from __future__ import annotations

import io

import pytest

from hostile_media import RATE, encoded, pcm16, piece, silent_flac, wav
from rightscan.errors import PermanentError, TransientError
from rightscan.media.limits import Limits
from rightscan.media.probe import PROBE_BUDGET, ContainerFacts, mpeg_frame_length, probe


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


def facts(data: bytes, limits: Limits | None = None) -> ContainerFacts:
    return probe(io.BytesIO(data), len(data), limits=limits)


@pytest.mark.parametrize(
    ("codec", "container", "kind"),
    [
        ("wav", "wav", "audio"), ("mp3", "mp3", "audio"), ("m4a", "mov", "audio"), ("adts", "aac", "audio"),
        ("flac", "flac", "audio"), ("ogg", "ogg", "audio"), ("opus", "ogg", "audio"), ("wma", "asf", "audio"),
        ("aiff", "aiff", "audio"), ("mp4", "mov", "video"), ("mov", "mov", "video"), ("mkv", "matroska", "video"),
        ("webm", "matroska", "video"), ("avi", "avi", "video"),
    ],
)  # fmt: skip
def test_containers_are_recognised(codec: str, container: str, kind: str) -> None:
    found = facts(encoded(codec))
    assert (found.container, found.kind) == (container, kind)


def test_an_mp3_that_begins_in_mid_frame() -> None:
    """A recording of a radio stream begins wherever the recorder was switched on."""
    data = encoded("mp3")
    assert facts(data[data.find(b"\xff\xfb") + 77 :]).container == "mp3"


def test_few_bytes_are_read() -> None:
    data = wav(pcm16(piece()) * 30, rate=RATE, channels=2)
    reader = Counting(data)
    assert probe(reader, len(data)).declared_duration_s == pytest.approx(300.0)
    assert reader.read_bytes < 20_000


def test_a_budget_ends_a_long_header() -> None:
    data = b"fLaC" + b"\x04\xff\xff\xff" + bytes(1 << 20)
    reader = Counting(data * 40)
    assert probe(reader, len(data) * 40).container == "flac"
    assert reader.read_bytes <= PROBE_BUDGET + 4096


def test_a_header_may_claim_what_it_likes() -> None:
    """A stream written without a length claims the most there is; the decoder measures."""
    data = wav(bytes(16000), rate=8000, channels=1, bits=8, claimed=0xFFFFFFFF)
    assert facts(data).container == "wav"


def test_limits() -> None:
    data = silent_flac(1.0)
    with pytest.raises(PermanentError) as caught:
        facts(data, Limits(max_bytes=1000))
    assert caught.value.code == "too_large"
    sound = wav(bytes(160_000), rate=8000, channels=1)
    with pytest.raises(PermanentError) as caught:
        facts(sound, Limits(max_duration_s=4.0))
    assert caught.value.code == "too_long"


def test_a_store_that_does_not_answer_is_no_bad_file() -> None:
    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads > 2:
                raise TransientError("store_unreachable", "no answer", "wait")
            return super().read(size)

    data = wav(pcm16(piece()), rate=RATE, channels=2)
    with pytest.raises(TransientError):
        probe(Failing(data), len(data))


def test_frame_lengths() -> None:
    """ISO/IEC 11172-3: 144 × bit rate / sample rate, plus a padding byte."""
    assert mpeg_frame_length(bytes.fromhex("fffb9000")) == 417  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz
    assert mpeg_frame_length(bytes.fromhex("fffb9200")) == 418  # the same, padded
    assert mpeg_frame_length(bytes.fromhex("fff38000")) == 208  # MPEG-2 layer III, 64 kbit/s, 22.05 kHz
    assert mpeg_frame_length(bytes.fromhex("fffd8000")) == 417  # MPEG-1 layer II, 128 kbit/s, 44.1 kHz
    assert mpeg_frame_length(bytes.fromhex("fffbf000")) is None
    assert mpeg_frame_length(b"ID3\x04") is None
