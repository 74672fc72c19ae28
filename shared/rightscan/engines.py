"""Which engines are on: everything that can say something about synthesis can be switched off by configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rightscan.errors import UsageError

ENGINES = ("lattice", "provenance")
"""Engines without a model file."""

VOICE_ENCODER = "voice-encoder"
"""The model of this repository that hears whose voice it may be."""

PROVIDERS = ("cpu", "cuda")
"""What models may run on."""


@dataclass(frozen=True)
class EngineSettings:
    """What is switched on.

    Attributes:
        lattice: the search for the lattice of spectral lines.
        provenance: reading declarations in the file.
        models: names of the models that may judge; None for every one that is found, () for none.
        separator: name of the model that separates the voice; None for none.
        detectors: external detectors, ``package.module:factory``.
        folders: of plugged-in models.
        provider: what models run on, ``cpu`` or ``cuda``.
        anchors: PEM certificates of the authorities whose C2PA signatures are trusted; none by default.
        encoder: name of the model that hears whose voice it may be; None for none.
        voices: whether this file's voices are heard. A scan sets it while somebody is enrolled; no setting does.
    """

    lattice: bool = True
    provenance: bool = True
    models: tuple[str, ...] | None = None
    separator: str | None = None
    detectors: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    provider: str = "cpu"
    anchors: str = ""
    encoder: str | None = VOICE_ENCODER
    voices: bool = False

    @classmethod
    def from_text(
        cls,
        engines: str = "lattice,provenance",
        models: str = "all",
        separator: str = "none",
        detectors: str = "",
        folders: str = "",
        provider: str = "cpu",
        anchors: str = "",
        encoder: str = VOICE_ENCODER,
    ) -> EngineSettings:
        """Read the settings as they stand in an environment or a file.

        Args:
            engines: those that are on, of ``ENGINES``, with commas between, or ``none``.
            models: ``all``, ``none``, or names with commas between.
            separator: a name, or ``none``.
            detectors: ``package.module:factory`` with commas between.
            folders: paths with commas between.
            provider: ``cpu`` or ``cuda``.
            anchors: PEM certificates, one behind the other.
            encoder: a name, or ``none``.

        Raises:
            UsageError: ``bad_engine_settings`` for a word that stands for nothing.
        """
        on = _names(engines)
        _known("engine", on, ENGINES)
        _known("provider", (provider,), PROVIDERS)
        return cls(
            lattice="lattice" in on,
            provenance="provenance" in on,
            models=None if models.strip() == "all" else _names(models),
            separator=next(iter(_names(separator)), None),
            detectors=_names(detectors),
            folders=tuple(Path(name) for name in _names(folders)),
            provider=provider,
            anchors=anchors,
            encoder=next(iter(_names(encoder)), None),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, for a child process."""
        return asdict(self) | {"folders": [str(folder) for folder in self.folders]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EngineSettings:
        """Read what ``to_json`` gave."""
        tuples = {
            name: None if values[name] is None else tuple(values[name]) for name in ("models", "detectors")
        }
        return cls(**values | tuples | {"folders": tuple(Path(folder) for folder in values["folders"])})


NOTHING_MORE = EngineSettings(lattice=False, provenance=False, models=(), encoder=None)
"""The fingerprint alone: what a recording is registered with, and what `rightscan explain` compares."""


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    return () if names == ("none",) else names


def _known(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(
                "bad_engine_settings", f"no {what} is called {name!r}", f"Use {', '.join(known)}, or none."
            )
