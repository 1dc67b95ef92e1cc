"""Random draws: each happens once, where it stands; the derivative is that for the numbers that were drawn.

The shape of a draw is known from its ``size`` or its parameters, its dtype from a draw of the same kind that is made
while compiling. Where the parameters of a distribution shift and scale the numbers, so do their derivatives.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NoDerivative, NotYetSupported
from symgrad.frontend.dependence import may_be_active
from symgrad.frontend.distributions import (
    BETWEEN,
    DISTRIBUTIONS,
    OTHERS,
    PYTHON,
    SCALED,
    SHIFTED,
    Distribution,
    kind_of,
    number_kind,
)
from symgrad.frontend.effects import effect, function_text, observed
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import unknown
from symgrad.frontend.lifting import lifted
from symgrad.frontend.streams import settled
from symgrad.frontend.texts import Shown
from symgrad.frontend.values import describe, has_values, mapped
from symgrad.ir.code import Code
from symgrad.ir.program import Define, Opaque, Value
from symgrad.ir.tensor import Expr, Kind, Tensor
from symgrad.rules.arguments import sizes

Arguments = Sequence[object]
Keywords = Mapping[str, object]
SOURCES = (np.random.Generator, np.random.RandomState, random.Random)


SEEDS = frozenset({"seed"})
SHUFFLES = frozenset({"shuffle", "permuted"})


def is_draw(function: object) -> bool:
    """Whether a function is a method of a generator of random numbers."""
    return isinstance(getattr(function, "__self__", None), SOURCES)


def call_draw(frame: Frame, node: ast.expr, function: Any, args: Arguments, keywords: Keywords) -> object:
    """``np.random.normal(...)``, ``random.random()``, or a method of a generator that was found outside."""
    template = Shown(frame)
    called = function_text(frame, template, function)
    return _drawn(Draw(frame, node, type(function.__self__), function.__name__, template, called), args, keywords)


def draw_method(frame: Frame, node: ast.expr, owner: Opaque, name: str, args: Arguments, keywords: Keywords) -> object:
    """``rng.normal(...)``."""
    template = Shown(frame)
    called = f"{template.place(owner)}.{name}"
    return _drawn(Draw(frame, node, owner.made, name, template, called), args, keywords)


@dataclass
class Draw:
    """A call of a method of a generator: ``source`` is the generator's class."""

    frame: Frame
    node: ast.expr
    source: type
    name: str
    template: Shown
    called: str

    def code(self, args: Arguments, keywords: Keywords) -> Code:
        text = f"{self.called}({self.template.arguments(args, keywords)})"
        return self.template.code(text, self.frame.line(self.node))

    def result(self, code: Code, shape: Sequence[Expr], kind: Kind, depends: Sequence[object] = ()) -> Value:
        """The numbers; a parameter without a derivative is refused where it may need one."""
        active = [item for item in depends if may_be_active(self.frame, item)]
        if active:
            raise NoDerivative(
                f"the numbers that {self.name} draws depend on a parameter that is differentiated",
                remedy="draw numbers without it, and write what it does to them: mu + sigma * rng.normal(size=...)",
            )
        return observed(self.frame, code, shape, kind)


def _drawn(draw: Draw, args: Arguments, keywords: Keywords) -> object:
    args = settled(args)
    name = draw.name
    if name in SEEDS:
        effect(draw.frame, draw.code(args, keywords).template, draw.template.operands)
        return None
    if name in SHUFFLES:
        remedy = "use rng.permutation, which gives a new array"
        raise NotYetSupported(f"{name} changes an array in place, which is not supported", remedy=remedy)
    if issubclass(draw.source, random.Random):
        return _of_python(draw, args, keywords)
    special = SPECIAL.get(name)
    if special is not None:
        return special(draw, args, keywords)
    if name not in DISTRIBUTIONS or not hasattr(draw.source, name):
        raise unknown(f"the method .{name} of a generator of random numbers")
    return _distributed(draw, args, keywords)


def _of_python(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
    if draw.name not in PYTHON:
        raise unknown(f"the method .{draw.name} of a generator of random numbers")
    kind = type(getattr(random.Random(0), draw.name)(*PYTHON[draw.name]))
    return draw.result(draw.code(args, keywords), (), kind, (*args, *keywords.values()))


def _distributed(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
    """Numbers of a distribution, each by itself."""
    row = DISTRIBUTIONS[draw.name]
    names = (*row.parameters, "size", *OTHERS.get(draw.name, ()))
    bound = bind(draw.name, names, args, keywords)
    if bound.get("out") is not None:
        raise NotYetSupported(f"the argument out= of {draw.name} is not supported", remedy="use its result")
    parameters = {name: item for name, item in bound.items() if name in row.parameters and item is not None}
    if draw.name in {"integers", "randint"} and has_values((bound.get("dtype"), bound.get("endpoint"))):
        raise NotYetSupported("a dtype has to be known while compiling", remedy="write it out")
    code = draw.code(args, keywords)
    values = {name: lifted(draw.frame, item, draw.node) for name, item in parameters.items()}
    shape = shape_of(draw.frame, bound.get("size"), [value.tensor for value in values.values()])
    options = {name: bound[name] for name in ("dtype", "endpoint", "method") if name in bound}
    kind = kind_of(draw.source, draw.name, shape is None, tuple(options.items()))
    if row.formula and may_be_active(draw.frame, list(values.values())):
        result = _reparametrised(draw, row, code, values, () if shape is None else shape, kind)
    else:
        result = draw.result(code, () if shape is None else shape, kind, list(values.values()))
    return result if shape is None else draw.frame.reader.aliasing.array(result)


def bind(name: str, names: Sequence[str], args: Arguments, keywords: Keywords) -> dict[str, object]:
    """Arguments by the names of parameters."""
    twice = set(names[: len(args)]) & set(keywords)
    if len(args) > len(names) or not set(keywords) <= set(names) or twice:
        raise ArgumentError(f"{name} takes the arguments {', '.join(names)}")
    return {**dict(zip(names, args, strict=False)), **keywords}


def shape_of(frame: Frame, size: object, parameters: Sequence[Tensor]) -> tuple[Expr, ...] | None:
    """The shape of a draw; None for a number."""
    if size is not None:
        return lengths(frame, size)
    _, indices = frame.builder.broadcast(*parameters)
    return Tensor(0, indices, float).shape if indices else None


def lengths(frame: Frame, size: object) -> tuple[Expr, ...]:
    """A shape that is given as a length, or as several."""
    return sizes(frame.builder, mapped(size, lambda leaf: leaf.tensor if isinstance(leaf, Value) else leaf))


def _reparametrised(
    draw: Draw, row: Distribution, code: Code, values: Mapping[str, Value], shape: Sequence[Expr], kind: Kind
) -> Value:
    """Numbers of a distribution that loc and scale shift and scale; ``z`` are those before."""
    frame = draw.frame
    given = [values.get(name) or lifted(frame, default, draw.node) for name, default in row.parameters.items()]
    made = observed(frame, code, shape, kind)
    operands = (made.code, *(value.code for value in given))
    places = {"loc": "_1", "scale": f"_{len(given)}", "low": "_1", "high": "_2"}
    text = {SHIFTED: "(_0 - {loc}) / {scale}", SCALED: "_0 / {scale}", BETWEEN: "(_0 - {low}) / ({high} - {low})"}
    standard = frame.builder.op("opaque", (), shape, kind, (("number", frame.reader.effects), ("name", "standard")))
    before = Value(standard, Code(text[row.formula].format(**places), operands))
    (z, *exprs), indices = frame.builder.broadcast(standard, *(value.tensor for value in given))
    names = dict(zip(row.parameters, exprs, strict=True))
    match row.formula:
        case "loc + scale * z":
            expr = names["loc"] + names["scale"] * z
        case "scale * z":
            expr = names["scale"] * z
        case _:
            expr = names["low"] + (names["high"] - names["low"]) * z
    value = Value(frame.builder.define(Tensor(expr, indices, kind)), made.code)
    frame.reader.statements += [Define(before, None, None), Define(value.now, None, None)]
    return value


def _of_lengths(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
    """``np.random.rand(3, 4)`` and ``np.random.randn(3, 4)``."""
    if keywords:
        raise ArgumentError(f"{draw.name} takes lengths")
    shape = lengths(draw.frame, tuple(args))
    return draw.result(draw.code(args, keywords), shape, np.dtype(float) if args else float)


def _permutation(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
    item = bind("permutation", ("x", "axis"), args, keywords).get("x")
    code = draw.code(args, keywords)
    if _is_count(item):
        return draw.result(code, lengths(draw.frame, item), np.dtype(int))
    array = lifted(draw.frame, item, draw.node)
    _check_items(draw, array, "permutation(len(x))")
    return draw.result(code, array.tensor.shape, _dtype(array))


def _choice(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
    names = ("a", "size", "replace", "p", "axis", "shuffle")
    bound = bind("choice", names if issubclass(draw.source, np.random.Generator) else names[:4], args, keywords)
    item, size = bound.get("a"), bound.get("size")
    code = draw.code(args, keywords)
    shape = () if size is None else lengths(draw.frame, size)
    depends = [bound["p"]] if isinstance(bound.get("p"), Value) else []
    if _is_count(item):
        kind = np.dtype(int) if size is not None else number_kind(draw.source)
        return draw.result(code, shape, kind, depends)
    array = lifted(draw.frame, item, draw.node)
    _check_items(draw, array, "choice(len(x), size=...)")
    if bound.get("axis", 0) != 0:
        raise NotYetSupported("choice along another axis is not supported", remedy="transpose the array")
    return draw.result(code, (*shape, *array.tensor.shape[1:]), _dtype(array), depends)


def _is_count(item: object) -> bool:
    if isinstance(item, Value):
        return not item.tensor.rank and np.dtype(item.tensor.kind).kind in "iu"
    return isinstance(item, int | np.integer)


def _dtype(array: Value) -> Kind:
    return np.dtype(array.tensor.kind)


def _check_items(draw: Draw, array: Value, remedy: str) -> None:
    if not array.tensor.rank:
        raise ArgumentError(f"{draw.name} of {describe(array)}", remedy="give a length or an array")
    if may_be_active(draw.frame, array):
        reason = f"{draw.name} of an array that is differentiated is not supported yet"
        raise NotYetSupported(reason, remedy=f"draw positions: x[rng.{remedy}]")


def _vectors(names: Sequence[str], kind: type) -> Any:
    """Draws of whole vectors; the length is that of the parameter that is named last."""

    def handler(draw: Draw, args: Arguments, keywords: Keywords) -> Value:
        bound = bind(draw.name, (*names, "size", "check_valid", "tol", "method"), args, keywords)
        parameters = {name: lifted(draw.frame, bound[name], draw.node) for name in names if name in bound}
        code = draw.code(args, keywords)
        size = bound.get("size")
        shape = () if size is None else lengths(draw.frame, size)
        vector = parameters[names[-1]].tensor
        if any(value.tensor.rank > 1 for name, value in parameters.items() if name != "cov"):
            reason = f"{draw.name} with several vectors is not supported"
            raise NotYetSupported(reason, remedy="draw one after the other")
        shape = (*shape, vector.shape[-1])
        return draw.result(code, shape, np.dtype(kind), list(parameters.values()))

    return handler


SPECIAL: Mapping[str, Any] = {
    "rand": _of_lengths,
    "randn": _of_lengths,
    "permutation": _permutation,
    "choice": _choice,
    "multivariate_normal": _vectors(("mean", "cov"), float),
    "dirichlet": _vectors(("alpha",), float),
    "multinomial": _vectors(("n", "pvals"), int),
}
