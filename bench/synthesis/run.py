"""Asking: every item under every condition, in processes that hold the engine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.processes import spawned, spread
from bench.seeds import rng_for
from bench.sound import RATE, Sound, decode
from bench.synthesis.changes import BY_NAME, Condition, over_backing
from bench.synthesis.engine import Answer, Engine, load
from bench.synthesis.material import Item

_PIECE = 4


@dataclass(frozen=True)
class Row:
    """One question and its answer.

    Attributes:
        name, made_by, fake, site, source: of the item.
        condition: what was done to it.
        seconds: of the sound that was asked about.
        answer: of the engine; None where it failed.
        error: what it failed with.
        cpu_s: processor seconds of the engine.
    """

    name: str
    made_by: str
    fake: bool
    site: str
    source: str
    condition: str
    seconds: float
    answer: Answer | None
    error: str | None
    cpu_s: float

    @property
    def score(self) -> float | None:
        """The score; None where there is none."""
        return self.answer.score if self.answer else None

    @property
    def queued(self) -> bool:
        """Whether the engine's own lower threshold is passed."""
        return bool(self.answer and self.answer.queue)

    @property
    def asserted(self) -> bool:
        """Whether the engine's own upper threshold is passed."""
        return bool(self.answer and self.answer.asserted)

    @property
    def inconclusive(self) -> bool:
        """Whether the engine said that it cannot say."""
        return bool(self.answer and self.answer.axis_c == "inconclusive")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Row:
        """Read what ``as_dict`` made."""
        told = body["answer"]
        answer = Answer(**{**told, "conditions": tuple(told["conditions"])}) if told else None
        return cls(**{**body, "answer": answer})


class Here:
    """What a worker keeps between its tasks."""

    engine: Engine
    seed: int = 1
    backing: tuple[Path, ...] = ()


def _start(engine: str, seed: int, backing: tuple[Path, ...]) -> None:
    Here.engine = load(engine)
    Here.seed = seed
    Here.backing = backing


def ask(items: Sequence[Item], conditions: Sequence[str], seconds: float | None = None) -> list[Row]:
    """Ask this process's engine about items; an item's sound is made once for all conditions.

    Args:
        items: to ask about.
        conditions: names of ``changes.CONDITIONS``.
        seconds: of each sound, for the conditions that do not say how long; None for all of it.
    """
    rows: list[Row] = []
    for item in items:
        try:
            x = item.origin.sound()
        except (OSError, ValueError) as error:
            rows += [_failed(item, name, str(error)) for name in conditions]
            continue
        for condition in (BY_NAME[name] for name in conditions):
            wanted = condition.seconds or seconds
            if condition.seconds and x.shape[0] < condition.seconds * RATE:
                continue
            part = x if wanted is None else x[: round(wanted * RATE)]
            rows.append(_row(item, condition, part))
    return rows


def _failed(item: Item, condition: str, error: str, seconds: float = 0.0, cpu_s: float = 0.0) -> Row:
    facts = (item.name, item.made_by, item.fake, item.site, item.source)
    return Row(*facts, condition, seconds, None, error, cpu_s)


def _row(item: Item, condition: Condition, x: Sound) -> Row:
    # The source, not the class: a fake and the recording it was made from get the same noise, room and backing.
    rng = rng_for(Here.seed, condition.name, item.source)
    if condition.backing:
        x = over_backing(x, _backing(x.shape[0], item, rng_for(Here.seed, "backing", item.source)))
    y = condition.change(x, rng)
    seconds = y.shape[0] / RATE
    began = time.process_time()
    try:
        told = Here.engine(y)
    # An engine is anybody's code: what it fails with is a result of the measurement and stands in the report.
    except Exception as error:  # noqa: BLE001
        spent = time.process_time() - began
        return _failed(item, condition.name, f"{type(error).__name__}: {error}", seconds, spent)
    spent = time.process_time() - began
    facts = (item.name, item.made_by, item.fake, item.site, item.source)
    return Row(*facts, condition.name, round(seconds, 3), Answer.of(told), None, round(spent, 4))


def _backing(n: int, item: Item, rng: Any) -> Sound:
    if not Here.backing:
        raise ValueError("this condition needs a folder of backing recordings: give --backing")
    other = [p for p in Here.backing if p.stem not in item.source]
    for at in rng.permutation(len(other)).tolist():
        x = decode(other[at], channels=2, most_s=60 + n / RATE)
        # From a quarter in, past the beginning, where the recording is long enough for that.
        x = x[max(min(x.shape[0] // 4, x.shape[0] - n), 0) :]
        if x.shape[0] >= n:
            return x
    raise ValueError(f"no backing recording is {n / RATE:.0f} s long")


def _piece(task: tuple[tuple[Item, ...], tuple[str, ...], float | None]) -> list[Row]:
    return ask(*task)


def asked(
    items: Sequence[Item],
    conditions: Sequence[str],
    *,
    engine: str,
    seconds: float | None = None,
    backing: Sequence[Path] = (),
    seed: int = 1,
    jobs: int = 1,
) -> list[Row]:
    """Ask about every item under every condition.

    Args:
        items: to ask about.
        conditions: names of ``changes.CONDITIONS``.
        engine: ``module:attribute``.
        seconds: of each sound, for the conditions that do not say how long.
        backing: recordings for the conditions that need one.
        seed: of the changes.
        jobs: processes; 1 asks in this one.
    """
    load(engine)  # says here, not in a worker, what is wrong with the name
    if jobs == 1:
        _start(engine, seed, tuple(backing))
        return ask(items, conditions, seconds)
    pieces = [
        (tuple(items[at : at + _PIECE]), tuple(conditions), seconds) for at in range(0, len(items), _PIECE)
    ]
    with spawned(jobs, _start, engine, seed, tuple(backing)) as pool:
        return [row for rows in spread(pool, _piece, pieces, f"asked, {_PIECE} at a time") for row in rows]
