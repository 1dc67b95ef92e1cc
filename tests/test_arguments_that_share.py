"""Arguments that share memory, of which the function changes one: what a call does to one it does to the other."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad
from symgrad.errors import DifferentiationError

X = np.array([0.4, 0.9, 1.3])
OUTSIDE = np.array([0.2, 0.5, 0.7])


def changes_the_first(a, b):
    a[0] = a[0] * 2
    return np.sum(a * b)


def changes_if(a, b):
    if a[0] > 0:
        a[1] = b[0]
    return np.sum(a * b)


def changes_in_a_loop(a, b):
    for i in range(len(a)):
        a[i] *= b[i]
    return np.sum(a) + np.sum(b)


def _scaled(array, factor):
    array *= factor


def changes_in_a_call(a, b):
    _scaled(a, 2.0)
    return np.sum(a * b)


def changes_a_view(a, b):
    part = a[1:]
    part += 1.0
    return np.sum(a * b)


def changes_members(arrays, b):
    for array in arrays:
        np.multiply(array, 2.0, out=array)
    return np.sum(arrays[0] * arrays[1] * b)


def changes_a_copy(a, b):
    a = a.copy()
    a[0] = 2.0
    return np.sum(a * b)


def changes_what_is_global_outside(a):
    a[0] = OUTSIDE[1]
    return np.sum(a * OUTSIDE)


CHANGING = [changes_the_first, changes_if, changes_in_a_loop, changes_in_a_call, changes_a_view]


@pytest.mark.parametrize("function", CHANGING)
def test_one_array_as_two_arguments(function):
    derivative = symgrad.value_and_grad(function, argnums=(0, 1))
    with pytest.raises(DifferentiationError, match="changes an array in place that shares its memory with another"):
        derivative(X, X)
    value, _ = derivative(X, X.copy())
    np.testing.assert_allclose(value, function(X.copy(), X.copy()))
    with pytest.raises(DifferentiationError, match="a and b"):
        derivative(X, X)


@pytest.mark.parametrize("function", CHANGING)
def test_parts_of_one_array(function):
    derivative = symgrad.value_and_grad(function, argnums=(0, 1))
    both = np.arange(8.0).reshape(4, 2) + 1
    value, _ = derivative(both[:, 0], both[:, 1])
    np.testing.assert_allclose(value, function(both[:, 0].copy(), both[:, 1].copy()))
    with pytest.raises(DifferentiationError, match=r"pass a copy: b.copy\(\)"):
        derivative(both[:3, 0], both[1:, 0])


def test_members_of_a_container():
    derivative = symgrad.value_and_grad(changes_members)
    value, _ = derivative([X, X + 1], X + 2)
    np.testing.assert_allclose(value, np.sum(4 * X * (X + 1) * (X + 2)))
    for arrays, b in (([X, X], X + 1), ([X, X + 1], X)):
        with pytest.raises(DifferentiationError, match=r"arrays\[0\] and arrays\[1\]"):
            derivative(arrays, b)


def test_an_array_that_the_function_finds_outside():
    np.testing.assert_allclose(symgrad.grad(changes_what_is_global_outside)(X), [0.0, 0.5, 0.7])
    with pytest.raises(DifferentiationError, match="a and OUTSIDE"):
        symgrad.grad(changes_what_is_global_outside)(OUTSIDE)


def test_what_only_reads_takes_the_same_array_twice():
    np.testing.assert_allclose(symgrad.grad(changes_a_copy)(X, X), [0.0, X[1], X[2]])


def test_the_direction_may_be_the_argument():
    along = symgrad.hvp(changes_in_a_loop, argnums=1)
    np.testing.assert_allclose(along(X, X + 1, X), np.zeros(3))
    with pytest.raises(DifferentiationError, match="a and b"):
        along(X, X, X)


def test_primals_count_each_for_itself():
    value, pullback = symgrad.vjp(changes_the_first, X, X)
    np.testing.assert_allclose(value, changes_the_first(X.copy(), X.copy()))
    np.testing.assert_allclose(pullback(1.0)[0], [2 * X[0], X[1], X[2]])
    np.testing.assert_allclose(symgrad.jvp(changes_the_first, (X, X), (X, X))[0], value)
