"""What the global names of a specialisation stand for, found again in every process."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.ir.signature import Arg, ContainerArg, OpaqueArg, Signature, StaticArg, is_handed_on
from symgrad.runtime.identity import contents, resolve, underlying

Binding = tuple[str | int | tuple[str, ...], ...]
"""A literal that says what a name means: ``("dtype", "float64")``, ``("argument", 2, 0)``, ``("function", ())``."""

_OWN: dict[str, object] = {"ndarray": np.ndarray, "shares_memory": np.shares_memory, "contents": contents}


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
            case (str(name),):
                return _OWN[name]
            case ("dtype", str(name)):
                return np.dtype(name)
            case ("scalar", str(name)):
                return np.dtype(name).type
            case ("function", tuple(path)):
                return self.owner(path)
            case ("value", tuple(path)):
                return self.value(path)
            case ("contents", *origin):
                return contents(self.bind(tuple(origin)))
            case ("type", *origin):
                return type(self.bind(tuple(origin)))
            case ("captured", tuple(path), *indices):
                return _captured(self.value(path), indices)
            case ("argument", int(index), *indices):
                return _object(self.signature.args[index], indices)
            case _:
                raise LookupError(f"unknown binding {binding!r}")


def _captured(value: Any, indices: list[Any]) -> object:
    """An object in a captured container; of a container, and of what is only handed on, the class."""
    for index in indices:
        value = [*value.values()][index] if isinstance(value, dict) else value[index]
    return type(value) if isinstance(value, (tuple, list, dict)) or is_handed_on(type(value)) else value


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
