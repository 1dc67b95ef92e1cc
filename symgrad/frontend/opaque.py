"""What happens besides computing: functions that print, tell the time or make generators, methods of opaque objects.

A function that cannot be read is called as it is, once, where it stands: its result is no function of what is
differentiated, and an annotation tells its type.
"""

from __future__ import annotations

import ast
import inspect
import io
import logging
import random
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import NoDerivative, NotYetSupported, SourceNotAvailable, SymgradError, UnsupportedSyntax
from symgrad.frontend.annotations import described
from symgrad.frontend.dependence import may_be_active
from symgrad.frontend.draws import SOURCES, draw_method
from symgrad.frontend.effects import call_for_effect, effect, function_text, observed, once
from symgrad.frontend.environment import Conflict, environment, restore
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import unknown
from symgrad.frontend.streams import settled
from symgrad.frontend.texts import METHODS, Shown, method
from symgrad.frontend.values import OpaqueMethod, has_values
from symgrad.ir.code import Code
from symgrad.ir.program import Opaque, Value
from symgrad.ir.tensor import Expr, Kind

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Handler = Callable[[Frame, ast.expr, Arguments, Keywords], object]
LEVELS = ("debug", "info", "warning", "warn", "error", "critical", "exception", "log")
LOGS = (logging.Logger, logging.LoggerAdapter)
UNREADABLE = (NoDerivative, NotYetSupported, UnsupportedSyntax, SourceNotAvailable)
"""Refusals of what a function does, which do not matter where it is called as it is."""


def _happening(function: Callable[..., object]) -> Handler:
    """A function that gives nothing."""

    def handler(frame: Frame, _: ast.expr, args: Arguments, keywords: Keywords) -> None:
        call_for_effect(frame, function, args, keywords)

    return handler


def _observing(function: Callable[..., object], kind: type) -> Handler:
    """A function that gives another number each time."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> Value:
        return observed(frame, _call(frame, node, function, args, keywords), (), kind)

    return handler


def _making(function: Callable[..., object], made: type) -> Handler:
    """A function that makes an opaque object."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> Opaque:
        return Opaque(made, once(frame, _call(frame, node, function, args, keywords)))

    return handler


def _call(frame: Frame, node: ast.expr, function: object, args: Arguments, keywords: Keywords) -> Code:
    template = Shown(frame)
    called = function_text(frame, template, function)
    return template.code(f"{called}({template.arguments(args, keywords)})", frame.line(node))


_CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "thread_time")
_GENERATORS: Mapping[Any, type] = {
    np.random.default_rng: np.random.Generator,
    logging.getLogger: logging.Logger,
    **{
        kind: kind
        for kind in (
            np.random.Generator,
            np.random.RandomState,
            np.random.SeedSequence,
            np.random.PCG64,
            np.random.MT19937,
            np.random.Philox,
            np.random.SFC64,
            random.Random,
        )
    },
}
HAPPENING: Mapping[Any, Handler] = {
    **{function: _happening(function) for function in (print, warnings.warn, time.sleep, np.random.seed)},
    **{getattr(logging, name): _happening(getattr(logging, name)) for name in LEVELS},
    **{getattr(time, name): _observing(getattr(time, name), float) for name in _CLOCKS},
    **{getattr(time, f"{name}_ns"): _observing(getattr(time, f"{name}_ns"), int) for name in _CLOCKS},
    **{function: _making(function, made) for function, made in _GENERATORS.items()},
}
"""Handlers by function."""


def call_method(frame: Frame, node: ast.expr, found: OpaqueMethod, args: Arguments, keywords: Keywords) -> object:
    """A method of an opaque object."""
    owner, name = found.owner, found.name
    args = settled(args)
    if issubclass(owner.made, SOURCES):
        return draw_method(frame, node, owner, name, args, keywords)
    if issubclass(owner.made, str) and name in METHODS:
        return method(frame, node, owner, name, args, keywords)
    template = Shown(frame)
    called = template.place(owner)
    text = f"{called}.{name}({template.arguments(args, keywords)})"
    if issubclass(owner.made, LOGS) and name == "isEnabledFor":
        return observed(frame, template.code(text, frame.line(node)), (), bool)
    if issubclass(owner.made, LOGS) and name in LEVELS:
        effect(frame, text, template.operands)
        return None
    if issubclass(owner.made, io.IOBase) and name in {"write", "writelines", "flush"}:
        effect(frame, text, template.operands)
        return Conflict(f"what .{name} gives is not known")
    raise unknown(f"the method .{name} of an object of {owner.made.__name__}")


def either_way(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    args: Arguments,
    keywords: Keywords,
    read: Callable[[], object],
) -> object:
    """A function of the user's: read, or called as it is where it cannot be read and its annotation tells the type."""
    result = _annotated(function, args, keywords)
    if result is None or may_be_active(frame, (tuple(args), dict(keywords))):
        return read()
    before, length = environment(frame.reader), len(frame.reader.statements)
    try:
        return read()
    except UNREADABLE as error:
        restore(before)
        del frame.reader.statements[length:]
        return _called(frame, node, function, args, keywords, result, error)


def _called(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    args: Arguments,
    keywords: Keywords,
    result: tuple[tuple[Expr, ...], Kind],
    error: SymgradError,
) -> Value:
    try:
        code = _call(frame, node, function, args, keywords)
    except SymgradError:
        raise error from None
    shape, kind = result
    value = observed(frame, code, shape, kind)
    return value if kind in {float, int, bool} else frame.reader.aliasing.array(value)


def _annotated(function: Callable[..., object], args: Arguments, keywords: Keywords) -> Any:
    """Shape and dtype of a result, where annotations tell them."""
    if getattr(function, "__annotations__", {}).get("return") is None:
        return None
    try:
        bound = inspect.signature(function).bind(*args, **keywords)
    except (TypeError, ValueError):
        return None
    return described(function.__annotations__, bound.arguments)


def unreadable(frame: Frame, name: str, args: Arguments, keywords: Keywords) -> SymgradError:
    """The refusal of a function that is not known and cannot be read."""
    if may_be_active(frame, (tuple(args), dict(keywords))) or not has_values((tuple(args), dict(keywords))):
        return unknown(name)
    remedy = f'call it in a function whose annotation tells the type: def labels(x) -> "float64[3]": return {name}(x)'
    return NoDerivative(f"no derivative is known for {name}, nor the type of its result", remedy=remedy)
