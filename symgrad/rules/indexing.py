"""Indexing is substitution: ``x[2:]`` is the entry at ``i + 2``, ``logp[np.arange(n), y]`` the entry at ``i, y[i]``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Index, Tensor, Wrapped, index_symbols
from symgrad.rules.arguments import axis_number, size, static_integer
from symgrad.rules.convert import tensor_of
from symgrad.rules.creation import count_between
from symgrad.rules.shapes import ravel

SHORT = 4
"""A constant index into an axis that is not longer than this compiles for the length of the axis."""

Place = tuple[Expr | None, Index | None]
"""Where an axis is read, and the index of the result's axis."""


def index(builder: Builder, array: Any, key: Any) -> Tensor:
    """``array[key]`` for integers, slices, None, Ellipsis, integer arrays, and tuples of these."""
    tensor = tensor_of(builder, array)
    parts = [_read(part) for part in _unmasked(builder, key if isinstance(key, tuple) else (key,))]
    parts = _without_ellipsis(tensor, parts)
    if any(_is_array(part) for part in parts):
        return _advanced(builder, tensor, parts)
    return _basic(builder, tensor, parts)


def _unmasked(builder: Builder, parts: Sequence[Any]) -> list[Any]:
    """A key with positions for masks."""
    found: list[Any] = []
    for part in parts:
        mask = tensor_of(builder, part) if isinstance(part, list | tuple) else part
        if isinstance(mask, Tensor) and mask.kind in BOOLEAN and mask.rank:
            found += selected(builder, mask)
        else:
            found.append(mask)
    return found


def selected(builder: Builder, mask: Tensor) -> tuple[Tensor, ...]:
    """The positions along each axis at which a mask holds (``np.nonzero``)."""
    count = builder.op("count_nonzero", [mask], (), int)
    return tuple(
        builder.op("nonzero", [mask], (count.expr,), np.dtype(int), (("axis", axis),)) for axis in range(mask.rank)
    )


def _read(part: Any) -> Any:
    """A part of a key: numbers of NumPy become Python's."""
    if isinstance(part, bool | np.bool_) or (isinstance(part, Tensor) and part.kind in BOOLEAN):
        raise NotYetSupported("one truth value as an index is not supported", remedy="use if, or np.where")
    if isinstance(part, Tensor) and part.rank == 0 and part.expr.is_Integer:
        part = int(part.expr)
    if isinstance(part, Tensor) and is_floating(part.kind):
        raise ShapeError("arrays are indexed by integers, not by floats")
    return part


def _is_array(part: Any) -> bool:
    return isinstance(part, Tensor) and part.rank > 0


def _without_ellipsis(tensor: Tensor, parts: list[Any]) -> list[Any]:
    """The key with one part for each axis; None inserts an axis."""
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    missing = tensor.rank - sum(part is not None and part is not Ellipsis for part in parts)
    if missing < 0 or len(dots) > 1:
        raise ShapeError(f"too many indices for an array with {tensor.rank} axes")
    place = dots[0] if dots else len(parts)
    return [*parts[:place], *[slice(None)] * missing, *parts[place + 1 :]]


def _basic(builder: Builder, tensor: Tensor, parts: Sequence[Any]) -> Tensor:
    places: list[Expr | None] = []
    indices: list[Index | None] = []
    for part in parts:
        if part is None:
            indices.append(None)
            continue
        axis = tensor.indices[len(places)]
        place, new = _along(builder, axis, part)
        places.append(_from_front(builder, tensor, axis, place) if isinstance(part, Tensor) else place)
        indices += new
    return Tensor(builder.rename(tensor, places), tuple(indices), tensor.kind)


def _along(builder: Builder, axis: Index | None, part: Any) -> tuple[Expr | None, list[Index | None]]:
    """Where one axis is read, and the axes of the result that it gives."""
    if isinstance(part, slice):
        place, new = _slice(builder, axis, part)
        return place, [new]
    return _position(builder, axis, part), []


def _position(builder: Builder, axis: Index | None, part: Any) -> Expr | None:
    """The place that an integer names; negative ones count from the end."""
    if isinstance(part, Tensor):
        return None if axis is None else part.expr
    number = static_integer(part)
    length = sympy.S.One if axis is None else axis.size
    value = builder.sizes.value(builder.sizes.find(length))
    if value is not None and value <= SHORT and not length.is_Integer:
        length = sympy.Integer(builder.sizes.specialise(length))
    if not builder.sizes.at_least(length, sympy.Integer(-number if number < 0 else number + 1)):
        shown = length if value is None else value
        reason = f"index {number} is out of bounds for an axis of length {shown}"
        raise ShapeError(reason, exception=f"IndexError({reason!r})")
    if axis is None:
        return None
    return length + number if number < 0 else sympy.Integer(number)


def _slice(builder: Builder, axis: Index | None, part: slice) -> Place:
    length = sympy.S.One if axis is None else axis.size
    start, count, step = bounds(builder, length, part)
    if axis is None:
        return None, None if count == 1 else builder.index(count)
    if start == 0 and step == 1 and builder.sizes.same(count, length):
        return axis, axis
    (new,) = builder.indices((count,))
    return start if new is None else start + step * new, new


def bounds(builder: Builder, length: Expr, part: slice) -> tuple[Expr, Expr, int]:
    """The first place, the number of places, and the step of a slice, as ``slice.indices`` clips them."""
    step = 1 if part.step is None else static_integer(part.step)
    if step == 0:
        raise ShapeError("the step of a slice cannot be zero")
    low, high = (sympy.S.Zero, length) if step > 0 else (sympy.S.NegativeOne, length - 1)
    first = (low if step > 0 else high) if part.start is None else _clipped(builder, length, part.start, low, high)
    last = (high if step > 0 else low) if part.stop is None else _clipped(builder, length, part.stop, low, high)
    distance = sympy.expand(builder.sizes.find(last - first) * (1 if step > 0 else -1))
    if not builder.sizes.at_least(distance, sympy.S.Zero):
        return first, sympy.S.Zero, step
    count = count_between(sympy.S.Zero, distance, sympy.Integer(abs(step)))
    assert count is not None
    return first, count, step


def _clipped(builder: Builder, length: Expr, bound: Any, low: Expr, high: Expr) -> Expr:
    """A bound of a slice, counted from the front, between ``low`` and ``high``."""
    place = size(builder, bound)
    if _is_negative(builder, place):
        place = sympy.expand(place + length)
    if not builder.sizes.at_least(place, low):
        return low
    return place if builder.sizes.at_least(high, place) else high


def _is_negative(builder: Builder, place: Expr) -> bool:
    """Whether a bound counts from the end."""
    if place.is_Integer:
        return bool(place < 0)
    return not builder.sizes.at_least(place, sympy.S.Zero)


def _advanced(builder: Builder, tensor: Tensor, parts: Sequence[Any]) -> Tensor:
    """Integer arrays are read together: their common axes stand where they stood, or in front if they were apart."""
    chosen = [place for place, part in enumerate(parts) if isinstance(part, Tensor | int)]
    arrays = [_as_array(builder, part) for part in parts if isinstance(part, Tensor | int)]
    exprs, common = builder.broadcast(*(builder.fresh(array) for array in arrays))
    together = chosen == list(range(chosen[0], chosen[-1] + 1))
    positions = iter(exprs)
    places: list[Expr | None] = []
    before: list[Index | None] = []
    after: list[Index | None] = []
    for number, part in enumerate(parts):
        side = before if together and number < chosen[0] else after
        if part is None:
            side.append(None)
        elif number in chosen:
            axis = tensor.indices[len(places)]
            places.append(_from_front(builder, tensor, axis, _gathered(builder, axis, next(positions))))
        else:
            place, new = _along(builder, tensor.indices[len(places)], part)
            places.append(place)
            side += new
    return Tensor(builder.rename(tensor, places), (*before, *common, *after), tensor.kind)


def _from_front(builder: Builder, tensor: Tensor, axis: Index | None, place: Expr | None) -> Expr | None:
    """A place counted from the front: negative ones count from the end of the axis, or of the part of an array."""
    if axis is None or place is None or isinstance(place, Index):
        return place
    arrays = any(entry.indices for entry in place.atoms(Entry))
    affine = bool(index_symbols(place)) and not arrays
    computed = any(entry.ref in builder.equations for entry in place.atoms(Entry))
    if not affine and (not place.atoms(Entry) or _is_plain(tensor.expr, axis)):
        return place
    if not arrays and not computed and builder.sizes.always(place, sympy.S.Zero):
        return place
    wrapped = Wrapped(place, axis.size)
    return builder.map(wrapped, np.dtype(int), "k") if affine else wrapped


def _is_plain(expr: Expr, axis: Index) -> bool:
    """Whether an axis is read as it is, by all arrays of a formula."""
    return all(not position.has(axis) or position == axis for entry in expr.atoms(Entry) for position in entry.indices)


def _as_array(builder: Builder, part: Any) -> Tensor:
    return part if isinstance(part, Tensor) else builder.constant(part)


def _gathered(builder: Builder, axis: Index | None, place: Expr) -> Expr | None:
    if place.is_Integer:
        return _position(builder, axis, int(place))
    if isinstance(place, Index) and axis is not None:
        _meet(builder, axis, place)
    return None if axis is None else place


def _meet(builder: Builder, axis: Index, counter: Index) -> None:
    """``np.arange(n)`` along an axis: all of it, if it is so at this call (a condition of the guard)."""
    values = builder.sizes.value(builder.sizes.find(axis.size)), builder.sizes.value(builder.sizes.find(counter.size))
    if values[0] == values[1]:
        builder.sizes.unify(axis.size, counter.size)


def take(builder: Builder, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Tensor:
    """``np.take``."""
    if out is not None or mode != "raise":
        raise NotYetSupported("np.take with out= or mode= is not supported yet")
    tensor = ravel(builder, a) if axis is None else tensor_of(builder, a)
    place = 0 if axis is None else axis_number(axis, tensor.rank)
    chosen = static_integer(indices) if isinstance(indices, int) else tensor_of(builder, indices)
    return index(builder, tensor, (*[slice(None)] * place, chosen))


def take_along_axis(builder: Builder, arr: Any, indices: Any, axis: Any = -1) -> Tensor:
    """``np.take_along_axis``: the other axes are read at their own indices."""
    tensor, chosen = tensor_of(builder, arr), tensor_of(builder, indices)
    if axis is None:
        return index(builder, ravel(builder, tensor), ravel(builder, chosen))
    if tensor.rank != chosen.rank:
        raise ShapeError("the indices of take_along_axis need the array's number of axes")
    along, fresh = axis_number(axis, tensor.rank), builder.fresh(chosen)
    places: list[Expr | None] = []
    result: list[Index | None] = []
    for place, (old, new) in enumerate(zip(tensor.indices, fresh.indices, strict=True)):
        if place != along and new is not None and old is not None:
            builder.sizes.unify(old.size, new.size)
        if place != along and new is None:
            new = None if old is None else builder.index(old.size)  # noqa: PLW2901
        places.append(None if old is None else fresh.expr if place == along else new)
        result.append(new)
    return Tensor(builder.rename(tensor, places), tuple(result), tensor.kind)


def along_axis(builder: Builder, array: Tensor, indices: Tensor, axis: Any) -> tuple[Tensor, ...]:
    """The key with which ``np.put_along_axis`` stores: the other axes at their own indices."""
    along = axis_number(axis, array.rank)
    rest = zip(array.indices, indices.indices, strict=True)
    own = tuple(
        None if place == along or old is None else builder.index(old.size) if new is None else new
        for place, (old, new) in enumerate(rest)
    )
    places = [Tensor(sympy.S.Zero if index is None else index, (index,), np.dtype(int)) for index in own]
    return tuple(
        indices if place == along else Tensor(found.expr, (*found.indices, *[None] * after), found.kind)
        for place, (found, after) in enumerate(zip(places, range(array.rank)[::-1], strict=True))
    )


def split(builder: Builder, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Tensor]:
    """``np.split`` and ``np.array_split``: slices."""
    tensor = tensor_of(builder, ary)
    place = axis_number(axis, tensor.rank)
    if isinstance(indices_or_sections, tuple | list):
        cuts = [0, *(static_integer(cut) for cut in indices_or_sections), None]
    else:
        length = builder.sizes.specialise(tensor.shape[place])
        cuts = list(_even_cuts(length, static_integer(indices_or_sections)))
    return [
        index(builder, tensor, (*[slice(None)] * place, slice(start, stop))) for start, stop in itertools.pairwise(cuts)
    ]


def _even_cuts(length: int, sections: int) -> Sequence[int]:
    each, extra = divmod(length, sections)
    return [k * each + min(k, extra) for k in range(sections + 1)]


def split_even(builder: Builder, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Tensor]:
    """``np.split``: refuses sections of different lengths."""
    tensor = tensor_of(builder, ary)
    if not isinstance(indices_or_sections, tuple | list):
        length = builder.sizes.specialise(tensor.shape[axis_number(axis, tensor.rank)])
        if length % static_integer(indices_or_sections):
            raise ShapeError(f"an axis of length {length} cannot be split into {indices_or_sections} equal parts")
    return split(builder, tensor, indices_or_sections, axis)


def split_along(axis: int) -> Any:
    """``np.vsplit``, ``np.hsplit``, ``np.dsplit``."""

    def lower(builder: Builder, ary: Any, indices_or_sections: Any) -> list[Tensor]:
        tensor = tensor_of(builder, ary)
        return split_even(builder, tensor, indices_or_sections, 0 if axis == 1 and tensor.rank == 1 else axis)

    return lower
