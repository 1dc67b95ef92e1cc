"""What values depend on: of a block, what one result is computed from, which may be less than what the block reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symgrad.ir.equation import Body, Branch, Equation, Loop, Output, Role, needed, refs, uses
from symgrad.ir.tensor import Expr, Ref, entries

Equations = Mapping[Ref, Equation]


def reached(equations: Equations, roots: Iterable[Ref]) -> dict[Ref, None]:
    """The refs that ``roots`` depend on, themselves among them."""
    return _Dependence(conditions=True).reached(equations, roots)


def reached_smoothly(equations: Equations, roots: Iterable[Ref]) -> dict[Ref, None]:
    """The refs that ``roots`` depend on, less those that only decide which body of a branch is computed."""
    return _Dependence(conditions=False).reached(equations, roots)


@dataclass(frozen=True)
class _Dependence:
    conditions: bool

    def reached(self, equations: Equations, roots: Iterable[Ref]) -> dict[Ref, None]:
        def reads(equation: Equation) -> Iterable[Ref]:
            output = equation.definition
            if not isinstance(output, Output) or output.block not in equations:
                return uses(equation)
            match equations[output.block].definition:
                case Branch() as branch if isinstance(output.place, int):
                    return self._of_branch(branch, output.place)
                case Loop() as loop:
                    return self._of_loop(loop, output)
            return uses(equation)

        return needed(equations, roots, reads)

    def _within(self, body: Body, formulas: Iterable[Expr]) -> dict[Ref, None]:
        return self.reached(body.builder.own, refs(formulas))

    def _of_branch(self, branch: Branch, place: int) -> list[Ref]:
        values = [ref for body in branch.bodies for ref in self._within(body, [body.results[place].expr])]
        return [*values, *refs([branch.condition.expr])] if self.conditions else values

    def _of_loop(self, loop: Loop, output: Output) -> list[Ref]:
        """What an output depends on over the rounds, from outside of the loop; and what their number depends on."""
        places = {entry.ref: place for place, carried in enumerate(loop.carried) for entry in entries(carried.expr)}
        found = dict.fromkeys(self._ending(loop))
        if isinstance(output.place, Ref):
            found |= self.reached(loop.body.builder.own, [output.place])
        pending = [output.place] if isinstance(output.place, int) and output.role is not Role.ROUNDS else []
        pending += [places[ref] for ref in found if ref in places]
        settled: set[int] = set()
        while pending:
            place = pending.pop()
            if place not in settled:
                settled.add(place)
                read = self._within(loop.body, [loop.body.results[place].expr])
                found |= {**read, **dict.fromkeys(refs([loop.initial[place].expr]))}
                pending += [places[ref] for ref in read if ref in places]
        inside = {*places, *loop.body.builder.own, loop.counter.ref}
        return [ref for ref in found if ref not in inside]

    def _ending(self, loop: Loop) -> list[Ref]:
        """What the number of rounds depends on."""
        if not loop.ends_itself:
            return list(refs([loop.rounds]))
        stop = [] if loop.stop is None else self._within(loop.body, [loop.stop.expr])
        limit = [] if loop.limit is None else refs([loop.limit])
        if loop.test is None:
            return [*stop, *limit]
        tested = self._within(loop.test, (tensor.expr for tensor in loop.test.results))
        return [*(ref for ref in tested if ref not in loop.test.builder.own), *stop, *limit]
