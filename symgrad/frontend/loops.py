"""Loops whose rounds are not written out: the body is read once, for all rounds.

What the body changes is *carried* from round to round. It is found by reading the body: what has changed at its end,
or has another type than at its beginning, is carried from then on, and the body is read again, until nothing new is
found.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any

import sympy

from symgrad.errors import SymgradError, UnsupportedSyntax
from symgrad.frontend.branches import as_condition
from symgrad.frontend.environment import (
    MISSING,
    Cell,
    Conflict,
    Environment,
    Missing,
    changes,
    environment,
    put,
    restore,
)
from symgrad.frontend.frame import Frame
from symgrad.frontend.growing import Ending, Growths
from symgrad.frontend.iteration import Iteration
from symgrad.frontend.leaving import Block, after_loop
from symgrad.frontend.liveness import liveness
from symgrad.frontend.logic import disjunction
from symgrad.frontend.merging import UNSET
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.regions import Reading, region
from symgrad.frontend.relations import Relations
from symgrad.frontend.segments import Segment
from symgrad.frontend.slots import Param, Slots, Unfixed, filled, left, params
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import decided
from symgrad.frontend.values import children
from symgrad.ir.code import Code
from symgrad.ir.equation import Body, Equation, Loop, Output, Role
from symgrad.ir.program import Repeat, Value
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Entry, Expr, Ref, Tensor

MOST_READINGS = 12
RETURNED, STOPPED, ITEM = (0, "flow", "returned"), (0, "flow", "stopped"), (0, "flow", "item")


@dataclass
class Round:
    """One reading of the body: what the cells held at its beginning, and hold at its end."""

    reading: Reading
    counter: Entry
    count: Value
    flow: Flow
    began: Environment
    after: Environment
    test: tuple[Reading, Value] | None


@dataclass
class LoopReader:
    """Reads one loop: ``over`` tells the rounds of a ``for``, None of a ``while``."""

    frame: Frame
    node: ast.For | ast.While
    block: Block
    over: Iteration | None
    before: Environment = field(init=False)
    slots: dict[Cell, Any] = field(default_factory=dict)
    growths: Growths = field(init=False)

    def read(self) -> Flow:
        """The loop as an equation and a statement; the environment becomes what holds after it."""
        self.before = environment(self.frame.reader)
        self.growths = Growths(self.frame.reader, self.before)
        self.relations = Relations(self.frame.reader.aliasing)
        moment = self.frame.reader.aliasing.moment
        for number in range(MOST_READINGS):
            self.frame.reader.loops += 1
            try:
                done = self._round()
            except SymgradError:
                if number or not self.growths.expect(self.node):
                    raise
                continue
            finally:
                self.frame.reader.loops -= 1
                restore(self.before)
            if not self._learn(done):
                return self._finish(done)
            self.frame.reader.aliasing.release(moment)
        raise Unfixed("what this loop carries has no fixed type", remedy="start with values of the final types")

    def _round(self) -> Round:
        """Read the body once, from parameters for all that is carried."""
        frame = self.frame
        counter = frame.builder.counter(sympy.oo if self.over is None else self.over.rounds)
        made: dict[Param, Value] = {}
        for cell, slot in self.slots.items():
            if cell[1] != "flow":
                item = filled(self.frame.reader, slot, lambda param: self._started(param, made))
                self._put(cell, item)
        self.growths.start(counter, made)
        test = self._test()
        with region(frame.reader) as reading:
            began = environment(frame.reader)
            self.relations.begin(began)
            count = self._target(counter)
            flow = self.block(frame, self.node.body)
            after = environment(frame.reader)
        self.growths.end(after, made)
        return Round(reading, counter, count, flow, began, after, test)

    def _put(self, cell: Cell, item: object) -> None:
        if cell[1] == "recent":
            self.growths.lists[cell[0]].recent[cell[2]] = item
        else:
            put(self.before, cell, item)

    def _started(self, param: Param, made: dict[Param, Value]) -> Value:
        """The value with which a round starts."""
        if param not in made:
            made[param] = Value(param.tensor, param.code)
            aliasing = self.frame.reader.aliasing
            aliasing.start(made[param])
            if isinstance(param.origin, Missing):
                self.frame.reader.partial.add(made[param])
            if isinstance(param.origin, Value) and aliasing.is_array(param.origin):
                aliasing.array(made[param])
                if not self._is_alone(param.origin):
                    aliasing.may_share(made[param], [param.origin])
        return made[param]

    def _is_alone(self, value: Value) -> bool:
        """Whether one cell only holds an array, and nothing shares its memory."""
        holders = [cell for cell, held in self.before.cells.items() if held is value]
        return len(holders) <= 1 and self.frame.reader.aliasing.is_alone(value)

    def _target(self, counter: Entry) -> Value:
        if self.over is None or not isinstance(self.node, ast.For):
            return Value(Tensor(counter, (), int), Code(f"@k{counter.ref.serial}", (), "k"))
        target = self.node.target
        hint = target.id if isinstance(target, ast.Name) and self.over.counts else _first_name(target)
        count = self.over.count(counter, hint if self.over.counts else None)
        assign(self.frame, target, self.over.element(count))
        return count

    def _test(self) -> tuple[Reading, Value] | None:
        """The condition of a ``while``; None where it always holds."""
        if not isinstance(self.node, ast.While):
            return None
        with region(self.frame.reader) as reading:
            found = decided(self.frame, self.node.test, self.frame.reader.evaluate(self.frame, self.node.test))
            if isinstance(found, Value):
                return reading, as_condition(self.frame, self.node.test, found)
        if not found:
            raise Unfixed("the condition of this loop is never true")
        return None

    def _learn(self, done: Round) -> bool:
        """Carry what has changed; whether that is news."""
        news = False
        slots = Slots(self.frame.reader, done.after)
        for cell, (_, new) in changes(done.began, done.after).items():
            if cell[0] in self.before.holders and cell not in self.slots and self._is_read(cell):
                if self.growths.is_new(cell):
                    news = self.growths.grow(cell, done.after) or news
                    continue
                old = self.before.cells.get(cell, MISSING)
                if old is MISSING and not self._is_read_later(cell):
                    continue
                if old is MISSING and not self._is_by_key(self.before.holders[cell[0]]):
                    raise Unfixed("a dict gets new keys in this loop", remedy="set all keys before the loop")
                if old is MISSING and self.over is not None and not runs(self.over.rounds):
                    self.frame.builder.sizes.positive(self.over.rounds)
                self.slots[cell] = slots.slot(old, new, _name(cell))
                news = True
        for cell, item in self._flows(done.flow):
            if cell not in self.slots:
                self.slots[cell] = slots.slot(MISSING if cell == ITEM else False, item, cell[2])
                news = True
        for cell, growth in self.growths.wanted():
            if cell not in self.slots:
                self.slots[cell] = slots.slot(growth.first(cell[2]), growth.last(cell[2]), growth.name)
                news = True
        news = self._compare(done, slots) or news
        news = self.relations.end(done.began, done.after) or news
        carried = [param for slot in self.slots.values() for param in params(slot)]
        return self.growths.meet(carried) or news

    def _compare(self, done: Round, slots: Slots) -> bool:
        """Whether a round leaves other types than it starts with."""
        news = False
        ends = dict(self._flows(done.flow))
        for cell, slot in list(self.slots.items()):
            if cell[1] == "contents" and cell[0] not in done.after.holders:
                del self.slots[cell]  # what the variables hold is carried in its place
                news = True
                continue
            absent = MISSING if cell[1] != "flow" or cell == ITEM else False
            item = ends.get(cell, absent) if cell[1] == "flow" else done.after.cells.get(cell, MISSING)
            item = self.growths.lists[cell[0]].last(cell[2]) if cell[1] == "recent" else item
            if item is not slot and not left(slots, slot, item):
                first = self.before.cells.get(cell, absent)
                if cell[1] == "recent":
                    first = self.growths.lists[cell[0]].first(cell[2])
                self.slots[cell] = slots.slot(first, item, _name(cell))
                news = True
        return news

    def _flows(self, flow: Flow) -> list[tuple[Cell, object]]:
        """How a round ends, as far as it is not known while compiling."""
        found: list[tuple[Cell, object]] = []
        if flow.returned is not False:
            found += [(RETURNED, flow.returned), (ITEM, flow.item)]
        if flow.stopped is not False and self.node.orelse:
            found.append((STOPPED, flow.stopped))
        return found

    def _is_read(self, cell: Cell) -> bool:
        """Whether what a round leaves may be read after it."""
        own = cell[1] == "variable" and self.before.holders[cell[0]] is self.frame and self.frame.scope
        return not own or cell[2].startswith("@") or liveness(self.frame.node).is_carried(self.node, cell[2])

    def _is_by_key(self, holder: object) -> bool:
        """Whether the loop reads what a holder holds by keys only, and does not go through all of a dict."""
        if not isinstance(holder, dict):
            return True
        names = {cell[2] for cell, held in self.before.cells.items() if cell[1] == "variable" and held is holder}
        parts = list(ast.walk(self.node))
        by_key = {id(part.value) for part in parts if isinstance(part, ast.Subscript)}
        read = [part for part in parts if isinstance(part, ast.Name) and part.id in names]
        return bool(read) and all(id(part) in by_key for part in read)

    def _is_read_later(self, cell: Cell) -> bool:
        """Whether what the loop is the first to set is read outside of it."""
        if cell[1] != "variable":
            return True
        holder = self.before.holders[cell[0]]
        if not isinstance(holder, Frame) or (cell[0], cell[2]) in self.frame.reader.partly_read:
            return True
        inside = {id(part) for part in ast.walk(self.node)}
        parts = [part for part in ast.walk(holder.node) if id(part) not in inside]
        read = [part.target for part in parts if isinstance(part, ast.AugAssign)]
        read += [part for part in parts if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store)]
        return any(isinstance(part, ast.Name) and part.id == cell[2] for part in read)

    def _finish(self, done: Round) -> Flow:
        """The equation, the statement, and what holds afterwards."""
        reader = self.frame.reader
        carried = list(dict.fromkeys(param for slot in self.slots.values() for param in params(slot)))
        stop = self._stop(done)
        rounds, limit = self._rounds(done, stop)
        test = None if done.test is None else Body(done.test[0].builder, (done.test[1].tensor,))
        loop = Loop(
            counter=done.counter,
            rounds=rounds,
            carried=tuple(param.tensor for param in carried),
            initial=tuple(_cast(param.initial, param) for param in carried),
            body=Body(done.reading.builder, tuple(_cast(_result(param), param) for param in carried)),
            test=test,
            stop=None if stop is None else stop.tensor,
            limit=limit,
            again=isinstance(self.node, Segment),
        )
        block = reader.builder.block(loop)
        if loop.ends_itself:
            assert isinstance(rounds, Entry)
            reader.builder.equations[rounds.ref] = Equation(rounds.ref, (), Output(block, Role.ROUNDS, 0))
        outputs = {param: self._output(block, place, param) for place, param in enumerate(carried)}
        ending = Ending(self.frame, done.reading.builder, block, rounds, carried, done.after, self._kept(done))
        grown = [(growth, ending.run(growth)) for growth in self.growths.lists.values()]
        statement = self._statement(done, block, carried, outputs, stop)
        reader.statements.append(replace(statement, traced=tuple(ending.traced)))
        self.growths.finish(grown, outputs)
        return self._after(done, outputs)

    def _kept(self, done: Round) -> frozenset[int]:
        """What was there before a round, or is held by what is read after it, by ``id``."""
        found = set(self.before.holders)
        pending = [held for cell, held in done.after.cells.items() if cell in self.slots]
        while pending:
            held = pending.pop()
            if id(held) not in found:
                found.add(id(held))
                pending += children(held)
        return frozenset(found)

    def _statement(
        self, done: Round, block: Ref, carried: list[Param], outputs: dict[Param, Value], stop: Value | None
    ) -> Repeat:
        return Repeat(
            block=block,
            head=None if self.over is None else self.over.range,
            number=done.count.now,
            carried=tuple(Value(param.tensor, param.code) for param in carried),
            initial=tuple(param.initial for param in carried),
            results=tuple(_result(param) for param in carried),
            outputs=tuple(outputs[param].code for param in carried),
            body=done.reading.region,
            test=None if done.test is None else (done.test[0].region, done.test[1].now),
            stop=stop,
        )

    def _stop(self, done: Round) -> Value | None:
        """What ends the loop after a round."""
        ends = [flag for flag in (done.flow.stopped, done.flow.returned) if flag is not False]
        if not ends:
            return None
        with region(self.frame.reader, done.reading):
            return disjunction(self.frame, self.node, ends)

    def _rounds(self, done: Round, stop: Value | None) -> tuple[Expr, Expr | None]:
        """The number of rounds, and the most that there can be."""
        limit = None if self.over is None else self.over.rounds
        if limit is not None and stop is None:
            return limit, None
        if stop is None and done.test is None:
            raise UnsupportedSyntax("nothing ends this loop", remedy="let its condition change, or leave it with break")
        name = self.frame.builder.name("n")
        return Entry(Ref(name, (), int, True, (sympy.S.Zero, sympy.oo))), limit

    def _output(self, block: Ref, place: int, param: Param) -> Value:
        aliasing, partial = self.frame.reader.aliasing, self.frame.reader.partial
        tensor = self.frame.builder.output(block, Role.RESULT, place, param.tensor.shape, param.kind)
        value = Value(tensor, Code(f"@o{block.serial}_{place}", (), param.code.name))
        if isinstance(param.origin, Missing) and (self.over is None or param.left in partial):
            partial.add(value)
        if isinstance(param.left, Value) and aliasing.is_array(param.left):
            aliasing.array(value)
            aliasing.may_share(value, [param.left])
            if isinstance(param.origin, Value) and not self._is_certain and not self._is_alone(param.origin):
                aliasing.may_share(value, [param.origin])
        return value

    @property
    def _is_certain(self) -> bool:
        """Whether there is a first round for sure."""
        return self.over is not None and bool(self.over.rounds.is_Integer and self.over.rounds > 0)

    def _after(self, done: Round, outputs: dict[Param, Value]) -> Flow:
        """What holds after the loop, the ``else`` of the loop among it."""
        for cell, slot in self.slots.items():
            if cell[1] not in {"flow", "recent"}:
                put(self.before, cell, filled(self.frame.reader, slot, outputs.__getitem__))
        for cell in changes(self.before, done.after):
            if cell not in self.slots and cell[1] == "variable":
                put(self.before, cell, Conflict("this is set in a loop only"))
        returned, stopped, item = (self._left(cell, outputs) for cell in (RETURNED, STOPPED, ITEM))
        if isinstance(self.node, ast.While) and done.test is None and done.flow.stopped is False:
            returned = True
        flow = Flow(returned=returned, item=item, span=done.flow.span)
        return after_loop(self.frame, self.node, self.block, flow, stopped)

    def _left(self, cell: Cell, outputs: dict[Param, Value]) -> Any:
        """How the loop was left, as far as rounds may leave it."""
        if cell not in self.slots:
            return UNSET if cell == ITEM else False
        return filled(self.frame.reader, self.slots[cell], outputs.__getitem__)


def _name(cell: Cell) -> str | None:
    return cell[2].lstrip("@") if cell[1] == "variable" else None


def _first_name(target: ast.expr) -> str | None:
    """The user's name of a count: the first of ``for i, x in enumerate(...)``."""
    first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None
    return first.id if isinstance(first, ast.Name) else None


def _result(param: Param) -> Value:
    return Value(param.tensor, param.code) if param.result is None else param.result


def _cast(value: Value, param: Param) -> Tensor:
    tensor = value.tensor
    return Tensor(tensor.expr, tensor.indices, param.kind)
