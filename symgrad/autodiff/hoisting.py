"""Hoisting: a total over the rounds of a loop as one contraction after it.

``dW = Sum_t x[t,i] * d[t,j]`` is ``x.T @ D`` where every round saves its row of ``D``; an outer product in every round
would touch as many numbers as ``W`` has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy

from symgrad.autodiff.activity import Scopes, ref_of
from symgrad.autodiff.recording import element, saved
from symgrad.ir.builder import Builder
from symgrad.ir.equation import Loop, Map, Role, refs
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Delta, Entry, Expr, Kind, Ref, entries, substitute


@dataclass(frozen=True)
class Hoisting:
    """``inner`` builds the reversed body of ``loop``; ``params`` are the adjoints that it carries."""

    inner: Builder
    loop: Loop
    params: tuple[Ref, ...]

    def hoistable(self, totals: Mapping[Ref, Expr], scopes: Scopes) -> dict[Ref, Expr]:
        """The totals whose factors are smaller than themselves, or saved anyway, in terms of whole local arrays."""
        plain = {ref: self._of_whole(total) for ref, total in totals.items()}
        possible = {ref: total for ref, total in plain.items() if self._is_possible(total)}
        chosen = {ref: total for ref, total in possible.items() if self._rank(total) < len(scopes[ref])}
        kept = {local.ref for total in chosen.values() for local in self.locals(total)}
        saved = {ref: total for ref, total in possible.items() if {part.ref for part in self.locals(total)} <= kept}
        return chosen | saved

    def _rank(self, total: Expr) -> int:
        return max((len(local.indices) for local in self.locals(total)), default=-1)

    def locals(self, total: Expr) -> list[Entry]:
        """The entries that change from round to round."""
        return [entry for entry in entries(total) if self._is_local(entry.ref)]

    def adjoints(self, totals: Iterable[Expr]) -> list[Entry]:
        """The entries of totals that the reversed round computes."""
        forward = self.loop.body.builder.own
        return [local for total in totals for local in self.locals(total) if local.ref not in forward]

    def _is_local(self, ref: Ref) -> bool:
        return ref in self.inner.own or ref in self.params or self._is_carried(ref)

    def _is_carried(self, ref: Ref) -> bool:
        return any(ref is ref_of(carried) for carried in self.loop.carried)

    def _of_whole(self, total: Expr) -> Expr:
        """A total in which elements of local arrays are values of their own."""
        parts = [local for local in self.locals(total) if not self.inner.is_whole(local)]
        return substitute(total, {part: self._element(part) for part in parts})

    def _element(self, part: Entry) -> Expr:
        if self._is_carried(part.ref) and not any(self._is_local(ref) for i in part.indices for ref in refs([i])):
            return element(self.loop, self.inner, part)
        return self.inner.map(part, part.ref.kind)

    def _is_possible(self, total: Expr) -> bool:
        """Whether all positions that run with the rounds count from the front, and what is saved has a fixed shape."""
        inside = [position for entry in entries(total) for position in entry.indices]
        positions = [*inside, *(delta.args[1] for delta in total.atoms(Delta))]
        running = [position for position in positions if self.loop.counter in position.free_symbols]
        shapes = [size for local in self.locals(total) for size in local.ref.shape]
        from_front = all(self.inner.sizes.always(position, sympy.S.Zero) for position in running)
        return from_front and not any(map(runs, shapes))

    def total(self, outer: Builder, forward: Ref, backward: Ref, total: Expr, kind: Kind) -> Expr:
        """The sum of a total over all rounds, in the builder around the loops."""
        axis = outer.index(self.loop.rounds)
        changes: dict[Expr, Expr] = {self.loop.counter: axis}
        for local in self.locals(total):
            again = self._again(outer, local)
            found = self._saved(outer, forward, backward, local) if again is None else again
            changes[local] = substitute(found, {self.loop.counter: axis})
            if again is not None:
                changes[local] = outer.atomised(changes[local], local.ref.kind)
        terms = sympy.Add.make_args(sympy.expand_mul(substitute(total, changes), deep=False))
        return sympy.Add(*(outer.sum(term, (axis,), kind) for term in terms))

    def _again(self, outer: Builder, local: Entry) -> Expr | None:
        """A local value for all rounds at once, where it depends on nothing but what is outside and on the round."""
        equation = self.loop.body.builder.own.get(local.ref)
        if equation is None or not isinstance(equation.definition, Map) or local.negated:
            return None
        body = substitute(equation.definition.body, dict(zip(equation.indices, local.indices, strict=True)))
        if not self._is_possible(body):
            return None
        changes: dict[Expr, Expr] = {}
        for inner in self.locals(body):
            found = self._again(outer, inner)
            if found is None:
                return None
            changes[inner] = found
        return substitute(body, changes)

    def _saved(self, outer: Builder, forward: Ref, backward: Ref, local: Entry) -> Expr:
        if local.ref in self.loop.body.builder.own or self._is_carried(local.ref):
            return saved(outer, forward, self.loop, local)
        if local.ref in self.params:
            shape = (self.loop.rounds + 1, *local.ref.shape)
            states = outer.output(backward, Role.STATES, self.params.index(local.ref), shape, local.ref.kind)
            return Entry(ref_of(states), (self.loop.after, *local.indices), local.negated)
        shape = (self.loop.rounds, *local.ref.shape)
        traced = outer.output(backward, Role.TRACE, local.ref, shape, local.ref.kind)
        assert isinstance(traced.expr, Entry)
        return Entry(traced.expr.ref, (self.loop.counter, *local.indices), local.negated)
