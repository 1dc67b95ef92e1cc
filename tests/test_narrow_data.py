"""Data of integers, booleans and short floats: the derivative's own arithmetic must not wrap around or overflow."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad

X = np.array([1.0, 2.0, 3.0, 4.0])
BYTES = np.array([1, 200, 100, 3], np.uint8)
TRUTHS = np.array([True, False, True, True])


def squared(x, m):
    return np.sum((x * m) ** 2)


def divided_twice(x, m):
    return np.sum(x / m / m)


def joined(x, m):
    return np.sum(np.concatenate([x, x]) * np.concatenate([m, m]))


def times_twice(x, m):
    return np.sum(x * m * m)


def added(x, m):
    return np.sum(x * m) + np.sum(x * m) + np.sum(m * x * 200)


def negated(x, m):
    return np.sum(m * x) - np.sum(m) * x[0] + np.sum(-(m * x)) * 2


def counted(x, m):
    return np.sum(x * (m @ m)) + np.sum(x) * np.sum(m) * np.prod(m) + np.sum(x) * m.mean()


def reshaped(x, m):
    return np.sum(m.reshape(2, 2) * x.reshape(2, 2))


def multiplied(x, m):
    return np.sum(m.reshape(2, 2) @ x.reshape(2, 2))


@pytest.mark.parametrize("function", [squared, divided_twice, joined, times_twice, added, negated])
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int32, np.float16])
def test_narrow_data(function, kind):
    data = BYTES.astype(kind)
    found, wanted = symgrad.grad(function)(X, data), symgrad.grad(function)(X, data.astype(float))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert found.dtype == np.float64


@pytest.mark.parametrize("function", [counted, reshaped, multiplied])
def test_booleans_as_data(function):
    symgrad.check_grads(lambda x: function(x, TRUTHS), (X,))
    assert symgrad.grad(function)(X, TRUTHS).dtype == np.float64


def test_squares_that_overflow_in_32_bits():
    found = symgrad.grad(squared)(X[:2], np.array([100000, 3], np.int32))
    np.testing.assert_allclose(found, [2e10, 36])
    found = symgrad.grad(times_twice)(X[:2], np.array([1e25, 2], np.float32))
    np.testing.assert_allclose(found, [1e50, 4], rtol=1e-6)


def test_axes_of_length_one():
    symgrad.check_grads(lambda A: np.sum(np.linalg.solve(A, A.T)), (np.array([[2.0]]),))


def test_branch_on_the_parity_of_a_length():
    def loss(x):
        return np.sum(x[::2] ** 2) if x.shape[0] % 2 == 0 else np.sum(x**2)

    derivative = symgrad.grad(loss)
    np.testing.assert_array_equal(derivative(X), [2, 0, 6, 0])
    np.testing.assert_array_equal(derivative(X[:3]), [2, 4, 6])


def test_outer_products_of_narrow_data():
    def loss(W, m, n):
        return np.sum(W * m[:, None] * n)

    found = symgrad.grad(loss)(np.ones((4, 4)), BYTES, BYTES)
    np.testing.assert_array_equal(found, np.outer(BYTES.astype(float), BYTES))
