"""The sound that is measured on: pieces of the synthesiser, as a catalogue and as uploads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
from bench.processes import spawned
from bench.synth import render

from rightscan.media.encode import encode

PIECE_S = 200.0
UPLOAD_S = 180.0
"""Length of an upload: the three minutes of a song. A piece is longer, so that uploads can begin at many places."""

BIT_RATE = 128_000


def pieces(work: Path, seeds: Iterable[int], *codecs: str) -> dict[str, list[Path]]:
    """Write the pieces that are not there yet.

    Args:
        work: folder of this run.
        seeds: of the synthesiser.
        codecs: of ``rightscan.media.encode``; lossy ones at 128 kbit/s.

    Returns:
        By codec the files, in the order of the seeds.
    """
    seeds = list(seeds)
    work.mkdir(parents=True, exist_ok=True)
    with spawned() as pool:
        found = list(pool.map(_piece, seeds, [work] * len(seeds), [codecs] * len(seeds)))
    return {codec: [files[codec] for files in found] for codec in codecs}


def _piece(seed: int, work: Path, codecs: tuple[str, ...]) -> dict[str, Path]:
    files = {codec: work / f"piece-{seed}.{codec}" for codec in codecs}
    missing = {codec: path for codec, path in files.items() if not path.exists()}
    if missing:
        sound = render(seed, PIECE_S)
        for codec, path in missing.items():
            partial = path.with_suffix(".part")
            encode(sound, 44100, partial, codec, BIT_RATE if codec in ("mp3", "m4a") else None)
            partial.rename(path)
    return files


def excerpt(sources: list[Path], target: Path, start_s: float, duration_s: float) -> None:
    """Join MP3 files and cut the result, packet by packet, without encoding again.

    Args:
        sources: played one after the other, from the first again where they end too early.
        target: an MP3 file with a correct length in its header.
        start_s: where in the first source to begin, s.
        duration_s: length of the target, s.
    """
    with av.open(str(target), "w", format="mp3") as out:
        stream: Any = None
        written = 0.0
        turn = 0
        while written < duration_s:
            with av.open(str(sources[turn % len(sources)])) as source:
                audio = source.streams.audio[0]
                stream = stream or out.add_stream_from_template(audio)
                for packet in source.demux(audio):
                    if packet.dts is None or packet.duration is None:
                        continue  # the empty packet that ends a file
                    seconds = float(packet.duration * audio.time_base)
                    if turn == 0 and float(packet.dts * audio.time_base) < start_s:
                        continue
                    packet.pts = packet.dts = round(written / audio.time_base)
                    packet.stream = stream
                    out.mux(packet)
                    written += seconds
                    if written >= duration_s:
                        break
            turn += 1
