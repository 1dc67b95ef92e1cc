"""Inlining: calls of functions that are written in Python."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType

from symgrad.errors import NotYetSupported, UnsupportedSyntax
from symgrad.frontend.binding import bind, default_names
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.frame import MOST_CALLS, Frame, Namespace
from symgrad.frontend.source import locate
from symgrad.frontend.values import Closure


def inline(frame: Frame, function: FunctionType, args: Sequence[object], keywords: Mapping[str, object]) -> object:
    """The result of a call of a function of the user's."""
    inner = entered(frame, function)
    inner.place = frame.place
    inner.hooks = _hooks(frame, function)
    return _run(inner, function.__name__, args, keywords, defaults_of(frame, function, inner.node.args))


def _hooks(frame: Frame, function: FunctionType) -> dict[str, object]:
    """The hooks of the variables of a function, which the function that calls it knows."""
    outer = frame.namespace.function if frame.namespace is not None else None
    hooks = vars(getattr(outer, "__symgrad_hooks__", types.SimpleNamespace()))
    called = None if outer is None else outer.__globals__.get("_function")
    if frame.namespace is None or frame.namespace.path is None or getattr(called, "__func__", called) is not function:
        return {}
    for name, hook in hooks.items():
        path = (*frame.namespace.path, "attribute", "__symgrad_hooks__", "attribute", name)
        frame.reader.captures.know(path, hook)
    return {name.removeprefix("hook_"): hook for name, hook in hooks.items()}


def entered(frame: Frame, function: FunctionType) -> Frame:
    """A frame for the body of a function."""
    _check_kind(function)
    source, definition = locate(function)
    path = frame.reader.captures.path(function)
    if path is not None:
        frame.reader.captures.rely((*path, "function", "__code__"), function.__code__)
    namespace = Namespace(function, path, _root_globals(frame))
    return Frame(frame.reader, source, definition, {}, namespace=namespace, depth=frame.depth + 1)


def _root_globals(frame: Frame) -> Mapping[str, object]:
    """The globals of the function that is being differentiated."""
    while frame.namespace is None and frame.outer is not None:
        frame = frame.outer
    return frame.namespace.root_globals if frame.namespace is not None else {}


def _check_kind(function: FunctionType) -> None:
    flags = function.__code__.co_flags
    if flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise UnsupportedSyntax(f"{function.__name__} is asynchronous", remedy="use an ordinary function")
    if flags & inspect.CO_GENERATOR:
        raise NotYetSupported(f"{function.__name__} is a generator", remedy="return a list")


def inline_closure(frame: Frame, closure: Closure, args: Sequence[object], keywords: Mapping[str, object]) -> object:
    """The result of a call of a function that was defined while reading."""
    outer = closure.frame
    inner = Frame(frame.reader, outer.source, closure.node, {}, outer=outer, depth=frame.depth + 1, place=outer.place)
    defaults = dict(zip(default_names(closure.node.args), closure.defaults, strict=True))
    return _run(inner, closure.__name__, args, keywords, {**defaults, **closure.keyword_defaults})


def inline_definition(
    frame: Frame,
    node: ast.expr,
    definition: Callable[..., object],
    args: Sequence[object],
    keywords: Mapping[str, object],
) -> object:
    """The result of a definition from the rules; whatever goes wrong inside is located at the user's call."""
    assert isinstance(definition, FunctionType)
    source, tree = locate(definition)
    namespace = Namespace(definition, None, {})
    place = frame.span(node)
    inner = Frame(frame.reader, source, tree, {}, namespace=namespace, depth=frame.depth + 1, place=place)
    defaults = dict(zip(default_names(tree.args), definition.__defaults__ or (), strict=True))
    return _run(inner, definition.__name__, args, keywords, {**defaults, **(definition.__kwdefaults__ or {})})


def _run(
    inner: Frame,
    name: str,
    args: Sequence[object],
    keywords: Mapping[str, object],
    defaults: Mapping[str, object],
) -> object:
    if inner.depth > MOST_CALLS:
        raise NotYetSupported(
            f"calls nest more than {MOST_CALLS} deep, the innermost of {name}",
            remedy="end the recursion on a value known while compiling",
        )
    inner.variables.update(bind(name, inner.node.args, args, keywords, defaults))
    with inner.open():
        result = inner.reader.run(inner)
    if isinstance(result, Conflict):
        raise Undecided(result)
    return result


def defaults_of(frame: Frame, function: FunctionType, parameters: ast.arguments) -> dict[str, object]:
    """The default values of a function: numbers are compiled in, everything else is read where it stands."""
    found = {}
    path = frame.reader.captures.path(function)
    if path is not None and function.__defaults__:
        frame.reader.captures.rely((*path, "function", "__defaults__"), function.__defaults__)
    for position, (name, value) in enumerate(zip(default_names(parameters), function.__defaults__ or (), strict=True)):
        found[name] = _default(frame, function, ("__defaults__", "item", str(position)), value)
    for name, value in (function.__kwdefaults__ or {}).items():
        found[name] = _default(frame, function, ("__kwdefaults__", "item", repr(name)), value)
    return found


def _default(frame: Frame, function: FunctionType, steps: tuple[str, ...], value: object) -> object:
    path = frame.reader.captures.path(function)
    if path is None or value is None or isinstance(value, bool | int | float | str):
        if path is not None and steps[0] == "__kwdefaults__":
            frame.reader.captures.rely((*path, "attribute", *steps), value)
        frame.reader.aliasing.foreign(value)
        return value
    return frame.reader.captures.capture((*path, "attribute", *steps), value)
