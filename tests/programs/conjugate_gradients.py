"""Ridge regression by conjugate gradients, judged on held-out data."""

import numpy as np

ARGNUMS = ("X", "y", "ridge")
ANALYTIC = True
TOLERANCE = 1e-12


def conjugate_gradients(A, b):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r
    rs = r @ r
    for _ in range(2 * len(b)):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        rs_new = r @ r
        if np.sqrt(abs(rs_new)) < TOLERANCE:
            break
        p = r + rs_new / rs * p
        rs = rs_new
    return x


def loss(X, y, ridge, X_test, y_test):
    n, d = X.shape
    A = X.T @ X / n + ridge * np.eye(d)
    w = conjugate_gradients(A, X.T @ y / n)
    return np.mean((X_test @ w - y_test) ** 2)


def arguments(rng, scale=1):
    n, d = 12 * scale, 2 + scale
    w = rng.normal(size=d)
    X, X_test = rng.normal(size=(n, d)), rng.normal(size=(n + 1, d))
    return X, X @ w + 0.3 * rng.normal(size=n), 0.4, X_test, X_test @ w + 0.3 * rng.normal(size=n + 1)
