"""The logarithm of a determinant: the transposed inverse."""

import numpy as np

ARGNUMS = 0


def loss(A):
    _, value = np.linalg.slogdet(A)
    return value


def closed_form(A):
    return np.linalg.inv(A).T


def example(rng):
    return (rng.normal(size=(3, 3)) + 3 * np.eye(3),)
