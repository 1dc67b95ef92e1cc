"""Reading the arguments of a lowered call: arrays, axes, sizes, static numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import sympy

from symgrad.errors import ArgumentError, NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Index, Kind, Tensor
from symgrad.rules.functions import NotEqual

BOOL = np.dtype(bool)
INT = np.dtype(np.intp)


def is_number(value: object) -> bool:
    """Whether a static value is a number."""
    return isinstance(value, bool | int | float | np.number | np.bool_)


def static_integer(value: object) -> int:
    """A static integer argument, such as an axis."""
    if isinstance(value, Tensor) and value.rank == 0 and value.expr.is_Integer:
        return int(value.expr)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise NotYetSupported(f"an integer known at compile time is needed here, not {_shown(value)}")
    return int(value)


def _shown(value: object) -> str:
    return "a value of the run" if isinstance(value, Tensor) else repr(value)


class ComputedLength(NotYetSupported):
    """A length that only the run tells."""


def size(builder: Builder, value: object) -> Expr:
    """A length: an integer, or a formula of the lengths of axes and of integer arguments."""
    if not isinstance(value, Tensor) or value.rank:
        return sympy.Integer(static_integer(value))
    expr = value.expr
    for entry in expr.atoms(Entry):
        if entry.ref.computed:
            continue
        body = builder.unfold(entry)
        if body is not None:
            expr = expr.xreplace({entry: size(builder, Tensor(body, (), value.kind))})
        elif _is_element(builder, entry) or is_floating(entry.ref.kind):
            raise ComputedLength("a length that is computed from the elements of arrays is not supported yet")
    return expr


def _is_element(builder: Builder, entry: Entry) -> bool:
    return bool(entry.indices) or entry.ref in builder.equations or entry in builder.sizes.elements


def sizes(builder: Builder, value: object) -> tuple[Expr, ...]:
    """A shape: one length, or a sequence of lengths."""
    if isinstance(value, tuple | list):
        return tuple(size(builder, part) for part in value)
    return (size(builder, value),)


def axis_number(axis: object, rank: int) -> int:
    """One axis, counted from the front."""
    number = static_integer(axis)
    if not -rank <= number < rank:
        raise ShapeError(f"axis {number} is out of bounds for an array with {rank} axes")
    return number % rank


def axis_numbers(axis: object, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in order; None means all."""
    if axis is None:
        return tuple(range(rank))
    found = [axis_number(part, rank) for part in (axis if isinstance(axis, tuple | list) else (axis,))]
    if len(set(found)) < len(found):
        raise ShapeError(f"an axis is named twice in {axis}")
    return tuple(sorted(found))


def unused(**arguments: object) -> None:
    """Refuse arguments that are given a value other than None (or NumPy's mark for 'not given')."""
    for name, value in arguments.items():
        if value is not None and value is not np._NoValue:
            raise NotYetSupported(f"the argument {name}= is not supported yet")


def only(allowed: Iterable[object], **arguments: object) -> None:
    """Refuse arguments with a value that is not among the allowed ones."""
    for name, value in arguments.items():
        if value not in tuple(allowed):
            raise NotYetSupported(f"{name}={value!r} is not supported yet")


def as_kind(dtype: object) -> Kind:
    """The kind that a ``dtype=`` argument names."""
    try:
        return cast("Kind", np.dtype(cast("Any", dtype)))
    except TypeError as error:
        raise ArgumentError(f"{dtype!r} is not a dtype") from error


def bracket(builder: Builder, tensor: Tensor) -> Tensor:
    """The truth of a value: a boolean tensor whose formula is an entry, a complement, or 0 or 1."""
    expr = tensor.expr
    if tensor.kind not in BOOLEAN:
        expr = builder.atomised(NotEqual(expr, 0), BOOL)
    elif not isinstance(expr, Entry) and expr.atoms(Entry, Index):
        expr = builder.map(expr, BOOL, "mask")
    return Tensor(expr, tensor.indices, BOOL if tensor.rank or not isinstance(tensor.kind, type) else bool)


def complement(builder: Builder, tensor: Tensor) -> Tensor:
    """The opposite of a value's truth."""
    truth = bracket(builder, tensor)
    expr = truth.expr.complement if isinstance(truth.expr, Entry) else 1 - truth.expr
    return Tensor(expr, truth.indices, truth.kind)


def same_shape(builder: Builder, tensors: Sequence[Tensor]) -> None:
    """Unify the shapes of tensors, axis by axis."""
    for tensor in tensors[1:]:
        if tensor.rank != tensors[0].rank:
            raise ShapeError(f"arrays with {tensors[0].rank} and {tensor.rank} axes do not fit together")
        for left, right in zip(tensors[0].shape, tensor.shape, strict=True):
            builder.sizes.unify(left, right)
