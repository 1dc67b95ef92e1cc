"""Moving axes and elements: transposition, reshape, broadcasting, flips, diagonals, triangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import result_kind
from symgrad.ir.tensor import Delta, Expr, Index, Tensor, index_symbols
from symgrad.rules.arguments import BOOL, axis_number, axis_numbers, only, size, sizes, static_integer
from symgrad.rules.convert import array_kind, cast_to, concatenated, operands_of, sliced, tensor_of
from symgrad.rules.functions import GreaterEqual, LessEqual


def permuted(tensor: Tensor, order: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return Tensor(tensor.expr, tuple(tensor.indices[axis] for axis in order), tensor.kind)


def transpose(builder: Builder, a: Any, axes: Any = None) -> Tensor:
    """``np.transpose``."""
    tensor = tensor_of(builder, a)
    if axes is None:
        return permuted(tensor, range(tensor.rank)[::-1])
    order = [axis_number(axis, tensor.rank) for axis in axes]
    if sorted(order) != list(range(tensor.rank)):
        raise ShapeError(f"axes {tuple(axes)} do not match an array with {tensor.rank} axes")
    return permuted(tensor, order)


def matrix_transpose(builder: Builder, x: Any) -> Tensor:
    """``np.matrix_transpose``."""
    tensor = tensor_of(builder, x)
    if tensor.rank < 2:
        raise ShapeError(f"a matrix is needed here, not an array with {tensor.rank} axes")
    return swapaxes(builder, tensor, -1, -2)


def swapaxes(builder: Builder, a: Any, axis1: Any, axis2: Any) -> Tensor:
    """``np.swapaxes``."""
    tensor = tensor_of(builder, a)
    order = list(range(tensor.rank))
    first, second = axis_number(axis1, tensor.rank), axis_number(axis2, tensor.rank)
    order[first], order[second] = second, first
    return permuted(tensor, order)


def moveaxis(builder: Builder, a: Any, source: Any, destination: Any) -> Tensor:
    """``np.moveaxis``."""
    tensor = tensor_of(builder, a)
    sources = [axis_number(axis, tensor.rank) for axis in _listed(source)]
    targets = [axis_number(axis, tensor.rank) for axis in _listed(destination)]
    if len(sources) != len(targets):
        raise ShapeError("source and destination must have the same number of axes")
    order = [axis for axis in range(tensor.rank) if axis not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return permuted(tensor, order)


def _listed(axes: Any) -> Sequence[Any]:
    return axes if isinstance(axes, tuple | list) else (axes,)


def rollaxis(builder: Builder, a: Any, axis: Any, start: Any = 0) -> Tensor:
    """``np.rollaxis``."""
    tensor = tensor_of(builder, a)
    origin, target = axis_number(axis, tensor.rank), static_integer(start)
    target = target + tensor.rank if target < 0 else target
    return moveaxis(builder, tensor, origin, target - 1 if target > origin else target)


def expand_dims(builder: Builder, a: Any, axis: Any) -> Tensor:
    """``np.expand_dims``."""
    tensor = tensor_of(builder, a)
    places = axis_numbers(tuple(_listed(axis)), tensor.rank + len(_listed(axis)))
    indices = list(tensor.indices)
    for place in places:
        indices.insert(place, None)
    return Tensor(tensor.expr, tuple(indices), array_kind(tensor.kind))


def squeeze(builder: Builder, a: Any, axis: Any = None) -> Tensor:
    """``np.squeeze``."""
    tensor = tensor_of(builder, a)
    if axis is None:
        return Tensor(tensor.expr, tensor.free, tensor.kind)
    dropped = axis_numbers(axis, tensor.rank)
    if any(tensor.indices[place] is not None for place in dropped):
        raise ShapeError("only axes of length one can be squeezed out")
    kept = tuple(index for place, index in enumerate(tensor.indices) if place not in dropped)
    return Tensor(tensor.expr, kept, tensor.kind)


def broadcast_to(builder: Builder, array: Any, shape: Any) -> Tensor:
    """``np.broadcast_to``."""
    tensor = tensor_of(builder, array)
    target = builder.indices(sizes(builder, shape))
    if tensor.rank > len(target):
        raise ShapeError(f"an array with {tensor.rank} axes cannot be broadcast to {len(target)}")
    places: list[Expr | None] = []
    for old, new in zip(tensor.indices, target[len(target) - tensor.rank :], strict=True):
        if old is not None:
            builder.sizes.unify(old.size, sympy.S.One if new is None else new.size)
        places.append(sympy.S.Zero if old is not None and new is None else new)
    return Tensor(builder.rename(tensor, places), target, array_kind(tensor.kind))


def broadcast_arrays(builder: Builder, *args: Any) -> tuple[Tensor, ...]:
    """``np.broadcast_arrays``."""
    tensors = [builder.fresh(tensor) for tensor in operands_of(builder, *args)]
    exprs, indices = builder.broadcast(*tensors)
    return tuple(
        builder.fresh(Tensor(expr, indices, array_kind(tensor.kind)))
        for expr, tensor in zip(exprs, tensors, strict=True)
    )


def reshaped(builder: Builder, tensor: Tensor, shape: Sequence[Expr]) -> Tensor:
    """The elements in another shape: moved indices if only axes of length one differ, else the op ``reshape``."""
    kind = array_kind(tensor.kind)
    target = [builder.sizes.is_one(length) for length in shape]
    lengths = [length for length, one in zip(shape, target, strict=True) if not one]
    if len(lengths) == len(tensor.free) and _fits(builder, lengths, tensor.free):
        free = iter(tensor.free)
        return Tensor(tensor.expr, tuple(None if one else next(free) for one in target), kind)
    builder.sizes.unify(sympy.Mul(*lengths), sympy.Mul(*(index.size for index in tensor.free)))
    operands = [builder.fresh(tensor), *(Tensor(length, (), int) for length in shape)]
    return builder.op("reshape", operands, shape, kind, (("rank", len(shape)),))


def _fits(builder: Builder, lengths: Sequence[Expr], free: Sequence[Index]) -> bool:
    """Whether the axes are the same in the same order; all but one equal means that the last is equal too."""
    differing = [k for k, length in enumerate(lengths) if not builder.sizes.same(length, free[k].size)]
    if len(differing) == 1:
        builder.sizes.unify(lengths[differing[0]], free[differing[0]].size)
    return len(differing) <= 1


def pulled_reshape(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], rank: int
) -> tuple[Tensor | None, ...]:
    """The cotangent in the shape of the operand; a constant needs no reshape."""
    if not index_symbols(cotangent.expr):
        return (Tensor(cotangent.expr, operands[0].indices, cotangent.kind), *(None for _ in range(rank)))
    return (reshaped(builder, cotangent, operands[0].shape), *(None for _ in range(rank)))


def reshape(
    builder: Builder, a: Any, /, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None
) -> Tensor:
    """``np.reshape``."""
    del copy
    only("CAF", order=order)
    tensor = tensor_of(builder, a)
    target = list(sizes(builder, newshape if shape is None else shape))
    if order == "F":
        lengths = tuple(Tensor(length, (), int) for length in target[::-1])
        return transpose(builder, reshape(builder, transpose(builder, tensor), lengths))
    whole = sympy.Mul(*(index.size for index in tensor.free))
    unknown = [place for place, length in enumerate(target) if length == -1]
    if len(unknown) > 1:
        raise ShapeError("only one length can be -1")
    if unknown:
        rest = sympy.Mul(*(length for length in target if length != -1))
        target[unknown[0]] = _quotient(builder, whole, rest)
    return reshaped(builder, tensor, target)


def _quotient(builder: Builder, whole: Expr, part: Expr) -> Expr:
    """A length that makes up the whole."""
    length = sympy.cancel(builder.sizes.find(whole) / builder.sizes.find(part))
    value = length.xreplace(builder.sizes.concrete)
    if value.is_Rational and not value.is_Integer:
        raise ShapeError(f"{whole} elements do not fill a shape with {part} in it")
    return length


def ravel(builder: Builder, a: Any, order: Any = "C") -> Tensor:
    """``np.ravel``, and the method ``flatten``."""
    only("CAKF", order=order)
    tensor = tensor_of(builder, a)
    if order == "F":
        return ravel(builder, transpose(builder, tensor))
    return reshaped(builder, tensor, (sympy.Mul(*(index.size for index in tensor.free)),))


def tile(builder: Builder, A: Any, reps: Any) -> Tensor:
    """``np.tile``: broadcast along a new axis before each axis, then reshaped."""
    tensor, counts = tensor_of(builder, A), list(sizes(builder, reps))
    rank = max(tensor.rank, len(counts))
    counts = [sympy.S.One] * (rank - len(counts)) + counts
    indices = (None,) * (rank - tensor.rank) + tensor.indices
    pairs = zip(builder.indices(counts), indices, strict=True)
    spread = tuple(index for pair in pairs for index in pair)
    lengths = [count * (1 if index is None else index.size) for count, index in zip(counts, indices, strict=True)]
    return reshaped(builder, Tensor(tensor.expr, spread, tensor.kind), lengths)


def repeat(builder: Builder, a: Any, repeats: Any, axis: Any = None) -> Tensor:
    """``np.repeat`` with one count: broadcast along a new axis, then reshaped."""
    tensor = ravel(builder, a) if axis is None else tensor_of(builder, a)
    place, count = 0 if axis is None else axis_number(axis, tensor.rank), size(builder, repeats)
    spread = (*tensor.indices[: place + 1], *builder.indices((count,)), *tensor.indices[place + 1 :])
    lengths = list(tensor.shape)
    lengths[place] *= count
    return reshaped(builder, Tensor(tensor.expr, spread, tensor.kind), lengths)


def flipped(builder: Builder, tensor: Tensor, axis: int) -> Tensor:
    """Elements in reverse order along an axis: ``x[n - 1 - i]``."""
    return sliced(builder, tensor, axis, tensor.shape[axis] - 1, tensor.shape[axis], -1)


def flip(builder: Builder, m: Any, axis: Any = None) -> Tensor:
    """``np.flip``."""
    tensor = tensor_of(builder, m)
    for place in axis_numbers(axis, tensor.rank):
        tensor = flipped(builder, tensor, place)
    return tensor


def flip_along(axis: int) -> Callable[..., Tensor]:
    """``np.flipud`` (axis 0) and ``np.fliplr`` (axis 1)."""
    return lambda builder, m: flip(builder, m, axis)


def rot90(builder: Builder, m: Any, k: Any = 1, axes: Any = (0, 1)) -> Tensor:
    """``np.rot90``."""
    tensor = tensor_of(builder, m)
    first, second = (axis_number(axis, tensor.rank) for axis in axes)
    turns = static_integer(k) % 4
    if turns >= 2:
        tensor = flipped(builder, flipped(builder, tensor, first), second)
    if turns % 2 == 0:
        return tensor
    return swapaxes(builder, flipped(builder, tensor, second), first, second)


def roll(builder: Builder, a: Any, shift: Any, axis: Any = None) -> Tensor:
    """``np.roll`` by a static number of places."""
    tensor = tensor_of(builder, a)
    if axis is None:
        return reshaped(builder, roll(builder, ravel(builder, tensor), shift, 0), tensor.shape)
    for place, places in zip(_listed(axis), _listed(shift), strict=True):
        tensor = _rolled(builder, tensor, axis_number(place, tensor.rank), static_integer(places))
    return tensor


def _rolled(builder: Builder, tensor: Tensor, axis: int, places: int) -> Tensor:
    length = tensor.shape[axis]
    if length.is_Integer:
        places %= int(length)
    if places == 0 or length == 1:
        return tensor
    builder.sizes.at_least(length, sympy.Integer(abs(places) + 1))
    head = sympy.Integer(-places) if places < 0 else length - places
    back = sliced(builder, tensor, axis, head, length - head)
    return concatenated(builder, [back, sliced(builder, tensor, axis, sympy.S.Zero, head)], axis)


def diagonal(builder: Builder, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    """``np.diagonal``: one index in both axes; the diagonal is the last axis."""
    tensor, shift = tensor_of(builder, a), static_integer(offset)
    if tensor.rank < 2:
        raise ShapeError("a diagonal needs an array of at least two axes")
    first, second = axis_number(axis1, tensor.rank), axis_number(axis2, tensor.rank)
    rows, columns = tensor.shape[first] + min(shift, 0), tensor.shape[second] - max(shift, 0)
    (index,) = builder.indices((builder.sizes.smaller(rows, columns),))
    step = sympy.S.Zero if index is None else index
    places: list[Expr | None] = list(tensor.indices)
    for axis, start in ((first, max(-shift, 0)), (second, max(shift, 0))):
        places[axis] = None if tensor.indices[axis] is None else start + step
    rest = tuple(i for axis, i in enumerate(tensor.indices) if axis not in (first, second))
    return Tensor(builder.rename(tensor, places), (*rest, index), tensor.kind)


def diag(builder: Builder, v: Any, k: Any = 0) -> Tensor:
    """``np.diag``: a vector times a Kronecker delta, or the diagonal of a matrix."""
    tensor, offset = tensor_of(builder, v), static_integer(k)
    if tensor.rank == 2:
        return diagonal(builder, tensor, offset)
    if tensor.rank != 1:
        raise ShapeError(f"np.diag takes a vector or a matrix, not an array with {tensor.rank} axes")
    if offset:
        raise NotYetSupported("np.diag of a vector with k is not supported yet", remedy="use np.pad of np.diag(v)")
    if tensor.indices[0] is None:
        return Tensor(tensor.expr, (None, None), tensor.kind)
    column = builder.index(tensor.indices[0].size)
    return Tensor(tensor.expr * Delta(tensor.indices[0], column, column.size), (*tensor.indices, column), tensor.kind)


def triangle(lower: bool) -> Callable[..., Tensor]:
    """``np.tril`` and ``np.triu``: the bracket of a comparison of the last two indices, times the array."""

    def lowering(builder: Builder, m: Any, k: Any = 0) -> Tensor:
        tensor = tensor_of(builder, m)
        mask = triangle_mask(builder, tensor.indices[-2:], static_integer(k), lower)
        return Tensor(mask * tensor.expr, tensor.indices, tensor.kind)

    return lowering


def triangle_mask(builder: Builder, indices: Sequence[Index | None], offset: int, lower: bool) -> Expr:
    """``[i - j >= -offset]``, or ``[i - j <= -offset]``."""
    if len(indices) < 2:
        raise NotYetSupported("the triangle of a vector is not supported yet", remedy="give a matrix")
    row, column = (sympy.S.Zero if index is None else index for index in indices)
    return builder.atomised((GreaterEqual if lower else LessEqual)(row - column, -offset), BOOL)


def trace(
    builder: Builder, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
) -> Tensor:
    """``np.trace``."""
    only((None,), dtype=dtype, out=out)
    found = diagonal(builder, a, offset, axis1, axis2)
    kind = result_kind(np.trace, ((found.kind, 2),))
    bound = [index for index in found.indices[-1:] if index is not None]
    return Tensor(builder.sum(found.expr, bound, kind), found.indices[:-1], kind)


def matrix_diagonal(builder: Builder, x: Any, /, *, offset: Any = 0) -> Tensor:
    """``np.linalg.diagonal``: of the last two axes."""
    return diagonal(builder, x, offset, -2, -1)


def matrix_trace(builder: Builder, x: Any, /, *, offset: Any = 0, dtype: Any = None) -> Tensor:
    """``np.linalg.trace``: over the last two axes."""
    return trace(builder, x, offset, -2, -1, dtype)


def astype(builder: Builder, a: Any, dtype: Any, *_: Any, **__: Any) -> Tensor:
    """``np.astype`` and the method."""
    return cast_to(builder, tensor_of(builder, a), dtype)


def identity(builder: Builder, a: Any, *_: Any, **__: Any) -> Tensor:
    """A copy is the same value."""
    tensor = tensor_of(builder, a)
    return Tensor(tensor.expr, tensor.indices, array_kind(tensor.kind))


def length(builder: Builder, value: Expr) -> Tensor | int:
    """The length of an axis: a number, or an integer tensor."""
    known = builder.sizes.find(value)
    return int(known) if known.is_Integer else Tensor(value, (), int)


def shape_of(builder: Builder, a: Any) -> tuple[Tensor | int, ...]:
    """``np.shape``."""
    return tuple(length(builder, value) for value in tensor_of(builder, a).shape)


def ndim_of(builder: Builder, a: Any) -> int:
    """``np.ndim``."""
    return tensor_of(builder, a).rank


def size_of(builder: Builder, a: Any, axis: Any = None) -> Tensor | int:
    """``np.size``."""
    tensor = tensor_of(builder, a)
    return length(builder, sympy.Mul(*(tensor.shape[place] for place in axis_numbers(axis, tensor.rank))))


def length_of(builder: Builder, obj: Any) -> Tensor | int:
    """``len``."""
    if isinstance(obj, tuple | list):
        return len(obj)
    tensor = tensor_of(builder, obj)
    if tensor.rank == 0:
        raise ShapeError("a number has no length")
    return length(builder, tensor.shape[0])
