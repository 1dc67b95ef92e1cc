"""Hyperparameters of a logistic regression: the loss on held-out data after some steps of Adam."""

import numpy as np

ARGNUMS = ("w", "log_rate", "log_decay")
ANALYTIC = True
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def gradients(params, X, labels, decay):
    error = 1 / (1 + np.exp(-(X @ params["w"] + params["b"]))) - labels
    return {"w": X.T @ error / len(labels) + decay * params["w"], "b": np.mean(error)}


def cross_entropy(params, X, labels):
    z = X @ params["w"] + params["b"]
    return np.mean(np.log(1 + np.exp(z)) - labels * z)


def loss(w, log_rate, log_decay, steps, X, labels, X_test, labels_test):
    rate = np.exp(log_rate)
    decay = np.exp(log_decay)
    params = {"w": w, "b": 0.0}
    state = {"m": {"w": np.zeros_like(w), "b": 0.0}, "v": {"w": np.zeros_like(w), "b": 0.0}}
    for step in range(1, steps + 1):
        grads = gradients(params, X, labels, decay)
        for name, g in grads.items():
            state["m"][name] = BETA1 * state["m"][name] + (1 - BETA1) * g
            state["v"][name] = BETA2 * state["v"][name] + (1 - BETA2) * g**2
            m = state["m"][name] / (1 - BETA1**step)
            v = state["v"][name] / (1 - BETA2**step)
            params[name] = params[name] - rate * m / (np.sqrt(v) + EPSILON)
    return cross_entropy(params, X_test, labels_test)


def arguments(rng, scale=1):
    n, d = 10 * scale, 2 + scale
    X, X_test = rng.normal(size=(n, d)), rng.normal(size=(n + 2, d))
    w = rng.normal(size=d)
    labels, labels_test = (X.sum(axis=1) > 0) * 1.0, (X_test.sum(axis=1) > 0) * 1.0
    return w, -2.0, -3.0, 4 * scale, X, labels, X_test, labels_test
