"""The negative log marginal likelihood of a Gaussian process, with a factorisation written as loops."""

import numpy as np

ARGNUMS = ("log_params", "y")
ANALYTIC = True


def cholesky(A):
    A = A.copy()
    for i in range(len(A)):
        A[i:, i] = A[i:, i] - A[i:, :i] @ A[i, :i]
        A[i:, i] = A[i:, i] / np.sqrt(A[i, i])
        A[i, i + 1 :] = 0
    return A


def forward_substitution(L, b):
    z = np.zeros_like(b)
    for i in range(len(b)):
        z[i] = (b[i] - L[i, :i] @ z[:i]) / L[i, i]
    return z


def loss(log_params, y, x):
    length, height, noise = np.exp(log_params)
    K = height * np.exp(-0.5 * ((x[:, None] - x[None, :]) / length) ** 2) + noise * np.eye(len(x))
    L = cholesky(K)
    z = forward_substitution(L, y)
    return 0.5 * z @ z + np.sum(np.log(np.diag(L))) + 0.5 * len(x) * np.log(2 * np.pi)


def arguments(rng, scale=1):
    n = 5 * scale
    return 0.3 * rng.normal(size=3), rng.normal(size=n), np.sort(rng.uniform(0, 3 * scale, size=n))
