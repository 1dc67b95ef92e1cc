"""Aliasing: what else changes when an array is changed in place.

One array of the user's is one ``Value``: all variables and containers that hold it hold the same one. A *view* knows
the array whose memory it reads, how it is read again after that changed, and how what is written into the view gets
there. Where it is not known whether two arrays share memory, a change of either is refused while the other is alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from symgrad.errors import DifferentiationError, NotYetSupported
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.strides import Strides, own
from symgrad.frontend.values import leaves
from symgrad.ir.code import Code
from symgrad.ir.program import SERIALS, Value
from symgrad.ir.tensor import Tensor

Again = Callable[[], Value]
Back = Callable[[Value], Value]


@dataclass(frozen=True)
class View:
    """``again`` reads the view from its base; ``back`` gives the base with the view's contents (None: read-only).

    ``strides`` are those in the array itself, None where they are not known.
    """

    base: Value
    again: Again
    back: Back | None
    strides: Strides | None


@dataclass
class Aliasing:
    """What is known of the arrays of one program."""

    _arrays: weakref.WeakSet[Value] = field(default_factory=weakref.WeakSet)
    _views: weakref.WeakKeyDictionary[Value, View] = field(default_factory=weakref.WeakKeyDictionary)
    _memories: weakref.WeakKeyDictionary[Value, frozenset[int]] = field(default_factory=weakref.WeakKeyDictionary)
    _released: weakref.WeakSet[Value] = field(default_factory=weakref.WeakSet)
    _layouts: weakref.WeakKeyDictionary[Value, str] = field(default_factory=weakref.WeakKeyDictionary)
    _flat: weakref.WeakSet[Value] = field(default_factory=weakref.WeakSet)
    _divided: weakref.WeakKeyDictionary[Value, Conflict] = field(default_factory=weakref.WeakKeyDictionary)
    _frozen: weakref.WeakKeyDictionary[Value, str] = field(default_factory=weakref.WeakKeyDictionary)

    def array(self, value: Value) -> Value:
        """``value`` has no axes, but is (or may be) an array all the same: it can be changed in place."""
        self._arrays.add(value)
        return value

    def is_array(self, value: Value) -> bool:
        """Whether a value is an array, and no number."""
        return bool(value.tensor.rank) or value in self._arrays

    def view(self, value: Value, base: Value, again: Again, back: Back | None, strides: Strides | None = None) -> Value:
        """``value`` reads the memory of ``base``."""
        self._views[value] = View(base, again, back, strides)
        return value

    def strides(self, value: Value) -> Strides | None:
        """How the elements of an array lie in the one whose memory it reads; None where that is not known."""
        return self._views[value].strides if value in self._views else own(value.tensor.rank)

    def is_view(self, value: Value) -> bool:
        """Whether a value is known to read the memory of another one."""
        return value in self._views

    def may_share(self, value: Value, operands: object) -> Value:
        """Whether ``value`` reads memory of the arrays in ``operands`` is not known."""
        others = [other for other in leaves(operands) if self.is_array(other) and other is not value]
        if others:
            own = self.root(value)
            self._memories[own] = self.memory(own).union(*map(self.memory, others))
        return value

    def divide(self, value: Value, conflict: Conflict) -> None:
        """Which array ``value`` is depends on a branch."""
        self._divided[value] = conflict

    def memory(self, value: Value) -> frozenset[int]:
        """The pieces of memory that a value may read; equal numbers are the same piece."""
        root = self.root(value)
        if root not in self._memories:
            self._memories[root] = frozenset({next(SERIALS)})
        return self._memories[root]

    def overlap(self, first: Value, second: Value) -> bool:
        """Whether two arrays may read the same memory."""
        return first is second or bool(self.memory(first) & self.memory(second))

    @property
    def moment(self) -> int:
        """Now, for ``release``."""
        return next(SERIALS)

    def release(self, moment: int) -> None:
        """What was made since a moment, by statements that were read to their end, is there only while a variable
        holds it.
        """
        known = (*self._views, *self._memories)
        self._released.update(value for value in known if value.serial > moment)

    def start(self, value: Value) -> None:
        """A value stands for what a round of a loop starts with: it is there only while a variable holds it."""
        self._released.add(value)

    def is_released(self, value: Value) -> bool:
        """Whether a value is there only while a variable holds it."""
        return value in self._released

    def lie(self, value: Value, layout: str) -> Value:
        """The elements of a new array lie row by row (``"C"``) or column by column (``"F"``)."""
        self._layouts[value] = layout
        return value

    def one_by_one(self, value: Value) -> Value:
        """An iterator over elements: parts of it are copies."""
        self._flat.add(value)
        return value

    def is_one_by_one(self, value: Value) -> bool:
        """Whether a value is such an iterator."""
        return value in self._flat

    def layout(self, value: Value) -> str | None:
        """How the elements of an array lie in memory; None where that is not known."""
        return self._layouts.get(value)

    def freeze(self, value: Value, reason: str) -> None:
        """An array that cannot be changed by the derivative."""
        self._frozen[value] = reason

    def is_alone(self, value: Value) -> bool:
        """Whether no other array is known to share memory with one, or may do so."""
        return self.group(value) == [value] and not self._others(value, [value]) and value not in self._views

    def root(self, value: Value) -> Value:
        """The array whose memory a value reads in the end."""
        while value in self._views:
            value = self._views[value].base
        return value

    def bases(self, value: Value) -> Iterator[Value]:
        """The arrays whose memory a view reads, the nearest first."""
        while value in self._views:
            value = self._views[value].base
            yield value

    def group(self, root: Value) -> list[Value]:
        """An array and all its views, bases first."""
        found = [root]
        for value, view in sorted(self._views.items(), key=lambda item: self._depth(item[0])):
            if view.base in found:
                found.append(value)
        return found

    def _depth(self, value: Value) -> int:
        depth = 0
        while value in self._views:
            value, depth = self._views[value].base, depth + 1
        return depth

    def change(self, value: Value, tensor: Tensor, code: Code, is_reached: Callable[[Value], bool]) -> None:
        """The array ``value`` has new contents, and so has everything that shares its memory."""
        group = self.group(self.root(value))
        self._check(group, is_reached)
        new = Value(tensor, code)
        place = value
        while place in self._views:
            view = self._views[place]
            if view.back is None:
                raise DifferentiationError(
                    "this changes an array through a view that cannot be written into",
                    remedy="change the array itself, by an index, or a copy",
                )
            place.become(new.tensor, new.code)
            new = view.back(new)
            place = view.base
        place.become(new.tensor, new.code)
        for other in group[1:]:
            again = self._views[other].again()
            other.become(again.tensor, again.code)

    def _check(self, group: list[Value], is_reached: Callable[[Value], bool]) -> None:
        for member in group:
            if member in self._frozen:
                raise NotYetSupported(self._frozen[member], remedy="change a copy of it")
        others = [other for other in self._others(group[0], group) if self._is_alive(other, is_reached)]
        if others:
            conflicts = [self._divided[value] for value in (*group, *others) if value in self._divided]
            if conflicts:
                raise Undecided(conflicts[0])
            names = [other.code.name for other in others if other.code.name is not None]
            other = f" ({names[0]})" if names else ""
            raise DifferentiationError(
                f"this changes an array in place whose memory another one{other} may share",
                remedy="make a copy before it is changed: x = x.copy()",
            )

    def _is_alive(self, value: Value, is_reached: Callable[[Value], bool]) -> bool:
        """Whether an array, or a view of it, may be read later."""
        return any(member not in self._released or is_reached(member) for member in self.group(value))

    def _others(self, root: Value, group: list[Value]) -> list[Value]:
        """Arrays that may share memory with a group, in a way that is not known."""
        own = self.memory(root)
        return [value for value, memory in list(self._memories.items()) if value not in group and memory & own]

    def is_own(self, container: object) -> bool:
        """Whether a container belongs to the function, so that it may change it."""
        return id(container) not in self._foreign

    def foreign(self, container: object) -> None:
        """A container that comes from outside."""
        self._foreign[id(container)] = container

    def entangle(self, made: object, origin: object, conflict: Conflict | None = None) -> None:
        """``made`` is ``origin`` for some run-time values: no change of one of them can be told of the other."""
        if conflict is not None:
            self._entanglers[id(made)] = conflict
        self._entangled.setdefault(id(made), [made]).append(origin)
        self._entangled.setdefault(id(origin), [origin]).append(made)

    def entangled(self, container: object) -> list[object]:
        """The containers that may be the same object as one, for some run-time values."""
        found: list[object] = []
        pending = [container]
        while pending:
            item = pending.pop()
            if not any(item is other for other in found):
                found.append(item)
                pending += self._entangled.get(id(item), ())
        return found[1:]

    def entangler(self, containers: Iterable[object]) -> Conflict | None:
        """The branch by which containers may be the same."""
        return next((self._entanglers[id(item)] for item in containers if id(item) in self._entanglers), None)

    _foreign: dict[int, object] = field(default_factory=dict)
    _entangled: dict[int, list[object]] = field(default_factory=dict)
    _entanglers: dict[int, Conflict] = field(default_factory=dict)
