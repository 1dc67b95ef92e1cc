"""A recurrent network: the squared error of its state after the last step."""

import numpy as np

ARGNUMS = ("Wx", "Wh", "b")
ANALYTIC = True


def loss(Wx, Wh, b, xs, y):
    h = np.zeros(Wh.shape[0])
    for t in range(len(xs)):
        h = np.tanh(xs[t] @ Wx + h @ Wh + b)
    return np.mean((h - y) ** 2)


def arguments(rng, scale=1):
    steps, inputs, hidden = 6 * scale, 2 + scale, 4 * scale
    Wx = rng.normal(size=(inputs, hidden)) / np.sqrt(inputs)
    Wh = rng.normal(size=(hidden, hidden)) / np.sqrt(hidden)
    return Wx, Wh, 0.1 * rng.normal(size=hidden), rng.normal(size=(steps, inputs)), rng.normal(size=hidden)
