"""Import statements inside of functions."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from symgrad.errors import NotYetSupported
from symgrad.frontend.captures import is_library
from symgrad.frontend.frame import Frame


def import_modules(frame: Frame, names: Sequence[ast.alias]) -> None:
    """``import a.b as c``."""
    for alias in names:
        module = _module(alias.name)
        bound = module if alias.asname else sys.modules[alias.name.split(".")[0]]
        frame.variables[alias.asname or alias.name.split(".")[0]] = bound


def import_from(frame: Frame, node: ast.ImportFrom) -> None:
    """``from a import b``."""
    module = _module("." * node.level + (node.module or ""))
    for alias in node.names:
        if not hasattr(module, alias.name):
            raise NotYetSupported(f"{module.__name__} has no {alias.name}", remedy="import it at module level")
        frame.variables[alias.asname or alias.name] = getattr(module, alias.name)


def _module(name: str) -> ModuleType:
    """A module of NumPy's or Python's that the rules know; importing others may have effects."""
    root = sys.modules.get(name.split(".", maxsplit=1)[0])
    if root is None or not is_library(root):
        reason = f"importing {name} inside of the function is not supported"
        raise NotYetSupported(reason, remedy="import it at module level")
    return importlib.import_module(name)
