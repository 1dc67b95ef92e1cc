"""Members of the user's objects, classes and modules: found as Python finds them, without running their code."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.captures import Path, from_library
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.frame import Frame
from symgrad.frontend.values import (
    Bound,
    Closure,
    Growing,
    Run,
    Super,
    describe,
    has_values,
    is_dataclass_instance,
    is_made,
)
from symgrad.ir.signature import HEAP_TYPE

NAMES = frozenset({"__name__", "__qualname__", "__module__", "__doc__", "__mro__"})
_MISSING = object()


@dataclass(frozen=True)
class Reach:
    """The object on which a member is found at every call: the owner, or a class where only that is in reach.

    ``path`` is empty where neither is.
    """

    item: object
    path: Path

    def below(self, *steps: str) -> Path:
        return _below(self.path, *steps)


def reach(frame: Frame, owner: object) -> Reach:
    """Where members of ``owner`` are found at every call."""
    path = _path(frame, owner)
    return Reach(owner, path) if path else Reach(_class_of(owner), class_path(frame, owner))


def lacks(frame: Frame, owner: object, name: str) -> None:
    """Remember that an object has no such attribute."""
    holder = reach(frame, owner)
    if holder.path and inspect.getattr_static(holder.item, name, _MISSING) is _MISSING:
        frame.reader.captures.rely(holder.below("has", name), False)


def readable(item: object) -> object:
    """What a container or an object holds; refused where branches left what no value expresses."""
    if isinstance(item, Conflict):
        raise Undecided(item)
    if isinstance(item, Run | Growing):
        reason = "this list has as many items as a loop has rounds, which is not known while compiling"
        raise NotYetSupported(reason, remedy="make an array of it, for example with np.stack")
    return item


def member(frame: Frame, node: ast.expr, owner: object, name: str) -> object:
    """``owner.name``: plain data, a method, or the value of a property."""
    if name in NAMES and isinstance(owner, type | types.FunctionType | types.BuiltinFunctionType | Closure):
        return getattr(owner, name)
    if name == "__class__":
        return frame.reader.call(frame, node, type, (owner,), {})
    found = inspect.getattr_static(owner, name, _MISSING)
    if found is _MISSING:
        if inspect.getattr_static(type(owner), "__getattr__", None) is not None:
            reason = f"{describe(owner)} finds .{name} by __getattr__, which is not supported"
            raise NotYetSupported(reason, remedy="use a plain attribute")
        lacks(frame, owner, name)
        raise ArgumentError(f"{describe(owner)} has no attribute {name}")
    if isinstance(owner, enum.Enum) and name in {"name", "value"}:
        return getattr(owner, name)
    if not isinstance(owner, type) and _stored(owner).get(name, _MISSING) is found:
        return _data(frame, owner, name, readable(found), _below(_path(frame, owner), "attribute", name))
    return _bound(frame, node, owner, name, found, reach(frame, owner))


def special(frame: Frame, kind: type, path: Path, *names: str) -> None:
    """Remember what a class at ``path`` says of special methods, most of which it does not have."""
    for name in names if path and kind.__flags__ & HEAP_TYPE else ():
        found = getattr(kind, name, _MISSING)
        if found is _MISSING:
            frame.reader.captures.rely((*path, "has", name), False)
        else:
            frame.reader.captures.rely((*path, "attribute", name), found)


def inherited(frame: Frame, node: ast.expr, found: Super, name: str) -> object:
    """``super().name``."""
    order = _class_of(found.owner).__mro__
    path = class_path(frame, found.owner)
    for place in range(order.index(found.after) + 1, len(order)):
        made, below = order[place], _below(path, "attribute", "__mro__", "item", str(place))
        if name in vars(made):
            return _bound(frame, node, found.owner, name, vars(made)[name], Reach(made, below))
        if below:
            frame.reader.captures.rely((*below, "attribute", "__dict__", "contains", repr(name)), False)
    raise ArgumentError(f"no class that {describe(found.owner)} inherits from has the attribute {name}")


def _bound(frame: Frame, node: ast.expr, owner: object, name: str, found: object, holder: Reach) -> object:
    """What a class's attribute gives on ``owner``; ``holder`` is where it is found again."""
    path = holder.below("attribute", name)
    of_class = isinstance(owner, type)
    match found:
        case property() if not of_class:
            _know(frame, (*_in_class(holder, name), "attribute", "fget"), found.fget)
            return frame.reader.call(frame, node, found.fget, (owner,), {})
        case functools.cached_property() if not of_class:
            _know(frame, (*_in_class(holder, name), "attribute", "func"), found.func)
            _not_cached(frame, holder, name)
            return _cached(owner, name, frame.reader.call(frame, node, found.func, (owner,), {}))
        case staticmethod():
            return _data(frame, owner, name, found.__func__, path)
        case classmethod():
            _know_method(frame, holder, name, found.__func__)
            return Bound(found.__func__, (_class_of(owner),), {})
        case types.FunctionType() if not of_class:
            _know_method(frame, holder, name, found)
            return Bound(found, (owner,), {})
        case types.MemberDescriptorType() if not of_class:
            return _slot(frame, node, owner, name, path)
    if getattr(found, "__objclass__", None) is object and not of_class:
        return Bound(found, (owner,), {})
    return _data(frame, owner, name, found, path)


def _slot(frame: Frame, node: ast.expr, owner: object, name: str, path: Path) -> object:
    with frame.evaluating(node):
        found = getattr(owner, name)
    return _data(frame, owner, name, found, _below(_path(frame, owner), "attribute", name) or path)


def _cached(owner: object, name: str, result: object) -> object:
    if is_made(owner):
        vars(owner)[name] = result
    return result


def _in_class(holder: Reach, name: str) -> Path:
    """The path to a class's attribute, which is not asked for its value; no path without its first step."""
    steps = ("attribute", name) if isinstance(holder.item, type) else ("attribute", "__class__", "attribute", name)
    return holder.below(*steps)


def _know(frame: Frame, path: Path, function: object) -> None:
    """Remember where a function was found, and that it was this one."""
    if len(path) > len(("attribute", "fget")):
        frame.reader.captures.know(path, function)
        frame.reader.captures.rely(path, function)


def _know_method(frame: Frame, holder: Reach, name: str, function: object) -> None:
    """The same for a method: one test covers the object, its class and the classes between."""
    if holder.path:
        method = getattr(holder.item, name)
        path = holder.below("attribute" if method is function else "method", name)
        frame.reader.captures.know(path if method is function else (*path, "attribute", "__func__"), function)
        frame.reader.captures.rely(path, method)


def _not_cached(frame: Frame, holder: Reach, name: str) -> None:
    if holder.path and not isinstance(holder.item, type):
        frame.reader.captures.rely(holder.below("attribute", "__dict__", "contains", repr(name)), False)


def _data(frame: Frame, owner: object, name: str, found: object, path: Path) -> object:
    """Plain data: of an object made while reading as it is, of any other object read at every call."""
    if has_values(found) or (not _path(frame, owner) and (_is_own(owner, name) or from_library(owner))):
        return found
    if hasattr(type(found), "__get__") and not callable(found):
        raise NotYetSupported(f"the descriptor {name} is not supported", remedy="use a plain attribute")
    if path:
        frame.reader.captures.reads(*((vars(owner), name) if isinstance(owner, types.ModuleType) else (owner, name)))
        return frame.reader.captures.capture(path, found)
    if isinstance(found, np.ndarray | float | int) and not isinstance(found, bool):
        remedy = "pass the number as an argument, or make it a module's global"
        raise NotYetSupported(f"the attribute {name} cannot be read again by the generated code", remedy=remedy)
    frame.reader.aliasing.foreign(found)
    return found


def _is_own(owner: object, name: str) -> bool:
    return is_dataclass_instance(owner) or (is_made(owner) and name in _stored(owner))


def _stored(owner: object) -> Mapping[str, object]:
    found: Any = getattr(owner, "__dict__", {})
    return found if isinstance(found, Mapping) else {}


def _class_of(owner: object) -> type:
    return owner if isinstance(owner, type) else type(owner)


def _path(frame: Frame, owner: object) -> Path:
    return frame.reader.captures.path(owner) or ()


def class_path(frame: Frame, owner: object) -> Path:
    """The path to a class, or to the class of an object; empty where neither is in reach."""
    if isinstance(owner, type):
        return _path(frame, owner)
    path = _path(frame, owner)
    return _below(path, "attribute", "__class__") or _path(frame, type(owner))


def _below(path: Path, *steps: str) -> Path:
    """The path with more steps; empty where it is."""
    return (*path, *steps) if path else ()
