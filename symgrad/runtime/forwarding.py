"""Functions that call another one: with a direction, on a derivative, inside of a transform.

Their source is in ``linecache``, where the compiler finds it.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import linecache
from collections.abc import Callable, Mapping
from types import FunctionType, SimpleNamespace
from typing import Any

from symgrad.errors import DifferentiationError
from symgrad.ir.functions import DERIVATIVE, mark

_serial = itertools.count()
HOOKS = "__symgrad_hooks__"


def forwarded(function: Callable[..., Any]) -> FunctionType:
    """A function written in Python that calls ``function``, which may be a derivative, with the same arguments."""
    parameters, passed, optional = _forwarding(function)
    made = _made(function, parameters, f"_function({passed})", optional)
    made.__annotations__ = dict(getattr(function, "__annotations__", {}))
    return made


def _forwarding(function: Callable[..., Any]) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    """Parameters like a function's, the arguments that pass them on, and the default values."""
    _, optional = _parameters(function)
    parameters, passed, starred = [], [], False
    for name, parameter in advertised(function).parameters.items():
        by_keyword = parameter.kind is parameter.KEYWORD_ONLY
        parameters += ["*"] if by_keyword and not starred else []
        starred = starred or by_keyword
        parameters.append(name if parameter.default is parameter.empty else f"{name}=_{name}")
        passed.append(f"{name}={name}" if by_keyword else name)
    return tuple(parameters), ", ".join(passed), optional


def with_direction(function: Callable[..., Any]) -> tuple[FunctionType, str]:
    """``function`` with a last positional argument that it does not use, and the name of that argument.

    Optional arguments go by keyword.
    """
    required, optional = _parameters(function)
    direction = next(name for name in ("v", "direction", "direction_") if name not in (*required, *optional))
    parameters = (*required, direction, *(["*"] if optional else []), *_given(optional))
    return _made(function, parameters, f"_function({_passed(required, optional)})", optional), direction


def hooking(function: Callable[..., Any], hooks: Mapping[str, Callable[..., Any]]) -> FunctionType:
    """A function that calls ``function``, whose variables have hooks."""
    named = {f"hook_{name}": hook for name, hook in hooks.items()}
    if hasattr(function, HOOKS):
        inner = vars(getattr(function, HOOKS))
        both = {name: functools.partial(_both, inner[name], named[name]) for name in inner.keys() & named.keys()}
        named, function = {**inner, **named, **both}, function.__globals__["_function"]
    made = forwarded(function)
    setattr(made, HOOKS, SimpleNamespace(**named))
    return made


def _both(inner: Callable[..., Any], outer: Callable[..., Any], adjoint: Any) -> Any:
    """What two hooks make of an adjoint."""
    return inner(outer(adjoint))


def pulling_back(function: Callable[..., Any], transform: Callable[..., Any], count: int) -> FunctionType:
    """``(*primals, u) -> pullback(u)`` for a number of primals."""
    primals = [f"x{k}" for k in range(count)]
    text = f"_transform(_function, {', '.join(primals)})[1](u)"
    return _made(function, (*primals, "u"), text, {"transform": transform})


def pushing_forward(function: Callable[..., Any], transform: Callable[..., Any], count: int) -> FunctionType:
    """``(*primals, *tangents) -> (value, tangent)`` for a number of primals."""
    primals, tangents = ([f"{letter}{k}" for k in range(count)] for letter in "xv")
    text = f"_transform(_function, ({', '.join(primals)},), ({', '.join(tangents)},))"
    return _made(function, (*primals, *tangents), text, {"transform": transform})


def directional(function: Callable[..., Any], transform: Callable[..., Any], count: int) -> FunctionType:
    """``(*primals, *tangents) -> tangent`` for a number of primals."""
    primals, tangents = ([f"{letter}{k}" for k in range(count)] for letter in "xv")
    text = f"_transform(_function, ({', '.join(primals)},), ({', '.join(tangents)},))[1]"
    return _made(function, (*primals, *tangents), text, {"transform": transform})


def advertised(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters that a caller sees: a wrapper has those of what it wraps."""
    derivative = mark(function, DERIVATIVE)
    return inspect.signature(function if derivative is None else derivative.function)


def _parameters(function: Callable[..., Any]) -> tuple[list[str], dict[str, Any]]:
    """Names of required parameters, and the others with their default values."""
    required, optional = [], {}
    for name, parameter in advertised(function).parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            reason = f"{function.__name__} has a variable number of arguments"
            raise DifferentiationError(reason, remedy="wrap it in a function whose arguments are fixed")
        if parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY:
            required.append(name)
        else:
            optional[name] = parameter.default
    return required, optional


def _given(optional: Mapping[str, Any]) -> list[str]:
    return [name if default is inspect.Parameter.empty else f"{name}=_{name}" for name, default in optional.items()]


def _passed(required: list[str], optional: Mapping[str, Any]) -> str:
    return ", ".join([*required, *(f"{name}={name}" for name in optional)])


def _made(
    function: Callable[..., Any], parameters: tuple[str, ...], text: str, scope: Mapping[str, Any]
) -> FunctionType:
    """``def function(parameters): return text``, in which ``_function`` is the function."""
    inner = function.func if isinstance(function, functools.partial) else function
    name = getattr(inner, "__name__", "")
    name = name if name.isidentifier() else "function"
    source = f"def {name}({', '.join(parameters)}):\n    return {text}\n"
    filename = f"<symgrad {name} {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    names: dict[str, Any] = {"_function": function, **{f"_{key}": value for key, value in scope.items()}}
    exec(compile(source, filename, "exec"), names)
    made: FunctionType = names[name]
    made.__module__, made.__qualname__ = inner.__module__, getattr(inner, "__qualname__", name)
    return made
