"""Interleaved timing: in each round everyone runs for a slice of time, so that all share the machine's moods."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from timeit import Timer


@dataclass(frozen=True)
class Times:
    """Seconds per call over the rounds."""

    median: float
    least: float


def timer(function: Callable, args: tuple) -> Timer:
    """A timer of ``function(*args)``, written out: unpacking would add to the short ones."""
    names = [f"a{k}" for k in range(len(args))]
    return Timer(f"function({', '.join(names)})", globals={"function": function, **dict(zip(names, args, strict=True))})


def interleaved(timers: Mapping[str, Timer], rounds: int, slice_seconds: float) -> dict[str, Times]:
    """Seconds per call of every timer; a slice repeats a short call until it lasts about ``slice_seconds``.

    The order changes from round to round, and a call that is not timed warms the caches for each slice.
    """
    repeats = {name: repeats_for(each, slice_seconds) for name, each in timers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    order = list(timers)
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            timers[name].timeit(1)
            seconds[name].append(timers[name].timeit(repeats[name]) / repeats[name])
    return {name: Times(statistics.median(each), min(each)) for name, each in seconds.items()}


def repeats_for(each: Timer, slice_seconds: float) -> int:
    repeats = 1
    while each.timeit(repeats) < slice_seconds / 2:
        repeats *= 2
    return repeats
