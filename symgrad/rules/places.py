"""Functions that give places: ``nonzero``, ``ix_``, ``argsort``, ``searchsorted``; and ``sort``, which reads there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.tensor import BOOLEAN, Tensor
from symgrad.rules.arguments import axis_number, bracket, only, size, static_integer
from symgrad.rules.convert import tensor_of
from symgrad.rules.creation import where as choice
from symgrad.rules.indexing import selected, take_along_axis
from symgrad.rules.shapes import ravel, triangle_mask

WHOLE = np.dtype(int)


def truths(builder: Builder, tensor: Tensor) -> Tensor:
    """Where an array is not zero."""
    if tensor.kind in BOOLEAN:
        return tensor
    return Tensor(bracket(builder, tensor).expr, tensor.indices, np.dtype(bool))


def nonzero(builder: Builder, a: Any) -> tuple[Tensor, ...]:
    """``np.nonzero``: the places along each axis."""
    tensor = tensor_of(builder, a)
    if not tensor.rank:
        raise ShapeError("nonzero needs an array with axes")
    return selected(builder, truths(builder, tensor))


def where(builder: Builder, condition: Any, x: Any = None, y: Any = None) -> Any:
    """``np.where``: a choice, or the places where a condition holds."""
    return nonzero(builder, condition) if x is None and y is None else choice(builder, condition, x, y)


def flatnonzero(builder: Builder, a: Any) -> Tensor:
    """``np.flatnonzero``."""
    return nonzero(builder, ravel(builder, tensor_of(builder, a)))[0]


def ix(builder: Builder, *args: Any) -> tuple[Tensor, ...]:
    """``np.ix_``: each along an axis of its own."""
    tensors = [tensor_of(builder, argument) for argument in args]
    if any(tensor.rank != 1 for tensor in tensors):
        raise ShapeError("ix_ needs vectors")
    found = [selected(builder, tensor)[0] if tensor.kind in BOOLEAN else tensor for tensor in tensors]
    return tuple(
        Tensor(tensor.expr, (*[None] * axis, *tensor.indices, *[None] * (len(found) - 1 - axis)), tensor.kind)
        for axis, tensor in enumerate(found)
    )


def diag_indices(builder: Builder, n: Any, ndim: Any = 2) -> tuple[Tensor, ...]:
    """``np.diag_indices``."""
    (index,) = builder.indices((size(builder, n),))
    return (Tensor(sympy.S.Zero if index is None else index, (index,), WHOLE),) * static_integer(ndim)


def diag_indices_from(builder: Builder, arr: Any) -> tuple[Tensor, ...]:
    """``np.diag_indices_from``."""
    tensor = tensor_of(builder, arr)
    for length in tensor.shape[1:]:
        builder.sizes.unify(tensor.shape[0], length)
    return diag_indices(builder, Tensor(tensor.shape[0], (), int), tensor.rank)


def triangle(lower: bool) -> Callable[..., tuple[Tensor, ...]]:
    """``np.tril_indices`` and ``np.triu_indices``."""

    def lowering(builder: Builder, n: Any, k: Any = 0, m: Any = None) -> tuple[Tensor, ...]:
        rows = builder.sizes.specialise(size(builder, n))
        columns = rows if m is None else builder.sizes.specialise(size(builder, m))
        indices = builder.indices((sympy.Integer(rows), sympy.Integer(columns)))
        mask = triangle_mask(builder, indices, static_integer(k), lower)
        made = np.tri(rows, columns, static_integer(k) - (not lower), dtype=bool)
        count = sympy.Integer(int(np.count_nonzero(made if lower else ~made)))
        inside = [Tensor(mask, indices, np.dtype(bool))]
        return tuple(builder.op("nonzero", inside, (count,), WHOLE, (("axis", axis),)) for axis in range(2))

    return lowering


def triangle_from(lower: bool) -> Callable[..., tuple[Tensor, ...]]:
    """``np.tril_indices_from`` and ``np.triu_indices_from``."""

    def lowering(builder: Builder, arr: Any, k: Any = 0) -> tuple[Tensor, ...]:
        shape = [Tensor(length, (), int) for length in tensor_of(builder, arr).shape]
        return triangle(lower)(builder, shape[0], k, shape[1])

    return lowering


def argsort(builder: Builder, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **_: Any) -> Tensor:
    """``np.argsort``."""
    only((None, "quicksort", "stable", "mergesort", "heapsort"), kind=kind, order=order)
    tensor = tensor_of(builder, a)
    if axis is None:
        tensor, axis = ravel(builder, tensor), 0
    if not tensor.rank:
        raise ShapeError("a number cannot be sorted")
    params = (("axis", axis_number(axis, tensor.rank)), ("kind", kind))
    return builder.op("argsort", [builder.fresh(tensor)], tensor.shape, WHOLE, params)


def sort(builder: Builder, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **options: Any) -> Tensor:
    """``np.sort``: the array read at the places that ``argsort`` gives."""
    tensor = tensor_of(builder, a)
    if axis is None:
        tensor, axis = ravel(builder, tensor), 0
    return take_along_axis(builder, tensor, argsort(builder, tensor, axis, kind, order, **options), axis)


def searchsorted(builder: Builder, a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Tensor:
    """``np.searchsorted``: places, which jump where a value passes an element."""
    only((None,), sorter=sorter)
    if side not in ("left", "right"):
        raise ArgumentError("side must be 'left' or 'right'")
    return _between(builder, "searchsorted", a, v, ("side", side))


def digitize(builder: Builder, x: Any, bins: Any, right: Any = False) -> Tensor:
    """``np.digitize``."""
    return _between(builder, "digitize", bins, x, ("right", bool(right)))


def _between(builder: Builder, name: str, array: Any, values: Any, param: tuple[str, object]) -> Tensor:
    """The places of values in a sorted vector."""
    vector, tensor = tensor_of(builder, array), tensor_of(builder, values)
    if vector.rank != 1:
        raise ShapeError(f"{name} looks into a vector, not into an array with {vector.rank} axes")
    return builder.op(name, [builder.fresh(vector), builder.fresh(tensor)], tensor.shape, WHOLE, (param,))
