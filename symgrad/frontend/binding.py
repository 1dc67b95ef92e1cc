"""Binding: arguments to parameters, as Python binds them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from symgrad.errors import ArgumentError


def bind(
    name: str,
    parameters: ast.arguments,
    args: Sequence[object],
    keywords: Mapping[str, object],
    defaults: Mapping[str, object],
) -> dict[str, object]:
    """The variables that a call starts with; ``ArgumentError`` where Python would raise ``TypeError``."""
    positional = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    bound = dict(zip(positional, args, strict=False))
    if len(args) > len(positional) and parameters.vararg is None:
        takes = f"takes {len(positional)} positional argument{'s' * (len(positional) != 1)}"
        raise ArgumentError(f"{name}() {takes} but {len(args)} were given")
    extra = _keywords(name, parameters, bound, keywords)
    allowed = [*positional, *(parameter.arg for parameter in parameters.kwonlyargs)]
    for parameter in allowed:
        if parameter not in bound and parameter in defaults:
            bound[parameter] = defaults[parameter]
    missing = [parameter for parameter in allowed if parameter not in bound]
    if missing:
        raise ArgumentError(f"{name}() is missing the argument{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if parameters.vararg is not None:
        bound[parameters.vararg.arg] = tuple(args[len(positional) :])
    if parameters.kwarg is not None:
        bound[parameters.kwarg.arg] = extra
    return bound


def _keywords(
    name: str, parameters: ast.arguments, bound: dict[str, object], keywords: Mapping[str, object]
) -> dict[str, object]:
    """Bind keyword arguments; those without a parameter are returned."""
    named = {parameter.arg for parameter in (*parameters.args, *parameters.kwonlyargs)}
    extra = {}
    for keyword, value in keywords.items():
        if keyword in named:
            if keyword in bound:
                raise ArgumentError(f"{name}() got multiple values for the argument {keyword}")
            bound[keyword] = value
        elif parameters.kwarg is None:
            raise ArgumentError(f"{name}() got an unexpected keyword argument {keyword}")
        else:
            extra[keyword] = value
    return extra


def default_names(parameters: ast.arguments) -> list[str]:
    """The positional parameters that have defaults."""
    positional = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    return positional[len(positional) - len(parameters.defaults) :]
