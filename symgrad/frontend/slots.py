"""Slots: what a loop carries in one cell, with parameters in place of its run-time values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.frontend.environment import Contents, Environment, Missing, is_instance
from symgrad.frontend.frame import Reader
from symgrad.frontend.merging import instance, leaf, number_or_value
from symgrad.frontend.values import Shape, describe, is_number
from symgrad.ir.builder import NAN
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_floating
from symgrad.ir.program import FILL, Value
from symgrad.ir.tensor import Kind, Tensor


class Unfixed(NotYetSupported):
    """What a loop carries has not the same type in every round."""


@dataclass(eq=False)
class Param:
    """One carried value: what a round starts with, what the first starts with, what a round leaves."""

    tensor: Tensor
    code: Code
    initial: Value
    origin: object = None
    result: Value | None = None
    left: object = None

    @property
    def kind(self) -> Kind:
        return self.tensor.kind


@dataclass
class Slots:
    """Makes slots; the same object is carried once, wherever it is held.

    ``after`` tells what arrays and containers held at the end of a round.
    """

    reader: Reader
    after: Environment
    _known: dict[tuple[int, int], Any] = field(default_factory=dict)
    _alive: list[object] = field(default_factory=list)
    _left: dict[Param, object] = field(default_factory=dict)

    def leave(self, param: Param, item: object) -> bool:
        """Whether a round leaves this in a parameter, and nothing else in another cell that the parameter is in."""
        return self._left.setdefault(param, item) is item

    def slot(self, first: object, last: object, name: str | None) -> Any:
        """What is carried of a cell that held ``first`` before the loop, and ``last`` after a round."""
        if first is last:
            return first
        if is_number(first) and is_number(last):
            return self._slot(first, last, name)
        key = id(first), id(last)
        if key not in self._known:
            self._alive += [first, last]
            self._known[key] = self._slot(first, last, name)
        return self._known[key]

    def _slot(self, first: Any, last: Any, name: str | None) -> object:
        if isinstance(last, Missing):
            raise Unfixed(f"{name or 'a value'} is deleted in a loop", remedy="leave it")
        if isinstance(last, Contents):
            held = first.value if isinstance(first, Contents) else first
            return Contents(self.slot(held, last.value, name or last.value.code.name))
        values = number_or_value(self.reader, first), self._number(last)
        if not isinstance(first, Value) and not isinstance(last, Value) and _equal(first, last):
            return last
        if values[1] is not None and (values[0] is not None or isinstance(first, Missing)):
            return (
                last
                if isinstance(first, Missing) and not isinstance(last, Value)
                else self._param(*values, first, name)
            )
        if isinstance(first, Missing) or type(first) is type(last):
            return self._container(first, last, name)
        raise Unfixed(
            f"{name or 'a value'} is {describe(first)} before this loop and {describe(last)} after a round",
            remedy="start with a value of the type that it has in the loop",
        )

    def _number(self, item: object) -> Value | None:
        value = number_or_value(self.reader, item)
        return None if value is None else self.after.value(value)

    def _container(self, first: Any, last: Any, name: str | None) -> object:
        missing = isinstance(first, Missing)
        match last:
            case tuple() if not isinstance(last, Shape) and (missing or len(first) == len(last)):
                pairs = ((first if missing else first[k], item) for k, item in enumerate(last))
                return tuple.__new__(type(last), [self.slot(a, b, name) for a, b in pairs])
            case list() if missing or len(first) == len(self.after.items(last)):
                items = enumerate(self.after.items(last))
                made = [self.slot(first if missing else first[k], item, name) for k, item in items]
                return self._entangled(made, first, last)
            case dict() if missing or list(first) == list(self.after.items(last)):
                return self._entangled(self._items(first, last, lambda _: name), first, last)
            case _ if is_instance(last) and (missing or list(vars(first)) == list(self.after.items(last))):
                held = self._items(first if missing else vars(first), last, lambda key: key)
                return self._entangled(instance(last, held), first, last)
        if missing and not isinstance(last, tuple | list | dict):
            return last
        raise Unfixed(
            f"{name or 'a container'} changes its length or its keys in this loop", remedy="fill an array by index"
        )

    def _items(self, first: Any, last: object, name: Callable[[Any], str | None]) -> dict[Any, object]:
        missing = isinstance(first, Missing)
        items = self.after.items(last).items()
        return {key: self.slot(first if missing else first[key], item, name(key)) for key, item in items}

    def _entangled(self, made: object, first: object, last: object) -> object:
        """A slot for what was one object before the loop, and another after a round."""
        for origin in (first, last):
            if not isinstance(origin, Missing):
                self.reader.aliasing.entangle(made, origin)
        return made

    def _param(self, first: Value | None, last: Value | None, origin: object, name: str | None) -> Param:
        assert last is not None
        tensor = last.tensor if first is None else first.tensor
        kind = last.tensor.kind if first is None else common_kind((first.tensor.kind, last.tensor.kind))
        if tensor.rank != last.tensor.rank:
            raise Unfixed(
                f"{name or 'a value'} is {describe(first)} of {tensor.rank} axes before this loop, and has "
                f"{last.tensor.rank} after a round",
                remedy="start with an array of the shape that it has in the loop",
            )
        fits(self.reader, tensor, last.tensor, name)
        name = name or last.code.name
        made = self.reader.builder.carried(name or "c", tensor.shape, kind)
        initial = _unset(made) if first is None else first.now
        return Param(made, leaf(name), initial, origin)


def fits(reader: Reader, first: Tensor, last: Tensor, name: str | None) -> None:
    """Make the shapes equal, or tell that they differ."""
    try:
        for left, right in zip(first.shape, last.shape, strict=True):
            reader.builder.sizes.unify(left, right)
    except ShapeError as error:
        raise Unfixed(f"the shape of {name or 'a value'} changes in this loop", remedy=error.remedy or "") from error


def _unset(like: Tensor) -> Value:
    """What nobody reads before a round has set it: not a number."""
    return Value(Tensor(NAN if is_floating(like.kind) else sympy.S.Zero, like.indices, like.kind), Code(FILL))


def _equal(first: object, last: object) -> bool:
    if type(first) is not type(last) or isinstance(first, np.ndarray | list | dict | tuple):
        return False
    return bool(first == last)


def params(slot: object) -> Iterator[Param]:
    """The parameters in a slot."""
    match slot:
        case Param():
            yield slot
        case Contents(value):
            yield from params(value)
        case tuple() | list():
            for item in slot:
                yield from params(item)
        case dict():
            yield from params(list(slot.values()))
        case _ if is_instance(slot):
            yield from params(list(vars(slot).values()))


def filled(reader: Reader, slot: Any, put: Callable[[Param], Value]) -> Any:
    """A slot with values for its parameters."""
    match slot:
        case Param():
            return put(slot)
        case Contents(value):
            return Contents(filled(reader, value, put))
        case Shape():
            return slot
        case tuple():
            return tuple.__new__(type(slot), [filled(reader, item, put) for item in slot])
        case list():
            made: object = [filled(reader, item, put) for item in slot]
        case dict():
            made = {key: filled(reader, item, put) for key, item in slot.items()}
        case _ if is_instance(slot):
            made = instance(slot, {key: filled(reader, item, put) for key, item in vars(slot).items()})
        case _:
            return slot
    reader.aliasing.entangle(made, slot)
    return made


def left(slots: Slots, slot: Any, item: Any) -> bool:
    """Tell the parameters of a slot what a round leaves; whether it is of their types."""
    items = slots.after.items
    match slot:
        case Param():
            return _left_value(slots, slot, item)
        case Contents(value):
            return isinstance(item, Contents) and left(slots, value, item.value)
        case tuple():
            same = type(slot) is type(item) and len(slot) == len(item)
            return same and _all(left(slots, a, b) for a, b in zip(slot, item, strict=True))
        case list():
            same = isinstance(item, list) and len(slot) == len(items(item))
            found = same and _all(left(slots, a, b) for a, b in zip(slot, items(item), strict=True))
        case dict():
            same = isinstance(item, dict) and list(slot) == list(items(item))
            found = same and _all(left(slots, slot[key], items(item)[key]) for key in slot)
        case _ if is_instance(slot):
            same = type(slot) is type(item) and list(vars(slot)) == list(items(item))
            found = same and _all(left(slots, held, items(item)[key]) for key, held in vars(slot).items())
        case _:
            return slot is item or _equal(slot, item)
    slots.reader.aliasing.entangle(slot, item)
    return found


def _all(found: Iterable[bool]) -> bool:
    """Whether all are true, after all were asked."""
    return False not in list(found)


def _left_value(slots: Slots, slot: Param, item: object) -> bool:
    value = number_or_value(slots.reader, item)
    if value is None or value.tensor.rank != slot.tensor.rank or not slots.leave(slot, item):
        return False
    value = slots.after.value(value)
    fits(slots.reader, slot.tensor, value.tensor, slot.code.name)
    slot.result, slot.left = value.now, item
    return common_kind((slot.kind, value.tensor.kind)) == slot.kind
