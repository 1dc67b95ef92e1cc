"""Index expressions as subscripts: ``x[i + 1]`` is ``x[1:]``, ``p[i, y[i]]`` is ``p[np.arange(n), y]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy

from symgrad.emit.array import Array, Layout, aligned
from symgrad.ir.code import Code
from symgrad.ir.sizes import Sizes
from symgrad.ir.tensor import Entry, Expr, Index, index_symbols

SpellIndex = Callable[[Expr, tuple[Index, ...]], Array]
SpellSize = Callable[[Expr], Code]


@dataclass(frozen=True)
class Subscript:
    """``text`` goes between brackets (placeholders count from ``_1``); ``unique``: no element is met twice."""

    text: str
    operands: tuple[Code, ...]
    layout: Layout
    unique: bool

    @property
    def whole(self) -> bool:
        return set(self.text) <= set(":, ")


def subscript(
    sizes: Sizes, lengths: Sequence[Expr], positions: Sequence[Expr | None], spell: SpellIndex, size: SpellSize
) -> Subscript:
    """The subscript that selects these positions along axes of these lengths (None: an axis of length one)."""
    involved = _advanced_indices(positions)
    texts: list[str] = []
    operands: list[Code] = []
    layout: list[Index | None] = []
    advanced: list[int] = []
    for length, position in zip(lengths, positions, strict=True):
        if position is not None and (_reads_array(position) or index_symbols(position) & set(involved)):
            operands.append(aligned(spell(position, involved), involved).code)
            advanced.append(len(texts))
            texts.append(f"_{len(operands)}")
        else:
            texts.append(_plain(sizes, length, position, operands, size))
            layout += _kept_axis(position)
    where = _advanced_place(advanced, positions)
    layout[where:where] = involved
    covered = {i for p in positions if p is not None and not _reads_array(p) for i in index_symbols(p)}
    return Subscript(_trimmed(texts), tuple(operands), tuple(layout), covered >= set(involved))


def _advanced_indices(positions: Sequence[Expr | None]) -> tuple[Index, ...]:
    """The indices that must become index arrays: those inside array-valued positions, and those used twice."""
    found: dict[Index, None] = {}
    seen: set[Index] = set()
    for position in positions:
        if position is None:
            continue
        here = sorted(index_symbols(position), key=lambda index: index.name)
        twice = [index for index in here if index in seen]
        for index in here if _reads_array(position) or len(here) > 1 else twice:
            found[index] = None
        seen |= set(here)
    return tuple(found)


def _reads_array(position: Expr) -> bool:
    """Whether a position comes from an array, of one element perhaps; numbers of Python's and counters do not.

    Positions that wrap along an axis, or are quotients of an index, are an array, too.
    """
    if any(index_symbols(part) for part in position.atoms(sympy.Function)):
        return True
    return any(entry.indices or not (entry.ref.computed or entry.ref.kind is int) for entry in position.atoms(Entry))


def _advanced_place(advanced: list[int], positions: Sequence[Expr | None]) -> int:
    """Where NumPy puts the axes of index arrays: at the first if they and all numbers are adjacent, else in front."""
    if not advanced:
        return 0
    plain = enumerate(positions)
    numbers = [place for place, position in plain if position is not None and not index_symbols(position)]
    together = sorted({*advanced, *numbers})
    if together != list(range(together[0], together[0] + len(together))):
        return 0
    return sum(len(_kept_axis(position)) for position in positions[: together[0]])


def _kept_axis(position: Expr | None) -> list[Index | None]:
    if position is None:
        return [None]
    return list(index_symbols(position))


def _plain(sizes: Sizes, length: Expr, position: Expr | None, operands: list[Code], size: SpellSize) -> str:
    if position is None:
        return ":"
    indices = index_symbols(position)
    if not indices:
        return _bound(sizes, position, length, operands, size)
    (index,) = indices
    step = position.coeff(index)
    position, length = sizes.find(position), sizes.find(length)
    start = sympy.expand(position - step * index)
    stop = sympy.expand(start + step * sizes.find(index.size))
    if step < 0:
        is_first = _reaches_end(index.size, sympy.S.Zero, -start - 1, -step)
        return _backward(sizes, start, None if is_first else stop, length, operands, size) + f":{step}"
    low = "" if start == 0 else _bound(sizes, start, length, operands, size)
    to_end = sizes.same(stop, length) or _reaches_end(index.size, length, start, step)
    high = "" if to_end else _bound(sizes, stop, length, operands, size)
    return f"{low}:{high}" if step == 1 else f"{low}:{high}:{step}"


def _backward(sizes: Sizes, start: Expr, stop: Expr | None, length: Expr, operands: list[Code], size: SpellSize) -> str:
    """The bounds of a slice that goes down. They count from the end, so that "before the first" is no last place."""
    first = None if sizes.same(start, length - 1) else start
    last = None if stop is None or (stop.is_Integer and stop < 0) else stop
    texts = []
    for value in (first, last):
        from_end = value if value is None or (value.is_Integer and value >= 0) else sympy.expand(value - length)
        if from_end is None or from_end.is_Integer:
            texts.append("" if from_end is None else str(from_end))
            continue
        operands.append(size(from_end))
        texts.append(f"_{len(operands)}")
    return ":".join(texts)


def _reaches_end(size: Expr, length: Expr, start: Expr, step: Expr) -> bool:
    """Whether a size is the rounded-up quotient that a slice to the end has."""
    quotients = size.atoms(sympy.Function)
    return any(sympy.expand(size + quotient.func(start - length, step)) == 0 for quotient in quotients)


def _bound(sizes: Sizes, value: Expr, length: Expr, operands: list[Code], size: SpellSize) -> str:
    """A literal, counted from the end where that makes it one; else code."""
    value = sizes.find(value)
    from_end = sympy.expand(value - sizes.find(length))
    if value.is_Integer:
        return str(value)
    if from_end.is_Integer and from_end < 0:
        return str(from_end)
    operands.append(size(value))
    return f"_{len(operands)}"


def _trimmed(texts: list[str]) -> str:
    while len(texts) > 1 and texts[-1] == ":":
        texts = texts[:-1]
    return ", ".join(texts)
