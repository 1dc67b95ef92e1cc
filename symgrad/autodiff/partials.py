"""The derivative of one function application, in terms of its result where that is cheaper.

``exp' = r``, ``tanh' = 1 - r**2``, ``sqrt' = 1/(2*r)``, ``(1/u)' = -r**2`` with the result ``r``.
"""

from __future__ import annotations

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Entry, Expr


def partials(builder: Builder, body: Expr, result: Entry) -> list[tuple[Expr, Expr]]:
    """Pairs of an argument and the derivative with respect to it; nonlinear parts of derivatives are named."""
    if isinstance(body, sympy.Pow):
        return [(body.base, _power(builder, body, result))]
    if not isinstance(body, sympy.Function | sympy.exp):
        return [(body, sympy.S.One)]
    kind = result.ref.kind
    found = [(argument, body.fdiff(position)) for position, argument in enumerate(body.args, 1)]
    return [(argument, builder.atomised(slope.xreplace({body: result}), kind)) for argument, slope in found]


def _power(builder: Builder, power: Expr, result: Entry) -> Expr:
    """``q * u**(q - 1)``, as a power of ``r = u**q`` where the exponent is whole."""
    exponent = power.exp
    ratio = (exponent - 1) / exponent
    if ratio.is_Integer:
        return exponent * result**ratio
    return exponent * builder.atomised(power.base ** (exponent - 1), result.ref.kind)
