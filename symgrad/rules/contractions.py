"""Contractions: products of entries over common indices, summed over the indices that the result lacks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import sympy

from symgrad.errors import ArgumentError, NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import common_kind
from symgrad.ir.tensor import BOOLEAN, Expr, Index, Tensor
from symgrad.rules.arguments import axis_number, bracket, static_integer, unused
from symgrad.rules.convert import array_kind, at, operands_of, stacked, tensor_of, without_axis
from symgrad.rules.shapes import moveaxis, ravel, reshaped

Labels = Sequence[Hashable]


def contracted(
    builder: Builder, operands: Sequence[Tensor], labels: Sequence[Labels], result: Labels, broadcast: bool = False
) -> Tensor:
    """The product of operands whose axes are labelled, over the result's labels, summed over the others.

    Axes with one label have one length; with ``broadcast``, or for labels that are tuples, it may also be one.
    """
    common: dict[Hashable, Index | None] = {}
    product: Expr = sympy.S.One
    for operand, names in zip(operands, labels, strict=True):
        if operand.rank != len(names):
            raise ShapeError(f"an array with {operand.rank} axes where {len(names)} are needed")
        fresh = builder.fresh(operand)
        product *= builder.rename(fresh, _places(builder, fresh, names, common, broadcast))
    bound = [index for label, index in common.items() if label not in result and index is not None]
    kind = common_kind(array_kind(operand.kind) for operand in operands)
    total = Tensor(builder.sum(product, bound, kind), tuple(common[label] for label in result), kind)
    return bracket(builder, Tensor(total.expr, total.indices, int)) if kind in BOOLEAN and bound else total


def _places(
    builder: Builder, operand: Tensor, names: Labels, common: dict[Hashable, Index | None], broadcast: bool
) -> list[Expr | None]:
    places: list[Expr | None] = []
    for index, label in zip(operand.indices, names, strict=True):
        seen = common.get(label)
        if label in common and (seen is None) != (index is None) and not broadcast and not isinstance(label, tuple):
            raise ShapeError("axes of lengths one and more do not fit together in a product")
        if seen is not None and index is not None:
            builder.sizes.unify(seen.size, index.size)
        if seen is None:
            common[label] = seen = index
        places.append(None if index is None else seen)
    return places


def _batch(rank: int) -> list[Hashable]:
    """Labels of leading axes, which broadcast, counted from the last."""
    return [("batch", rank - axis) for axis in range(rank)]


def _longest(first: list[Hashable], second: list[Hashable]) -> list[Hashable]:
    return first if len(first) >= len(second) else second


def matmul(builder: Builder, x1: Any, x2: Any) -> Tensor:
    """``x1 @ x2``."""
    left, right = operands_of(builder, x1, x2)
    if not left.rank or not right.rank:
        raise ShapeError("matmul does not take numbers", remedy="use *")
    before, after = _batch(max(left.rank - 2, 0)), _batch(max(right.rank - 2, 0))
    rows: list[Hashable] = ["i"] if left.rank > 1 else []
    columns: list[Hashable] = ["j"] if right.rank > 1 else []
    names = [[*before, *rows, "k"], [*after, "k", *columns]]
    return contracted(builder, (left, right), names, [*_longest(before, after), *rows, *columns])


def batched(left: str, right: str, result: str) -> Callable[..., Tensor]:
    """``np.vecdot``, ``np.matvec``, ``np.vecmat``: a product of the last axes, the others broadcast."""

    def lower(builder: Builder, x1: Any, x2: Any, *, axis: Any = -1) -> Tensor:
        first, second = operands_of(builder, x1, x2)
        if axis != -1:
            first, second = moveaxis(builder, first, axis, -1), moveaxis(builder, second, axis, -1)
        if first.rank < len(left) or second.rank < len(right):
            raise ShapeError("an operand has too few axes")
        before, after = _batch(first.rank - len(left)), _batch(second.rank - len(right))
        return contracted(
            builder, (first, second), [[*before, *left], [*after, *right]], [*_longest(before, after), *result]
        )

    return lower


def dot(builder: Builder, a: Any, b: Any, out: Any = None) -> Tensor:
    """``np.dot``: the last axis with the last but one."""
    unused(out=out)
    left, right = operands_of(builder, a, b)
    if not left.rank or not right.rank:
        return product(builder, left, right)
    return tensordot(builder, left, right, ([left.rank - 1], [max(right.rank - 2, 0)]))


def inner(builder: Builder, a: Any, b: Any) -> Tensor:
    """``np.inner``: the last axis with the last."""
    left, right = operands_of(builder, a, b)
    if not left.rank or not right.rank:
        return product(builder, left, right)
    return tensordot(builder, left, right, ([left.rank - 1], [right.rank - 1]))


def product(builder: Builder, left: Tensor, right: Tensor) -> Tensor:
    """The elementwise product."""
    exprs, indices = builder.broadcast(left, right)
    return Tensor(exprs[0] * exprs[1], indices, common_kind(array_kind(side.kind) for side in (left, right)))


def outer(builder: Builder, a: Any, b: Any, out: Any = None) -> Tensor:
    """``np.outer``."""
    unused(out=out)
    vectors = [ravel(builder, value) for value in operands_of(builder, a, b)]
    return contracted(builder, vectors, ["i", "j"], "ij")


def vdot(builder: Builder, a: Any, b: Any) -> Tensor:
    """``np.vdot``: the sum of products of all elements."""
    left, right = operands_of(builder, a, b)
    if left.rank != right.rank or not _alike(builder, left, right):
        left, right = ravel(builder, left), ravel(builder, right)
    return contracted(builder, (left, right), [range(left.rank), range(right.rank)], ())


def _alike(builder: Builder, left: Tensor, right: Tensor) -> bool:
    """Whether two shapes are the same, at this call or as far as is known."""
    for first, second in zip(left.shape, right.shape, strict=True):
        values = builder.sizes.value(builder.sizes.find(first)), builder.sizes.value(builder.sizes.find(second))
        if None not in values and values[0] != values[1]:
            return False
    return True


def tensordot(builder: Builder, a: Any, b: Any, axes: Any = 2) -> Tensor:
    """``np.tensordot``."""
    left, right = operands_of(builder, a, b)
    first, second = _dot_axes(left, right, axes)
    names: list[list[Hashable]] = [
        [f"a{axis}" for axis in range(left.rank)],
        [f"b{axis}" for axis in range(right.rank)],
    ]
    for here, there in zip(first, second, strict=True):
        names[1][there] = names[0][here]
    result = [name for axis, name in enumerate(names[0]) if axis not in first]
    result += [name for axis, name in enumerate(names[1]) if axis not in second]
    return contracted(builder, (left, right), names, result)


def _dot_axes(left: Tensor, right: Tensor, axes: Any) -> tuple[list[int], list[int]]:
    if not isinstance(axes, tuple | list):
        number = static_integer(axes)
        return list(range(left.rank - number, left.rank)), list(range(number))
    first, second = (part if isinstance(part, tuple | list) else (part,) for part in axes)
    if len(first) != len(second):
        raise ShapeError("tensordot needs as many axes of one operand as of the other")
    return [axis_number(axis, left.rank) for axis in first], [axis_number(axis, right.rank) for axis in second]


def einsum(builder: Builder, *operands: Any, optimize: Any = False, out: Any = None, dtype: Any = None) -> Tensor:
    """``np.einsum``, in both of its forms."""
    del optimize
    unused(out=out, dtype=dtype)
    read = _subscripts if isinstance(operands[0], str) else _sublists
    tensors, labels, result = read(builder, operands)
    pairs = [(tensor, names) for tensor, names in zip(tensors, labels, strict=True) if Ellipsis in names]
    longest = max((tensor.rank - len(names) + 1 for tensor, names in pairs), default=0)
    spread = [_spread(names, tensor.rank) for tensor, names in zip(tensors, labels, strict=True)]
    if result is None:
        result = _implicit(labels)
    wanted = [name for part in result for name in (_batch(longest) if part is Ellipsis else [part])]
    if len(set(wanted)) < len(wanted):
        raise ShapeError("a subscript occurs twice in the result of einsum")
    known = {name for names in spread for name in names}
    if not known.issuperset(wanted):
        raise ShapeError("a subscript in the result of einsum is in no operand")
    return contracted(builder, tensors, spread, wanted, broadcast=True)


def _subscripts(builder: Builder, operands: Sequence[Any]) -> tuple[list[Tensor], list[list[Any]], list[Any] | None]:
    text, arrow, output = operands[0].replace(" ", "").partition("->")
    labels = [_letters(part) for part in text.split(",")]
    if len(labels) != len(operands) - 1:
        raise ShapeError(f"einsum got {len(operands) - 1} operands for {len(labels)} subscripts")
    return list(operands_of(builder, *operands[1:])), labels, _letters(output) if arrow else None


def _letters(text: str) -> list[Any]:
    before, dots, after = text.partition("...")
    if not (before + after).isalpha() and before + after:
        raise ArgumentError(f"einsum does not understand the subscripts {text!r}")
    return [*before, *([Ellipsis] if dots else []), *after]


def _sublists(builder: Builder, operands: Sequence[Any]) -> tuple[list[Tensor], list[list[Any]], list[Any] | None]:
    pairs = len(operands) // 2
    labels = [list(operands[2 * k + 1]) for k in range(pairs)]
    tensors = list(operands_of(builder, *(operands[2 * k] for k in range(pairs))))
    return tensors, labels, list(operands[-1]) if len(operands) % 2 else None


def _spread(names: Sequence[Any], rank: int) -> list[Hashable]:
    """The labels of all axes, with the ellipsis written out."""
    if Ellipsis not in names:
        return list(names)
    place = names.index(Ellipsis)
    hidden = rank - len(names) + 1
    if hidden < 0:
        raise ShapeError("an operand of einsum has too few axes")
    return [*names[:place], *_batch(hidden), *names[place + 1 :]]


def _implicit(labels: Sequence[Sequence[Any]]) -> list[Any]:
    """The subscripts that occur once, sorted, after the ellipsis."""
    flat = [name for names in labels for name in names if name is not Ellipsis]
    dots = [Ellipsis] if any(Ellipsis in names for names in labels) else []
    return [*dots, *sorted(name for name in set(flat) if flat.count(name) == 1)]


def kron(builder: Builder, a: Any, b: Any) -> Tensor:
    """``np.kron``: an outer product whose pairs of axes are joined."""
    left, right = operands_of(builder, a, b)
    rank = max(left.rank, right.rank)
    left, right = (Tensor(t.expr, (None,) * (rank - t.rank) + t.indices, t.kind) for t in (left, right))
    names = [[f"a{axis}" for axis in range(rank)], [f"b{axis}" for axis in range(rank)]]
    pairs = contracted(builder, (left, right), names, [name for pair in zip(*names, strict=True) for name in pair])
    return reshaped(builder, pairs, [m * n for m, n in zip(left.shape, right.shape, strict=True)])


def multi_dot(builder: Builder, arrays: Sequence[Any], *, out: Any = None) -> Tensor:
    """``np.linalg.multi_dot``; the order of products is the emitter's choice."""
    unused(out=out)
    result = tensor_of(builder, arrays[0])
    for array in arrays[1:]:
        result = matmul(builder, result, array)
    return result


def cross(
    builder: Builder, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Tensor:
    """``np.cross`` of vectors with two or three components."""
    axes = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    left, right = (
        moveaxis(builder, value, place, -1) for value, place in zip(operands_of(builder, a, b), axes, strict=False)
    )
    u, v = _components(builder, left), _components(builder, right)
    if len(u) == len(v) == 2:
        return _minor(builder, u, v, 0, 1)
    parts = [_minor(builder, u, v, (k + 1) % 3, (k + 2) % 3) for k in range(3)]
    return moveaxis(builder, stacked(builder, parts, parts[0].rank), -1, axes[2])


def vector_cross(builder: Builder, x1: Any, x2: Any, /, *, axis: Any = -1) -> Tensor:
    """``np.linalg.cross``."""
    return cross(builder, x1, x2, axis=axis)


def _components(builder: Builder, tensor: Tensor) -> list[Tensor]:
    number = builder.sizes.specialise(tensor.shape[-1])
    if number not in (2, 3):
        raise ShapeError("np.cross takes vectors with two or three components")
    last = tensor.rank - 1
    return [without_axis(at(builder, tensor, last, sympy.Integer(k), None), last) for k in range(number)]


def _minor(builder: Builder, u: Sequence[Tensor], v: Sequence[Tensor], i: int, j: int) -> Tensor:
    """``u[i]*v[j] - u[j]*v[i]``; a third component that is missing is zero."""
    zero = Tensor(sympy.S.Zero, (), int)
    chosen = [part[k] if k < len(part) else zero for part, k in ((u, i), (v, j), (u, j), (v, i))]
    (a, b, c, d), indices = builder.broadcast(*chosen)
    return Tensor(a * b - c * d, indices, common_kind(array_kind(part.kind) for part in chosen))


def matrix_power(builder: Builder, a: Any, n: Any, inverse: Callable[[Builder, Tensor], Tensor]) -> Tensor:
    """``np.linalg.matrix_power`` by repeated squaring."""
    tensor, exponent = tensor_of(builder, a), static_integer(n)
    if exponent == 0:
        raise NotYetSupported("the zeroth power of a matrix is np.eye(n)", remedy="use np.eye")
    base = inverse(builder, tensor) if exponent < 0 else tensor
    result, exponent = None, abs(exponent)
    while exponent:
        if exponent % 2:
            result = base if result is None else matmul(builder, result, base)
        exponent //= 2
        base = matmul(builder, base, base) if exponent else base
    assert result is not None
    return result
