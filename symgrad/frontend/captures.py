"""Captures: what a function finds outside of its parameters.

Numbers and arrays are read at every call, as Python does: they become inputs. Everything else is compiled in, and
the guard asks whether it is still the same object.
"""

from __future__ import annotations

import hashlib
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import numpy as np

from symgrad.errors import NotYetSupported, SourceNotAvailable
from symgrad.frontend.arguments import Arguments
from symgrad.frontend.source import locate
from symgrad.frontend.values import Closure, has_values, mapped
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.signature import Arg, ArrayArg, Capture, ContainerArg, NumberArg, OpaqueArg, StaticArg, is_handed_on

Path = tuple[str, ...]
LIBRARIES = ("numpy", "scipy", "math", "cmath", "operator", "builtins", "functools", "itertools", "typing")
MOST_ITEMS = 1000


@dataclass(frozen=True)
class Integer:
    """An integer that is read at every call, or computed from such, with its value at the compiling call."""

    sources: tuple[tuple[Path, int], ...]
    value: Value
    number: int


@dataclass
class Captures:
    """The captures of one program, each once."""

    arguments: Arguments
    taken: set[str]
    found: dict[Path, Capture] = field(default_factory=dict)
    _objects: dict[Path, object] = field(default_factory=dict)
    _paths: dict[int, tuple[Path, object]] = field(default_factory=dict)
    _integers: dict[int, Integer] = field(default_factory=dict)
    _read: dict[tuple[int, str], object] = field(default_factory=dict)
    _changed: dict[tuple[int, str], object] = field(default_factory=dict)

    def capture(self, path: Path, item: object) -> object:
        """The object at ``path`` as the reader sees it: run-time values for its numbers and arrays."""
        if path in self._objects:
            return self._objects[path]
        self._objects[path] = seen = self._seen(path, item)
        return seen

    def scratch(self, arguments: Arguments) -> Captures:
        """Captures that are thrown away, which know the same static objects."""
        return Captures(arguments, set(self.taken), _paths=dict(self._paths))

    def know(self, path: Path, item: object) -> None:
        """Remember where a static object was found, for what is found below it."""
        self._paths.setdefault(id(item), (path, item))

    def rely(self, path: Path, value: object) -> None:
        """Remember what is compiled in, and where it was found: the guard asks whether it is the same."""
        self.found.setdefault(path, Capture(path, StaticArg(value, static_text(value)), None))

    def path(self, item: object) -> Path | None:
        known = self._paths.get(id(item))
        return None if known is None else known[0]

    def integer(self, value: Value) -> int | None:
        """A captured integer as a number of the program: it is compiled in, and guarded."""
        known = self._integers.get(id(value))
        if known is None:
            return None
        for path, number in known.sources:
            self.found[(*path, "")] = Capture(path, StaticArg(number, repr(number)), None)
        return known.number

    def computed(self, value: Value, operands: Sequence[object], function: Callable[..., int]) -> None:
        """Remember a value that is computed from captured and other integers, in case it has to be known."""
        known = [self._integers.get(id(operand)) for operand in operands]
        numbers = [operand if item is None else item.number for operand, item in zip(operands, known, strict=True)]
        if any(known) and all(type(number) is int for number in numbers):
            with suppress(ArithmeticError):
                sources = tuple(source for item in known if item is not None for source in item.sources)
                self._integers[id(value)] = Integer(sources, value, function(*numbers))

    def renamed(self, old: Value, new: Value) -> None:
        """The same integer under a name."""
        if id(old) in self._integers:
            self._integers[id(new)] = replace(self._integers[id(old)], value=new)

    def specialised(self, item: object) -> object:
        """An object with the captured integers in it compiled in."""

        def change(leaf: object) -> object:
            number = self.integer(leaf) if isinstance(leaf, Value) else None
            return leaf if number is None else number

        return mapped(item, change) if has_values(item) else item

    def opaque(self, item: object, name: str, steps: Path = ()) -> Code:
        """A function that generated code calls: it is read at every call under a local name.

        ``steps`` lead from the object that is in reach to the one that is called.
        """
        path = self.path(item)
        if path is None:
            remedy = "define it as a module's global or a variable of the enclosing function"
            raise NotYetSupported(f"{name} is not reachable from the generated code", remedy=remedy)
        local = self._local(path)
        path = (*path, *steps)
        item = getattr(item, steps[1]) if steps else item
        capture = self.found.get(path)
        if capture is None or capture.local is None:
            capture = Capture(path, StaticArg(item, static_text(item)), local)
            self.found[path] = capture
        return Code(str(capture.local))

    def handed(self, path: Path, item: object) -> Code:
        """An object from outside that is only handed on: it is read at every call, and its class is known."""
        key = (*path, "handed on")
        if key not in self.found:
            self.found[key] = Capture(path, OpaqueArg(type(item)), self._local(path))
        return Code(str(self.found[key].local))

    def reads(self, holder: object, name: str = "") -> None:
        """Remember that something from outside is read when the call begins; ``name`` is a place in ``holder``."""
        self._check(self._changed, holder, name)
        self._read[id(holder), name] = holder

    def changes(self, holder: object, name: str = "") -> None:
        """Remember that something from outside is changed."""
        self._check(self._read, holder, name)
        self._changed[id(holder), name] = holder

    @contextmanager
    def unremembered(self) -> Iterator[None]:
        """What is read meanwhile is only looked at."""
        read, changed = self._read, self._changed
        self._read, self._changed = {}, {}
        try:
            yield
        finally:
            self._read, self._changed = read, changed

    def _check(self, others: dict[tuple[int, str], object], holder: object, name: str) -> None:
        keys = [(id(holder), name)]
        if isinstance(holder, dict):
            keys += [key for key in others if key[0] == id(holder) and "" in (name, key[1])]
        if any(key in others for key in keys):
            what = name or f"this {type(holder).__name__}"
            reason = f"{what} comes from outside, and is both read and changed by the function"
            raise NotYetSupported(reason, remedy="keep it in a local variable, and change what is outside at the end")

    def _seen(self, path: Path, item: object) -> object:
        if is_library(item):
            return item
        arg = argument_of(item)
        for container in _containers(item):
            self.reads(container)
        if isinstance(arg, StaticArg):
            self.know(path, item)
            self.arguments.aliasing.foreign(item)
            if not isinstance(item, types.ModuleType):
                self.found[path] = Capture(path, arg, None)
            return item
        local = self._local(path)
        self.found[path] = Capture(path, arg, local)
        seen = self.arguments.made(arg, Code(local), None, item)
        self._remember(path, seen, item)
        return seen

    def _remember(self, path: Path, seen: object, item: object) -> None:
        if isinstance(seen, Value):
            if type(item) is int:
                self._integers[id(seen)] = Integer(((path, item),), seen, item)
        elif isinstance(seen, dict) and isinstance(item, dict):
            for key, child in seen.items():
                self._remember((*path, "item", repr(key)), child, item[key])
        elif isinstance(seen, tuple | list) and isinstance(item, tuple | list):
            for position, (child, original) in enumerate(zip(seen, item, strict=True)):
                self._remember((*path, "item", repr(position)), child, original)
        elif not isinstance(seen, types.ModuleType):
            self.know(path, seen)

    def _local(self, path: Path) -> str:
        """The user's name where it is free, else a longer one."""
        parts = [part for part in path[1::2] if part.isidentifier()] or ["captured"]
        for start in range(len(parts) - 1, -1, -1):
            name = "_".join(part.strip("_") or part for part in parts[start:]) if start < len(parts) - 1 else parts[-1]
            if name not in self.taken:
                break
        else:
            stem, count = name, 1
            while f"{stem}_{count}" in self.taken:
                count += 1
            name = f"{stem}_{count}"
        self.taken.add(name)
        return name


def is_library(item: object) -> bool:
    """Whether an object is a module, or comes from a module, whose meaning the rules know."""
    return isinstance(item, types.ModuleType) and item.__name__.split(".")[0] in LIBRARIES


def from_library(function: object) -> bool:
    """Whether a function or a type belongs to such a module."""
    module = getattr(function, "__module__", None) or getattr(type(function), "__module__", "")
    root = str(module).split(".")[0]
    return root in LIBRARIES and not (root == "builtins" and isinstance(function, types.FunctionType))


def _containers(item: object, depth: int = 0) -> Iterator[object]:
    """The lists, dicts and sets in an object."""
    if isinstance(item, list | dict | set | deque):
        yield item
    if isinstance(item, list | tuple | dict) and depth < 8 and len(item) <= MOST_ITEMS:
        for child in item.values() if isinstance(item, dict) else item:
            yield from _containers(child, depth + 1)


def argument_of(item: object, depth: int = 0) -> Arg:
    """What a signature says of a captured object."""
    match item:
        case bool():
            return StaticArg(item, repr(item))
        case np.bool_() | np.number():
            return ArrayArg(item.dtype.name, (), scalar=True)
        case np.ndarray() if item.dtype.kind in "biufc":
            return ArrayArg(item.dtype.name, tuple(length == 1 for length in item.shape))
        case float() | int() | complex() if type(item) in {float, int, complex}:
            return NumberArg(type(item).__name__)
        case tuple() | list() | dict() if depth < 8 and len(item) <= MOST_ITEMS:
            return _container(item, depth)
        case _ if is_handed_on(type(item)):
            return OpaqueArg(type(item))
    return StaticArg(item, static_text(item))


def _container(item: tuple[object, ...] | list[object] | dict[object, object], depth: int) -> Arg:
    keys: Iterable[object]
    children: Iterable[object]
    if isinstance(item, dict):
        kind, keys, children = "dict", item.keys(), item.values()
    elif isinstance(item, tuple) and hasattr(item, "_fields"):
        kind, keys, children = "namedtuple", item._fields, item
    else:
        kind, keys, children = type(item).__name__, range(len(item)), item
    args = tuple(argument_of(child, depth + 1) for child in children)
    return ContainerArg(kind, type(item), tuple(keys), args)


def static_text(item: object) -> str:
    """A text that tells static values apart, also between processes."""
    match item:
        case None | bool() | str() | bytes() | types.EllipsisType() | int() | float():
            return repr(item)
        case types.FunctionType():
            return f"{item.__module__}.{item.__qualname__}:{_digest(item)}"
        case types.MethodType():
            return f"{type(item.__self__).__qualname__}.{static_text(item.__func__)}"
        case Closure():
            return item.__name__
    name = getattr(item, "__qualname__", None) or getattr(item, "__name__", None)
    owner = item if name is not None else type(item)
    return f"{getattr(owner, '__module__', None)}.{name or type(item).__qualname__}"


def _digest(function: types.FunctionType) -> str:
    try:
        source, node = locate(function)
    except SourceNotAvailable:
        text = function.__code__.co_code.hex() + repr(function.__code__.co_names)
    else:
        text = "".join(source.lines[node.lineno - 1 : node.end_lineno])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
