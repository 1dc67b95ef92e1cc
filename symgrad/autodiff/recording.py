"""Recording: what the reverse of a loop reads of each round of the loop is saved, or computed anew.

Values that a loop carries are saved as its *states*; anything else as a *trace*. What is cheaper to compute than to
save is computed anew from what is saved (the to-be-recorded analysis; Hascoët, Naumann, Pascual: "To be recorded"
analysis in reverse-mode automatic differentiation, 2005). Costs count operations on arrays; saving is an operation of
its own, and takes memory for each axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import sympy

from symgrad.autodiff.activity import ref_of
from symgrad.autodiff.positions import exists
from symgrad.errors import NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.equation import (
    Body,
    Branch,
    Definition,
    Equation,
    Loop,
    Map,
    Op,
    Output,
    Role,
    Sum,
    is_repeatable,
    needed,
    refs,
    uses,
)
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Bracket, Entry, Expr, Index, Ref, Tensor, entries, index_symbols, substitute

FUNCTION, CONTRACTION, OPERATION, BLOCK = 3.0, 6.0, 4.0, 40.0
SAVING = (3.0, 4.0, 8.0, 16.0, 32.0)
NEVER = float("inf")


def saved(builder: Builder, block: Ref, loop: Loop, local: Entry) -> Entry:
    """An entry of one round as an entry of what the loop saves."""
    ref = local.ref
    for place, (carried, result) in enumerate(zip(loop.carried, loop.body.results, strict=True)):
        moment = loop.before if ref is ref_of(carried) else loop.after if _is_whole(builder, result, ref) else None
        if moment is not None:
            shape = (loop.rounds + 1, *ref_of(carried).shape)
            states = builder.output(block, Role.STATES, place, shape, carried.kind)
            return Entry(ref_of(states), (moment, *local.indices), local.negated)
    traced = builder.output(block, Role.TRACE, ref, (loop.rounds, *ref.shape), ref.kind)
    return Entry(ref_of(traced), (loop.counter, *local.indices), local.negated)


def _is_whole(builder: Builder, result: Tensor, ref: Ref) -> bool:
    """Whether a carried value becomes just this array, axis by axis."""
    expr = result.expr
    if not isinstance(expr, Entry) or expr.ref is not ref or expr.negated:
        return False
    return expr.indices == result.indices and builder.is_whole(expr)


def record(builder: Builder, block: Ref, loop: Loop, inner: Builder, results: Sequence[Expr]) -> dict[Expr, Expr]:
    """Decide what the equations of ``inner``, the reversed body, read of each round, and save that.

    Gives what stands in the results for single elements of what a round starts with.
    """
    recorder = _Recorder(builder, block, loop, inner)
    elements = recorder.elements(results)
    results = [substitute(result, elements) for result in results]
    reached = needed(inner.own, refs(results))
    mine = [ref for ref in reached if not recorder.is_forward(ref)]
    direct = {used: None for ref in mine if ref in inner.own for used in uses(inner.own[ref])}
    for ref in [*refs(results), *direct]:
        if recorder.is_forward(ref):
            recorder.settle(ref)
    return elements


def element(loop: Loop, inner: Builder, entry: Entry) -> Expr:
    """A part of what a round starts with, as a value of the round."""
    body = loop.body.builder
    found = body.map(entry, entry.ref.kind, entry.ref.name)
    equation = body.own[found.ref]
    for builder in (body, inner):
        define_early(builder, equation)
    return found


def define_early(builder: Builder, equation: Equation) -> None:
    """Define a value before all that uses it: right after what it is computed from."""
    used = set(uses(equation))
    own = [(ref, other) for ref, other in builder.own.items() if ref is not equation.ref]
    place = max((number for number, (ref, _) in enumerate(own, 1) if ref in used), default=0)
    builder.own.clear()
    builder.own.update([*own[:place], (equation.ref, equation), *own[place:]])


@dataclass
class _Recorder:
    builder: Builder
    block: Ref
    loop: Loop
    inner: Builder
    _settled: set[Ref] = field(default_factory=set)
    _costs: dict[Ref, float] = field(default_factory=dict)

    def is_forward(self, ref: Ref) -> bool:
        """Whether something is computed, or carried, by a round of the loop."""
        return self._is_carried(ref) or ref in self.loop.body.builder.own or self._is_output(ref)

    def _is_carried(self, ref: Ref) -> bool:
        return any(ref is ref_of(carried) for carried in self.loop.carried)

    def _is_output(self, ref: Ref) -> bool:
        """Whether this comes out of a block of the round, though the round itself has no use for it."""
        equation = self.inner.own.get(ref)
        output = None if equation is None else equation.definition
        return isinstance(output, Output) and output.block in self.loop.body.builder.own

    def elements(self, results: Sequence[Expr]) -> dict[Expr, Expr]:
        """Values of their own for the elements of carried arrays that the adjoints read, so that these may be saved."""
        reached = needed(self.inner.own, refs(results))
        mine = {ref: self.inner.own[ref] for ref in reached if ref in self.inner.own and not self.is_forward(ref)}
        hidden = set(_inside(mine.values()))
        found = [entry for expr in (*results, *_expressions(mine.values(), inside=False)) for entry in entries(expr)]
        certain = dict.fromkeys(found)
        found += [entry for expr in _expressions(mine.values(), inside=True) for entry in entries(expr)]
        changes: dict[Expr, Expr] = {}
        for entry in dict.fromkeys(found):
            if self._is_element(entry, hidden) and (entry in certain or _is_there(self.inner, entry)):
                changes[entry] = element(self.loop, self.inner, entry)
        _rewrite(self.inner, mine, changes)
        return changes

    def _is_element(self, entry: Entry, hidden: Set[Ref]) -> bool:
        """Whether this is a part of a carried array, with fewer axes, at a place that the round of the loop knows."""
        if not self._is_carried(entry.ref) or len(index_symbols(entry)) >= len(entry.indices):
            return False
        inside = [ref for position in entry.indices for ref in refs([position])]
        return all(self.is_forward(ref) or ref not in self.inner.own for ref in inside) and hidden.isdisjoint(inside)

    def settle(self, ref: Ref) -> None:
        """Save a value, or settle what it is computed from."""
        if ref in self._settled:
            return
        self._settled.add(ref)
        computing = self._computing(ref)
        if self._is_carried(ref) or computing == NEVER or self._saving(ref) < computing:
            self._save(ref)
            return
        for used in uses(self.inner.own[ref]):
            if self.is_forward(used):
                self.settle(used)

    def _save(self, ref: Ref) -> None:
        if any(map(runs, ref.shape)):
            raise NotYetSupported(
                f"the derivative needs {ref.name} of every round, whose shape changes from round to round",
                remedy="use arrays of the same shape in every round, for example with np.where",
            )
        if ref not in self.loop.body.builder.own and not self._is_carried(ref):
            self.loop.body.builder.own[ref] = self.inner.own[ref]
        known = self.inner.own.get(ref)
        axes = next(c.free for c in self.loop.carried if ref_of(c) is ref) if known is None else known.indices
        read = saved(self.builder, self.block, self.loop, Entry(ref, axes))
        define_early(self.inner, Equation(ref, axes, Map(read)))

    def _saving(self, ref: Ref) -> float:
        equation = self.inner.own.get(ref)
        if any(map(runs, ref.shape)) or (equation is not None and isinstance(equation.definition, Loop | Branch)):
            return NEVER
        if equation is not None and self._runs_again(equation.definition):
            return NEVER
        return SAVING[min(len(ref.shape), len(SAVING) - 1)]

    def _runs_again(self, definition: Definition) -> bool:
        """Whether this comes out of a loop that is run again rather than saved."""
        block = self.inner.own.get(definition.block) if isinstance(definition, Output) else None
        return block is not None and isinstance(block.definition, Loop) and block.definition.again

    def _cost(self, ref: Ref) -> float:
        """The cheapest way to have a value in the reversed round."""
        if not self.is_forward(ref):
            return 0.0
        if ref in self._settled and self._is_carried(ref):
            return 0.0
        if ref not in self._costs:
            self._costs[ref] = self._saving(ref)
            if not self._is_carried(ref):
                self._costs[ref] = min(self._costs[ref], self._computing(ref))
        return self._costs[ref]

    def _computing(self, ref: Ref) -> float:
        """The cost of computing a value from what it reads."""
        equation = self.inner.own.get(ref)
        if equation is None or not is_repeatable(self.inner.equations, equation):
            return NEVER
        return _work(equation) + sum(map(self._cost, uses(equation)))


def _work(equation: Equation) -> float:
    """The cost of an equation by itself."""
    match equation.definition:
        case Map(body):
            return _operations(body)
        case Sum(bound, body):
            return CONTRACTION * len(bound) + _operations(body)
        case Op():
            return OPERATION
        case Loop() | Branch():
            return BLOCK
        case Output():
            return 0.0


def _operations(body: Expr) -> float:
    """Functions count more than sums and products; reading an element counts nothing."""
    functions = len([part for part in body.atoms(sympy.Function, sympy.exp) if not isinstance(part, Bracket)])
    return FUNCTION * functions + len(body.args)


def _is_there(builder: Builder, entry: Entry) -> bool:
    """Whether an element is there in every round."""
    plain = (pair for pair in zip(entry.indices, entry.ref.shape, strict=True) if not isinstance(pair[0], Index))
    return all(exists(builder.sizes, position, length) for position, length in plain)


def _expressions(equations: Iterable[Equation], *, inside: bool) -> Iterator[Expr]:
    """The formulas of equations; those in the bodies of branches if ``inside``, else all others."""
    for equation in equations:
        match equation.definition:
            case Map(body) | Sum(_, body) if not inside:
                yield body
            case Op(_, operands) if not inside:
                yield from (operand.expr for operand in operands)
            case Branch(condition, _) if not inside:
                yield condition.expr
            case Branch(_, bodies):
                for body in bodies:
                    yield from _expressions(body.builder.own.values(), inside=False)
                    yield from _expressions(body.builder.own.values(), inside=True)
                    yield from (result.expr for result in body.results)


def _inside(equations: Iterable[Equation]) -> Iterator[Ref]:
    """What is computed inside of branches."""
    for equation in equations:
        if isinstance(equation.definition, Branch):
            for body in equation.definition.bodies:
                yield from body.builder.own
                yield from _inside(body.builder.own.values())


def _rewrite(builder: Builder, equations: Mapping[Ref, Equation], changes: Mapping[Expr, Expr]) -> None:
    """Substitute in all formulas of equations."""
    for ref, equation in equations.items() if changes else ():
        builder.own[ref] = replace(equation, definition=_rewritten(equation.definition, changes))


def _rewritten(definition: Definition, changes: Mapping[Expr, Expr]) -> Definition:
    match definition:
        case Map(body):
            return Map(substitute(body, changes))
        case Sum(bound, body):
            return Sum(bound, substitute(body, changes))
        case Op():
            return replace(definition, operands=tuple(_changed(operand, changes) for operand in definition.operands))
        case Branch(condition, bodies):
            for body in bodies:
                _rewrite(body.builder, dict(body.builder.own), changes)
            first, second = (Body(b.builder, tuple(_changed(r, changes) for r in b.results)) for b in bodies)
            return Branch(_changed(condition, changes), (first, second))
    return definition


def _changed(tensor: Tensor, changes: Mapping[Expr, Expr]) -> Tensor:
    return Tensor(substitute(tensor.expr, changes), tensor.indices, tensor.kind)
