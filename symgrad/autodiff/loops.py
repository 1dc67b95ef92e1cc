"""The reverse of a loop is a loop: it runs over the same rounds backwards, and carries adjoints.

What the adjoint of a round reads of that round comes from what was recorded of it, or is computed anew (``recording``).
What a round adds to the adjoint of a value from outside is carried as a running total, or is one contraction after the
loop (``hoisting``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy

from symgrad.autodiff.accumulation import accumulation
from symgrad.autodiff.activity import active_carried, ref_of, useful_carried
from symgrad.autodiff.hoisting import Hoisting
from symgrad.autodiff.recording import record
from symgrad.autodiff.running_sums import is_running_sum
from symgrad.ir.equation import Body, Loop, Output, Role, needed
from symgrad.ir.tensor import Entry, Expr, Ref, Tensor, substitute

if TYPE_CHECKING:
    from symgrad.autodiff.reverse import Reverse


@dataclass
class Cotangents:
    """The adjoints of what comes out of a loop: of its results and of its states by place, of its traces by ref."""

    results: dict[int, Tensor] = field(default_factory=dict)
    states: dict[int, Tensor] = field(default_factory=dict)
    traces: dict[Ref, Tensor] = field(default_factory=dict)


def pull_back_loop(reverse: Reverse, block: Ref, loop: Loop) -> None:
    """Add to the adjoints of everything that a loop reads."""
    given = _cotangents(reverse, block)
    places = _carried_back(reverse, loop, given)
    if not places and not given.traces:
        return
    sums = [place for place in places if place not in given.states and is_running_sum(loop, place, given.traces)]
    steady = {place: _steady(reverse, loop, place, given) for place in sums}
    places = [place for place in places if place not in steady]
    inner, params = _reversed_body(reverse, loop, places, steady, given)
    received = [_received(inner, loop.carried[place], loop.before, given.states.get(place)) for place in places]
    totals = {ref: inner.adjoint(ref) for ref in inner.adjoints if ref in reverse.scopes}
    totals = {ref: total for ref, total in totals.items() if total != 0}
    hoisting = Hoisting(inner.builder, loop, tuple(map(ref_of, params)))
    outside = hoisting.hoistable(totals, reverse.scopes)
    running = {ref: inner.builder.input("d", ref.shape, ref.kind) for ref in totals if ref not in outside}
    others = [*(tensor.expr for tensor in received), *hoisting.adjoints(outside.values())]
    grown = _grown(reverse, inner, running, totals, others)
    _name(reverse, running)
    elements = record(reverse.builder, block, loop, inner.builder, [*others, *(tensor.expr for tensor in grown)])
    received, grown = ([_changed(tensor, elements) for tensor in tensors] for tensors in (received, grown))
    outside = {ref: substitute(total, elements) for ref, total in outside.items()}
    backwards = Loop(
        counter=loop.counter,
        rounds=loop.rounds,
        carried=(*params, *running.values()),
        initial=(*(_start(loop, place, given) for place in places), *map(_zero, running.values())),
        body=Body(inner.builder, (*received, *grown)),
        backward=not loop.backward,
    )
    for place, cotangent in steady.items():
        initial = loop.initial[place]
        reverse.push(initial, reverse.builder.rename(cotangent, initial.indices))
    if not backwards.carried and not outside:
        return
    made = reverse.builder.block(backwards)
    _give(reverse, made, backwards, [loop.initial[place] for place in places], list(running))
    for ref, total in outside.items():
        found = hoisting.total(reverse.builder, block, made, total, ref.kind)
        reverse.adjoints.setdefault(ref, []).append(found)


def _cotangents(reverse: Reverse, block: Ref) -> Cotangents:
    found = Cotangents()
    for ref, equation in list(reverse.builder.own.items()):
        output = equation.definition
        if not isinstance(output, Output) or output.block is not block or ref not in reverse.adjoints:
            continue
        adjoint = reverse.adjoint(ref)
        if adjoint != 0:
            tensor = reverse.builder.define(Tensor(adjoint, reverse.scopes[ref], ref.kind), "d")
            by_role = {Role.RESULT: found.results, Role.STATES: found.states, Role.TRACE: found.traces}
            by_role[output.role][output.place] = tensor  # type: ignore[index]
    return found


def _carried_back(reverse: Reverse, loop: Loop, given: Cotangents) -> list[int]:
    """The places of the carried values that are active and matter."""
    places = {ref_of(tensor): place for place, tensor in enumerate(loop.carried)}
    behind = {places[ref] for ref in needed(loop.body.builder.own, given.traces) if ref in places}
    active, _ = active_carried(loop, reverse.scopes)
    return sorted(active & useful_carried(loop, {*given.results, *given.states, *behind}))


def _reversed_body(
    reverse: Reverse, loop: Loop, places: list[int], steady: dict[int, Tensor], given: Cotangents
) -> tuple[Reverse, list[Tensor]]:
    """The adjoints inside of one round, and the carried adjoints that they start from."""
    _, scopes = active_carried(loop, reverse.scopes)
    useful = {*places, *steady}
    useless = {ref_of(tensor) for place, tensor in enumerate(loop.carried) if place not in useful}
    builder = loop.body.builder.fork()
    inner = reverse.inside(builder, {ref: axes for ref, axes in scopes.items() if ref not in useless})
    params = []
    for place in places:
        tensor, result = loop.carried[place], loop.body.results[place]
        params.append(builder.input("d", tensor.shape, tensor.kind))
        reverse.names[ref_of(params[-1])] = f"d{ref_of(tensor).name}"
        inner.seed(result, builder.rename(params[-1], result.indices))
    for place, tensor in steady.items():
        result = loop.body.results[place]
        inner.seed(result, builder.rename(tensor, result.indices))
    for ref, cotangent in given.traces.items():
        axes = builder.own[ref].indices
        inner.seed(Tensor(Entry(ref, axes), axes, ref.kind), _at(cotangent, loop.counter, axes))
    inner.run()
    return inner, params


def _steady(reverse: Reverse, loop: Loop, place: int, given: Cotangents) -> Tensor:
    """The adjoint of a running sum, which is the same in all rounds."""
    return reverse.builder.define(_start(loop, place, given), "d")


def _at(stacked: Tensor, place: Expr, axes: tuple[Expr, ...]) -> Expr:
    """The formula of a stacked array at one round."""
    return substitute(stacked.expr, dict(zip(stacked.free, (place, *axes), strict=True)))


def _received(inner: Reverse, carried: Tensor, place: Expr, states: Tensor | None) -> Tensor:
    """The adjoint of what a round started with."""
    ref = ref_of(carried)
    found = inner.adjoint(ref)
    if states is not None:
        found += _at(states, place, inner.scopes[ref])
    return Tensor(found, carried.indices, carried.kind)


def _start(loop: Loop, place: int, given: Cotangents) -> Tensor:
    """The adjoint of what the last round left."""
    carried = loop.carried[place]
    found: Expr = sympy.S.Zero
    if place in given.results:
        result = given.results[place]
        found += _renamed(result, carried)
    if place in given.states:
        last = sympy.S.Zero if loop.backward else loop.rounds
        found += _at(given.states[place], last, carried.free)
    return Tensor(found, carried.indices, carried.kind)


def _renamed(tensor: Tensor, like: Tensor) -> Expr:
    return substitute(tensor.expr, dict(zip(tensor.free, like.free, strict=True)))


def _grown(
    reverse: Reverse, inner: Reverse, running: Mapping[Ref, Tensor], totals: Mapping[Ref, Expr], others: Sequence[Expr]
) -> list[Tensor]:
    """Running totals after a round, which ``others`` do not read."""
    found = accumulation(inner.builder, reverse.contributions, [*others, *(totals[ref] for ref in running)])
    grown = []
    for ref, tensor in running.items():
        added = substitute(totals[ref], dict(zip(reverse.scopes[ref], tensor.free, strict=True)))
        grown.append(Tensor(found.added(tensor.expr, added), tensor.indices, tensor.kind))
    return grown


def _name(reverse: Reverse, running: Mapping[Ref, Tensor]) -> None:
    """Call running totals after the arguments and carried values that they belong to."""
    for ref, total in running.items():
        if ref.name.isidentifier() and ref not in reverse.builder.equations:
            reverse.names[ref_of(total)] = f"d{ref.name}"


def _changed(tensor: Tensor, elements: dict[Expr, Expr]) -> Tensor:
    return Tensor(substitute(tensor.expr, elements), tensor.indices, tensor.kind)


def _zero(like: Tensor) -> Tensor:
    return Tensor(sympy.S.Zero, like.indices, like.kind)


def _give(reverse: Reverse, made: Ref, loop: Loop, initial: list[Tensor], outside: list[Ref]) -> None:
    """The results of the reversed loop: adjoints of what the loop started with, and of what it reads."""
    for place, tensor in enumerate(loop.carried):
        result = reverse.builder.output(made, Role.RESULT, place, tensor.shape, tensor.kind)
        if place < len(initial):
            reverse.push(initial[place], reverse.builder.rename(result, initial[place].indices))
        else:
            ref = outside[place - len(initial)]
            reverse.contributions.add(ref_of(result))
            renamed = reverse.builder.rename(result, reverse.scopes[ref])
            reverse.adjoints.setdefault(ref, []).append(renamed)
