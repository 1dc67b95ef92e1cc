"""A linear system and the determinant of its matrix, by Gaussian elimination without pivoting."""

import numpy as np

ARGNUMS = ("A", "b")
ANALYTIC = True


def solve(A, b):
    """The solution of ``A x = b``; ``A`` becomes upper triangular and ``b`` is overwritten."""
    n = len(b)
    for k in range(n - 1):
        for i in range(k + 1, n):
            factor = A[i, k] / A[k, k]
            A[i, k:] -= factor * A[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros_like(b)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x


def loss(A, b, wanted):
    U = A.copy()
    x = solve(U, b.copy())
    return np.sum((x - wanted) ** 2) + 0.5 * np.sum(np.log(np.diag(U) ** 2))


def arguments(rng, scale=1):
    n = 3 * scale
    return rng.normal(size=(n, n)) + 2 * n * np.eye(n), n * rng.normal(size=n), rng.normal(size=n)
