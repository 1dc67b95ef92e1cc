"""Random programs whose calls have effects: the value is the function's, the slopes are those of differences."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from random_effects import program

import symgrad
from symgrad.errors import InternalError

SEEDS = range(60)
STEPS = (1e-5, 1e-6, 1e-4, 1e-7)


def compiled(seed: int) -> Callable[..., Any]:
    """The function, with its source where the compiler finds it."""
    name, source = f"<random effects {seed}>", program(seed)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), namespace)
    return namespace["program"]


def points(random: np.random.Generator) -> list[Any]:
    return [random.normal(size=4) * 0.7, float(random.normal() * 0.7), random.normal(size=(4, 4)) * 0.7]


def slopes(at: Callable[[float], float]) -> Iterator[float]:
    """Differences with several steps."""
    for step in STEPS:
        yield (at(step) - at(-step)) / (2 * step)


def is_kink(at: Callable[[float], float]) -> bool:
    """Whether the slopes to the right and to the left differ."""
    right, left = (at(1e-7) - at(0.0)) / 1e-7, (at(0.0) - at(-1e-7)) / 1e-7
    return abs(right - left) > 1e-3 * (abs(right) + 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_with_effects(seed: int) -> None:
    function, random = compiled(seed), np.random.default_rng(seed)
    args = points(random)

    def plain(given: list[Any]) -> float:
        with np.errstate(all="ignore"):
            return function(*[np.copy(arg) if isinstance(arg, np.ndarray) else arg for arg in given])

    value = plain(args)
    if not np.isfinite(value):
        return
    try:
        found, gradient = symgrad.value_and_grad(function, argnums=(0, 1, 2))(*args)
    except InternalError:
        raise
    except symgrad.SymgradError:
        return
    assert found == pytest.approx(value, rel=1e-11)
    for _ in range(3):
        direction = [random.normal(size=np.shape(arg)) for arg in args]
        terms = [np.sum(part * slope) for part, slope in zip(direction, gradient, strict=True)]
        scale = sum(np.sum(np.abs(part * slope)) for part, slope in zip(direction, gradient, strict=True))

        def at(step: float, direction: list[np.ndarray] = direction) -> float:
            moved = [arg + step * part for arg, part in zip(args, direction, strict=True)]
            return plain([arg if np.ndim(arg) else float(arg) for arg in moved])

        close = any(abs(slope - sum(terms)) <= 1e-5 * scale + 1e-6 for slope in slopes(at))
        assert close or is_kink(at), program(seed)
