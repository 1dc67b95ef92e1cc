"""Sums of products: brackets that exclude each other, and common factors.

``[c]*[not c] = 0``, ``[c]*g + [not c]*g = g``, and ``a*b + a*c = a*(b + c)`` where that is cheaper.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import sympy

from symgrad.ir.tensor import Entry, Expr
from symgrad.simplify.cost import cost, terms


def annihilated(expr: Expr) -> Expr:
    """Drop products of a bracket with its complement, and join terms that differ in such a pair only."""
    negated = [entry for entry in expr.atoms(Entry) if entry.negated]
    for entry in sorted(negated, key=lambda entry: entry.name):
        bracket = entry.complement
        if expr.has(bracket):
            expr = _without_pair(sympy.expand_mul(expr), bracket, entry)
    return expr


def _without_pair(expr: Expr, bracket: Entry, complement: Entry) -> Expr:
    factors = {term: set(sympy.Mul.make_args(term)) for term in terms(expr)}
    kept = [term for term in factors if not {bracket, complement} <= factors[term]]
    cofactors = {term: term / bracket for term in kept if bracket in factors[term]}
    for term, cofactor in cofactors.items():
        partner = cofactor * complement
        if partner in kept:
            kept.remove(term)
            kept.remove(partner)
            kept.append(cofactor)
    return sympy.Add(*kept)


@lru_cache(maxsize=65536)
def collected(expr: Expr) -> Expr:
    """Pull out the common factor that saves most, then those of what is inside and of the rest."""
    if not expr.is_Add:
        return expr
    shared = Counter(factor for term in expr.args for factor in _factors(term))
    candidates = sorted((factor for factor, count in shared.items() if count > 1), key=str)
    splits = [_split(expr, factor) for factor in candidates]
    saving = [split for split in splits if _joined(*split) is not expr and cost(_joined(*split)) < cost(expr)]
    if not saving:
        return expr
    factor, inside, others = min(saving, key=lambda split: cost(_joined(*split)))
    return _joined(factor, collected(inside), collected(others))


def _split(expr: Expr, factor: Expr) -> tuple[Expr, Expr, Expr]:
    """``expr == factor * inside + others``."""
    inside = [term / factor for term in expr.args if factor in _factors(term)]
    others = [term for term in expr.args if factor not in _factors(term)]
    return factor, sympy.Add(*inside), sympy.Add(*others)


def _joined(factor: Expr, inside: Expr, others: Expr) -> Expr:
    return sympy.Add(others, sympy.Mul(factor, inside, evaluate=bool(factor.is_Symbol)))


@lru_cache(maxsize=65536)
def _factors(term: Expr) -> frozenset[Expr]:
    """What a product can be divided by: its bases, reciprocals, powers down to one, and numbers other than one."""
    found: set[Expr] = set()
    for part in sympy.Mul.make_args(term):
        base, exponent = part.as_base_exp()
        if exponent.is_Integer and not base.is_number:
            found |= {base ** (k if exponent > 0 else -k) for k in range(1, min(abs(int(exponent)), 4) + 1)}
        elif part.is_Rational and part not in (1, -1):
            found.add(abs(part))
    return frozenset(found)
