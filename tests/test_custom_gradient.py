"""``custom_gradient`` in TensorFlow's form: the user's gradient function is called, effects happen once."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad

calls: list[str] = []


@symgrad.custom_gradient
def log1pexp(x):
    """``log(1 + exp(x))``, whose gradient does not overflow."""
    calls.append("log1pexp")
    e = np.exp(x)

    def gradient(upstream):
        return upstream * (1 - 1 / (1 + e))

    return np.log(1 + e), gradient


@symgrad.custom_gradient
def cross_entropy(z, labels, step):
    calls.append(f"step {step}")
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)

    def gradient(upstream):
        return upstream * (p - labels) / len(z), None, None

    return -np.sum(labels * np.log(p)) / len(z), gradient


@symgrad.custom_gradient
def doubled(x):
    """A wrong gradient on purpose: it must be used."""
    return x * 1.0, lambda upstream: 2.0 * upstream


@symgrad.custom_gradient
def product(x, y):
    return x * y, lambda upstream: (upstream * y, upstream * x)


def of_arrays(x):
    return np.sum(log1pexp(2 * x) * x)


def of_numbers(x, y):
    return log1pexp(x) * y


def trained(W, X, labels, step):
    return cross_entropy(X @ W, labels, step) + np.sum(W**2)


def of_elements(x):
    y = log1pexp(x[0])
    return y * y


def of_two(x, y):
    return np.sum(product(np.sin(x), y) ** 2)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (of_arrays, (np.linspace(-1, 1, 4),)),
        (of_numbers, (0.5, 2.0)),
        (of_elements, (np.linspace(-1, 1, 4),)),
        (of_two, (np.linspace(-1, 1, 4), np.linspace(1, 2, 4))),
    ],
)
def test_gradient_is_that_of_differences(function, args):
    symgrad.check_grads(function, args)


def test_body_runs_once_per_call():
    x = np.linspace(-1, 1, 4)
    derivative = symgrad.value_and_grad(of_arrays)
    derivative(x)
    calls.clear()
    value, _ = derivative(x)
    assert calls == ["log1pexp"]
    assert value == of_arrays(x)


def test_none_is_no_gradient():
    rng = np.random.default_rng(0)
    W, X, labels = rng.normal(size=(3, 4)), rng.normal(size=(5, 3)), np.eye(4)[[0, 1, 2, 3, 0]]
    found, for_labels = symgrad.grad(trained, ("W", "labels"))(W, X, labels, 7)
    z = X @ W
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, X.T @ (p - labels) / 5 + 2 * W, rtol=1e-12)
    assert not for_labels.any()


def test_given_gradient_is_used():
    def loss(x):
        return np.sum(doubled(x) ** 2)

    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(symgrad.grad(loss)(x), 4 * x)


def test_gradient_does_not_overflow():
    assert symgrad.grad(lambda x: log1pexp(x) * 1.0)(-800.0) == 0.0


def test_generated_code_calls_the_function():
    source = symgrad.grad(of_arrays).source(np.ones(3))
    assert source.count("log1pexp(") == 1
