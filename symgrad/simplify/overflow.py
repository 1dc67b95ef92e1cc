"""Forms that overflow where their limit is finite.

``e/(1 + e)`` with ``e = exp(u)`` is ``inf/inf`` for large ``u``; ``1/(1 + exp(-u))`` is its value everywhere. The
rewrite is exact up to rounding wherever the first form is defined.
"""

from __future__ import annotations

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Map
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
    for ratio in factors(product):
        found = _exponential_ratio(builder, ratio)
        if found is None:
            continue
        exponential, exponent, constant = found
        power = powers.get(ratio, 0)
        if power > 0 and powers.get(exponential, 0) == power:
            kind = exponential.ref.kind
            opposite = builder.map(sympy.exp(-exponent), kind, "e")
            bounded_ratio = builder.map(1 / (1 + constant * opposite), kind, "r")
            product = product / (exponential * ratio) ** power * bounded_ratio**power
    return product


def _exponential_ratio(builder: Builder, entry: Entry) -> tuple[Entry, Expr, Expr] | None:
    """``(e, u, c)`` where the entry is ``1/(c + e)`` with a positive number ``c`` and ``e = exp(u)``."""
    definition = builder.definition(entry.ref)
    if not isinstance(definition, Map) or not definition.body.is_Pow or definition.body.exp != -1:
        return None
    body = builder.unfold(entry)
    assert body is not None
    constant, rest = body.base.as_coeff_Add()
    if not isinstance(rest, Entry) or not constant.is_positive:
        return None
    inner = builder.unfold(rest)
    return (rest, inner.args[0], constant) if isinstance(inner, sympy.exp) else None
