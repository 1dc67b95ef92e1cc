"""Leaves as arrays with at least one axis: NumPy's operators then never make a scalar, and can work in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Vector = np.ndarray[Any, Any]


def as_vector(value: Any, dtype: np.dtype[Any] | None = None) -> Vector:
    """A leaf as an array: the array itself, a view of it if it has no axes, or a new array for a number."""
    array = np.asarray(value, dtype)
    return array.reshape(1) if array.ndim == 0 else array


def apart(vectors: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The vectors, with a copy of each that may share its memory with one of the others."""
    memory = {_owner(other) for other in others}
    return [
        vector.copy() if isinstance(vector, np.ndarray) and _owner(vector) in memory else vector for vector in vectors
    ]


def _owner(value: Any) -> int:
    while isinstance(value, np.ndarray) and value.base is not None:
        value = value.base
    return id(value)


def like(leaf: Any, vector: Vector) -> Any:
    """What ``as_vector`` made an array of, in the form that ``leaf`` has: a Python float stays one."""
    if isinstance(leaf, np.ndarray):
        return vector if leaf.ndim else vector.reshape(())
    return vector[0] if isinstance(leaf, np.generic) else float(vector[0])
