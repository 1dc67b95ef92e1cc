"""Sums of index expressions: what is pulled out, what is eliminated, what is split.

``Sum_J body`` is linear: factors without a bound index move out; a Kronecker delta replaces a bound index; factors
that share no bound index part into separate sums. A sum of several terms is split only where that pays: where a term
cancels, loses an index, or is a sum that exists already. So ``Sum_k e[i,k]/s[i]`` becomes ``1`` where
``s[i] := Sum_k e[i,k]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sympy

from symgrad.ir.canonical import canonical
from symgrad.ir.equation import Map
from symgrad.ir.tensor import Delta, Expr, Index, Kind, factors, index_symbols, substitute

if TYPE_CHECKING:
    from symgrad.ir.builder import Builder

MOST_TERMS = 24


def summed(builder: Builder, body: Expr, bound: tuple[Index, ...], kind: Kind) -> Expr:
    """``Sum_bound body`` in its cheapest form; see the module's text."""
    if not bound or body == 0:
        return body
    outside, inside = _parted(body, bound)
    inside, bound, size = _eliminated(builder, inside, bound)
    if not bound:
        return outside * size * inside
    moved, inside = _parted(inside, bound)
    split = _split(builder, inside, bound, kind)
    if split is None:
        split = _components(builder, inside, bound, kind)
    return outside * moved * size * split


def _parted(body: Expr, bound: Iterable[Index]) -> tuple[Expr, Expr]:
    """The factors without a bound index, and the others."""
    chosen = set(bound)
    parts = sympy.Mul.make_args(body)
    outside = [part for part in parts if not index_symbols(part) & chosen]
    inside = [part for part in parts if index_symbols(part) & chosen]
    return sympy.Mul(*outside), sympy.Mul(*inside)


def _eliminated(builder: Builder, body: Expr, bound: tuple[Index, ...]) -> tuple[Expr, tuple[Index, ...], Expr]:
    """Use deltas to replace bound indices; an index that does not occur gives its size as a factor."""
    remaining = list(bound)
    for part in sympy.Mul.make_args(body):
        found = _solved(builder, part, remaining) if isinstance(part, Delta) else None
        if found is not None:
            index, value = found
            remaining.remove(index)
            body = substitute(body, {index: value}, builder.sizes)
            return _eliminated(builder, body, tuple(remaining))
    present = index_symbols(body)
    size = sympy.Mul(*(builder.sizes.find(index.size) for index in remaining if index not in present))
    return body, tuple(index for index in remaining if index in present), size


def _solved(builder: Builder, delta: Expr, bound: Iterable[Index]) -> tuple[Index, Expr] | None:
    """A bound index that the delta ties to another value in its range."""
    axis, position, length = delta.args
    if not isinstance(axis, Index) or axis in index_symbols(position):
        return None
    if axis in bound and (length != 0 and builder.sizes.same(axis.size, length)):
        return axis, position
    for index in sorted(index_symbols(position) & set(bound), key=lambda index: index.name):
        if position == index and builder.sizes.same(axis.size, index.size):
            return index, axis
        if builder.sizes.same(axis.size, index.size) and builder.sizes.same(position + index, axis.size - 1):
            return index, position + index - axis
    whole = isinstance(position, Index) and builder.sizes.same(axis.size, position.size)
    return (axis, position) if axis in bound and whole else None


def _split(builder: Builder, body: Expr, bound: tuple[Index, ...], kind: Kind) -> Expr | None:
    """The sum term by term, where some terms pay; None where none does."""
    terms = _terms(body)
    if len(terms) == 1:
        return None if body.has(Delta) else _paying(builder, terms[0], bound)
    if len(terms) > MOST_TERMS:
        return None
    paid = {term: _paying(builder, term, bound) for term in terms}
    rest, cancelled = _collected(builder, [term for term, value in paid.items() if value is None], bound)
    gains = [value for value in paid.values() if value is not None]
    if not gains and not cancelled:
        return None
    outside, inside = _parted(sympy.Add(*rest), bound)
    return sympy.Add(*gains, outside * _components(builder, inside, bound, kind) if rest else sympy.S.Zero)


def _terms(body: Expr) -> tuple[Expr, ...]:
    return tuple(sympy.Add.make_args(sympy.expand_mul(body) if body.has(sympy.Add) else body))


def _collected(builder: Builder, terms: list[Expr], bound: tuple[Index, ...]) -> tuple[list[Expr], bool]:
    """Combine terms whose sums are equal up to renaming of the bound indices."""
    groups: dict[tuple[str, tuple[Index, ...]], list[Expr]] = {}
    for term in terms:
        _, inside = _parted(term, bound)
        groups.setdefault(canonical(inside, bound, builder.sizes.same), []).append(term)
    if len(groups) == len(terms):
        return terms, False
    combined = []
    for group in groups.values():
        _, inside = _parted(group[0], bound)
        combined.append(sympy.Add(*(_parted(term, bound)[0] for term in group)) * inside)
    return [term for term in combined if term != 0], True


def _paying(builder: Builder, term: Expr, bound: tuple[Index, ...]) -> Expr | None:
    """The sum of one term, if it loses an index or exists already, possibly after unfolding sums of the user's."""
    direct = _reduced(builder, term, bound)
    if direct is not None:
        return direct
    unfolded = _unfolded(builder, term, bound)
    if unfolded is None:
        return None
    parts = [_reduced(builder, part, bound) for part in _terms(unfolded)]
    return None if any(part is None for part in parts) or len(parts) > MOST_TERMS else sympy.Add(*parts)


def _reduced(builder: Builder, term: Expr, bound: tuple[Index, ...]) -> Expr | None:
    outside, inside = _parted(term, bound)
    inside, remaining, size = _eliminated(builder, inside, bound)
    if len(remaining) < len(bound) or inside.has(Delta):
        return outside * size * builder.sum(inside, remaining, float)
    moved, inside = _parted(inside, remaining)
    found = [builder.existing_sum(part, indices) for part, indices in _connected(inside, remaining)]
    return None if None in found else outside * moved * size * sympy.Mul(*found)


def _unfolded(builder: Builder, term: Expr, bound: tuple[Index, ...]) -> Expr | None:
    """The term with maps that are sums of terms written out; None if there are none that carry a bound index."""
    bodies = {}
    for entry in factors(term):
        definition = builder.definition(entry.ref)
        if isinstance(definition, Map) and _is_sum(definition.body) and index_symbols(entry) & set(bound):
            bodies[entry] = builder.unfold(entry)
    return term.xreplace({entry: body for entry, body in bodies.items() if body is not None}) if bodies else None


def _components(builder: Builder, body: Expr, bound: tuple[Index, ...], kind: Kind) -> Expr:
    return sympy.Mul(*(builder.product_sum(part, indices, kind) for part, indices in _connected(body, bound)))


def _connected(body: Expr, bound: tuple[Index, ...]) -> list[tuple[Expr, tuple[Index, ...]]]:
    """Groups of factors that are linked by bound indices: each is a sum of its own."""
    groups: list[tuple[list[Expr], frozenset[Index]]] = []
    for part in sympy.Mul.make_args(body):
        links = index_symbols(part) & set(bound)
        touching = [group for group in groups if group[1] & links]
        groups = [group for group in groups if group not in touching]
        groups.append(
            ([factor for group in touching for factor in group[0]] + [part], links.union(*(g[1] for g in touching)))
        )
    return [(sympy.Mul(*parts), tuple(i for i in bound if i in links)) for parts, links in groups]


def _is_sum(body: Expr) -> bool:
    """Whether a formula is algebra with several terms."""
    return bool(body.is_Add or body.is_Mul) and body.has(sympy.Add)
