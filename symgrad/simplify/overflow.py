"""Forms that overflow where their limit is finite.

``e/(1 + e)`` with ``e = exp(u)`` is ``inf/inf`` for large ``u``; ``1/(1 + exp(-u))`` is its value everywhere, and
``e/(1 + e)**2`` is ``s*(1 - s)`` with ``s = 1/(1 + e)``. The rewrites are exact up to rounding wherever the first form
is defined.
"""

from __future__ import annotations

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Entry, Expr, factors


def bounded(builder: Builder, expr: Expr) -> Expr:
    """Write ``e**a/(c + e)**b`` with an exponential ``e`` and ``0 < a <= b`` without a quotient of infinities."""
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
        exponential, degree, constant = found
        above = powers.get(exponential, sympy.S.Zero) / degree
        below = -powers.get(total, sympy.S.Zero)
        if above.is_Integer and 0 < above <= below:
            ratio = _ratio(builder, found, total) if above == below else 1 - constant / total
            product = product / (exponential**degree / total) ** above * ratio**above
    return sympy.Mul(*(bounded(builder, part) if part.is_Add else part for part in sympy.Mul.make_args(product)))


def _ratio(builder: Builder, found: tuple[Entry, Expr, Expr], total: Entry) -> Expr:
    """``e/(c + e) = 1/(1 + c*exp(-u))``."""
    exponential, degree, constant = found
    body = builder.unfold(exponential)
    assert isinstance(body, sympy.exp)
    kind = total.ref.kind
    opposite = builder.map(sympy.exp(-degree * body.args[0]), kind, "e")
    return 1 / builder.map(1 + constant * opposite, kind, "u")


def _shifted_exponential(builder: Builder, entry: Entry) -> tuple[Entry, Expr, Expr] | None:
    """``(e, k, c)`` where the entry is ``c + e**k`` with a positive number ``c`` and an exponential ``e``."""
    body = builder.unfold(entry)
    if body is None or not body.is_Add:
        return None
    constant, rest = body.as_coeff_Add()
    base, degree = rest.as_base_exp()
    if not isinstance(base, Entry) or not constant.is_positive or not degree.is_Integer or degree < 1:
        return None
    return (base, degree, constant) if isinstance(builder.unfold(base), sympy.exp) else None
