"""Items that are made when it is their turn: what they read may be changed by the rounds before."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symgrad.errors import NotYetSupported
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import readable
from symgrad.frontend.values import Stream
from symgrad.ir.builder import Builder


class Late(list[object]):
    """Items by their places: ``has`` tells whether there is one, ``make`` makes it."""

    def __init__(self, has: Callable[[int], bool], make: Callable[[int], object]) -> None:
        super().__init__()
        self.has, self.make = has, make

    def __len__(self) -> int:
        return next(place for place in itertools.count() if not self.has(place))

    def __getitem__(self, place: Any) -> Any:
        return self.make(place) if isinstance(place, int) else list(self)[place]

    def __iter__(self) -> Iterator[object]:
        return (self[place] for place in itertools.takewhile(self.has, itertools.count()))


def has(items: Sequence[object], place: int) -> bool:
    """Whether there is an item by now: not known of a list that has another length in each branch of a round."""
    if isinstance(items, Late):
        return items.has(place)
    if len(items) == 1 and isinstance(items, list):
        readable(items[0])
    return place < len(items)


def drawn_late(frame: Frame, node: ast.expr, stream: Stream, *, anywhere: bool) -> Late:
    """What an iterator still has to give; ``anywhere`` if nobody else reads it, so that branches may."""
    found: dict[int, tuple[object, Builder]] = {}

    def has(place: int) -> bool:
        if place in found:
            return True
        if stream.position in range(len(stream.given)):
            raise _read_again()
        try:
            with frame.at(node):
                found[place] = (stream.draw() if anywhere else next(stream)), frame.builder
        except StopIteration:
            return False
        return True

    def make(place: int) -> object:
        item, builder = found[place]
        if not frame.builder.sees(builder):
            raise _read_again()
        return readable(item)

    return Late(has, make)


def _read_again() -> NotYetSupported:
    reason = "an iterator is read again, after a round that may have left the loop"
    return NotYetSupported(reason, remedy="make a list of its items before the loop")
