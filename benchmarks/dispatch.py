"""What a call of a derived function costs besides its work: the guard and the dispatch."""

from __future__ import annotations

from collections.abc import Callable

import losses
import numpy as np
from timing import interleaved, timer

import symgrad


def unguarded(gradient: Callable, args: tuple) -> Callable:
    """The function that the generated source defines: the same body, without the guard."""
    namespace = {"np": np}
    before = set(namespace)
    exec(gradient.source(*args), namespace)
    (function,) = (namespace[name] for name in namespace.keys() - before if callable(namespace[name]))
    return function


def dispatch_seconds(rounds: int, slice_seconds: float) -> dict[str, float]:
    """Median seconds of a call with five array arguments: derived, its bare body, and the difference."""
    args = tuple(np.ones(2) for _ in range(5))
    gradient = symgrad.grad(losses.selection)
    gradient(*args)
    timers = {"derived": timer(gradient, args), "bare body": timer(unguarded(gradient, args), args)}
    times = interleaved(timers, rounds, slice_seconds)
    seconds = {name: each.median for name, each in times.items()}
    return seconds | {"guard and dispatch": seconds["derived"] - seconds["bare body"]}
