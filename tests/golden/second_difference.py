"""A roughness penalty by slices."""

import numpy as np

ARGNUMS = 0


def loss(u):
    d = u[2:] - 2 * u[1:-1] + u[:-2]
    return d @ d


def closed_form(u):
    d = u[2:] - 2 * u[1:-1] + u[:-2]
    zero = np.zeros(1)
    two = np.zeros(2)
    ahead = np.concatenate([two, d])
    here = np.concatenate([zero, d, zero])
    behind = np.concatenate([d, two])
    return 2 * (ahead - 2 * here + behind)


def example(rng):
    return (rng.normal(size=8),)
