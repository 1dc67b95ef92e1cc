"""Every elementwise row: the value of its formula, and its derivative against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from brute_force import Evaluator, evaluate

from symgrad.errors import ArgumentError, NoDerivative
from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Bracket
from symgrad.rules import elementwise as rows
from symgrad.rules import functions as fn
from symgrad.rules import mathematics
from symgrad.rules.row import Elementwise, elementwise
from symgrad.rules.table import lookup

ANY = (-2.3, -0.7, 0.4, 1.9)
UNIT = (-0.8, -0.1, 0.3, 0.9)
POSITIVE = (0.2, 0.9, 1.7, 4.1)
ABOVE_ONE = (1.2, 1.9, 3.5)
INTEGERS = (1, 2, 5, 12)
PAIRS = ((-2.3, 1.1), (0.4, -0.7), (1.9, 3.2), (0.6, 0.25))
POSITIVE_PAIRS = ((0.3, 1.1), (2.4, -0.7), (1.9, 3.2))
INTEGER_PAIRS = ((12, 8), (5, 3), (1, 2))
SCALED = ((0.7, 3), (-1.2, -2))
BRACKETED = ((-1.5, 0.5), (0.5, 0.5), (2.0, 0.5))

OF_ANY = """
absolute abs angle arcsinh asinh arctan atan cbrt ceil conjugate cos cosh deg2rad degrees erf erfc
exp exp2 expm1 fabs fix floor imag iscomplex isfinite isinf isnan isneginf isposinf isreal neg
negative pos positive rad2deg radians real rint sign signbit sin sinc sinh square spacing tanh trunc
ulp
"""
OF_UNIT = """
tan arccos acos arcsin asin arctanh atanh log1p
"""
OF_POSITIVE = """
log log10 log2 sqrt gamma lgamma
"""
OF_ABOVE_ONE = """
arccosh acosh
"""
OF_INTEGERS = """
bitwise_count invert
"""
OF_PAIRS = """
add arctan2 atan2 copysign divide truediv equal eq fmax fmin fmod greater gt greater_equal ge hypot
less lt less_equal le logaddexp logaddexp2 maximum minimum mul multiply ne not_equal nextafter mod
remainder sub subtract floor_divide floordiv
"""
OF_INTEGER_PAIRS = """
and_ or_ xor lshift rshift bitwise_and bitwise_or bitwise_xor gcd lcm left_shift right_shift
"""
POINTS: dict[str, tuple] = {
    **dict.fromkeys(OF_ANY.split(), ANY),
    **dict.fromkeys(OF_UNIT.split(), UNIT),
    **dict.fromkeys(OF_POSITIVE.split(), POSITIVE),
    **dict.fromkeys(OF_ABOVE_ONE.split(), ABOVE_ONE),
    **dict.fromkeys(OF_INTEGERS.split(), INTEGERS),
    **dict.fromkeys(OF_PAIRS.split(), PAIRS),
    **dict.fromkeys(OF_INTEGER_PAIRS.split(), INTEGER_PAIRS),
    "heaviside": BRACKETED,
    "ldexp": SCALED,
    "fma": ((1.5, -2.0, 0.3), (0.1, 0.2, 0.3)),
}
CONSTANT_SLOPE = {"ldexp": (1,), "nextafter": (1,), "heaviside": (0,)}
UNKNOWN = {"gamma", "lgamma"}
ROWS = {
    **{f"numpy.{name}": (lookup(getattr(np, name)), name) for name in rows.FORMULAS if hasattr(np, name)},
    **{f"operator.{name}": (rows.TABLE[getattr(rows.operator, name)], name) for name in rows.OPERATORS},
    **{
        f"math.{name}": (mathematics.TABLE[getattr(math, name)], name)
        for name in (*mathematics.FORMULAS, *mathematics.INTEGERS, *mathematics.TRUTHS)
        if hasattr(math, name)
    },
}


def points(name: str) -> list[tuple]:
    assert name in POINTS, f"the row of {name} has no test data"
    return [point if isinstance(point, tuple) else (point,) for point in POINTS[name]]


def operands(builder: Builder, values: tuple) -> list:
    return [builder.input("x", (), type(value)) for value in values]


def value_at(builder: Builder, expr: sympy.Expr, tensors: list, values: tuple) -> float:
    refs = {tensor.expr.ref: np.asarray(value) for tensor, value in zip(tensors, values, strict=True)}
    return float(Evaluator(builder, refs, {}).over(expr, ()))


def unfolded(builder: Builder, expr: sympy.Expr) -> sympy.Expr:
    """The formula over inputs, without names for parts."""
    for entry in expr.atoms(sympy.Symbol):
        body = builder.unfold(entry) if hasattr(entry, "ref") else None
        if body is not None:
            expr = expr.xreplace({entry: unfolded(builder, body)})
    return expr


@pytest.mark.parametrize("label", sorted(ROWS))
def test_value(label: str) -> None:
    row, name = ROWS[label]
    for values in points(name):
        builder = Builder()
        tensors = operands(builder, values)
        result = elementwise(builder, row, *tensors)
        expected = row.function(*values)
        assert value_at(builder, result.expr, tensors, values) == pytest.approx(float(np.real(expected)), rel=1e-14), (
            values
        )
        assert isinstance(expected, np.generic) or result.kind is type(expected)


@pytest.mark.parametrize("label", sorted(ROWS))
def test_derivative(label: str) -> None:
    row, name = ROWS[label]
    for values in points(name):
        if any(isinstance(value, int) for value in values) and name != "ldexp":
            continue
        for position in range(len(values)):
            if name not in UNKNOWN and position not in CONSTANT_SLOPE.get(name, ()):
                check_slope(row, values, position)


def check_slope(row: Elementwise, values: tuple, position: int) -> None:
    builder = Builder()
    tensors = operands(builder, values)
    formula = unfolded(builder, elementwise(builder, row, *tensors).expr)
    slope = formula.diff(tensors[position].expr)

    def along(step: float) -> float:
        moved = list(values)
        moved[position] += step
        return float(np.real(row.function(*moved)))

    size = 1e-3
    coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (size, size / 2))
    expected = (4 * fine - coarse) / 3
    if all(isinstance(part, Bracket) for part in [formula]):
        expected = 0.0
    assert value_at(builder, slope, tensors, values) == pytest.approx(expected, rel=1e-7, abs=1e-8), (values, slope)


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_unknown_derivatives_are_refused(name: str) -> None:
    builder = Builder()
    x = builder.input("x", (), float)
    result = elementwise(builder, mathematics.TABLE[getattr(math, name)], x)
    with pytest.raises(NoDerivative, match="digamma"):
        unfolded(builder, result.expr).diff(x.expr)


KINKS = [
    (fn.Absolute, (0.0,), (0.0,)),
    (fn.Maximum, (0.5, 0.5), (0.5, 0.5)),
    (fn.Minimum, (0.5, 0.5), (0.5, 0.5)),
    (fn.FMax, (math.nan, 0.5), (0.0, 1.0)),
    (fn.FMin, (0.5, math.nan), (1.0, 0.0)),
    (fn.Hypot, (0.0, 0.0), (0.0, 0.0)),
    (fn.Root, (0.0,), (0.0,)),
    (fn.Power, (0.0, 2.0), (0.0, 0.0)),
    (fn.Power, (0.0, 0.0), (0.0, 0.0)),
    (fn.Sinc, (0.0,), (0.0,)),
    (fn.LogAddExp, (1000.0, -1000.0), (1.0, 0.0)),
    (fn.LogAddExp, (-1000.0, -1000.0), (0.5, 0.5)),
    (fn.LogAddExp2, (2000.0, 2000.0), (0.5, 0.5)),
    (sympy.tanh, (1000.0,), (0.0,)),
    (fn.Expm1, (-1000.0,), (0.0,)),
    (sympy.atan, (1e200,), (0.0,)),
    (fn.NanToNum, (math.nan, 0.0), (0.0, 1.0)),
    (fn.HeavisideStep, (0.0, 0.5), (0.0, 1.0)),
]


@pytest.mark.parametrize(("function", "values", "slopes"), KINKS)
def test_edge_points(function, values: tuple, slopes: tuple) -> None:
    builder = Builder()
    tensors = operands(builder, values)
    formula = function(*(tensor.expr for tensor in tensors))
    result = builder.input("r", (), float)
    tensors.append(result)
    known = (*values, float(np.asarray(value_at(builder, formula, tensors[:-1], values))))
    for position, expected in enumerate(slopes, 1):
        slope = sympy.sympify(formula.fdiff(position)).xreplace({formula: result.expr})
        assert value_at(builder, slope, tensors, known) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("x", [0.01, 0.049, 0.051, 0.3, 1e-9])
def test_slope_of_sinc_is_accurate(x: float) -> None:
    u = sympy.Float(x, 60)
    expected = float(sympy.cos(sympy.pi * u) / u - sympy.sin(sympy.pi * u) / (sympy.pi * u**2))
    builder = Builder()
    tensors = operands(builder, (x,))
    slope = fn.Sinc(tensors[0].expr).diff(tensors[0].expr)
    assert value_at(builder, slope, tensors, (x,)) == pytest.approx(expected, rel=1e-12)


def test_against_a_literal_the_slope_at_the_tie_is_zero() -> None:
    x = Builder().input("x", (), float).expr
    assert fn.Maximum(x, 0).diff(x) == fn.Greater(x, 0)
    assert fn.Maximum(0, x).diff(x) == fn.Greater(x, 0)
    assert fn.Minimum(x, 6).diff(x) == fn.Less(x, 6)


def test_every_function_has_a_spelling_and_prints() -> None:
    x = sympy.Symbol("x", real=True)
    for function in fn.SPELLING:
        if issubclass(function, (fn.Formula, fn.Comparison)):
            applied = function(*[x] * int(next(iter(function.nargs))))
            assert str(applied)
            assert sympy.latex(applied)


def test_functions_of_math_take_no_arrays() -> None:
    builder = Builder()
    x = builder.input("x", (sympy.Integer(3),), np.dtype(float))
    with pytest.raises(ArgumentError, match="takes numbers, not arrays"):
        elementwise(builder, mathematics.TABLE[math.exp], x)


POWERS = [2, 3, -1, -2, 0, 1, 0.5, 1.5, -0.5, 2.0, 0.1, 65]


@pytest.mark.parametrize("exponent", POWERS)
@pytest.mark.parametrize("function", [np.power, np.float_power, rows.operator.pow])
def test_powers(function, exponent: float) -> None:
    x = np.array([0.3, 1.2, 2.5])
    assert evaluate(lookup(function).lower, x, exponent) == pytest.approx(function(x, exponent), rel=1e-13)


def test_powers_of_integers() -> None:
    assert evaluate(lookup(np.power).lower, np.array([1, 2, 3]), 2).tolist() == [1, 4, 9]
    with pytest.raises(ArgumentError, match="negative integer powers"):
        evaluate(lookup(np.power).lower, np.array([1, 2, 3]), -2)


FLAGS = np.array([True, True, False, False])
OTHER = np.array([True, False, True, False])
LOGICAL = [
    *(np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.equal),
    *(np.not_equal, np.add, np.multiply, np.maximum, np.minimum),
]


@pytest.mark.parametrize("function", LOGICAL)
def test_booleans(function) -> None:
    row = lookup(function)
    lower = row.lower if not isinstance(row, Elementwise) else lambda builder, *parts: elementwise(builder, row, *parts)
    found = evaluate(lower, FLAGS, OTHER)
    assert found.astype(bool).tolist() == function(FLAGS, OTHER).tolist()


@pytest.mark.parametrize("function", [np.logical_and, np.logical_or, np.logical_xor])
def test_truth_of_numbers(function) -> None:
    x, y = np.array([0.0, 1.0, 2.0, 0.0]), np.array([0.0, 0.0, 3.0, 1.0])
    assert evaluate(lookup(function).lower, x, y).astype(bool).tolist() == function(x, y).tolist()
    assert evaluate(lookup(np.logical_not).lower, x).tolist() == np.logical_not(x).tolist()


def test_subtracting_booleans_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="subtract"):
        evaluate(lambda builder, x, y: elementwise(builder, lookup(np.subtract), x, y), FLAGS, OTHER)


COMPOSED = [
    (np.clip, (np.array([-1.0, 0.5, 3.0]), 0, 2), {}),
    (np.clip, (np.array([-1.0, 0.5, 3.0]), None, 2.0), {}),
    (np.clip, (np.array([-1.0, 0.5, 3.0]), np.array([0.0, 0.6, 0.0]), np.array([1.0, 2.0, 9.0])), {}),
    (np.round, (np.array([0.126, 2.5]),), {}),
    (np.round, (np.array([0.126, 2.5]), 2), {}),
    (np.around, (np.array([0.126, 2.5]), 1), {}),
    (np.divmod, (np.array([-3.5, 2.5]), np.array([2.0, -1.5])), {}),
    (divmod, (np.array([-3.5, 2.5]), 2.0), {}),
    (np.modf, (np.array([-3.5, 2.25]),), {}),
    (np.nan_to_num, (np.array([np.nan, 2.0]),), {}),
    (np.nan_to_num, (np.array([np.nan, 2.0]),), {"nan": 7.0}),
    (np.isclose, (np.array([1.0, 2.0]), np.array([1.0 + 1e-9, 2.1])), {}),
    (np.reciprocal, (np.array([1.0, 2.0]),), {}),
    (np.logical_not, (FLAGS,), {}),
    (pow, (np.array([1.0, 2.0]), 3), {}),
    (math.log, (np.array(3.0), 2), {}),
    (math.log, (np.array(3.0),), {}),
    (math.hypot, (np.array(3.0), np.array(4.0), np.array(1.5)), {}),
    (math.hypot, (np.array(3.0), np.array(4.0)), {}),
    (math.dist, (np.array([3.0, 1.0]), np.array([4.0, 2.5])), {}),
    (math.fsum, (np.array([3.0, 1.0, 0.5]),), {}),
    (math.prod, (np.array([3.0, 1.5, 0.5]),), {"start": 2.0}),
    (math.modf, (np.array(-2.75),), {}),
    (math.pow, (np.array(2.5), np.array(1.5)), {}),
    (math.isclose, (np.array(2.5), np.array(2.5)), {}),
    (sum, (np.array([3.0, 1.5, 0.5]),), {}),
    (max, (np.array([3.0, 1.5, 0.5]),), {}),
    (min, (np.array(3.0), np.array(1.5), np.array(2.0)), {}),
    (round, (np.array(2.5),), {}),
    (float, (np.array(2.5),), {}),
    (int, (np.array(-2.5),), {}),
    (len, (np.array([3.0, 1.5]),), {}),
]
TESTED_ELSEWHERE = {np.power, np.float_power, rows.operator.pow, np.logical_and, np.logical_or, np.logical_xor}


@pytest.mark.parametrize(("function", "arguments", "keywords"), COMPOSED)
def test_composed_functions(function, arguments: tuple, keywords: dict) -> None:
    found = evaluate(lookup(function).lower, *arguments, **keywords)
    plain = [item.item() if isinstance(item, np.ndarray) and not item.ndim else item for item in arguments]
    expected = function(*plain, **keywords)
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=1e-13)


def test_every_composed_row_is_tested() -> None:
    tested = {function for function, _, _ in COMPOSED} | TESTED_ELSEWHERE
    tested |= {rows.operator.not_, rows.operator.truth, getattr(math, "sumprod", None)}
    written = {**rows.TABLE, **mathematics.TABLE}
    missing = [
        f
        for f, row in written.items()
        if not isinstance(row, Elementwise) and hasattr(row, "lower") and f not in tested
    ]
    assert missing == []
