"""Products, quotients and brackets as NumPy code.

Factors are multiplied from the fewest axes up, so that every operation touches as few elements as possible;
reciprocals become divisions; a bracket is applied last, so that what it hides cannot spread a NaN.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import sympy

from symgrad.emit.array import Array, aligned, apply, floating, is_narrow, widened
from symgrad.errors import DifferentiationError
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_floating, is_python
from symgrad.ir.tensor import Entry, Expr, Index, index_symbols
from symgrad.rules.functions import Formula
from symgrad.rules.guards import is_bracket

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller

SHORT = 8
LARGEST_DIVISOR = 10**6


def _signed(coefficient: Expr, rest: Expr) -> tuple[Expr, Expr]:
    """A minus sign goes into a difference: ``-(y - p)`` is ``p - y``."""
    for part in sympy.Mul.make_args(rest):
        if coefficient < 0 and part.is_Add and any(term.as_coeff_Mul()[0] < 0 for term in part.args):
            return -coefficient, rest.xreplace({part: sympy.Add(*(-term for term in part.args))})
    return coefficient, rest


@dataclass(frozen=True)
class Product:
    """``-array`` or ``array``; ``flipped`` is the former where a number in front takes the sign (``-2 * x``)."""

    array: Array
    negative: bool = False
    flipped: Array | None = None

    def signed(self) -> Array:
        if not self.negative:
            return self.array
        if self.flipped is not None:
            return self.flipped
        plain = is_python(self.array.kind) and self.array.kind is not bool
        array = self.array if plain else floating(self.array)
        return replace(array, code=Code("-_0", (array.code,)), kept=None)


@dataclass
class Fraction:
    """Numerators and denominators with the same axes."""

    above: list[Array] = field(default_factory=list)
    below: list[Array] = field(default_factory=list)


def spell_product(speller: Speller, expr: Expr, target: tuple[Index, ...]) -> Product:
    """One term: a number, powers, sums, brackets."""
    if is_literal(expr):
        return Product(number(abs(expr)), bool(expr < 0))
    found = speller.exact(expr)
    if found is not None:
        return Product(aligned(found, target))
    coefficient, rest = _signed(*_numbers(speller.missing.distributed(speller.missing.completed(expr))))
    powers, composites = _opened(speller, rest, target)
    brackets = [base for base in powers if is_bracket(base)]
    if rest in brackets:
        brackets = []
    plain = {base: exponent for base, exponent in powers.items() if base not in brackets}
    if not composites and not brackets:
        outer = _outer(speller, abs(coefficient), plain, target)
        if outer is not None:
            return Product(outer, bool(coefficient < 0))
    wide = any(not is_narrow(array.kind, speller.known.wide) for array in _bases(speller, plain, target))
    groups = _grouped(speller, plain, composites, target, abs(coefficient) == 1 and not brackets and wide)
    parts = [array for group in groups for array in (*group.above, *group.below)]
    floats = bool(parts) and all(not part.layout and is_floating(part.kind) for part in parts)
    array = _joined(groups, _literal(abs(coefficient), floats), target)
    negated = coefficient < 0 and abs(coefficient) != 1
    flipped = _joined(groups, _literal(coefficient, floats), target) if negated else None
    for bracket in brackets:
        finite = _multiplies(speller, bracket, plain, [part for part in sympy.Mul.make_args(rest) if part != bracket])
        array = _masked(speller, array, bracket, finite, target)
        flipped = None if flipped is None else _masked(speller, flipped, bracket, finite, target)
    return Product(array, bool(coefficient < 0), flipped)


def _opened(
    speller: Speller, product: Expr, target: tuple[Index, ...]
) -> tuple[dict[Expr, Expr], list[tuple[Array, int]]]:
    """The powers and the user's products in a product, and sums that factors go under: brackets there hide them."""
    inside, outside = speller.missing.opened(product)
    if inside == 1:
        return _divided(speller, product)
    powers, composites = _divided(speller, outside)
    free = tuple(index for index in target if index in index_symbols(inside))
    return powers, [*composites, (speller.contracted(inside, free), 1)]


def _divided(speller: Speller, product: Expr) -> tuple[dict[Expr, Expr], list[tuple[Array, int]]]:
    """The powers and the user's products in a product; a bracket is not left to the latter if other factors need it."""
    powers, composites = speller.known.divided(product)
    left = sympy.Mul(*(base**exponent for base, exponent in powers.items()))
    inside = [part for part in product.args if part not in powers and is_bracket(part)]
    factors = sympy.Mul.make_args(left)
    needed = {bracket: sympy.S.One for bracket in inside if speller.missing.needs(factors, bracket)}
    if needed:
        powers, composites = speller.known.divided(sympy.Mul(*(p for p in product.args if p not in needed)))
    return powers | needed, composites


def _outer(speller: Speller, coefficient: Expr, powers: dict[Expr, Expr], target: tuple[Index, ...]) -> Array | None:
    """``np.outer`` for a product of two vectors; numbers go with the first."""
    supports = {base: index_symbols(base) for base in powers}
    axes = [index for index in target if any(index in support for support in supports.values())]
    if len(axes) != 2 or len(target) != 2 or any(len(support) > 1 for support in supports.values()):
        return None
    second = sympy.Mul(*(base**exponent for base, exponent in powers.items() if supports[base] == {axes[1]}))
    first = coefficient * sympy.Mul(*(b**e for b, e in powers.items() if supports[b] != {axes[1]}))
    left, right = speller.spell(first, (axes[0],)), speller.spell(second, (axes[1],))
    if is_narrow(left.kind, speller.known.wide):
        left = widened(left, speller.known.wide)
    return Array(Code("np.outer(_0, _1)", (left.code, right.code)), target, common_kind((left.kind, right.kind)))


def _numbers(expr: Expr) -> tuple[Expr, Expr]:
    """The number in front, roots and constants such as pi included, and the rest."""
    parts = sympy.Mul.make_args(expr)
    numbers = [part for part in parts if is_literal(part)]
    return sympy.Mul(*numbers), sympy.Mul(*(part for part in parts if not is_literal(part)))


def _grouped(
    speller: Speller,
    powers: dict[Expr, Expr],
    composites: list[tuple[Array, int]],
    target: tuple[Index, ...],
    plain: bool,
) -> list[Fraction]:
    """Fractions by number of axes, smallest first.

    What could overflow in a narrow dtype is made wide first, except in a ``plain`` product of two of which one is wide.
    """
    groups: dict[tuple[int, str], Fraction] = {}
    for array, exponent in composites:
        _place(groups, _repeated(array, exponent, target), True)
    exponents = [*powers.values(), *(exponent for _, exponent in composites)]
    pair = len(exponents) == 2 and all(abs(exponent) == 1 for exponent in exponents)
    for base, exponent in powers.items():
        if exponent.is_Integer:
            array = speller.spell(base, target)
            if not (pair and plain) and is_narrow(array.kind, speller.known.wide):
                array = widened(array, speller.known.wide)
            _place(groups, _repeated(array, abs(int(exponent)), target), exponent > 0)
        else:
            _place(
                groups,
                [apply("_0 ** _1", (speller.spell(base, target), speller.spell(exponent, target)), target)],
                True,
            )
    return [groups[key] for key in sorted(groups)]


def _bases(speller: Speller, powers: dict[Expr, Expr], target: tuple[Index, ...]) -> list[Array]:
    """The arrays of floats among the factors."""
    arrays = [speller.spell(base, target) for base in powers]
    return [array for array in arrays if is_floating(array.kind)]


def _place(groups: dict[tuple[int, str], Fraction], arrays: list[Array], above: bool) -> None:
    support = arrays[0].support
    fraction = groups.setdefault((len(support), ",".join(sorted(i.name for i in support))), Fraction())
    (fraction.above if above else fraction.below).extend(arrays)


def _repeated(array: Array, exponent: int, target: tuple[Index, ...]) -> list[Array]:
    """A power: products for numbers and small exponents, ``**`` else."""
    if exponent == 1:
        return [array]
    scalar = not array.layout
    if (exponent <= 3 and scalar) or exponent == 3:
        return [array] * exponent
    return [apply(f"_0 ** {exponent}", (array,), target)]


def _joined(groups: list[Fraction], literal: Fraction, target: tuple[Index, ...]) -> Array:
    """Multiply from the smallest group up; divide last."""
    above, below = literal.above, literal.below
    for group in groups:
        scalar = bool(above) and not above[0].layout
        numerator = _times([*above, *group.above] if scalar else [*group.above, *above], target)
        denominator = _times([*below, *group.below], target)
        above = [] if numerator is None else [numerator]
        below = [] if denominator is None else [denominator]
        if above and below and group is not groups[-1]:
            above, below = [_quotient(above[0], below[0], target)], []
    if not above:
        above = [Array(Code("1" if below else "1.0"), (), int if below else float)]
    return _quotient(above[0], below[0], target) if below else above[0]


def _quotient(above: Array, below: Array, target: tuple[Index, ...]) -> Array:
    """A quotient, which is a float also between integers."""
    quotient = apply("_0 / _1", (above, below), target)
    if is_floating(quotient.kind):
        return quotient
    return replace(quotient, kind=float if is_python(quotient.kind) else np.dtype(float))


def _literal(value: Expr, floats: bool) -> Fraction:
    """A number as numerator and denominator: a short decimal where there is one.

    Between scalars it is written as a float: a product with an integer takes longer.
    """
    if value == 1:
        return Fraction()
    text = decimal(value)
    if value.is_Integer and not floats:
        return Fraction([number(value)])
    if not value.is_Rational or (len(text) <= SHORT and sympy.Rational(text) == value) or value.q > LARGEST_DIVISOR:
        return Fraction([Array(Code(text), (), float)])
    above = [] if value.p == 1 else [Array(Code(str(value.p)), (), int)]
    return Fraction(above, [Array(Code(str(value.q)), (), int)])


def is_literal(expr: Expr) -> bool:
    """Whether an expression is a number that can be computed while compiling."""
    return bool(expr.is_number) and not expr.has(Formula)


def number(expr: Expr) -> Array:
    """A literal."""
    return Array(Code(str(expr)), (), int) if expr.is_Integer else Array(Code(decimal(expr)), (), float)


def decimal(value: Expr) -> str:
    """The float that is nearest to a number."""
    nearest = float(value)
    if value.is_finite and value != 0 and not sys.float_info.min <= abs(nearest) <= sys.float_info.max:
        reason = f"the derivative has the constant {sympy.N(value, 3)}, which no float can hold"
        raise DifferentiationError(reason, remedy="scale the variables, so that numbers and their powers stay moderate")
    return repr(nearest)


def _times(arrays: Iterable[Array], target: tuple[Index, ...]) -> Array | None:
    result: Array | None = None
    for array in arrays:
        result = array if result is None else apply("_0 * _1", (result, array), target)
    return result


def _multiplies(speller: Speller, bracket: Entry, powers: dict[Expr, Expr], product: Iterable[Expr]) -> bool:
    """Whether a product is finite wherever the program is, so that a bracket is a factor like others.

    A bracket that tests for NaN says that the program is not finite.
    """
    guards = speller.missing.guards
    finite = all(guards.is_finite(base, exponent) for base, exponent in powers.items())
    return finite and not speller.missing.selects(bracket) and not guards.is_guard(bracket, product)


def _masked(speller: Speller, array: Array, bracket: Entry, finite: bool, target: tuple[Index, ...]) -> Array:
    """A bracket times the rest: a product where the rest is finite wherever the program is, else ``np.where``."""
    mask = aligned(speller.entry(bracket), target)
    if not array.layout and not mask.layout:
        return _masked_number(array, mask)
    kind = np.dtype(array.kind)
    if finite:
        return apply("_0 * _1", (array, mask), target, kind)
    return apply("np.where(_0, _1, 0.0)", (mask, array), target, kind if is_floating(kind) else np.dtype(float))


def _masked_number(array: Array, mask: Array) -> Array:
    if is_python(array.kind):
        return apply("_1 if _0 else 0.0", (mask, array), (), array.kind)
    return apply("np.where(_0, _1, 0.0)[()]", (mask, array), (), array.kind)
