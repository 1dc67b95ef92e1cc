"""The log-likelihood of a Gaussian: mean and covariance."""

import numpy as np

ARGNUMS = ("mu", "S")


def loss(mu, S, X):
    d = X - mu
    n, k = X.shape
    quadratic = np.sum(d @ np.linalg.inv(S) * d)
    return -0.5 * (quadratic + n * np.linalg.slogdet(S)[1] + n * k * np.log(2 * np.pi))


def closed_form(mu, S, X):
    d = X - mu
    P = np.linalg.inv(S)
    dmu = 0.5 * (P + P.T) @ d.sum(axis=0)
    return dmu, 0.5 * (P.T @ (d.T @ d) @ P.T - len(X) * P.T)


def example(rng):
    M = rng.normal(size=(3, 3))
    return rng.normal(size=3), M @ M.T + 3 * np.eye(3), rng.normal(size=(6, 3))
