"""Joining arrays: concatenate, stack, array of scalars, pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Expr, Tensor
from symgrad.rules.arguments import axis_number, only, static_integer
from symgrad.rules.convert import (
    array_kind,
    at,
    cast_to,
    concatenated,
    operands_of,
    stacked,
    tensor_of,
    with_axis,
    without_axis,
)
from symgrad.rules.shapes import moveaxis, reshaped


def pulled_stack(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], axis: int, count: int
) -> tuple[Tensor, ...]:
    """The cotangents of the parts of a stack."""
    assert count == len(operands)
    parts = [at(builder, cotangent, axis, sympy.Integer(k), None) for k in range(count)]
    return tuple(builder.fresh(without_axis(part, axis)) for part in parts)


def pulled_concatenate(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], axis: int, count: int
) -> tuple[Tensor, ...]:
    """The cotangents of the parts of a concatenation: slices."""
    assert count == len(operands)
    parts, offset = [], sympy.S.Zero
    for operand in operands:
        index = operand.indices[axis]
        new = None if index is None else builder.index(index.size)
        parts.append(builder.fresh(at(builder, cotangent, axis, offset if new is None else new + offset, new)))
        offset += operand.shape[axis]
    return tuple(parts)


def _sequence(builder: Builder, arrays: Any) -> list[Tensor]:
    if isinstance(arrays, Tensor):
        if not arrays.rank:
            raise ShapeError("a number cannot be joined", remedy="give a list or tuple of arrays")
        length = builder.sizes.specialise(arrays.shape[0])
        return [without_axis(at(builder, arrays, 0, sympy.Integer(k), None), 0) for k in range(int(length))]
    if not arrays:
        raise ShapeError("need at least one array to join")
    return list(operands_of(builder, *arrays))


def _rows_joined(builder: Builder, rows: Tensor, axis: int) -> Tensor:
    """The rows of an array, joined along an axis of theirs."""
    moved = moveaxis(builder, rows, 0, axis)
    before, joined, after = moved.shape[:axis], moved.shape[axis : axis + 2], moved.shape[axis + 2 :]
    return reshaped(builder, moved, (*before, sympy.expand(joined[0] * joined[1]), *after))


def _as_rank(tensor: Tensor, rank: int) -> Tensor:
    """At least ``rank`` axes, new ones as ``atleast_1d``, ``atleast_2d`` and ``atleast_3d`` put them."""
    indices = tensor.indices
    if rank == 3 and len(indices) in (1, 2):
        indices = (None, *indices, None) if len(indices) == 1 else (*indices, None)
    return Tensor(tensor.expr, (None,) * (rank - len(indices)) + indices, array_kind(tensor.kind))


def at_least(rank: int) -> Any:
    """``np.atleast_1d`` and its kin."""

    def lower(builder: Builder, *arys: Any) -> Tensor | tuple[Tensor, ...]:
        found = tuple(_as_rank(tensor_of(builder, array), rank) for array in arys)
        return found[0] if len(found) == 1 else found

    return lower


def concatenate(builder: Builder, arrays: Any, axis: Any = 0) -> Tensor:
    """``np.concatenate``."""
    if isinstance(arrays, Tensor) and arrays.rank > 1 and axis is not None:
        return _rows_joined(builder, arrays, axis_number(axis, arrays.rank - 1))
    parts = _sequence(builder, arrays)
    if axis is None:
        from_each = [_raveled(part) for part in parts]
        return concatenated(builder, from_each, 0)
    if parts[0].rank == 0:
        raise ShapeError("numbers cannot be concatenated", remedy="use np.stack, or np.array of a list")
    return concatenated(builder, parts, axis_number(axis, parts[0].rank))


def _raveled(tensor: Tensor) -> Tensor:
    if tensor.rank == 1:
        return tensor
    if len(tensor.free) == 0:
        return Tensor(tensor.expr, (None,), tensor.kind)
    if len(tensor.free) == 1:
        return Tensor(tensor.expr, tensor.free, tensor.kind)
    raise NotYetSupported("concatenate(axis=None) of matrices is not supported yet", remedy="ravel them first")


def stack(builder: Builder, arrays: Any, axis: Any = 0) -> Tensor:
    """``np.stack``."""
    if isinstance(arrays, Tensor) and arrays.rank:
        found = moveaxis(builder, arrays, 0, axis_number(axis, arrays.rank))
        return Tensor(found.expr, found.indices, array_kind(found.kind))
    parts = _sequence(builder, arrays)
    return stacked(builder, parts, axis_number(axis, parts[0].rank + 1))


def vstack(builder: Builder, tup: Any) -> Tensor:
    """``np.vstack``."""
    if isinstance(tup, Tensor) and tup.rank > 1:
        return _rows_joined(builder, tup, 0) if tup.rank > 2 else tup
    return concatenated(builder, [_as_rank(part, 2) for part in _sequence(builder, tup)], 0)


def hstack(builder: Builder, tup: Any) -> Tensor:
    """``np.hstack``."""
    if isinstance(tup, Tensor) and tup.rank:
        return _rows_joined(builder, tup, min(1, tup.rank - 2)) if tup.rank > 1 else tup
    parts = [_as_rank(part, 1) for part in _sequence(builder, tup)]
    return concatenated(builder, parts, 0 if parts[0].rank == 1 else 1)


def dstack(builder: Builder, tup: Any) -> Tensor:
    """``np.dstack``."""
    return concatenated(builder, [_as_rank(part, 3) for part in _sequence(builder, tup)], 2)


def column_stack(builder: Builder, tup: Any) -> Tensor:
    """``np.column_stack``."""
    if isinstance(tup, Tensor) and tup.rank > 1:
        return moveaxis(builder, tup, 0, 1) if tup.rank == 2 else _rows_joined(builder, tup, 1)
    parts = [_as_rank(part, 1) for part in _sequence(builder, tup)]
    return concatenated(builder, [with_axis(part, 1) if part.rank == 1 else part for part in parts], 1)


def append(builder: Builder, arr: Any, values: Any, axis: Any = None) -> Tensor:
    """``np.append``."""
    return concatenate(builder, [tensor_of(builder, arr), tensor_of(builder, values)], axis)


def pad(builder: Builder, array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Tensor:
    """``np.pad`` with a constant."""
    result = tensor_of(builder, array)
    if mode != "constant":
        raise NotYetSupported(f"np.pad with mode={mode!r} is not supported yet")
    filling = tensor_of(builder, constant_values)
    if filling.rank:
        raise NotYetSupported("np.pad with a different constant for each side is not supported yet")
    for axis, widths in enumerate(_widths(pad_width, result.rank)):
        parts = [_filled(builder, result, axis, filling.expr, width) for width in widths]
        joined = [part for part in (parts[0], result, parts[1]) if part is not None]
        result = concatenated(builder, joined, axis)
    return result


def _filled(builder: Builder, like: Tensor, axis: int, value: Expr, width: int) -> Tensor | None:
    if width == 0:
        return None
    shape = (*like.shape[:axis], sympy.Integer(width), *like.shape[axis + 1 :])
    return Tensor(value, builder.indices(shape), like.kind)


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if not isinstance(pad_width, list | tuple):
        return [(static_integer(pad_width),) * 2] * rank
    if not isinstance(pad_width[0], list | tuple):
        before, after = pad_width if len(pad_width) == 2 else (pad_width[0],) * 2
        return [(static_integer(before), static_integer(after))] * rank
    pairs = [(static_integer(pair[0]), static_integer(pair[-1])) for pair in pad_width]
    if len(pairs) not in (1, rank):
        raise ShapeError(f"pad_width for {len(pairs)} axes, but the array has {rank}")
    return pairs * rank if len(pairs) == 1 else pairs


def asarray(builder: Builder, a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Tensor:
    """``np.asarray`` and its kin: the same values; a nested list of numbers is stacked."""
    only((None, "C", "K", "A"), order=order, **options)
    found = tensor_of(builder, a)
    if dtype is not None:
        return cast_to(builder, found, dtype)
    return Tensor(found.expr, found.indices, array_kind(found.kind))


def array(
    builder: Builder,
    object: Any,  # noqa: A002
    dtype: Any = None,
    *,
    copy: Any = None,
    order: Any = None,
    ndmin: Any = 0,
) -> Tensor:
    """``np.array``."""
    del copy
    found = asarray(builder, object, dtype, order)
    return Tensor(found.expr, (None,) * (static_integer(ndmin) - found.rank) + found.indices, found.kind)
