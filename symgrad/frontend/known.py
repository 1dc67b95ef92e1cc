"""Calls of functions that the rules know."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NoDerivative, NotYetSupported
from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.code_writer import element
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import bounded, lifted
from symgrad.frontend.values import Named, Shape, has_values, mapped
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Algebra, Elementwise, Refused, elementwise
from symgrad.rules.table import lookup

Arguments = Sequence[object]
Keywords = Mapping[str, object]
TRIVIAL = {"out": None, "where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}
STATIC_PARAMETERS = frozenset(
    {"axis", "axes", "axis1", "axis2", "keepdims", "ddof", "k", "ndim", "ord", "offset", "repeats", "reps"}
    | {"source", "destination", "n", "decimals", "indices_or_sections"}
)
"""Parameters whose arguments have to be known while compiling."""
NEW_MEMORY = frozenset(
    {"sum", "mean", "prod", "dot", "matmul", "max", "min", "amax", "amin", "var", "std", "where", "concatenate"}
    | {
        "stack",
        "vstack",
        "hstack",
        "outer",
        "inner",
        "zeros",
        "ones",
        "full",
        "zeros_like",
        "ones_like",
        "full_like",
        "eye",
    }
    | {"arange", "linspace", "inv", "solve", "det", "cumsum", "cumprod", "tensordot", "norm", "clip", "copy"}
    | {"argmax", "argmin", "any", "all", "vdot", "trace"}
)
"""Functions whose results never share memory with their arguments."""


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
            return finished(frame, name, (args, keywords), lower(frame.builder, *lowered, **named), code, lower)
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
    made = Value(bounded(frame.builder, elementwise(frame.builder, row, *operands)), code)
    return made


SAME = frozenset({"asarray", "asanyarray"})
"""Functions that give their argument itself."""
MOVED = frozenset(
    {"T", "mT", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "atleast_1d", "atleast_2d"}
)
RESHAPED = frozenset({"reshape", "ravel"})
CONTIGUOUS = ("np.zeros(", "np.ones(", "np.full(", "np.empty(", "np.eye(", "np.identity(", "np.arange(", "np.linspace(")


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
    name: str,
    operands: tuple[Arguments, Keywords],
    result: object,
    code: Code,
    lower: Callable[..., Any] | None = None,
) -> object:
    """The result of a row as values."""
    short = name.rpartition(".")[2]
    if isinstance(result, Tensor):
        value = Value(bounded(frame.builder, result), code)
        return value if short in NEW_MEMORY else _sharing(frame, short, operands, value, lower)
    if isinstance(result, tuple) and not isinstance(result, Shape):
        parts = [finished(frame, name, operands, part, element(code, k)) for k, part in enumerate(result)]
        return tuple.__new__(type(result), parts)
    if isinstance(result, list):
        return [finished(frame, name, operands, part, element(code, k)) for k, part in enumerate(result)]
    return sized(result, code)


def _sharing(
    frame: Frame, name: str, operands: tuple[Arguments, Keywords], value: Value, lower: Callable[..., Any] | None
) -> Value:
    """A result that reads, or may read, the memory of an argument."""
    aliasing = frame.reader.aliasing
    args, keywords = operands
    base = args[0] if args else None
    if not isinstance(base, Value) or lower is None or not aliasing.is_array(base):
        return aliasing.may_share(value, (tuple(args), dict(keywords)))
    if name in SAME and base.tensor.kind == value.tensor.kind and base.tensor.rank == value.tensor.rank:
        return base
    aliasing.array(value)
    if not (name in MOVED or (name in RESHAPED and is_contiguous(aliasing, base))):
        return aliasing.may_share(value, (tuple(args), dict(keywords)))
    rest = value.code

    def again() -> Value:
        others = [_lowered(argument) for argument in args[1:]]
        named = {key: _lowered(argument) for key, argument in keywords.items()}
        tensor = lower(frame.builder, base.tensor, *others, **named)
        return Value(bounded(frame.builder, tensor), replace(rest, operands=(base.code, *rest.operands[1:])))

    def back(new: Value) -> Value:
        tensor = _moved_back(frame, name, base, new, args[1:], keywords)
        return Value(frame.builder.define(tensor[0]), replace(tensor[1], name=base.code.name))

    return aliasing.view(value, base, again, back)


def _moved_back(
    frame: Frame, name: str, base: Value, new: Value, args: Arguments, keywords: Keywords
) -> tuple[Tensor, Code]:
    """The array of which ``new`` is the view."""
    text = "_ = fresh(_0)\n_.{0}[...] = _1"
    if name in {"T", "mT"} or (name == "transpose" and not args and not keywords and base.tensor.rank <= 2):
        indices = tuple(reversed(new.tensor.indices)) if name != "mT" or base.tensor.rank == 2 else None
        if indices is not None:
            tensor = Tensor(new.tensor.expr, indices, new.tensor.kind)
            return tensor, Code(text.format("T"), (base.code, new.code))
    if name in RESHAPED:
        row = lookup(np.reshape)
        assert isinstance(row, Algebra)
        tensor = row.lower(frame.builder, new.tensor, base.tensor.shape)
        return tensor, Code("_ = fresh(_0)\n_.reshape(-1)[...] = _1.reshape(-1)", (base.code, new.code))
    raise DifferentiationError(
        f"this changes an array through the view that {name} made", remedy="change the array itself, by an index"
    )


def is_contiguous(aliasing: Aliasing, value: Value) -> bool:
    """Whether the elements of an array are known to lie in memory row by row."""
    if aliasing.is_view(value):
        return False
    code = value.code
    while code.template.startswith("_ = fresh(_0)"):
        code = code.operands[0]
    return value.tensor.rank <= 1 or code.template.startswith(CONTIGUOUS)


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
