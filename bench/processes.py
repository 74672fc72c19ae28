"""Worker processes of the benches: how many, how far they are, how much memory they took."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spawned(
    jobs: int | None = None, start: Callable[..., None] | None = None, *given: Any
) -> ProcessPoolExecutor:
    """Return a pool, one process a core by default; spawned, since a fork would copy FFmpeg's threads."""
    return ProcessPoolExecutor(
        jobs or cores(), mp_context=get_context("spawn"), initializer=start, initargs=given
    )


def spread(
    pool: ProcessPoolExecutor, job: Callable[[Item], Result], items: Iterable[Item], say: str
) -> list[Result]:
    """Do all jobs, saying every minute how far they are; results in the order of the items."""
    items = list(items)
    done: list[Result] = []
    told = time.monotonic()
    for result in pool.map(job, items):
        done.append(result)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{say}: {len(done)} of {len(items)}", flush=True)
    return done


def own_peak_mb() -> float:
    """Return the largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
