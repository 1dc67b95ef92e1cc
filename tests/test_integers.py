"""Integers that are computed from floats, and short integers: as places, in bits, in arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from differences import differences

import symgrad

X, B = np.array([1.7, 2.3]), np.arange(4.0) + 0.5


def histogram(x, b):
    s = 0.0
    for v in x:
        s += v * b[int(v)]
    return s


def interpolated(x, b):
    s = 0.0
    for v in x:
        k = math.floor(v)
        s += (b[k] + (v - k) * (b[k + 1] - b[k])) ** 2
    return s


def bits(x, b):
    s = 0.0
    for v in x:
        n = int(v)
        s += v * (n & 1) + v * (n << 1) + v * ~n + (n | 1) * v + v * (n ^ 3) + v * (n % 2) + v * (n // 2)
    return s * b[0]


def gathered(x, b):
    return np.sum(b[x.astype(int)] * x) + np.sum(np.take(b, x.astype(np.int32)))


def one_element(x, b):
    return b[int(x[0])] * x[1]


def root_of_a_counter(x, b):
    s = 0.0
    for i in range(9):
        s += b[int(np.sqrt(i))] ** 2 * x[0]
    return s


def stores(x, b):
    s = 0.0
    for i in range(len(x)):
        k = np.int64(x[i])
        b[k] *= 2.0
        s += b[k] * x[i]
    return s


def rounding(x, b):
    s = 0.0
    for v in x:
        s += b[:3][np.rint(v).astype(int)] * v + round(v) * v + math.ceil(v) * b[math.ceil(v)] + b[-math.trunc(v)]
    return s


def counts(x, b):
    h = np.zeros(4)
    np.add.at(h, x.astype(int), x)
    for v in x:
        h[int(v)] += v * v
    return np.sum(h * h * b)


PLACES = [histogram, interpolated, bits, gathered, one_element, root_of_a_counter, stores, rounding, counts]


@pytest.mark.parametrize("function", PLACES, ids=lambda function: function.__name__)
def test_rounded_numbers_are_integers(function):
    def plain(x, b):
        return function(x.copy(), b.copy())

    _, pullback = symgrad.vjp(function, X.copy(), B.copy())
    for found in (symgrad.grad(function, argnums=(0, 1))(X.copy(), B.copy()), pullback(1.0)):
        for place, derivative in enumerate(found):
            np.testing.assert_allclose(derivative, differences(plain, (X, B), place), rtol=1e-7, atol=1e-8)


PIXELS, W = np.array([200, 20, 3], np.uint8), np.array([1.0, 2.0, 3.0])


def test_short_integers_mix_with_floats():
    def loss(w, x):
        return np.sum(x / 255.0 * w) + np.sum((x - 128.0) * w**2) + np.sum((x > 100) * w) + np.sum(w[x // 100])

    np.testing.assert_allclose(symgrad.grad(loss)(W, PIXELS), differences(loss, (W, PIXELS), 0), rtol=1e-9)


@pytest.mark.parametrize(
    "loss",
    [
        lambda w, x: np.sum(x**2 * w**2),
        lambda w, x: np.sum((x[1:] - x[:-1]) * w[1:]),
        lambda w, x: np.sum((x + x) * w),
        lambda w, x: np.sum(-x * w),
        lambda w, x: np.sum(x.astype(np.int16) * 300 * w),
    ],
)
def test_arithmetic_that_wraps_around_is_refused(loss):
    with pytest.raises(symgrad.NotYetSupported, match="wraps around"):
        symgrad.grad(loss)(W, PIXELS)


def interpolation(x, knots, heights):
    i = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    part = (x - knots[i]) / (knots[i + 1] - knots[i])
    return np.sum((heights[i] * (1 - part) + heights[i + 1] * part) ** 2)


def interpolation_one_by_one(x, knots, heights):
    s = 0.0
    for v in x:
        i = knots.searchsorted(v, side="right") - 1
        s += heights[i] + (v - knots[i]) * (heights[i + 1] - heights[i]) / (knots[i + 1] - knots[i])
    return s


def bins(x, knots, heights):
    return np.sum(heights[np.digitize(x, knots) - 1] * x**2)


@pytest.mark.parametrize("function", [interpolation, interpolation_one_by_one, bins])
def test_places_between_knots(function):
    args = np.array([0.3, 1.7, 2.2, 0.9]), np.array([0.0, 0.5, 1.5, 2.0, 3.0]), np.array([1.0, -1.0, 2.0, 0.5, 3.0])
    for place, derivative in enumerate(symgrad.grad(function, argnums=(0, 1, 2))(*args)):
        np.testing.assert_allclose(derivative, differences(function, args, place), rtol=1e-7, atol=1e-8)
