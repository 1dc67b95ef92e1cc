"""Layer normalisation, in the form of its backward pass in three terms."""

import numpy as np

ARGNUMS = ("x", "gain", "bias")


def loss(x, gain, bias, G):
    mu = x.mean(axis=1, keepdims=True)
    c = x - mu
    v = (c**2).mean(axis=1, keepdims=True)
    s = np.sqrt(v + 1e-5)
    y = c / s * gain + bias
    return np.sum(y * G)


def closed_form(x, gain, bias, G):
    c = x - x.mean(axis=1, keepdims=True)
    s = np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-5)
    h = c / s
    dh = G * gain
    dx = (dh - dh.mean(axis=1, keepdims=True) - h * (dh * h).mean(axis=1, keepdims=True)) / s
    return dx, (G * h).sum(axis=0), G.sum(axis=0)


def example(rng):
    return rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=5), rng.normal(size=(4, 5))
