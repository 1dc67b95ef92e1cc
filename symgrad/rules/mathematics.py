"""Functions of ``math`` and of Python itself: formulas of numbers."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError
from symgrad.ir.builder import Builder, kind_of
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Expr, Kind, Tensor
from symgrad.rules import functions as fn
from symgrad.rules.arguments import axis_number, static_integer
from symgrad.rules.convert import at, operands_of, tensor_of, without_axis
from symgrad.rules.elementwise import isclose, power, round_to, square_root, total
from symgrad.rules.reductions import extremum
from symgrad.rules.row import Algebra, Elementwise, Refused, Row, elementwise
from symgrad.rules.shapes import length_of

FORMULAS: dict[str, Callable[..., Expr]] = {
    "acos": total(sympy.acos),
    "acosh": total(sympy.acosh),
    "asin": total(sympy.asin),
    "asinh": sympy.asinh,
    "atan": sympy.atan,
    "atan2": fn.ArcTan2,
    "atanh": total(sympy.atanh),
    "cbrt": fn.Cbrt,
    "copysign": fn.CopySign,
    "cos": sympy.cos,
    "cosh": sympy.cosh,
    "degrees": lambda x: x * 180 / sympy.pi,
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "exp": sympy.exp,
    "exp2": fn.Exp2,
    "expm1": fn.Expm1,
    "fabs": fn.Absolute,
    "fma": lambda x, y, z: x * y + z,
    "fmod": fn.FMod,
    "gamma": fn.Gamma,
    "ldexp": fn.LdExp,
    "lgamma": fn.LogGamma,
    "log10": fn.Log10,
    "log1p": fn.Log1p,
    "log2": fn.Log2,
    "nextafter": fn.NextAfter,
    "radians": lambda x: x * sympy.pi / 180,
    "remainder": fn.Remainder,
    "sin": sympy.sin,
    "sinh": sympy.sinh,
    "sqrt": square_root,
    "tan": sympy.tan,
    "tanh": sympy.tanh,
    "ulp": fn.Spacing,
}
"""Functions of ``math`` whose result is a float."""

INTEGERS: dict[str, Callable[..., Expr]] = {
    "ceil": fn.Ceil,
    "floor": fn.Floor,
    "gcd": fn.Gcd,
    "lcm": fn.Lcm,
    "trunc": fn.Trunc,
}

TRUTHS: dict[str, Callable[..., Expr]] = {"isfinite": fn.IsFinite, "isinf": fn.IsInf, "isnan": fn.IsNan}


def _number(value: Tensor, name: str) -> Tensor:
    if value.rank:
        raise ArgumentError(f"{name} takes numbers, not arrays", remedy="use the function of numpy")
    return value


def parts_of(builder: Builder, values: Any) -> list[Tensor]:
    """The elements of a list, tuple or array of known length, as a Python loop meets them."""
    if not isinstance(values, Tensor):
        return list(operands_of(builder, *values))
    if values.rank == 0:
        raise ArgumentError("a number cannot be iterated over")
    number = builder.sizes.specialise(values.shape[axis_number(0, values.rank)])
    return [without_axis(at(builder, values, 0, sympy.Integer(k), None), 0) for k in range(number)]


def _folded(
    builder: Builder, function: Callable[[Expr, Expr], Expr], parts: Sequence[Tensor], kind: Kind | None = None
) -> Tensor:
    row = Elementwise(function, function, kind=kind_of(parts) if kind is None else kind)
    return functools.reduce(functools.partial(elementwise, builder, row), parts)


def _log(builder: Builder, x: Any, base: Any = None) -> Tensor:
    formula = total(sympy.log)
    if base is None:
        return elementwise(builder, Elementwise(math.log, formula, scalar=True, kind=float), tensor_of(builder, x))
    row = Elementwise(math.log, lambda u, b: formula(u) / formula(b), scalar=True, kind=float)
    return elementwise(builder, row, *operands_of(builder, x, base))


def _hypot(builder: Builder, *coordinates: Any) -> Tensor:
    parts = [_number(part, "math.hypot") for part in operands_of(builder, *coordinates)]
    if len(parts) == 2:
        return _folded(builder, fn.Hypot, parts, float)
    squares = sympy.Add(*(part.expr**2 for part in parts))
    return Tensor(builder.atomised(fn.Root(squares), float), (), float)


def _dist(builder: Builder, p: Any, q: Any) -> Tensor:
    ends = zip(parts_of(builder, p), parts_of(builder, q), strict=True)
    return _hypot(builder, *(Tensor(a.expr - b.expr, (), float) for a, b in ends))


def _fsum(builder: Builder, seq: Any) -> Tensor:
    parts = [_number(part, "math.fsum") for part in parts_of(builder, seq)]
    return Tensor(sympy.Add(*(part.expr for part in parts)), (), float)


def _prod(builder: Builder, iterable: Any, *, start: Any = 1) -> Tensor:
    return _folded(builder, lambda x, y: x * y, [tensor_of(builder, start), *parts_of(builder, iterable)])


def _sumprod(builder: Builder, p: Any, q: Any) -> Tensor:
    left, right = parts_of(builder, p), parts_of(builder, q)
    products = [_folded(builder, lambda x, y: x * y, pair) for pair in zip(left, right, strict=True)]
    return _folded(builder, lambda x, y: x + y, products)


def _sum(builder: Builder, iterable: Any, /, start: Any = 0) -> Tensor:
    if isinstance(iterable, Tensor) and iterable.rank:
        index = iterable.indices[0]
        rest = Tensor(iterable.expr, iterable.indices[1:], iterable.kind)
        if index is not None:
            rest = Tensor(builder.sum(rest.expr, (index,), rest.kind), rest.indices, rest.kind)
        return _folded(builder, lambda x, y: x + y, [tensor_of(builder, start), rest])
    return _folded(builder, lambda x, y: x + y, [tensor_of(builder, start), *parts_of(builder, iterable)])


def _choice(function: Any, formula: Any, whole: Callable[..., Tensor]) -> Algebra:
    """Python's ``max`` and ``min`` of numbers, a list, or a vector."""

    def lower(builder: Builder, *values: Any) -> Tensor:
        if len(values) == 1 and isinstance(values[0], Tensor):
            return whole(builder, values[0])
        parts = [
            _number(part, function.__name__)
            for part in operands_of(builder, *(values[0] if len(values) == 1 else values))
        ]
        return _folded(builder, formula, parts)

    return Algebra(lower)


def _float(builder: Builder, x: Any = 0.0) -> Tensor:
    return Tensor(_number(tensor_of(builder, x), "float").expr, (), float)


def _int(builder: Builder, x: Any = 0) -> Tensor:
    tensor = _number(tensor_of(builder, x), "int")
    return Tensor(builder.atomised(fn.Trunc(tensor.expr), int) if is_floating(tensor.kind) else tensor.expr, (), int)


def _round(builder: Builder, number: Any, ndigits: Any = None) -> Tensor:
    tensor = tensor_of(builder, number)
    if tensor.rank or ndigits is not None:
        return round_to(builder, tensor, 0 if ndigits is None else static_integer(ndigits))
    kind = int if isinstance(tensor.kind, type) else tensor.kind
    return Tensor(builder.atomised(fn.Rint(tensor.expr), kind), (), kind)


_COUNTING = "integers without derivative, which symgrad does not compute while compiling"

LOWERED: dict[str, Row] = {
    "comb": Refused(f"math.comb counts: {_COUNTING}"),
    "dist": Algebra(_dist),
    "factorial": Refused(f"math.factorial counts: {_COUNTING}"),
    "frexp": Refused("the mantissa of math.frexp jumps", "use math.log2"),
    "fsum": Algebra(_fsum),
    "hypot": Algebra(_hypot),
    "isclose": Algebra(lambda builder, a, b, *, rel_tol=1e-9, abs_tol=0.0: isclose(builder, a, b, rel_tol, abs_tol)),
    "isqrt": Refused(f"math.isqrt rounds: {_COUNTING}", "use math.sqrt"),
    "log": Algebra(_log),
    "modf": Algebra(lambda builder, x: _modf(builder, _number(tensor_of(builder, x), "math.modf"))),
    "perm": Refused(f"math.perm counts: {_COUNTING}"),
    "pow": power(math.pow, float),
    "prod": Algebra(_prod),
    "sumprod": Algebra(_sumprod),
}


def _modf(builder: Builder, x: Tensor) -> tuple[Tensor, Tensor]:
    whole = builder.atomised(fn.Trunc(x.expr), float)
    return Tensor(x.expr - whole, (), float), Tensor(whole, (), float)


def _rows(formulas: dict[str, Callable[..., Expr]], kind: Kind) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for name, formula in formulas.items():
        if hasattr(math, name):
            found[getattr(math, name)] = Elementwise(getattr(math, name), formula, scalar=True, kind=kind)
    return found


TABLE: dict[Any, Row] = {
    **_rows(FORMULAS, float),
    **_rows(INTEGERS, int),
    **_rows(TRUTHS, bool),
    **{getattr(math, name): row for name, row in LOWERED.items() if hasattr(math, name)},
    builtins.float: Algebra(_float),
    builtins.int: Algebra(_int),
    builtins.len: Algebra(length_of),
    builtins.max: _choice(builtins.max, fn.Maximum, extremum("max", np.max)),
    builtins.min: _choice(builtins.min, fn.Minimum, extremum("min", np.min)),
    builtins.round: Algebra(_round),
    builtins.sum: Algebra(_sum),
}
"""The rows of this file, by function object."""
