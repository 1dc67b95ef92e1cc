"""Lengths of axes as code: integer arithmetic only."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import sympy

from symgrad.emit.array import Array, apply, whole
from symgrad.ir.code import Code
from symgrad.ir.tensor import Entry, Expr, Index, Wrapped, index_symbols
from symgrad.rules.functions import FloorDivide, Modulo

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller

COUNTING = frozenset({FloorDivide, Modulo, Wrapped, sympy.Max, sympy.Min})
"""Functions of integers that are integers."""


def spell_length(speller: Speller, size: Expr) -> Code:
    """A size in terms of representatives; quotients are exact, and written with ``//``."""
    if size.is_Integer:
        return Code(str(size))
    counted = speller.known.counts(size)
    if counted is not None:
        return counted
    if isinstance(size, Entry) and not speller.known.has(size):
        return speller.array(size.ref).code
    if isinstance(size, sympy.Symbol):
        return speller.known.size(size)
    numerator, denominator = sympy.fraction(sympy.together(size))
    if denominator != 1:
        return Code("_0 // _1", (speller.size(numerator), speller.size(denominator)))
    if size.is_Add:
        return _sum(speller, size)
    if size.is_Mul:
        return _product(speller, size)
    if size.is_Pow:
        return Code(f"_0 ** {size.exp}", (speller.size(size.base),))
    if type(size) not in COUNTING:
        return whole(speller.spell(size, ()), int).code
    return Code(speller.spelling[type(size)], tuple(speller.size(argument) for argument in size.args))


def _sum(speller: Speller, size: Expr) -> Code:
    """Positive terms first, numbers after symbols."""
    first, *rest = sorted(size.args, key=lambda term: (_is_negative(term), bool(term.is_number), str(term)))
    code = speller.size(first)
    for term in rest:
        operand = speller.size(-term if _is_negative(term) else term)
        code = Code("_0 - _1" if _is_negative(term) else "_0 + _1", (code, operand))
    return code


def _product(speller: Speller, size: Expr) -> Code:
    first, *rest = size.args
    code = speller.size(first)
    for factor in rest:
        code = Code("_0 * _1", (code, speller.size(factor)))
    return code


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def spell_position(speller: Speller, expr: Expr, target: tuple[Index, ...]) -> Array:
    """Integers, for every index of ``target`` that they depend on: a position along an axis."""
    if not index_symbols(expr) and not expr.atoms(Entry):
        return Array(speller.size(expr), (), int)
    if expr.is_Add:
        return _position_sum(speller, expr, target)
    if expr.is_Mul and _is_negative(expr):
        return apply("-_0", (spell_position(speller, -expr, target),), target)
    if expr.is_Mul or type(expr) in COUNTING:
        template = "_0 * _1" if expr.is_Mul else speller.spelling[type(expr)]
        parts = [spell_position(speller, part, target) for part in expr.args]
        return reduce(lambda left, right: apply(template, (left, right), target), parts)
    return speller.spell(expr, target)


def _position_sum(speller: Speller, total: Expr, target: tuple[Index, ...]) -> Array:
    first, *rest = sorted(total.args, key=lambda term: (_is_negative(term), bool(term.is_number)))
    found = spell_position(speller, first, target)
    for term in rest:
        other = spell_position(speller, -term if _is_negative(term) else term, target)
        found = apply("_0 - _1" if _is_negative(term) else "_0 + _1", (found, other), target)
    return found
