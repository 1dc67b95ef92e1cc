"""Values as tensors, and the moves that many rules share: one axis read elsewhere, stacks, concatenations, casts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.ir.builder import Builder, kind_of
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import BOOLEAN, Expr, Index, Kind, Tensor
from symgrad.rules.arguments import as_kind, bracket, is_number, same_shape
from symgrad.rules.functions import Trunc


def tensor_of(builder: Builder, value: Any) -> Tensor:
    """A value as a tensor: a tensor, a number, or a nested list of these."""
    if isinstance(value, Tensor):
        return value
    if is_number(value):
        kind = type(value) if type(value) in (bool, int, float) else np.asarray(value).dtype
        return builder.constant(value.item() if isinstance(value, np.generic) else value, kind)
    if isinstance(value, list | tuple) and value:
        return stacked(builder, [tensor_of(builder, part) for part in value], 0)
    if isinstance(value, list | tuple):
        return Tensor(sympy.S.Zero, (builder.index(sympy.S.Zero),), np.dtype(float))
    raise ArgumentError(f"an array is needed here, not {value!r}")


def operands_of(builder: Builder, *values: Any) -> tuple[Tensor, ...]:
    """Values as tensors."""
    return tuple(tensor_of(builder, value) for value in values)


def array_kind(kind: Kind) -> Kind:
    """The dtype of an array of values of a kind."""
    return np.dtype(kind)


def at(builder: Builder, tensor: Tensor, axis: int, position: Expr, index: Index | None) -> Tensor:
    """The tensor read at ``position`` along an axis, over a new index there (None: length one)."""
    old = tensor.indices[axis]
    places = [*tensor.indices[:axis], position if old is not None else None, *tensor.indices[axis + 1 :]]
    indices = (*tensor.indices[:axis], index, *tensor.indices[axis + 1 :])
    return Tensor(builder.rename(tensor, places), indices, tensor.kind)


def without_axis(tensor: Tensor, axis: int) -> Tensor:
    """The tensor without an axis of length one."""
    return Tensor(tensor.expr, tensor.indices[:axis] + tensor.indices[axis + 1 :], tensor.kind)


def with_axis(tensor: Tensor, axis: int) -> Tensor:
    """The tensor with a new axis of length one."""
    return Tensor(tensor.expr, (*tensor.indices[:axis], None, *tensor.indices[axis:]), tensor.kind)


def stacked(builder: Builder, parts: Sequence[Tensor], axis: int) -> Tensor:
    """``np.stack``: the op of that name, with the new axis at ``axis`` (not negative)."""
    same_shape(builder, parts)
    kind = array_kind(kind_of(parts))
    if len(parts) == 1:
        return Tensor(parts[0].expr, with_axis(parts[0], axis).indices, kind)
    shape = list(parts[0].shape)
    shape.insert(axis, sympy.Integer(len(parts)))
    parameters: tuple[tuple[str, object], ...] = (("axis", axis), ("count", len(parts)))
    return builder.op("stack", [builder.fresh(part) for part in parts], shape, kind, parameters)


def concatenated(builder: Builder, parts: Sequence[Tensor], axis: int) -> Tensor:
    """``np.concatenate`` along an axis (not negative)."""
    kind = array_kind(kind_of(parts))
    if len(parts) == 1:
        return Tensor(parts[0].expr, parts[0].indices, kind)
    same_shape(builder, [_flattened_axis(part, axis) for part in parts])
    if all(part.indices[axis] is None for part in parts):
        return stacked(builder, [without_axis(part, axis) for part in parts], axis)
    shape = list(parts[0].shape)
    shape[axis] = sympy.Add(*(part.shape[axis] for part in parts))
    parameters: tuple[tuple[str, object], ...] = (("axis", axis), ("count", len(parts)))
    return builder.op("concatenate", [builder.fresh(part) for part in parts], shape, kind, parameters)


def _flattened_axis(tensor: Tensor, axis: int) -> Tensor:
    return Tensor(sympy.S.Zero, without_axis(tensor, axis).indices, tensor.kind)


def cast_to(builder: Builder, tensor: Tensor, dtype: Any) -> Tensor:
    """The tensor in another dtype: a number becomes whole by truncation, a truth by comparison with zero."""
    kind = array_kind(as_kind(dtype))
    expr = tensor.expr
    if kind in BOOLEAN:
        expr = bracket(builder, tensor).expr
    elif not isinstance(kind, type) and kind.kind in "iu":
        expr = builder.atomised(Trunc(expr), kind) if is_floating(tensor.kind) else expr
    elif not is_floating(kind):
        raise NotYetSupported(f"arrays of dtype {kind} are not supported yet")
    return Tensor(expr, tensor.indices, kind)


def sliced(builder: Builder, tensor: Tensor, axis: int, start: Expr, length: Expr, step: int = 1) -> Tensor:
    """``length`` elements along an axis from ``start``, ``step`` apart."""
    if tensor.indices[axis] is None:
        return tensor if length == 1 else at(builder, tensor, axis, start, *builder.indices((length,)))
    (index,) = builder.indices((length,))
    return at(builder, tensor, axis, start if index is None else start + step * index, index)
