"""Strict reading of a JSON object: every field has a type, and none is left over."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rightscan.errors import PermanentError

T = TypeVar("T")


def flaw(where: str, what: str) -> PermanentError:
    """The error for a card that is not as it must be: ``bad_model_card``."""
    return PermanentError(
        "bad_model_card", f"{where}: {what}", "Correct the card after docs/models.md, or take the model out."
    )


def parse_object(data: bytes, where: str) -> Fields:
    """Parse the bytes of a JSON object; a key given twice, NaN and infinities are flaws."""
    try:
        body = json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)
    except ValueError as error:
        raise flaw(where, f"no JSON object ({error})") from error
    return Fields(body, where)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} is given twice")
    return body


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


class Fields:
    """The fields of one object, taken one by one.

    Args:
        body: the parsed JSON value.
        where: what messages call it.
    """

    def __init__(self, body: Any, where: str) -> None:
        if not isinstance(body, dict):
            raise flaw(where, "must be an object")
        self._left: dict[str, Any] = dict(body)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def filled(self, key: str) -> bool:
        """Whether a field is there and holds something: not null, not an empty list or object."""
        return self._left.get(key) not in (None, [], {})

    def take(self, key: str) -> Any:
        """Any value; the field must be there."""
        if key not in self._left:
            raise flaw(self.where, f"{key} is missing")
        return self._left.pop(key)

    def text(self, key: str) -> str:
        """A string that is not blank."""
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise flaw(self.where, f"{key} must be text that is not blank")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A string that is not blank, or null."""
        return None if self._is_null(key) else self.text(key)

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.take(key)
        if not is_number(value):
            raise flaw(self.where, f"{key} must be a number")
        return float(value)

    def number_or_none(self, key: str) -> float | None:
        """A finite number, or null."""
        return None if self._is_null(key) else self.number(key)

    def count(self, key: str, least: int = 0) -> int:
        """A whole number, ``least`` or more."""
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise flaw(self.where, f"{key} must be a whole number, {least} or more")
        return value

    def choice(self, key: str, of: tuple[str, ...]) -> str:
        """One of several words."""
        value = self.text(key)
        if value not in of:
            raise flaw(self.where, f"{key} is {value!r}, not one of {', '.join(of)}")
        return value

    def within(self, key: str) -> Fields:
        """A nested object."""
        return Fields(self.take(key), f"{self.where}, {key}")

    def within_or_none(self, key: str) -> Fields | None:
        """A nested object, or null."""
        return None if self._is_null(key) else self.within(key)

    def each(self, key: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list of objects, each read the same way."""
        value = self.take(key)
        if not isinstance(value, list):
            raise flaw(self.where, f"{key} must be a list")
        return tuple(read(Fields(item, f"{self.where}, {key}[{i}]")) for i, item in enumerate(value))

    def texts(self, key: str) -> tuple[str, ...]:
        """A string or a list of strings, none of them blank, at least one."""
        value = self.take(key)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not listed:
            raise flaw(self.where, f"{key} must be text or a list of texts")
        if not all(isinstance(item, str) and item.strip() for item in listed):
            raise flaw(self.where, f"{key} must hold texts that are not blank")
        return tuple(listed)

    def rest(self) -> Mapping[str, Any]:
        """Everything that was not taken, as it stands."""
        left, self._left = self._left, {}
        return left

    def finish(self) -> None:
        """Refuse what was not taken: a misspelt field must not be passed over."""
        if self._left:
            raise flaw(self.where, f"unknown field {', '.join(sorted(self._left))}")

    def _is_null(self, key: str) -> bool:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return True
        return False


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
