"""The numerical contract: dtypes, kinks and ties, extreme values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from differences import check_close, expected_gradient, normal
from test_golden import NAMES, program

import symgrad
from symgrad.verification import is_real, leaves, rebuilt

EXTREME = (-1000.0, -800.0, -50.0, 0.0, 50.0, 800.0, 1000.0)
SIGNATURES = [np.float32, np.float64]


def in_single(args: Any) -> Any:
    return rebuilt(
        list(args), (np.asarray(leaf, np.float32)[()] if is_real(leaf) else leaf for leaf in leaves(list(args)))
    )


# Types.


def softplus(x):
    return np.sum(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


def with_constants(x):
    return np.sum(0.5 * x**2 + 2 * np.sin(x) / 3 - np.pi * x)


def with_eye(x):
    return np.sum((x + np.eye(x.shape[0])) ** 2 * np.arange(x.shape[0]))


def with_reductions(x):
    return np.sum(x.std(axis=0) * x.max(axis=0) + x.mean(axis=0) * np.prod(x, axis=0)) + np.linalg.norm(x)


def with_linear_algebra(x):
    a = x @ x.T + np.eye(x.shape[0], dtype=x.dtype)
    return np.linalg.slogdet(a)[1] + np.sum(np.linalg.inv(a)) + np.sum(np.linalg.solve(a, x))


def with_choices(x):
    return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), x) + np.clip(x, -0.5, 0.5) + np.maximum(x, 0.1))


def with_powers(x):
    return np.sum(x**3 + np.abs(x) ** 2.5 + np.exp2(x) + np.logaddexp(x, 0.0) + np.hypot(x, 1.0) + np.sinc(x))


def with_moves(x):
    return np.sum(np.concatenate([x, 2 * x], axis=1)[:, ::2] * np.stack([x[:, 0], x[:, 1], x[:, 2]], axis=1))


def with_pieces(x):
    return np.sum(x[1:] * x[:-1]) + np.sum(x.reshape(-1)[::2]) + np.sum(np.tril(x)) + np.trace(x)


SINGLE = [
    *(softplus, with_constants, with_reductions, with_linear_algebra, with_choices, with_powers, with_moves),
    *(with_eye, with_pieces),
]


@pytest.mark.parametrize("function", SINGLE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", SIGNATURES)
def test_dtype_of_an_array_is_that_of_its_gradient(function: Any, dtype: Any) -> None:
    x = normal(3, 3, dtype=dtype)
    value, gradient = symgrad.value_and_grad(function)(x)
    assert value == function(x)
    assert type(value) is type(function(x))
    assert gradient.dtype == dtype
    check_close(gradient, expected_gradient(function, (x.astype(float),), 0)[0], 1e-5 if dtype is np.float32 else 1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_of_the_golden_programs(name: str) -> None:
    module = program(name)
    double = module.example(np.random.default_rng(2))
    args = in_single(double)
    value, found = symgrad.value_and_grad(module.loss, argnums=module.ARGNUMS)(*args)
    expected = symgrad.grad(module.loss, argnums=module.ARGNUMS)(*double)
    assert value == module.loss(*args)
    for mine, right in zip(leaves(found), leaves(expected), strict=True):
        assert np.asarray(mine).dtype == np.float32
        check_close(mine, right, 1e-3)


def product(x, y):
    return np.sum(np.tanh(x) * y)


@pytest.mark.parametrize("other", [np.float64, np.float32, np.int64, np.bool_, np.uint8])
def test_gradient_is_of_the_arguments_dtype_whatever_the_data(other: Any) -> None:
    x, y = normal(3, 4, dtype=np.float32), normal(4).astype(other)
    gradient = symgrad.grad(product)(x, y)
    assert gradient.dtype == np.float32
    check_close(gradient, (1 - np.tanh(x) ** 2) * y.astype(float), 1e-5)


def test_each_gradient_has_its_own_dtype() -> None:
    x, y = normal(3, 4, dtype=np.float32), normal(4)
    dx, dy = symgrad.grad(product, argnums=(0, 1))(x, y)
    assert (dx.dtype, dy.dtype) == (np.float32, np.float64)
    dx, dy = symgrad.grad(product, argnums=(0, 1))(x, 1.5)
    assert (dx.dtype, np.shape(dy)) == (np.float32, ())
    assert isinstance(dy, float | np.floating)


def polynomial(x, y):
    return x**3 * y - y / x + abs(x) * 2


def of_math(x, y):
    return math.exp(x) * math.sin(y) + math.log(x) + math.sqrt(x * y) + math.tanh(y) + math.hypot(x, y) + math.pow(x, y)


def of_choices(x, y):
    return max(x, y) * min(x, 2.0) + math.fabs(x - y) + (max(y, x))


def of_powers(x, y):
    return x**y + 2.0**x + x**-2 + y**0.5


@pytest.mark.parametrize("function", [polynomial, of_math, of_powers, of_choices])
def test_numbers_stay_numbers(function: Any) -> None:
    value, gradients = symgrad.value_and_grad(function, argnums=(0, 1))(1.5, 2.5)
    assert type(value) is float
    assert value == function(1.5, 2.5)
    for position, gradient in enumerate(gradients):
        assert type(gradient) is float
        check_close(gradient, expected_gradient(function, (1.5, 2.5), position)[0], 1e-9)


@pytest.mark.parametrize("function", [polynomial, of_powers])
@pytest.mark.parametrize("dtype", SIGNATURES)
def test_numpy_scalars_stay_numpy_scalars(function: Any, dtype: Any) -> None:
    for gradient in symgrad.grad(function, argnums=(0, 1))(dtype(1.5), dtype(2.5)):
        assert type(gradient) is dtype
    for gradient in symgrad.grad(function, argnums=(0, 1))(np.array(1.5, dtype), np.array(2.5, dtype)):
        assert gradient.shape == ()
        assert gradient.dtype == dtype


def test_a_large_array_of_halves_stays_single() -> None:
    def mean_of_squares(x):
        return 0.5 * np.mean((x - x.mean()) ** 2) / x.size

    x = normal(50, dtype=np.float32)
    assert symgrad.grad(mean_of_squares)(x).dtype == np.float32


def test_an_integer_that_is_differentiated() -> None:
    def square(x):
        return x * x

    assert symgrad.grad(square)(3) == 6.0


def of_literals(x, y):
    return (
        x * y * np.hypot(3.0, 4.0) - x * np.cbrt(8.0) - y * np.logaddexp(1.0, 2.0) * np.log2(8.5) * math.ldexp(1.5, 2)
    )


def of_more_literals(x, y):
    return x * np.sinc(0.3) - x * y * np.exp2(0.3) * np.arctan2(1.0, 2.0) * math.gamma(2.5) - math.copysign(x, -2.0)


@pytest.mark.parametrize("function", [of_literals, of_more_literals])
def test_functions_of_literals_are_constants(function: Any) -> None:
    for position, gradient in enumerate(symgrad.grad(function, argnums=(0, 1))(1.5, 2.5)):
        check_close(gradient, expected_gradient(function, (1.5, 2.5), position)[0], 1e-9)


# Kinks and ties.

KINKS = [
    (lambda x: np.sum(np.abs(x)), [0.0, -1.0, 2.0], [0.0, -1.0, 1.0]),
    (lambda x: np.sum(np.maximum(x, 0)), [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
    (lambda x: np.sum(np.maximum(0.0, x)), [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
    (lambda x: np.sum(np.minimum(x, 0)), [0.0, -1.0, 2.0], [0.0, 1.0, 0.0]),
    (lambda x: np.sum(x * (x > 0)), [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
    (lambda x: np.sum(np.where(x > 0, x, 0)), [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
    (lambda x: np.sum(np.maximum(x, x[::-1])), [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]),
    (lambda x: np.maximum(x[0], x[1]), [2.0, 2.0], [0.5, 0.5]),
    (lambda x: np.minimum(x[0], x[1]), [2.0, 2.0], [0.5, 0.5]),
    (lambda x: np.fmax(x[0], x[1]), [2.0, 2.0], [0.5, 0.5]),
    (lambda x: 1.0 * np.max(x), [2.0, 1.0, 2.0], [0.5, 0.0, 0.5]),
    (lambda x: 1.0 * np.min(x), [2.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
    (lambda x: 1.0 * np.max(x), [3.0, 3.0, 3.0, 3.0], [0.25] * 4),
    (lambda x: 1.0 * np.ptp(x), [3.0, 1.0, 1.0, 3.0], [0.5, -0.5, -0.5, 0.5]),
    (lambda x: np.sum(np.clip(x, 0, 1)), [0.0, 1.0, 0.5, -1.0, 2.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
    (lambda x: np.sum(np.clip(x, None, 1)), [0.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    (lambda x: np.sum(np.sign(x) * x), [0.0, -1.0, 2.0], [0.0, -1.0, 1.0]),
    (lambda x: np.sum(np.sign(x)), [0.0, -1.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.sum(np.floor(x)), [0.0, -1.5, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: 1.0 * np.prod(x), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    (lambda x: 1.0 * np.prod(x), [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    (lambda x: 1.0 * np.linalg.norm(x), [0.0, 0.0], [0.0, 0.0]),
    (lambda x: 1.0 * np.linalg.norm(x), [3.0, 4.0], [0.6, 0.8]),
    (lambda x: 1.0 * np.std(x), [2.0, 2.0], [0.0, 0.0]),
    (lambda x: np.hypot(x[0], x[1]), [0.0, 0.0], [0.0, 0.0]),
    (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), [0.0, 4.0, -1.0], [0.0, 0.25, 0.0]),
    (lambda x: np.sum(np.where(x > 0, np.log(x), 0)), [0.0, 4.0, -1.0], [0.0, 0.25, 0.0]),
    (lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)), [0.0, 4.0, -1.0], [0.0, 0.25, 0.0]),
    (lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)), [0.0, math.pi], [0.0, -1 / math.pi]),
    (lambda x: np.sum(np.where(x == 0, 1.0, 1 / x)), [0.0, 2.0], [0.0, -0.25]),
    (lambda x: np.sum(np.where(np.abs(x) < 1, np.arccos(x), 0.0)), [1.0, 2.0, 0.0], [0.0, 0.0, -1.0]),
    (lambda x: np.sum(np.where(x > 0, np.sqrt(x), np.sqrt(-x))), [4.0, -4.0], [0.25, -0.25]),
    (lambda x: np.sum(np.where(x < 100, np.exp(x), x)), [1000.0, 0.0], [1.0, 1.0]),
    (lambda x: np.sum(np.sqrt(np.where(x > 0, x, 1.0))), [0.0, 4.0], [0.0, 0.25]),
    (lambda x: np.sum(x**0), [0.0, -1.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.sum(x**1), [0.0, -1.0, 2.0], [1.0, 1.0, 1.0]),
    (lambda x: np.sum(x**2), [0.0, -1.0, 2.0], [0.0, -2.0, 4.0]),
    (lambda x: np.sum(x**2.0), [0.0, -1.0, 2.0], [0.0, -2.0, 4.0]),
    (lambda x: np.sum(x**3), [0.0, -1.0, 2.0], [0.0, 3.0, 12.0]),
    (lambda x: np.sum(np.power(x, 2)), [0.0, -1.0, 2.0], [0.0, -2.0, 4.0]),
    (lambda x: np.sum(np.sinc(x)), [0.0, 1.0], [0.0, -1.0]),
    (lambda x: np.sum(np.nan_to_num(x)), [np.nan, 1.0, np.inf], [0.0, 1.0, 0.0]),
    (lambda x: np.sum(np.abs(x) ** 1.5), [0.0, 4.0], [0.0, 3.0]),
    (lambda x: np.sqrt(np.sum(x * x)), [3.0, 4.0], [0.6, 0.8]),
    (lambda x: np.sum(np.logical_and(x > 0, x < 1) * x), [0.5, 0.0, 2.0], [1.0, 0.0, 0.0]),
]


@pytest.mark.parametrize(("function", "at", "expected"), KINKS, ids=[str(k) for k in range(len(KINKS))])
@pytest.mark.parametrize("dtype", SIGNATURES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_kinks(function: Any, at: Any, expected: Any, dtype: Any) -> None:
    found = symgrad.grad(function)(np.array(at, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def power(x, y):
    return x**y


@pytest.mark.parametrize("kind", [float, np.float64, np.float32, np.array])
@pytest.mark.parametrize(
    ("x", "y", "slopes"),
    [
        (0.0, 2.0, (0.0, 0.0)),
        (0.0, 1.0, (1.0, 0.0)),
        (2.0, 0.0, (0.0, math.log(2))),
        (0.0, 0.0, (0.0, 0.0)),
        (1.0, 3.0, (3.0, 0.0)),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_powers_at_the_edges(x: float, y: float, slopes: Any, kind: Any) -> None:
    np.testing.assert_allclose(symgrad.grad(power, argnums=(0, 1))(kind(x), kind(y)), slopes, rtol=1e-6)


def test_negative_base_of_a_data_exponent() -> None:
    assert symgrad.grad(power)(-2.0, 3.0) == 12.0
    assert symgrad.grad(power)(-2.0, 3) == 12.0
    assert symgrad.grad(power)(np.array(-2.0), 2) == -4.0


def numbers_at_a_kink(x, y):
    return abs(x) + math.hypot(x, y) + max(x, y) + max(x, 0.0) + math.fabs(y)


def test_numbers_at_kinks() -> None:
    dx, dy = symgrad.grad(numbers_at_a_kink, argnums=(0, 1))(0.0, 0.0)
    assert (dx, dy) == (0.5, 0.5)
    assert type(dx) is float
    assert type(dy) is float


def test_max_of_a_matrix_splits_ties_in_each_row() -> None:
    def rows(x):
        return np.sum(x.max(axis=1) * np.array([1.0, 10.0]))

    x = np.array([[1.0, 1.0, 0.0], [2.0, 3.0, 3.0]])
    assert symgrad.grad(rows)(x).tolist() == [[0.5, 0.5, 0.0], [0.0, 5.0, 5.0]]


# Extreme values.


def sigmoid_of(x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def slope_of_sigmoid(x: Any) -> Any:
    return sigmoid_of(x) * sigmoid_of(-x)


def slope_of_tanh(x: Any) -> Any:
    return 4 * sigmoid_of(2 * x) * sigmoid_of(-2 * x)


SAFE = {
    "log(1 + exp(x))": (lambda x: np.sum(np.log(1 + np.exp(x))), sigmoid_of),
    "log(exp(x) + 1)": (lambda x: np.sum(np.log(np.exp(x) + 1)), sigmoid_of),
    "log1p(exp(x))": (lambda x: np.sum(np.log1p(np.exp(x))), sigmoid_of),
    "log1p(exp(-x))": (lambda x: np.sum(np.log1p(np.exp(-x))), lambda x: -sigmoid_of(-x)),
    "log(1 + exp(-x))": (lambda x: np.sum(np.log(1 + np.exp(-x))), lambda x: -sigmoid_of(-x)),
    "logaddexp(x, 0)": (lambda x: np.sum(np.logaddexp(x, 0)), sigmoid_of),
    "logaddexp(0, x)": (lambda x: np.sum(np.logaddexp(0.0, x)), sigmoid_of),
    "logaddexp(0, -x)": (lambda x: np.sum(np.logaddexp(0, -x)), lambda x: -sigmoid_of(-x)),
    "1/(1 + exp(-x))": (lambda x: np.sum(1 / (1 + np.exp(-x))), slope_of_sigmoid),
    "exp(x)/(1 + exp(x))": (lambda x: np.sum(np.exp(np.minimum(x, 700)) / (1 + np.exp(np.minimum(x, 700)))), None),
    "1 - 1/(1 + exp(x))": (lambda x: np.sum(1 - 1 / (1 + np.exp(x))), slope_of_sigmoid),
    "(tanh(x/2) + 1)/2": (lambda x: np.sum(0.5 * (np.tanh(x / 2) + 1)), slope_of_sigmoid),
    "tanh(x)": (lambda x: np.sum(np.tanh(x)), slope_of_tanh),
    "1/(1 + exp(-x)) squared": (
        lambda x: np.sum((1 / (1 + np.exp(-x))) ** 2),
        lambda x: 2 * sigmoid_of(x) * slope_of_sigmoid(x),
    ),
    "log of sigmoid": (lambda x: np.sum(np.log(1 / (1 + np.exp(-x)))), lambda x: sigmoid_of(-x)),
    "maximum + log1p": (lambda x: np.sum(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))), None),
    "silu": (lambda x: np.sum(x / (1 + np.exp(-x))), lambda x: sigmoid_of(x) + x * slope_of_sigmoid(x)),
    "arctan": (lambda x: np.sum(np.arctan(x)), lambda x: 1 / (1 + x * x)),
    "arcsinh": (lambda x: np.sum(np.arcsinh(x)), lambda x: 1 / np.sqrt(1 + x * x)),
    "exp(-x*x)": (lambda x: np.sum(np.exp(-x * x)), lambda x: -2 * x * np.exp(-x * x)),
    "sqrt(1 + x*x)": (lambda x: np.sum(np.sqrt(1 + x * x)), lambda x: x / np.sqrt(1 + x * x)),
    "softplus with a threshold": (
        lambda x: np.sum(np.where(x > 30, x, np.log1p(np.exp(np.minimum(x, 30))))),
        None,
    ),
}


def absolute(name: str, rounding: float) -> float:
    """Slopes of the form ``1 - t*t`` and ``s - s*s`` are exact up to the rounding of one."""
    return rounding if "tanh" in name or "1/(1 + exp" in name or name == "silu" else 1e-300


@pytest.mark.parametrize("name", sorted(SAFE))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_extreme_values_have_finite_gradients(name: str) -> None:
    function, slope = SAFE[name]
    x = np.array(EXTREME)
    found = symgrad.grad(function)(x)
    assert np.all(np.isfinite(found)), found
    if slope is not None:
        np.testing.assert_allclose(found, slope(x), rtol=1e-12, atol=absolute(name, 1e-16))
    for entry, expected in zip(x, found, strict=True):
        assert symgrad.grad(function)(np.array([entry])) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", sorted(SAFE))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_extreme_values_in_single_precision(name: str) -> None:
    function, slope = SAFE[name]
    x = np.array(EXTREME, np.float32)
    found = symgrad.grad(function)(x)
    assert found.dtype == np.float32
    assert np.all(np.isfinite(found)), found
    if slope is not None:
        np.testing.assert_allclose(found, slope(x.astype(float)), rtol=1e-5, atol=absolute(name, 1e-7))


def slope_of_density(x: Any) -> Any:
    return slope_of_sigmoid(x) * (sigmoid_of(-x) - sigmoid_of(x))


def density_of_logistic(x):
    e = np.exp(x)
    return np.sum(e / (1 + e) ** 2)


def tanh_of_exponentials(x):
    e = np.exp(2 * x)
    return np.sum((e - 1) / (e + 1))


def swish_of_exponentials(x):
    e = np.exp(x)
    return np.sum(x * e / (1 + e))


SMALL_EXPONENTIALS = {
    "sigmoid": (lambda x: np.sum(np.exp(x) / (1 + np.exp(x))), slope_of_sigmoid),
    "mirrored": (lambda x: np.sum(np.exp(-x) / (np.exp(-x) + 1)), lambda x: -slope_of_sigmoid(x)),
    "square": (lambda x: np.sum((np.exp(x) / (1 + np.exp(x))) ** 2), lambda x: 2 * sigmoid_of(x) * slope_of_sigmoid(x)),
    "density": (density_of_logistic, slope_of_density),
    "tanh": (tanh_of_exponentials, slope_of_tanh),
    "swish": (swish_of_exponentials, lambda x: sigmoid_of(x) + x * slope_of_sigmoid(x)),
}


@pytest.mark.parametrize("name", sorted(SMALL_EXPONENTIALS))
def test_slopes_as_small_as_an_exponential_have_all_digits(name: str) -> None:
    function, slope = SMALL_EXPONENTIALS[name]
    x = np.array([-300.0, -40.0, -20.0, -3.0, 0.5, 3.0, 20.0, 40.0, 300.0])
    found = symgrad.grad(function)
    np.testing.assert_allclose(found(x), slope(x), rtol=1e-12)
    np.testing.assert_allclose([found(x[k : k + 1])[0] for k in range(x.size)], slope(x), rtol=1e-12)


def test_the_second_derivative_has_the_digits_of_a_small_exponential() -> None:
    x = np.array([-300.0, -40.0, -20.0, -3.0, 0.5, 3.0, 20.0, 40.0, 300.0])
    found = symgrad.hvp(SMALL_EXPONENTIALS["sigmoid"][0])(x, np.ones_like(x))
    np.testing.assert_allclose(found, slope_of_density(x), rtol=1e-12)


def focal_loss(z, y, g):
    p = 1 / (1 + np.exp(-z))
    pt = np.where(y == 1, p, 1 - p)
    return np.mean(-((1 - pt) ** g) * np.log(pt))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_exponential_that_overflows_meets_its_divisor_in_a_named_product() -> None:
    z, y = np.array([-800.0, 3.0, 0.5]), np.array([0, 1, 0])
    value, gradient = symgrad.value_and_grad(focal_loss)(z, y, 2.0)
    s, r = sigmoid_of(z), sigmoid_of(-z)
    slopes = np.where(y == 1, 2 * r * r * s * np.log(s) - r**3, s**3 - 2 * s * s * r * np.log(r)) / 3
    assert value == focal_loss(z, y, 2.0)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12, atol=1e-300)


def stable_log_sum_exp(x):
    m = np.max(x, axis=-1, keepdims=True)
    return np.sum(np.log(np.sum(np.exp(x - m), axis=-1)) + m[..., 0])


def naive_log_sum_exp(x):
    return np.sum(np.log(np.sum(np.exp(x), axis=-1)))


def log_softmax(x):
    m = np.max(x, axis=-1, keepdims=True)
    z = x - m
    return np.sum((z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True)))[..., 0])


def naive_log_softmax(x):
    e = np.exp(x)
    return np.sum(np.log(e / e.sum(axis=-1, keepdims=True))[..., 0])


def cross_entropy(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return np.sum(np.log(p)[..., 0])


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def first_minus_softmax(x: np.ndarray) -> np.ndarray:
    return np.eye(x.shape[-1])[0] - softmax(x)


ROWS = np.array([[a, b, 0.5] for a in EXTREME for b in EXTREME])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (stable_log_sum_exp, softmax),
        (log_softmax, first_minus_softmax),
        (cross_entropy, first_minus_softmax),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_log_sum_exp_is_safe(function: Any, expected: Any) -> None:
    found = symgrad.grad(function)(ROWS)
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, expected(ROWS), rtol=1e-11, atol=1e-300)
    single = symgrad.grad(function)(ROWS.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected(ROWS), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(
    ("function", "expected"), [(naive_log_sum_exp, softmax), (naive_log_softmax, first_minus_softmax)]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_naive_log_sum_exp_is_right_where_it_is_finite(function: Any, expected: Any) -> None:
    finite = ROWS[[bool(np.isfinite(function(row))) for row in ROWS]]
    assert len(finite) > 10
    np.testing.assert_allclose(symgrad.grad(function)(finite), expected(finite), rtol=1e-11, atol=1e-300)


def number_log1p_exp(x):
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0)


@pytest.mark.parametrize("x", [value for value in EXTREME if value])
def test_extreme_numbers(x: float) -> None:
    assert symgrad.grad(number_log1p_exp)(x) == pytest.approx(float(sigmoid_of(np.array(x))), rel=1e-12, abs=1e-300)


def test_integers_are_converted_before_anything_is_computed():
    np.testing.assert_allclose(symgrad.grad(lambda x: (1 / (x * x * x)).sum())(np.array([100000])), [-3e-20])
    assert symgrad.grad(lambda x: (x * x).sum())(np.arange(3)).dtype == np.float64
    assert type(symgrad.grad(lambda x: x * x)(3)) is float


def _by_zero(x):
    return np.sum(x / 0.0)


def _of_a_difference(x):
    return np.sum(1 / (x - x))


def _logarithm_of_zero(x):
    y = 0 * x
    return np.sum(np.log(y) + x)


@pytest.mark.parametrize("function", [_by_zero, _of_a_difference, _logarithm_of_zero])
def test_what_is_undefined_everywhere_is_refused(function):
    with pytest.raises(symgrad.DifferentiationError) as caught:
        symgrad.grad(function)(np.ones(2))
    assert caught.value.span is not None
    assert caught.value.remedy


def squared_often(x):
    for _ in range(3):
        for _ in range(3):
            x = x**2
    return np.exp(-(x**2))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(np.exp(x * 1e308 * 10)),
        lambda x: np.sum((x * 1e-200) ** 2),
        lambda x: np.sum(squared_often(x + x)),
    ],
)
def test_constants_that_no_float_holds_are_refused(function) -> None:
    """A derivative with infinity or zero in its place would be wrong where the function is finite."""
    with pytest.raises(symgrad.DifferentiationError, match="which no float can hold") as caught:
        symgrad.grad(function)(np.array([0.2, 0.4]))
    assert caught.value.span is not None
