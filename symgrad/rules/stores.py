"""Stores: an array with new elements at some places.

``store(x, v, key)`` is ``x`` after ``x[key] = v``, ``increment`` after ``np.add.at(x, key, v)``. Both are linear: the
cotangent of ``x`` is zero where a store put something, that of ``v`` is read from there. Where places repeat, the last
store wins, so that the others have no cotangent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import InternalError, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Index, Tensor, substitute
from symgrad.rules.convert import tensor_of
from symgrad.rules.indexing import index, selected
from symgrad.rules.row import Operation

Key = tuple[Any, ...]
"""Parts of a key, with ``("operand", n)`` for tensors."""


def store(builder: Builder, array: Tensor, key: Any, value: Any, *, distinct: bool = False) -> Tensor:
    """``array`` after ``array[key] = value``; ``distinct`` tells that no place is named twice."""
    parts = _integers(builder, key if isinstance(key, tuple) else (key,))
    mask = _mask(parts)
    given = tensor_of(builder, value)
    if mask is not None:
        if not given.rank:
            return _masked(builder, array, mask, given)
        parts, distinct = (*selected(builder, mask), *parts[1:]), not repeats(parts[1:])
    place = index(builder, array, parts)
    extra = max(given.rank - place.rank, 0)
    if all(axis is None for axis in given.indices[:extra]):
        given = Tensor(given.expr, given.indices[extra:], given.kind)
    given = _fitting(builder, given, place)
    _check(builder, given, place)
    if _is_whole(builder, parts, array, place):
        return Tensor(_aligned(builder, given, array), array.indices, array.kind)
    return _put(builder, "store", array, parts, given, distinct or _is_progression(builder, array, parts))


def increment(builder: Builder, array: Tensor, key: Any, value: Any, *, distinct: bool = False) -> Tensor:
    """``array`` after ``np.add.at(array, key, value)``."""
    parts = _integers(builder, key if isinstance(key, tuple) else (key,))
    mask = _mask(parts)
    if mask is not None:
        parts, distinct = (*selected(builder, mask), *parts[1:]), not repeats(parts[1:])
    place = index(builder, array, parts)
    given = _fitting(builder, tensor_of(builder, value), place)
    _check(builder, given, place)
    apart = distinct or not repeats(parts) or _is_progression(builder, array, parts)
    return _put(builder, "increment", array, parts, given, apart)


def repeats(key: Any) -> bool:
    """Whether a key may name a place several times: it has an array of integers."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, list | np.ndarray) or (isinstance(part, Tensor) and part.rank > 0) for part in parts)


def distinct(key: Any) -> bool:
    """Whether no place is named twice by the lists in a key, as far as they are known while compiling."""
    parts = [part for part in (key if isinstance(key, tuple) else (key,)) if isinstance(part, list)]
    others = [part for part in (key if isinstance(key, tuple) else (key,)) if not isinstance(part, list)]
    if not parts or any(part is not Ellipsis and not isinstance(part, int | slice | None) for part in others):
        return False
    try:
        arrays = np.broadcast_arrays(*map(np.array, parts))
    except ValueError:
        return False
    if any(array.dtype.kind != "i" or len(np.unique(array < 0)) > 1 for array in arrays):
        return False
    places = np.stack([array.ravel() for array in arrays])
    return bool(np.unique(places, axis=1).shape == places.shape)


def _is_progression(builder: Builder, array: Tensor, parts: Key) -> bool:
    """Whether the one array in a key is ``np.arange(m) + k``, or goes down so, and is no longer than the axis."""
    arrays = [(place, part) for place, part in enumerate(parts) if isinstance(part, Tensor) and part.rank]
    if len(arrays) != 1 or any(part is None or part is Ellipsis for part in parts):
        return False
    ((place, part),) = arrays
    if part.rank > 1 or part.indices[0] is None or array.indices[place] is None:
        return False
    (index,) = part.free
    rest = part.expr - index if part.expr.coeff(index) == 1 else part.expr + index
    fixed = not rest.has(index) and not any(entry.indices for entry in rest.atoms(Entry))
    return fixed and builder.sizes.at_least(array.shape[place], index.size)


def _integers(builder: Builder, parts: Sequence[Any]) -> Key:
    """A key in which lists are arrays."""
    return tuple(tensor_of(builder, part) if isinstance(part, list | np.ndarray) else part for part in parts)


def _mask(parts: Key) -> Tensor | None:
    first = parts[0] if parts else None
    return first if isinstance(first, Tensor) and first.kind in BOOLEAN and first.rank else None


def _masked(builder: Builder, array: Tensor, mask: Tensor, value: Tensor) -> Tensor:
    """``np.where(mask, value, array)``, the mask over the first axes."""
    renames: list[Expr | None] = []
    for own, other in zip(mask.indices, array.indices, strict=False):
        if own is not None and other is not None:
            builder.sizes.unify(own.size, other.size)
        renames.append(other if own is not None else None)
    chosen = builder.rename(mask, renames)
    if not isinstance(chosen, Entry):
        chosen = builder.map(chosen, np.dtype(bool))
    assert isinstance(chosen, Entry)
    return Tensor(chosen * value.expr + chosen.complement * array.expr, array.indices, array.kind)


def _fitting(builder: Builder, value: Tensor, place: Tensor) -> Tensor:
    """The value as one of length one along axes where the place has length one, if it is so at this call."""
    axes: list[Index | None] = list(value.indices)
    for number, (own, other) in enumerate(zip(value.indices[::-1], place.indices[::-1], strict=False), 1):
        if own is not None and other is None and builder.sizes.value(builder.sizes.find(own.size)) == 1:
            builder.sizes.unify(own.size, sympy.S.One)
            axes[-number] = None
    first = {old: sympy.S.Zero for old, new in zip(value.indices, axes, strict=True) if old is not new}
    return Tensor(substitute(value.expr, first, builder.sizes), tuple(axes), value.kind)


def _check(builder: Builder, value: Tensor, place: Tensor) -> None:
    """The value must broadcast to the place."""
    if value.rank > place.rank:
        raise ShapeError(f"an array with {value.rank} axes does not fit into a place with {place.rank}")
    builder.broadcast(builder.fresh(value), builder.fresh(place))
    if any(b is None and a is not None for a, b in zip(value.indices[::-1], place.indices[::-1], strict=False)):
        reason = "an array does not fit into a place of length one"
        raise ShapeError(reason, exception=f"ValueError({reason!r})")


def _is_whole(builder: Builder, parts: Key, array: Tensor, place: Tensor) -> bool:
    plain = all(part is Ellipsis or isinstance(part, slice) for part in parts)
    same = len(place.indices) == len(array.indices) and all(
        (a is None) == (b is None) and (a is None or b is None or builder.sizes.same(a.size, b.size))
        for a, b in zip(place.indices, array.indices, strict=True)
    )
    forward = all(part is Ellipsis or part.step in (None, 1) for part in parts if plain)
    return plain and same and forward


def _aligned(builder: Builder, value: Tensor, array: Tensor) -> Expr:
    """The formula of a value broadcast to an array."""
    own = array.indices[array.rank - value.rank :]
    for old, new in zip(value.indices, own, strict=True):
        if old is not None and new is not None:
            builder.sizes.unify(old.size, new.size)
    return builder.rename(value, [None if old is None else new for old, new in zip(value.indices, own, strict=True)])


def _put(builder: Builder, name: str, array: Tensor, parts: Key, value: Tensor, distinct: bool) -> Tensor:
    operands = [builder.fresh(array), builder.fresh(value)]
    key = tuple(_encoded(part, operands) for part in parts)
    return builder.op(name, operands, array.shape, array.kind, (("key", key), ("distinct", distinct)))


def _encoded(part: Any, operands: list[Tensor]) -> Any:
    if isinstance(part, slice):
        return ("slice", *(_encoded(bound, operands) for bound in (part.start, part.stop, part.step)))
    if isinstance(part, Tensor):
        operands.append(part)
        return ("operand", len(operands) - 1)
    return part


def _decoded(part: Any, operands: Sequence[Tensor]) -> Any:
    if isinstance(part, tuple) and part[0] == "slice":
        return slice(*(_decoded(bound, operands) for bound in part[1:]))
    if isinstance(part, tuple):
        return operands[part[1]]
    return part


def _written(part: Any) -> str:
    if isinstance(part, tuple) and part[0] == "slice":
        start, stop, step = ("" if bound is None else _written(bound) for bound in part[1:])
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    if isinstance(part, tuple):
        return f"_{part[1]}"
    return "..." if part is Ellipsis else str(part)


def _spelled_store(key: Key, distinct: bool) -> str:
    del distinct
    return f"_ = fresh(_0)\n_[{', '.join(map(_written, key))}] = _1"


def _spelled_increment(key: Key, distinct: bool) -> str:
    inner = ", ".join(map(_written, key))
    if not distinct and any(isinstance(part, tuple) and part[0] == "operand" for part in key):
        place = f"np.s_[{inner}]" if ":" in inner or "..." in inner else f"({inner},)" if "," in inner else inner
        return f"_ = fresh(_0)\nnp.add.at(_, {place}, _1)"
    return f"_ = fresh(_0)\n_[{inner}] += _1"


def _pulled(builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], key: Key) -> Tensor:
    """The cotangent of what was put: read from the places, summed over what was broadcast."""
    read = index(builder, cotangent, tuple(_decoded(part, operands) for part in key))
    return _summed_to(builder, read, operands[1])


def _summed_to(builder: Builder, read: Tensor, value: Tensor) -> Tensor:
    own: tuple[Index | None, ...] = (*(None,) * (read.rank - value.rank), *value.indices)
    bound = [new for new, old in zip(read.indices, own, strict=True) if old is None and new is not None]
    indices = tuple(None if index in bound else index for index in read.indices[read.rank - value.rank :])
    return Tensor(builder.sum(read.expr, bound, read.kind), indices, read.kind)


def pulled_store(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], key: Key, distinct: bool
) -> tuple[Tensor | None, ...]:
    """The cotangents of a store."""
    array, value = operands[:2]
    parts = tuple(_decoded(part, operands) for part in key)
    zero = Tensor(sympy.S.Zero, (), value.kind)
    to_array = _put(builder, "store", cotangent, parts, zero, distinct)
    if repeats(parts) and not distinct:
        read = index(builder, cotangent, parts)
        places = [builder.fresh(array), *operands[2:]]
        winners = builder.op("winners", places, read.shape, np.dtype(bool), (("key", key),))
        expr = read.expr * builder.rename(winners, read.indices)
        to_value = _summed_to(builder, Tensor(expr, read.indices, read.kind), value)
    else:
        to_value = _pulled(builder, cotangent, operands, key)
    rest = (None,) * (len(operands) - 2)
    return (to_array, to_value if is_floating(value.kind) else None, *rest)


def pulled_increment(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], key: Key, distinct: bool
) -> tuple[Tensor | None, ...]:
    """The cotangents of an increment."""
    del distinct
    rest = (None,) * (len(operands) - 2)
    return (cotangent, _pulled(builder, cotangent, operands, key), *rest)


def _spelled_winners(key: Key) -> str:
    """Which of the elements that a store puts are there at the end."""
    moved = tuple(_shifted(part) for part in key)
    inner = ", ".join(map(_written, moved))
    return (
        "_ = np.zeros(_0.shape, int)\n"
        f"_[{inner}] = np.arange(_[{inner}].size).reshape(_[{inner}].shape)\n"
        f"_ = _[{inner}] == np.arange(_[{inner}].size).reshape(_[{inner}].shape)"
    )


def _shifted(part: Any) -> Any:
    """Operands of the places come right after the array."""
    if isinstance(part, tuple) and part[0] == "slice":
        return ("slice", *(_shifted(bound) for bound in part[1:]))
    return ("operand", part[1] - 1) if isinstance(part, tuple) else part


def _made_once(number: int, name: str) -> str:
    """What happens once has the user's code only."""
    raise InternalError(f"{name or 'what happens once'} ({number}) is computed again")


def _spelled_argsort(axis: int, kind: str | None) -> str:
    return f"np.argsort(_0, axis={axis})" if kind is None else f"np.argsort(_0, axis={axis}, kind={kind!r})"


def _spelled_searchsorted(side: str) -> str:
    return "np.searchsorted(_0, _1)" if side == "left" else f"np.searchsorted(_0, _1, side={side!r})"


OPERATIONS: dict[str, Operation] = {
    "store": Operation(_spelled_store, transpose=pulled_store),
    "increment": Operation(_spelled_increment, transpose=pulled_increment),
    "winners": Operation(_spelled_winners),
    "nonzero": Operation(lambda axis: f"np.nonzero(_0)[{axis}]"),
    "count_nonzero": Operation("np.count_nonzero(_0)"),
    "argsort": Operation(_spelled_argsort),
    "searchsorted": Operation(_spelled_searchsorted),
    "digitize": Operation(lambda right: f"np.digitize(_1, _0{', right=True' if right else ''})"),
    "opaque": Operation(_made_once),
}
