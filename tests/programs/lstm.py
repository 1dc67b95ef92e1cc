"""A long short-term memory cell over a sequence, with a linear read-out at every step."""

import numpy as np

ARGNUMS = ("W", "U", "b", "w")
ANALYTIC = True


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell(x, h, c, W, U, b):
    n = len(h)
    z = W @ x + U @ h + b
    i = sigmoid(z[:n])
    f = sigmoid(z[n : 2 * n])
    o = sigmoid(z[2 * n : 3 * n])
    g = np.tanh(z[3 * n :])
    c = f * c + i * g
    return o * np.tanh(c), c


def loss(W, U, b, w, xs, ys):
    h = np.zeros(U.shape[1])
    c = np.zeros(U.shape[1])
    total = 0.0
    for x, y in zip(xs, ys):  # noqa: B905
        h, c = cell(x, h, c, W, U, b)
        total += (w @ h - y) ** 2
    return total / len(ys)


def arguments(rng, scale=1):
    steps, inputs, n = 5 * scale, 3, 2 + scale
    W = rng.normal(size=(4 * n, inputs)) / np.sqrt(inputs)
    U = rng.normal(size=(4 * n, n)) / np.sqrt(n)
    b = np.concatenate([np.zeros(n), np.ones(n), np.zeros(2 * n)])
    return W, U, b, rng.normal(size=n), rng.normal(size=(steps, inputs)), rng.normal(size=steps)
