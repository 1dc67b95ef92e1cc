"""The functions that formulas apply to entries, their partial derivatives, and their spelling in NumPy.

SymPy's own functions serve where their arithmetic is safe on real numbers. The others are rows of a table: a name,
NumPy's spelling (``_0``, ``_1`` stand for the arguments), and one partial derivative per argument, written in the
result ``r`` and the arguments. Kinks: ``abs'(0) = 0``; ties of two arrays split evenly; against a number the
derivative at the tie is ``0``. A factor ``Nonzero(u)`` guards a removable pole at ``u = 0``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

import sympy

from symgrad.errors import NoDerivative
from symgrad.ir.tensor import Bracket, Entry, Expr, Wrapped

Partial = Callable[..., Any]
FunctionClass = Any
"""A class of SymPy functions (SymPy has no types)."""

SPELLING: dict[FunctionClass, str] = {Wrapped: "_0 % _1"}
"""NumPy's spelling of every function that occurs in values and derivatives."""

SCALAR_SPELLING: dict[FunctionClass, str] = {}
"""The spelling for Python numbers, where it differs from ``SPELLING``."""


class Formula(sympy.Function):
    """A real function with a row of partial derivatives; ``folded`` is its value at rational numbers, if known."""

    is_real = True
    partials: ClassVar[tuple[Partial, ...]] = ()
    folded: ClassVar[Callable[..., Any] | None] = None

    @classmethod
    def eval(cls, *args: Expr) -> Expr | None:
        return _folded(cls, args)

    def fdiff(self, argindex: int = 1) -> Expr:
        return sympy.sympify(type(self).partials[argindex - 1](self, *self.args))


class Comparison(Bracket):
    """A bracket that compares its arguments."""

    folded: ClassVar[Callable[..., Any] | None] = None

    @classmethod
    def eval(cls, *args: Expr) -> Expr | None:
        """Numbers are compared, irrational ones to thirty digits."""
        numbers = [argument.evalf(30) for argument in args if argument.is_number and argument.is_real]
        known = len(numbers) == len(args) and all(isinstance(number, sympy.Number) for number in numbers)
        return _folded(cls, tuple(map(sympy.Rational, numbers)) if known else args)

    def _eval_power(self, exponent: Expr) -> Expr | None:
        return self if exponent.is_positive else None


def _folded(cls: FunctionClass, args: tuple[Expr, ...]) -> Expr | None:
    if cls.folded is None or not all(argument.is_Rational for argument in args):
        return None
    value = cls.folded(*args)
    if isinstance(value, bool) or value in (sympy.true, sympy.false):
        return sympy.Integer(bool(value))
    return value


def _function(
    name: str,
    spelling: str,
    *partials: Partial,
    scalar: str | None = None,
    folded: Callable[..., Any] | None = None,
    base: FunctionClass = Formula,
) -> FunctionClass:
    """Make a row: a subclass of ``base``."""
    count = len(set(re.findall(r"_\d", spelling)))
    row = {
        "__module__": __name__,
        "nargs": count,
        "partials": partials,
        "folded": None if folded is None else staticmethod(folded),
    }
    made = type(name, (base,), row)
    SPELLING[made] = spelling
    if scalar is not None:
        SCALAR_SPELLING[made] = scalar
    return made


def _bracket(
    name: str, spelling: str, folded: Callable[..., Any] | None = None, scalar: str | None = None
) -> FunctionClass:
    return _function(name, spelling, folded=folded, scalar=scalar, base=Comparison)


def _zero(*_: Expr) -> Expr:
    return sympy.S.Zero


def _unknown(reason: str) -> Partial:
    def partial(*_: Expr) -> Expr:
        raise NoDerivative(reason, remedy="give the derivative with custom_gradient")

    return partial


def _is_literal(argument: Expr) -> bool:
    """Whether an argument is a number in the source, not a value."""
    return not argument.atoms(Entry)


def _chosen(beats: FunctionClass) -> Callable[[Expr, Expr], Expr]:
    """The derivative of a choice between two values with respect to the first."""

    def slope(x: Expr, y: Expr) -> Expr:
        return beats(x, y) if _is_literal(y) else beats(x, y) + Equal(x, y) / 2

    return slope


def _sinc_slope(r: Expr, x: Expr) -> Expr:
    """``(cos(pi x) - sinc(x))/x``, and its series where that cancels."""
    u = sympy.pi * x
    series = -sympy.pi * u * (sympy.Rational(1, 3) - u**2 / 30 + u**4 / 840 - u**6 / 45360)
    near = Less(Absolute(x), sympy.Rational(1, 20))
    far = GreaterEqual(Absolute(x), sympy.Rational(1, 20))
    return near * series + far * Nonzero(x) * (sympy.cos(u) - r) / x


def _power_slope(r: Expr, x: Expr, _y: Expr) -> Expr:
    """``d x**y / dy``, zero where ``x = 0``."""
    if x.is_zero:
        return sympy.S.Zero
    return sympy.nan if x.is_negative else Nonzero(x) * r * sympy.log(x)


def _power(x: Expr, y: Expr) -> Expr:
    return Power(x, y)


def _copied_sign(y: Expr) -> Expr:
    return CopySign(1, y)


def _scale(n: Expr) -> Expr:
    return LdExp(1, n)


def _floor_divided(x: Expr, y: Expr) -> Expr | None:
    return None if y == 0 else sympy.floor(x / y)


def _rint(x: Expr) -> Expr:
    return sympy.Integer(round(x))


def _heaviside(x: Expr, h: Expr) -> Expr:
    return h if x == 0 else sympy.Integer(bool(x > 0))


# Brackets: values 0 and 1, no derivative.
Greater = _bracket("Greater", "_0 > _1", lambda x, y: x > y)
GreaterEqual = _bracket("GreaterEqual", "_0 >= _1", lambda x, y: x >= y)
Less = _bracket("Less", "_0 < _1", lambda x, y: x < y)
LessEqual = _bracket("LessEqual", "_0 <= _1", lambda x, y: x <= y)
Equal = _bracket("Equal", "_0 == _1", lambda x, y: x == y)
NotEqual = _bracket("NotEqual", "_0 != _1", lambda x, y: x != y)
Nonzero = _bracket("Nonzero", "_0 != 0", lambda x: x != 0)
IsNan = _bracket("IsNan", "np.isnan(_0)", lambda _: False, scalar="math.isnan(_0)")
IsInf = _bracket("IsInf", "np.isinf(_0)", lambda _: False, scalar="math.isinf(_0)")
IsFinite = _bracket("IsFinite", "np.isfinite(_0)", lambda _: True, scalar="math.isfinite(_0)")
IsPosInf = _bracket("IsPosInf", "np.isposinf(_0)", lambda _: False)
IsNegInf = _bracket("IsNegInf", "np.isneginf(_0)", lambda _: False)
SignBit = _bracket("SignBit", "np.signbit(_0)", lambda x: x < 0)

# Flat functions: no derivative where they have one.
Sign = _function("Sign", "np.sign(_0)", _zero, folded=sympy.sign)
Floor = _function("Floor", "np.floor(_0)", _zero, scalar="math.floor(_0)", folded=sympy.floor)
Ceil = _function("Ceil", "np.ceil(_0)", _zero, scalar="math.ceil(_0)", folded=sympy.ceiling)
Trunc = _function("Trunc", "np.trunc(_0)", _zero, scalar="math.trunc(_0)", folded=lambda x: sympy.Integer(int(x)))
Rint = _function("Rint", "np.rint(_0)", _zero, scalar="round(_0)", folded=_rint)
Round = _function("Round", "np.round(_0, _1)", _zero, _zero, scalar="round(_0, _1)")
FloorDivide = _function("FloorDivide", "_0 // _1", _zero, _zero, folded=_floor_divided)
Spacing = _function("Spacing", "np.spacing(_0)", _zero, scalar="math.ulp(_0)")
Angle = _function("Angle", "np.angle(_0)", _zero)
BitAnd = _function("BitAnd", "_0 & _1", _zero, _zero)
BitOr = _function("BitOr", "_0 | _1", _zero, _zero)
BitXor = _function("BitXor", "_0 ^ _1", _zero, _zero)
BitNot = _function("BitNot", "~_0", _zero)
BitCount = _function("BitCount", "np.bitwise_count(_0)", _zero)
LeftShift = _function("LeftShift", "_0 << _1", _zero, _zero)
RightShift = _function("RightShift", "_0 >> _1", _zero, _zero)
Gcd = _function("Gcd", "np.gcd(_0, _1)", _zero, _zero, scalar="math.gcd(_0, _1)")
Lcm = _function("Lcm", "np.lcm(_0, _1)", _zero, _zero, scalar="math.lcm(_0, _1)")

# Kinks and choices.
Absolute = _function("Absolute", "np.abs(_0)", lambda _, x: Sign(x), scalar="abs(_0)", folded=abs)
Maximum = _function(
    "Maximum",
    "np.maximum(_0, _1)",
    lambda _, x, y: _chosen(Greater)(x, y),
    lambda _, x, y: _chosen(Greater)(y, x),
    scalar="max(_0, _1)",
    folded=max,
)
Minimum = _function(
    "Minimum",
    "np.minimum(_0, _1)",
    lambda _, x, y: _chosen(Less)(x, y),
    lambda _, x, y: _chosen(Less)(y, x),
    scalar="min(_0, _1)",
    folded=min,
)
FMax = _function(
    "FMax",
    "np.fmax(_0, _1)",
    lambda _, x, y: _chosen(Greater)(x, y) + IsNan(y),
    lambda _, x, y: _chosen(Greater)(y, x) + IsNan(x),
)
FMin = _function(
    "FMin",
    "np.fmin(_0, _1)",
    lambda _, x, y: _chosen(Less)(x, y) + IsNan(y),
    lambda _, x, y: _chosen(Less)(y, x) + IsNan(x),
)
HeavisideStep = _function(
    "HeavisideStep", "np.heaviside(_0, _1)", _zero, lambda _r, x, _h: Equal(x, 0), folded=_heaviside
)
CopySign: FunctionClass = _function(
    "CopySign",
    "np.copysign(_0, _1)",
    lambda _r, x, y: Sign(x) * _copied_sign(y),
    _zero,
    scalar="math.copysign(_0, _1)",
    folded=lambda x, y: None if y == 0 else abs(x) * sympy.sign(y),
)
Modulo = _function(
    "Modulo",
    "_0 % _1",
    lambda *_: 1,
    lambda _, x, y: -FloorDivide(x, y),
    folded=lambda x, y: None if y == 0 else x - y * sympy.floor(x / y),
)
FMod = _function("FMod", "np.fmod(_0, _1)", lambda *_: 1, lambda _, x, y: -Trunc(x / y), scalar="math.fmod(_0, _1)")
Remainder = _function(
    "Remainder",
    "math.remainder(_0, _1)",
    lambda *_: 1,
    lambda _, x, y: -Rint(x / y),
)
NextAfter = _function("NextAfter", "np.nextafter(_0, _1)", lambda *_: 1, _zero, scalar="math.nextafter(_0, _1)")
NanToNum = _function("NanToNum", "np.nan_to_num(_0, nan=_1)", lambda _r, x, _y: IsFinite(x), lambda _r, x, _y: IsNan(x))

# Smooth functions.
Log1p = _function("Log1p", "np.log1p(_0)", lambda _, x: 1 / (1 + x), scalar="math.log1p(_0)")
Expm1 = _function("Expm1", "np.expm1(_0)", lambda r, _: r + 1, scalar="math.expm1(_0)")
Exp2 = _function("Exp2", "np.exp2(_0)", lambda r, _: r * sympy.log(2), scalar="math.exp2(_0)")
Log2 = _function("Log2", "np.log2(_0)", lambda _, x: 1 / (x * sympy.log(2)), scalar="math.log2(_0)")
Log10 = _function("Log10", "np.log10(_0)", lambda _, x: 1 / (x * sympy.log(10)), scalar="math.log10(_0)")
Cbrt = _function("Cbrt", "np.cbrt(_0)", lambda r, _: 1 / (3 * r**2), scalar="math.cbrt(_0)")
Root = _function("Root", "np.sqrt(_0)", lambda r, _: Nonzero(r) / (2 * r), scalar="math.sqrt(_0)")
"""The square root of a sum of squares: its derivative at 0 is taken to be 0."""
Power: FunctionClass = _function(
    "Power",
    "_0 ** _1",
    lambda _r, x, y: Nonzero(y) * y * _power(x, y - 1),
    _power_slope,
)
LogAddExp = _function(
    "LogAddExp",
    "np.logaddexp(_0, _1)",
    lambda _, x, y: 1 / (1 + sympy.exp(y - x)),
    lambda _, x, y: 1 / (1 + sympy.exp(x - y)),
)
LogAddExp2 = _function(
    "LogAddExp2",
    "np.logaddexp2(_0, _1)",
    lambda _, x, y: 1 / (1 + Exp2(y - x)),
    lambda _, x, y: 1 / (1 + Exp2(x - y)),
)
Hypot = _function(
    "Hypot",
    "np.hypot(_0, _1)",
    lambda r, x, _: Nonzero(r) * x / r,
    lambda r, _, y: Nonzero(r) * y / r,
    scalar="math.hypot(_0, _1)",
)
ArcTan2 = _function(
    "ArcTan2",
    "np.arctan2(_0, _1)",
    lambda _, y, x: x / (x**2 + y**2),
    lambda _, y, x: -y / (x**2 + y**2),
    scalar="math.atan2(_0, _1)",
)
LdExp: FunctionClass = _function(
    "LdExp",
    "np.ldexp(_0, _1)",
    lambda _r, _x, n: _scale(n),
    _zero,
    scalar="math.ldexp(_0, _1)",
    folded=lambda x, n: x * 2**n if n.is_Integer else None,
)
Sinc = _function("Sinc", "np.sinc(_0)", _sinc_slope)
Gamma = _function("Gamma", "math.gamma(_0)", _unknown("the derivative of gamma needs digamma, which NumPy lacks"))
LogGamma = _function("LogGamma", "math.lgamma(_0)", _unknown("the derivative of lgamma is digamma, which NumPy lacks"))

SPELLING.update(
    {
        sympy.exp: "np.exp(_0)",
        sympy.log: "np.log(_0)",
        sympy.sin: "np.sin(_0)",
        sympy.cos: "np.cos(_0)",
        sympy.tan: "np.tan(_0)",
        sympy.asin: "np.arcsin(_0)",
        sympy.acos: "np.arccos(_0)",
        sympy.atan: "np.arctan(_0)",
        sympy.sinh: "np.sinh(_0)",
        sympy.cosh: "np.cosh(_0)",
        sympy.tanh: "np.tanh(_0)",
        sympy.asinh: "np.arcsinh(_0)",
        sympy.acosh: "np.arccosh(_0)",
        sympy.atanh: "np.arctanh(_0)",
        sympy.erf: "math.erf(_0)",
        sympy.erfc: "math.erfc(_0)",
        sympy.Abs: "np.abs(_0)",
        sympy.sign: "np.sign(_0)",
        sympy.Max: "max(_0, _1)",
    }
)
SCALAR_SPELLING.update(
    {function: f"math.{function.__name__}(_0)" for function in SPELLING if hasattr(math, function.__name__)}
)
SCALAR_SPELLING[sympy.Abs] = "abs(_0)"
