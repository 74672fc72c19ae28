"""Train the decoders and write what they make: ``python -m training.synthesis.decoders --media DIR --out DIR``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.synthesis.decoders.families import DECODERS, Decoder
from training.synthesis.decoders.training import mel_agreement, resynthesise, train
from training.synthesis.fakes import Maker, chosen_clips, make, matched, seed_of
from training.synthesis.sound import Sound, resample
from training.synthesis.sources import Clip, choose, sounds

_SEED = 20261127
_POOL = 100  # clips of the train split held in memory: about 15 minutes of voice, or 30 of music
_MEASURED, _MEASURED_S = 4, 5.0  # clips of the report split, and how much of each


def main() -> None:
    """Read the command line; train, measure and resynthesise family by family."""
    parser = argparse.ArgumentParser(prog="python -m training.synthesis.decoders", description=__doc__)
    parser.add_argument(
        "--media", type=Path, help="media folder with MANIFEST.csv; without it own music alone"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="where FLAC files, index.csv and decoders/ go"
    )
    parser.add_argument("--families", default=",".join(DECODERS), help="names with commas between")
    parser.add_argument("--budget", type=float, default=45.0, help="minutes for all trainings together")
    parser.add_argument("--n", type=int, default=40, help="most voice clips per split; 0 is all")
    parser.add_argument("--n-music", type=int, default=20, help="most music clips per split; 0 is all")
    parser.add_argument("--init-share", type=float, default=0.3, help="of them for decoders never trained")
    parser.add_argument("--more", action="store_true", help="train on where a trained decoder lies in --out")
    parser.add_argument("--own", type=int, default=60, help="pieces of the synthesiser")
    parser.add_argument("--batch-factor", type=int, help="times the batches that suit a processor; GPU: 8")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    if args.device == "cpu":
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)  # decaying Snake and ELU layers reach them, at 20 times the cost
    factor = args.batch_factor or (1 if args.device == "cpu" else 8)
    clips = chosen_clips(args.media, args.own, 0)
    names = args.families.split(",")
    total = sum(decoder.share for decoder in DECODERS.values())
    for name in names:
        decoder = replace(DECODERS[name], batch=factor * DECODERS[name].batch)
        budget_s = 60 * args.budget * decoder.share / total
        _one(decoder, [clip for clip in clips if clip.source.kind in decoder.kinds], budget_s, args)


def _one(decoder: Decoder, clips: list[Clip], budget_s: float, args: argparse.Namespace) -> None:
    folder = args.out / "decoders"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_device("cpu")
    torch.manual_seed(_SEED)
    network = decoder.build().eval()
    checkpoint, record = folder / f"{decoder.name}.pt", folder / f"{decoder.name}.json"
    facts = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    _make(decoder, network, clips, args, steps=0)
    if not facts:
        facts = {"at_first": _measured(decoder, network, clips, args), "steps": 0, "seconds": 0.0}
    else:
        network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    if not facts["steps"] or args.more:
        pool = _pool(decoder, [clip for clip in clips if clip.source.split == "train"], args.media)
        seed = _SEED + facts["steps"]
        outcome = train(decoder, network.to(args.device), pool, budget_s, seed=seed, device=args.device)
        torch.save(network.state_dict(), checkpoint)
        facts |= {
            "family": decoder.name,
            "rate": decoder.rate,
            "strides": decoder.strides,
            "fundamentals_hz": [round(value, 1) for value in decoder.fundamentals],
            "parameters": outcome.parameters,
            "loss": outcome.loss,
            "steps": facts["steps"] + outcome.steps,
            "seconds": round(facts["seconds"] + outcome.seconds, 1),
            "pool_s": round(sum(sound.size for sound in pool) / decoder.rate),
            "trained": _measured(decoder, network, clips, args),
        }
        record.write_text(json.dumps(facts, indent=1), encoding="utf-8")
        print(json.dumps(facts), flush=True)
    _make(decoder, network, clips, args, steps=facts["steps"])


def _make(
    decoder: Decoder, network: nn.Module, clips: list[Clip], args: argparse.Namespace, *, steps: int
) -> None:
    share = 1.0 if steps else args.init_share
    chosen: list[Clip] = []
    for kind, most in (("voice", args.n), ("music", args.n_music)):
        of_kind = [clip for clip in clips if clip.source.kind == kind]
        chosen += choose(of_kind, max(1, round(most * share)) if most else 0)
    print(
        dict(make([_maker(decoder, network, args.device, steps)], chosen, args.media, args.out)),
        flush=True,
    )


def _pool(decoder: Decoder, clips: list[Clip], media: Path | None) -> list[Sound]:
    chosen = sorted(choose(clips, 0)[:_POOL], key=lambda clip: clip.source.path)  # each source is read once
    return [resample(sound, clip.source.rate, decoder.rate) for clip, sound in sounds(chosen, media)]


def _measured(
    decoder: Decoder, network: nn.Module, clips: list[Clip], args: argparse.Namespace
) -> dict[str, float]:
    found = []
    reported = choose([clip for clip in clips if clip.source.split == "report"], 0)[:_MEASURED]
    for clip, sound in sounds(reported, args.media):
        true = resample(sound, clip.source.rate, decoder.rate)[: round(_MEASURED_S * decoder.rate)]
        made = resynthesise(
            network.to(args.device), true, seed=seed_of(clip, decoder.name), device=args.device
        )
        found.append(mel_agreement(matched(true, made, decoder.rate, decoder.rate / 2), true, decoder.rate))
    distance, correlation = np.mean(found, axis=0)
    return {"mel_distance_db": round(float(distance), 2), "mel_correlation": round(float(correlation), 3)}


def _maker(decoder: Decoder, network: nn.Module, device: str, steps: int) -> Maker:
    def speak(sound: Sound, rate: int, rng: np.random.Generator) -> tuple[Sound, str]:
        made = resynthesise(network.to(device), sound, seed=int(rng.integers(2**31)), device=device)
        return made, f"strides={'x'.join(map(str, decoder.strides))} steps={steps}"

    name = decoder.name + ("" if steps else "-init")
    resynthesise_clip: Callable[[Sound, int, np.random.Generator], tuple[Sound, str]] = speak
    return Maker(name, int(bool(decoder.strides)), decoder.rate, frozenset(decoder.kinds), resynthesise_clip)


if __name__ == "__main__":
    main()
