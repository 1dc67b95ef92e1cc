"""Streams: iterators of Python's, read one item after the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from symgrad.errors import NotYetSupported
from symgrad.frontend.attributes import item
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import readable
from symgrad.frontend.runs import expanded
from symgrad.frontend.truth import MOST_ELEMENTS, elements
from symgrad.frontend.values import Stream
from symgrad.ir.program import Value


def drawn(frame: Frame, container: object) -> Iterator[object]:
    """The items of an iterable, each when it is asked for; what grows meanwhile is read to its end."""
    if isinstance(container, Stream):
        return container
    if isinstance(container, Value) and container.tensor.rank:
        count = frame.builder.sizes.specialise(container.tensor.shape[0])
        return (item(frame, container, place, None) for place in range(count))
    if not isinstance(container, list | dict):
        return map(readable, elements(frame, container))
    return _items(frame, container)


def _items(frame: Frame, container: Iterable[object]) -> Iterator[object]:
    """The items of a container; what comes from outside holds what comes from outside."""
    foreign = not frame.reader.aliasing.is_own(container)
    for held in container:
        if foreign:
            frame.reader.aliasing.foreign(held)
        yield from expanded(frame, [held])


def settled(items: Sequence[object]) -> list[object]:
    """Arguments with the items of iterators in lists."""
    return [list(argument) if isinstance(argument, Stream) else argument for argument in items]


def stream(frame: Frame, node: ast.expr, items: Iterable[object]) -> Stream:
    """An iterator over ``items``; what Python raises meanwhile is the user's error.

    It is read where it was made: which items are left after a branch or a round of a loop is not known.
    """
    made_in = frame.builder

    def check(position: int) -> None:
        if position >= MOST_ELEMENTS:
            reason = f"more than {MOST_ELEMENTS} steps are too many to be written one by one"
            raise NotYetSupported(reason, remedy="write the loop with array operations")
        if frame.builder is not made_in:
            reason = "an iterator is read in a branch or a loop that it does not belong to"
            raise NotYetSupported(reason, remedy="make it there, or make a list of its items")

    def source() -> Iterator[object]:
        with frame.evaluating(node):
            yield from items

    return Stream(source(), check)
