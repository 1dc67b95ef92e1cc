"""Aliasing: which arrays may be changed in place without anyone else seeing it.

An array that an operation has just made belongs to nobody. It may be changed in place while one variable holds it and
nothing that could be a view of it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symgrad.frontend.values import leaves
from symgrad.ir.program import Value


@dataclass
class Aliasing:
    """What is known of the arrays of one program, by identity of their values."""

    _alive: dict[int, Value] = field(default_factory=dict)
    _made: set[int] = field(default_factory=set)
    _holders: dict[int, int] = field(default_factory=dict)
    _arrays: set[int] = field(default_factory=set)

    def array(self, value: Value) -> None:
        """``value`` has no axes, but is (or may be) an array all the same: it can be changed in place."""
        self._alive[id(value)] = value
        self._arrays.add(id(value))

    def is_array(self, value: Value) -> bool:
        return bool(value.tensor.rank) or id(value) in self._arrays

    def made(self, value: Value) -> Value:
        """``value`` is new memory."""
        self._alive[id(value)] = value
        self._made.add(id(value))
        return value

    def moved(self, old: Value, new: Value) -> None:
        """``new`` is the same array under a name; nobody holds ``old``."""
        self._alive[id(new)] = new
        for known in (self._made, self._arrays):
            if id(old) in known:
                known.add(id(new))
        self._holders[id(new)] = self._holders.get(id(old), 0)

    def held(self, item: object) -> None:
        """A variable, a parameter or a container holds the arrays in ``item`` from now on."""
        for value in leaves(item):
            self._alive[id(value)] = value
            self._holders[id(value)] = self._holders.get(id(value), 0) + 1

    def shared(self, item: object) -> None:
        """A view of the arrays in ``item`` may exist from now on."""
        for value in leaves(item):
            self._alive[id(value)] = value
            self._made.discard(id(value))

    def exclusive(self, value: Value) -> bool:
        """Whether a change in place can be seen through one variable only."""
        return id(value) in self._made and self._holders.get(id(value), 0) <= 1
