"""Branches whose condition is known at run time only.

Both bodies are read, each from where the branch begins; what they leave differently comes out of the branch. Where a
body returns, breaks or continues, what follows the branch belongs to its bodies.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from symgrad.errors import NotYetSupported, SymgradError
from symgrad.frontend.environment import MISSING, Cell, Division, Environment, changes, environment, put, restore
from symgrad.frontend.frame import Frame, Reader, Unwieldy
from symgrad.frontend.merging import UNSET, Merger
from symgrad.frontend.operators import comparison
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.regions import Reading, region
from symgrad.ir.code import Code
from symgrad.ir.equation import Body, Branch, Role
from symgrad.ir.program import Choose, Effect, Value
from symgrad.ir.tensor import BOOLEAN, Tensor

Alternative = Callable[[], Flow]
MOST_BRANCHES = 1_000


@dataclass
class Side:
    """One body, after it was read: where control goes, what was changed."""

    reading: Reading
    flow: Flow
    after: Environment


def branch(
    frame: Frame, node: ast.AST, condition: Value, first: Alternative, second: Alternative, *, known: bool = True
) -> Flow:
    """Read both alternatives, in which the condition is known; the environment becomes what holds after either."""
    reader = frame.reader
    division = Division(node, condition, reader.builder, reader.branches, len(reader.statements))
    reader.branches += 1
    if reader.branches > MOST_BRANCHES:
        raise Unwieldy(frame.span(node))
    if division.number in reader.taken:
        root, place, holds = reader.taken[division.number]
        if place != division.place:
            raise NotYetSupported("what is read again here is not what was read before", remedy="use plain branches")
        reader.learned.setdefault(root, {})[condition.tensor.expr] = holds
        return (first if holds else second)()
    tested = as_condition(frame, node, condition)
    before = environment(reader)
    sides = []
    for holds, alternative in ((True, first), (False, second)):
        truths = (condition, tested) if known else ()
        try:
            with region(reader) as reading, _knowing(reader, truths, holds):
                flow = alternative()
        except SymgradError as error:
            if not error.exception or reader.catching:
                raise
            restore(before)
            _raising(frame, tested, reading, error.exception, holds)
            with _knowing(reader, truths, not holds):
                return (second if holds else first)()
        sides.append(Side(reading, flow, environment(reader)))
        restore(before)
    merger = Merger(reader, tested, (sides[0].after, sides[1].after), division)
    cells = _changed(before, sides)
    merged = {cell: _merged_cell(merger, before, cell, *pair) for cell, pair in cells.items()}
    flow = _merged_flow(merger, sides[0].flow, sides[1].flow)
    _finish(frame, tested, merger, sides)
    for cell, item in merged.items():
        put(before, cell, item)
    return flow


def _raising(frame: Frame, condition: Value, reading: Reading, exception: str, holds: bool) -> None:
    """``if condition: raise``: where one body raises in any case, the other is what the branch is."""
    frame.reader.effects += 1
    reading.statements.append(Effect(Code(f"@do{frame.reader.effects} raise {exception}")))
    empty = Reading(frame.builder.child())
    sides = (reading, empty) if holds else (empty, reading)
    block = frame.builder.block(Branch(condition.tensor, (Body(sides[0].builder, ()), Body(sides[1].builder, ()))))
    regions = sides[0].region, sides[1].region
    frame.reader.statements.append(Choose(block, condition.now, regions, ((), ()), ()))


@contextmanager
def _knowing(reader: Reader, conditions: Iterable[Value], holds: bool) -> Iterator[None]:
    """What is read inside is read where the conditions hold, or do not."""
    before = reader.truths
    reader.truths = {**before, **{condition.tensor.expr: holds for condition in conditions}}
    try:
        yield
    finally:
        reader.truths = before


def _changed(before: Environment, sides: list[Side]) -> dict[Cell, tuple[object, object]]:
    """What the cells that either side changed hold after each."""
    first, second = (changes(before, side.after) for side in sides)
    found = {}
    for cell in {**first, **second}:
        old = before.cells.get(cell, MISSING)
        found[cell] = first.get(cell, (old, old))[1], second.get(cell, (old, old))[1]
    resized = {cell[0] for cell, (a, b) in found.items() if cell[1] == "length" and a != b}
    return {cell: pair for cell, pair in found.items() if cell[0] not in resized or cell[1] == "length"}


def _merged_cell(merger: Merger, before: Environment, cell: Cell, first: object, second: object) -> object:
    """What a cell holds after both branches."""
    if cell[1] == "length" and first != second:
        return merger.resized()
    holder = before.holders[cell[0]]
    if cell[1] == "variable" and isinstance(holder, Frame) and holder.scope and not cell[2].startswith("@"):
        return merger.variable(first, second, cell[2])
    return merger.merged(first, second, _name(cell))


def _name(cell: Cell) -> str | None:
    return cell[2].lstrip("@") if cell[1] == "variable" else None


def _merged_flow(merger: Merger, first: Flow, second: Flow) -> Flow:
    """Where control goes after a branch."""
    items = [flow.item if flow.returned is not False else UNSET for flow in (first, second)]
    item = UNSET if items == [UNSET, UNSET] else merger.merged(items[0], items[1])
    return Flow(
        returned=merger.merged(first.returned, second.returned),
        stopped=merger.merged(first.stopped, second.stopped),
        skipped=merger.merged(first.skipped, second.skipped),
        item=item,
        span=first.span or second.span,
    )


def _finish(frame: Frame, condition: Value, merger: Merger, sides: list[Side]) -> None:
    """The branch as an equation and as a statement."""
    reader = frame.reader
    bodies = tuple(
        Body(side.reading.builder, tuple(pair[number].tensor for pair in merger.pairs))
        for number, side in enumerate(sides)
    )
    if not merger.pairs and not any(side.reading.region.has_effects for side in sides):
        return
    block = reader.builder.block(Branch(condition.tensor, (bodies[0], bodies[1])))
    for place, output in enumerate(merger.outputs):
        tensor = output.tensor
        made = reader.builder.output(block, Role.RESULT, place, tensor.shape, tensor.kind)
        output.become(made, output.code)
    reader.statements.append(
        Choose(
            block,
            condition.now,
            (sides[0].reading.region, sides[1].reading.region),
            (tuple(a.now for a, _ in merger.pairs), tuple(b.now for _, b in merger.pairs)),
            tuple(output.code for output in merger.outputs),
        )
    )


def as_condition(frame: Frame, node: ast.AST, condition: Value) -> Value:
    """The truth of a number, as a bracket that has a name."""
    tested = condition
    if condition.tensor.kind not in BOOLEAN:
        link = comparison(frame, node, ast.NotEq, condition, 0)  # type: ignore[arg-type]
        assert isinstance(link, Value)
        tested = link
    tensor = frame.builder.define(Tensor(tested.tensor.expr, (), np.dtype(bool)), "c")
    return Value(tensor, condition.code)
