"""Functions that ask what an object is, or reach its members by name: ``type``, ``getattr``, ``super``."""

from __future__ import annotations

import ast
import copy
import dataclasses
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.attributes import attribute, subscript
from symgrad.frontend.construction import as_dict, copied, replaced
from symgrad.frontend.containers import delete_attribute, put_attribute, set_attribute
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import class_path, lacks
from symgrad.frontend.values import Bound, Closure, Method, Named, Shape, Super
from symgrad.ir.kinds import sample
from symgrad.ir.program import Value

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Handler = Callable[[Frame, ast.expr, Arguments, Keywords], object]


def asking(function: Callable[..., object]) -> Handler:
    """A function that asks for the type of its first argument."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        with frame.evaluating(node):
            return function(*(sample_of(frame, argument) for argument in args[:1]), *args[1:], **keywords)

    return handler


def sample_of(frame: Frame, item: object) -> object:
    """An object of the type that ``item`` has at run time."""
    if not isinstance(item, Value):
        return types_of_python(item)
    if not item.tensor.rank and frame.reader.aliasing.is_array(item):
        return np.ones(())
    return sample(item.tensor.kind, item.tensor.rank)


def types_of_python(item: object) -> object:
    """Objects of the reader's own types as Python's."""
    match item:
        case Shape():
            return tuple(item)
        case Named():
            return float(item)
        case Closure():
            return types_of_python
        case Method():
            return np.ones(1).sum
        case Bound():
            return types.MethodType(types_of_python, item)
    return item


def _type(frame: Frame, _: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or keywords:
        raise NotYetSupported("making a class is not supported", remedy="write it as a class statement")
    found = type(sample_of(frame, args[0]))
    path = class_path(frame, args[0])
    if path:
        frame.reader.captures.know(path, found)
    return found


def _super(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``super()``, ``super(Class, self)``."""
    if len(args) == 2 and isinstance(args[0], type) and not keywords:
        return Super(args[0], args[1])
    inner: Frame | None = frame
    while inner is not None and not inner.scope:
        inner = inner.outer
    namespace = None if inner is None else inner.namespace
    if args or keywords or inner is None or namespace is None or isinstance(inner.node, ast.Lambda):
        raise NotYetSupported("super is not supported here", remedy="use it in the method itself")
    first = [*inner.node.args.posonlyargs, *inner.node.args.args]
    with frame.evaluating(node):
        made: Any = namespace.find("__class__")[1]
        return Super(made, inner.variables[first[0].arg])


def _getattr(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) not in {2, 3} or not isinstance(args[1], str) or keywords:
        raise ArgumentError("getattr takes an object and the name of an attribute")
    place = ast.copy_location(ast.Attribute(node, args[1], ast.Load()), node)
    try:
        return attribute(frame, place, args[0])
    except ArgumentError:
        if len(args) == 3:
            return args[2]
        raise


def _hasattr(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    missing = object()
    return _getattr(frame, node, (*args, missing), keywords) is not missing


def setting(store: Callable[[Frame, ast.expr, object, str, object], None]) -> Handler:
    """``setattr`` and ``object.__setattr__``."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if len(args) != 3 or not isinstance(args[1], str) or keywords:
            raise ArgumentError("setattr takes an object, the name of an attribute, and a value")
        store(frame, node, args[0], args[1], args[2])
        return None

    return handler


def _delattr(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 2 or not isinstance(args[1], str) or keywords:
        raise ArgumentError("delattr takes an object and the name of an attribute")
    delete_attribute(frame, node, args[0], args[1])
    return None


def _plain_init(_frame: Frame, _node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``object.__init__(self)``."""
    if len(args) != 1 or keywords:
        raise ArgumentError("object.__init__() takes exactly one argument")
    return None


def _callable(frame: Frame, _node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or keywords:
        raise ArgumentError("callable takes one argument")
    found = isinstance(args[0], Closure | Method | Bound) or callable(args[0])
    if not found:
        lacks(frame, args[0], "__call__")
    return found


def getter(read: Callable[[Frame, ast.expr, object, Any], object]) -> tuple[Callable[..., object], Handler, Handler]:
    """A marker for what ``operator.itemgetter(...)`` makes, the handler that makes it, and the one that calls it."""

    def marker() -> None:
        """Stands for the function."""

    def make(_frame: Frame, _node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if not args or keywords:
            raise ArgumentError("a getter takes at least one name")
        return Bound(marker, (tuple(args),), {})

    def use(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if len(args) != 2 or keywords:
            raise ArgumentError("a getter is called with one object")
        names, owner = args
        assert isinstance(names, tuple)
        found = [read(frame, node, owner, name) for name in names]
        return found[0] if len(found) == 1 else tuple(found)

    return marker, make, use


def _path_read(frame: Frame, node: ast.expr, owner: object, name: str) -> object:
    for part in name.split("."):
        owner = _getattr(frame, node, (owner, part), {})
    return owner


_ITEMS, _MAKE_ITEMS, _READ_ITEMS = getter(subscript)
_NAMES, _MAKE_NAMES, _READ_NAMES = getter(_path_read)
REFLECTION: Mapping[Any, Handler] = {
    type: _type,
    **{function: asking(function) for function in (isinstance, issubclass)},
    **{function: asking(function) for function in (dataclasses.fields, dataclasses.is_dataclass)},
    callable: _callable,
    super: _super,
    getattr: _getattr,
    hasattr: _hasattr,
    setattr: setting(set_attribute),
    object.__setattr__: setting(put_attribute),
    delattr: _delattr,
    object.__init__: _plain_init,
    dataclasses.replace: replaced,
    dataclasses.asdict: as_dict,
    copy.copy: copied,
    operator.itemgetter: _MAKE_ITEMS,
    operator.attrgetter: _MAKE_NAMES,
    _ITEMS: _READ_ITEMS,
    _NAMES: _READ_NAMES,
}
"""Handlers by function."""
