"""Gradients cut to size: each entry, each array, or all of them together, as TensorFlow does it.

All take gradients in any nesting, or in a list, as they come from pairs. None stays None, and every array keeps its
dtype. Arrays that need not change are returned as they are, not copied. Norms are formed of scaled entries where
squares would overflow or vanish. Raises ArgumentError for complex numbers, ValueError for bounds that nothing meets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.ir.signature import Arg
from symgrad.optim.containers import Layout, is_number
from symgrad.optim.hyperparameters import as_float
from symgrad.optim.vectors import Vector, as_vector, like

_T = TypeVar("_T")
_VANISHING = 1e-30  # a smaller sum of squares may have lost some of them to underflow, in float32


def clip_by_value(gradient: _T, low: float, high: float) -> _T:
    """Every entry moved into the interval from ``low`` to ``high``; NaN stays NaN.

    >>> clip_by_value({"w": np.array([-3.0, 0.5]), "b": 2.0}, -1.0, 1.0)
    {'w': array([-1. ,  0.5]), 'b': 1.0}
    """
    low, high = as_float("clip_by_value", "low", low), as_float("clip_by_value", "high", high)
    if not low <= high:
        raise ValueError(f"clip_by_value: no number is at least {low} and at most {high}")
    opened = _Opened.of(gradient)
    with np.errstate(over="ignore"):  # a bound may be beyond float32
        bounds = [(vector.dtype.type(low), vector.dtype.type(high)) for vector in opened.vectors]
    return opened.closed(map(_between, opened.vectors, bounds))  # type: ignore[no-any-return]


def clip_by_norm(gradient: _T, most: float) -> _T:
    """Every array shortened to the Euclidean norm ``most`` where it is longer.

    In an array with infinite entries these become NaN and the others zero; with a NaN, all become NaN.

    >>> clip_by_norm([np.array([3.0, 4.0]), 0.5], 1.0)
    [array([0.6, 0.8]), 0.5]
    """
    most = _checked("clip_by_norm", most)
    opened = _Opened.of(gradient)
    return opened.closed(  # type: ignore[no-any-return]
        _shortened(vector, most, *_norm([vector])) for vector in opened.vectors
    )


def clip_by_global_norm(gradient: _T, most: float) -> tuple[_T, float]:
    """All arrays shortened by one factor so that their common norm is at most ``most``; and the norm before.

    If an entry is NaN or infinite, all become NaN, and the norm tells. Pascanu, Mikolov, Bengio, "On the difficulty
    of training recurrent neural networks" (ICML 2013).

    >>> clip_by_global_norm({"w": np.array([3.0]), "b": 4.0}, 1.0)
    ({'w': array([0.6]), 'b': 0.8}, 5.0)
    """
    most = _checked("clip_by_global_norm", most)
    opened = _Opened.of(gradient)
    scale, norm = _norm(opened.vectors)
    used = norm if math.isfinite(norm) else math.nan
    return opened.closed(_shortened(vector, most, scale, used) for vector in opened.vectors), scale * norm


def global_norm(gradient: Any) -> float:
    """The Euclidean norm of all entries together, not finite if one is not.

    >>> global_norm({"w": np.array([3.0]), "b": 4.0})
    5.0
    """
    return math.prod(_norm(_Opened.of(gradient).vectors))


@dataclass(frozen=True)
class _Opened:
    """A gradient's leaves, and those of them that are numbers as arrays."""

    layout: Layout
    leaves: list[Any]
    vectors: list[Vector]

    @classmethod
    def of(cls, gradient: Any) -> _Opened:
        layout = Layout.of(gradient, "gradient")
        leaves = layout.flatten(gradient, "gradient")
        pairs = zip(layout.leaves, leaves, strict=True)
        return cls(layout, leaves, [_real(name, leaf) for (name, arg), leaf in pairs if is_number(arg)])

    def closed(self, vectors: Iterable[Vector]) -> Any:
        """The gradient with other numbers."""
        rest = zip(self.vectors, vectors, strict=True)
        pairs = zip(self.layout.leaves, self.leaves, strict=True)
        return self.layout.rebuilt(_replaced(arg, leaf, rest) for (_, arg), leaf in pairs)


def _replaced(arg: Arg, leaf: Any, rest: Iterator[tuple[Vector, Vector]]) -> Any:
    if not is_number(arg):
        return leaf
    before, after = next(rest)
    return leaf if after is before else like(leaf, after)


def _real(name: str, leaf: Any) -> Vector:
    vector = as_vector(leaf)
    if vector.dtype.kind == "c":
        raise ArgumentError(f"{name} is complex", remedy="clip its real and its imaginary part")
    return vector if vector.dtype.kind == "f" else vector.astype(float)


def _checked(owner: str, most: float) -> float:
    number = as_float(owner, "most", most)
    if not number >= 0:
        raise ValueError(f"{owner}: no norm is at most {most}")
    return number


def _norm(vectors: Sequence[Vector]) -> tuple[float, float]:
    """A scale, and the norm in units of it: their product may overflow."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = sum(map(_square, vectors))
    if _VANISHING < total < math.inf:
        return 1.0, math.sqrt(total)
    largest = [float(np.max(np.abs(vector), initial=0.0)) for vector in vectors]
    scale = math.fsum(largest) if any(map(math.isnan, largest)) else max(largest, default=0.0)
    if scale == 0 or not math.isfinite(scale):
        return 1.0, scale
    return scale, math.sqrt(sum(_square(vector / scale) for vector in vectors))


def _square(vector: Vector) -> float:
    wide = vector.astype(np.float32) if vector.dtype.itemsize < 4 else vector
    flat = wide.ravel(order="K")
    return float(flat.dot(flat))


def _between(vector: Vector, bounds: tuple[Any, Any]) -> Vector:
    return np.clip(vector, *bounds)


def _shortened(vector: Vector, most: float, scale: float, norm: float) -> Vector:
    if norm <= most / scale:
        return vector
    with np.errstate(invalid="ignore"):
        return (vector if scale == 1 else vector / scale) * (most / norm)
