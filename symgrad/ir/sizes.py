"""Sizes: the lengths of axes as integer expressions, found equal by unification.

A compiled function holds for every size that satisfies its conditions. Sizes of arguments are symbols that are not
one (the signature says so); an expression of them, such as ``n - 1``, may be one, so that broadcasting must ask.
The sizes of the call being compiled decide, and the answer becomes a condition of the guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy

from symgrad.errors import ShapeError
from symgrad.ir.tensor import Entry, Expr, Index, extreme, may_wrap, size_symbol


@dataclass(frozen=True)
class Condition:
    """``left == right`` (``equal``) or ``left != right``."""

    left: Expr
    right: Expr
    equal: bool


@dataclass
class Sizes:
    """What is known of sizes while a function is lowered; ``concrete`` gives their values at the compiling call.

    ``elements`` are elements of arrays with one element, which are no lengths: a guard does not look into arrays.
    """

    concrete: dict[sympy.Symbol, Expr] = field(default_factory=dict)
    elements: set[sympy.Symbol] = field(default_factory=set)
    conditions: dict[Condition, None] = field(default_factory=dict)
    _known: dict[sympy.Symbol, Expr] = field(default_factory=dict)
    _vanishing: set[Expr] = field(default_factory=set)
    _nonnegative: set[Expr] = field(default_factory=set)

    def symbol(self, name: str, value: int | None = None) -> sympy.Symbol:
        symbol = size_symbol(name)
        if value is not None:
            self.concrete[symbol] = sympy.Integer(value)
        return symbol

    def find(self, size: Expr) -> Expr:
        """The size in terms of representatives."""
        if isinstance(size, sympy.Symbol):
            known = self._known.get(size)
            return size if known is None else self.find(known)
        symbols = {symbol: self.find(symbol) for symbol in size.free_symbols if symbol in self._known}
        return sympy.expand(size.xreplace(symbols)) if symbols else size

    def same(self, left: Expr, right: Expr) -> bool:
        if left == right:
            return True
        difference = sympy.expand(self.find(left) - self.find(right))
        return difference == 0 or difference in self._vanishing or -difference in self._vanishing

    def value(self, size: Expr) -> int | None:
        """The size at the compiling call, where it is known."""
        number = size.xreplace(self.concrete)
        return int(number) if number.is_Integer else None

    def is_one(self, size: Expr) -> bool:
        size = self.find(size)
        if size.is_number or type(size) is sympy.Symbol:
            return bool(size == 1)
        if runs(size):
            return False
        one = self.value(size) == 1
        self.conditions[Condition(size, sympy.S.One, one)] = None
        return one

    def unify(self, left: Expr, right: Expr) -> None:
        """Make two sizes equal, or raise ``ShapeError`` where they cannot be."""
        left, right = self.find(left), self.find(right)
        difference = sympy.expand(left - right)
        if self.same(left, right):
            return
        values = self.value(left), self.value(right)
        if difference.is_number or (None not in values and values[0] != values[1]):
            sizes = " and ".join(
                str(size if value is None else value) for size, value in zip((left, right), values, strict=True)
            )
            self.conditions[Condition(left, right, False)] = None
            reason = f"axes of lengths {sizes} do not fit together"
            raise ShapeError(reason, exception=f"ValueError({reason!r})")
        if runs(difference):
            raise ShapeError(
                f"axes of lengths {left} and {right} may differ from round to round",
                remedy="make the lengths equal for every round of the loop",
            )
        if runs(left) or runs(right):
            left, right = difference, sympy.S.Zero
        self.conditions[Condition(left, right, True)] = None
        self._learn(left, right, difference)

    def specialise(self, size: Expr) -> int:
        """Compile for the length that an axis has at this call; a condition of the guard says so."""
        value = self.value(self.find(size))
        if value is None:
            raise ShapeError(f"the length of an axis ({size}) must be known here", remedy="give it as a number")
        self.unify(size, sympy.Integer(value))
        return value

    def at_least(self, size: Expr, bound: Expr) -> bool:
        """Whether ``size >= bound``, as at this call (or else assumed); a maximum says so in the condition."""
        size, bound = self.find(size), self.find(bound)
        difference = sympy.expand(size - bound)
        if difference.is_nonnegative or difference.is_negative:
            return bool(difference.is_nonnegative)
        if runs(difference):
            return self._always(difference)
        if runs(size) or runs(bound):
            size, bound = difference, sympy.S.Zero
        value = self.value(difference)
        holds = value is None or value >= 0
        limit = bound if holds else sympy.expand(bound - 1)
        self.conditions[Condition(sympy.Max(size, limit), size if holds else limit, True)] = None
        if holds:
            self._nonnegative.add(difference)
        return holds

    def wraps(self, place: Expr) -> bool:
        """Whether a place may count from the end, for all that the guard asks."""
        if not may_wrap(place):
            return False
        least = extreme(place, 0)
        known = None if least is None else sympy.expand(self.find(least))
        return known is None or not (known.is_nonnegative or known in self._nonnegative)

    def always(self, size: Expr, bound: Expr) -> bool:
        """Whether ``size >= bound`` is known to hold in every round."""
        try:
            return self.at_least(size, bound)
        except ShapeError:
            return False

    def _always(self, difference: Expr) -> bool:
        """Whether a difference is never negative, or always; what runs goes to the ends of its range."""
        least, greatest = extreme(difference, 0), extreme(difference, 1)
        if least is not None and not runs(least) and self.at_least(least, sympy.S.Zero):
            return True
        if greatest is not None and not runs(greatest) and not self.at_least(greatest, sympy.S.Zero):
            return False
        raise ShapeError(
            "where this lies is not the same in every round, or depends on run-time values",
            remedy="use bounds that hold for every round of the loop",
        )

    def positive(self, size: Expr) -> None:
        """Compile for a length that is not zero."""
        if not self.at_least(size, sympy.S.One):
            raise ShapeError("nothing is there to loop over")

    def smaller(self, left: Expr, right: Expr) -> Expr:
        """The smaller of two sizes; they become equal if they are so at this call, or if it is not known."""
        values = self.value(self.find(left)), self.value(self.find(right))
        if None in values or values[0] == values[1]:
            self.unify(left, right)
            return left
        return right if self.at_least(left, right) else left

    def _learn(self, left: Expr, right: Expr, difference: Expr) -> None:
        for symbol, other in ((right, left), (left, right)):
            if isinstance(symbol, sympy.Symbol) and symbol not in other.free_symbols:
                self._known[symbol] = other
                return
        for symbol in sorted(difference.free_symbols, key=str):
            value = sympy.expand(symbol - difference * difference.coeff(symbol))
            if abs(difference.coeff(symbol)) == 1 and symbol not in value.free_symbols:
                self._known[symbol] = value
                return
        self._vanishing.add(difference)

    def substitution(self) -> Mapping[sympy.Symbol, Expr]:
        """Every symbol that is known by others."""
        return {symbol: self.find(symbol) for symbol in self._known}


def runs(size: Expr) -> bool:
    """Whether a size depends on what a block computes or counts, or on an index, of which a guard knows nothing."""
    return any(
        isinstance(symbol, Index) or (isinstance(symbol, Entry) and symbol.ref.computed) for symbol in size.free_symbols
    )
