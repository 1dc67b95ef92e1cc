"""A perceptron with two hidden layers: the delta formulas of back-propagation."""

from itertools import pairwise

import numpy as np

ARGNUMS = ("W1", "b1", "W2", "b2", "W3", "b3")


def loss(W1, b1, W2, b2, W3, b3, X, Y):
    h1 = np.maximum(X @ W1 + b1, 0)
    h2 = np.tanh(h1 @ W2 + b2)
    z = h2 @ W3 + b3
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / len(X)


def closed_form(W1, b1, W2, b2, W3, b3, X, Y):
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    h2 = np.tanh(h1 @ W2 + b2)
    z = h2 @ W3 + b3
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d3 = (p * Y.sum(axis=1, keepdims=True) - Y) / len(X)
    d2 = (1 - h2**2) * (d3 @ W3.T)
    d1 = (z1 > 0) * (d2 @ W2.T)
    return X.T @ d1, d1.sum(axis=0), h1.T @ d2, d2.sum(axis=0), h2.T @ d3, d3.sum(axis=0)


def example(rng):
    sizes = (5, 6, 7, 4)
    layers = [a for n, m in pairwise(sizes) for a in (rng.normal(size=(n, m)), rng.normal(size=m))]
    return (*layers, rng.normal(size=(6, 5)), np.eye(4)[rng.integers(0, 4, 6)])
