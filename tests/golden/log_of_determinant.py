"""The same by the determinant itself, which cancels."""

import numpy as np

ARGNUMS = 0


def loss(A):
    return np.log(np.linalg.det(A))


def closed_form(A):
    return np.linalg.inv(A).T


def example(rng):
    M = rng.normal(size=(3, 3))
    return (M @ M.T + 3 * np.eye(3),)
