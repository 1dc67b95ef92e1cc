"""Cross entropy from logits with integer labels."""

import numpy as np

ARGNUMS = "W"


def loss(W, X, labels):
    z = X @ W
    m = z.max(axis=1, keepdims=True)
    logp = z - m - np.log(np.exp(z - m).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean()


def closed_form(W, X, labels):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    onehot = labels[:, None] == np.arange(W.shape[1])
    return X.T @ (p - onehot) / len(labels)


def example(rng):
    return rng.normal(size=(5, 4)), rng.normal(size=(6, 5)), rng.integers(0, 4, 6)
