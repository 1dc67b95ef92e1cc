"""Programs that were once differentiated wrongly, slowly, or not at all; the smallest of each kind."""

from __future__ import annotations

import numpy as np
import pytest
from limits import calls

import symgrad


def sums_of_slice_and_whole(v):
    return np.sum(v[:-1]) * np.sum(v)


def maps_of_slice_and_whole(v):
    return np.exp(v[:-1]).sum() * np.exp(v).sum()


def sums_over_slices_of_axes(v):
    W = np.outer(v, v * v)
    rows, kept = W.sum(axis=1), W[:-1].sum(axis=1)
    return (kept * kept).sum() * (rows**3).sum()


def maxima_of_slice_and_whole(v):
    return np.max(v[:-1]) * np.max(v)


def products_of_slices(v):
    return np.prod(v[1:]) * np.prod(v) * np.prod(v[:-1])


def quotient_rolled(v):
    return np.mean(np.roll(v / np.exp(v), 1, axis=0) * v)


def concatenated_and_flipped(v):
    W = np.outer(v, v)
    return np.sum(np.concatenate((W, W, W), axis=-1)[::-1] ** 2)


def entry_and_reversal(v):
    return v[0] * np.sum(v[::-1])


def reversed_from_inside(v):
    A = np.outer(v, v[:-1])
    return np.linalg.norm(A[-2::-1].T - A[-2::-1])


def reversed_tail(v):
    W = np.outer(v, v)
    return np.sum(v * W[1:, ::-1] ** 2)


def deviation_of_flipped(v):
    q = v @ np.outer(v, v) - np.outer(v, v)
    return np.sum(np.flip(q).std(axis=0))


CASES = [
    sums_of_slice_and_whole,
    maps_of_slice_and_whole,
    sums_over_slices_of_axes,
    maxima_of_slice_and_whole,
    products_of_slices,
    quotient_rolled,
    concatenated_and_flipped,
    entry_and_reversal,
    reversed_from_inside,
    reversed_tail,
    deviation_of_flipped,
]


@pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("size", [3, 5])
def test_gradient_is_that_of_differences(function, size):
    symgrad.check_grads(function, (np.random.default_rng(size).uniform(0.3, 1.5, size),))


def integral_slopes(v):
    first, second, third = v
    return 2 * first + second - third


def test_gradient_of_integral_slopes_is_of_floats():
    found = symgrad.grad(integral_slopes)(np.ones(3))
    assert found.dtype == np.float64
    assert found.tolist() == [2.0, 1.0, -1.0]


def many_factors(A, W):
    g = A * A * A
    w = g * A * A * A / (g * g + 1.0)
    q = np.exp(w)
    m = q / q.sum()
    e = 1 / (1 + np.exp(-(m * W)))
    n = W - e * (1 - e)
    r = n * m * w * e + n - m * w
    return 0.5 * np.sum(r**2)


def powers_of_tanh(T, rate):
    p = rate * np.tanh(T) * np.tanh(T)
    k = p * rate * np.tanh(T) * np.tanh(T) / (p * p + 1.0)
    return np.mean(np.square(p - k))


def generations(p, s):
    """Selection in a population, three generations written out: a rational function of a rational function."""
    a = 1 + s
    q = 1 - p
    p = (p * p * a + p * q) / (p * p * a + 2 * p * q + q * q)
    q = 1 - p
    p = (p * p * a + p * q) / (p * p * a + 2 * p * q + q * q)
    q = 1 - p
    p = (p * p * a + p * q) / (p * p * a + 2 * p * q + q * q)
    return np.sum(p)


@pytest.mark.parametrize("function", [many_factors, powers_of_tanh, generations], ids=lambda f: f.__name__)
def test_compilation_is_short(function):
    args = (np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(4, 3)))
    derivative = symgrad.grad(function, argnums=(0, 1))
    assert calls(lambda: derivative.source(*args)) < 20_000_000
    symgrad.check_grads(function, args)


def squares_of_squares(x):
    y = x**2
    z = y**2
    return np.sum(np.exp(-(z**2)))


def squares_in_loops(x):
    for _ in range(3):
        for _ in range(3):
            x = x**2
    return np.sum(np.exp(-x))


def test_powers_are_products_of_the_powers_that_the_program_has():
    x = np.linspace(0.2, 0.9, 4)
    assert "z * y * x" in symgrad.grad(squares_of_squares).source(x)
    symgrad.check_grads(squares_of_squares, (x,))
    assert len(symgrad.grad(squares_in_loops).source(x).splitlines()) < 20
    symgrad.check_grads(squares_in_loops, (x,))
