"""The card of a model: what it is, what it was trained on, where it holds, and how often it is wrong.

A model speaks only through its card. ``docs/models.md`` describes every field; anything missing, misspelt or of
another type is refused, and so is a card that does not say how often its model is wrong.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rightscan.errors import PermanentError
from rightscan.models.fields import Fields, flaw, is_number, parse_object

CARD_FILE = "card.json"
KINDS = ("synthesis", "separation", "speaker", "external")
DTYPES = ("float32", "float64", "int64")

FIGURES: Mapping[str, tuple[str, ...]] = {
    "synthesis": (
        "n_fake",
        "n_real",
        "false_alarm_queue",
        "false_alarm_assert",
        "recall_queue",
        "eer",
        "cllr",
    ),
    "separation": ("n", "improvement_vocal_db", "improvement_instrumental_db"),
    "speaker": ("n_same", "n_different", "eer", "cllr"),
    "external": ("n_fake", "n_real", "eer"),
}
"""What every row of an error table must state, by kind; null where it cannot be measured (no fakes, no threshold)."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.onnx")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ArraySpec:
    """One input or output array. A dimension is its size, or a name where the size is free."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Inputs:
    """What goes in: the rate in Hz of the sound it is made from, its length in seconds where that is fixed.

    ``settings`` holds the fields that only the model's own kind reads (names of features, window, hop, …).
    """

    sample_rate: int
    window_s: float | None
    arrays: tuple[ArraySpec, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Outputs:
    """What comes out; ``settings`` as for ``Inputs``."""

    arrays: tuple[ArraySpec, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """One source of training data; ``seconds`` of sound that were used."""

    name: str
    licence: str
    seconds: float


@dataclass(frozen=True)
class TrainingData:
    """What the model was trained on, and by what right."""

    statement: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Thresholds:
    """Scores from which a person is asked (``queue``) and may confirm (``assertion``); None where there is none."""

    queue: float | None
    assertion: float | None


@dataclass(frozen=True)
class ErrorRow:
    """How often the model is wrong under one condition, on one generator.

    ``figures`` holds numbers, pairs of numbers (intervals), and None for what could not be measured.
    """

    condition: str
    generator: str
    figures: Mapping[str, float | tuple[float, float] | None]


@dataclass(frozen=True)
class ModelCard:
    """A card as parsed. ``digest`` is the SHA-256 of its bytes, ``sha256`` that of the model file.

    ``file`` and ``sha256`` are None for ``kind`` ``external``, whose model lies outside.
    """

    name: str
    version: str
    kind: str
    file: str | None
    sha256: str | None
    licence: str
    date: datetime.date
    summary: str
    training_data: TrainingData
    inputs: Inputs
    outputs: Outputs
    validated_conditions: Mapping[str, Any]
    thresholds: Thresholds
    calibration: Mapping[str, Any] | None
    errors: tuple[ErrorRow, ...]
    limitations: tuple[str, ...]
    digest: str = field(compare=False)

    @property
    def trials(self) -> int | None:
        """Independent trials behind the calibration: no ratio beyond so many to one may be stated."""
        return None if self.calibration is None else int(self.calibration["trials"])


def read_card(folder: Path) -> ModelCard:
    """Read ``card.json`` of a model's folder.

    Raises:
        PermanentError: ``bad_model_card`` or ``model_without_errors``.
    """
    path = folder / CARD_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise flaw(str(path), f"cannot be read ({error.strerror})") from error
    return parse_card(data, str(path))


def parse_card(data: bytes, where: str = CARD_FILE) -> ModelCard:
    """Parse the bytes of a card.

    Args:
        data: UTF-8 JSON.
        where: what messages call it.

    Raises:
        PermanentError: ``bad_model_card`` for a field that is missing, unknown or not of its type,
            ``model_without_errors`` where the error table is missing or empty.
    """
    fields = parse_object(data, where)
    kind = fields.choice("kind", KINDS)
    file, sha256 = _model_file(fields, kind)
    card = ModelCard(
        name=_matching(fields, "name", _NAME, "lower case letters, digits and hyphens"),
        version=fields.text("version"),
        kind=kind,
        file=file,
        sha256=sha256,
        licence=fields.text("licence"),
        date=_date(fields),
        summary=fields.text("summary"),
        training_data=_training_data(fields.within("training_data")),
        inputs=_inputs(fields.within("inputs"), kind),
        outputs=_outputs(fields.within("outputs"), kind),
        validated_conditions=_conditions(fields.within("validated_conditions")),
        thresholds=_thresholds(fields.within_or_none("thresholds"), where),
        calibration=_calibration(fields.within_or_none("calibration")),
        errors=_errors(fields, kind),
        limitations=fields.texts("limitations"),
        digest=hashlib.sha256(data).hexdigest(),
    )
    fields.finish()
    if kind == "synthesis" and (card.thresholds.queue is None or card.calibration is None):
        raise flaw(where, "a detector of synthesis needs thresholds.queue and a calibration")
    return card


def _matching(fields: Fields, key: str, pattern: re.Pattern[str], words: str) -> str:
    value = fields.text(key)
    if not pattern.fullmatch(value):
        raise flaw(fields.where, f"{key} must be {words}")
    return value


def _model_file(fields: Fields, kind: str) -> tuple[str | None, str | None]:
    if kind == "external":
        if fields.text_or_none("file") or fields.text_or_none("sha256"):
            raise flaw(fields.where, "an external detector has no file here: file and sha256 must be null")
        return None, None
    file = _matching(fields, "file", _FILE, "the plain name of an .onnx file beside the card")
    return file, _matching(fields, "sha256", _SHA256, "64 hexadecimal digits")


def _date(fields: Fields) -> datetime.date:
    text = fields.text("date")
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise flaw(fields.where, "date must be a day such as 2026-11-27") from error


def _training_data(fields: Fields) -> TrainingData:
    data = TrainingData(fields.text("statement"), fields.each("sources", _source))
    fields.finish()
    return data


def _source(fields: Fields) -> Source:
    source = Source(fields.text("name"), fields.text("licence"), fields.number("seconds"))
    fields.finish()
    if source.seconds < 0:
        raise flaw(fields.where, "seconds must not be negative")
    return source


def _inputs(fields: Fields, kind: str) -> Inputs:
    sample_rate = fields.count("sample_rate", 1)
    window_s = fields.number_or_none("window_s") if "window_s" in fields else None
    if window_s is not None and window_s <= 0:
        raise flaw(fields.where, "window_s must be positive, or null")
    return Inputs(sample_rate, window_s, _arrays(fields, kind), fields.rest())


def _outputs(fields: Fields, kind: str) -> Outputs:
    return Outputs(_arrays(fields, kind), fields.rest())


def _arrays(fields: Fields, kind: str) -> tuple[ArraySpec, ...]:
    if kind == "external" and "arrays" not in fields:
        return ()
    arrays = fields.each("arrays", _array)
    if not arrays or len({array.name for array in arrays}) != len(arrays):
        raise flaw(fields.where, "arrays must name at least one array, each once")
    return arrays


def _array(fields: Fields) -> ArraySpec:
    name, dtype, shape = fields.text("name"), fields.choice("dtype", DTYPES), fields.take("shape")
    fields.finish()
    if not isinstance(shape, list) or not all(_is_dimension(size) for size in shape):
        raise flaw(fields.where, "shape must be a list of sizes (1 or more) and names of free dimensions")
    return ArraySpec(name, dtype, tuple(shape))


def _is_dimension(size: Any) -> bool:
    return (isinstance(size, int) and not isinstance(size, bool) and size > 0) or (
        isinstance(size, str) and bool(size)
    )


def _conditions(fields: Fields) -> Mapping[str, Any]:
    where, conditions = fields.where, fields.rest()
    for key, value in conditions.items():
        if not (value is None or isinstance(value, str | list) or is_number(value)):
            raise flaw(where, f"{key} must be a number, text, a list, or null")
    return conditions


def _thresholds(fields: Fields | None, where: str) -> Thresholds:
    if fields is None:
        return Thresholds(None, None)
    thresholds = Thresholds(fields.number_or_none("queue"), fields.number_or_none("assert"))
    fields.finish()
    if thresholds.assertion is not None and (
        thresholds.queue is None or thresholds.assertion < thresholds.queue
    ):
        raise flaw(where, "thresholds.assert must not lie under thresholds.queue")
    return thresholds


def _calibration(fields: Fields | None) -> Mapping[str, Any] | None:
    if fields is None:
        return None
    trials = fields.count("trials", 1)
    return {**fields.rest(), "trials": trials}


def _errors(fields: Fields, kind: str) -> tuple[ErrorRow, ...]:
    if not fields.filled("errors"):
        raise PermanentError(
            "model_without_errors",
            f"{fields.where}: the card has no error table",
            "Measure the model (docs/models.md) and enter the figures, or take the model out.",
        )
    return fields.each("errors", lambda row: _error_row(row, FIGURES[kind]))


def _error_row(fields: Fields, needed: tuple[str, ...]) -> ErrorRow:
    condition, generator = fields.text("condition"), fields.text("generator")
    trials = {key: fields.count(key) for key in needed if key == "n" or key.startswith("n_")}
    if not any(trials.values()):
        raise flaw(fields.where, "a row of the error table needs trials")
    where, figures = fields.where, {**trials, **fields.rest()}
    missing = [key for key in needed if key not in figures]
    if missing:
        raise flaw(where, f"{', '.join(missing)} missing")
    return ErrorRow(condition, generator, {key: _figure(value, key, where) for key, value in figures.items()})


def _figure(value: Any, key: str, where: str) -> float | tuple[float, float] | None:
    if value is None or is_number(value):
        return value if value is None else float(value)
    if isinstance(value, list) and len(value) == 2 and all(is_number(end) for end in value):
        return float(value[0]), float(value[1])
    raise flaw(where, f"{key} must be a number, an interval of two numbers, or null")
