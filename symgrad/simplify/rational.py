"""Relations between entries that are sums of each other: ``u := 1 + e`` hides that ``e/u**2`` is ``1/u - 1/u**2``.

Two rewrites bring them out: a computed summand is written as the sum less the rest (``e = u - 1``), and sums that share
entries with the expression are written out and cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Entry, Expr, factors

MOST_OPERATIONS = 30


def candidates(builder: Builder, expr: Expr) -> Iterator[Expr]:
    """Equal expressions that may be cheaper."""
    sums = {entry: body for entry in factors(expr) if (body := _sum(builder, entry)) is not None}
    if not sums or sympy.count_ops(expr) > MOST_OPERATIONS:
        return
    kept = {}
    for entry, body in sums.items():
        summand = _lone_summand(body)
        if summand is not None and summand in expr.atoms(Entry) and builder.unfold(summand) is not None:
            kept[entry] = summand
            expr = expr.xreplace({summand: _solved(body, summand, entry)})
    if kept:
        yield sympy.expand(expr)
    others = _linked({entry: body for entry, body in sums.items() if entry not in kept}, expr)
    if others:
        unfolded = expr.xreplace(others)
        yield sympy.expand(unfolded)
        if _may_cancel(expr, others):
            yield sympy.expand(sympy.cancel(unfolded))


def _may_cancel(expr: Expr, sums: dict[Expr, Expr]) -> bool:
    """Whether a sum in the numerator has entries of a sum in the denominator."""
    below = {power.base for power in expr.atoms(sympy.Pow) if power.base in sums and power.exp.is_negative}
    inside = {entry for base in below for entry in sums[base].atoms(Entry)} | below
    above = [*expr.atoms(sympy.Add), *(body for entry, body in sums.items() if entry not in below)]
    return any(inside & total.atoms(Entry) for total in above)


def _sum(builder: Builder, entry: Entry) -> Expr | None:
    """The terms of an entry that is defined as a sum of terms."""
    body = builder.unfold(entry)
    return body if body is not None and body.is_Add else None


def _lone_summand(body: Expr) -> Entry | None:
    """``e`` in ``c + k*e`` with numbers ``c`` and ``k``."""
    constant, rest = body.as_coeff_Add()
    _, entry = rest.as_coeff_Mul()
    return entry if constant != 0 and isinstance(entry, Entry) else None


def _solved(body: Expr, summand: Entry, total: Entry) -> Expr:
    """The summand in terms of the whole."""
    slope = body.coeff(summand)
    return (total - (body - slope * summand)) / slope


def _linked(sums: dict[Entry, Expr], expr: Expr) -> dict[Expr, Expr]:
    """The sums whose terms occur elsewhere in the expression, directly or in another of the sums."""
    chosen: dict[Expr, Expr] = {}
    for entry, body in sums.items():
        elsewhere = expr.atoms(Entry).union(*(other.atoms(Entry) for key, other in sums.items() if key != entry))
        if body.atoms(Entry) & elsewhere:
            chosen[entry] = body
    return chosen
