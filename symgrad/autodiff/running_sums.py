"""Running sums: carried values that only grow by what each round adds. Their adjoint is the same in all rounds."""

from __future__ import annotations

from collections.abc import Iterable

from symgrad.autodiff.activity import ref_of
from symgrad.ir.builder import Builder
from symgrad.ir.dependence import Equations, reached_smoothly
from symgrad.ir.equation import Branch, Loop, Map, Output, Role, refs
from symgrad.ir.tensor import Entry, Expr, Ref, Tensor, substitute


def is_running_sum(loop: Loop, place: int, traces: Iterable[Ref]) -> bool:
    """Whether a carried value grows by something that does not depend on it, and neither other carried values nor
    ``traces`` do.
    """
    builder, param, result = loop.body.builder, ref_of(loop.carried[place]), loop.body.results[place]
    others = refs(tensor.expr for k, tensor in enumerate(loop.body.results) if k != place)
    alone = param not in reached_smoothly(builder.own, [*others, *traces])
    return alone and _grows(builder, builder.own, result.expr, Entry(param, result.free))


def _grows(builder: Builder, equations: Equations, expr: Expr, entry: Entry) -> bool:
    """Whether a formula is the entry and something added that does not depend on it.

    ``equations`` are those of the round, and of the blocks in it that are around the formula.
    """
    if entry.ref not in reached_smoothly(equations, refs([expr - entry])):
        return True
    if expr.is_Add:
        terms = [term for term in expr.args if entry.ref in reached_smoothly(equations, refs([term]))]
        return len(terms) == 1 and _grows(builder, equations, terms[0], entry)
    equation = builder.own.get(expr.ref) if isinstance(expr, Entry) and not expr.negated else None
    if equation is None or not builder.is_whole(expr):
        return False
    match equation.definition:
        case Map(body):
            body = substitute(body, dict(zip(equation.indices, expr.indices, strict=True)))
            return _grows(builder, equations, body, entry)
        case Output(block, Role.RESULT, int(place)):
            return _comes_out(builder, equations, builder.own[block].definition, place, expr, entry)
    return False


def _comes_out(builder: Builder, equations: Equations, block: object, place: int, expr: Entry, entry: Entry) -> bool:
    """Whether a block lets the entry through, and adds to it."""

    def grows(inner: Builder, known: Equations, like: Tensor) -> bool:
        return _grows(inner, known, like.expr, Entry(entry.ref, _at(entry.indices, expr, like)))

    match block:
        case Branch(bodies=bodies):
            inside = [(body.builder, body.results[place]) for body in bodies]
            return all(grows(inner, {**equations, **inner.own}, result) for inner, result in inside)
        case Loop(initial=initial, body=body) if grows(builder, equations, initial[place]):
            others = refs(tensor.expr for k, tensor in enumerate(initial) if k != place)
            within = reached_smoothly({**equations, **body.builder.own}, refs(tensor.expr for tensor in body.results))
            alone = entry.ref not in {*reached_smoothly(equations, others), *within}
            return alone and is_running_sum(block, place, ())
    return False


def _at(indices: Iterable[Expr], term: Entry, like: Tensor) -> tuple[Expr, ...]:
    """Indices of a term as those of a tensor that it is."""
    places = dict(zip(term.indices, like.free, strict=True))
    return tuple(places.get(index, index) for index in indices)
