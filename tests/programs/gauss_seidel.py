"""Sweeps of Gauss and Seidel over a linear system, element by element; the start ``x`` is overwritten."""

import numpy as np

ARGNUMS = ("A", "b", "x")
ANALYTIC = True


def loss(A, b, x, sweeps, wanted):
    n = len(b)
    for _ in range(sweeps):
        for i in range(n):
            s = b[i]
            for j in range(n):
                if j != i:
                    s -= A[i, j] * x[j]
            x[i] = s / A[i, i]
    return 0.5 * np.sum((x - wanted) ** 2)


def arguments(rng, scale=1):
    n = 4 * scale
    A = rng.normal(size=(n, n)) + (n + 1) * np.eye(n)
    return A, n * rng.normal(size=n), rng.normal(size=n), 1 + scale, rng.normal(size=n)
