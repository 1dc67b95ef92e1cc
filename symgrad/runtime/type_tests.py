"""The tests by which a guard recognises types: as few as possible, none of which raises."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np

from symgrad.ir.signature import HEAP_TYPE, HOLDERS, Arg, ArrayArg, ContainerArg, NumberArg, OpaqueArg, StaticArg
from symgrad.runtime.binding import Binding
from symgrad.runtime.names import Names

_Key = TypeVar("_Key", str, int)
_BY_REPR = (float, complex, tuple, list, dict, slice, range)
_BY_VALUE = (str, int, bytes)


@dataclass(frozen=True)
class Place:
    """A value that a guard looks at: an expression for it, its access text, its type, where its objects live."""

    name: str
    access: str
    arg: Arg
    origin: Binding


def type_tests(places: list[Place], names: Names) -> list[str]:
    """Expressions that hold if and only if each value has its type; sizes are not looked at."""
    return [
        *_array_tests(places, names),
        *_scalar_tests(places, names),
        *_number_tests(places, names),
        *(test for place in places for test in _structure_tests(place, names)),
    ]


def _array_tests(places: list[Place], names: Names) -> Iterator[str]:
    arrays = [(place.name, place.arg) for place in places if isinstance(place.arg, ArrayArg) and not place.arg.scalar]
    if not arrays:
        return
    yield _same_type([name for name, _ in arrays], names.bound("ndarray", ("ndarray",)), names)
    for dtype, members in _grouped((arg.dtype, name) for name, arg in arrays):
        wanted = [*(f"{name}.dtype" for name in members), names.bound(dtype, ("dtype", dtype))]
        # Equal dtypes can be distinct objects: in an unpickled array, for one.
        yield f"({' is '.join(wanted)} or {' == '.join(wanted)})"
    for rank, members in _grouped((arg.rank, name) for name, arg in arrays):
        yield " == ".join([*(f"{name}.ndim" for name in members), str(rank)])


def _scalar_tests(places: list[Place], names: Names) -> Iterator[str]:
    scalars = (
        (place.arg.dtype, place.name) for place in places if isinstance(place.arg, ArrayArg) and place.arg.scalar
    )
    for dtype, members in _grouped(scalars):
        yield _same_type(members, names.bound(f"{dtype}_scalar", ("scalar", dtype)), names)


def _number_tests(places: list[Place], names: Names) -> Iterator[str]:
    numbers = ((place.arg.kind, place.name) for place in places if isinstance(place.arg, NumberArg))
    for kind, members in _grouped(numbers):
        yield _same_type(members, names.builtin(kind), names)


def _same_type(values: list[str], wanted: str, names: Names) -> str:
    return " is ".join([*(f"{names.builtin('type')}({value})" for value in values), wanted])


def _grouped(pairs: Iterable[tuple[_Key, str]]) -> Iterator[tuple[_Key, list[str]]]:
    groups: dict[_Key, list[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, []).append(name)
    yield from groups.items()


def _structure_tests(place: Place, names: Names) -> Iterator[str]:
    if isinstance(place.arg, StaticArg):
        yield from static_tests(place.name, place.arg.value, place.origin, names)
    elif isinstance(place.arg, ContainerArg):
        yield from _container_tests(place, place.arg, names)
    elif isinstance(place.arg, OpaqueArg):
        kind, *where = place.origin
        origin = ("type", "value", *where) if kind == "captured" and len(where) == 1 else place.origin
        yield _same_type([place.name], names.bound(place.arg.type.__name__, origin), names)


def _container_tests(place: Place, arg: ContainerArg, names: Names) -> Iterator[str]:
    if arg.kind in ("namedtuple", "dataclass"):
        yield _same_type([place.name], names.bound(arg.type.__name__, place.origin), names)
        return
    yield _same_type([place.name], names.builtin(arg.kind), names)
    if arg.kind != "dict":
        yield f"{names.builtin('len')}({place.name}) == {len(arg.keys)}"
    elif all(type(key) is str for key in arg.keys):
        yield f"{names.builtin('tuple')}({place.name}) == {arg.keys!r}"
    else:  # 1, 1.0 and True are equal keys
        yield f"{names.builtin('repr')}([*{place.name}]) == {repr([*arg.keys])!r}"


def static_tests(name: str, value: object, origin: Binding, names: Names) -> Iterator[str]:
    """Tests for one value known while compiling: identity, or type and content for plain data."""
    if value is None or isinstance(value, bool) or value is ...:
        yield f"{name} is {value if value is not ... else names.builtin('Ellipsis')}"
    elif type(value) in _BY_VALUE:
        yield _same_type([name], names.builtin(type(value).__name__), names)
        yield f"{name} == {value!r}"
    elif type(value) in _BY_REPR:
        yield _same_type([name], names.builtin(type(value).__name__), names)
        yield f"{names.builtin('repr')}({name}) == {repr(value)!r}"
    elif isinstance(value, (np.dtype, np.generic, types.MethodType)):  # equal ones can be distinct objects
        yield _same_type([name], names.bound(_label(type(value)), ("type", *origin)), names)
        yield f"{name} == {names.bound(_label(value), origin)}"
    else:
        yield f"{name} is {names.bound(_label(value), origin)}"
        yield from _state_tests(name, value, origin, names)


def _state_tests(name: str, value: object, origin: Binding, names: Names) -> Iterator[str]:
    """Tests that an object which is still the same holds what it held, and is of the class that it was of."""
    if isinstance(value, (np.ndarray, *HOLDERS)):
        held = names.bound(f"{_label(value)}_contents", ("contents", *origin))
        yield f"{names.bound('contents', ('contents',))}({name}) == {held}"
    elif type(value).__flags__ & HEAP_TYPE and not isinstance(value, (type, Enum)):  # whose __class__ can be assigned
        yield _same_type([name], names.bound(_label(type(value)), ("type", *origin)), names)


def _label(value: object) -> str:
    name = getattr(value, "__name__", None) or type(value).__name__
    return f"{name}_expected"
