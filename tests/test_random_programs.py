"""Gradients of random programs against complex steps or differences.

``python tests/test_random_programs.py --programs 5000`` runs more of them, and sums up.
"""

from __future__ import annotations

import argparse
import copy
import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits import Late, patience
from random_programs import Program, generate

import symgrad
from symgrad.errors import InternalError, SymgradError
from symgrad.verification import leaves, rebuilt

STEPS = (1e-3, 1e-4, 1e-2, 1e-5)
RELATIVE, ABSOLUTE = 1e-6, 1e-9
CRASHES = (ArithmeticError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError, Late)


def slope(function: Callable[..., Any], args: Sequence[Any], moves: Sequence[Any], step: complex) -> complex:
    """The value at the arguments moved by ``step``."""
    moved = [leaf if move is None else leaf + step * move for leaf, move in zip(leaves(list(args)), moves, strict=True)]
    return function(*rebuilt(list(args), iter(moved)))


def directional(
    program: Program, function: Callable[..., Any], args: Sequence[Any], moves: Sequence[Any]
) -> Iterator[float]:
    """Derivatives along a direction, the most reliable first."""
    if program.analytic:
        yield slope(function, args, moves, 1e-30j).imag * 1e30
    for h in STEPS:
        table = [(slope(function, args, moves, k) - slope(function, args, moves, -k)) / (2 * k) for k in (h, h / 2)]
        yield (4 * table[1] - table[0]) / 3


def check_gradient(program: Program, function: Callable[..., Any], args: Sequence[Any], found: Sequence[Any]) -> None:
    """Along a random direction of every leaf of every differentiated argument."""
    numbers = np.random.default_rng(0)
    value = abs(function(*args))
    for position, gradient in zip(program.argnums, found, strict=True):
        start = len(leaves(list(args[:position])))
        for number, (leaf, given_slope) in enumerate(zip(leaves(args[position]), leaves(gradient), strict=True)):
            assert np.shape(given_slope) == np.shape(leaf), f"argument {position}: shape {np.shape(given_slope)}"
            assert _suits(given_slope, leaf), f"argument {position}: {_kind(given_slope)} for {_kind(leaf)}"
            direction = numbers.normal(size=np.shape(leaf))
            moves: list[Any] = [None] * len(leaves(list(args)))
            moves[start + number] = direction
            terms = np.asarray(given_slope) * direction
            bound = ABSOLUTE * (1 + value) + RELATIVE * np.sum(np.abs(terms))
            trials = list(directional(program, function, args, moves))
            assert any(abs(np.sum(terms) - trial) <= bound for trial in trials), (
                f"argument {position}, leaf {number}: {np.sum(terms)}, but differences give {trials}"
            )


def _kind(leaf: Any) -> str:
    return str(leaf.dtype) if isinstance(leaf, np.ndarray | np.generic) else type(leaf).__name__


def _suits(gradient: Any, leaf: Any) -> bool:
    """Whether a gradient has the dtype of its argument; for a Python float a scalar of double precision serves."""
    return isinstance(gradient, float) if isinstance(leaf, float) else _kind(gradient) == _kind(leaf)


def _single(leaf: Any) -> Any:
    return leaf.astype(np.float32) if isinstance(leaf, np.ndarray) and leaf.dtype == np.float64 else leaf


def check(program: Program) -> float:
    """Everything that must hold of a program's derivative; the seconds that compiling took."""
    function = program.function()
    both = symgrad.value_and_grad(function, argnums=program.argnums)
    start = time.thread_time()
    both.source(*program.points[0])
    seconds = time.thread_time() - start
    for args in program.points:
        _check_point(program, function, both, args)
    _check_single(program, function, both)
    gradient = symgrad.grad(function, argnums=program.argnums)(*program.points[0])
    wanted = both(*program.points[0])[1]
    assert symgrad.verification.difference(gradient, wanted) < 1e-9, "grad and value_and_grad differ"
    return seconds


def _check_point(program: Program, function: Callable[..., Any], both: Callable[..., Any], args: Sequence[Any]) -> None:
    before = copy.deepcopy(args)
    value, gradient = both(*args)
    expected = function(*args)
    assert value == expected, f"value {value!r}, but the function gives {expected!r}"
    assert _kind(value) == _kind(expected), f"value is {_kind(value)}, but the function gives {_kind(expected)}"
    same = map(np.array_equal, leaves(list(before)), leaves(list(args)))
    assert all(same), "the caller's arrays have changed"
    check_gradient(program, function, args, gradient)


def _check_single(program: Program, function: Callable[..., Any], both: Callable[..., Any]) -> None:
    """In single precision: the dtypes, the value, and roughly the gradient."""
    args = rebuilt(list(program.points[0]), map(_single, leaves(list(program.points[0]))))
    value, gradient = both(*args)
    expected = function(*args)
    assert value == expected, f"float32: value {value!r}, but the function gives {expected!r}"
    assert _kind(value) == _kind(expected), f"float32: value is {_kind(value)}, the function's {_kind(expected)}"
    exact = both(*program.points[0])[1]
    for position, found, wanted in zip(program.argnums, gradient, exact, strict=True):
        for leaf, one, other in zip(leaves(args[position]), leaves(found), leaves(wanted), strict=True):
            assert _suits(one, leaf), f"float32: argument {position}: {_kind(one)} for {_kind(leaf)}"
            scale = 1.0 + np.max(np.abs(other))
            assert np.max(np.abs(np.asarray(one, float) - other)) < 0.05 * scale, f"float32: argument {position}"


def outcome(program: Program) -> tuple[str, float]:
    """Empty, or what is wrong; refusals start with ``refused``. And the seconds of the compilation."""
    start = time.thread_time()
    try:
        with patience(), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)
            return "", check(program)
    except AssertionError as error:
        return f"wrong: {error}", time.thread_time() - start
    except InternalError as error:
        return f"crash: {error.reason}", time.thread_time() - start
    except SymgradError as error:
        return f"refused: {error.reason}", time.thread_time() - start
    except CRASHES as error:
        return f"crash: {type(error).__name__}: {error}", time.thread_time() - start


def programs(seeds: range) -> Iterator[tuple[int, Program]]:
    """The programs of seeds; a few are long."""
    for seed in seeds:
        rng = random.Random(seed)
        made = generate(rng, rng.choice((1, 2, 3, 4, 5, 6, 8, 12, 20)))
        if made is not None:
            yield seed, made


@pytest.mark.parametrize("part", range(10))
def test_gradients_of_random_programs(part):
    for seed, program in programs(range(30 * part, 30 * part + 30)):
        found, _ = outcome(program)
        assert not found or found.startswith("refused"), f"seed {seed}: {found}\n{program.source}"


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_gradients_of_random_programs_that_shrink(rng, statements):
    program = generate(rng, statements)
    if program is not None:
        found, _ = outcome(program)
        assert not found or found.startswith("refused"), f"{found}\n{program.source}"


@dataclass
class Summary:
    """Counts of an offline run."""

    programs: int = 0
    failures: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, int]] = field(default_factory=list)

    def add(self, seed: int, program: Program) -> None:
        self.programs += 1
        found, seconds = outcome(program)
        self.slowest = sorted([*self.slowest, (seconds, seed)], reverse=True)[:10]
        if found.startswith("refused"):
            self.refusals[re.sub(r"\d+|'\w+'", "_", found)] += 1
        elif found:
            self.failures.append(f"seed {seed}: {found}")

    def __str__(self) -> str:
        refused = [f"{count:6} {reason}" for reason, count in self.refusals.most_common()]
        slow = ", ".join(f"{seconds:.1f} s (seed {seed})" for seconds, seed in self.slowest)
        counts = f"{self.programs} programs, {len(self.failures)} failures, {self.refusals.total()} refusals"
        return "\n".join([counts, *self.failures, *refused, f"slowest: {slow}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    summary = Summary()
    for seed, program in programs(range(chosen.seed, chosen.seed + chosen.programs)):
        summary.add(seed, program)
    print(summary)  # noqa: T201


if __name__ == "__main__":
    main()
