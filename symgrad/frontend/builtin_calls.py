"""Python's own functions on run-time values and static objects."""

from __future__ import annotations

import ast
import copy
import inspect
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.attributes import size
from symgrad.frontend.code_writer import Template
from symgrad.frontend.comprehensions import gathered, total, unread
from symgrad.frontend.container_methods import METHODS
from symgrad.frontend.containers import merged, static_key
from symgrad.frontend.copies import copying
from symgrad.frontend.frame import Frame
from symgrad.frontend.iterators import ITERATORS
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.members import member, readable
from symgrad.frontend.opaque import HAPPENING
from symgrad.frontend.operators import binary, comparison
from symgrad.frontend.reflection import REFLECTION, types_of_python
from symgrad.frontend.runs import length, summands
from symgrad.frontend.selection import extremum, quantified, sorted_list
from symgrad.frontend.streams import drawn, settled
from symgrad.frontend.texts import converted
from symgrad.frontend.values import Run, Shape, children, has_runs, has_values, is_number
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Algebra, Elementwise, Refused
from symgrad.rules.table import lookup

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Handler = Callable[[Frame, ast.expr, Arguments, Keywords], object]

EFFECTS: Mapping[Any, str] = {
    input: "pass the text as an argument",
    open: "read the file outside of the function",
    exec: "write the code out",
    eval: "write the expression out",
    globals: "name the variable",
    locals: "name the variable",
    vars: "name the attribute",
}


def plain(function: Callable[..., object]) -> Handler:
    """A function that is evaluated on what is known while compiling."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        found = [frame.reader.captures.specialised(argument) for argument in settled(args)]
        if has_values(tuple(found)) or has_values(dict(keywords)):
            raise NotYetSupported(
                f"{function.__name__} of a run-time value is not supported yet", remedy="use a function of NumPy"
            )
        with frame.evaluating(node):
            return function(*map(types_of_python, found), **keywords)

    return handler


def computed(function: Callable[..., Any]) -> Handler:
    """A function with a row; on static numbers it is evaluated."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if not has_values((tuple(args), dict(keywords))):
            with frame.evaluating(node):
                return function(*args, **keywords)
        name, row = function.__name__, lookup(function)
        if not isinstance(row, Elementwise | Algebra | Refused):
            raise unknown(name)
        result = apply(frame, node, name, row, args, keywords, _written(frame, node, name, args, keywords))
        if isinstance(result, Value) and result.tensor.kind is int and not keywords:
            frame.reader.captures.computed(result, args, function)
        return result

    return handler


def _written(frame: Frame, node: ast.expr, name: str, args: Arguments, keywords: Keywords) -> Code:
    template = Template()
    return template.code(f"{name}({template.arguments(args, keywords)})", frame.line(node))


def _sum(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``sum(iterable, start=0)``: of numbers and arrays as one step, of lists one after the other."""
    if len(args) not in {1, 2} or not keywords.keys() <= {"start"}:
        raise ArgumentError("sum takes an iterable and the argument start")
    start = args[1] if len(args) == 2 else keywords.get("start", 0)
    generated = unread(args[0])
    found = args[0] if generated is None else total(*generated, start)
    if generated is not None and not isinstance(found, list):
        return found
    if isinstance(found, list) and any(isinstance(held, Run) for held in found):
        found = summands(frame, found, node)
    if isinstance(found, Value):
        return computed(sum)(frame, node, (found, *args[1:]), keywords)
    items = found if isinstance(found, tuple) else list(drawn(frame, found))
    if all(isinstance(item, Value) or is_number(item) for item in (start, *items)):
        return computed(sum)(frame, node, (items, *args[1:]), keywords)
    for item in items:
        start = binary(frame, node, ast.Add, start, item)
    return start


def _bool(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or not isinstance(args[0], Value) or args[0].tensor.rank:
        return plain(bool)(frame, node, args, keywords)
    result = comparison(frame, node, ast.NotEq, args[0], 0)
    assert isinstance(result, Value)
    return Value(Tensor(result.tensor.expr, (), bool), _written(frame, node, "bool", args, keywords))


def _len(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or keywords:
        raise ArgumentError("len takes one argument")
    (item,) = args
    if isinstance(item, list) and has_runs(item):
        return length(frame, item, frame.line(node))
    if isinstance(item, Value):
        if not item.tensor.rank:
            raise ArgumentError("a number has no len()")
        return size(frame, item.tensor.shape[0], Code("len(_0)", (item.code,), line=frame.line(node)))
    if isinstance(inspect.getattr_static(type(item), "__len__", None), types.FunctionType):
        return frame.reader.call(frame, node, member(frame, node, item, "__len__"), (), {})
    for child in children(item):
        readable(child)
    with frame.evaluating(node):
        return len(item)  # type: ignore[arg-type]


def _list(frame: Frame, _: ast.expr, args: Arguments, keywords: Keywords) -> list[object]:
    if len(args) > 1 or keywords:
        raise ArgumentError("list takes one iterable")
    found = [gathered(argument) for argument in args]
    if found and isinstance(found[0], list) and has_runs(found[0]):
        return list(found[0])
    return [item for argument in found for item in drawn(frame, argument)]


def _tuple(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    return args[0] if len(args) == 1 and type(args[0]) in {tuple, Shape} else tuple(_list(frame, node, args, keywords))


def _dict(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) > 1:
        raise ArgumentError("dict takes one dict, or pairs")
    made: dict[object, object] = {}
    for other in (*args, dict(keywords)):
        made.update(merged(frame, node, made, other))
    return made


def _set(function: Callable[..., object]) -> Handler:
    """``set`` and ``frozenset``, of what is known while compiling."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        items = [static_key(frame, item, "an element") for argument in args for item in drawn(frame, argument)]
        with frame.evaluating(node):
            return function(items, **keywords)

    return handler


def _slice(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    with frame.evaluating(node):
        return slice(*args, **keywords)


def _changing_identity(*_: object) -> object:
    raise NotYetSupported("an id or hash is another one in every process", remedy="use a key of your own")


def _ignored(*_: object) -> object:
    """A call that changes nothing of what is computed."""
    return None


BUILTINS: Mapping[Any, Handler] = {
    **HAPPENING,
    **REFLECTION,
    **METHODS,
    **ITERATORS,
    **{function: computed(function) for function in (abs, complex, divmod, float, int, pow, round)},
    **{function: plain(function) for function in (range, ord, chr, bytes)},
    **{function: converted(function) for function in (str, repr, format, ascii)},
    **{function: extremum(function, computed(function)) for function in (max, min)},
    **{function: quantified(function) for function in (any, all)},
    **dict.fromkeys((id, hash), _changing_identity),
    **dict.fromkeys((warnings.simplefilter, warnings.filterwarnings, warnings.resetwarnings), _ignored),
    copy.copy: copying(deep=False),
    copy.deepcopy: copying(deep=True),
    sorted: sorted_list,
    sum: _sum,
    bool: _bool,
    len: _len,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set(set),
    frozenset: _set(frozenset),
    slice: _slice,
}
"""Handlers by function."""
