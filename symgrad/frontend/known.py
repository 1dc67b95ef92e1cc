"""Calls of functions that the rules know."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy

from symgrad.errors import ArgumentError, NoDerivative, NotYetSupported
from symgrad.frontend.code_writer import element
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import bounded, lifted
from symgrad.frontend.sharing import Made, called, shared
from symgrad.frontend.values import Named, Shape, has_values, mapped
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Algebra, Elementwise, Refused, elementwise

Arguments = Sequence[object]
Keywords = Mapping[str, object]
TRIVIAL = {"out": None, "where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}
STATIC_PARAMETERS = frozenset(
    {"axis", "axes", "axis1", "axis2", "keepdims", "ddof", "k", "ndim", "ord", "offset", "repeats", "reps"}
    | {"source", "destination", "n", "decimals", "indices_or_sections"}
)
"""Parameters whose arguments have to be known while compiling."""


def apply(
    frame: Frame,
    node: ast.expr,
    name: str,
    row: Elementwise | Algebra | Refused,
    args: Arguments,
    keywords: Keywords,
    code: Code,
) -> object:
    """The result of a call as run-time values whose code is ``code``."""
    match row:
        case Elementwise():
            return _elementwise(frame, node, name, row, args, keywords, code)
        case Algebra(lower):
            args, keywords = _specialised(frame, lower, args, keywords)
            lowered = [_lowered(argument) for argument in args]
            named = {key: _lowered(argument) for key, argument in keywords.items()}
            _check_arguments(name, lower, (frame.builder, *lowered), named)
            return finished(frame, (args, keywords), lower(frame.builder, *lowered, **named), code, lower)
        case Refused(reason, remedy):
            raise NoDerivative(f"{name}: {reason}", remedy=remedy)


def _elementwise(
    frame: Frame, node: ast.expr, name: str, row: Elementwise, args: Arguments, keywords: Keywords, code: Code
) -> Value:
    for key, value in keywords.items():
        if key not in TRIVIAL or has_values(value) or value != TRIVIAL[key]:
            raise NotYetSupported(f"the argument {key}= of {name} is not supported", remedy="write it as an operation")
    _check_arguments(name, row.formula, args, {})
    operands = [lifted(frame, argument, node, place).tensor for place, argument in enumerate(args)]
    value = Value(bounded(frame.builder, elementwise(frame.builder, row, *operands)), code)
    text = called(code)
    return shared(Made(frame, text if text == "real" else None, args, {}, value))


@lru_cache(maxsize=4096)
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a row's function."""
    return inspect.signature(function)


def _check_arguments(name: str, function: Callable[..., Any], args: Arguments, keywords: Keywords) -> None:
    try:
        signature_of(function).bind(*args, **keywords)
    except TypeError as error:
        raise ArgumentError(f"{name}: {error}") from None


def _specialised(
    frame: Frame, lower: Callable[..., Any], args: Arguments, keywords: Keywords
) -> tuple[Arguments, Keywords]:
    """Captured integers given as axes and the like are compiled in."""
    names = list(signature_of(lower).parameters)[1:]

    def static(name: str, item: object) -> object:
        return frame.reader.captures.specialised(item) if name in STATIC_PARAMETERS else item

    positional = [static(name, item) for name, item in zip(names, args, strict=False)]
    return [*positional, *args[len(names) :]], {name: static(name, item) for name, item in keywords.items()}


def _lowered(item: object) -> object:
    """The form in which rows take an argument: tensors for run-time values."""

    def change(leaf: object) -> object:
        if isinstance(leaf, Value):
            return leaf.tensor
        return Tensor(leaf.expr, (), float) if isinstance(leaf, Named) else leaf

    return mapped(item, change)


def finished(
    frame: Frame,
    operands: tuple[Arguments, Keywords],
    result: object,
    code: Code,
    lower: Callable[..., Any],
    part: int | None = None,
) -> object:
    """The result of a row as values."""
    if isinstance(result, Tensor):
        value = Value(bounded(frame.builder, result), code)
        return shared(Made(frame, called(code), *operands, value, lower, part))
    if isinstance(result, tuple | list) and not isinstance(result, Shape):
        parts = [finished(frame, operands, item, element(code, k), lower, k) for k, item in enumerate(result)]
        return parts if isinstance(result, list) else tuple.__new__(type(result), parts)
    return sized(result, code)


def sized(result: object, code: Code) -> object:
    """A size as a run-time integer; anything else as it is."""
    if isinstance(result, sympy.Expr):
        return Value(Tensor(result, (), int), code)
    return result


def recoded(result: object, code: Code) -> object:
    """The result of a definition, written as the user's call."""
    if isinstance(result, tuple):
        return tuple(recoded(part, element(code, k)) for k, part in enumerate(result))
    if isinstance(result, Value):
        return Value(result.tensor, code)
    return result


def unknown(name: str) -> NoDerivative:
    """The refusal of a function without a row."""
    remedy = "write it with functions that have one, or give its gradient with symgrad.custom_gradient"
    return NoDerivative(f"no derivative is known for {name}", remedy=remedy)
