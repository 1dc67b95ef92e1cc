"""Comprehensions and generator expressions: loops like any other, with a frame of their own.

Over few elements that are known while compiling they are written out. Over more, a list comprehension is a loop that
appends, the sum of a generator expression is a loop that adds. What neither expresses is written out for the number of
elements that there are at the compiling call.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence

from symgrad.errors import NotYetSupported, UnsupportedSyntax
from symgrad.frontend.branches import branch
from symgrad.frontend.frame import Frame
from symgrad.frontend.growing import is_counted
from symgrad.frontend.iteration import Iteration, iteration, late, scoped
from symgrad.frontend.members import readable
from symgrad.frontend.operators import binary
from symgrad.frontend.outcomes import ON, Flow
from symgrad.frontend.rounds import for_rounds
from symgrad.frontend.slots import Unfixed
from symgrad.frontend.streams import stream
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import MOST_ELEMENTS, decided, truth
from symgrad.frontend.values import Stream
from symgrad.ir.program import Value

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
Deliver = Callable[[Frame], None]
MOST_WRITTEN_OUT = 64


class Counted(Unfixed):
    """A sum of what is known while compiling."""


def each(frame: Frame, node: Comprehension) -> Iterator[Frame]:
    """A frame for each round of a comprehension that is written out."""
    yield from _written(scoped(frame), node.generators)


def _written(frame: Frame, generators: Sequence[ast.comprehension]) -> Iterator[Frame]:
    if not generators:
        yield frame
        return
    first, rest = generators[0], generators[1:]
    for item in _items(frame, first):
        assign(frame, first.target, readable(item))
        if all(truth(frame, test, frame.reader.evaluate(frame, test)) for test in first.ifs):
            yield from _written(frame, rest)


def _over(frame: Frame, generator: ast.comprehension) -> Iteration | list[object]:
    if generator.is_async:
        raise UnsupportedSyntax("an asynchronous comprehension has no derivative")
    return iteration(frame, generator.iter)


def _items(frame: Frame, generator: ast.comprehension) -> list[object]:
    """The elements, one by one."""
    over = _over(frame, generator)
    if isinstance(over, list):
        return over
    with frame.at(generator.iter):
        count = frame.builder.sizes.value(frame.builder.sizes.find(over.rounds))
        if count is None or count > (MOST_ELEMENTS if over.is_static else MOST_WRITTEN_OUT):
            reason = f"{'a run-time number of' if count is None else count} steps cannot be written one by one"
            raise NotYetSupported(reason, remedy="write a loop, or use array operations")
        return late(frame, over)


def listed(frame: Frame, node: ast.ListComp | ast.GeneratorExp) -> list[object]:
    """All items."""
    inner, made = scoped(frame), list[object]()
    inner.variables["@items"] = made

    def deliver(reached: Frame) -> None:
        made.append(reached.reader.evaluate(reached, node.elt))

    with inner.open():
        over = _over(inner, node.generators[0])
        try:
            _rounds(inner, node, 0, deliver, over)
        except Unfixed:
            if isinstance(over, list) or not over.is_static:
                raise
            return [reached.reader.evaluate(reached, node.elt) for reached in each(frame, node)]
    return made


def total(frame: Frame, node: ast.GeneratorExp, start: object) -> object:
    """``sum(generator, start)``; a list of its items where they are few, or are known while compiling."""
    inner = scoped(frame)
    inner.variables["@total"] = start
    plain = not any(generator.ifs for generator in node.generators)

    def deliver(reached: Frame) -> None:
        element = reached.reader.evaluate(reached, node.elt)
        if plain and all_static and is_counted(element, frame.builder):
            raise Counted("this sum is known while compiling")
        inner.variables["@total"] = binary(reached, node.elt, ast.Add, inner.variables["@total"], element)

    with inner.open():
        over = _over(inner, node.generators[0])
        if isinstance(over, list):
            return listed(frame, node)
        all_static = bool(over.rounds.is_Integer)
        try:
            _rounds(inner, node, 0, deliver, over)
        except Counted:
            return listed(frame, node)
        found = inner.variables["@total"]
    if isinstance(found, Value) and found.tensor.kind is float and sys.version_info >= (3, 12):
        return listed(frame, node)  # Python adds its own floats in a more exact way
    return found


def _rounds(
    frame: Frame, node: ast.ListComp | ast.GeneratorExp, depth: int, deliver: Deliver, over: Iteration | list[object]
) -> None:
    """The loops of a comprehension, from one of them on."""
    generator = node.generators[depth]

    def innermost(inner: Frame) -> None:
        if depth + 1 == len(node.generators):
            deliver(inner)
        else:
            _rounds(inner, node, depth + 1, deliver, _over(inner, node.generators[depth + 1]))

    def body(inner: Frame, _: Sequence[ast.stmt]) -> Flow:
        return _tested(inner, generator.ifs, innermost)

    written = ast.copy_location(ast.Expr(node), node)
    loop = ast.copy_location(ast.For(generator.target, generator.iter, [written], []), node)
    for_rounds(frame, loop, body, over)


def _tested(frame: Frame, tests: Sequence[ast.expr], deliver: Deliver) -> Flow:
    """A round, where the tests hold."""
    if not tests:
        deliver(frame)
        return ON
    test = decided(frame, tests[0], frame.reader.evaluate(frame, tests[0]))
    if isinstance(test, Value):
        return branch(frame, tests[0], test, lambda: _tested(frame, tests[1:], deliver), lambda: ON)
    return _tested(frame, tests[1:], deliver) if test else ON


def generator(frame: Frame, node: ast.GeneratorExp) -> Stream:
    """An iterator over the items, which may be asked for all at once."""
    made = stream(frame, node, (frame.reader.evaluate(inner, node.elt) for inner in each(frame, node)))
    made.comprehension = frame, node
    return made


def unread(item: object) -> tuple[Frame, ast.GeneratorExp] | None:
    """The generator expression behind an iterator that gave nothing yet: all of its items are taken now."""
    if isinstance(item, Stream) and item.comprehension is not None and not item.given and item.position == 0:
        item.spend()
        return item.comprehension
    return None


def gathered(item: object) -> object:
    """A list of the items of a generator expression, read at once; anything else as it is."""
    found = unread(item)
    return item if found is None else listed(*found)
