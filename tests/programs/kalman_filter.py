"""The negative log-likelihood of a linear Gaussian state-space model, by the Kalman filter."""

import numpy as np

ARGNUMS = ("F", "log_q", "log_r")
ANALYTIC = False


def loss(F, log_q, log_r, H, ys):
    n = F.shape[0]
    Q = np.diag(np.exp(log_q))
    R = np.diag(np.exp(log_r))
    m = np.zeros(n)
    P = np.eye(n)
    nll = 0.0
    for y in ys:
        m = F @ m
        P = F @ P @ F.T + Q
        e = y - H @ m
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        nll += 0.5 * (e @ np.linalg.solve(S, e) + np.linalg.slogdet(S)[1] + len(y) * np.log(2 * np.pi))
        m = m + K @ e
        P = (np.eye(n) - K @ H) @ P
    return nll


def arguments(rng, scale=1):
    n, outputs, steps = 2 + scale, 2, 6 * scale
    F = 0.8 * np.eye(n) + 0.1 * rng.normal(size=(n, n))
    log_q, log_r = -1 + 0.2 * rng.normal(size=n), -0.5 + 0.2 * rng.normal(size=outputs)
    return F, log_q, log_r, rng.normal(size=(outputs, n)), rng.normal(size=(steps, outputs))
