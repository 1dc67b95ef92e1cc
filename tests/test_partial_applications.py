"""Derivatives of partial applications: their arguments are read at every call, like all that a function captures."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import symgrad

X = np.array([0.5, 0.7])


def weighted(weights, x, scale=1.0, *, power=2):
    return scale * np.sum(weights * x**power)


class Model:
    def __call__(self, x, scale):
        return scale * np.sum(x**3)


def test_arguments_by_position_and_by_name():
    weights = np.array([1.0, 2.0])
    derivative = symgrad.grad(functools.partial(weighted, weights, scale=2.0))
    np.testing.assert_allclose(derivative(X), 4.0 * weights * X)
    np.testing.assert_allclose(derivative(X, scale=3.0), 6.0 * weights * X)
    weights[0] = 10.0
    np.testing.assert_allclose(derivative(X), 4.0 * weights * X)
    assert derivative.__name__ == "weighted"


def test_what_is_differentiated_is_counted_without_them():
    inner = functools.partial(weighted, np.ones(2), power=3)
    value, gradient = symgrad.value_and_grad(inner, argnums="scale")(X, 2.0)
    assert (value, gradient) == (pytest.approx(2 * np.sum(X**3)), pytest.approx(np.sum(X**3)))
    np.testing.assert_allclose(symgrad.hvp(inner)(X, X + 1), 6 * X * (X + 1))
    np.testing.assert_allclose(symgrad.jvp(inner, (X,), (X + 1,))[1], np.sum(3 * X**2 * (X + 1)))
    np.testing.assert_allclose(symgrad.vjp(inner, X)[1](2.0)[0], 6 * X**2)


def test_of_partial_applications_and_objects():
    twice = functools.partial(functools.partial(weighted, np.ones(2)), power=3)
    np.testing.assert_allclose(symgrad.grad(twice)(X), 3 * X**2)
    np.testing.assert_allclose(symgrad.grad(functools.partial(Model(), scale=2.0))(X), 6 * X**2)


def test_inside_of_a_function():
    def along(x):
        return np.sum(symgrad.grad(functools.partial(weighted, x, power=3))(x))

    np.testing.assert_allclose(symgrad.grad(along)(X), 9 * X**2)
