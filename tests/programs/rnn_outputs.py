"""A recurrent network on a batch of sequences: the squared error of all its outputs."""

import numpy as np

ARGNUMS = ("Wx", "Wh", "Wy", "b")
ANALYTIC = True


def loss(Wx, Wh, Wy, b, xs, targets):
    h = np.zeros((xs.shape[1], Wh.shape[0]))
    outputs = []
    for x in xs:
        h = np.tanh(x @ Wx + h @ Wh + b)
        outputs.append(h @ Wy)
    return np.mean((np.stack(outputs) - targets) ** 2)


def arguments(rng, scale=1):
    steps, batch, inputs, hidden, outputs = 5 * scale, 2 + scale, 3, 4 * scale, 2
    Wx = rng.normal(size=(inputs, hidden)) / np.sqrt(inputs)
    Wh = rng.normal(size=(hidden, hidden)) / np.sqrt(hidden)
    Wy = rng.normal(size=(hidden, outputs)) / np.sqrt(hidden)
    xs, targets = rng.normal(size=(steps, batch, inputs)), rng.normal(size=(steps, batch, outputs))
    return Wx, Wh, Wy, 0.1 * rng.normal(size=hidden), xs, targets
