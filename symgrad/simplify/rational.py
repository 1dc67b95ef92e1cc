"""Rational relations between entries: reciprocals of sums, and formulas of one exponential.

A reciprocal ``r := 1/(1 + e)`` is an entry of its own, so that ``e*r**2`` hides ``r - r**2``. Two rewrites find such
forms: the inverse of a Moebius map (``e = 1/r - 1``), and cancellation after reciprocals are written out.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Map
from symgrad.ir.tensor import Entry, Expr, factors

MOST_OPERATIONS = 60


def candidates(builder: Builder, expr: Expr) -> Iterator[Expr]:
    """Equal expressions that may be cheaper."""
    reciprocals = [entry for entry in factors(expr) if _reciprocal(builder, entry) is not None]
    if not reciprocals or sympy.count_ops(expr) > MOST_OPERATIONS:
        return
    present = expr.atoms(Entry)
    for entry in reciprocals:
        denominator = _reciprocal(builder, entry)
        assert denominator is not None
        for inner in sorted(denominator.atoms(Entry) & present, key=lambda e: e.name):
            inverse = _moebius_inverse(denominator, inner, entry)
            if inverse is not None:
                yield sympy.expand(expr.xreplace({inner: inverse}))
    shared = [entry for entry in reciprocals if _linked(builder, entry, present)]
    if shared:
        unfolded = expr.xreplace({entry: 1 / _reciprocal(builder, entry) for entry in shared})  # type: ignore[operator]
        yield sympy.cancel(unfolded)


def _reciprocal(builder: Builder, entry: Entry) -> Expr | None:
    """``b`` where the entry is defined as ``1/b``."""
    definition = builder.definition(entry.ref)
    if not isinstance(definition, Map) or not definition.body.is_Pow or definition.body.exp != -1:
        return None
    body = builder.unfold(entry)
    return None if body is None else body.base


def _linked(builder: Builder, entry: Entry, present: set[Entry]) -> bool:
    denominator = _reciprocal(builder, entry)
    return denominator is not None and bool(denominator.atoms(Entry) & present)


def _moebius_inverse(denominator: Expr, inner: Entry, result: Entry) -> Expr | None:
    """``inner`` in terms of ``result == 1/(c + k*inner)`` with numbers ``c`` and ``k``."""
    if not denominator.is_Add or len(denominator.args) != 2:
        return None
    slope = denominator.coeff(inner)
    constant = denominator - slope * inner
    if not slope.is_number or slope == 0 or not constant.is_number:
        return None
    return (1 / result - constant) / slope
