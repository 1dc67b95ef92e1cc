"""Attributes and subscripts, of arrays and of Python objects."""

from __future__ import annotations

import ast
import inspect
import math
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.captures import from_library, is_library
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.lifting import bounded
from symgrad.frontend.values import (
    PI,
    Bound,
    E,
    Method,
    Named,
    Shape,
    describe,
    has_values,
    is_dataclass_instance,
    mapped,
)
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value
from symgrad.ir.tensor import Expr, Tensor
from symgrad.rules.indexing import index
from symgrad.rules.methods import METHODS
from symgrad.rules.row import Algebra, Elementwise, Refused

PROPERTIES = frozenset({"T", "mT", "real", "imag", "flat"})
READING: Mapping[type, frozenset[str]] = {
    dict: frozenset({"items", "keys", "values", "get", "copy"}),
    list: frozenset({"index", "count", "copy"}),
    tuple: frozenset({"index", "count"}),
}


def attribute(frame: Frame, node: ast.Attribute, owner: object) -> object:
    """``owner.name``."""
    name = node.attr
    match owner:
        case Value():
            return _of_array(frame, node, owner, name)
        case types.ModuleType() if is_library(owner):
            return _of_library(owner, name)
        case tuple() if name in getattr(owner, "_fields", ()):
            return getattr(owner, name)
        case dict() | list() | tuple():
            return _of_container(owner, name)
        case str() | int() | float() | np.generic() | np.dtype() | np.finfo() | np.iinfo():
            return _static(frame, node, owner, name)
    if isinstance(owner, type) and from_library(owner):
        return _static(frame, node, owner, name)
    return _of_object(frame, node, owner, name)


def _of_array(frame: Frame, node: ast.Attribute, value: Value, name: str) -> object:
    tensor = value.tensor
    if is_python(tensor.kind) and name != "real":
        raise ArgumentError(f"a Python number has no attribute {name}", remedy="give an array")
    code = Code(f"_0.{name}", (value.code,), line=frame.line(node))
    match name:
        case "shape":
            sizes = [
                size(frame, length, Code(f"_0[{axis}]", (code,), line=code.line))
                for axis, length in enumerate(tensor.shape)
            ]
            return Shape.of(sizes, code)
        case "size":
            return size(frame, sympy.Mul(*tensor.shape), code)
        case "ndim":
            return tensor.rank
        case "dtype":
            return np.dtype(tensor.kind)
    row = METHODS.get(name)
    if name in PROPERTIES and isinstance(row, Elementwise | Algebra | Refused):
        return apply(frame, node, name, row, (value,), {}, code)
    if row is None and not hasattr(np.ndarray, name):
        raise ArgumentError(f"an array has no attribute {name}")
    if row is None and not callable(getattr(np.ndarray, name)):
        raise unknown(f"the attribute .{name} of an array")
    return Method(value, name)


def size(frame: Frame, length: Expr, code: Code) -> object:
    """The length of an axis: a number where it is known while compiling."""
    known = frame.builder.sizes.find(length)
    return int(known) if known.is_Integer else Value(Tensor(length, (), int), code)


def _of_library(module: types.ModuleType, name: str) -> object:
    try:
        item = getattr(module, name)
    except AttributeError:
        raise ArgumentError(f"module {module.__name__} has no attribute {name}") from None
    alias = "math" if module is math else "np"
    if name in {"pi", "e"} and isinstance(item, float):
        known = PI if name == "pi" else E
        return Named.of(known, f"{alias}.{name}", known.expr)
    if name == "tau" and module is math:
        return Named.of(item, "math.tau", 2 * sympy.pi)
    return item


def _of_container(owner: dict[object, object] | list[object] | tuple[object, ...], name: str) -> object:
    allowed = READING[dict if isinstance(owner, dict) else list if isinstance(owner, list) else tuple]
    if name not in allowed:
        if not hasattr(owner, name):
            raise ArgumentError(f"{describe(owner)} has no attribute {name}")
        raise NotYetSupported(
            f".{name} of {describe(owner)} is not supported: it may change the container",
            remedy="build a new container, for example with a comprehension",
        )
    return getattr(tuple(owner) if isinstance(owner, Shape) else owner, name)


def _static(frame: Frame, node: ast.AST, owner: object, name: str) -> object:
    with frame.evaluating(node):
        return getattr(owner, name)


def _of_object(frame: Frame, node: ast.expr, owner: object, name: str) -> object:
    """An attribute of an object or module of the user's: plain data, a method, or a property."""
    found = inspect.getattr_static(owner, name, _MISSING)
    if found is _MISSING:
        raise ArgumentError(f"{describe(owner)} has no attribute {name}")
    match found:
        case property():
            return frame.reader.call(frame, node, found.fget, (owner,), {})
        case staticmethod():
            return _reached(frame, owner, name, found.__func__)
        case classmethod():
            return Bound(found.__func__, (owner if isinstance(owner, type) else type(owner),), {})
        case types.FunctionType() if not isinstance(owner, type | types.ModuleType) and name not in _own(owner):
            frame.reader.captures.know((*_path(frame, owner), "attribute", name, "attribute", "__func__"), found)
            return Bound(found, (owner,), {})
        case types.MemberDescriptorType():
            found = getattr(owner, name)
    if has_values(found) or (_path(frame, owner) == () and (is_dataclass_instance(owner) or from_library(owner))):
        return found
    if hasattr(type(found), "__get__") and not callable(found):
        raise NotYetSupported(f"the descriptor {name} is not supported", remedy="use a plain attribute")
    return _reached(frame, owner, name, found)


def _own(owner: object) -> Any:
    return getattr(owner, "__dict__", {})


def _path(frame: Frame, owner: object) -> tuple[str, ...]:
    return frame.reader.captures.path(owner) or ()


def _reached(frame: Frame, owner: object, name: str, found: object) -> object:
    path = _path(frame, owner)
    if path:
        return frame.reader.captures.capture((*path, "attribute", name), found)
    if isinstance(found, np.ndarray | float | int) and not isinstance(found, bool):
        remedy = "pass the number as an argument, or make it a module's global"
        raise NotYetSupported(f"the attribute {name} cannot be read again by the generated code", remedy=remedy)
    return found


_MISSING = object()


def subscript(frame: Frame, node: ast.expr, owner: object, key: object) -> object:
    """``owner[key]``."""
    if isinstance(owner, Value):
        return item(frame, owner, key, frame.line(node))
    key = frame.reader.captures.specialised(key)
    if has_values(key):
        raise NotYetSupported(
            f"{describe(owner)} cannot be indexed by a run-time value", remedy="use an index known while compiling"
        )
    if not isinstance(owner, tuple | list | dict | str | range):
        raise DifferentiationError(f"{describe(owner)} cannot be indexed")
    with frame.evaluating(node):
        return owner[key]  # type: ignore[index, call-overload]


def item(frame: Frame, owner: Value, key: object, line: int | None) -> Value:
    """``owner[key]`` of an array."""
    if is_python(owner.tensor.kind):
        raise ArgumentError("a Python number cannot be indexed", remedy="give an array")
    lowered = mapped(key, lambda leaf: leaf.tensor if isinstance(leaf, Value) else leaf)
    template = Template()
    text = f"{template.place(owner)}[{template.subscript(key)}]"
    tensor = bounded(frame.builder, index(frame.builder, owner.tensor, lowered))
    value = Value(tensor, template.code(text, line))
    parts = key if isinstance(key, tuple) else (key,)
    if tensor.rank or any(part is Ellipsis for part in parts):
        frame.reader.aliasing.shared(owner)
        if not tensor.rank:
            frame.reader.aliasing.array(value)
        return value
    return frame.reader.aliasing.made(value)
