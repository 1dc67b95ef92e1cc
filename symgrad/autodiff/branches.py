"""The reverse of a branch is a branch: the adjoint of the body that was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from symgrad.autodiff.activity import inside_body, ref_of
from symgrad.autodiff.keeping import keep
from symgrad.autodiff.positions import exists
from symgrad.ir.equation import Body, Branch, Output, Role, refs
from symgrad.ir.tensor import Delta, Expr, Index, Ref, Tensor, index_symbols, substitute

if TYPE_CHECKING:
    from symgrad.autodiff.reverse import Reverse


def pull_back_branch(reverse: Reverse, block: Ref, branch: Branch) -> None:
    """Add to the adjoints of everything that a branch reads; what its bodies compute is computed anew."""
    given = _cotangents(reverse, block)
    if not given:
        return
    inside = [_reversed_body(reverse, body, given) for body in branch.bodies]
    outside = list(dict.fromkeys(ref for inner in inside for ref in inner.adjoints if ref in reverse.scopes))
    parts = [_parts(inside, ref, reverse.scopes[ref]) for ref in outside]
    wanted = [(ref, place, pair) for ref, part in zip(outside, parts, strict=True) for place, pair in part.items()]
    if not wanted:
        return
    results = [tuple(_tensor(reverse, ref, place, pair[side]) for ref, place, pair in wanted) for side in (0, 1)]
    for inner, body, found in zip(inside, branch.bodies, results, strict=True):
        keep(reverse.builder, block, body.builder, inner.builder, [tensor.expr for tensor in found])
    first, second = (Body(inner.builder, found) for inner, found in zip(inside, results, strict=True))
    made = reverse.builder.block(Branch(branch.condition, (first, second)))
    for number, (ref, place, _) in enumerate(wanted):
        like = results[0][number]
        result = reverse.builder.output(made, Role.RESULT, number, like.shape, ref.kind)
        reverse.contributions.add(ref_of(result))
        reverse.adjoints.setdefault(ref, []).append(place * reverse.builder.rename(result, like.indices))


def _parts(inside: list[Reverse], ref: Ref, scope: tuple[Index, ...]) -> dict[Expr, tuple[Expr, Expr]]:
    """What each body adds to an adjoint, by the deltas that tell at which places: these stay outside."""
    found: dict[Expr, list[Expr]] = {}
    for side, inner in enumerate(inside):
        for term in sympy.Add.make_args(sympy.expand_mul(inner.adjoint(ref), deep=False)):
            deltas = [part for part in sympy.Mul.make_args(term) if _stays_outside(inner, part, scope)]
            place = sympy.Mul(*deltas)
            fixed = {delta.args[0]: delta.args[1] for delta in deltas}
            rest = substitute(term / place, fixed) if deltas else term
            if rest != 0:
                pair = found.setdefault(place, [sympy.S.Zero, sympy.S.Zero])
                pair[side] += rest
    return {place: (pair[0], pair[1]) for place, pair in found.items()}


def _stays_outside(inner: Reverse, part: Expr, scope: tuple[Index, ...]) -> bool:
    """Whether a factor places the rest of its term along an axis, at a position that is there in both bodies."""
    if not isinstance(part, Delta) or part.args[0] not in scope:
        return False
    _, position, length = part.args
    own = index_symbols(position) or any(ref in inner.builder.own for ref in refs([position]))
    return not own and exists(inner.builder.sizes, position, length)


def _tensor(reverse: Reverse, ref: Ref, place: Expr, term: Expr) -> Tensor:
    """A term over the axes that no delta fixes."""
    fixed = {part.args[0] for part in sympy.Mul.make_args(place) if isinstance(part, Delta)}
    axes = tuple(index for index in reverse.scopes[ref] if index not in fixed)
    return Tensor(term, axes, ref.kind)


def _cotangents(reverse: Reverse, block: Ref) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}
    for ref, equation in list(reverse.builder.own.items()):
        output = equation.definition
        if isinstance(output, Output) and output.block is block and ref in reverse.adjoints:
            adjoint = reverse.adjoint(ref)
            if adjoint != sympy.S.Zero:
                assert isinstance(output.place, int)
                found[output.place] = reverse.builder.define(Tensor(adjoint, reverse.scopes[ref], ref.kind), "d")
    return found


def _reversed_body(reverse: Reverse, body: Body, given: dict[int, Tensor]) -> Reverse:
    inner = reverse.inside(body.builder.fork(), inside_body(body.builder, reverse.scopes))
    for place, cotangent in given.items():
        result = body.results[place]
        free = dict(zip(cotangent.free, result.free, strict=True))
        inner.seed(
            result, inner.builder.rename(cotangent, tuple(free.get(i) if i else None for i in cotangent.indices))
        )
    inner.run()
    return inner
