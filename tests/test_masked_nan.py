"""Missing data that ``np.where`` or a store masks: a gradient is zero there, never NaN times zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad

NAN, INF = np.nan, np.inf
VECTOR = np.array([NAN, 2.0, -3.0, INF])
HOLES = np.array([NAN, 0.5, -1.0, 2.0])
WEIGHTS = np.array([0.3, 0.4, 0.5, 0.6])
TABLE = np.array([[NAN, 2.0, 3.0], [1.0, NAN, 0.5], [4.0, 5.0, 6.0], [0.2, 0.1, NAN]])
COLUMNS = np.array([0.7, 0.3, 0.2])
FACTORS = np.arange(6.0).reshape(3, 2) * 0.2
ROWS = np.arange(8.0).reshape(4, 2) * 0.1


def difference(w, x):
    return np.sum(np.where(np.isfinite(x), x - w, 0.0) ** 2)


def scaled(w, x):
    return np.sum((np.where(np.isfinite(x), x, 0.0) * w) ** 2)


def bounded(w, x):
    return np.sum(np.tanh(np.where(np.isnan(x), 0.0, x) * w))


def centred(w, x):
    m = np.isfinite(x)
    mean = np.where(m, x * w, 0).sum(0) / m.sum(axis=0)
    return np.sum(np.where(m, x * w - mean, 0.0) ** 2)


def itself(w, x):
    return np.sum(np.where(x == x, x * w, 0.0) ** 2)  # noqa: PLR0124


def stored(w, x):
    z = (x * w) ** 2
    z[np.isnan(x)] = w.sum()
    return np.mean(z * w)


def two_stores(w, x):
    z = x.copy()
    z[~np.isfinite(z)] = 0.0
    z *= w
    return np.sum(z**3)


def replaced(w, x):
    return np.sum((np.nan_to_num(x) * w) ** 2)


def linear(w, x):
    return np.sum((np.where(np.isnan(x), 0.0, x) @ w) ** 2)


def complete_rows(w, x):
    return np.sum(np.where(np.isfinite(x).all(axis=1), x @ w - 1, 0.0) ** 2)


def imputed(w, x):
    m = np.isnan(x)
    mean = np.where(m, 0.0, x).sum(axis=0) / (~m).sum(axis=0)
    return np.sum(np.tanh(np.where(m, mean, x) @ w) ** 2)


def in_a_loop(w, x):
    h = w * 0.0
    for k in range(x.shape[0]):
        h = np.tanh(np.where(np.isfinite(x[k]), x[k] * w, 0.0) + h)
    return np.sum(h**2)


def covariance(w, x):
    m = np.isfinite(x)
    z = np.where(m, x * w, 0.0)
    return np.sum((z.T @ z / (m.T.astype(float) @ m)) ** 2)


def distances(w, x):
    m = np.isfinite(x)[:, None, :] & np.isfinite(x)[None, :, :]
    squares = np.where(m, (x[:, None, :] - x[None, :, :]) ** 2 * w, 0.0)
    return np.sum(np.sqrt(squares.sum(axis=2) + 1))


def factorised(u, v, x):
    return np.sum(np.where(~np.isnan(x), x - u @ v.T, 0.0) ** 2)


def pairs(x, y):
    m = np.isfinite(x)[:, None] & np.isfinite(y)[None, :]
    return np.sum(np.where(m, (x[:, None] * y[None, :]) ** 2, 0.0))


def two_masks(w, x):
    square = x**2
    low, high = np.where(np.isfinite(x), square, 0.0), np.where(np.isnan(x) | (x > 9), 0.0, square)
    return np.sum(low * w + high * w**2)


CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *((function, (WEIGHTS, VECTOR)) for function in (difference, scaled, two_stores)),
    *((function, (WEIGHTS, HOLES)) for function in (difference, bounded, itself, stored, replaced, two_masks)),
    (centred, (np.array([0.7]), TABLE)),
    *((function, (COLUMNS, TABLE)) for function in (centred, stored, linear, complete_rows, imputed, in_a_loop)),
    *((function, (COLUMNS, TABLE)) for function in (covariance, distances)),
    (factorised, (ROWS, FACTORS, TABLE)),
    (pairs, (np.array([NAN, 1.0, 2.0]), np.array([1.5, NAN]))),
]
PLACES = [(function, args, place) for function, args in CASES for place in range(len(args))]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def central(function, args, place, step=1e-6):
    """Central differences at finite elements, zero at the others."""
    slopes = np.zeros(args[place].shape)
    for at in np.argwhere(np.isfinite(args[place])):
        shift = np.zeros(args[place].shape)
        shift[tuple(at)] = step
        up, down = (function(*args[:place], args[place] + s, *args[place + 1 :]) for s in (shift, -shift))
        slopes[tuple(at)] = (up - down) / (2 * step)
    return slopes


@pytest.mark.parametrize(("function", "args", "place"), PLACES)
def test_a_gradient_is_zero_where_data_are_masked(function, args, place):
    value, gradient = symgrad.value_and_grad(function, place)(*args)
    assert value == function(*args)
    np.testing.assert_allclose(gradient, central(function, args, place), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(symgrad.grad(function, place)(*args), gradient)


@pytest.mark.parametrize(("function", "args", "place"), PLACES)
def test_a_product_with_the_hessian_is_zero_where_data_are_masked(function, args, place):
    v = np.linspace(0.5, 1.0, args[place].size).reshape(args[place].shape)
    gradient = symgrad.grad(function, place)
    up, down = (gradient(*args[:place], args[place] + s * v, *args[place + 1 :]) for s in (1e-6, -1e-6))
    got = symgrad.hvp(function, place)(*args, v)
    np.testing.assert_allclose(got, (up - down) / 2e-6, rtol=1e-4, atol=1e-4)


def masked_square(x):
    return np.sum(np.where(np.isnan(x), 0.0, x) ** 2)


def relu_square(x):
    return np.sum(np.where(x > 0, x, 0.0) ** 2)


@pytest.mark.parametrize(("function", "text"), [(masked_square, "np.where"), (relu_square, "* (x > 0)")])
def test_only_tests_for_nan_select(function, text):
    assert text in symgrad.grad(function).source(HOLES)
