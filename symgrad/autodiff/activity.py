"""Activity: what depends on the inputs that are differentiated, and what the result depends on.

``scopes`` give every active ref the indices in which its adjoint is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Branch, Equation, Loop, Op, Output, Reads, Remembered, Role, needed, refs
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Entry, Index, Ref, Tensor
from symgrad.rules.custom import RULED

Scopes = dict[Ref, tuple[Index, ...]]
_Inside = tuple[set[int], Scopes]
"""Which results of a block are active, and the active refs inside of it."""


def active_scopes(builder: Builder, wrt: Iterable[Tensor]) -> Scopes:
    """The refs that depend on the given inputs through real numbers, each with the indices of its equation."""
    scopes = {ref_of(tensor): tensor.free for tensor in wrt}
    _spread(builder.own, scopes, Remembered())
    return scopes


def ref_of(tensor: Tensor) -> Ref:
    """The ref of an array that is an entry."""
    assert isinstance(tensor.expr, Entry)
    return tensor.expr.ref


def _spread(equations: Mapping[Ref, Equation], scopes: Scopes, reads: Reads) -> None:
    """Add what depends on active refs."""

    @cache
    def inside(block: Ref) -> _Inside:
        return _of_block(equations[block].definition, scopes, reads)

    for ref, equation in equations.items():
        if ref not in scopes and is_floating(ref.kind) and _is_active(equation, scopes, inside, reads):
            scopes[ref] = equation.indices


def _is_active(equation: Equation, scopes: Scopes, inside: Callable[[Ref], _Inside], reads: Reads) -> bool:
    output = equation.definition
    if isinstance(output, Op) and output.name == RULED and dict(output.params)["call"].is_constant:  # type: ignore[attr-defined]
        return False
    if not isinstance(output, Output):
        return any(used in scopes for used in reads(equation))
    if output.block not in scopes or output.role is Role.ROUNDS:
        return False
    results, refs_inside = inside(output.block)
    return output.place in (refs_inside if output.role is Role.TRACE else results)


def _of_block(block: object, scopes: Scopes, reads: Reads) -> _Inside:
    if isinstance(block, Loop):
        return active_carried(block, scopes, reads)
    assert isinstance(block, Branch)
    bodies = [(body, inside_body(body.builder, scopes, reads)) for body in block.bodies]
    results = {k for body, inside in bodies for k, result in enumerate(body.results) if _touches(result, inside)}
    return results, {ref: indices for _, inside in bodies for ref, indices in inside.items()}


def inside_body(builder: Builder, scopes: Scopes, reads: Reads | None = None) -> Scopes:
    """The active refs inside of a body."""
    inside = dict(scopes)
    _spread(builder.own, inside, reads or Remembered())
    return inside


def active_carried(loop: Loop, scopes: Scopes, reads: Reads | None = None) -> tuple[set[int], Scopes]:
    """Which of the carried values of a loop are active in some round, and the active refs inside."""
    reads = reads or Remembered()
    places = range(len(loop.carried))
    floats = [place for place in places if is_floating(loop.carried[place].kind)]
    active = {place for place in floats if _touches(loop.initial[place], scopes)}
    while True:
        inside = dict(scopes)
        inside |= {ref_of(loop.carried[place]): loop.carried[place].free for place in active}
        _spread(loop.body.builder.own, inside, reads)
        more = {place for place in floats if _touches(loop.body.results[place], inside)} - active
        if not more:
            return active, inside
        active |= more


def _touches(tensor: Tensor, scopes: Scopes) -> bool:
    return any(ref in scopes for ref in refs([tensor.expr]))


def useful_carried(loop: Loop, wanted: Iterable[int]) -> set[int]:
    """The carried values on which wanted ones depend after any number of rounds."""
    places = {ref_of(tensor): place for place, tensor in enumerate(loop.carried)}
    found: set[int] = set()
    pending = list(wanted)
    while pending:
        place = pending.pop()
        if place not in found:
            found.add(place)
            reached = needed(loop.body.builder.own, refs([loop.body.results[place].expr]))
            pending += [places[ref] for ref in reached if ref in places]
    return found
