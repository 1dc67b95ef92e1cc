"""Arrays made from sizes and numbers: zeros, eye, arange, linspace; and the choice ``where``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder, kind_of
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Delta, Entry, Expr, Kind, Tensor
from symgrad.rules.arguments import as_kind, bracket, complement, only, size, sizes, static_integer
from symgrad.rules.convert import array_kind, cast_to, operands_of, tensor_of
from symgrad.rules.functions import Floor, FloorDivide
from symgrad.rules.shapes import broadcast_to, triangle_mask

FLOAT = np.dtype(float)


def _kind(dtype: Any, default: Kind = FLOAT) -> Kind:
    return default if dtype is None else as_kind(dtype)


def filled_with(value: int) -> Callable[..., Tensor]:
    """``np.zeros`` and ``np.ones``."""

    def lower(builder: Builder, shape: Any, dtype: Any = None, order: Any = "C", *, like: Any = None) -> Tensor:
        only(("C", None), order=order, like=like)
        return Tensor(sympy.Integer(value), builder.indices(sizes(builder, shape)), _kind(dtype))

    return lower


def like_with(value: int) -> Callable[..., Tensor]:
    """``np.zeros_like`` and ``np.ones_like``."""

    def lower(
        builder: Builder, a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
    ) -> Tensor:
        only(("K", "C", True), order=order, subok=subok)
        model = tensor_of(builder, a)
        lengths = model.shape if shape is None else sizes(builder, shape)
        return Tensor(sympy.Integer(value), builder.indices(lengths), _kind(dtype, array_kind(model.kind)))

    return lower


def full(builder: Builder, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Tensor:
    """``np.full``."""
    only("C", order=order)
    found = broadcast_to(builder, tensor_of(builder, fill_value), shape)
    return found if dtype is None else cast_to(builder, found, dtype)


def full_like(
    builder: Builder, a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Tensor:
    """``np.full_like``."""
    only(("K", "C", True), order=order, subok=subok)
    model = tensor_of(builder, a)
    lengths = tuple(Tensor(n, (), int) for n in model.shape) if shape is None else shape
    found = broadcast_to(builder, tensor_of(builder, fill_value), lengths)
    return cast_to(builder, found, array_kind(model.kind) if dtype is None else dtype)


def eye(builder: Builder, N: Any, M: Any = None, k: Any = 0, dtype: Any = float, order: Any = "C") -> Tensor:
    """``np.eye`` and ``np.identity``: Kronecker's delta."""
    only("C", order=order)
    indices = builder.indices((size(builder, N), size(builder, N if M is None else M)))
    row, column = (sympy.S.Zero if index is None else index for index in indices)
    return Tensor(Delta(row + static_integer(k), column, sympy.S.Zero), indices, _kind(dtype))


def identity_matrix(builder: Builder, n: Any, dtype: Any = None) -> Tensor:
    """``np.identity``."""
    return eye(builder, n, dtype=dtype)


def tri(builder: Builder, N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Tensor:
    """``np.tri``: the bracket of a comparison of indices."""
    indices = builder.indices((size(builder, N), size(builder, N if M is None else M)))
    return Tensor(triangle_mask(builder, indices, static_integer(k), lower=True), indices, _kind(dtype))


def arange(builder: Builder, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """``np.arange``: the index itself, scaled and shifted."""
    if stop is None:
        start, stop = 0, start
    first, last, stride = operands_of(builder, start, stop, step)
    if not stride.expr.is_Rational or stride.expr == 0:
        raise NotYetSupported("np.arange needs a step known at compile time")
    length = count_between(first.expr, last.expr, stride.expr)
    if length is None:
        raise NotYetSupported("np.arange needs bounds known at compile time, or lengths of axes")
    (index,) = builder.indices((length,))
    kind = array_kind(kind_of((first, last, stride))) if dtype is None else as_kind(dtype)
    return Tensor(first.expr + stride.expr * (sympy.S.Zero if index is None else index), (index,), kind)


def _is_whole(symbol: Expr) -> bool:
    """Whether a symbol stands for an integer argument."""
    return isinstance(symbol, Entry) and not is_floating(symbol.ref.kind)


def count_between(start: Expr, stop: Expr, step: Expr) -> Expr | None:
    """``ceil((stop - start)/step)``, not below zero; None where it is not a formula of sizes."""
    distance = sympy.expand((stop - start) / step)
    if distance.is_Rational:
        return sympy.Max(0, sympy.ceiling(distance))
    if not all(symbol.is_integer or _is_whole(symbol) for symbol in distance.free_symbols):
        return None
    if abs(step) == 1 or all(coefficient.is_Integer for coefficient in distance.as_coefficients_dict().values()):
        return distance
    return -FloorDivide(start - stop, step) if step.is_Integer else -Floor(-distance)


def linspace(
    builder: Builder,
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
) -> Tensor:
    """``np.linspace`` between numbers."""
    only((False, None), retstep=retstep, dtype=dtype)
    first, last = operands_of(builder, start, stop)
    if first.rank or last.rank:
        raise NotYetSupported("np.linspace between arrays is not supported yet")
    (index,) = builder.indices((size(builder, num),))
    if index is None:
        return Tensor(first.expr, (None,), FLOAT)
    steps = index.size - 1 if endpoint else index.size
    expr = first.expr + (last.expr - first.expr) * index / steps
    kind = array_kind(kind_of((first, last)))
    return Tensor(expr, (index,), kind if is_floating(kind) else FLOAT)


def meshgrid(
    builder: Builder, *xi: Any, copy: Any = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Tensor, ...]:
    """``np.meshgrid``."""
    del copy
    vectors = [builder.fresh(tensor) for tensor in operands_of(builder, *xi)]
    indices = [index for vector in vectors for index in (vector.indices if vector.rank else (None,))]
    if len(indices) != len(vectors):
        raise ShapeError("np.meshgrid takes vectors")
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    found = []
    for position, vector in enumerate(vectors):
        axes = [index if not sparse or k == position else None for k, index in enumerate(indices)]
        grid = tuple(axes[place] for place in order)
        found.append(builder.fresh(Tensor(vector.expr, grid, array_kind(vector.kind))))
    return tuple(found)


def where(builder: Builder, condition: Any, x: Any, y: Any) -> Tensor:
    """``np.where(c, x, y)``: ``[c]*x + [not c]*y``."""
    truth = bracket(builder, tensor_of(builder, condition))
    left, right = operands_of(builder, x, y)
    (chosen, first, second), indices = builder.broadcast(truth, left, right)
    opposite = complement(builder, Tensor(chosen, indices, truth.kind)).expr
    return Tensor(chosen * first + opposite * second, indices, array_kind(kind_of((left, right))))


def select(builder: Builder, condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """``np.select``: nested ``np.where``."""
    result = tensor_of(builder, default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(builder, condition, choice, result)
    return result
