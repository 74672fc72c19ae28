"""What hears the sound for traces of synthesis, as the settings have it: the comb, models, a separator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.fingerprint import Fingerprint
from rightscan.jobs.fed import Block, Fed
from rightscan.jobs.stem_prints import StemPrint
from rightscan.jobs.voice_standards import VOICE_KIND, named
from rightscan.models import ExternalDetector, Model, Registry, signal_of
from rightscan.rights.axes import Stem
from rightscan.separation import VocalShare, separate
from rightscan.synthesis import SAMPLE_RATE, STEMS, Analyser, Evidence, VoiceEvidence
from rightscan.synthesis.voice import WindowFeatures

_OTHERS_S = 60.0  # what an external detector is given: 21 MB


class Listening:
    """Takes the sound block by block; gives the evidence of all engines that are on.

    Args:
        engines: what is on. Models are opened, and refused where they are not as their cards say.
        prints: whether separated parts are fingerprinted too.

    Raises:
        PermanentError: of ``Registry.open``.
    """

    def __init__(self, engines: EngineSettings, *, prints: bool = False) -> None:
        registry = Registry.of(engines)
        self._voice = next(iter(registry.of_kind(VOICE_KIND)), None)
        self._mix = Analyser(voice=self._voice is not None)
        separator = registry.separator
        self._parts = None if separator is None else _Parts(separator, self._voice, prints=prints)
        self._others = _Others(registry.detectors) if registry.detectors else None

    def add(self, block: Block) -> None:
        """Take float32[n, channels] at ``rightscan.synthesis.SAMPLE_RATE``."""
        self._mix.add(block)
        if self._others is not None:
            self._others.add(_both(block))
        if self._parts is not None:
            self._parts.add(_both(block))

    def finish(self) -> Evidence:
        """Return what was heard."""
        evidence = _heard(self._mix, self._voice)
        if self._others is not None:
            evidence = replace(evidence, signals=self._others.signals())
        if self._parts is None:
            return evidence
        stems, vocal_db = self._parts.finish()
        return replace(evidence, stems=stems, vocal_db=vocal_db)

    def stem_prints(self) -> dict[Stem, Fingerprint]:
        """Return the fingerprints of the separated parts, after ``finish``; empty without a separator."""
        return {} if self._parts is None else self._parts.prints

    def close(self) -> None:
        """Stop what still works, after an error."""
        if self._parts is not None:
            self._parts.close()


class _Others:
    """Asks other people's detectors about the beginning of the sound."""

    def __init__(self, detectors: Sequence[ExternalDetector]) -> None:
        self._detectors = detectors
        self._blocks: list[Block] = []
        self._left = round(_OTHERS_S * SAMPLE_RATE)

    def add(self, block: Block) -> None:
        if self._left > 0:
            self._blocks.append(block[: self._left])
            self._left -= len(self._blocks[-1])

    def signals(self) -> dict[str, float | None]:
        if not self._blocks:
            return {}
        sound = np.concatenate(self._blocks)
        return {f"{d.name}@{d.version}": _asked(d, sound) for d in self._detectors}


def _asked(detector: ExternalDetector, sound: Block) -> float | None:
    try:
        return signal_of(detector, sound, SAMPLE_RATE).score
    except PermanentError:
        # Code of others: that it failed stands in the record as a signal without a score. It stops no search.
        return None


def _both(block: Block) -> Block:
    return np.repeat(block, 2, axis=1) if block.shape[1] == 1 else block


class _Parts:
    """Separates, and hears the parts."""

    def __init__(self, separator: Model, voice: Model | None, *, prints: bool) -> None:
        self._separator, self._voice = separator, voice
        self._share = VocalShare(SAMPLE_RATE)
        self._prints = {stem: StemPrint() for stem in Stem} if prints else {}
        self.prints: dict[Stem, Fingerprint] = {}
        self._analysers = {name: Analyser(voice=voice is not None and name == STEMS[0]) for name in STEMS}
        self._separating = Fed(self._separate)
        self.add = self._separating.add

    def finish(self) -> tuple[dict[str, Evidence], float | None]:
        self._separating.finish()
        self.prints = {stem: made.finish() for stem, made in self._prints.items()}
        stems = {
            name: replace(_heard(a, self._voice if name == STEMS[0] else None), lines=None)
            for name, a in self._analysers.items()
        }
        share = self._share.whole_db
        return stems, None if np.isnan(share) else round(share, 2)

    def close(self) -> None:
        self._separating.close()
        for made in self._prints.values():
            made.close()

    def _separate(self, blocks: Iterator[Block]) -> None:
        for stems in separate(blocks, self._separator, SAMPLE_RATE):
            self._share.add(stems)
            self._analysers["vocal"].add(stems.vocal)
            self._analysers["instrumental"].add(stems.instrumental)
            for stem, made in self._prints.items():
                made.add(getattr(stems, stem.value))


def _heard(analyser: Analyser, voice: Model | None) -> Evidence:
    evidence = analyser.finish()
    windows = analyser.voice_windows()
    if voice is None or windows is None:
        return evidence
    return replace(evidence, voice=_judged(windows, voice))


def _judged(windows: WindowFeatures, voice: Model) -> VoiceEvidence:
    logits = voice.run(values=windows.values)["logit"][:, 0]
    return VoiceEvidence(named(voice.card), windows.times.astype(np.float32), logits, windows.voiced_share)
