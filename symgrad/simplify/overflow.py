"""Forms that overflow where their limit is finite.

``e/(1 + e)`` with ``e = exp(u)`` is ``inf/inf`` for large ``u``; ``1/(1 + exp(-u))`` is its value everywhere. The
rewrite is exact up to rounding wherever the first form is defined.
"""

from __future__ import annotations

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Entry, Expr, factors


def bounded(builder: Builder, expr: Expr) -> Expr:
    """Write every ``(e/(c + e))**k`` with an exponential ``e`` as ``(1/(1 + c*exp(-u)))**k``."""
    if expr.is_Mul:
        return _bounded_product(builder, expr)
    if expr.is_Add:
        return expr.func(*(bounded(builder, argument) for argument in expr.args))
    return expr


def _bounded_product(builder: Builder, product: Expr) -> Expr:
    powers = product.as_powers_dict()
    for total in factors(product):
        found = _shifted_exponential(builder, total)
        if found is None:
            continue
        exponential, exponent, constant = found
        power = powers.get(exponential, sympy.S.Zero)
        if power > 0 and powers.get(total, 0) == -power:
            kind = exponential.ref.kind
            opposite = builder.map(sympy.exp(-exponent), kind, "e")
            bounded_total = builder.map(1 + constant * opposite, kind, "u")
            product = product * (total / exponential) ** power / bounded_total**power
    return product


def _shifted_exponential(builder: Builder, entry: Entry) -> tuple[Entry, Expr, Expr] | None:
    """``(e, u, c)`` where the entry is ``c + e`` with a positive number ``c`` and ``e = exp(u)``."""
    body = builder.unfold(entry)
    if body is None or not body.is_Add:
        return None
    constant, rest = body.as_coeff_Add()
    inner = builder.unfold(rest) if isinstance(rest, Entry) and constant.is_positive else None
    return (rest, inner.args[0], constant) if isinstance(inner, sympy.exp) else None
