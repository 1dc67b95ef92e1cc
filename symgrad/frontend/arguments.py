"""Arguments: the parameters of a function as run-time values and static objects, from a signature."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported
from symgrad.frontend.aliasing import Aliasing
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.program import Input, Opaque, Value
from symgrad.ir.signature import Arg, ArrayArg, ContainerArg, NumberArg, OpaqueArg, StaticArg, literal
from symgrad.ir.tensor import Expr, Kind

NUMBERS: Mapping[str, type] = {"float": float, "int": int, "complex": complex}


@dataclass
class Arguments:
    """Makes the inputs of a program."""

    builder: Builder
    shapes: Mapping[str, tuple[int, ...]]
    active: Collection[str]
    aliasing: Aliasing
    inputs: list[Input] = field(default_factory=list)
    captured: set[Value] = field(default_factory=set)
    objects: dict[str, Value] = field(default_factory=dict)

    @property
    def changed(self) -> frozenset[str]:
        """The inputs, by access text, that the program has changed in place."""
        before = {source.access: source.value.code for source in self.inputs}
        return frozenset(access for access, value in self.objects.items() if value.code != before[access])

    def made(self, arg: Arg, code: Code, parameter: str | None, concrete: object = None) -> object:
        """What a parameter (or a captured variable) stands for; ``concrete`` is a captured object itself."""
        match arg:
            case StaticArg(value):
                return value
            case OpaqueArg(kind):
                return Opaque(kind, code)
            case NumberArg(name):
                leaf = self._leaf(code, (), NUMBERS[name], parameter)
                value = (concrete,) if type(concrete) is int else self._shape(access_text(code))
                if value is not None and name == "int":
                    self.builder.sizes.concrete[leaf.tensor.expr] = sympy.Integer(value[0])
                return leaf
            case ArrayArg(dtype, ones, scalar):
                access = access_text(code)
                shape = concrete.shape if isinstance(concrete, np.ndarray) else self._shape(access)
                value = self._leaf(code, self._sizes(access, ones, shape), np.dtype(dtype), parameter)
                if not ones and shape:
                    self.builder.sizes.concrete[value.tensor.expr] = sympy.Integer(shape[0])
                if not ones and not scalar:
                    self.aliasing.array(value)
                if ones and not value.tensor.free:
                    self.builder.sizes.elements.add(value.tensor.expr)
                return value
            case ContainerArg():
                return self._container(arg, code, parameter, concrete)

    def _promoted(self, kind: Kind, parameter: str | None) -> Kind:
        """Integers that are differentiated count as floats."""
        if parameter not in self.active:
            return kind
        if isinstance(kind, type):
            return float if kind is int else kind
        return np.dtype(np.float64) if kind.kind in "iu" else kind

    def _leaf(self, code: Code, shape: tuple[Expr, ...], kind: Kind, parameter: str | None) -> Value:
        access = access_text(code)
        promoted = self._promoted(kind, parameter)
        if promoted != kind:
            name = None if code.operands else code.template
            code = Code("float(_0)" if promoted is float else "_0.astype(np.float64)", (code,), name)
        value = Value(self.builder.input(access, shape, promoted), code)
        self.inputs.append(Input(access, value.now, parameter))
        self.objects[access] = value
        if parameter is None:
            self.captured.add(value)
        return value

    def _shape(self, access: str) -> tuple[int, ...] | None:
        return self.shapes.get(access)

    def _sizes(self, access: str, ones: tuple[bool, ...], shape: tuple[int, ...] | None) -> tuple[Expr, ...]:
        stem = "".join(char if char.isalnum() else "_" for char in access).rstrip("_")
        return tuple(
            sympy.S.One if one else self.builder.sizes.symbol(f"{stem}_{axis}", None if shape is None else shape[axis])
            for axis, one in enumerate(ones)
        )

    def _container(self, arg: ContainerArg, code: Code, parameter: str | None, concrete: object) -> object:
        items = []
        for position, (key, item) in enumerate(zip(arg.keys, arg.items, strict=True)):
            child = _child(concrete, position, key)
            items.append(self.made(item, _step(arg.kind, key, code), parameter, child))
        made = _assembled(arg, items)
        self.aliasing.foreign(made)
        return made


def _child(concrete: object, position: int, key: object) -> object:
    if isinstance(concrete, dict):
        return concrete[key]
    return concrete[position] if isinstance(concrete, tuple | list) else None


def _step(kind: str, key: object, code: Code) -> Code:
    """The code of one item of a container."""
    if kind in {"namedtuple", "dataclass"}:
        return Code(f"_0.{key}", (code,))
    if isinstance(key, str | int | None):
        return Code(f"_0[{literal(key)}]", (code,))
    raise NotYetSupported(f"the key {key!r} of a dict cannot be written", remedy="use strings or integers as keys")


def _assembled(arg: ContainerArg, items: list[object]) -> object:
    match arg.kind:
        case "dict":
            return dict(zip(arg.keys, items, strict=True))
        case "list":
            return items
        case "tuple":
            return tuple(items)
        case "namedtuple":
            return tuple.__new__(arg.type, items)
    made: Any = object.__new__(arg.type)
    for name, item in zip(arg.keys, items, strict=True):
        object.__setattr__(made, str(name), item)
    return made


def access_text(code: Code) -> str:
    """The Python text that reads an input."""
    text = code.template
    for position, operand in enumerate(code.operands):
        text = text.replace(f"_{position}", access_text(operand), 1)
    return text
