"""The reverse of a branch is a branch: the adjoint of the body that was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from symgrad.autodiff.activity import inside_body
from symgrad.ir.equation import Body, Branch, Output, Role
from symgrad.ir.tensor import Ref, Tensor

if TYPE_CHECKING:
    from symgrad.autodiff.reverse import Reverse


def pull_back_branch(reverse: Reverse, block: Ref, branch: Branch) -> None:
    """Add to the adjoints of everything that a branch reads; what its bodies compute is computed anew."""
    given = _cotangents(reverse, block)
    if not given:
        return
    inside = [_reversed_body(reverse, body, given) for body in branch.bodies]
    outside = list(dict.fromkeys(ref for inner in inside for ref in inner.adjoints if ref in reverse.scopes))
    bodies = [
        Body(inner.builder, tuple(Tensor(inner.adjoint(ref), reverse.scopes[ref], ref.kind) for ref in outside))
        for inner in inside
    ]
    wanted = [place for place, _ in enumerate(outside) if any(body.results[place].expr != 0 for body in bodies)]
    if not wanted:
        return
    first, second = (Body(body.builder, tuple(body.results[place] for place in wanted)) for body in bodies)
    made = reverse.builder.block(Branch(branch.condition, (first, second)))
    for number, place in enumerate(wanted):
        ref = outside[place]
        result = reverse.builder.output(made, Role.RESULT, number, ref.shape, ref.kind)
        renamed = reverse.builder.rename(result, reverse.scopes[ref])
        reverse.adjoints.setdefault(ref, []).append(renamed)


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
