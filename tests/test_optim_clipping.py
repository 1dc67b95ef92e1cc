"""Clipping: TensorFlow's values, extreme numbers, dtypes, containers."""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.optim import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm

Pair = namedtuple("Pair", "w b")

# tf.clip_by_global_norm(GRADIENT, 2.0), tf.clip_by_norm(x, 6.0), tf.clip_by_value(x, -3.5, 0.5) of TensorFlow 2.21.0.
GRADIENT = [np.array([3.0, -4.0]), np.array([[0.3, 0.0], [-12.0, 1.0]])]
BY_GLOBAL_NORM = [
    [0.4600572295671937, -0.6134096394229249],
    [[0.04600572295671937, 0.0], [-1.8402289182687748, 0.15335240985573123]],
]
NORM = 13.041855696180663
BY_NORM = [[3.0, -4.0], [[0.14943549439811374, 0.0], [-5.97741977592455, 0.49811831466037915]]]
BY_VALUE = [[0.5, -3.5], [[0.3, 0.0], [-3.5, 0.5]]]


def check(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_agrees_with_tensorflow():
    before = [part.copy() for part in GRADIENT]
    clipped, norm = clip_by_global_norm(GRADIENT, 2.0)
    check(clipped, BY_GLOBAL_NORM)
    assert norm == pytest.approx(NORM)
    assert global_norm(GRADIENT) == norm
    check(clip_by_norm(GRADIENT, 6.0), BY_NORM)
    check(clip_by_value(GRADIENT, -3.5, 0.5), BY_VALUE)
    for part, kept in zip(GRADIENT, before, strict=True):
        np.testing.assert_array_equal(part, kept)


def test_short_gradients_are_returned():
    w = np.array([0.3, 0.4])
    assert clip_by_norm({"w": w}, 1.0)["w"] is w
    clipped, norm = clip_by_global_norm({"w": w}, 0.5)
    assert clipped["w"] is w
    assert norm == 0.5


@pytest.mark.parametrize("zero", [0.0, np.zeros(3), np.float32(0), np.zeros((0, 2)), [], None])
def test_zero(zero):
    for most in (0.0, 1.0):
        clipped, norm = clip_by_global_norm(zero, most)
        assert norm == 0.0
        assert clipped is zero or clipped == zero
        assert np.array_equal(clip_by_norm(zero, most), zero)


def test_to_nothing():
    np.testing.assert_array_equal(clip_by_norm(np.array([3.0, 4.0]), 0.0), [0.0, 0.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1.0, 0.5, 1e-2])
def test_extreme_numbers(dtype, factor):
    """No norm overflows or vanishes, up to the largest and down to the smallest normal number."""
    info = np.finfo(dtype)
    for size in (float(info.max) / 4 * factor, float(info.tiny) * 8 / factor, 1e-20, 1e20):
        g = np.array([3.0, -4.0], dtype) * dtype(size / 4)
        clipped, norm = clip_by_global_norm([g, g], 1.0)
        assert norm == pytest.approx(math.sqrt(2) * 1.25 * size, rel=1e-5)
        if norm > 1:
            np.testing.assert_allclose(clipped[1], np.array([0.6, -0.8]) / math.sqrt(2), rtol=1e-5)
            np.testing.assert_allclose(clip_by_norm(g, 2.0), [1.2, -1.6], rtol=1e-5)
        tiny = clip_by_norm(g, 1e-3 * float(g[0]))
        np.testing.assert_allclose(tiny / (1e-3 * float(g[0])), [0.6, -0.8], rtol=1e-3)
        assert clipped[0].dtype == tiny.dtype == dtype


def test_norm_beyond_the_largest_number():
    largest = np.finfo(float).max
    clipped, norm = clip_by_global_norm(np.array([largest, -largest]), 2.0)
    assert norm == math.inf
    np.testing.assert_allclose(clipped, [math.sqrt(2), -math.sqrt(2)])


def test_narrow_numbers():
    g = np.full(10_000, 300.0, np.float16)
    assert global_norm(g) == pytest.approx(30_000)
    clipped = clip_by_norm(g, 1.0)
    assert clipped.dtype == np.float16
    np.testing.assert_allclose(clipped, 0.01, rtol=1e-2)


def test_bounds_beyond_float32(recwarn):
    found = clip_by_value(np.array([1.0, -2.0], np.float32), -1e300, math.inf)
    np.testing.assert_array_equal(found, [1.0, -2.0])
    assert found.dtype == np.float32
    assert not recwarn.list


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_not_finite(bad, recwarn):
    g = {"w": np.array([3.0, bad]), "b": np.array([1.0])}
    clipped, norm = clip_by_global_norm(g, 2.0)
    assert not math.isfinite(norm)
    assert math.isnan(norm) == math.isnan(bad)
    assert all(np.isnan(part).all() for part in clipped.values())
    by_norm = clip_by_norm(g, 2.0)
    np.testing.assert_array_equal(by_norm["w"], [math.nan if math.isnan(bad) else 0.0, math.nan])
    np.testing.assert_array_equal(by_norm["b"], [1.0])
    assert not recwarn.list


def test_both_infinite_and_nan():
    assert math.isnan(global_norm([math.inf, math.nan, -math.inf]))
    assert math.isnan(clip_by_value(math.nan, -1.0, 1.0))


def test_containers_and_types():
    g = {"layers": [Pair(np.float32(3.0), 4.0), None], "name": "mlp", "zero_d": np.array(12.0)}
    clipped, norm = clip_by_global_norm(g, 6.5)
    assert norm == 13.0
    layer = clipped["layers"][0]
    assert layer == Pair(1.5, 2.0)
    assert type(layer) is Pair
    assert type(layer.w) is np.float32
    assert type(layer.b) is float
    assert clipped["layers"][1] is None
    assert clipped["name"] == "mlp"
    assert isinstance(clipped["zero_d"], np.ndarray)
    assert clipped["zero_d"].shape == ()


def test_integers_become_floats():
    clipped = clip_by_norm({"w": 3, "x": np.array([3, 4])}, 1.0)
    assert clipped["w"] == 1.0
    np.testing.assert_allclose(clipped["x"], [0.6, 0.8])


@pytest.mark.parametrize("most", [-1.0, math.nan])
def test_refused_norms(most):
    for clip in (clip_by_norm, clip_by_global_norm):
        with pytest.raises(ValueError, match="no norm is at most"):
            clip([1.0], most)


def test_refused_values():
    with pytest.raises(ValueError, match=r"at least 1\.0 and at most -1\.0"):
        clip_by_value([1.0], 1.0, -1.0)
    with pytest.raises(ArgumentError, match=r'gradient\["w"\] is complex'):
        clip_by_norm({"w": 1j}, 1.0)
    with pytest.raises(ArgumentError, match=r"gradient is a .*generator"):
        clip_by_norm((g for g in [1.0]), 1.0)
