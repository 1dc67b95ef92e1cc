"""The error of data projected to their first principal component, found by power iteration."""

import numpy as np

ARGNUMS = ("X", "v")
ANALYTIC = False


def loss(X, v, steps):
    centred = X - X.mean(axis=0)
    C = centred.T @ centred / len(X)
    for _ in range(steps):
        v = C @ v
        v = v / np.linalg.norm(v)
    return np.mean((centred - np.outer(centred @ v, v)) ** 2)


def arguments(rng, scale=1):
    n, d = 8 * scale, 2 + scale
    return rng.normal(size=(n, d)) * np.linspace(1.2, 0.9, d), rng.normal(size=d), 1 + scale
