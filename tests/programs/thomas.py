"""Steady diffusion through a layered wall: a tridiagonal system by the algorithm of Thomas."""

import numpy as np

ARGNUMS = ("conductivity", "source")
ANALYTIC = True


def thomas(a, b, c, d):
    """The solution with ``a`` below the diagonal ``b`` and ``c`` above it; ``c`` and ``d`` are overwritten."""
    n = len(d)
    c[0] /= b[0]
    d[0] /= b[0]
    for i in range(1, n):
        pivot = b[i] - a[i] * c[i - 1]
        c[i] /= pivot
        d[i] = (d[i] - a[i] * d[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]
    return d


def loss(conductivity, source, dx, measured):
    left = conductivity[:-1] / dx**2
    right = conductivity[1:] / dx**2
    u = thomas(-left, left + right, -right, source.copy())
    return dx * np.sum((u - measured) ** 2)


def arguments(rng, scale=1):
    n = 5 * scale
    conductivity, source = rng.uniform(0.5, 2, size=n + 1), 5 + rng.normal(size=n)
    return conductivity, source, 1 / (n + 1), rng.normal(size=n)
