"""``for`` and ``while``: written out round by round where that has to be, else as loops.

A loop over few elements that are known while compiling is written out. Any other is read once for all its rounds. Where
that fails, since the first round differs from the others, the first round is written out; where that fails too, all
are, if they are not many.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence

from symgrad.errors import NotYetSupported, SymgradError
from symgrad.frontend.branches import branch
from symgrad.frontend.counting import counting
from symgrad.frontend.environment import changes, environment, restore
from symgrad.frontend.frame import Frame, Unwieldy
from symgrad.frontend.iteration import Iteration, iteration, late, written_out
from symgrad.frontend.late import has
from symgrad.frontend.leaving import Block, after_loop
from symgrad.frontend.liveness import Rewritten
from symgrad.frontend.loops import LoopReader
from symgrad.frontend.members import readable
from symgrad.frontend.outcomes import ON, Flow
from symgrad.frontend.segments import segmented
from symgrad.frontend.slots import Unfixed
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import decided
from symgrad.ir.program import Region, Value
from symgrad.rules.arguments import ComputedLength

MOST_WRITTEN_OUT, MOST_ROUNDS = 64, 2_000


def for_statement(frame: Frame, node: ast.For, block: Block) -> Flow:
    """``for``."""
    segments = segmented(frame, node)
    if segments is not None:
        return block(frame, segments)
    known = set(frame.variables)
    try:
        over = iteration(frame, node.iter)
    except ComputedLength:
        counted = counting(frame, node)
        if counted is None:
            raise
        return block(frame, counted)
    flow = for_rounds(frame, node, block, over)
    for name in set(frame.variables) - known:
        if name[0] == "@" and name[1].isdigit():
            del frame.variables[name]
    return flow


def for_rounds(frame: Frame, node: ast.For, block: Block, over: Iteration | list[object]) -> Flow:
    """``for``, over what was found to iterate over."""
    if isinstance(over, Iteration):
        count = frame.builder.sizes.value(frame.builder.sizes.find(over.rounds))
        if over.rounds == 0:
            return after_loop(frame, node, block, ON, False)
        if over.rounds == 1 or (count is not None and count <= frame.reader.written_out):
            return _rounds(frame, node, block, late(frame, over))
        return _first_of(
            frame,
            [
                lambda: LoopReader(frame, node, block, over).read(),
                lambda: _after_first(frame, node, block, over),
                *([lambda: _rounds(frame, node, block, late(frame, over))] if _is_written(count) else []),
            ],
        )
    return _rounds(frame, node, block, over)


def _is_written(count: int | None) -> bool:
    return count is not None and count <= MOST_WRITTEN_OUT


def _first_of(frame: Frame, ways: Sequence[Callable[[], Flow]]) -> Flow:
    """The first way to read a loop that goes; if none does, what was wrong with the first.

    That a round raises does not tell that there is a round, so the error is one of symgrad's.
    """
    before, length, truths = environment(frame.reader), len(frame.reader.statements), frame.reader.truths
    moment = frame.reader.aliasing.moment
    first: SymgradError | None = None
    for way in ways:
        try:
            return way()
        except Unwieldy:
            raise
        except SymgradError as error:
            first = _without_frames(error) if first is None else first
            restore(before)
            frame.reader.aliasing.release(moment)
            del frame.reader.statements[length:]
            frame.reader.truths = truths
    assert first is not None
    first.exception = ""
    raise first


def _without_frames(error: SymgradError) -> SymgradError:
    """An error that does not keep alive what was read until it was raised."""
    error.__traceback__ = error.__context__ = None
    return error


def _after_first(frame: Frame, node: ast.For, block: Block, over: Iteration) -> Flow:
    """The first round written out, then the others."""
    frame.builder.sizes.positive(over.rounds)
    (first,) = written_out(frame, over, 1)
    assign(frame, node.target, first)
    flow = block(frame, node.body)
    if not flow.goes_on and flow.skipped is not True:
        raise flow_changes(frame, node)
    return LoopReader(frame, node, block, over.rest()).read()


def flow_changes(frame: Frame, node: ast.stmt) -> SymgradError:
    """The refusal of a first round that may leave the loop."""
    return Unfixed(
        "the first round of this loop differs from the others, and may leave the loop", span=frame.span(node)
    )


def _rounds(frame: Frame, node: ast.For, block: Block, items: Sequence[object], number: int = 0) -> Flow:
    """One round after the other, from one of them on; a list may grow meanwhile."""
    while has(items, number):
        _check_rounds(frame, node)
        assign(frame, node.target, readable(items[number]))
        number += 1
        flow = block(frame, node.body)
        if flow.returned is True:
            return flow
        if flow.stopped is True:
            return ON
        if isinstance(flow.returned, Value) or isinstance(flow.stopped, Value):
            return _split(frame, node, flow, functools.partial(_rounds, frame, node, block, items, number))
    return after_loop(frame, node, block, ON, False)


def _check_rounds(frame: Frame, node: ast.stmt) -> None:
    """Count a round that is written out; there may not be too many."""
    frame.reader.rounds += 1
    if frame.reader.rounds > MOST_ROUNDS:
        reason = "too many rounds of loops would have to be written one by one"
        raise NotYetSupported(reason, remedy="keep what the loop carries of one type and shape", span=frame.span(node))


def _split(frame: Frame, node: ast.stmt, flow: Flow, further: Callable[[], Flow]) -> Flow:
    """The other rounds, where a round may have left the loop."""
    if isinstance(flow.returned, Value):
        left, flag = Flow(returned=True, item=flow.item, span=flow.span), flow.returned
        rest = Flow(stopped=flow.stopped)
    else:
        assert isinstance(flow.stopped, Value)
        left, flag, rest = ON, flow.stopped, ON
    if rest.stopped is True:
        return branch(frame, node, flag, lambda: left, lambda: ON)
    return branch(
        frame, node, flag, lambda: left, further if rest.goes_on else lambda: _split(frame, node, rest, further)
    )


def while_statement(frame: Frame, node: ast.While, block: Block) -> Flow:
    """``while``."""
    if any(isinstance(part, ast.NamedExpr) for part in ast.walk(node.test)):
        node = _with_test_inside(node)
    before, length = environment(frame.reader), len(frame.reader.statements)
    first = frame.reader.evaluate(frame, node.test)
    if Region(tuple(frame.reader.statements[length:])).has_effects or changes(before, environment(frame.reader)):
        restore(before)
        del frame.reader.statements[length:]
        return while_statement(frame, _with_test_inside(node), block)
    leave = functools.partial(after_loop, frame, node, block, ON, False)
    if decided(frame, node.test, first) is False:
        return leave()
    ways = [lambda: LoopReader(frame, node, block, None).read(), lambda: _written_while(frame, node, block, 0)]
    try:
        return _first_of(frame, ways[::-1] if _is_once(node) else ways)
    except SymgradError as error:
        test, refusal = decided(frame, node.test, first), error
    if not isinstance(test, Value):
        raise refusal
    return branch(frame, node, test, lambda: _failing(frame, node, block, refusal), leave)


def _failing(frame: Frame, node: ast.While, block: Block, refusal: SymgradError) -> Flow:
    """A first round that raises; if it does not, the refusal of the loop."""
    block(frame, node.body)
    raise refusal


def _is_once(node: ast.While) -> bool:
    """Whether no second round follows the first."""
    continues = any(isinstance(part, ast.Continue) for part in ast.walk(node))
    return isinstance(node.body[-1], ast.Break | ast.Return) and not continues


def _with_test_inside(node: ast.While) -> ast.While:
    """``while True: if not test: break; ...``, since the test sets variables, or changes what they hold.

    What stands in the ``else`` happens where the test fails.
    """
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    if any(isinstance(part, ast.Break | ast.Continue) for last in node.orelse for part in ast.walk(last)):
        reason = "the else of a while whose test changes something leaves another loop"
        raise NotYetSupported(reason, remedy="write while True, with the test inside")
    leave = ast.copy_location(ast.If(negated, [*node.orelse, ast.copy_location(ast.Break(), node)], []), node)
    always = ast.copy_location(ast.Constant(True), node.test)
    origin = node.origin if isinstance(node, Rewritten) else node
    return ast.copy_location(Rewritten(always, [leave, *node.body], [], origin), node)


def _written_while(frame: Frame, node: ast.While, block: Block, number: int) -> Flow:
    """Round after round, as long as the condition is known while compiling."""
    test = decided(frame, node.test, frame.reader.evaluate(frame, node.test))
    if isinstance(test, Value) or number > MOST_WRITTEN_OUT:
        return LoopReader(frame, node, block, None).read()
    if not test:
        return after_loop(frame, node, block, ON, False)
    flow = block(frame, node.body)
    if flow.returned is True:
        return flow
    if flow.stopped is True:
        return ON
    further = functools.partial(_written_while, frame, node, block, number + 1)
    if isinstance(flow.returned, Value) or isinstance(flow.stopped, Value):
        return _split(frame, node, flow, further)
    return further()
