"""The cheapest of the forms that the rewrites offer; the cost never rises."""

from __future__ import annotations

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Expr
from symgrad.simplify import rational
from symgrad.simplify.collect import annihilated, collected
from symgrad.simplify.cost import cost
from symgrad.simplify.overflow import bounded

MOST_TERMS = 10


def cheapest(builder: Builder, expr: Expr) -> Expr:
    """An equal expression of least cost: as it stands, expanded, with common factors, with relations used."""
    if not expr.args:
        return expr
    best = _best(expr)
    for candidate in rational.candidates(builder, best):
        trial = _best(candidate)
        if cost(trial) < cost(best):
            best = trial
    return bounded(builder, best)


def _best(expr: Expr) -> Expr:
    flat = annihilated(expr)
    forms = [flat]
    if flat.has(sympy.Add):
        expanded = sympy.expand_mul(flat, deep=False)
        if len(sympy.Add.make_args(expanded)) <= MOST_TERMS:
            forms += [collected(expanded), expanded]
    return min(forms, key=cost)
