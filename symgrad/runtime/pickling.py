"""Functions in pickles: by name where a name leads to them, else by value (lambdas, closures, a notebook's)."""

from __future__ import annotations

import builtins
import importlib
import linecache
import marshal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from symgrad.errors import SymgradError
from symgrad.ir.functions import DERIVATIVE, mark
from symgrad.runtime.identity import digest, source_lines

Tagged = tuple[str, Any]
"""A value as ("plain", value), ("module", name), ("name", (module, qualname)) or ("function", index)."""


@dataclass(frozen=True)
class Parts:
    """A function by value; the globals are only those that its code names."""

    code: bytes
    name: str
    qualname: str
    module: str
    defaults: Tagged
    kwdefaults: Tagged
    cells: tuple[Tagged | None, ...]
    names: dict[str, Tagged]
    attributes: dict[str, Tagged]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Frozen:
    """A function and the functions that it needs, ready to be pickled."""

    root: Tagged
    functions: tuple[Parts, ...]
    python: tuple[int, int]


def freeze(function: Callable[..., Any]) -> Frozen:
    """What a pickle holds of a function."""
    writer = _Freezer()
    root = writer.tagged(function)
    return Frozen(root, tuple(parts for parts in writer.functions if parts is not None), sys.version_info[:2])


class _Freezer:
    def __init__(self) -> None:
        self.functions: list[Parts | None] = []
        self._indices: dict[int, int] = {}

    def tagged(self, value: object) -> Tagged:
        if isinstance(value, ModuleType):
            return "module", value.__name__
        if not isinstance(value, FunctionType):
            return "plain", value
        if _named(value.__module__, value.__qualname__) is value:
            return "plain", value  # the pickler knows: pickle goes by name, cloudpickle by value where it must
        if value.__module__ != "__main__" and _is_decorated(value):
            return "name", (value.__module__, value.__qualname__)
        return "function", self._by_value(value)

    def _by_value(self, function: FunctionType) -> int:
        if (index := self._indices.get(id(function))) is not None:
            return index
        self._indices[id(function)] = index = len(self.functions)
        self.functions.append(None)
        self.functions[index] = self._parts(function)
        return index

    def _parts(self, function: FunctionType) -> Parts:
        code = function.__code__
        names = {name: function.__globals__[name] for name in _global_names(code) if name in function.__globals__}
        return Parts(
            marshal.dumps(code),
            function.__name__,
            function.__qualname__,
            function.__module__,
            self.tagged(function.__defaults__),
            self.tagged(function.__kwdefaults__),
            tuple(self._cell(cell) for cell in function.__closure__ or ()),
            {name: self.tagged(value) for name, value in names.items()},
            {name: self.tagged(value) for name, value in vars(function).items()},
            tuple(source_lines(function)),
        )

    def _cell(self, cell: CellType) -> Tagged | None:
        try:
            return self.tagged(cell.cell_contents)
        except ValueError:  # an empty cell
            return None


def _is_decorated(function: FunctionType) -> bool:
    """Whether a function's name leads to a derivative of it."""
    found = _named(function.__module__, function.__qualname__)
    while (derivative := mark(found, DERIVATIVE)) is not None:
        found = derivative.function
    return found is function


def _named(module: str | None, qualname: str) -> Any:
    found: Any = sys.modules.get(module or "")
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def thaw(frozen: Frozen) -> Any:
    """The function again."""
    if frozen.functions and frozen.python != sys.version_info[:2]:
        version = ".".join(str(part) for part in frozen.python)
        reason = f"the pickled derivative holds a function by value, written by Python {version}"
        raise SymgradError(reason, remedy="put the function into a module, or use the same Python")
    reader = _Thawer(frozen.functions)
    return reader.value(frozen.root)


class _Thawer:
    def __init__(self, parts: tuple[Parts, ...]) -> None:
        self._functions = [_empty_function(item) for item in parts]
        for function, item in zip(self._functions, parts, strict=True):
            self._fill(function, item)

    def value(self, tagged: Tagged) -> Any:
        kind, value = tagged
        match kind:
            case "module":
                return importlib.import_module(value)
            case "name":
                return _function_named(*value)
            case "function":
                return self._functions[value]
            case _:
                return value

    def _fill(self, function: FunctionType, parts: Parts) -> None:
        function.__defaults__ = self.value(parts.defaults)
        function.__kwdefaults__ = self.value(parts.kwdefaults)
        for cell, tagged in zip(function.__closure__ or (), parts.cells, strict=True):
            if tagged is not None:
                cell.cell_contents = self.value(tagged)
        function.__globals__.update({name: self.value(tagged) for name, tagged in parts.names.items()})
        vars(function).update({name: self.value(tagged) for name, tagged in parts.attributes.items()})


def _function_named(module: str, qualname: str) -> Any:
    importlib.import_module(module)
    found = _named(module, qualname)
    while (derivative := mark(found, DERIVATIVE)) is not None:
        found = derivative.function
    return found


def _empty_function(parts: Parts) -> FunctionType:
    code = _with_source(marshal.loads(parts.code), parts.lines)
    cells = tuple(CellType() for _ in parts.cells)
    names = {"__builtins__": builtins, "__name__": parts.module}
    function = FunctionType(code, names, parts.name, None, cells)
    function.__qualname__ = parts.qualname
    return function


def _with_source(code: CodeType, lines: tuple[str, ...]) -> CodeType:
    """Makes a function's source available under its file's name, or another where that has other text."""
    start = code.co_firstlineno - 1
    present = linecache.getlines(code.co_filename)[start : start + len(lines)]
    if not lines or present == list(lines):
        return code
    filename = f"<pickled {digest(''.join(lines))[:12]} {code.co_filename}>"
    padded = ["\n"] * start + list(lines)
    linecache.cache[filename] = (sum(map(len, padded)), None, padded, filename)
    return code.replace(co_filename=filename)
