"""The logarithm of a sum of exponentials: softmax."""

import numpy as np

ARGNUMS = 0


def loss(x):
    m = x.max()
    return m + np.log(np.sum(np.exp(x - m)))


def closed_form(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def example(rng):
    return (rng.normal(size=5),)
