"""Attributes and subscripts, of arrays and of Python objects."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import types
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.captures import from_library, is_library
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.lifting import bounded, constant_array
from symgrad.frontend.members import inherited, member, readable
from symgrad.frontend.sharing import Made, flat
from symgrad.frontend.strides import of_part
from symgrad.frontend.values import (
    PI,
    Bound,
    E,
    Growing,
    Method,
    Named,
    OpaqueMethod,
    Run,
    Shape,
    Super,
    describe,
    has_values,
    leaves,
    mapped,
)
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Opaque, Value
from symgrad.ir.tensor import Expr, Tensor
from symgrad.rules.indexing import index
from symgrad.rules.methods import METHODS
from symgrad.rules.row import Algebra, Elementwise, Refused
from symgrad.rules.shapes import ravel
from symgrad.rules.stores import store

PROPERTIES = frozenset({"T", "mT", "real", "imag"})
PLAIN = (dict, list, tuple, set, frozenset, Shape)
"""Containers without attributes of a user's."""
NAMEDTUPLES: Mapping[str, object] = {"_replace": dataclasses.replace, "_asdict": dataclasses.asdict}


def attribute(frame: Frame, node: ast.Attribute, owner: object) -> object:
    """``owner.name``."""
    name = node.attr
    match owner:
        case Value():
            return _of_array(frame, node, owner, name)
        case Opaque():
            return OpaqueMethod(owner, name)
        case types.ModuleType() if is_library(owner):
            return _of_library(owner, name)
        case tuple() if name in getattr(owner, "_fields", ()):
            return getattr(owner, name)
        case dict() | list() | tuple() | set() | frozenset():
            return _of_container(frame, node, owner, name)
        case Super():
            return inherited(frame, node, owner, name)
        case str() | int() | float() | np.generic() | np.dtype() | np.finfo() | np.iinfo() | np.ufunc():
            return _static(frame, node, owner, name)
    if isinstance(owner, type) and from_library(owner):
        return _static(frame, node, owner, name)
    return member(frame, node, owner, name)


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
        case "flat":
            read = Value(ravel(frame.builder, tensor), Code("_0.ravel()", (value.code,), line=code.line))
            return flat(Made(frame, "ravel", (value,), {}, read, ravel))
    row = METHODS.get(name)
    if name in PROPERTIES and isinstance(row, Elementwise | Algebra | Refused):
        return apply(frame, node, name, row, (value,), {}, code)
    if not hasattr(np.ndarray, name):
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


def _of_container(frame: Frame, node: ast.expr, owner: object, name: str) -> object:
    kind = next(kind for kind in PLAIN if isinstance(owner, kind))
    method = getattr(kind, name, None)
    if isinstance(method, types.MethodDescriptorType):
        return Bound(method, (owner,), {})
    if name in NAMEDTUPLES and hasattr(owner, "_fields"):
        return Bound(NAMEDTUPLES[name], (owner,), {})
    if type(owner) not in PLAIN:
        return member(frame, node, owner, name)
    if not hasattr(owner, name):
        raise ArgumentError(f"{describe(owner)} has no attribute {name}")
    remedy = "use an expression, for example a comprehension"
    raise NotYetSupported(f".{name} of {describe(owner)} is not supported", remedy=remedy)


def _static(frame: Frame, node: ast.AST, owner: object, name: str) -> object:
    with frame.evaluating(node):
        return getattr(owner, name)


def subscript(frame: Frame, node: ast.expr, owner: object, key: object) -> object:
    """``owner[key]``."""
    if isinstance(owner, Value):
        return item(frame, owner, key, frame.line(node))
    if isinstance(inspect.getattr_static(type(owner), "__getitem__", None), types.FunctionType):
        return frame.reader.call(frame, node, member(frame, node, owner, "__getitem__"), (key,), {})
    if isinstance(owner, list) and any(isinstance(held, Run | Growing) for held in owner):
        return frame.reader.call(frame, node, list.__getitem__, (owner, key), {})
    key = frame.reader.captures.specialised(key)
    if has_values(key):
        raise NotYetSupported(
            f"{describe(owner)} cannot be indexed by a run-time value", remedy="use an index known while compiling"
        )
    if not isinstance(owner, tuple | list | dict | str | range):
        raise DifferentiationError(f"{describe(owner)} cannot be indexed")
    with frame.evaluating(node):
        found: object = owner[key]  # type: ignore[index, call-overload]
    if not frame.reader.aliasing.is_own(owner) and not isinstance(key, slice):
        frame.reader.aliasing.foreign(found)
    return readable(found)


def item(frame: Frame, owner: Value, key: object, line: int | None) -> Value:
    """``owner[key]`` of an array: a view, where no array of integers or truth values selects."""
    if is_python(owner.tensor.kind):
        raise ArgumentError("a Python number cannot be indexed", remedy="give an array")
    value = _read(frame, owner, key, line)
    parts = key if isinstance(key, tuple) else (key,)
    aliasing = frame.reader.aliasing
    if any(_selects(part) for part in parts) or not (value.tensor.rank or any(part is Ellipsis for part in parts)):
        return aliasing.lie(value, "C") if value.tensor.rank == 1 else value
    if aliasing.is_one_by_one(owner):
        return aliasing.lie(value, "C")
    if aliasing.layout(owner) == "C" and _is_block(parts):
        aliasing.lie(value, "C")
    fixed = mapped(key, lambda leaf: leaf.now if isinstance(leaf, Value) else leaf)

    def back(new: Value) -> Value:
        template = Template()
        template.operand(owner.code)
        text = f"_ = fresh(_0)\n_[{template.subscript(fixed)}] = {template.operand(new.code)}"
        tensor = store(frame.builder, owner.tensor, lowered(frame, fixed), new.tensor)
        return Value(frame.builder.define(tensor), replace(template.code(text, line), name=owner.code.name))

    aliasing.array(value)
    strides = aliasing.strides(owner)
    part = None if strides is None else of_part(strides, parts)
    return aliasing.view(value, owner, lambda: _read(frame, owner, fixed, line), back, part)


def _is_block(parts: tuple[object, ...]) -> bool:
    """Whether a key reads elements that lie side by side: integers, then at most one slice without a step."""
    slices = [place for place, part in enumerate(parts) if isinstance(part, slice) and part != slice(None)]
    return all(
        isinstance(part, int | Value)
        or (isinstance(part, slice) and part.step in {None, 1} and slices in ([], [place]))
        for place, part in enumerate(parts)
    ) and not any(isinstance(part, int | Value) for part in parts[slices[0] if slices else len(parts) :])


def _read(frame: Frame, owner: Value, key: object, line: int | None) -> Value:
    template = Template()
    text = f"{template.place(owner)}[{template.subscript(key)}]"
    tensor = bounded(frame.builder, index(frame.builder, owner.tensor, lowered(frame, key)))
    return Value(tensor, template.code(text, line))


def lowered(frame: Frame, key: object) -> object:
    """A key as the rules take it; lists of numbers are arrays that the generated code writes out."""
    if isinstance(key, tuple) and not isinstance(key, Shape):
        return tuple(lowered(frame, part) for part in key)
    if isinstance(key, list) and key and not leaves(key):
        array = np.array(key)
        if array.dtype.kind in "ib":
            return constant_array(frame, array, Code(f"np.array({key})")).tensor
    return mapped(key, lambda leaf: leaf.tensor if isinstance(leaf, Value) else leaf)


def _selects(part: object) -> bool:
    """Whether a part of a key is an array or a list, so that NumPy makes a copy."""
    return isinstance(part, list) or (isinstance(part, Value) and bool(part.tensor.rank))
