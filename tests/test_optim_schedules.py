"""Learning rates: TensorFlow's values, edges, pickles."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.optim import (
    constant,
    cosine_decay,
    exponential_decay,
    inverse_time_decay,
    linear_warmup,
    piecewise_constant,
    polynomial_decay,
)

STEPS = (0, 1, 4, 9, 10, 11, 14, 15, 20, 25)

# Rounded to 9 decimals, in float32: S = keras.optimizers.schedules of Keras 3.15.1 on TensorFlow 2.21.0.
CASES = [
    (  # S.ExponentialDecay(0.1, 10, 0.5)
        exponential_decay(0.1, 10, 0.5),
        [0.100000001, 0.0933033, 0.075785831, 0.053588677, 0.050000001, 0.04665165, 0.037892915, 0.035355341, 0.025,
         0.01767767],
    ),
    (  # S.ExponentialDecay(0.1, 10, 0.5, staircase=True)
        exponential_decay(0.1, 10, 0.5, staircase=True),
        [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025],
    ),
    (  # S.InverseTimeDecay(0.1, 10, 0.5)
        inverse_time_decay(0.1, 10, 0.5),
        [0.100000001, 0.095238104, 0.083333328, 0.068965517, 0.06666667, 0.064516135, 0.05882353, 0.057142857,
         0.050000001, 0.044444446],
    ),
    (  # S.InverseTimeDecay(0.1, 10, 0.5, staircase=True)
        inverse_time_decay(0.1, 10, 0.5, staircase=True),
        [0.1, 0.1, 0.1, 0.1, 0.06666667, 0.06666667, 0.06666667, 0.06666667, 0.05, 0.05],
    ),
    (  # S.PolynomialDecay(0.1, 10, 0.01, 2.0)
        polynomial_decay(0.1, 10, 0.01, power=2.0),
        [0.1, 0.082899995, 0.042400002, 0.0109, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
    ),
    (  # S.PolynomialDecay(0.1, 10, 0.01, 2.0, cycle=True)
        polynomial_decay(0.1, 10, 0.01, power=2.0, cycle=True),
        [0.1, 0.082899995, 0.042400002, 0.0109, 0.01, 0.028224999, 0.018100001, 0.015625, 0.01, 0.0125],
    ),
    (  # S.CosineDecay(0.1, 10, 0.1)
        cosine_decay(0.1, 10, 0.1),
        [0.1, 0.097797543, 0.068905763, 0.012202458, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
    ),
    (  # S.CosineDecay(0.0, 10, 0.1, warmup_target=0.1, warmup_steps=4)
        cosine_decay(0.1, 10, 0.1, warmup_steps=4),
        [0.0, 0.025, 0.1, 0.054999996, 0.041094225, 0.028549666, 0.01, 0.01, 0.01, 0.01],
    ),
    (  # S.PiecewiseConstantDecay([10, 14], [0.1, 0.05, 0.01])
        piecewise_constant([10, 14], [0.1, 0.05, 0.01]),
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.01, 0.01, 0.01],
    ),
    (constant(0.1), [0.1] * 10),
    (linear_warmup(0.1, 10), [0.0, 0.01, 0.04, 0.09, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
    (linear_warmup(0.1, 10, start=0.05), [0.05, 0.055, 0.07, 0.095, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "rates"), CASES, ids=repr)
def test_rates(schedule, rates):
    found = [schedule(step) for step in STEPS]
    assert all(type(rate) is float for rate in found)
    np.testing.assert_allclose(found, rates, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal([schedule(np.int64(step)) for step in STEPS], found)


@pytest.mark.parametrize("schedule", [case[0] for case in CASES], ids=repr)
def test_pickles_and_compares(schedule):
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert repr(again) == repr(schedule)
    assert [again(step) for step in STEPS] == [schedule(step) for step in STEPS]


def test_schedules_differ():
    assert exponential_decay(0.1, 10, 0.5) != exponential_decay(0.1, 10, 0.4)
    assert exponential_decay(0.1, 10, 0.5) != inverse_time_decay(0.1, 10, 0.5)


def test_far_steps_are_finite():
    for schedule, _ in CASES:
        assert 0 <= schedule(10**9) <= 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant(-0.1),
        lambda: constant(float("nan")),
        lambda: exponential_decay(0.1, 0, 0.5),
        lambda: exponential_decay(0.1, 2.5, 0.5),
        lambda: exponential_decay(0.1, 10, -0.5),
        lambda: cosine_decay(0.1, -3),
        lambda: cosine_decay(0.1, 3, warmup_steps=-1),
        lambda: polynomial_decay(0.1, 10, power=0.0),
        lambda: piecewise_constant([1, 2], [0.1, 0.2]),
        lambda: piecewise_constant([2, 2], [0.1, 0.2, 0.3]),
        lambda: linear_warmup(-1.0, 10),
    ],
)
def test_refused(make):
    with pytest.raises(ValueError, match=r"^\w+: "):
        make()


def test_wrong_type():
    with pytest.raises(ArgumentError, match="learning_rate is a str"):
        constant("0.1")
