"""Dynamic time warping of two series, by dynamic programming."""

import numpy as np

ARGNUMS = ("x", "y")
ANALYTIC = False


def loss(x, y):
    n, m = len(x), len(y)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (x[i - 1] - y[j - 1]) ** 2
            D[i, j] = cost + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return np.sqrt(D[n, m])


def arguments(rng, scale=1):
    n, m = 5 * scale, 4 + 2 * scale
    return np.sin(np.arange(n)) + 0.3 * rng.normal(size=n), np.cos(np.arange(m)) + 0.3 * rng.normal(size=m)
