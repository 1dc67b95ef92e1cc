"""Changes of what is outside: a list that a module keeps, a counter of an object, a global variable.

They happen once for every call, where they stand. What is changed may not be read by the function, too: what comes from
outside is read when the call begins.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import SymgradError
from symgrad.frontend.captures import Path, from_library, is_library
from symgrad.frontend.effects import effect, escaped
from symgrad.frontend.frame import Frame, assigned_names
from symgrad.frontend.operators import BINARY
from symgrad.frontend.scopes import declared_names
from symgrad.frontend.streams import settled
from symgrad.frontend.texts import Shown
from symgrad.ir.program import Opaque, Value

_LIST = frozenset({"append", "extend", "insert", "clear", "remove", "sort", "reverse"})
_DICT = frozenset({"update", "clear"})
_SET = frozenset({"add", "discard", "remove", "update", "clear"})
CHANGES: Mapping[type, frozenset[str]] = {
    list: _LIST,
    dict: _DICT,
    set: _SET,
    deque: frozenset({"append", "appendleft", "extend", "extendleft", "clear"}),
    Counter: _DICT | {"subtract"},
}
"""Methods that change a container and give nothing."""
NUMBERS = (int, float, str, tuple, list, np.number)


@dataclass(frozen=True)
class Outside:
    """An object that comes from outside, and the path that leads to it."""

    item: object
    path: Path


@dataclass(frozen=True)
class Place:
    """A place in an object from outside: a variable, an attribute, an item; ``text`` writes it after ``_0``."""

    holder: Outside
    name: str
    text: str


def found(frame: Frame, node: ast.expr) -> Outside | None:
    """What an expression of names, attributes and keys stands for, where that comes from outside."""
    match node:
        case ast.Name(name):
            return _variable(frame, name)
        case ast.Attribute(owner, name):
            holder = found(frame, owner)
            return None if holder is None else _attribute(frame, holder, name)
        case ast.Subscript(owner, ast.Constant(key)):
            holder = found(frame, owner)
            if holder is None or not isinstance(holder.item, list | dict):
                return None
            try:
                inner = holder.item[key]  # type: ignore[index]
            except (LookupError, TypeError):
                return None
            frame.reader.captures.reads(holder.item, _item_name(holder.item, key))
            return Outside(inner, (*holder.path, "item", repr(key)))
    return None


def _item_name(holder: object, key: object) -> str:
    """How an item is told from others; empty where it is not."""
    return f"[{key!r}]" if isinstance(holder, dict) and isinstance(key, str) else ""


def _variable(frame: Frame, name: str) -> Outside | None:
    inner: Frame | None = frame
    while inner is not None:
        if name in inner.variables:
            item = inner.variables[name]
            path = None if isinstance(item, Value | Opaque) else frame.reader.captures.path(item)
            return None if path is None else Outside(item, path)
        if inner.scope and name in assigned_names(inner.node):
            return None
        if inner.namespace is not None:
            return _outer_variable(inner, name)
        inner = inner.outer
    return None


def _outer_variable(frame: Frame, name: str) -> Outside | None:
    assert frame.namespace is not None
    try:
        path, item = frame.namespace.find(name)
    except (KeyError, SymgradError):
        return None
    if path is None:
        return None
    frame.reader.captures.reads(*frame.namespace.holder(name))
    return Outside(item, path)


def _attribute(frame: Frame, holder: Outside, name: str) -> Outside | None:
    held: Any = getattr(holder.item, "__dict__", {})
    if name not in held or is_library(holder.item):
        return None
    frame.reader.captures.reads(*attribute_place(holder.item, name))
    return Outside(held[name], (*holder.path, "attribute", name))


def attribute_place(owner: object, name: str) -> tuple[object, str]:
    """The place of an attribute: a module's is a global variable."""
    return (vars(owner), name) if isinstance(owner, types.ModuleType) else (owner, name)


def call_outside(frame: Frame, node: ast.Call) -> bool:
    """``HISTORY.append(x)``; whether the call is one."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _ANY:
        return False
    container = _quietly(frame, node.func.value)
    if container is None or node.func.attr not in _changes(container.item):
        return False
    captures = frame.reader.captures
    holder = found(frame, node.func.value)
    assert holder is not None
    args = settled([frame.reader.evaluate(frame, argument) for argument in node.args])
    keywords = {str(keyword.arg): frame.reader.evaluate(frame, keyword.value) for keyword in node.keywords}
    captures.changes(container.item)
    template = Shown(frame)
    owner = template.operand(captures.handed(holder.path, holder.item))
    effect(frame, f"{owner}.{node.func.attr}({template.arguments(args, keywords)})", template.operands)
    escaped(frame, (args, keywords))
    return True


_ANY = frozenset().union(*CHANGES.values())


def _changes(item: object) -> frozenset[str]:
    return next((names for kind, names in CHANGES.items() if type(item) is kind), frozenset())


def _quietly(frame: Frame, node: ast.expr) -> Outside | None:
    """What an expression stands for, without remembering that it was read."""
    captures = frame.reader.captures
    with captures.unremembered():
        return found(frame, node)


def place(frame: Frame, target: ast.expr) -> Place | None:
    """The place that an assignment changes, where that is outside."""
    match target:
        case ast.Name(name):
            return _declared(frame, name)
        case ast.Attribute(owner, name):
            holder = _quietly(frame, owner)
            if holder is None or not _is_plain(holder.item, name):
                return None
            return Place(_read(frame, owner), name, f".{name}")
        case ast.Subscript(owner, key):
            holder = _quietly(frame, owner)
            if holder is None or type(holder.item) not in {list, dict} or isinstance(key, ast.Slice):
                return None
            name = _item_name(holder.item, key.value) if isinstance(key, ast.Constant) else ""
            return Place(_read(frame, owner), name, "[{}]")
    return None


def _read(frame: Frame, node: ast.expr) -> Outside:
    holder = found(frame, node)
    assert holder is not None
    return holder


def _declared(frame: Frame, name: str) -> Place | None:
    """A variable that the function declares ``global``."""
    if not frame.scope or declared_names(frame.node).get(name) is not ast.Global or frame.namespace is None:
        return None
    path = frame.namespace.path
    if path is None:
        return None
    holder = Outside(frame.namespace.function.__globals__, (*path, "attribute", "__globals__"))
    return Place(holder, name, f'["{name}"]')


def _is_plain(owner: object, name: str) -> bool:
    """Whether setting an attribute only sets it."""
    if from_library(owner) or isinstance(owner, types.FunctionType):
        return False
    if isinstance(owner, types.ModuleType | type):
        return not isinstance(owner, type) or type(owner) is type
    setting = inspect.getattr_static(type(owner), "__setattr__")
    plain = setting is object.__setattr__ or type(owner) is types.SimpleNamespace
    described = hasattr(inspect.getattr_static(type(owner), name, None), "__set__")
    return plain and hasattr(owner, "__dict__") and not described


def assign_outside(frame: Frame, target: ast.expr, item: object, sign: str = "") -> bool:
    """``STATE["n"] = item``, ``self.calls += item``; whether the target is outside."""
    where = place(frame, target)
    if where is None:
        return False
    captures, template = frame.reader.captures, Shown(frame)
    captures.changes(*_key(where))
    owner = template.operand(captures.handed(where.holder.path, where.holder.item))
    text = where.text
    if isinstance(target, ast.Subscript):
        text = text.format(template.subscript(frame.reader.evaluate(frame, target.slice)))
    effect(frame, f"{owner}{text} {sign}= {template.place(item)}", template.operands)
    escaped(frame, item)
    return True


def _key(where: Place) -> tuple[object, str]:
    if where.text.startswith("."):
        return attribute_place(where.holder.item, where.name)
    return where.holder.item, where.name


def augment_outside(frame: Frame, node: ast.AugAssign) -> bool:
    """``target op= value`` of a number, a text or a sequence from outside; whether it is one."""
    where = place(frame, node.target)
    if where is None:
        return False
    held = _held(where, node.target)
    if not isinstance(held, NUMBERS) or (isinstance(held, list) and not isinstance(node.op, ast.Add)):
        return False
    item = frame.reader.evaluate(frame, node.value)
    if isinstance(held, list):
        frame.reader.captures.changes(held)
    return assign_outside(frame, node.target, item, BINARY[type(node.op)][0])


def _held(where: Place, target: ast.expr) -> object:
    holder: Any = where.holder.item
    if isinstance(target, ast.Attribute):
        return getattr(holder, "__dict__", {}).get(where.name)
    if isinstance(target, ast.Name):
        return holder.get(where.name)
    items = holder.values() if isinstance(holder, dict) else holder
    return next(iter(items), 0)
