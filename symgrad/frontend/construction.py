"""Construction: namedtuples, dataclasses and objects of the user's classes, made from run-time values.

An object is made without running code of its class; an ``__init__`` written in Python is read like any function.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import types
from collections.abc import Mapping, Sequence
from typing import Any

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.binding import bind
from symgrad.frontend.containers import hold
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import class_path, member, special
from symgrad.frontend.values import MADE, Method, describe, has_values, is_dataclass_instance
from symgrad.ir.program import Value

Arguments = Sequence[object]
Keywords = Mapping[str, object]


def construct(frame: Frame, node: ast.expr, made: type, args: Arguments, keywords: Keywords) -> object:
    """``made(*args, **keywords)``."""
    if issubclass(made, tuple) and hasattr(made, "_fields") and _is_generated(made.__new__):
        bound = bind(made.__name__, _parameters(made._fields), args, keywords, getattr(made, "_field_defaults", {}))
        return tuple.__new__(made, [bound[name] for name in made._fields])
    if made is types.SimpleNamespace and not args:
        return types.SimpleNamespace(**keywords, **{MADE: True})
    if isinstance(made, enum.EnumMeta) and len(args) == 1 and not has_values(args[0]) and not keywords:
        with frame.evaluating(node):
            found: object = made(args[0])
        return found
    if not _is_plain(made):
        raise _refusal(made)
    special(frame, made, class_path(frame, made), "__new__", "__init__")
    item: object = object.__new__(made)
    init = inspect.getattr_static(made, "__init__")
    if dataclasses.is_dataclass(made) and _is_generated(init):
        _fill(frame, node, item, made, args, keywords)
    elif hasattr(item, "__dict__"):
        object.__setattr__(item, MADE, True)
        _initialise(frame, node, item, init, args, keywords)
    else:
        raise NotYetSupported(f"{made.__name__} has slots only", remedy="use a dataclass")
    return item


def _refusal(made: type) -> NotYetSupported:
    remedy = "use a tuple, a dict, a dataclass, or a class with an __init__ written in Python"
    return NotYetSupported(f"making {describe(made)} {made.__name__} is not supported", remedy=remedy)


def _is_plain(made: Any) -> bool:
    """Whether an object of a class is made as ``object`` makes it."""
    called = type(made).__call__ is type.__call__
    return called and made.__new__ is object.__new__ and not inspect.isabstract(made)


def _is_generated(function: object) -> bool:
    """Whether ``namedtuple`` or ``dataclass`` has written the function."""
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == "<string>"


def _initialise(frame: Frame, node: ast.expr, item: object, init: object, args: Arguments, keywords: Keywords) -> None:
    if init is object.__init__:
        if args or keywords:
            raise ArgumentError(f"{type(item).__name__}() takes no arguments")
        return
    if not isinstance(init, types.FunctionType):
        raise _refusal(type(item))
    frame.reader.call(frame, node, member(frame, node, item, "__init__"), args, keywords)


def _fill(frame: Frame, node: ast.expr, item: object, made: Any, args: Arguments, keywords: Keywords) -> None:
    """What the ``__init__`` that ``dataclass`` writes does."""
    fields = {field.name: field for field in dataclasses.fields(made)}
    parameters = list(inspect.signature(made.__init__).parameters.values())[1:]
    if path := class_path(frame, made):
        place = (*path, "attribute", "__init__", "function", "__defaults__")
        frame.reader.captures.rely(place, made.__init__.__defaults__)
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    bound = bind(made.__name__, _signature(parameters), args, keywords, defaults)
    for name, field in fields.items():
        factory = field.default_factory
        if factory is not dataclasses.MISSING and (name not in bound or bound[name] is defaults.get(name)):
            value = frame.reader.call(frame, node, factory, (), {})
        elif name in bound:
            value = bound[name]
        elif "__slots__" in vars(made) and field.default is not dataclasses.MISSING:
            value = field.default
        else:
            continue
        object.__setattr__(item, name, hold(item, value))
    if hasattr(made, "__post_init__"):
        initial = [bound[parameter.name] for parameter in parameters if parameter.name not in fields]
        frame.reader.call(frame, node, member(frame, node, item, "__post_init__"), initial, {})


def _signature(parameters: Sequence[inspect.Parameter]) -> ast.arguments:
    named = [ast.arg(p.name) for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    others = [ast.arg(p.name) for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    return ast.arguments([], others, None, named, [], None, [])


def _parameters(names: tuple[str, ...]) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


def replaced(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``dataclasses.replace(item, **changes)``, and ``_replace`` of a namedtuple."""
    item: Any = args[0] if len(args) == 1 else None
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return construct(frame, node, type(item), (), {**dict(zip(item._fields, item, strict=True)), **keywords})
    if not is_dataclass_instance(item):
        raise ArgumentError(f"{describe(item)} is not a dataclass")
    kept = [field.name for field in dataclasses.fields(item) if field.init and field.name not in keywords]
    return construct(frame, node, type(item), (), {**{k: member(frame, node, item, k) for k in kept}, **keywords})


def as_dict(_frame: Frame, _node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``_asdict`` of a namedtuple."""
    item: Any = args[0] if len(args) == 1 and not keywords else None
    if not hasattr(item, "_fields"):
        raise NotYetSupported(f"a dict of {describe(item)} is not supported", remedy="write the dict out")
    return dict(zip(item._fields, item, strict=True))


def copied(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``copy.copy(item)``."""
    if len(args) != 1 or keywords:
        raise ArgumentError("copy takes one argument")
    match args[0]:
        case list() | dict() | set() as container:
            return container.copy()
        case Value() as array if frame.reader.aliasing.is_array(array):
            return frame.reader.call(frame, node, Method(array, "copy"), (), {})
        case Value() | tuple() | str() | int() | float() | None:
            return args[0]
    raise NotYetSupported(f"a copy of {describe(args[0])} is not supported", remedy="make a new one")
