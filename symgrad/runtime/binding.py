"""What the global names of a specialisation stand for, found again in every process."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.ir.signature import Arg, ContainerArg, OpaqueArg, Signature, StaticArg
from symgrad.runtime.identity import resolve, underlying
from symgrad.runtime.signature import describe

Binding = tuple[str | int | tuple[str, ...], ...]
"""A literal that says what a name means: ``("dtype", "float64")``, ``("argument", 2, 0)``, ``("function", ())``."""


@dataclass(frozen=True)
class Scope:
    """The live objects that bindings refer to: the user's function and the arguments' types and static values."""

    function: Callable[..., Any]
    signature: Signature

    def value(self, path: tuple[str, ...]) -> object:
        """The value at a capture's path."""
        arguments = {name: arg.value for name, arg in self.signature.items() if isinstance(arg, StaticArg)}
        return resolve(self.function, path, arguments)

    def owner(self, path: tuple[str, ...]) -> Any:
        """The user's Python function at a path (whose globals or cells are read)."""
        return underlying(self.value(path))

    def bind(self, binding: Binding) -> object:
        """The object that a name stands for."""
        match binding:
            case ("import", str(module)):
                return importlib.import_module(module)
            case ("builtin", str(name)):
                return getattr(builtins, name)
            case ("ndarray",):
                return np.ndarray
            case ("shares_memory",):
                return np.shares_memory
            case ("dtype", str(name)):
                return np.dtype(name)
            case ("scalar", str(name)):
                return np.dtype(name).type
            case ("function", tuple(path)):
                return self.owner(path)
            case ("value", tuple(path)):
                return self.value(path)
            case ("type", *origin):
                return type(self.bind(tuple(origin)))
            case ("captured", tuple(path), *indices):
                return _object(describe(self.value(path)), indices)
            case ("argument", int(index), *indices):
                return _object(self.signature.args[index], indices)
            case _:
                raise LookupError(f"unknown binding {binding!r}")


def _object(arg: Arg, indices: list[Any]) -> object:
    for index in indices:
        assert isinstance(arg, ContainerArg)
        arg = arg.items[index]
    match arg:
        case StaticArg(value=value):
            return value
        case ContainerArg(type=cls) | OpaqueArg(type=cls):
            return cls
        case _:
            raise LookupError("a binding leads to a value that is neither static nor a container")
