"""Kinds: the dtypes of values, Python's numbers included.

NumPy treats Python numbers as weak (``float32 array * 2.0`` stays float32) but not its own scalars. What a function
does to dtypes is found by calling it on samples of length one, so that it is NumPy's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from symgrad.ir.tensor import Kind

PYTHON_NUMBERS = (bool, int, float, complex)


def is_python(kind: Kind) -> bool:
    """Whether values of this kind are Python numbers."""
    return isinstance(kind, type)


def sample(kind: Kind, rank: int = 0) -> Any:
    """A value of this kind: a Python number, a NumPy scalar, or an array of length-one axes."""
    if isinstance(kind, type):
        return kind(1)
    return kind.type(1) if rank == 0 else np.ones((1,) * rank, kind)


def kind_of_value(value: Any) -> Kind:
    """The kind of a concrete value."""
    return type(value) if type(value) in PYTHON_NUMBERS else np.asarray(value).dtype


@lru_cache(maxsize=4096)
def result_kind(function: Callable[..., Any], operands: tuple[tuple[Kind, int], ...]) -> Kind:
    """The kind of ``function``'s result for operands of these kinds and ranks."""
    with np.errstate(all="ignore"):
        return kind_of_value(function(*(sample(kind, rank) for kind, rank in operands)))


def common_kind(kinds: Iterable[Kind]) -> Kind:
    """The kind of sums and products of values of these kinds (Python's numbers give way to NumPy's)."""
    found = list(dict.fromkeys(kinds))
    strong = [kind for kind in found if not isinstance(kind, type)]
    if not strong:
        return max(found, key=PYTHON_NUMBERS.index, default=float)
    weak = [kind(1) for kind in found if isinstance(kind, type)]
    return np.result_type(*strong, *weak)


def is_floating(kind: Kind) -> bool:
    """Whether a derivative with respect to values of this kind makes sense."""
    return kind is float if isinstance(kind, type) else kind.kind == "f"
