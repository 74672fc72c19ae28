"""Where the lines of a family stand: ``python -m training.synthesis.lines --fakes DIR``. A measure, no detector."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.synthesis.index import read
from training.synthesis.sound import Sound, read_mono, stft

_SIZE = 16384
_BESIDE = 61  # bins of the running median that stands for the spectrum without lines
_OFFSETS = (0.29, 0.37, 0.61, 0.71)  # of a spacing: where no line of it can stand
_LOWEST_HZ = 1500.0  # below, music has lines of its own


def whitened(sound: Sound) -> NDArray[np.float64]:
    """The long-term spectrum over its running median, dB, float64[8193]."""
    level = 20 * np.log10(np.abs(stft(sound, _SIZE, _SIZE // 2)) + 1e-6).mean(axis=0)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, _BESIDE // 2, mode="edge"), _BESIDE)
    return np.asarray(level - np.median(around, axis=1))


def contrast_db(spectrum: NDArray[np.float64], rate: int, spacing_hz: float, top_hz: float) -> float:
    """How far multiples of a spacing stand over places between them, mean, dB.

    Args:
        spectrum: of ``whitened``.
        rate: Hz.
        spacing_hz: of the lines.
        top_hz: where the band ends.

    Returns:
        0 in the mean where there are no lines; no number where no multiple lies in the band.
    """
    first = int(np.ceil(_LOWEST_HZ / spacing_hz))
    multiples = np.arange(first, int(0.97 * top_hz / spacing_hz) + 1) * spacing_hz

    def mean_at(hertz: NDArray[np.floating]) -> float:
        bins = np.round(hertz * _SIZE / rate).astype(int)
        bins = bins[(bins > 0) & (bins < spectrum.size - 1)]
        return (
            float(np.maximum.reduce([spectrum[bins + step] for step in (-1, 0, 1)]).mean())
            if bins.size
            else np.nan
        )

    if not multiples.size:
        return float("nan")
    return mean_at(multiples) - float(
        np.mean([mean_at(multiples - share * spacing_hz) for share in _OFFSETS])
    )


def spacings(rate: int, settings: str) -> list[float]:
    """Rate over the products of the last strides that an index row names, Hz."""
    strides = next((word[8:] for word in settings.split() if word.startswith("strides=")), "")
    found, product = [], 1
    for stride in reversed([int(part) for part in strides.split("x") if part]):
        product *= stride
        found.append(rate / product)
    return found


def main() -> None:
    """Print, per family, the contrast of its fakes and of their real clips at each spacing."""
    parser = argparse.ArgumentParser(prog="python -m training.synthesis.lines", description=__doc__)
    parser.add_argument("--fakes", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--most", type=int, default=8, help="clips per family and kind")
    args = parser.parse_args()
    rows = read(args.fakes)
    edges = {(row["clip"], row["sample_rate"]): row for row in rows if row["label"] == "real"}
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if spacings(int(row["sample_rate"]), row["settings"]):
            groups[row["family"], row["kind"]].append(row)
    for (family, kind), members in sorted(groups.items()):
        found: dict[float, list[tuple[float, float]]] = defaultdict(list)
        for row in members[: args.most]:
            rate = int(row["sample_rate"])
            real = edges[row["clip"], row["sample_rate"]]
            top_hz = float(real["settings"].removeprefix("edge_hz="))
            pair = [whitened(read_mono(args.fakes / entry["path"], rate)) for entry in (row, real)]
            for spacing in spacings(rate, row["settings"]):
                found[spacing].append(
                    (contrast_db(pair[0], rate, spacing, top_hz), contrast_db(pair[1], rate, spacing, top_hz))
                )
        for spacing, values in found.items():
            fake, true = np.mean(values, axis=0)
            if np.isnan(fake):  # no multiple lies in the band
                continue
            print(
                f"{family:18} {kind:6} n={len(values)} {spacing:8.1f} Hz: fake {fake:5.1f} dB, real {true:5.1f} dB"
            )


if __name__ == "__main__":
    main()
