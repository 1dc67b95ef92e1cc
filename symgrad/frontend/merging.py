"""Merging: what two branches leave, as what holds after both."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import sympy

from symgrad.errors import ShapeError
from symgrad.frontend.code_writer import literal
from symgrad.frontend.environment import Conflict, Contents, Missing, is_instance
from symgrad.frontend.frame import Reader
from symgrad.frontend.lifting import number
from symgrad.frontend.values import Shape, describe, is_number
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind
from symgrad.ir.program import FILL, Value
from symgrad.ir.tensor import Kind, Tensor

_serial = itertools.count()
UNSET = Missing()
"""What a branch leaves that is not meant to be read where it was taken."""


def leaf(name: str | None) -> Code:
    """The code of what a block will bind."""
    return Code(f"@{next(_serial)}", (), name)


def number_or_value(reader: Reader, item: object) -> Value | None:
    """A run-time value, or a number as one; None for anything else."""
    if isinstance(item, Value):
        return item
    if is_number(item) and not isinstance(item, complex):
        return Value(number(reader.builder, item), Code(literal(item)))
    return None


@dataclass
class Merger:
    """Collects what differs; ``outputs`` are the values of which each branch has its own."""

    reader: Reader
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    _known: dict[tuple[int, int], Any] = field(default_factory=dict)
    _alive: list[object] = field(default_factory=list)

    def merged(self, first: object, second: object, name: str | None = None) -> Any:
        """What holds where the first was left by one branch, the second by the other."""
        if first is second:
            return first
        key = id(first), id(second)
        if key not in self._known:
            self._alive += [first, second]
            self._known[key] = self._merged(first, second, name)
        return self._known[key]

    def _merged(self, first: object, second: object, name: str | None) -> object:
        if isinstance(first, Conflict) or isinstance(second, Conflict):
            return first if isinstance(first, Conflict) else second
        if isinstance(first, Missing) or isinstance(second, Missing):
            return self._partly(first, second)
        if isinstance(first, Contents) and isinstance(second, Contents):
            value = self.merged(first.value, second.value, name)
            return Contents(value) if isinstance(value, Value) else value
        values = number_or_value(self.reader, first), number_or_value(self.reader, second)
        if isinstance(first, Value) or isinstance(second, Value) or first != second or type(first) is not type(second):
            if values[0] is not None and values[1] is not None:
                return self._value(values[0], values[1], name)
        elif values[0] is not None:
            return first
        return self._container(first, second, name)

    def _partly(self, first: object, second: object) -> object:
        """What only one of the branches has set."""
        present = second if isinstance(first, Missing) else first
        if UNSET not in (first, second) or isinstance(present, Missing):
            return Conflict("this has a value in one branch only")
        return self._filled(first, second, present)

    def _filled(self, first: object, second: object, present: object) -> object:
        value = number_or_value(self.reader, present)
        if value is not None:
            zero = _zero(value)
            return self._value(zero if first is UNSET else value, zero if second is UNSET else value, None)
        if isinstance(present, tuple | list) and not isinstance(present, Shape):
            items = [self.merged(*((UNSET, item) if first is UNSET else (item, UNSET))) for item in present]
            return tuple.__new__(type(present), items) if isinstance(present, tuple) else items
        if isinstance(present, dict):
            return {
                key: self.merged(*((UNSET, item) if first is UNSET else (item, UNSET))) for key, item in present.items()
            }
        return present

    def _value(self, first: Value, second: Value, name: str | None) -> object:
        tensors = first.tensor, second.tensor
        if tensors[0].rank != tensors[1].rank:
            return Conflict("this is a number in one branch and an array in the other, or has other axes")
        if first.code == second.code and tensors[0] == tensors[1]:
            return first
        try:
            for left, right in zip(tensors[0].shape, tensors[1].shape, strict=True):
                self.reader.builder.sizes.unify(left, right)
        except ShapeError:
            return Conflict("this has another shape in each branch")
        kind = common_kind((tensors[0].kind, tensors[1].kind))
        names = [value.code.name for value in (first, second) if value.code.name is not None]
        pair = tuple(Value(_cast(value.tensor, kind), value.code) for value in (first, second))
        self.pairs.append((pair[0], pair[1]))
        output = Value(pair[0].tensor, leaf(name or (names[0] if names else None)))
        self.outputs.append(output)
        self._share(output, (first, second))
        return output

    def _share(self, output: Value, values: tuple[Value, Value]) -> None:
        aliasing = self.reader.aliasing
        if any(map(aliasing.is_array, values)):
            aliasing.array(output)
            aliasing.may_share(output, [aliasing.root(value) for value in values])

    def _container(self, first: Any, second: Any, name: str | None) -> object:
        if type(first) is type(second):
            match first:
                case tuple() | list() if len(first) == len(second) and not isinstance(first, Shape):
                    items = [self.merged(a, b, name) for a, b in zip(first, second, strict=True)]
                    return tuple.__new__(type(first), items) if isinstance(first, tuple) else items
                case dict() if list(first) == list(second):
                    return {key: self.merged(item, second[key], name) for key, item in first.items()}
                case _ if is_instance(first) and list(vars(first)) == list(vars(second)):
                    made = first.__new__(type(first))
                    for key, item in vars(first).items():
                        object.__setattr__(made, key, self.merged(item, vars(second)[key], key))
                    return made
            if not isinstance(first, tuple | list | dict) and first == second:
                return first
        return Conflict(f"this is {describe(first)} in one branch and {describe(second)} in the other")


def _cast(tensor: Tensor, kind: Kind) -> Tensor:
    return Tensor(tensor.expr, tensor.indices, kind)


def _zero(like: Value) -> Value:
    """A value of the same type that is not meant to be read."""
    return Value(Tensor(sympy.S.Zero, like.tensor.indices, like.tensor.kind), Code(FILL))
