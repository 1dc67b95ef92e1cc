"""Python's own functions on run-time values and static objects."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.attributes import attribute, size
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.truth import elements
from symgrad.frontend.values import Closure, Method, Named, Shape, has_values
from symgrad.ir.code import Code
from symgrad.ir.kinds import sample
from symgrad.ir.program import Value
from symgrad.rules.row import Algebra, Elementwise, Refused
from symgrad.rules.table import lookup

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Handler = Callable[[Frame, ast.expr, Arguments, Keywords], object]

EFFECTS: Mapping[Any, str] = {
    print: "print outside of the function, or inside of a custom_gradient",
    input: "pass the text as an argument",
    open: "read the file outside of the function",
    exec: "write the code out",
    eval: "write the expression out",
    setattr: "make a new object",
    delattr: "make a new object",
    next: "use a list",
    iter: "use a list",
    globals: "name the variable",
    locals: "name the variable",
    vars: "name the attribute",
}


def plain(function: Callable[..., object]) -> Handler:
    """A function that is evaluated on containers and static objects, but takes no run-time value itself."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        args = [frame.reader.captures.specialised(argument) for argument in args]
        if any(isinstance(argument, Value | Method) for argument in (*args, *keywords.values())):
            raise NotYetSupported(
                f"{function.__name__} of a run-time value is not supported yet", remedy="use a function of NumPy"
            )
        with frame.evaluating(node):
            return function(*args, **keywords)

    return handler


def listed(function: Callable[..., Any]) -> Handler:
    """A function that makes an iterator over containers."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        found = [elements(frame, argument) if _is_iterable(argument) else argument for argument in args]
        with frame.evaluating(node):
            return list(function(*found, **keywords))

    return handler


def _is_iterable(item: object) -> bool:
    return isinstance(item, Value) and bool(item.tensor.rank)


def computed(function: Callable[..., object]) -> Handler:
    """A function with a row; on static numbers it is evaluated."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if not has_values((tuple(args), dict(keywords))):
            with frame.evaluating(node):
                return function(*args, **keywords)
        template = Template()
        name = function.__name__
        code = template.code(f"{name}({template.arguments(args, keywords)})", frame.line(node))
        row = lookup(function)
        if isinstance(row, Elementwise | Algebra | Refused):
            return apply(frame, node, name, row, args, keywords, code)
        raise unknown(name)

    return handler


def _len(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or not isinstance(args[0], Value):
        return plain(len)(frame, node, args, keywords)
    tensor = args[0].tensor
    if not tensor.rank:
        raise ArgumentError("a number has no len()")
    return size(frame, tensor.shape[0], Code("len(_0)", (args[0].code,), line=frame.line(node)))


def _isinstance(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) == 2:
        args = (_sample(frame, args[0]), args[1])
    return plain(isinstance)(frame, node, args, keywords)


def _type(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    return plain(type)(frame, node, [_sample(frame, argument) for argument in args], keywords)


def _sample(frame: Frame, item: object) -> object:
    """An object of the type that a run-time value has."""
    if not isinstance(item, Value):
        return types_of_python(item)
    if not item.tensor.rank and frame.reader.aliasing.is_array(item):
        return np.ones(())
    return sample(item.tensor.kind, item.tensor.rank)


def types_of_python(item: object) -> object:
    """Objects of the reader's own types as Python's."""
    if isinstance(item, Shape):
        return tuple(item)
    return float(item) if isinstance(item, Named) else item


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


def _map(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) < 2 or keywords:
        raise ArgumentError("map takes a function and iterables")
    rows = zip(*(elements(frame, argument) for argument in args[1:]), strict=False)
    return [frame.reader.call(frame, node, args[0], row, {}) for row in rows]


def _reduce(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) not in {2, 3} or keywords:
        raise ArgumentError("reduce takes a function, an iterable and a first value")
    items = [*args[2:], *elements(frame, args[1])]
    return functools.reduce(lambda left, right: frame.reader.call(frame, node, args[0], (left, right), {}), items)


def _callable(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) == 1 and isinstance(args[0], Closure | Method):
        return True
    return plain(callable)(frame, node, args, keywords)


COMPUTED: tuple[Callable[..., Any], ...] = (
    abs, bool, complex, divmod, float, int, max, min, pow, round, sum,
)  # fmt: skip
BUILTINS: Mapping[Any, Handler] = {
    len: _len,
    isinstance: _isinstance,
    type: _type,
    getattr: _getattr,
    hasattr: _hasattr,
    map: _map,
    callable: _callable,
    functools.reduce: _reduce,
    **{function: computed(function) for function in COMPUTED},
    **{function: listed(function) for function in (zip, enumerate, reversed, list)},
    **{function: plain(function) for function in (range, sorted, dict, set, frozenset, slice, str, repr, any, all)},
    **{function: plain(function) for function in (issubclass, ord, chr, hash, id, format, bytes)},
    tuple: lambda frame, node, args, keywords: tuple(listed(list)(frame, node, args, keywords)),  # type: ignore[arg-type]
}
