"""Signatures: what a compiled function is specialised to.

The types here name what is known of an argument before any number is seen: type, dtype, rank and which
axes have length one; for a container, its structure; for a static value, the value itself.
This module imports neither NumPy nor SymPy: a warm start reads it.
"""

from __future__ import annotations

import array
from collections import deque
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never


@dataclass(frozen=True)
class ArrayArg:
    """A NumPy array, or a NumPy scalar (``scalar=True``, then ``ones`` is empty).

    ``dtype`` is NumPy's name (``"float64"``); ``ones[k]`` says whether axis ``k`` has length one.
    """

    dtype: str
    ones: tuple[bool, ...]
    scalar: bool = False

    @property
    def rank(self) -> int:
        return len(self.ones)


@dataclass(frozen=True)
class NumberArg:
    """A Python number: ``kind`` is ``"float"``, ``"int"`` or ``"complex"``; its value is not known."""

    kind: str


@dataclass(frozen=True)
class StaticArg:
    """A value evaluated while compiling: None, bool, str, a type, a callable, a module, a slice, ...

    ``text`` tells values of different processes apart (``repr`` for data, a digest of source for functions).
    """

    value: object
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StaticArg) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True)
class ContainerArg:
    """A tuple, list, dict, namedtuple or dataclass: its type, its keys (or positions, or fields) and items."""

    kind: str  # "tuple", "list", "dict", "namedtuple", "dataclass"
    type: type
    keys: tuple[object, ...]
    items: tuple[Arg, ...]


@dataclass(frozen=True)
class OpaqueArg:
    """An object that is read at every call and only handed on, or asked for what it does: of it, the type is known."""

    type: type


Arg = ArrayArg | NumberArg | StaticArg | ContainerArg | OpaqueArg
HEAP_TYPE = 1 << 9
"""The flag of a class that is written in Python: its members, and the class of its objects, can be changed."""
HOLDERS = (
    set, frozenset, deque, bytearray, memoryview, array.array, KeysView, ValuesView, ItemsView, MappingProxyType,
)  # fmt: skip
"""Containers that are compiled in with what they hold: objects that are the same may hold something else later."""

HANDED_ON = frozenset(
    {
        ("numpy.random._generator", "Generator"),
        ("numpy.random.mtrand", "RandomState"),
        ("random", "Random"),
        ("logging", "Logger"),
        ("logging", "LoggerAdapter"),
        ("_io", "_IOBase"),
    }
)
"""Module and name of classes of such objects."""


def is_handed_on(kind: type) -> bool:
    """Whether objects of a class are opaque."""
    return any((base.__module__, base.__qualname__) in HANDED_ON for base in kind.__mro__)


def type_text(kind: type) -> str:
    """A class by name."""
    return f"{kind.__module__}.{kind.__qualname__}"


@dataclass(frozen=True)
class Signature:
    """The types of a call's arguments, bound to the parameters of the function in their order.

    A parameter ``*args`` is bound to a tuple, ``**kwargs`` to a dict; defaults are filled in.
    """

    names: tuple[str, ...]
    args: tuple[Arg, ...]

    def items(self) -> Iterator[tuple[str, Arg]]:
        return zip(self.names, self.args, strict=True)

    def leaves(self) -> Iterator[tuple[str, Arg]]:
        """Every leaf with its access text, in order: ``X``, ``params["W"]``, ``layers[0].bias``."""
        for name, arg in self.items():
            yield from leaves(name, arg)


PROGRAMS = frozenset({"evaluate", "gradients", "derivative"})
"""Transforms that give what the program computes, with the derivatives that it takes itself."""


@dataclass(frozen=True)
class Request:
    """What is asked for: a transform of a function with respect to some of its arguments.

    An integer in ``argnums`` is the position of a positional argument (it may reach into ``*args``); a name is a
    keyword-only parameter, or a whole ``*args`` or ``**kwargs``. A tuple asks for a tuple of gradients.
    ``variables`` are those inside of the function that are differentiated, and with respect to which; ``direction`` is
    the parameter along which a gradient is differentiated once more.
    """

    transform: str  # "grad", "value_and_grad", ...
    argnums: int | str | tuple[int | str, ...] = 0
    has_aux: bool = False
    variables: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    direction: str | None = None


@dataclass(frozen=True)
class Capture:
    """A value that a function finds outside of its parameters (a global, a closure cell, an attribute of one).

    ``path`` leads to it from the function: ``("globals", "lam")``, ``("closure", "k")``,
    ``("globals", "helper", "closure", "k")``, ``("globals", "config", "attribute", "scale")``; an item has its key
    as a literal, ``("globals", "sizes", "item", "0")``; ``("arguments", "f", "closure", "k")`` starts at an argument.
    A ``"method"`` is an attribute that is bound to the object that it is found on, or to its class.
    A path may end in a question: ``("globals", "config", "has", "scale")`` asks for an attribute,
    ``(..., "contains", "'key'")`` for a key; ``("globals", "helper", "function", "__code__")`` is a part of a function,
    of which the guard asks whether it is the same object.
    ``local`` is the variable under which the generated code reads it at every call; None for a value that
    is compiled in (then ``arg`` is static and the guard compares by identity or, for data, equality).
    """

    path: tuple[str, ...]
    arg: Arg
    local: str | None


@dataclass(frozen=True)
class Generated:
    """What the compiler hands to the runtime: one function, specialised to one signature.

    ``source`` is the complete text of one ``def`` (no imports, no guard), whose parameters are written as the
    user's function has them; ``imports`` are ``(module, alias)`` pairs that the text uses;
    ``conditions`` are Python expressions over the parameters and captured locals that must hold besides the
    signature (equal sizes, sizes that are not one), in the order in which they may be evaluated; ``apart`` are pairs of
    arrays, by access text, that must not share memory, because the function changes one of them in place.
    """

    name: str
    source: str
    imports: tuple[tuple[str, str], ...]
    signature: Signature
    conditions: tuple[str, ...]
    captures: tuple[Capture, ...]
    apart: tuple[tuple[str, str], ...] = ()


def literal(value: object) -> str:
    """A key as source text, strings in double quotes where they can be."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text


def member(container: ContainerArg, access: str, key: object) -> str:
    """The access text of an item: ``params["W"]``, ``pair[0]``, ``point.x``."""
    return f"{access}.{key}" if container.kind in ("namedtuple", "dataclass") else f"{access}[{literal(key)}]"


def members(access: str, container: ContainerArg) -> Iterator[tuple[str, Arg]]:
    """The items of a container with their access texts."""
    for key, item in zip(container.keys, container.items, strict=True):
        yield member(container, access, key), item


def leaves(access: str, arg: Arg) -> Iterator[tuple[str, Arg]]:
    """The leaves of an argument with their access texts, depth first."""
    if not isinstance(arg, ContainerArg):
        yield access, arg
        return
    for text, item in members(access, arg):
        yield from leaves(text, item)


def spell(arg: Arg) -> str:
    """An argument's type as text, equal for equal types in every process.

    >>> spell(ArrayArg("float64", (False, True)))
    'float64[*, 1]'
    """
    match arg:
        case ArrayArg(dtype=dtype, scalar=True):
            return dtype
        case ArrayArg(dtype=dtype, ones=ones):
            return f"{dtype}[{', '.join('1' if one else '*' for one in ones)}]"
        case NumberArg(kind=kind):
            return kind
        case StaticArg(text=text):
            return f"<{text}>"
        case OpaqueArg(type=kind):
            return type_text(kind)
        case ContainerArg():
            items = ", ".join(f"{literal(key)}: {spell(item)}" for key, item in zip(arg.keys, arg.items, strict=True))
            return f"{arg.type.__module__}.{arg.type.__qualname__}{{{items}}}"
        case _:
            assert_never(arg)


def spell_signature(signature: Signature) -> str:
    """A signature as text, one ``name: type`` for each parameter."""
    return ", ".join(f"{name}: {spell(arg)}" for name, arg in signature.items())
