"""A quadratic form: ``(A + A') x`` and ``x x'``."""

import numpy as np

ARGNUMS = ("x", "A")


def loss(x, A):
    return x @ A @ x


def closed_form(x, A):
    return (A + A.T) @ x, np.outer(x, x)


def example(rng):
    return rng.normal(size=3), rng.normal(size=(3, 3))
