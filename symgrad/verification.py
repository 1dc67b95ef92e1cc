"""Checks of derivatives: against a closed form, and against differences of the function itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from symgrad.errors import SymgradError

POINTS = 8
MOST_ENTRIES, SAMPLE, DIRECTIONS = 200, 32, 4
TOLERANCE = 1e-8


class VerificationFailed(SymgradError, AssertionError):
    """A derivative differs from its closed form, or from differences of the function."""


@dataclass(frozen=True)
class Verification:
    """The verdict on a closed form.

    ``status`` is ``"proved"`` (equal for every size and value), ``"refuted"`` (``counterexample`` holds the arguments)
    or ``"tested"`` (equal to ``error`` relative to the largest entry, at ``points`` random points).
    """

    status: str
    error: float
    points: int
    counterexample: tuple[Any, ...] | None = None

    @property
    def proved(self) -> bool:
        return self.status == "proved"

    @property
    def refuted(self) -> bool:
        return self.status == "refuted"

    @property
    def tested(self) -> bool:
        return self.status == "tested"

    def assert_equal(self) -> None:
        """Raise ``VerificationFailed`` unless proved or tested."""
        if self.refuted:
            raise VerificationFailed(str(self), remedy="compare d.source() with the closed form")

    def __str__(self) -> str:
        match self.status:
            case "proved":
                return "proved: equal for every size and every value"
            case "refuted":
                return (
                    f"refuted: the largest relative difference is {self.error:.2g}, at the arguments in counterexample"
                )
        return f"tested: equal to {self.error:.1e} at {self.points} points, not proved"


def leaves(structure: Any) -> list[Any]:
    """Numbers and arrays of nested containers, in order."""
    match structure:
        case dict():
            return [leaf for item in structure.values() for leaf in leaves(item)]
        case tuple() | list():
            return [leaf for item in structure for leaf in leaves(item)]
        case _ if hasattr(structure, "__dataclass_fields__"):
            return [leaf for name in structure.__dataclass_fields__ for leaf in leaves(getattr(structure, name))]
    return [structure]


def rebuilt(structure: Any, values: Iterator[Any]) -> Any:
    """A container of the same structure with other leaves."""
    match structure:
        case dict():
            return {key: rebuilt(item, values) for key, item in structure.items()}
        case tuple() if hasattr(structure, "_fields"):
            return type(structure)(*(rebuilt(item, values) for item in structure))
        case tuple() | list():
            return type(structure)(rebuilt(item, values) for item in structure)
        case _ if hasattr(structure, "__dataclass_fields__"):
            return type(structure)(*(rebuilt(getattr(structure, n), values) for n in structure.__dataclass_fields__))
    return next(values)


def is_real(leaf: Any) -> bool:
    """Whether a leaf is a float, or an array of floats."""
    return isinstance(leaf, float) or (isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind == "f")


def difference(left: Any, right: Any) -> float:
    """The largest difference of two results, relative to the largest entry; infinite for other shapes or NaN."""
    first, second = leaves(left), leaves(right)
    if len(first) != len(second):
        return float("inf")
    return max((_leaf_difference(a, b) for a, b in zip(first, second, strict=True)), default=0.0)


def _leaf_difference(a: Any, b: Any) -> float:
    if a is None or b is None:
        return 0.0 if a is b else float("inf")
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return float("inf")
    if a.size == 0 or np.array_equal(a, b, equal_nan=True):
        return 0.0
    scale = max(1.0, float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))))
    error = float(np.max(np.abs(a - b)))
    return float("inf") if math.isnan(error) else error / scale


def compare(derivative: Callable[..., Any], closed_form: Callable[..., Any], args: Sequence[Any]) -> Verification:
    """Numerical comparison at the given arguments and at random changes of them."""
    worst, points = 0.0, 0
    for trial in _points(args):
        with np.errstate(all="ignore"):
            found, wanted = derivative(*trial), closed_form(*trial)
        if not all(np.all(np.isfinite(np.asarray(leaf, float))) for leaf in leaves(wanted) if leaf is not None):
            continue
        points += 1
        error = difference(found, wanted)
        if error > _tolerance(found):
            return Verification("refuted", error, points, tuple(trial))
        worst = max(worst, error)
    return Verification("tested", worst, points)


def _tolerance(result: Any) -> float:
    single = any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(result))
    return 1e-3 if single else TOLERANCE


def _points(args: Sequence[Any]) -> Iterator[list[Any]]:
    yield list(args)
    rng = np.random.default_rng(0)
    for _ in range(POINTS - 1):
        changed = (_changed(leaf, rng) for leaf in leaves(list(args)))
        yield rebuilt(list(args), changed)


def _changed(leaf: Any, rng: np.random.Generator) -> Any:
    if not is_real(leaf):
        return leaf
    factor = 1 + 0.3 * rng.standard_normal(np.shape(leaf))
    return (
        float(leaf * factor)
        if isinstance(leaf, float) and not isinstance(leaf, np.generic)
        else np.asarray(leaf * factor, leaf.dtype)[()]
    )


def check_first_order(
    function: Callable[..., Any], gradient: Sequence[Any], args: Sequence[Any], wrt: Sequence[int], tolerance: float
) -> None:
    """Compare a gradient with Richardson-extrapolated central differences.

    Small arrays are checked entry by entry; of a large one, a sample of entries and some random directions. Raises
    ``VerificationFailed`` that names the worst entry.
    """
    rng = np.random.default_rng(0)
    for position, found in zip(wrt, gradient, strict=True):
        for number, (leaf, slope) in enumerate(zip(leaves(args[position]), leaves(found), strict=True)):
            if is_real(leaf):
                check = _Check(function, args, (position, number), np.asarray(slope, float), tolerance)
                check.run(np.asarray(leaf, float), rng)


def directions(args: Sequence[Any]) -> tuple[Any, ...]:
    """Random tangents for arguments, in their structure; zero for what is no real number."""
    rng = np.random.default_rng(1)

    def tangent(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: tangent(part) for key, part in item.items()}
        if isinstance(item, tuple) and hasattr(item, "_fields"):
            return type(item)(*map(tangent, item))
        if isinstance(item, tuple | list):
            return type(item)(map(tangent, item))
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            fields = {field.name: tangent(getattr(item, field.name)) for field in dataclasses.fields(item)}
            return type(item)(**fields)
        if isinstance(item, np.ndarray) and is_real(item):
            return np.asarray(rng.standard_normal(item.shape), item.dtype)
        return float(rng.standard_normal()) if isinstance(item, float) else item

    return tuple(map(tangent, args))


def check_direction(found: Any, gradient: Sequence[Any], tangents: Sequence[Any], tolerance: float) -> None:
    """Compare a derivative along tangents with that which a gradient gives.

    Raises ``VerificationFailed`` where they differ by more than the tolerance.
    """
    pairs = [pair for two in zip(gradient, tangents, strict=True) for pair in zip(*map(leaves, two), strict=True)]
    terms = [np.sum(np.asarray(slope) * np.asarray(tangent)) for slope, tangent in pairs if is_real(tangent)]
    scale = 1.0 + sum(float(np.sum(np.abs(np.asarray(slope)))) for slope, tangent in pairs if is_real(tangent))
    if not abs(float(found) - float(np.sum(terms))) <= tolerance * scale:
        raise VerificationFailed(f"the derivative along a direction is {found}, by the gradient {np.sum(terms)}")


@dataclass(frozen=True)
class _Check:
    """One leaf of the arguments: the argument's position, the leaf's number, and the gradient that was found."""

    function: Callable[..., Any]
    args: Sequence[Any]
    place: tuple[int, int]
    slope: np.ndarray[Any, Any]
    tolerance: float

    def run(self, leaf: np.ndarray[Any, Any], rng: np.random.Generator) -> None:
        if self.slope.shape != leaf.shape:
            raise VerificationFailed(f"the gradient has shape {self.slope.shape}, its argument {leaf.shape}")
        chosen = np.arange(leaf.size) if leaf.size <= MOST_ENTRIES else rng.choice(leaf.size, SAMPLE, replace=False)
        units = np.zeros((len(chosen), leaf.size))
        units[np.arange(len(chosen)), chosen] = 1.0
        names = [f", entry {tuple(map(int, np.unravel_index(k, leaf.shape)))}" if leaf.shape else "" for k in chosen]
        if len(chosen) < leaf.size:
            units = np.concatenate([units, rng.standard_normal((DIRECTIONS, leaf.size))])
            names += [", in a random direction"] * DIRECTIONS
        scale = max(1.0, float(np.max(np.abs(leaf), initial=0.0)))
        self._compare(units.reshape(-1, *leaf.shape), names, scale)

    def _compare(self, directions: np.ndarray[Any, Any], names: Sequence[str], scale: float) -> None:
        found = np.array([np.sum(self.slope * direction) for direction in directions])
        wanted = np.array([_richardson(partial(self._moved, direction), scale) for direction in directions])
        error = np.abs(found - wanted)
        if np.all(error <= self.tolerance * max(1.0, float(np.max(np.abs(wanted), initial=0.0)))):
            return
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        raise VerificationFailed(
            f"the gradient is wrong at argument {self.place[0]}{names[worst]}: {found[worst]:.10g}, "
            f"but differences give {wanted[worst]:.10g}"
        )

    def _moved(self, direction: np.ndarray[Any, Any], h: float) -> float:
        """The function, with the leaf moved by ``h`` along a direction."""
        position, number = self.place
        items = leaves(self.args[position])
        moved = np.array(items[number], float) + h * direction
        new = moved if isinstance(items[number], np.ndarray) else type(items[number])(moved)
        changed = rebuilt(self.args[position], iter([*items[:number], new, *items[number + 1 :]]))
        return float(self.function(*self.args[:position], changed, *self.args[position + 1 :]))


def _richardson(value: Callable[[float], float], scale: float) -> float:
    """Central differences at ``h``, ``h/2``, ``h/4``, extrapolated to zero (error of order ``h**6``)."""
    step = 3e-4 * scale
    table = [(value(h) - value(-h)) / (2 * h) for h in (step, step / 2, step / 4)]
    first = [(4 * b - a) / 3 for a, b in pairwise(table)]
    return (16 * first[1] - first[0]) / 15
