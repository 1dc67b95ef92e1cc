"""Relations between entries that are sums of each other: ``u := 1 + e`` hides that ``1/u - e/u**2`` is ``1/u**2``.

Three rewrites bring them out: a computed summand is written as the sum less the rest (``e = u - 1``), sums that share
entries with the expression are written out and cancelled, and terms with an exponential are brought over one divisor.
The first is not for an exponential that the program reads: it may be much smaller than the sum, and ``1/u - 1/u**2``
has no digits of ``e/u**2`` then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Entry, Expr, factors
from symgrad.simplify.overflow import Shifted, shifted_exponential

MOST_OPERATIONS, MOST_TERMS = 30, 100


def candidates(builder: Builder, expr: Expr) -> Iterator[Expr]:
    """Equal expressions that may be cheaper."""
    sums = {entry: body for entry in factors(expr) if (body := _sum(builder, entry)) is not None}
    if not sums or sympy.count_ops(expr) > MOST_OPERATIONS:
        return
    exponentials = _exponentials(builder, sums)
    for shifted in exponentials if expr.has(sympy.Add) else ():
        written = {e: body for e, body in sums.items() if e != shifted.total and body.has(shifted.exponential)}
        yield _over_one_divisor(builder, expr.xreplace(written), shifted)
    kept = {}
    for entry, body in sums.items() if not exponentials else ():
        summand = _lone_summand(body)
        if summand is not None and summand in expr.atoms(Entry) and builder.unfold(summand) is not None:
            kept[entry] = summand
            expr = expr.xreplace({summand: _solved(body, summand, entry)})
    if kept and _spread(expr) <= MOST_TERMS:
        yield sympy.expand(expr)
    others = _linked({entry: body for entry, body in sums.items() if entry not in kept}, expr)
    unfolded = expr.xreplace(others)
    if others and _spread(unfolded) <= MOST_TERMS:
        yield sympy.expand(unfolded)
        if _may_cancel(expr, others):
            yield sympy.expand(sympy.cancel(unfolded))


def _spread(expr: Expr) -> int:
    """How many terms an expression has at most, if it is multiplied out above and below."""
    if expr.is_Add:
        return sum(map(_spread, expr.args))
    if expr.is_Mul:
        return math.prod(map(_spread, expr.args))
    if expr.is_Pow and expr.exp.is_Integer:
        power = abs(int(expr.exp))
        return math.comb(_spread(expr.base) + power - 1, power)
    return 1


def _exponentials(builder: Builder, sums: Iterable[Expr]) -> list[Shifted]:
    """The sums ``c + e**k`` of which the program reads the exponential, too."""
    found = [shifted_exponential(builder, entry) for entry in sums if isinstance(entry, Entry)]
    return [shifted for shifted in found if shifted is not None and shifted.is_read(builder)]


def _over_one_divisor(builder: Builder, expr: Expr, shifted: Shifted) -> Expr:
    """Terms with ``e``, ``u = c + e`` and ``e/u`` over a power of ``u``: sums of what is positive do not cancel."""
    ratio = shifted.ratio(builder)
    fraction = _fraction(expr.xreplace({ratio.base: shifted.total / shifted.power}), shifted)
    return sympy.Add(*(shifted.divided(builder, term) for term in sympy.Add.make_args(fraction)))


def _fraction(expr: Expr, shifted: Shifted) -> Expr:
    """A polynomial of the exponential over a power of the sum, in lowest terms, its terms one by one."""
    total, body = shifted.total, shifted.constant + shifted.power
    numerator, divisor = sympy.fraction(sympy.together(expr))
    above = sympy.expand(numerator.xreplace({total: body}))
    if not divisor.has(total) or not above.is_polynomial(shifted.exponential):
        return expr
    quotient, rest = sympy.div(above, body, shifted.exponential)
    while rest == 0 and divisor.has(total):
        above, divisor = quotient, divisor / total
        quotient, rest = sympy.div(above, body, shifted.exponential)
    return sympy.Add(*(term / divisor for term in sympy.Add.make_args(sympy.expand(above))))


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
