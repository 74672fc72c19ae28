"""JSON values as DynamoDB attribute values and back, exactly, and the size DynamoDB bills for them.

DynamoDB has one number type: 38 digits, no difference between 1 and 1.0, no -0.0. A custody digest is
taken over JSON text, where they differ. Numbers that would not come back as they went are therefore
stored as a string set of one, a type that no JSON value takes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Attribute = dict[str, Any]
"""One attribute value as the service writes it: a single type letter and its value."""


def encode(value: Any) -> Attribute:
    """The attribute value of a JSON value.

    Raises:
        ValueError: a float that is no number; JSON has none either.
        TypeError: no JSON value.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            # 38 digits are what the type holds.
            return {"N": str(value)} if abs(value) < 10**38 else {"SS": [str(value)]}
        case float():
            return _encode_float(value)
        case list() | tuple():
            return {"L": [encode(element) for element in value]}
        case Mapping():
            return {"M": {_to_name(name): encode(element) for name, element in value.items()}}
    raise TypeError(f"{type(value).__name__} is no JSON value")


def decode(attribute: Mapping[str, Any]) -> Any:
    """The JSON value of an attribute value that ``encode`` made."""
    ((letter, value),) = attribute.items()
    match letter:
        case "NULL":
            return None
        case "BOOL" | "S":
            return value
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else float(number)
        case "SS":
            return json.loads(next(iter(value)))
        case "L":
            return [decode(element) for element in value]
        case "M":
            return {_from_name(name): decode(element) for name, element in value.items()}
    raise TypeError(f"attribute type {letter} holds no JSON value")


def size(attributes: Mapping[str, Attribute]) -> int:
    """Bytes of an item by DynamoDB's published rules; the 400 KB limit and write units count them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in attributes.items())


def _encode_float(value: float) -> Attribute:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    # Outside 1e-130 … 1e126 the type refuses a number; a whole one would come back as an integer.
    held = not value.is_integer() and 1e-130 <= abs(value) < 1e126
    return {"N": repr(value)} if held else {"SS": [repr(value)]}


# An attribute name may not be empty, a column of somebody's spreadsheet may: one NUL is added to names of
# NULs only and taken off again, so that every name stays its own.
def _to_name(name: str) -> str:
    return name + "\0" if not name.strip("\0") else name


def _from_name(name: str) -> str:
    return name[:-1] if not name.strip("\0") else name


def _value_size(attribute: Attribute) -> int:
    ((letter, value),) = attribute.items()
    match letter:
        case "S":
            return len(value.encode())
        case "N":
            return len(value.strip("-").replace(".", "")) // 2 + 2
        case "SS":
            return sum(len(element.encode()) for element in value)
        case "L":
            return 3 + sum(1 + _value_size(element) for element in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(element) for name, element in value.items())
    return 1
