"""Tensor expressions in index notation.

A value is a SymPy expression over *entries* (``X[i,j]``, one array element at symbolic indices), size symbols and
numbers, together with the ordered tuple of its free indices, one per axis; ``None`` stands for an axis of length one.
Broadcasting, transposition and ``[:, None]`` therefore need no operation: an index moves, or is missing.

Entries are SymPy symbols, so that differentiation, powers and cancellation are SymPy's own arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import sympy

Expr: TypeAlias = sympy.Expr
Kind: TypeAlias = np.dtype[Any] | type
"""The dtype of a value: a NumPy dtype, or ``float``, ``int``, ``bool``, ``complex`` for a Python number."""


class Index(sympy.Symbol):
    """An index that runs over ``range(size)``; equal only to itself under its name."""

    __slots__ = ("size",)
    size: Expr

    def __new__(cls, name: str, size: Expr) -> Index:
        self = sympy.Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
        self.size = size
        return self  # type: ignore[no-any-return]

    def _hashable_content(self) -> tuple[object, ...]:
        return (self.name, self.size)


def size_symbol(name: str) -> sympy.Symbol:
    """A symbol for the length of an axis, which may be zero."""
    return sympy.Symbol(name, integer=True, nonnegative=True)


@dataclass(frozen=True, eq=False)
class Ref:
    """The name of an array that an equation, a parameter or an operation defines.

    ``shape`` has one size for each axis whose length is not one. An integer that a block ``computed`` is known to no
    guard; one that counts rounds has ``bounds``, its least and its greatest value.
    """

    name: str
    shape: tuple[Expr, ...]
    kind: Kind
    computed: bool = False
    bounds: tuple[Expr, Expr] | None = None
    serial: int = field(default_factory=itertools.count().__next__)

    def __repr__(self) -> str:
        return self.name


class Entry(sympy.Symbol):
    """One element of an array at an index for each of its axes; an index is an integer expression."""

    __slots__ = ("indices", "negated", "ref")
    ref: Ref
    indices: tuple[Expr, ...]
    negated: bool

    def __new__(cls, ref: Ref, indices: Iterable[Expr] = (), negated: bool = False) -> Entry:
        return _entry(ref, tuple(indices), negated)

    def _hashable_content(self) -> tuple[object, ...]:
        """Entries of different programs differ, whatever their names: SymPy's cache outlives a program."""
        return (self.name, self.ref.serial)

    def _eval_power(self, exponent: Expr) -> Expr | None:
        """A bracket is idempotent: its positive powers are itself."""
        return self if self.ref.kind in BOOLEAN and exponent.is_positive else None

    @property
    def complement(self) -> Entry:
        """``[not c]`` of a bracket ``[c]``."""
        return Entry(self.ref, self.indices, not self.negated)


BOOLEAN: frozenset[Kind] = frozenset({bool, np.dtype(bool)})


@lru_cache(maxsize=65536)
def _entry(ref: Ref, indices: tuple[Expr, ...], negated: bool) -> Entry:
    text = f"{ref.name}[{','.join(map(str, indices))}]" if indices else ref.name
    assumptions = {"integer": True} if ref.computed else {"real": True}
    if ref.bounds is not None and ref.bounds[0].is_nonnegative:
        assumptions["nonnegative"] = True
    self = sympy.Symbol.__xnew__(Entry, f"~{text}" if negated else text, **assumptions)
    self.ref, self.indices, self.negated = ref, indices, negated
    return self  # type: ignore[no-any-return]


class Delta(sympy.Function):
    """Kronecker's delta of an index and a position; idempotent, free of derivatives.

    The position lies in ``range(length)``: an index that runs over just that range is determined by it (a ``length`` of
    zero says that the position's range is not known).
    """

    nargs = 3
    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, axis: Expr, position: Expr, _length: Expr) -> Expr | None:
        difference = axis - position
        if difference.is_zero:
            return sympy.S.One
        apart = difference.is_number and not (may_wrap(axis) or may_wrap(position))
        return sympy.S.Zero if apart else None

    def _eval_power(self, exponent: Expr) -> Expr | None:
        return self if exponent.is_positive else None


class Wrapped(sympy.Function):
    """A place along an axis of a length, counted from the front: ``place % length``; no derivative.

    >>> Wrapped(sympy.Integer(-1), size_symbol("n")), Wrapped(size_symbol("m") - 2, size_symbol("n"))
    (n - 1, Wrapped(m - 2, n))
    """

    nargs = 2
    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, place: Expr, length: Expr) -> Expr | None:
        if place.is_Integer and place < 0:
            return place + length
        least = extreme(place, 0)
        return place if place.is_nonnegative or (least is not None and least.is_nonnegative) else None

    def fdiff(self, _argument: int = 1) -> Expr:
        return sympy.S.Zero


class Bracket(sympy.Function):
    """Iverson's bracket: a function with the values 0 and 1 and no derivative. Base of the comparisons."""

    is_integer = True
    is_nonnegative = True

    def fdiff(self, _argument: int = 1) -> Expr:
        return sympy.S.Zero


@dataclass(frozen=True)
class Tensor:
    """An array value: the formula of one element, the free index of each axis (None: length one), the dtype."""

    expr: Expr
    indices: tuple[Index | None, ...]
    kind: Kind

    @property
    def rank(self) -> int:
        return len(self.indices)

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(sympy.S.One if index is None else index.size for index in self.indices)

    @property
    def free(self) -> tuple[Index, ...]:
        return tuple(index for index in self.indices if index is not None)


@lru_cache(maxsize=65536)
def entries(expr: Expr) -> tuple[Entry, ...]:
    """The entries in an expression, including those inside indices of entries, in a fixed order."""
    found: dict[Entry, None] = {}
    pending = [expr]
    while pending:
        for entry in sorted(pending.pop().atoms(Entry), key=lambda e: e.name):
            if entry not in found:
                found[entry] = None
                pending.extend(entry.indices)
    return tuple(found)


def factors(expr: Expr) -> list[Entry]:
    """The entries of the formula itself, without those that only occur inside an index."""
    return sorted(expr.atoms(Entry), key=lambda entry: entry.name)


@lru_cache(maxsize=65536)
def index_symbols(expr: Expr) -> frozenset[Index]:
    """All indices that occur in an expression, also inside entries."""
    inner = (index for entry in expr.atoms(Entry) for index in entry.indices)
    return frozenset(expr.atoms(Index)).union(*map(index_symbols, inner))


class Lengths(Protocol):
    """What is known of lengths and of places."""

    def same(self, left: Expr, right: Expr) -> bool:
        """Whether two lengths are equal."""

    def wraps(self, place: Expr) -> bool:
        """Whether a place may count from the end."""


class _Unknown:
    """Nothing is known."""

    def same(self, left: Expr, right: Expr) -> bool:
        return bool(left == right)

    def wraps(self, place: Expr) -> bool:
        return may_wrap(place)


UNKNOWN = _Unknown()


def substitute(expr: Expr, mapping: Mapping[Any, Expr], lengths: Lengths = UNKNOWN) -> Expr:
    """Replace symbols, also inside the indices of entries.

    A place that may count from the end stands as it is only where it is the place along an axis as long as that of the
    index; it is counted from the front everywhere else.

    >>> i, x = Index("i", sympy.Integer(2)), Ref("x", (sympy.Integer(3),), float)
    >>> k = Entry(Ref("k", (), int, computed=True))
    >>> substitute(Entry(x, (i,)) + i, {i: k})
    Wrapped(k, 2) + x[Wrapped(k, 2)]
    """
    if not mapping:
        return expr
    changes = {old: _counted(old, new, lengths) for old, new in mapping.items()}
    wrapping = {old: new for old, new in mapping.items() if changes[old] is not new}
    for entry in expr.atoms(Entry):
        if entry not in changes:
            axes = zip(entry.indices, entry.ref.shape, strict=True)
            indices = tuple(_placed(index, size, wrapping, mapping, lengths) for index, size in axes)
            if indices != entry.indices:
                changes[entry] = Entry(entry.ref, indices, entry.negated)
    for delta in expr.atoms(Delta) if wrapping else ():
        axis, position, length = delta.args
        parts = [_placed(part, length, wrapping, mapping, lengths) for part in (axis, position)]
        changes[delta] = Delta(*parts, substitute(length, mapping, lengths))
    return expr.xreplace(changes)


def _counted(old: Expr, new: Expr, lengths: Lengths) -> Expr:
    """What replaces a symbol; in the place of an index, a place that is counted from the front."""
    return Wrapped(new, old.size) if isinstance(old, Index) and lengths.wraps(new) else new


def _placed(
    index: Expr, size: Expr, wrapping: Mapping[Any, Expr], mapping: Mapping[Any, Expr], lengths: Lengths
) -> Expr:
    """A place along an axis of this size, symbols replaced."""
    if index in wrapping and lengths.same(index.size, size):
        return wrapping[index]
    return substitute(index, mapping, lengths)


def may_wrap(place: Expr) -> bool:
    """Whether a place may count from the end: one that a run tells, and that is not known to be no less than zero."""
    if place.is_nonnegative or not place.atoms(Entry):
        return False
    least = extreme(place, 0)
    return least is None or not least.is_nonnegative


def extreme(difference: Expr, end: int) -> Expr | None:
    """The least (``end`` is 0) or the greatest value over the ranges of what runs; None where it is not linear.

    >>> i = Index("i", sympy.Integer(3))
    >>> extreme(2 * i - 1, 0), extreme(2 * i - 1, 1), extreme(i**2 - 1, 0)
    (-1, 3, None)
    """
    for symbol in sorted(difference.free_symbols, key=str):
        bounds = _bounds(symbol)
        if bounds is not None:
            slope = difference.coeff(symbol)
            if not slope.is_number or sympy.expand(difference - slope * symbol).has(symbol):
                return None
            place = bounds[end if slope > 0 else 1 - end]
            return extreme(sympy.expand(difference.subs(symbol, place)), end)
    return difference


def _bounds(symbol: Expr) -> tuple[Expr, Expr] | None:
    """The least and the greatest value of what counts rounds, or of an index."""
    if isinstance(symbol, Index):
        return sympy.S.Zero, symbol.size - 1
    return symbol.ref.bounds if isinstance(symbol, Entry) else None
