"""Softmax regression, written stably: the gradient of the maximum cancels."""

import numpy as np

ARGNUMS = ("W", "b")


def loss(W, b, X, Y):
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(Y * np.log(p), axis=1))


def closed_form(W, b, X, Y):
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    dz = (p * Y.sum(axis=1, keepdims=True) - Y) / X.shape[0]
    return X.T @ dz, dz.sum(axis=0)


def example(rng):
    Y = np.eye(4)[rng.integers(0, 4, 6)]
    return rng.normal(size=(5, 4)), rng.normal(size=4), rng.normal(size=(6, 5)), Y
