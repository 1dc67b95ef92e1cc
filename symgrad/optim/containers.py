"""Nested containers: their leaves in order, and a container built again from leaves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.errors import ArgumentError
from symgrad.ir.signature import Arg, ArrayArg, ContainerArg, NumberArg, StaticArg, leaves, literal, member
from symgrad.runtime.signature import describe

_Place = tuple["_Place", ContainerArg, object] | str
"""Where a value stands, spelled only when an error has to name it: the container's place and type, and the key."""


@dataclass(frozen=True)
class Layout:
    """How a value is nested, with the access text of each leaf (``params["W"]``) and what the leaf is."""

    structure: Arg
    leaves: tuple[tuple[str, Arg], ...]

    @classmethod
    def of(cls, value: object, name: str) -> Layout:
        """The layout of a value; ArgumentError for a type that the transforms do not take either."""
        structure = describe(value, name)
        return cls(structure, tuple(leaves(name, structure)))

    def flatten(self, value: Any, name: str) -> list[Any]:
        """The leaves of a value nested in the same way, in order.

        None, or a bool, in the place of a container stands for one at each of its leaves; a list or a tuple may stand
        for a list, a tuple or a namedtuple. Raises ArgumentError that tells where the value is nested in another way.
        """
        found: list[Any] = []
        _collect(self.structure, value, name, found)
        return found

    def rebuilt(self, values: Iterable[Any]) -> Any:
        """A value nested in the same way, with other leaves; dataclasses are built by their constructors."""
        return _rebuilt(self.structure, iter(values))

    def numbers(self) -> list[int]:
        """Which leaves are numbers or arrays, those of a dict by its keys sorted: however a dict was built."""
        return [k for k in _sorted(self.structure, itertools.count()) if is_number(self.leaves[k][1])]

    def with_numbers(self, numbers: Iterable[Any]) -> list[Any]:
        """All leaves, with those that ``numbers()`` tells given: the others are what they were when this was made."""
        given = dict(zip(self.numbers(), numbers, strict=True))
        statics = (arg.value if isinstance(arg, StaticArg) else None for _, arg in self.leaves)
        return [given.get(k, static) for k, static in enumerate(statics)]


def is_number(arg: Arg) -> bool:
    """Whether a leaf is a number or an array, of any dtype."""
    return isinstance(arg, NumberArg | ArrayArg)


def is_real(arg: Arg) -> bool:
    """Whether a leaf is a Python float, or an array or a NumPy scalar of floats."""
    match arg:
        case NumberArg(kind=kind):
            return kind == "float"
        case ArrayArg(dtype=dtype):
            return dtype.startswith("float")
    return False


def _sorted(structure: Arg, positions: Iterator[int]) -> list[int]:
    if not isinstance(structure, ContainerArg):
        return [next(positions)]
    found = [(key, _sorted(arg, positions)) for key, arg in zip(structure.keys, structure.items, strict=True)]
    if structure.kind == "dict":
        found.sort(key=lambda item: repr(item[0]))
    return [position for _, inner in found for position in inner]


def _collect(structure: Arg, value: Any, place: _Place, found: list[Any]) -> None:
    if not isinstance(structure, ContainerArg):
        found.append(value)
    elif value is None or isinstance(value, bool):
        found += [value for _ in leaves("", structure)]
    else:
        items = _items(structure, value, place)
        for key, arg, item in zip(structure.keys, structure.items, items, strict=True):
            _collect(arg, item, (place, structure, key), found)


def _items(structure: ContainerArg, value: Any, place: _Place) -> Sequence[Any]:
    keys = structure.keys
    match structure.kind:
        case "dict":
            if isinstance(value, dict) and len(value) == len(keys) and all(key in value for key in keys):
                return [value[key] for key in keys]
        case "dataclass":
            if type(value) is structure.type:
                return [getattr(value, str(key)) for key in keys]
        case _:
            if (
                isinstance(value, list | tuple)
                and type(value) in {list, tuple, structure.type}
                and len(value) == len(keys)
            ):
                return value
    reason = f"{_spelled(place)} is {_told(value)}, but the parameters have {_told_structure(structure)} there"
    raise ArgumentError(reason, remedy="nest it as the parameters are nested; None leaves a parameter alone")


def _spelled(place: _Place) -> str:
    if isinstance(place, str):
        return place
    outer, structure, key = place
    return member(structure, _spelled(outer), key)


def _told(value: Any) -> str:
    match value:
        case dict():
            return _told_dict(value)
        case list() | tuple():
            return f"a {type(value).__qualname__} of length {len(value)}"
    return f"a {type(value).__qualname__}"


def _told_structure(structure: ContainerArg) -> str:
    if structure.kind == "dict":
        return _told_dict(structure.keys)
    length = "" if structure.kind == "dataclass" else f" of length {len(structure.keys)}"
    return f"a {structure.type.__qualname__}{length}"


def _told_dict(keys: Iterable[object]) -> str:
    return f"a dict with the keys {', '.join(literal(key) for key in keys) or '(none)'}"


def _rebuilt(structure: Arg, values: Iterator[Any]) -> Any:
    if not isinstance(structure, ContainerArg):
        return next(values)
    items = [_rebuilt(arg, values) for arg in structure.items]
    match structure.kind:
        case "dict":
            return dict(zip(structure.keys, items, strict=True))
        case "dataclass":
            return structure.type(**{str(key): item for key, item in zip(structure.keys, items, strict=True)})
        case "namedtuple":
            return structure.type(*items)
    return structure.type(items)
