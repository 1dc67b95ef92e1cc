"""Himmelblau's function of a vector that is unpacked."""

import numpy as np

ARGNUMS = 0


def loss(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def closed_form(p):
    x, y = p
    a = x * x + y - 11
    b = x + y * y - 7
    return np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])


def example(rng):
    return (rng.normal(size=2),)
