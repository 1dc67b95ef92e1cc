"""Order and choice: ``sorted``, ``max``, ``min``, ``any`` and ``all``, on keys that are known while compiling."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.code_writer import Template
from symgrad.frontend.comprehensions import gathered
from symgrad.frontend.environment import changes, environment
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.operators import binary
from symgrad.frontend.runs import arrayed
from symgrad.frontend.truth import elements, truth
from symgrad.frontend.values import has_values
from symgrad.ir.program import Value
from symgrad.ir.tensor import BOOLEAN, Tensor
from symgrad.rules.row import Algebra
from symgrad.rules.table import lookup

Handler = Callable[[Frame, ast.expr, Sequence[object], Mapping[str, object]], object]


def ordered(frame: Frame, node: ast.expr, items: Sequence[object], keywords: Mapping[str, object]) -> list[object]:
    """The items as ``sorted(items, key=..., reverse=...)`` orders them."""
    if not keywords.keys() <= {"key", "reverse"}:
        raise ArgumentError("sorting takes the arguments key and reverse")
    keys = _keys(frame, node, items, keywords.get("key"), "np.sort, or np.argsort")
    reverse: Any = frame.reader.captures.specialised(keywords.get("reverse", False))
    with frame.evaluating(node):
        return [items[place] for place in sorted(range(len(items)), key=lambda k: keys[k], reverse=reverse)]


def _keys(frame: Frame, node: ast.expr, items: Sequence[object], key: object, instead: str) -> list[Any]:
    """What the items are compared by."""
    found: list[Any] = []
    for item in items:
        made = item if key is None else frame.reader.call(frame, node, key, (item,), {})
        made = frame.reader.captures.specialised(made)
        if has_values(made):
            reason = "the order of run-time values is not known while compiling"
            raise NotYetSupported(reason, remedy=f"use {instead}, or a key that does not depend on them")
        found.append(made)
    return found


def sorted_list(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
    """``sorted(iterable, key=None, reverse=False)``."""
    if len(args) != 1:
        raise ArgumentError("sorted takes one iterable")
    return ordered(frame, node, elements(frame, args[0]), keywords)


def extremum(function: Callable[..., Any], computed: Handler) -> Handler:
    """``max`` and ``min``; ``computed`` takes over for numbers that are compared at run time."""

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        if not args or not keywords.keys() <= {"key", "default"}:
            raise ArgumentError(f"{function.__name__} takes an iterable or numbers, and the arguments key and default")
        if len(args) == 1 and "key" not in keywords:
            args = [arrayed(frame, gathered(args[0]), node)]
        if len(args) == 1 and isinstance(args[0], Value) and "key" not in keywords:
            return computed(frame, node, args, {})
        items = elements(frame, args[0]) if len(args) == 1 else list(args)
        if not items and "default" in keywords:
            return keywords["default"]
        if keywords.get("key") is None and any(isinstance(item, Value) for item in items):
            listed = args[0] if isinstance(args[0], list | tuple) else items
            return computed(frame, node, (listed,) if len(args) == 1 else args, {})
        keys = _keys(frame, node, items, keywords.get("key"), f"np.{function.__name__}, or np.argmax and np.take")
        with frame.evaluating(node):
            return items[function(range(len(items)), key=lambda place: keys[place])]

    return handler


def quantified(function: Callable[..., bool]) -> Handler:
    """``any`` and ``all``: conditions at run time are joined, the others decide while compiling."""
    stop = function is any

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        if len(args) != 1 or keywords:
            raise ArgumentError(f"{function.__name__} takes one iterable")
        before = environment(frame.reader)
        found = arrayed(frame, gathered(args[0]), node)
        items = [] if isinstance(found, Value) else elements(frame, found)
        cells = changes(before, environment(frame.reader))
        if any(kind != "position" and not str(name).startswith("@") for _, kind, name in cells):
            reason = f"{function.__name__} stops at the first item that decides, and items change what others read"
            raise NotYetSupported(reason, remedy="write a loop with break")
        if isinstance(found, Value):
            return _of_array(frame, node, function.__name__, found)
        conditions: list[Value] = []
        for item in items:
            if isinstance(item, Value) and not item.tensor.rank and item.tensor.kind in BOOLEAN:
                conditions.append(item)
            elif truth(frame, node, item) == stop:
                return stop
        return _joined(frame, node, function.__name__, conditions) if conditions else not stop

    return handler


def _of_array(frame: Frame, node: ast.expr, name: str, array: Value) -> object:
    if array.tensor.rank != 1:
        raise ArgumentError(f"{name} of {array.tensor.rank} axes is not defined", remedy=f"use np.{name}")
    template = Template()
    code = template.code(f"{name}({template.place(array)})", frame.line(node))
    row = lookup(getattr(np, name))
    found = apply(frame, node, name, row, (array,), {}, code) if isinstance(row, Algebra) else None
    return _as_bool(found, name)


def _joined(frame: Frame, node: ast.expr, name: str, conditions: Sequence[Value]) -> object:
    joined: object = conditions[0]
    for condition in conditions[1:]:
        joined = binary(frame, node, ast.BitOr if name == "any" else ast.BitAnd, joined, condition)
    template = Template()
    code = template.code(f"{name}({template.place(list(conditions))})", frame.line(node))
    return _as_bool(Value(joined.tensor, code) if isinstance(joined, Value) else None, name)


def _as_bool(found: object, name: str) -> Value:
    """Python's ``any`` and ``all`` give a ``bool``."""
    if not isinstance(found, Value):
        raise unknown(name)
    return Value(Tensor(found.tensor.expr, (), bool), found.code)
