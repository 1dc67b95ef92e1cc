"""Methods of lists, dicts, sets and tuples: those that read, and those that change what the function made itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.containers import changing, hold, merged, static_key
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import readable
from symgrad.frontend.runs import part_of
from symgrad.frontend.selection import ordered
from symgrad.frontend.truth import elements
from symgrad.frontend.values import Shape, children, describe, has_values

Handler = Callable[[Frame, ast.expr, Sequence[object], Mapping[str, object]], object]


WITH_RUNS = frozenset({"append", "copy", "clear"})
"""Methods of lists that do not look at the items that a loop has appended."""


def _of(kind: type, change: bool = False) -> Callable[[Handler], Handler]:
    """A handler that checks the container, its first argument; ``change`` for one that changes it."""

    def decorator(handler: Handler) -> Handler:
        def checked(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
            if not args or not isinstance(args[0], kind):
                found = describe(args[0]) if args else "nothing"
                raise ArgumentError(f"a method of a {kind.__name__} is called on {found}")
            if change:
                with frame.at(node.func if isinstance(node, ast.Call) else node):
                    changing(frame, args[0])
            return readable(handler(frame, node, args, keywords))

        return checked

    return decorator


def _native(kind: type, name: str, *, change: bool = False, held: int | None = None) -> Handler:
    """A method that Python itself runs: the argument at ``held`` goes into the container, others have to be known."""
    method: Callable[..., object] = getattr(kind, name)

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        items = [
            hold(args[0], argument) if place == held else static_key(frame, argument, "an argument")
            for place, argument in enumerate(args[1:], start=1)
        ]
        owner = tuple(args[0]) if isinstance(args[0], Shape) else args[0]
        if kind is list and name not in WITH_RUNS:
            for child in children(owner):
                readable(child)
        with frame.evaluating(node):
            return method(owner, *items, **keywords)

    return _of(kind, change)(handler)


def _searched(kind: type, name: str, *, change: bool = False) -> Handler:
    """A method that compares: ``index``, ``count``, ``remove``."""
    inner = _native(kind, name, change=change)

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        if has_values(tuple(args)):
            reason = f".{name} compares run-time values"
            raise NotYetSupported(reason, remedy="keep the positions, or use np.argmax or np.where on an array")
        return inner(frame, node, args, keywords)

    return handler


@_of(list)
def _item(frame: Frame, node: ast.expr, args: Sequence[Any], _: Mapping[str, object]) -> object:
    return part_of(frame, node, args[0], args[1])


@_of(list, change=True)
def _extend(frame: Frame, _: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    if len(args) != 2 or keywords:
        raise ArgumentError("extend takes one iterable")
    args[0].extend([hold(args[0], item) for item in elements(frame, args[1])])
    return None


@_of(list, change=True)
def _sort(frame: Frame, node: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    if len(args) != 1:
        raise ArgumentError("sort takes no positional arguments")
    args[0][:] = ordered(frame, node, args[0], keywords)
    return None


@_of(dict, change=True)
def _update(frame: Frame, node: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    if len(args) > 2:
        raise ArgumentError("update takes one dict")
    for other in (*args[1:], keywords):
        args[0].update(merged(frame, node, args[0], other))
    return None


@_of(dict)
def _read(frame: Frame, node: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    """``get(key, default=None)``; nothing is put into the dict."""
    if len(args) not in {2, 3} or keywords:
        raise ArgumentError("get takes a key and a default value")
    with frame.evaluating(node):
        return args[0].get(static_key(frame, args[1], "a key"), *args[2:])


@_of(dict, change=True)
def _pop(frame: Frame, node: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    if len(args) not in {2, 3} or keywords:
        raise ArgumentError("pop takes a key and a default value")
    with frame.evaluating(node):
        return args[0].pop(static_key(frame, args[1], "a key"), *args[2:])


@_of(set, change=True)
def _any_element(*_: object) -> object:
    raise NotYetSupported("which element .pop() of a set gives is not known", remedy="use a list, or min(...)")


def _from_keys(frame: Frame, node: ast.expr, args: Sequence[Any], keywords: Mapping[str, object]) -> object:
    if len(args) not in {1, 2} or keywords:
        raise ArgumentError("fromkeys takes keys and a value")
    made: dict[object, object] = {}
    value = hold(made, args[1]) if len(args) == 2 else None
    with frame.evaluating(node):
        made.update((static_key(frame, key, "a key"), value) for key in elements(frame, args[0]))
    return made


_SET_READING = ("copy", "union", "intersection", "difference", "symmetric_difference")
_SET_TESTS = ("isdisjoint", "issubset", "issuperset")
_SET_CHANGES = ("add", "discard", "remove", "clear", "update", "intersection_update", "difference_update")
METHODS: Mapping[Any, Handler] = {
    list.__getitem__: _item,
    list.append: _native(list, "append", change=True, held=1),
    list.insert: _native(list, "insert", change=True, held=2),
    list.extend: _extend,
    list.sort: _sort,
    list.remove: _searched(list, "remove", change=True),
    **{getattr(list, name): _native(list, name, change=True) for name in ("pop", "clear", "reverse")},
    list.copy: _native(list, "copy"),
    **{getattr(kind, name): _searched(kind, name) for kind in (list, tuple) for name in ("index", "count")},
    **{getattr(dict, name): _native(dict, name) for name in ("items", "keys", "values", "copy")},
    dict.get: _read,
    dict.update: _update,
    dict.pop: _pop,
    dict.setdefault: _native(dict, "setdefault", change=True, held=2),
    **{getattr(dict, name): _native(dict, name, change=True) for name in ("popitem", "clear")},
    dict.fromkeys: _from_keys,
    **{getattr(kind, name): _native(kind, name) for kind in (set, frozenset) for name in _SET_READING + _SET_TESTS},
    **{getattr(set, name): _native(set, name, change=True) for name in _SET_CHANGES},
    set.pop: _any_element,
}
"""Handlers by the method as its class has it; the container is the first argument."""
