"""Event patterns, the filter language of Lambda's event source mappings, as far as it is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OPERATORS = frozenset({"prefix", "exists", "anything-but"})


def unknown_parts(pattern: Any) -> list[str]:
    """What of a pattern ``matches`` does not understand; empty if it understands all."""
    if isinstance(pattern, Mapping):
        return [part for value in pattern.values() for part in unknown_parts(value)]
    if not isinstance(pattern, list):
        return [repr(pattern)]
    operators = [choice for choice in pattern if isinstance(choice, Mapping)]
    return [repr(choice) for choice in operators if len(choice) != 1 or not set(choice) <= _OPERATORS]


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event has, under each name of the pattern, one of the values that the pattern lists."""
    return all(_matches(part, name, event) for name, part in pattern.items())


def _matches(part: Any, name: str, event: Any) -> bool:
    there = isinstance(event, Mapping) and name in event
    value = event[name] if there else None
    if isinstance(part, Mapping):
        return matches(part, value)
    return any(_chosen(choice, value, there=there) for choice in part)


def _chosen(choice: Any, value: Any, *, there: bool) -> bool:
    if not isinstance(choice, Mapping):
        return there and value == choice
    ((operator, operand),) = choice.items()
    if operator == "exists":
        return there is bool(operand)
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    refused = operand if isinstance(operand, list) else [operand]
    return there and value not in refused
