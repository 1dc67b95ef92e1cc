"""Forms that overflow where their limit is finite.

``e/(1 + e)`` with ``e = exp(u)`` is ``inf/inf`` for large ``u``; ``1/(1 + exp(-u))`` is its value everywhere, and
``e/(1 + e)**2`` is ``s*(1 - s)`` with ``s = 1/(1 + e)`` where the program has no more digits of ``e``. The rewrites are
exact up to rounding wherever the first form is defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import uses
from symgrad.ir.tensor import Entry, Expr, factors


def bounded(builder: Builder, expr: Expr) -> Expr:
    """Write ``e**a/(c + e)**b`` with an exponential ``e`` and ``0 < a <= b`` without a quotient of infinities."""
    if expr.is_Mul:
        return _bounded_product(builder, expr)
    if expr.is_Add:
        return expr.func(*(bounded(builder, argument) for argument in expr.args))
    return expr


def _bounded_product(builder: Builder, product: Expr) -> Expr:
    product = _written_out(builder, product)
    powers = product.as_powers_dict()
    for total in factors(product):
        found = shifted_exponential(builder, total)
        if found is None:
            continue
        above = powers.get(found.exponential, sympy.S.Zero) / found.degree
        below = -powers.get(total, sympy.S.Zero)
        if above.is_Integer and 0 < above <= below:
            exact = above == below or found.is_read(builder)
            ratio = found.ratio(builder) if exact else 1 - found.constant / total
            product = product / (found.power / total) ** above * ratio**above
    return sympy.Mul(*(bounded(builder, part) if part.is_Add else part for part in sympy.Mul.make_args(product)))


def _written_out(builder: Builder, product: Expr) -> Expr:
    """The product without names of products that divide by the sum of an exponential among its factors."""
    entries = [part for part in product.args if isinstance(part, Entry)]
    bodies = {part: body for part in entries if (body := builder.unfold(part)) is not None}
    exponentials = {part for part, body in bodies.items() if isinstance(body, sympy.exp)}
    named = {part: body for part, body in bodies.items() if body.is_Mul and exponentials}
    return product.xreplace({part: body for part, body in named.items() if _divides(builder, body, exponentials)})


def _divides(builder: Builder, product: Expr, exponentials: set[Entry]) -> bool:
    below = (base for base, exponent in product.as_powers_dict().items() if exponent.is_negative)
    found = (shifted_exponential(builder, base) for base in below if isinstance(base, Entry))
    return any(shifted is not None and shifted.exponential in exponentials for shifted in found)


@dataclass(frozen=True)
class Shifted:
    """A sum ``c + e**k`` of a positive number and a power of an exponential."""

    total: Entry
    exponential: Entry
    degree: Expr
    constant: Expr

    @property
    def power(self) -> Expr:
        return self.exponential**self.degree

    def is_read(self, builder: Builder) -> bool:
        """Whether the program reads the exponential by itself, and not only the sum.

        Results are as small as ``e`` then, and ``1 - c/(c + e)`` has too few digits; else the sum rounded them away.
        """
        others = (equation for ref, equation in builder.equations.items() if ref != self.total.ref)
        read = self.exponential.ref in builder.read
        return read or any(self.exponential.ref in uses(equation) for equation in others)

    def ratio(self, builder: Builder) -> Expr:
        """``e/(c + e) = 1/(1 + c*exp(-u))``."""
        body = builder.unfold(self.exponential)
        assert isinstance(body, sympy.exp)
        kind = self.total.ref.kind
        opposite = builder.map(sympy.exp(-self.degree * body.args[0]), kind, "e")
        return 1 / builder.map(1 + self.constant * opposite, kind, "u")

    def divided(self, builder: Builder, term: Expr) -> Expr:
        """``e**a/(c + e)**b`` as a power of ``e/(c + e)`` times one of ``e`` or of the sum."""
        powers = term.as_powers_dict()
        count = min(powers.get(self.exponential, 0) // self.degree, -powers.get(self.total, 0))
        return term / (self.power / self.total) ** count * self.ratio(builder) ** count if count > 0 else term


def shifted_exponential(builder: Builder, entry: Entry) -> Shifted | None:
    """The parts of an entry that is a positive number and a power of an exponential."""
    body = builder.unfold(entry)
    if body is None or not body.is_Add:
        return None
    constant, rest = body.as_coeff_Add()
    base, degree = rest.as_base_exp()
    if not isinstance(base, Entry) or not constant.is_positive or not degree.is_Integer or degree < 1:
        return None
    return Shifted(entry, base, degree, constant) if isinstance(builder.unfold(base), sympy.exp) else None
