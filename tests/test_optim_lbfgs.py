"""L-BFGS: convergence, types, what stays, what is refused."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

import symgrad
from symgrad.errors import ArgumentError
from symgrad.optim import LBFGS, LBFGSState

pytest.importorskip("scipy")


def rosenbrock(params):
    x, y = params["x"], params["y"]
    return np.sum(100.0 * (y - x * x) ** 2 + (1.0 - x) ** 2)


def start():
    return {"x": np.array([-1.2, 0.5, 2.0]), "y": np.array([1.0, -1.0, 0.0])}


def test_rosenbrock():
    params = start()
    value, found, state = LBFGS().minimize(rosenbrock, params)
    assert value < 1e-10
    np.testing.assert_allclose(found["x"], 1.0, atol=1e-5)
    np.testing.assert_allclose(found["y"], 1.0, atol=1e-5)
    assert state.converged
    assert 10 < state.step <= state.evaluations < 200
    np.testing.assert_array_equal(params["x"], start()["x"])
    assert pickle.loads(pickle.dumps(state)) == state


def test_goes_on():
    optimizer = LBFGS(steps=30)
    params, state = start(), None
    values = []
    while state is None or not state.converged:
        value, params, state = optimizer.minimize(rosenbrock, params, state=state)
        values.append(value)
        assert state.step <= 30 * len(values) < 600
    assert values == sorted(values, reverse=True)
    np.testing.assert_allclose(params["y"], 1.0, atol=1e-4)


def least_squares(W, b, X, Y, *, ridge=0.0):
    return np.mean((X @ W + b - Y) ** 2) + ridge * np.sum(W * W)


def test_two_arguments_and_keywords():
    rng = np.random.default_rng(0)
    X, W, b = rng.standard_normal((40, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)
    loss = symgrad.value_and_grad(least_squares, argnums=(0, 1))
    zeros = np.zeros((3, 2)), np.zeros(2)
    _, found, _ = LBFGS().minimize(loss, zeros, X, X @ W + b)
    np.testing.assert_allclose(found[0], W, atol=1e-5)
    np.testing.assert_allclose(found[1], b, atol=1e-5)
    _, ridged, _ = LBFGS().minimize(loss, zeros, X, X @ W + b, ridge=1.0)
    assert np.linalg.norm(ridged[0]) < 0.8 * np.linalg.norm(W)


def test_types_stay():
    def loss(p):
        return np.sum((p["w"] - 2.0) ** 2) + (p["b"] - 3.0) ** 2 + (p["c"] - 4.0) ** 2

    params = {"w": np.zeros(2, np.float32), "b": 0.0, "c": np.float64(0.0), "name": "model", "n": 3}
    value, found, _ = LBFGS().minimize(loss, params)
    assert value < 1e-6
    assert found["w"].dtype == np.float32
    assert type(found["b"]) is float
    assert type(found["c"]) is np.float64
    assert (found["name"], found["n"]) == ("model", 3)


@symgrad.custom_gradient
def halfway(x, y):
    return x * x + (y - 1.0) ** 2, lambda upstream: (upstream * 2.0 * x, None)


def test_none_stays():
    def loss(p):
        return halfway(p[0], p[1])

    _, found, _ = LBFGS().minimize(loss, [3.0, 5.0])
    assert found == pytest.approx([0.0, 5.0], abs=1e-6)


def test_auxiliary_value():
    def loss(p):
        return (p - 3.0) ** 2, 2.0 * p

    (value, aux), found, _ = LBFGS().minimize(symgrad.value_and_grad(loss, has_aux=True), 0.0)
    assert value == (found - 3.0) ** 2
    assert aux == 2.0 * found


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        LBFGS().minimize(rosenbrock, start())


def test_refused():
    with pytest.raises(ValueError, match="LBFGS: memory is 0"):
        LBFGS(memory=0)
    with pytest.raises(ValueError, match="gradient_tolerance is -1"):
        LBFGS(gradient_tolerance=-1)
    with pytest.raises(ArgumentError, match=r'none of the parameters is a float: params\["x"\]'):
        LBFGS().minimize(lambda p: p["x"] ** 2, {"x": 3})
    assert LBFGSState() == LBFGSState(step=0, evaluations=0, converged=False, message="")
