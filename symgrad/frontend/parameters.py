"""Parameters of the function that is read: their text, and how a call gives their arguments."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from symgrad.errors import NotYetSupported
from symgrad.frontend.binding import default_names
from symgrad.frontend.code_writer import literal
from symgrad.frontend.source import FunctionNode
from symgrad.ir.functions import parameters_of


def parameter_list(function: FunctionType, node: FunctionNode, skipped: int = 0) -> str:
    """The text of the parameter list: no annotations, defaults as numbers where they are; ``skipped`` leaves out
    the first parameter of a method."""
    arguments = copy.deepcopy(node.args)
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    for parameter in named:
        if parameter is not None:
            parameter.annotation = None
    values = dict(zip(default_names(arguments), function.__defaults__ or (), strict=True))
    arguments.defaults = [
        _written(values[name], default) for name, default in zip(values, arguments.defaults, strict=True)
    ]
    arguments.kw_defaults = [
        None if default is None else _written((function.__kwdefaults__ or {})[parameter.arg], default)
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    first = arguments.posonlyargs or arguments.args
    del first[:skipped]
    return ast.unparse(arguments)


def _written(value: object, node: ast.expr) -> ast.expr:
    try:
        return ast.parse(literal(value), mode="eval").body
    except NotYetSupported:
        return node


def called_arguments(
    function: Callable[..., Any], objects: Mapping[str, object]
) -> tuple[list[object], dict[str, object]]:
    """The bound arguments of a signature as those of a call."""
    args: list[object] = []
    keywords: dict[str, object] = {}
    for name, parameter in parameters_of(function).parameters.items():
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL:
                args.extend(_spread(objects[name]))
            case inspect.Parameter.VAR_KEYWORD:
                keywords.update(_named(objects[name]))
            case inspect.Parameter.KEYWORD_ONLY:
                keywords[name] = objects[name]
            case _:
                args.append(objects[name])
    return args, keywords


def _spread(item: object) -> tuple[object, ...]:
    assert isinstance(item, tuple)
    return item


def _named(item: object) -> dict[str, object]:
    assert isinstance(item, dict)
    return item
