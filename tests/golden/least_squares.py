"""The sum of squared residuals: ``2 A'(Ax - b)``."""

import numpy as np

ARGNUMS = "x"


def loss(x, A, b):
    return np.sum((A @ x - b) ** 2)


def closed_form(x, A, b):
    return 2 * A.T @ (A @ x - b)


def example(rng):
    return rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)
