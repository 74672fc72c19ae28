"""What is shipped and plugged in, checked against its cards before any of it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.models.card import CARD_FILE, KINDS, ModelCard, read_card
from rightscan.models.external import ExternalDetector, load_detector
from rightscan.models.session import Model

SHIPPED = Path(__file__).with_name("shipped")
"""The models of this repository, a folder each."""


@dataclass(frozen=True)
class Registry:
    """The models that are switched on, by name; the separator, if any; external detectors.

    Attributes:
        models: those that judge.
        separator: takes the voice from the backing; None where it is switched off.
        detectors: of others.
        known: the cards of everything found, switched on or not.
    """

    models: Mapping[str, Model]
    separator: Model | None
    detectors: tuple[ExternalDetector, ...]
    known: tuple[ModelCard, ...]

    @classmethod
    def open(
        cls,
        folders: Sequence[Path] = (),
        enabled: Collection[str] | None = None,
        *,
        separator: str | None = None,
        detectors: Sequence[str] = (),
        provider: str = "cpu",
        shipped: Path = SHIPPED,
    ) -> Registry:
        """Find the models, and refuse what is not as its card says.

        Args:
            folders: plugged-in models: each the folder of one, or of several.
            enabled: names of the models that may judge; None stands for every one found, separators and
                encoders of voices aside.
            separator: name of the separator; None for none.
            detectors: external ones, ``package.module:factory``.
            provider: ``cpu`` or ``cuda``.
            shipped: the folder of the repository's own.

        Raises:
            PermanentError: ``bad_model_card``, ``model_without_errors`` for any card found; ``model_file_missing``,
                ``model_hash_mismatch`` for a model that is switched on; ``duplicate_model``, ``unknown_model``,
                ``bad_detector``.
        """
        found = _cards([shipped, *folders])
        names = [name for name, (card, _) in found.items() if card.kind not in _NO_JUDGES]
        models = {
            name: _verified(_found(found, name, *_JUDGES), provider)
            for name in sorted(names if enabled is None else set(enabled))
        }
        return cls(
            models=models,
            separator=_verified(_found(found, separator, "separation"), provider) if separator else None,
            detectors=tuple(load_detector(place) for place in detectors),
            known=tuple(card for card, _ in found.values()),
        )

    @classmethod
    def of(cls, engines: EngineSettings) -> Registry:
        """Open what the settings switch on; raises as ``open``."""
        return cls.open(
            engines.folders,
            engines.models,
            separator=engines.separator,
            detectors=engines.detectors,
            provider=engines.provider,
        )

    @classmethod
    def speaker(
        cls, name: str, folders: Sequence[Path] = (), *, provider: str = "cpu", shipped: Path = SHIPPED
    ) -> Model:
        """Open one encoder of voices; it judges nothing and is opened only by name.

        Raises:
            PermanentError: as ``open``.
        """
        return _verified(_found(_cards([shipped, *folders]), name, "speaker"), provider)

    def get(self, name: str) -> Model:
        """The model of a name.

        Raises:
            PermanentError: ``unknown_model`` where none of that name is switched on.
        """
        if name not in self.models:
            raise _unknown(name, self.models)
        return self.models[name]

    def of_kind(self, kind: str) -> tuple[Model, ...]:
        """The models of a kind, by name."""
        return tuple(model for model in self.models.values() if model.card.kind == kind)

    def content_hash(self) -> str:
        """16 hex digits that change with any model, card or detector that is switched on; for version strings."""
        used = [*self.models.values(), *([self.separator] if self.separator else [])]
        content = {
            "models": sorted([m.card.name, m.card.version, m.card.sha256, m.card.digest] for m in used),
            "separator": self.separator.card.name if self.separator else None,
            "detectors": sorted([d.name, d.version, d.card.digest] for d in self.detectors),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


_NO_JUDGES = ("separation", "speaker", "external")
_JUDGES = tuple(kind for kind in KINDS if kind not in _NO_JUDGES)

_Found = Mapping[str, tuple[ModelCard, Path]]


def model_folders(folder: Path) -> Iterator[Path]:
    """The folders of models in a folder: itself where it holds a card, else its subfolders, in order of name.

    Raises:
        PermanentError: ``bad_model_card`` for a subfolder without a card, ``model_folder_missing``.
    """
    if not folder.is_dir():
        raise PermanentError(
            "model_folder_missing",
            f"the folder of models {folder} is not there",
            "Correct the setting, or make the folder.",
        )
    if (folder / CARD_FILE).is_file():
        yield folder
        return
    yield from sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    )


def _cards(folders: Sequence[Path]) -> dict[str, tuple[ModelCard, Path]]:
    found: dict[str, tuple[ModelCard, Path]] = {}
    for place in [place for folder in folders for place in model_folders(folder)]:
        card = read_card(place)
        if card.name in found:
            raise PermanentError(
                "duplicate_model",
                f"{place} and {found[card.name][1]} both hold a model named {card.name}",
                "Give one of them another name, or take it out.",
            )
        found[card.name] = card, place
    return found


def _found(found: _Found, name: str, *kinds: str) -> tuple[ModelCard, Path]:
    fitting = {known: entry for known, entry in found.items() if entry[0].kind in kinds}
    if name not in fitting:
        raise _unknown(name, fitting)
    return fitting[name]


def _verified(entry: tuple[ModelCard, Path], provider: str) -> Model:
    model = Model(*entry, provider)
    model.verify()
    return model


def _unknown(name: str, known: Collection[str]) -> PermanentError:
    return PermanentError(
        "unknown_model",
        f"no model {name!r} is there for this use; there is {', '.join(sorted(known)) or 'none'}",
        "Correct the name in the settings, or plug the model in (docs/models.md).",
    )
