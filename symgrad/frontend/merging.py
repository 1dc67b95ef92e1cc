"""Merging: what two branches leave, as what holds after both."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from symgrad.errors import ShapeError
from symgrad.frontend.code_writer import literal
from symgrad.frontend.environment import Conflict, Contents, Division, Environment, Missing, is_instance
from symgrad.frontend.frame import Reader
from symgrad.frontend.lifting import number
from symgrad.frontend.values import Shape, describe, is_number
from symgrad.ir.builder import NAN
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_floating
from symgrad.ir.program import FILL, Value
from symgrad.ir.tensor import Expr, Kind, Tensor

_serial = itertools.count()
ZERO, ONE = sympy.S.Zero, sympy.S.One
UNSET = Missing()
"""What a branch leaves that is not meant to be read where it was taken."""


def leaf(name: str | None) -> Code:
    """The code of what a block will bind."""
    return Code(f"@{next(_serial)}", (), name)


def negated(reader: Reader, condition: Value) -> Value:
    """``not condition``."""
    tensor = reader.builder.define(Tensor(1 - condition.tensor.expr, (), bool), "c")
    return Value(tensor, Code("not _0", (condition.code,)))


def number_or_value(reader: Reader, item: object) -> Value | None:
    """A run-time value, or a number as one; None for anything else."""
    if isinstance(item, Value):
        return item
    if is_number(item) and not isinstance(item, complex):
        return Value(number(reader.builder, item), Code(literal(item)))
    return None


@dataclass
class Merger:
    """Collects what differs; ``outputs`` are the values of which each branch has its own.

    ``sides`` tell what arrays and containers held at the end of each branch.
    """

    reader: Reader
    condition: Value
    sides: tuple[Environment, Environment]
    division: Division
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    _known: dict[tuple[int, int], Any] = field(default_factory=dict)
    _alive: list[object] = field(default_factory=list)

    def resized(self) -> Conflict:
        """What a list holds that has grown in one branch only."""
        return self._conflict("this list has another length in each branch")

    def _conflict(self, reason: str) -> Conflict:
        found = Conflict(reason, self.division)
        self.reader.conflicts.append(found)
        return found

    def merged(self, first: object, second: object, name: str | None = None) -> Any:
        """What holds where the first was left by one branch, the second by the other."""
        if first is second:
            return first
        key = id(first), id(second)
        if key not in self._known:
            self._alive += [first, second]
            self._known[key] = self._merged(first, second, name)
        return self._known[key]

    def variable(self, first: object, second: object, name: str | None) -> Any:
        """What a variable holds, which one of the branches may have left unset: not a number there."""
        partial = self.reader.partial
        unset = isinstance(first, Missing), isinstance(second, Missing)
        origin, side = (second, 1) if unset[0] else (first, 0)
        present = self._number(origin, side) if isinstance(origin, Value) and self._is_alone(origin, side) else None
        if unset[0] != unset[1] and present is not None and is_floating(present.tensor.kind):
            pair = (present, _filler(present, NAN)) if side == 0 else (_filler(present, NAN), present)
            made = self._value(*pair, name, (first, second))
        else:
            made = self.merged(first, second, name)
        if isinstance(made, Value) and (any(unset) or not partial.isdisjoint(_values(first, second))):
            partial.add(made)
        return made

    def _is_alone(self, value: Value, side: int) -> bool:
        """Whether one cell only holds what is no array, or one that shares its memory with no other."""
        aliasing = self.reader.aliasing
        if not aliasing.is_array(value):
            return True
        return aliasing.is_alone(value) and sum(held is value for held in self.sides[side].cells.values()) <= 1

    def _are_alone(self, handles: tuple[object, object]) -> bool:
        """Whether what both branches leave alike is no view of anything, so that it cannot change later."""
        return all(self._is_alone(item, side) for side, item in enumerate(handles) if isinstance(item, Value))

    def _merged(self, first: object, second: object, name: str | None) -> object:
        if isinstance(first, Conflict) or isinstance(second, Conflict):
            return self._conflict((first if isinstance(first, Conflict) else second).reason)  # type: ignore[attr-defined]
        if isinstance(first, Missing) or isinstance(second, Missing):
            return self._partly(first, second)
        if isinstance(first, Contents) and isinstance(second, Contents):
            value = self.merged(first.value, second.value, name)
            return Contents(value) if isinstance(value, Value) else value
        values = self._number(first, 0), self._number(second, 1)
        if isinstance(first, Value) or isinstance(second, Value) or first != second or type(first) is not type(second):
            if values[0] is not None and values[1] is not None:
                return self._value(values[0], values[1], name, (first, second))
        elif values[0] is not None:
            return first
        return self._container(first, second, name)

    def _number(self, item: object, side: int) -> Value | None:
        """A number or an array as it was at the end of a branch."""
        value = number_or_value(self.reader, item)
        return None if value is None else self.sides[side].value(value)

    def _partly(self, first: object, second: object) -> object:
        """What only one of the branches has set."""
        present = second if isinstance(first, Missing) else first
        if UNSET not in (first, second) or isinstance(present, Missing):
            return self._conflict("this has a value in one branch only")
        return self._filled(first, second, present)

    def _filled(self, first: object, second: object, present: object) -> object:
        side = 1 if first is UNSET else 0
        value = self._number(present, side)
        if value is not None:
            pair = (value, _filler(value, sympy.S.Zero)) if side == 0 else (_filler(value, sympy.S.Zero), value)
            return self._value(*pair, None, (first, second))

        def filled(item: object) -> object:
            return self.merged(item, UNSET) if side == 0 else self.merged(UNSET, item)

        match present:
            case Shape():
                return present
            case tuple():
                return tuple.__new__(type(present), list(map(filled, present)))
            case list():
                return self._entangled([filled(item) for item in self.sides[side].items(present)], present)
            case dict():
                items = {key: filled(item) for key, item in self.sides[side].items(present).items()}
                return self._entangled(items, present)
        return present

    def _value(self, first: Value, second: Value, name: str | None, handles: tuple[object, object]) -> object:
        """What is ``first`` or ``second``: the arrays ``handles`` as they were at the ends of the branches."""
        tensors = first.tensor, second.tensor
        if tensors[0].rank != tensors[1].rank:
            return self._conflict("this is a number in one branch and an array in the other, or has other axes")
        if first.code == second.code and tensors[0] == tensors[1] and self._are_alone(handles):
            return first
        try:
            for left, right in zip(tensors[0].shape, tensors[1].shape, strict=True):
                self.reader.builder.sizes.unify(left, right)
        except ShapeError:
            return self._conflict("this has another shape in each branch")
        truths = tensors[0].expr, tensors[1].expr
        if first.tensor.kind is bool and second.tensor.kind is bool and truths in {(ONE, ZERO), (ZERO, ONE)}:
            return self.condition if truths == (ONE, ZERO) else negated(self.reader, self.condition)
        kind = common_kind((tensors[0].kind, tensors[1].kind))
        names = [value.code.name for value in (first, second) if value.code.name is not None]
        pair = tuple(Value(_cast(value.tensor, kind), value.code) for value in (first, second))
        self.pairs.append((pair[0], pair[1]))
        output = Value(pair[0].tensor, leaf(name or (names[0] if names else None)))
        self.outputs.append(output)
        self._share(output, [handle for handle in handles if isinstance(handle, Value)])
        return output

    def _share(self, output: Value, values: Sequence[Value]) -> None:
        aliasing = self.reader.aliasing
        if any(map(aliasing.is_array, values)):
            aliasing.array(output)
            aliasing.may_share(output, [aliasing.root(value) for value in values])
            aliasing.divide(output, self._conflict("whether this shares memory with another array depends on a branch"))

    def _container(self, first: Any, second: Any, name: str | None) -> object:
        if type(first) is type(second):
            match first:
                case tuple() if len(first) == len(second) and not isinstance(first, Shape):
                    items = [self.merged(a, b, name) for a, b in zip(first, second, strict=True)]
                    return tuple.__new__(type(first), items)
                case list() | dict():
                    made = self._contents(first, second, name)
                    if made is not None:
                        return self._entangled(made, first, second)
                case _ if is_instance(first):
                    held = self._contents(first, second, name)
                    if held is not None:
                        return self._entangled(instance(first, held), first, second)
            if not isinstance(first, tuple | list | dict) and first == second:
                return first
        return self._conflict(f"this is {describe(first)} in one branch and {describe(second)} in the other")

    def _contents(self, first: object, second: object, name: str | None) -> Any:
        """The items of lists of one length, or of dicts or objects with the same keys; None if they are not alike."""
        one, other = self.sides[0].items(first), self.sides[1].items(second)
        if isinstance(first, list) and len(one) == len(other):
            return [self.merged(a, b, name) for a, b in zip(one, other, strict=True)]
        if isinstance(first, list) or list(one) != list(other):
            return None
        is_dict = isinstance(first, dict)
        return {key: self.merged(item, other[key], name if is_dict else key) for key, item in one.items()}

    def _entangled(self, made: object, *origins: object) -> object:
        """What is one of the ``origins``: a change of either would have to change the other."""
        conflict = self._conflict("whether this is another container, too, depends on a branch")
        for origin in origins:
            self.reader.aliasing.entangle(made, origin, conflict)
        return made


def instance(like: object, held: Mapping[str, object]) -> object:
    """An object of a class with these attributes."""
    made = type(like).__new__(type(like))
    for key, item in held.items():
        object.__setattr__(made, key, item)
    return made


def _values(*items: object) -> set[Value]:
    return {item for item in items if isinstance(item, Value)}


def _cast(tensor: Tensor, kind: Kind) -> Tensor:
    return Tensor(tensor.expr, tensor.indices, kind)


def _filler(like: Value, expr: Expr) -> Value:
    """A value of the same type that is not meant to be read."""
    return Value(Tensor(expr, like.tensor.indices, like.tensor.kind), Code(FILL))
