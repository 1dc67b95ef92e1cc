"""Cross entropy of a sigmoid: the quotients cancel to ``p - y``."""

import numpy as np

ARGNUMS = "w"


def loss(w, X, y):
    p = 1 / (1 + np.exp(-(X @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def closed_form(w, X, y):
    p = 1 / (1 + np.exp(-(X @ w)))
    return X.T @ (p - y) / len(y)


def example(rng):
    return rng.normal(size=3), rng.normal(size=(7, 3)), rng.integers(0, 2, 7).astype(float)
