"""The numerical contract: types, the caller's arrays, kinks, extreme values, odd arrays, containers, captured values."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from differences import check_close, expected_gradient
from test_golden import NAMES, program

import symgrad
from symgrad.verification import is_real, leaves, rebuilt

EXTREME = (-1000.0, -800.0, -50.0, 0.0, 50.0, 800.0, 1000.0)
SIGNATURES = [np.float32, np.float64]


def normal(*shape: int, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


def in_single(args: Any) -> Any:
    return rebuilt(list(args), (np.asarray(leaf, np.float32)[()] if is_real(leaf) else leaf for leaf in leaves(list(args))))


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
    return max(x, y) * min(x, 2.0) + math.fabs(x - y) + (x if x > y else y)


def of_powers(x, y):
    return x**y + 2.0**x + x**-2 + y**0.5


@pytest.mark.parametrize("function", [polynomial, of_math, of_powers])
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

    try:
        found = symgrad.grad(square)(3)
    except symgrad.SymgradError as error:
        assert "float" in str(error) or "real" in str(error)
    else:
        assert found == 6.0


# The caller's arrays.


def identity_like(x, y):
    return np.sum(x * y)


def sums(x, y):
    return np.sum(x) + np.sum(y)


def sum_of_sum(x, y):
    return np.sum(x + y)


def views(x, y):
    return np.sum(x.T @ y) + np.sum(x[::-1] * y) + np.sum(x.reshape(-1))


def halves(x, y):
    return np.sum(np.concatenate([x, y]) * np.concatenate([y, x]))


def mixed(x, y):
    return np.sum(x * y) + np.sum(y.ravel() * x.ravel()) + np.sum(np.where(x > 0, x, y))


def dotted(x, y):
    return x.ravel() @ y.ravel()


def transposed(x, y):
    return np.sum(x.T * y)


def traced(x, y):
    return np.trace(x @ y.T)


ALIASING = [identity_like, sums, sum_of_sum, views, halves, mixed, dotted, transposed, traced]


@pytest.mark.parametrize("transform", [symgrad.grad, symgrad.value_and_grad])
@pytest.mark.parametrize("function", ALIASING, ids=lambda function: function.__name__)
def test_arguments_are_untouched_and_gradients_own_their_memory(function: Any, transform: Any) -> None:
    args = (normal(3, 3), normal(3, 3) + 1)
    copies = [arg.copy() for arg in args]
    for arg in args:
        arg.flags.writeable = False
    found = transform(function, argnums=(0, 1))(*args)
    gradients = found if transform is symgrad.grad else found[1]
    for arg, copy in zip(args, copies, strict=True):
        assert np.array_equal(arg, copy)
    check_apart(gradients, args)
    for position, gradient in enumerate(gradients):
        check_close(gradient, *expected_gradient(function, copies, position))


def check_apart(gradients: Any, args: Any) -> None:
    """Gradients can be written to, and that changes nothing else."""
    arrays = [leaf for leaf in leaves(list(gradients)) if isinstance(leaf, np.ndarray)]
    others = [leaf for leaf in leaves(list(args)) if isinstance(leaf, np.ndarray)]
    for place, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*others, *arrays[:place]])
        assert array.size <= 1 or 0 not in [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1]


@pytest.mark.parametrize("name", NAMES)
def test_golden_programs_leave_their_arguments_alone(name: str) -> None:
    module = program(name)
    args = module.example(np.random.default_rng(3))
    copies = rebuilt(list(args), (np.array(leaf) for leaf in leaves(list(args))))
    found = symgrad.grad(module.loss, argnums=module.ARGNUMS)(*args)
    gradients = found if isinstance(module.ARGNUMS, tuple) else [found]
    check_apart(gradients, args)
    for leaf, copy in zip(leaves(list(args)), leaves(copies), strict=True):
        assert np.array_equal(leaf, copy)


def test_the_gradient_of_a_sum_can_be_written_to() -> None:
    def total(x):
        return np.sum(x)

    def doubled(x):
        return np.sum(x, axis=0) @ np.ones(4)

    for function in (total, doubled):
        x = normal(3, 4)
        first = symgrad.grad(function)(x)
        first += 1
        assert np.array_equal(symgrad.grad(function)(x), np.ones((3, 4)))


def test_a_captured_array_is_not_given_away() -> None:
    weights = normal(3)

    def weighted(x):
        return np.sum(weights * x)

    gradient = symgrad.grad(weighted)(normal(3))
    gradient[0] = 100.0
    assert np.array_equal(symgrad.grad(weighted)(normal(3)), weights)


def test_one_array_as_two_arguments() -> None:
    x = normal(3)
    dx, dy = symgrad.grad(identity_like, argnums=(0, 1))(x, x)
    assert np.array_equal(dx, x)
    assert not np.shares_memory(dx, dy)


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
    (lambda x: np.max(x), [2.0, 1.0, 2.0], [0.5, 0.0, 0.5]),
    (lambda x: np.min(x), [2.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
    (lambda x: np.max(x), [3.0, 3.0, 3.0, 3.0], [0.25] * 4),
    (lambda x: np.ptp(x), [3.0, 1.0, 1.0, 3.0], [0.5, -0.5, -0.5, 0.5]),
    (lambda x: np.sum(np.clip(x, 0, 1)), [0.0, 1.0, 0.5, -1.0, 2.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
    (lambda x: np.sum(np.clip(x, None, 1)), [0.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    (lambda x: np.sum(np.sign(x) * x), [0.0, -1.0, 2.0], [0.0, -1.0, 1.0]),
    (lambda x: np.sum(np.sign(x)), [0.0, -1.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.sum(np.floor(x)), [0.0, -1.5, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.prod(x), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    (lambda x: np.prod(x), [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    (lambda x: np.linalg.norm(x), [0.0, 0.0], [0.0, 0.0]),
    (lambda x: np.linalg.norm(x), [3.0, 4.0], [0.6, 0.8]),
    (lambda x: np.std(x), [2.0, 2.0], [0.0, 0.0]),
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
    [(0.0, 2.0, (0.0, 0.0)), (0.0, 1.0, (1.0, 0.0)), (2.0, 0.0, (0.0, math.log(2))), (0.0, 0.0, (0.0, 0.0)), (1.0, 3.0, (3.0, 0.0))],
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


@pytest.mark.parametrize("name", sorted(SAFE))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_extreme_values_have_finite_gradients(name: str) -> None:
    function, slope = SAFE[name]
    x = np.array(EXTREME)
    found = symgrad.grad(function)(x)
    assert np.all(np.isfinite(found)), found
    if slope is not None:
        np.testing.assert_allclose(found, slope(x), rtol=1e-12, atol=1e-16 if "tanh" in name else 1e-300)
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
        np.testing.assert_allclose(found, slope(x.astype(float)), rtol=1e-5, atol=1e-7 if "tanh" in name else 1e-30)


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
    assert len(finite) > 15
    np.testing.assert_allclose(symgrad.grad(function)(finite), expected(finite), rtol=1e-11, atol=1e-300)


def number_log1p_exp(x):
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0)


@pytest.mark.parametrize("x", [value for value in EXTREME if value])
def test_extreme_numbers(x: float) -> None:
    assert symgrad.grad(number_log1p_exp)(x) == pytest.approx(float(sigmoid_of(np.array(x))), rel=1e-12, abs=1e-300)


# Data, and odd arrays.


def chosen(x, index):
    return np.sum(np.sin(x[np.arange(x.shape[0]), index]))


def weighted(x, weight):
    return np.sum(np.sin(x) * weight)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.int8])
def test_integer_arrays_are_data(dtype: Any) -> None:
    x, index = normal(4, 3), np.array([2, 0, 0, 1], dtype)
    expected = np.zeros((4, 3))
    expected[np.arange(4), index] = np.cos(x[np.arange(4), index])
    assert np.array_equal(symgrad.grad(chosen)(x, index), expected)
    np.testing.assert_allclose(symgrad.grad(weighted)(x.T, index), np.cos(x.T) * index, rtol=1e-14)


def test_masks_are_data() -> None:
    def masked(x, mask):
        return np.sum(np.where(mask, np.exp(x), 0.0)) + np.sum(x * mask) + np.sum(x[0] * ~mask[0])

    x, mask = normal(2, 3), np.array([[True, False, True], [False, False, True]])
    found = symgrad.grad(masked)(x, mask)
    expected = np.where(mask, np.exp(x), 0.0) + mask
    expected[0] += ~mask[0]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_repeated_indices_add_up() -> None:
    def gathered(x, index):
        return np.sum(np.sin(x[index]))

    x, index = normal(3), np.array([0, 2, 2, 2])
    np.testing.assert_allclose(symgrad.grad(gathered)(x, index), np.cos(x) * [1, 0, 3], rtol=1e-14)


def several(x, y):
    z = x @ y
    return np.sum(np.sin(z)) + np.sum(x[1:, ::2] * 2) + np.sum(x.reshape(-1)[:4]) + np.sum(np.maximum(x, 0.5))


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
    "transposed": lambda x: x.T.copy().T,
    "inner of a larger": lambda x: np.pad(x, 2)[2:-2, 2:-2],
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_layouts_in_memory(layout: str) -> None:
    x, y = normal(4, 4), normal(4, 2)
    expected = symgrad.grad(several, argnums=(0, 1))(x, y)
    given = [LAYOUTS[layout](x), LAYOUTS[layout](y)]
    try:
        found = symgrad.grad(several, argnums=(0, 1))(*given)
    except symgrad.SymgradError:
        assert layout == "swapped bytes"
        return
    for mine, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-13)
    check_apart(found, given)


def mean_square(x, w):
    return np.sum((x @ w) ** 2) + np.sum(np.exp(x)) + np.sum(w * 3)


@pytest.mark.parametrize("shapes", [((0, 3), (3,)), ((4, 0), (0,)), ((0, 0), (0,))])
def test_arrays_of_no_elements(shapes: Any) -> None:
    x, w = (np.ones(shape) for shape in shapes)
    value, (dx, dw) = symgrad.value_and_grad(mean_square, argnums=(0, 1))(x, w)
    assert value == mean_square(x, w)
    assert (dx.shape, dw.shape) == shapes
    np.testing.assert_allclose(dw, np.full(shapes[1], 3.0))


def test_empty_arrays_after_others() -> None:
    derivative = symgrad.grad(mean_square, argnums=(0, 1))
    for rows, columns in [(2, 3), (0, 3), (1, 3), (2, 0), (1, 1), (5, 1), (0, 1)]:
        x, w = normal(rows, columns), normal(columns)
        for position, gradient in enumerate(derivative(x, w)):
            assert gradient.shape == (x, w)[position].shape
            check_close(gradient, *expected_gradient(mean_square, (x, w), position))


# Sizes.


def second_differences(x):
    return np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2)


def neighbours(x):
    return np.sum(np.sin(x[1:] * x[:-1]))


def centred(x):
    z = x - x.mean(axis=0)
    return np.sum(z * z * z / (1 + np.abs(z).sum(axis=1, keepdims=True)))


def tail_and_head(x):
    return np.sum(np.concatenate([x[1:], x[:1]]) * x) + np.sum(x[1:].reshape(1, -1) * np.ones((2, 1)))


def last(x):
    return x[-1] * x[0] + np.sum(x[:-1])


def outer_of_tail(x):
    return np.sum(np.sin(x[1:, None] * x[None, :-1])) + np.sum(x[1:] * x.sum())


def halves_of(x):
    n = x.shape[0] // 2
    return np.sum(x[:n] ** 2) * np.sum(np.sin(x[n:]))


def rolled(x):
    return np.sum(np.roll(x, 1) * x)


@pytest.mark.parametrize(
    "function",
    [second_differences, neighbours, tail_and_head, last, outer_of_tail, halves_of, rolled],
    ids=lambda function: function.__name__,
)
def test_sizes_change_between_calls(function: Any) -> None:
    derivative = symgrad.grad(function)
    for size in (5, 3, 2, 4, 1, 6, 3):
        x = normal(size)
        if size == 1 and function is second_differences:
            continue
        check_close(derivative(x), *expected_gradient(function, (x,), 0))


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 1), (1, 1), (2, 5), (2, 2)])
def test_sizes_of_matrices(shape: Any) -> None:
    x = normal(*shape)
    check_close(CENTRED(x), *expected_gradient(centred, (x,), 0))


CENTRED = symgrad.grad(centred)


def test_ranks_change_between_calls() -> None:
    def squares(x, y):
        return np.sum((x - y) ** 2)

    derivative = symgrad.grad(squares, argnums=(0, 1))
    for shapes in [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((1, 3), (2, 1)), ((), (3,)), ((2, 2, 2), (1,))]:
        args = [np.asarray(normal(*shape)) for shape in shapes]
        for position, gradient in enumerate(derivative(*args)):
            assert np.shape(gradient) == shapes[position]
            check_close(gradient, *expected_gradient(squares, args, position))


# Arguments.


def of_three(x, y, z=2.0):
    return x * x * y + z * y


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 12.0),
        (1, 6.0),
        (2, 3.0),
        (-1, 3.0),
        (-3, 12.0),
        ("x", 12.0),
        ("z", 3.0),
        ((0,), (12.0,)),
        ([0, 1], (12.0, 6.0)),
        ((1, 0), (6.0, 12.0)),
        (("z", 0), (3.0, 12.0)),
        ((0, 1, 2), (12.0, 6.0, 3.0)),
        (range(2), (12.0, 6.0)),
    ],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    assert symgrad.grad(of_three, argnums=argnums)(2.0, 3.0, 2.0) == expected
    assert symgrad.value_and_grad(of_three, argnums)(2.0, 3.0, z=2.0) == (18.0, expected)
    assert symgrad.grad(argnums=argnums)(of_three)(y=3.0, x=2.0, z=2.0) == expected


def test_defaults() -> None:
    assert symgrad.grad(of_three, argnums=(0, 1))(2.0, 3.0) == (12.0, 6.0)
    assert symgrad.grad(of_three)(2.0, y=3.0) == 12.0
    assert symgrad.grad(of_three, argnums=2)(2.0, 3.0) == 3.0


def test_an_array_as_default() -> None:
    def scaled(x, weights=np.array([1.0, 2.0])):  # noqa: B008
        return np.sum(x * weights)

    assert symgrad.grad(scaled)(np.ones(2)).tolist() == [1.0, 2.0]
    assert symgrad.grad(scaled)(np.ones(2), np.array([3.0, 4.0])).tolist() == [3.0, 4.0]


def test_positional_only_and_keyword_only() -> None:
    def strict(x, /, y, *, scale=3.0):
        return scale * x * y

    assert symgrad.grad(strict)(2.0, 5.0) == 15.0
    assert symgrad.grad(strict, argnums="scale")(2.0, 5.0, scale=1.0) == 10.0
    assert symgrad.grad(strict, argnums=("y", "scale"))(2.0, y=5.0, scale=1.0) == (2.0, 10.0)


def test_variadic_arguments() -> None:
    def total(first, *rest, scale=1.0, **named):
        return scale * first * rest[0] + rest[1] * named["a"] + named["b"]

    args, named = (2.0, 3.0, 5.0), {"scale": 7.0, "a": 11.0, "b": 13.0}
    assert symgrad.grad(total)(*args, **named) == 21.0
    assert symgrad.grad(total, argnums=(0, 1, 2))(*args, **named) == (21.0, 14.0, 11.0)
    assert symgrad.grad(total, argnums="scale")(*args, **named) == 6.0


def test_all_of_several_arguments() -> None:
    def products(*arrays):
        return np.sum(arrays[0] * arrays[1]) + np.sum(arrays[-1])

    a, b = normal(3), normal(3) + 1
    found = symgrad.grad(products, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(found, (b, a + 1))
    found = symgrad.grad(products, argnums=(0, 1, 2))(a, b, b)
    np.testing.assert_allclose(found, (b, a, np.ones(3)))


def test_aux_is_passed_on() -> None:
    def loss(x, y):
        r = x * y
        return np.sum(r**2), {"residual": r, "name": "r", "pair": (x.shape, 3)}

    x, y = normal(3), normal(3) + 1
    gradient, aux = symgrad.grad(loss, has_aux=True)(x, y)
    assert np.array_equal(gradient, 2 * x * y * y) or np.allclose(gradient, 2 * x * y * y, rtol=1e-14)
    assert np.array_equal(aux["residual"], x * y)
    assert (aux["name"], aux["pair"]) == ("r", ((3,), 3))
    (value, aux), gradients = symgrad.value_and_grad(loss, argnums=(0, 1), has_aux=True)(x, y)
    assert value == loss(x, y)[0]
    assert len(gradients) == 2
    assert not any(np.shares_memory(aux["residual"], gradient) for gradient in gradients)


def test_aux_that_is_an_argument_or_gradient() -> None:
    def loss(x, y):
        return np.sum(x * y), (x, y)

    x, y = normal(3), normal(3) + 1
    gradient, aux = symgrad.grad(loss, has_aux=True)(x, y)
    assert aux[0] is x
    assert aux[1] is y
    assert not np.shares_memory(gradient, y)


Point = namedtuple("Point", "x y")  # noqa: PYI024


class Layer(NamedTuple):
    W: Any
    b: Any


@dataclass
class Model:
    layers: Any
    scale: float


@dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = 2.0


def test_containers() -> None:
    def of_dict(p, x):
        return np.sum(np.tanh(x @ p["W"] + p["b"]))

    x, W, b = normal(4, 3), normal(3, 2), normal(2)
    slope = 1 - np.tanh(x @ W + b) ** 2
    found = symgrad.grad(of_dict)({"W": W, "b": b}, x)
    assert list(found) == ["W", "b"]
    np.testing.assert_allclose(found["W"], x.T @ slope, rtol=1e-12)
    np.testing.assert_allclose(found["b"], slope.sum(axis=0), rtol=1e-12)

    def of_layer(p, x):
        return np.sum(np.tanh(x @ p.W + p.b))

    found = symgrad.grad(of_layer)(Layer(W, b), x)
    assert type(found) is Layer
    np.testing.assert_allclose(found.W, x.T @ slope, rtol=1e-12)


def test_nested_containers() -> None:
    def unrolled(model, x):
        x = np.tanh(x @ model.layers[0]["W"] + model.layers[0]["b"])
        x = np.tanh(x @ model.layers[1]["W"] + model.layers[1]["b"])
        return model.scale * np.sum(x)

    layers = [{"W": normal(3, 4), "b": normal(4)}, {"W": normal(4, 2), "b": normal(2)}]
    model, x = Model(layers, 1.5), normal(5, 3)
    found = symgrad.grad(unrolled)(model, x)
    assert type(found) is Model
    assert isinstance(found.scale, float)
    assert [sorted(layer) for layer in found.layers] == [["W", "b"]] * 2
    symgrad.check_grads(unrolled, (model, x))


def test_tuples_lists_and_dataclasses() -> None:
    def loss(pair, items, point, frozen):
        return pair[0] * pair[1][0] + items[0] * items[1] + point.x * point.y + frozen.a * frozen.b

    args = ((2.0, (3.0,)), [5.0, 7.0], Point(11.0, 13.0), Frozen(17.0))
    found = symgrad.grad(loss, argnums=(0, 1, 2, 3))(*args)
    assert found == ((3.0, (2.0,)), [7.0, 5.0], Point(13.0, 11.0), Frozen(2.0, 17.0))
    assert [type(item) for item in found] == [tuple, list, Point, Frozen]


def test_unused_parts_have_zero_gradients() -> None:
    def loss(p, q):
        return np.sum(p["a"] ** 2)

    found = symgrad.grad(loss, argnums=(0, 1))({"a": normal(2), "unused": normal(3, 1), "number": 2.0}, normal(2, 2))
    assert np.array_equal(found[0]["unused"], np.zeros((3, 1)))
    assert found[0]["number"] == 0.0
    assert type(found[0]["number"]) is float
    assert np.array_equal(found[1], np.zeros((2, 2)))
    assert found[1].flags.writeable


def test_unused_parts_of_single_precision() -> None:
    def loss(x, y):
        return np.sum(x)

    dx, dy = symgrad.grad(loss, argnums=(0, 1))(normal(3, dtype=np.float32), normal(2, 2, dtype=np.float32))
    assert (dx.dtype, dy.dtype) == (np.float32, np.float32)
    assert dy.shape == (2, 2)


def test_containers_of_other_sizes_and_keys() -> None:
    def total(p):
        return sum(value for value in (p["a"], p["b"])) * p["a"]

    derivative = symgrad.grad(total)
    assert derivative({"a": 2.0, "b": 3.0}) == {"a": 7.0, "b": 2.0}
    assert derivative({"b": 3.0, "a": 2.0}) == {"b": 2.0, "a": 7.0}
    assert derivative({"a": 2.0, "b": 3.0, "c": 1.0}) == {"a": 7.0, "b": 2.0, "c": 0.0}


# Captured values.

FACTOR = 2.0
TABLE = np.array([1.0, 2.0, 3.0])
SETTINGS = {"rate": 0.5}


def activation(x):
    return np.sin(x)


def of_globals(x):
    return np.sum(activation(x) * TABLE) * FACTOR


def test_globals_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative, x = symgrad.grad(of_globals), normal(3)

    def compare(expected: Any) -> None:
        np.testing.assert_allclose(derivative(x), expected, rtol=1e-13)

    compare(np.cos(x) * TABLE * 2)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    compare(np.cos(x) * TABLE * 5)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    compare(np.cos(x) * TABLE * 3)
    monkeypatch.setitem(globals(), "TABLE", np.array([7.0, 8.0, 9.0]))
    compare(np.cos(x) * [21, 24, 27])
    monkeypatch.setitem(globals(), "TABLE", 2.0)
    compare(np.cos(x) * 6)
    monkeypatch.setitem(globals(), "activation", np.exp)
    compare(np.exp(x) * 6)
    monkeypatch.setitem(globals(), "activation", lambda v: v * v)
    compare(2 * x * 6)


def test_closures_are_read_at_every_call() -> None:
    factor, table = 2.0, np.array([1.0, 2.0])

    def inner(x):
        return np.tanh(x)

    def loss(x):
        return np.sum(inner(x) * table) * factor

    def change(new_factor, new_table, new_inner):
        nonlocal factor, table, inner
        factor, table, inner = new_factor, new_table, new_inner

    derivative, x = symgrad.grad(loss), normal(2)
    np.testing.assert_allclose(derivative(x), (1 - np.tanh(x) ** 2) * [2, 4])
    change(3.0, np.array([5.0, 6.0]), inner)
    np.testing.assert_allclose(derivative(x), (1 - np.tanh(x) ** 2) * [15, 18])
    change(3.0, table, np.exp)
    np.testing.assert_allclose(derivative(x), np.exp(x) * [15, 18])
    table[0] = 0.0
    np.testing.assert_allclose(derivative(x), np.exp(x) * [0, 18])


def test_two_closures_of_one_function() -> None:
    def make(scale, function):
        def loss(x):
            return scale * function(x)

        return symgrad.grad(loss)

    first, second, third = make(2.0, math.sin), make(3.0, math.exp), make(4.0, math.sin)
    assert [d(0.5) for d in (first, second, third)] == [2 * math.cos(0.5), 3 * math.exp(0.5), 4 * math.cos(0.5)]


def test_static_values_are_part_of_the_signature() -> None:
    def loss(x, power, kind, squared):
        y = x**power if kind == "power" else np.exp(x)
        return np.sum(y * y if squared else y)

    derivative, x = symgrad.grad(loss), np.array([1.0, 2.0])
    assert derivative(x, 3, "power", False).tolist() == [3.0, 12.0]
    assert derivative(x, 2, "power", False).tolist() == [2.0, 4.0]
    assert derivative(x, 2, "power", True).tolist() == [4.0, 32.0]
    np.testing.assert_allclose(derivative(x, 2, "exp", False), np.exp(x))
    np.testing.assert_allclose(derivative(x, 2.5, "power", False), 2.5 * x**1.5)


def test_attributes_of_objects() -> None:
    class Scaled:
        def __init__(self, scale):
            self.scale = scale

        def loss(self, x):
            return np.sum(x * x) * self.scale

    model, x = Scaled(2.0), normal(3)
    derivative = symgrad.grad(model.loss)
    np.testing.assert_allclose(derivative(x), 4 * x)
    model.scale = 5.0
    np.testing.assert_allclose(derivative(x), 10 * x)
    np.testing.assert_allclose(symgrad.grad(Scaled(3.0).loss)(x), 6 * x)


def test_the_random_state_is_not_touched() -> None:
    np.random.seed(4)
    before = np.random.get_state()[1].copy()
    symgrad.grad(lambda x: np.sum(x**4))(normal(3))
    assert np.array_equal(np.random.get_state()[1], before)
