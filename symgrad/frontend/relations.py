"""Relations: arrays that may be the same one from the second round of a loop on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.environment import Cell, Environment
from symgrad.frontend.values import leaves
from symgrad.ir.program import Value

Place = tuple[Cell, int]
"""A cell, and the position of one of the values that it holds."""


@dataclass
class Relations:
    """Pairs of places that hold one array, or parts of one, at the end of a round, but not before the loop."""

    aliasing: Aliasing
    pairs: dict[tuple[Place, Place], None] = field(default_factory=dict)

    def begin(self, began: Environment) -> None:
        """A round begins: what is known of former rounds holds."""
        for first, second in self.pairs:
            values = _at(began, first), _at(began, second)
            if values[0] is not None and values[1] is not None and values[0] is not values[1]:
                self.aliasing.may_share(values[0], [values[1]])

    def end(self, began: Environment, after: Environment) -> bool:
        """A round has ended: whether it has related other arrays."""
        known, overlap = len(self.pairs), self.aliasing.overlap
        begins, ends = dict(self._places(began)), dict(self._places(after))
        both = [place for place in ends if place in begins]
        moved = {place for place in both if begins[place] is not ends[place]}
        for first, second in itertools.combinations(both, 2):
            now = (first in moved or second in moved) and overlap(ends[first], ends[second])
            if now and not overlap(begins[first], begins[second]):
                self.pairs[first, second] = None
        return len(self.pairs) > known

    def _places(self, env: Environment) -> Iterator[tuple[Place, Value]]:
        for cell, item in env.cells.items():
            if cell[1] in {"variable", "item", "attribute"}:
                for position, value in enumerate(leaves(item)):
                    if self.aliasing.is_array(value):
                        yield (cell, position), value


def _at(env: Environment, place: Place) -> Value | None:
    held = leaves(env.cells.get(place[0]))
    return held[place[1]] if place[1] < len(held) else None
