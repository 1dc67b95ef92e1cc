"""The estimated cost of writing an index expression in NumPy.

Every elementary operation costs the number of elements it touches, taken as ``VOLUME`` to the power of the number of
its free indices. Products are formed from the smallest factors up, as the emitter writes them.
"""

from __future__ import annotations

from functools import lru_cache

import sympy

from symgrad.ir.tensor import Entry, Expr, Index, index_symbols

VOLUME = 16.0
FUNCTION = 8.0


def volume(indices: frozenset[Index]) -> float:
    """The number of elements of an array with these axes."""
    return float(VOLUME ** len(indices))


@lru_cache(maxsize=65536)
def cost(expr: Expr) -> float:
    """Operations weighted by the number of elements."""
    if isinstance(expr, Entry) or not expr.args:
        return 0.0
    inner = sum(cost(argument) for argument in expr.args)
    if expr.is_Mul:
        return inner + _product(expr)
    if expr.is_Add:
        return inner + (len(expr.args) - 1) * volume(index_symbols(expr))
    if expr.is_Pow:
        return inner + _power(expr)
    return inner + FUNCTION * volume(index_symbols(expr))


def _product(expr: Expr) -> float:
    """A factor per operation, smallest first; a leading minus sign is free, a reciprocal is a division."""
    supports = sorted((index_symbols(part) for part in expr.args if part != -1), key=len)
    total, seen = 0.0, frozenset[Index]()
    for position, indices in enumerate(supports):
        seen |= indices
        total += volume(seen) if position else 0.0
    return total


def _power(expr: Expr) -> float:
    exponent = expr.exp
    if not exponent.is_Integer:
        return FUNCTION * volume(index_symbols(expr))
    if exponent == -1:
        return 0.25 * volume(index_symbols(expr))
    return (min(abs(int(exponent)), 4) - 1) * volume(index_symbols(expr))


def terms(expr: Expr) -> tuple[Expr, ...]:
    """The terms of a sum."""
    return tuple(sympy.Add.make_args(expr))
