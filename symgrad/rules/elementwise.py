"""Elementwise functions of NumPy and Python's operators, as formulas of entries."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Expr, Kind, Tensor
from symgrad.rules import functions as fn
from symgrad.rules.arguments import BOOL, bracket, complement, static_integer, unused
from symgrad.rules.convert import operands_of, tensor_of
from symgrad.rules.row import Algebra, Elementwise, Row, elementwise

LARGEST_POWER = 64


def total(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """SymPy's function, refused where it leaves the real numbers whatever the arguments are (``log(-1)``)."""

    def formula(*args: Expr) -> Expr:
        value = function(*args)
        if value.has(sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            raise _undefined("a function outside of its domain")
        return value

    return formula


def square_root(x: Expr) -> Expr:
    """``sqrt(x)``; SymPy knows that ``sqrt(x**2)`` is ``|x|``."""
    return total(sympy.sqrt)(x).replace(sympy.Abs, fn.Absolute)


def _divided(x: Expr, y: Expr) -> Expr:
    if y.is_zero:
        raise _undefined("a division by zero")
    return x / y


def _undefined(what: str) -> DifferentiationError:
    return DifferentiationError(
        f"{what}, for every argument", remedy="change the formula; NumPy's infinity or NaN has no gradient"
    )


def _logical_and(builder: Builder, x: Tensor, y: Tensor) -> Tensor:
    return _combined(builder, bracket(builder, x), bracket(builder, y))


def _combined(builder: Builder, x: Tensor, y: Tensor) -> Tensor:
    (left, right), indices = builder.broadcast(x, y)
    kind: Kind = bool if x.kind is bool and y.kind is bool else BOOL
    return bracket(builder, Tensor(left * right, indices, kind))


def _logical_or(builder: Builder, x: Tensor, y: Tensor) -> Tensor:
    return complement(builder, _combined(builder, complement(builder, x), complement(builder, y)))


def _logical_xor(builder: Builder, x: Tensor, y: Tensor) -> Tensor:
    left, right = bracket(builder, x), bracket(builder, y)
    exprs, indices = builder.broadcast(left, right)
    return Tensor(builder.atomised(fn.NotEqual(*exprs), BOOL), indices, _combined(builder, left, right).kind)


def _same_truth(builder: Builder, x: Tensor, y: Tensor) -> Tensor:
    return complement(builder, _logical_xor(builder, x, y))


def _binary(lower: Callable[[Builder, Tensor, Tensor], Tensor]) -> Algebra:
    return Algebra(lambda builder, x1, x2: lower(builder, *operands_of(builder, x1, x2)))


def _unary(lower: Callable[[Builder, Tensor], Tensor]) -> Algebra:
    return Algebra(lambda builder, x: lower(builder, tensor_of(builder, x)))


def power(function: Callable[..., Any], kind: Kind | None = None) -> Algebra:
    """``x ** y``: an integer literal is algebra, another number a root, a value of the run ``Power``."""

    def lower(builder: Builder, x1: Any, x2: Any) -> Tensor:
        base, exponent = operands_of(builder, x1, x2)
        row = Elementwise(function, _power_formula, kind=kind)
        if exponent.expr.is_negative and kind is None and _is_integer(base.kind) and _is_integer(exponent.kind):
            return _negative_power(builder, base, exponent)
        return elementwise(builder, row, base, exponent)

    return Algebra(lower)


def _is_integer(kind: Kind) -> bool:
    return kind in (int, bool) if isinstance(kind, type) else kind.kind in "iub"


def _negative_power(builder: Builder, base: Tensor, exponent: Tensor) -> Tensor:
    if not isinstance(base.kind, type):
        raise ArgumentError("NumPy does not raise integers to negative integer powers", remedy="make the base a float")
    return elementwise(builder, Elementwise(operator.pow, _power_formula, kind=float), base, exponent)


def _power_formula(x: Expr, y: Expr) -> Expr:
    if y.is_Rational and (not y.is_Integer or abs(y) <= LARGEST_POWER):
        if x.is_zero and y.is_negative:
            raise _undefined("a negative power of zero")
        return square_root(x) if y == sympy.S.Half else total(sympy.Pow)(x, y).replace(sympy.Abs, fn.Absolute)
    return fn.Power(x, y)


def _reciprocal(builder: Builder, x: Tensor) -> Tensor:
    if _is_integer(x.kind):
        raise NotYetSupported("np.reciprocal of integers rounds towards zero", remedy="write 1 / x")
    return elementwise(builder, Elementwise(np.reciprocal, lambda u: _divided(sympy.S.One, u)), x)


def round_to(builder: Builder, a: Any, decimals: Any = 0, out: Any = None) -> Tensor:
    """``np.round``: flat."""
    unused(out=out)
    digits = static_integer(decimals)
    row = Elementwise(np.round, lambda x: fn.Round(x, digits) if digits else fn.Rint(x))
    return elementwise(builder, row, tensor_of(builder, a))


def _divmod(builder: Builder, x: Any, y: Any) -> tuple[Tensor, ...]:
    left, right = operands_of(builder, x, y)
    return elementwise(builder, FLOOR_DIVIDE, left, right), elementwise(builder, MODULO, left, right)


def _modf(builder: Builder, x: Any) -> tuple[Tensor, ...]:
    whole = elementwise(builder, Elementwise(lambda u: np.modf(u)[1], fn.Trunc), tensor_of(builder, x))
    return elementwise(builder, Elementwise(np.subtract, lambda u, v: u - v), tensor_of(builder, x), whole), whole


def clip(builder: Builder, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **named: Any) -> Tensor:
    """``np.clip``: ``minimum(maximum(a, a_min), a_max)``; NumPy 2 also calls the bounds ``min`` and ``max``."""
    lower, upper = named.pop("min", a_min), named.pop("max", a_max)
    unused(out=out, **named)
    result = tensor_of(builder, a)
    for bound, row in ((lower, MAXIMUM), (upper, MINIMUM)):
        if bound is not None:
            result = elementwise(builder, row, result, tensor_of(builder, bound))
    return result


def _nan_to_num(
    builder: Builder, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Tensor:
    unused(posinf=posinf, neginf=neginf, copy=None if copy else "False")
    return elementwise(builder, Elementwise(np.nan_to_num, fn.NanToNum), tensor_of(builder, x), tensor_of(builder, nan))


def isclose(builder: Builder, a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Tensor:
    """``np.isclose``: a bracket."""
    unused(equal_nan=equal_nan or None)
    x, y, relative, absolute = operands_of(builder, a, b, rtol, atol)
    row = Elementwise(
        np.isclose, lambda u, v, r, t: fn.LessEqual(fn.Absolute(u - v), t + r * fn.Absolute(v)), kind=BOOL
    )
    return elementwise(builder, row, x, y, relative, absolute)


def _constant(value: int) -> Callable[[Expr], Expr]:
    return lambda _: sympy.Integer(value)


MAXIMUM = Elementwise(np.maximum, fn.Maximum, logical=_logical_or)
MINIMUM = Elementwise(np.minimum, fn.Minimum, logical=_logical_and)
FLOOR_DIVIDE = Elementwise(np.floor_divide, fn.FloorDivide)
MODULO = Elementwise(np.mod, fn.Modulo)

Rows = dict[str, tuple[Any, ...]]

FORMULAS: Rows = {
    "absolute": (fn.Absolute,),
    "add": (operator.add, _logical_or),
    "angle": (fn.Angle,),
    "arccos": (total(sympy.acos),),
    "arccosh": (total(sympy.acosh),),
    "arcsin": (total(sympy.asin),),
    "arcsinh": (sympy.asinh,),
    "arctan": (sympy.atan,),
    "arctan2": (fn.ArcTan2,),
    "arctanh": (total(sympy.atanh),),
    "bitwise_and": (fn.BitAnd, _logical_and),
    "bitwise_count": (fn.BitCount,),
    "bitwise_or": (fn.BitOr, _logical_or),
    "bitwise_xor": (fn.BitXor, _logical_xor),
    "cbrt": (fn.Cbrt,),
    "ceil": (fn.Ceil,),
    "conjugate": (lambda x: x,),
    "copysign": (fn.CopySign,),
    "cos": (sympy.cos,),
    "cosh": (sympy.cosh,),
    "deg2rad": (lambda x: x * sympy.pi / 180,),
    "degrees": (lambda x: x * 180 / sympy.pi,),
    "divide": (_divided,),
    "equal": (fn.Equal, _same_truth),
    "exp": (sympy.exp,),
    "exp2": (fn.Exp2,),
    "expm1": (fn.Expm1,),
    "fabs": (fn.Absolute,),
    "fix": (fn.Trunc,),
    "floor": (fn.Floor,),
    "floor_divide": (fn.FloorDivide,),
    "fmax": (fn.FMax, _logical_or),
    "fmin": (fn.FMin, _logical_and),
    "fmod": (fn.FMod,),
    "gcd": (fn.Gcd,),
    "greater": (fn.Greater,),
    "greater_equal": (fn.GreaterEqual,),
    "heaviside": (fn.HeavisideStep,),
    "hypot": (fn.Hypot,),
    "imag": (_constant(0),),
    "invert": (fn.BitNot, complement),
    "iscomplex": (_constant(0),),
    "isfinite": (fn.IsFinite,),
    "isinf": (fn.IsInf,),
    "isnan": (fn.IsNan,),
    "isneginf": (fn.IsNegInf,),
    "isposinf": (fn.IsPosInf,),
    "isreal": (_constant(1),),
    "lcm": (fn.Lcm,),
    "ldexp": (fn.LdExp,),
    "left_shift": (fn.LeftShift,),
    "less": (fn.Less,),
    "less_equal": (fn.LessEqual,),
    "log": (total(sympy.log),),
    "log10": (fn.Log10,),
    "log1p": (fn.Log1p,),
    "log2": (fn.Log2,),
    "logaddexp": (fn.LogAddExp,),
    "logaddexp2": (fn.LogAddExp2,),
    "maximum": (fn.Maximum, _logical_or),
    "minimum": (fn.Minimum, _logical_and),
    "multiply": (operator.mul, _logical_and),
    "negative": (operator.neg,),
    "nextafter": (fn.NextAfter,),
    "not_equal": (fn.NotEqual, _logical_xor),
    "positive": (lambda x: x,),
    "rad2deg": (lambda x: x * 180 / sympy.pi,),
    "radians": (lambda x: x * sympy.pi / 180,),
    "real": (lambda x: x,),
    "remainder": (fn.Modulo,),
    "right_shift": (fn.RightShift,),
    "rint": (fn.Rint,),
    "sign": (fn.Sign,),
    "signbit": (fn.SignBit,),
    "sin": (sympy.sin,),
    "sinc": (fn.Sinc,),
    "sinh": (sympy.sinh,),
    "spacing": (fn.Spacing,),
    "sqrt": (square_root,),
    "square": (lambda x: x**2,),
    "subtract": (operator.sub,),
    "tan": (sympy.tan,),
    "tanh": (sympy.tanh,),
    "trunc": (fn.Trunc,),
}
"""NumPy's elementwise functions: the formula, and what it is for booleans where that differs."""

OPERATORS: Rows = {
    "abs": (fn.Absolute,),
    "add": (operator.add, _logical_or),
    "and_": (fn.BitAnd, _logical_and),
    "eq": (fn.Equal, _same_truth),
    "floordiv": (fn.FloorDivide,),
    "ge": (fn.GreaterEqual,),
    "gt": (fn.Greater,),
    "invert": (fn.BitNot, complement),
    "le": (fn.LessEqual,),
    "lshift": (fn.LeftShift,),
    "lt": (fn.Less,),
    "mod": (fn.Modulo,),
    "mul": (operator.mul, _logical_and),
    "ne": (fn.NotEqual, _logical_xor),
    "neg": (operator.neg,),
    "or_": (fn.BitOr, _logical_or),
    "pos": (lambda x: x,),
    "rshift": (fn.RightShift,),
    "sub": (operator.sub,),
    "truediv": (_divided,),
    "xor": (fn.BitXor, _logical_xor),
}
"""Python's operators."""

LOWERED: dict[str, Row] = {
    "around": Algebra(round_to),
    "clip": Algebra(clip),
    "divmod": Algebra(_divmod),
    "float_power": power(np.float_power, np.dtype(np.float64)),
    "isclose": Algebra(isclose),
    "logical_and": _binary(_logical_and),
    "logical_not": _unary(complement),
    "logical_or": _binary(_logical_or),
    "logical_xor": _binary(_logical_xor),
    "modf": Algebra(_modf),
    "nan_to_num": Algebra(_nan_to_num),
    "power": power(np.power),
    "reciprocal": _unary(_reciprocal),
    "round": Algebra(round_to),
}
"""NumPy's elementwise functions that look at more than formulas."""


def rows_of(module: Any, rows: Rows) -> dict[Any, Row]:
    """Elementwise rows by function, for the names that the module has."""
    found: dict[Any, Row] = {}
    for name, (formula, *logical) in rows.items():
        function = getattr(module, name, None)
        if function is not None:
            found[function] = Elementwise(function, formula, logical=logical[0] if logical else None)
    return found


TABLE: dict[Any, Row] = {
    **rows_of(np, FORMULAS),
    **rows_of(operator, OPERATORS),
    **{getattr(np, name): row for name, row in LOWERED.items() if hasattr(np, name)},
    operator.pow: power(operator.pow),
    operator.not_: _unary(complement),
    operator.truth: _unary(bracket),
    builtins.abs: Elementwise(builtins.abs, fn.Absolute),
    builtins.divmod: Algebra(_divmod),
    builtins.pow: power(operator.pow),
}
"""The rows of this file, by function object."""
