"""The same wear for a real clip and all of its fakes: ``python -m training.synthesis.augment --fakes DIR --out DIR``.

A recipe is drawn from the clip's name and the number of the variant, never from the label or the family. So
neither codec, rate, noise, room, loudness, length, pitch nor speed tells the classes apart.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from rightscan.media.encode import encode
from training.synthesis.index import Row, append, read
from training.synthesis.sound import Sound, read_mono, resample, rms, write_flac
from training.synthesis.sources import admitted, clips, place, sounds
from training.synthesis.stretch import stretch

_CODECS = {"mp3": (64, 96, 128, 192), "aac": (64, 96, 128), "opus": (32, 48, 64, 96)}  # kbit/s, mono
_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_SHORTEST_S = 3.0
_CEILING = 0.98
_BLOCK = 200


@dataclass(frozen=True)
class Recipe:
    """What happens to a clip, in this order; the defaults leave it as it is.

    Attributes:
        keep: share of the length kept.
        start: where it begins, as a share of what is left over.
        speed: faster and higher above 1, as of a tape.
        pitch: higher above 1, the length stays.
        reverb_s: time to -60 dB; 0 is none.
        wet: loudness of the room beside the sound.
        level_db: peak, dBFS; None keeps it.
        snr_db: of added noise; None is none.
        noise: ``white``, ``pink``, ``brown``, or ``recorded`` where recordings are given.
        rate: carried at this rate, Hz; None keeps it.
        codec: ``mp3``, ``aac``, ``opus``; None is none.
        kbit_s: of the codec.
        seed: of the room and the noise.
    """

    keep: float = 1.0
    start: float = 0.0
    speed: float = 1.0
    pitch: float = 1.0
    reverb_s: float = 0.0
    wet: float = 0.0
    level_db: float | None = None
    snr_db: float | None = None
    noise: str = "white"
    rate: int | None = None
    codec: str | None = None
    kbit_s: int = 0
    seed: int = 0

    def words(self) -> str:
        """The settings that are not the default, for the index."""
        plain = asdict(Recipe())
        return " ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in asdict(self).items()
            if value != plain[name] and name != "seed"
        )


def draw(clip: str, variant: int, rate: int) -> Recipe:
    """The recipe of a clip's variant.

    Args:
        clip: its name, shared by the real clip and all its fakes.
        variant: 0, 1, …
        rate: of the clip, Hz: it is never carried at more than 48 kHz, nor under 16 kHz.

    Returns:
        About half of the steps at once; every step in 15 to 60 % of the recipes.
    """
    seed = zlib.crc32(f"wear/{clip}/{variant}".encode())
    rng = np.random.default_rng(seed)
    recipe = Recipe(
        keep=float(rng.uniform(0.5, 1.0)),
        start=float(rng.random()),
        level_db=float(rng.uniform(-18, -0.5)),
        seed=seed,
    )
    if rng.random() < 0.15:
        recipe = replace(recipe, speed=float(rng.uniform(0.94, 1.06)))
    elif rng.random() < 0.15:
        recipe = replace(recipe, pitch=float(2 ** (rng.uniform(-1.5, 1.5) / 12)))
    if rng.random() < 0.25:
        recipe = replace(recipe, reverb_s=float(rng.uniform(0.15, 1.2)), wet=float(rng.uniform(0.05, 0.4)))
    if rng.random() < 0.35:
        colour = str(rng.choice(["white", "pink", "brown", "recorded"]))
        recipe = replace(recipe, snr_db=float(rng.uniform(12, 40)), noise=colour)
    if rng.random() < 0.3:
        recipe = replace(recipe, rate=int(rng.choice([to for to in _RATES if to != rate])))
    if rng.random() < 0.6:
        codec = str(rng.choice(list(_CODECS)))
        recipe = replace(recipe, codec=codec, kbit_s=int(rng.choice(_CODECS[codec])))
    return recipe


def controls(rate: int) -> dict[str, Recipe]:
    """Formats alone, for real clips that must stay real: every codec at every bit rate, every lower rate."""
    found = {
        f"{codec}-{kbit_s}": Recipe(codec=codec, kbit_s=kbit_s)
        for codec, bit_rates in _CODECS.items()
        for kbit_s in bit_rates
    }
    for to in _RATES:
        if to != rate:
            found[f"resample-{to}"] = Recipe(rate=to)
    return found


def augment(
    sound: Sound, rate: int, recipe: Recipe, recorded: Sequence[tuple[Sound, int]] = ()
) -> tuple[Sound, int]:
    """Carry out a recipe.

    Args:
        sound: float32[n].
        rate: Hz.
        recipe: what to do.
        recorded: noises float32[n] with their rates, Hz; without any, recorded noise is pink.

    Returns:
        float32[m], peak at most 0.98, and its rate: the recipe's or the clip's.
    """
    rng = np.random.default_rng(recipe.seed)
    out = _trim(sound, rate, recipe)
    if recipe.speed != 1.0:
        out = resample(out, 10_000, round(10_000 / recipe.speed))
    if recipe.pitch != 1.0:
        longer = stretch(out, rate, recipe.pitch)
        out = resample(longer, 10_000, round(10_000 / recipe.pitch))
    if recipe.reverb_s > 0:
        out = _reverb(out, rate, recipe, rng)
    if recipe.level_db is not None:
        out = out * np.float32(10 ** (recipe.level_db / 20) / max(float(np.abs(out).max()), 1e-6))
    if recipe.snr_db is not None:
        noise = _noise(out.size, rate, recipe.noise, recorded, rng)
        out = out + noise * np.float32(rms(out) * 10 ** (-recipe.snr_db / 20) / max(rms(noise), 1e-9))
    out = _ceiling(out)
    if recipe.rate is not None:
        out, rate = resample(out, rate, recipe.rate), recipe.rate
    if recipe.codec is not None:
        out = _coded(out, rate, recipe.codec, recipe.kbit_s)
    return _ceiling(out), rate


def _ceiling(sound: Sound) -> Sound:
    peak = float(np.abs(sound).max())
    return np.asarray(sound * min(1.0, _CEILING / max(peak, 1e-9)), dtype=np.float32)


def _trim(sound: Sound, rate: int, recipe: Recipe) -> Sound:
    length = min(sound.size, max(round(recipe.keep * sound.size), round(_SHORTEST_S * rate)))
    start = round(recipe.start * (sound.size - length))
    return sound[start : start + length]


def _reverb(sound: Sound, rate: int, recipe: Recipe, rng: np.random.Generator) -> Sound:
    """Noise that decays exponentially, after 15 ms: the plainest room there is (Moorer 1979)."""
    n = round(recipe.reverb_s * rate)
    room = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    room = np.concatenate((np.zeros(round(0.015 * rate)), room))
    size = 1 << int(np.ceil(np.log2(sound.size + room.size)))
    tail = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size), size)[: sound.size]
    return np.asarray(
        sound + tail * (recipe.wet * rms(sound) / max(rms(tail.astype(np.float32)), 1e-9)), np.float32
    )


def _noise(
    n: int, rate: int, colour: str, recorded: Sequence[tuple[Sound, int]], rng: np.random.Generator
) -> Sound:
    if colour == "recorded" and recorded:
        sound, of_rate = recorded[int(rng.integers(len(recorded)))]
        there = resample(sound, of_rate, rate)
        return np.asarray(np.roll(np.resize(there, n), int(rng.integers(n))), dtype=np.float32)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hertz = np.maximum(np.linspace(0, rate / 2, spectrum.size), 30.0)
    power = {"white": 0.0, "pink": 0.5, "recorded": 0.5, "brown": 1.0}[colour]
    return np.asarray(np.fft.irfft(spectrum / hertz**power, n=n), dtype=np.float32)


def _coded(sound: Sound, rate: int, codec: str, kbit_s: int) -> Sound:
    """Encoded and decoded again, as long as before, at the rate it came with."""
    carried = rate
    if codec == "mp3" and rate not in _MP3_RATES:
        carried = 44100
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded"
        encode(resample(sound, rate, carried), carried, path, codec, 1000 * kbit_s)
        back = read_mono(path, rate)
    return np.asarray(np.pad(back, (0, max(0, sound.size - back.size)))[: sound.size], dtype=np.float32)


def write_worn(fakes: Path, out: Path, variants: int, recorded: Sequence[tuple[Sound, int]] = ()) -> int:
    """Wear every clip of an index, real and fake alike, into another folder with an index of its own.

    Returns:
        How many files were written.
    """
    rows: list[Row] = []
    written = 0
    for entry in read(fakes):
        rate = int(entry["sample_rate"])
        sound = read_mono(fakes / entry["path"], rate)
        for variant in range(variants):
            recipe = draw(entry["clip"], variant, rate)
            rows.append(_worn(entry, sound, recipe, f"worn-{variant}", out, recorded))
            written += 1
        if len(rows) >= _BLOCK:
            append(out, rows)
            rows = []
    append(out, rows)
    return written


def write_controls(fakes: Path, out: Path, most: int) -> int:
    """Real clips of the report split through every format of the fakes' wear; their label stays ``real``.

    Returns:
        How many files were written.
    """
    real = [row for row in read(fakes) if row["label"] == "real" and row["split"] == "report"]
    rows = []
    for entry in sorted(real, key=lambda row: place(row["path"]))[:most]:
        rate = int(entry["sample_rate"])
        sound = read_mono(fakes / entry["path"], rate)
        rows += [_worn(entry, sound, recipe, name, out, ()) for name, recipe in controls(rate).items()]
    append(out, rows)
    return len(rows)


def _worn(
    entry: dict[str, str],
    sound: Sound,
    recipe: Recipe,
    name: str,
    out: Path,
    recorded: Sequence[tuple[Sound, int]],
) -> Row:
    made, rate = augment(sound, int(entry["sample_rate"]), recipe, recorded)
    path = f"{name}/{entry['path']}"
    write_flac(out / path, made, rate)
    kept = {field.name: entry[field.name] for field in fields(Row)}
    kept |= {"path": path, "settings": f"{entry['settings']} | {recipe.words()}"}
    typed = {"lattice": int(kept["lattice"]), "start_s": float(kept["start_s"]), "sample_rate": rate}
    return Row(**(kept | typed))  # type: ignore[arg-type]


def main() -> None:
    """Read the command line and write what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.synthesis.augment", description=__doc__)
    parser.add_argument("--fakes", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--out", type=Path, required=True, help="another folder")
    parser.add_argument("--variants", type=int, default=1, help="recipes per clip")
    parser.add_argument(
        "--control", type=int, default=0, help="instead: so many real clips through every format"
    )
    parser.add_argument("--media", type=Path, help="media folder; its noise of clear licence is added too")
    args = parser.parse_args()
    if args.control:
        print(write_controls(args.fakes, args.out, args.control), "controls, all real")
        return
    noises = [source for source in admitted(args.media) if source.kind == "noise"] if args.media else []
    recorded = [(sound, clip.source.rate) for clip, sound in sounds(clips(noises), args.media)]
    print(write_worn(args.fakes, args.out, args.variants, recorded), "files")


if __name__ == "__main__":
    main()
