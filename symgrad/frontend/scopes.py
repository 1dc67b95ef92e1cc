"""Scopes: which frame owns a variable, and how it is deleted."""

from __future__ import annotations

import ast
from functools import lru_cache

from symgrad.errors import ArgumentError, NotYetSupported, UnsupportedSyntax
from symgrad.frontend.containers import delete_attribute, delete_item
from symgrad.frontend.frame import Frame, assigned_names
from symgrad.frontend.source import FunctionNode, parameter_names
from symgrad.frontend.values import describe
from symgrad.ir.program import Value

Declaration = ast.Global | ast.Nonlocal


@lru_cache(maxsize=1024)
def declared_names(node: FunctionNode) -> dict[str, type[Declaration]]:
    """The names that a function declares ``global`` or ``nonlocal``."""
    found: dict[str, type[Declaration]] = {}
    pending: list[ast.AST] = [] if isinstance(node, ast.Lambda) else list(node.body)
    while pending:
        child = pending.pop()
        if isinstance(child, ast.Global | ast.Nonlocal):
            found.update(dict.fromkeys(child.names, type(child)))
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(child))
    return found


def owner_frame(frame: Frame, name: str) -> Frame:
    """The frame whose variable an assignment to ``name`` in ``frame`` sets."""
    kind = declared_names(frame.node).get(name) if frame.scope else None
    if kind is None:
        return frame
    if kind is ast.Global:
        reason = f"changing the global variable {name} is not supported"
        raise NotYetSupported(reason, remedy="return the value, or keep it in a local variable")
    outer = frame.outer
    while outer is not None:
        if outer.scope and name in (*assigned_names(outer.node), *parameter_names(outer.node.args)):
            return outer
        outer = outer.outer
    reason = f"changing {name}, a variable of a function that has already returned, is not supported"
    raise NotYetSupported(reason, remedy="return the value, or define the inner function inside of this one")


def delete(frame: Frame, target: ast.expr) -> None:
    """``del target``."""
    match target:
        case ast.Name(name):
            owner = owner_frame(frame, name)
            if name not in owner.variables:
                raise ArgumentError(f"the variable {name} is deleted before it has a value", span=frame.span(target))
            del owner.variables[name]
        case ast.Tuple(targets) | ast.List(targets):
            for inner in targets:
                delete(frame, inner)
        case ast.Subscript(container, key):
            with frame.at(target):
                found = frame.reader.evaluate(frame, container)
                delete_item(frame, target, _container(found), frame.reader.evaluate(frame, key))
        case ast.Attribute(owned, attr):
            with frame.at(target):
                delete_attribute(frame, target, frame.reader.evaluate(frame, owned), attr)
        case _:
            raise UnsupportedSyntax(f"{type(target).__name__} cannot be deleted", span=frame.span(target))


def _container(item: object) -> object:
    if isinstance(item, Value):
        raise ArgumentError(f"elements of {describe(item)} cannot be deleted", remedy="use np.delete")
    return item
