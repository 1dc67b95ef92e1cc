"""Reductions: sums are algebra; products and extrema are operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import result_kind
from symgrad.ir.tensor import Expr, Kind, Tensor
from symgrad.rules import functions as fn
from symgrad.rules.arguments import INT, axis_number, axis_numbers, bracket, only, static_integer, unused
from symgrad.rules.convert import sliced, tensor_of
from symgrad.rules.creation import where as choice
from symgrad.rules.elementwise import isclose
from symgrad.rules.shapes import expand_dims, ravel

FALSE = (False, None, 0, np._NoValue)


def reduced(tensor: Tensor, axes: tuple[int, ...], expr: Expr, kind: Kind, keepdims: Any) -> Tensor:
    """A result without the indices of the reduced axes."""
    keep = keepdims not in FALSE
    places = [(axis, index) for axis, index in enumerate(tensor.indices) if keep or axis not in axes]
    return Tensor(expr, tuple(None if axis in axes else index for axis, index in places), kind)


def sum_over(builder: Builder, tensor: Tensor, axes: tuple[int, ...], kind: Kind, keepdims: Any = False) -> Tensor:
    """The sum over some axes."""
    bound = [index for axis in axes if (index := tensor.indices[axis]) is not None]
    return reduced(tensor, axes, builder.sum(tensor.expr, bound, kind), kind, keepdims)


def count(tensor: Tensor, axes: tuple[int, ...]) -> Expr:
    """The number of elements that are reduced to one."""
    return sympy.Mul(*(tensor.shape[axis] for axis in axes))


def sum_(
    builder: Builder,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
) -> Tensor:
    """``np.sum``."""
    unused(dtype=dtype, out=out, initial=initial)
    tensor = tensor_of(builder, a)
    kind = result_kind(np.sum, ((tensor.kind, tensor.rank),))
    chosen = tensor if _is_everywhere(where) else _where(builder, where, tensor)
    return sum_over(builder, chosen, axis_numbers(axis, tensor.rank), kind, keepdims)


def _is_everywhere(where: Any) -> bool:
    return where is True or where is None or where is np._NoValue


def _where(builder: Builder, mask: Any, tensor: Tensor) -> Tensor:
    """The elements where a mask holds, zero elsewhere."""
    if not isinstance(mask, Tensor) or mask.rank > tensor.rank:
        raise NotYetSupported("where= is an array of truth values here", remedy="use np.where")
    return choice(builder, mask, tensor, 0)


def mean(
    builder: Builder,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = None,
) -> Tensor:
    """``np.mean``."""
    unused(dtype=dtype, out=out)
    tensor = tensor_of(builder, a)
    axes = axis_numbers(axis, tensor.rank)
    kind = result_kind(np.mean, ((tensor.kind, tensor.rank),))
    if not _is_everywhere(where):
        return _mean_where(builder, tensor, axes, kind, keepdims, where)
    total = sum_over(builder, tensor, axes, kind, keepdims)
    return Tensor(total.expr / count(tensor, axes), total.indices, kind)


def _mean_where(
    builder: Builder, tensor: Tensor, axes: tuple[int, ...], kind: Kind, keepdims: Any, mask: Any
) -> Tensor:
    """The mean of the elements where a mask holds."""
    chosen = _where(builder, mask, tensor)
    (held, _), spread = builder.broadcast(bracket(builder, mask), tensor)
    total = sum_over(builder, chosen, axes, kind, keepdims)
    exprs, indices = builder.broadcast(total, sum_over(builder, Tensor(held, spread, INT), axes, INT, keepdims))
    return Tensor(exprs[0] / exprs[1], indices, kind)


def var(
    builder: Builder,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Tensor:
    """``np.var``: the mean square of the distance from the mean."""
    unused(dtype=dtype, out=out, where=where, mean=mean)
    tensor = tensor_of(builder, a)
    axes = axis_numbers(axis, tensor.rank)
    kind = result_kind(np.var, ((tensor.kind, tensor.rank),))
    middle = sum_over(builder, tensor, axes, kind).expr / count(tensor, axes)
    away = builder.define(Tensor(tensor.expr - middle, tensor.indices, kind), "c")
    total = sum_over(builder, Tensor(away.expr**2, away.indices, kind), axes, kind, keepdims)
    lost = tensor_of(builder, ddof if correction is None else correction).expr
    return Tensor(total.expr / (count(tensor, axes) - lost), total.indices, kind)


def std(builder: Builder, a: Any, *args: Any, **kwargs: Any) -> Tensor:
    """``np.std``: the derivative is 0 where the deviation is 0."""
    return root(builder, var(builder, a, *args, **kwargs))


def root(builder: Builder, tensor: Tensor) -> Tensor:
    """The square root of a sum of squares."""
    return Tensor(builder.atomised(fn.Root(tensor.expr), tensor.kind), tensor.indices, tensor.kind)


def operation(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """A reduction that is an op: ``max``, ``min``, ``prod``, ``argmax``, ``all``, ``any``."""

    def lower(
        builder: Builder,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Tensor:
        unused(dtype=dtype, out=out, initial=initial, where=where)
        tensor = tensor_of(builder, a)
        kind = result_kind(function, ((tensor.kind, tensor.rank),))
        return reduce_by(builder, name, tensor, axis_numbers(axis, tensor.rank), kind, keepdims)

    return lower


def reduce_by(
    builder: Builder, name: str, tensor: Tensor, axes: tuple[int, ...], kind: Kind, keepdims: Any = False
) -> Tensor:
    """The op ``name`` with its axes sorted and ``keepdims`` false; axes of length one are not reduced."""
    long = tuple(axis for axis in axes if tensor.indices[axis] is not None)
    if not long:
        return reduced(tensor, axes, _of_one(builder, name, tensor), kind, keepdims)
    operand = builder.fresh(tensor)
    kept = [length for axis, length in enumerate(tensor.shape) if axis not in axes]
    whole: object = None if not kept else axes if len(axes) > 1 else axes[0]
    found = builder.op(name, [operand], kept, kind, (("axis", whole),))
    indices = iter(found.indices)
    keep = keepdims not in FALSE
    shape = [None if axis in axes else next(indices) for axis in range(tensor.rank) if keep or axis not in axes]
    return Tensor(found.expr, tuple(shape), kind)


def _of_one(builder: Builder, name: str, tensor: Tensor) -> Expr:
    if name in ("all", "any"):
        return bracket(builder, tensor).expr
    return sympy.S.Zero if name.startswith("arg") else tensor.expr


def extremum(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """``np.max`` and ``np.min``: ties split evenly."""
    lower = operation(name, function)

    def lowering(
        builder: Builder,
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Tensor:
        return lower(builder, a, axis, None, out, keepdims, initial, where)

    return lowering


def position(name: str) -> Callable[..., Tensor]:
    """``np.argmax`` and ``np.argmin``: integers, without derivative."""

    def lower(builder: Builder, a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Tensor:
        unused(out=out)
        tensor = tensor_of(builder, a)
        if axis is not None:
            return reduce_by(builder, name, tensor, (axis_number(axis, tensor.rank),), INT, keepdims)
        found = reduce_by(builder, name, ravel(builder, tensor), (0,), INT)
        return found if keepdims in FALSE else Tensor(found.expr, (None,) * tensor.rank, INT)

    return lower


def truth(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """``np.all`` and ``np.any``."""
    lower = operation(name, function)

    def lowering(
        builder: Builder, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None
    ) -> Tensor:
        return lower(builder, bracket(builder, tensor_of(builder, a)), axis, None, out, keepdims, None, where)

    return lowering


def ptp(builder: Builder, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Tensor:
    """``np.ptp``: the largest minus the smallest."""
    highest = extremum("max", np.max)(builder, a, axis, out, keepdims)
    lowest = extremum("min", np.min)(builder, a, axis, out, keepdims)
    exprs, indices = builder.broadcast(highest, lowest)
    return Tensor(exprs[0] - exprs[1], indices, highest.kind)


def count_nonzero(builder: Builder, a: Any, axis: Any = None, *, keepdims: Any = False) -> Tensor:
    """``np.count_nonzero``: the sum of brackets."""
    tensor = bracket(builder, tensor_of(builder, a))
    return sum_over(builder, tensor, axis_numbers(axis, tensor.rank), INT, keepdims)


def average(
    builder: Builder, a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Tensor:
    """``np.average``: the weighted mean."""
    only((False,), returned=returned)
    tensor = tensor_of(builder, a)
    if weights is None:
        return mean(builder, tensor, axis, keepdims=keepdims)
    weight = tensor_of(builder, weights)
    if weight.rank != tensor.rank:
        if weight.rank != 1 or axis is None:
            raise ShapeError("weights must have the shape of the array, or that of one axis")
        place = axis_number(axis, tensor.rank)
        weight = expand_dims(builder, weight, tuple(k for k in range(tensor.rank) if k != place))
    (value, factor), indices = builder.broadcast(tensor, weight)
    axes, kind = axis_numbers(axis, tensor.rank), result_kind(np.average, ((tensor.kind, 1),))
    top = sum_over(builder, Tensor(value * factor, indices, kind), axes, kind, keepdims)
    bottom = sum_over(builder, Tensor(factor, indices, kind), axes, kind, keepdims)
    return Tensor(builder.atomised(top.expr / bottom.expr, kind), top.indices, kind)


def norm(builder: Builder, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Tensor:  # noqa: A002
    """``np.linalg.norm``: the derivative of a 2-norm at 0 is 0."""
    tensor = _floating(builder, x)
    if axis is None and ord is None:
        return _root_of_squares(builder, tensor, tuple(range(tensor.rank)), keepdims)
    axes = _norm_axes(tensor, axis)
    if len(axes) == 1:
        return vector_norm_over(builder, tensor, axes, ord, keepdims)
    return _matrix_norm(builder, tensor, axes, ord, keepdims)


def _floating(builder: Builder, x: Any) -> Tensor:
    tensor = tensor_of(builder, x)
    return Tensor(tensor.expr, tensor.indices, result_kind(np.linalg.norm, ((tensor.kind, max(tensor.rank, 1)),)))


def _norm_axes(tensor: Tensor, axis: Any) -> tuple[int, ...]:
    axes = range(tensor.rank) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    found = tuple(axis_number(place, tensor.rank) for place in axes)
    if len(found) not in (1, 2):
        raise ShapeError("a norm of this order is taken over one axis or two")
    return found


def _root_of_squares(builder: Builder, tensor: Tensor, axes: tuple[int, ...], keepdims: Any) -> Tensor:
    if all(tensor.indices[axis] is None for axis in axes):
        size_of_one = Tensor(builder.atomised(fn.Absolute(tensor.expr), tensor.kind), tensor.indices, tensor.kind)
        return sum_over(builder, size_of_one, axes, tensor.kind, keepdims)
    squares = Tensor(tensor.expr**2, tensor.indices, tensor.kind)
    return root(builder, sum_over(builder, squares, axes, tensor.kind, keepdims))


def vector_norm_over(builder: Builder, tensor: Tensor, axes: tuple[int, ...], order: Any, keepdims: Any) -> Tensor:
    """The norm of a vector, or of all elements along some axes."""
    kind = tensor.kind
    if order in (None, 2):
        return _root_of_squares(builder, tensor, axes, keepdims)
    sizes = Tensor(builder.atomised(fn.Absolute(tensor.expr), kind), tensor.indices, kind)
    if order in (np.inf, -np.inf):
        return reduce_by(builder, "max" if order > 0 else "min", sizes, axes, kind, keepdims)
    if order == 0:
        return sum_over(builder, bracket(builder, tensor), axes, kind, keepdims)
    if order == 1:
        return sum_over(builder, sizes, axes, kind, keepdims)
    if isinstance(order, str):
        raise ShapeError(f"a vector has no norm of order {order!r}")
    degree = tensor_of(builder, order).expr
    powers = Tensor(builder.atomised(sizes.expr**degree, kind), sizes.indices, kind)
    total = sum_over(builder, powers, axes, kind, keepdims)
    return Tensor(builder.atomised(total.expr ** (1 / degree), kind), total.indices, kind)


def _matrix_norm(builder: Builder, tensor: Tensor, axes: tuple[int, ...], order: Any, keepdims: Any) -> Tensor:
    if order in (None, "fro", "f"):
        return _root_of_squares(builder, tensor, axes, keepdims)
    if order in (1, -1, np.inf, -np.inf):
        summed = axes[0] if abs(order) == 1 else axes[1]
        rest = axes[1] if abs(order) == 1 else axes[0]
        sums = vector_norm_over(builder, tensor, (summed,), 1, keepdims=True)
        widest = reduce_by(builder, "max" if order > 0 else "min", sums, (rest,), tensor.kind, keepdims=True)
        return reduced(widest, tuple(sorted(axes)), widest.expr, tensor.kind, keepdims)
    raise NotYetSupported(f"the matrix norm of order {order!r} needs singular values", remedy="use the Frobenius norm")


def matrix_norm(builder: Builder, x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Tensor:  # noqa: A002
    """``np.linalg.matrix_norm``."""
    return norm(builder, x, ord, (-2, -1), keepdims)


def vector_norm(builder: Builder, x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Tensor:  # noqa: A002
    """``np.linalg.vector_norm``."""
    tensor = _floating(builder, x)
    return vector_norm_over(builder, tensor, axis_numbers(axis, tensor.rank), ord, keepdims)


def diff(builder: Builder, a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """``np.diff``: each element minus the one before."""
    unused(prepend=prepend, append=append)
    tensor = tensor_of(builder, a)
    place = axis_number(axis, tensor.rank)
    for _ in range(static_integer(n)):
        length = tensor.shape[place] - 1
        builder.sizes.at_least(length, sympy.S.Zero)
        later = sliced(builder, tensor, place, sympy.S.One, length)
        earlier = sliced(builder, tensor, place, sympy.S.Zero, length)
        exprs, indices = builder.broadcast(later, earlier)
        tensor = Tensor(exprs[0] - exprs[1], indices, tensor.kind)
    return tensor


def trapezoid(builder: Builder, y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Tensor:
    """``np.trapezoid``: widths times the means of neighbours."""
    tensor = tensor_of(builder, y)
    place = axis_number(axis, tensor.rank)
    kind = result_kind(np.mean, ((tensor.kind, tensor.rank),))
    length = tensor.shape[place] - 1
    width = tensor_of(builder, dx)
    if x is not None:
        points = tensor_of(builder, x)
        width = diff(builder, points, axis=-1 if points.rank == 1 else place)
        trailing = (None,) * (tensor.rank - 1 - place if width.rank == 1 else 0)
        width = Tensor(width.expr, width.indices + trailing, width.kind)
    later = sliced(builder, tensor, place, sympy.S.One, length)
    earlier = sliced(builder, tensor, place, sympy.S.Zero, length)
    (step, after, before), indices = builder.broadcast(width, later, earlier)
    return sum_over(builder, Tensor(step * (after + before) / 2, indices, kind), (place,), kind)


def allclose(builder: Builder, a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Tensor:
    """``np.allclose``."""
    return truth("all", np.all)(builder, isclose(builder, a, b, rtol, atol, equal_nan))
