"""A function with one more argument: the direction of a derivative of its derivative."""

from __future__ import annotations

import inspect
import itertools
import linecache
from collections.abc import Callable
from types import FunctionType
from typing import Any

from symgrad.errors import DifferentiationError

_serial = itertools.count()


def with_direction(function: Callable[..., Any]) -> FunctionType:
    """``function`` with a last positional argument that it does not use; optional arguments go by keyword.

    Its source is in ``linecache``, where the compiler finds it.
    """
    required, optional = [], {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            reason = f"{function.__name__} has a variable number of arguments"
            raise DifferentiationError(reason, remedy="wrap it in a function whose arguments are fixed")
        if parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY:
            required.append(name)
        else:
            optional[name] = parameter.default
    direction = next(name for name in ("v", "direction", "direction_") if name not in (*required, *optional))
    parameters = [*required, direction, *(["*"] if optional else []), *(f"{name}=_{name}" for name in optional)]
    passed = [*required, *(f"{name}={name}" for name in optional)]
    name = function.__name__ if function.__name__.isidentifier() else "function"
    text = f"def {name}({', '.join(parameters)}):\n    return _function({', '.join(passed)})\n"
    filename = f"<symgrad direction {next(_serial)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    scope: dict[str, Any] = {"_function": function, **{f"_{key}": value for key, value in optional.items()}}
    exec(compile(text, filename, "exec"), scope)
    made: FunctionType = scope[name]
    made.__module__, made.__qualname__ = function.__module__, function.__qualname__
    return made
