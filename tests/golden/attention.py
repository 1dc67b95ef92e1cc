"""Scaled dot-product attention, weighted by a cotangent."""

import numpy as np

ARGNUMS = ("Q", "K", "V")


def loss(Q, K, V, G):
    s = Q @ K.T / np.sqrt(K.shape[1])
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return np.sum(P @ V * G)


def closed_form(Q, K, V, G):
    s = Q @ K.T / np.sqrt(K.shape[1])
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    dP = G @ V.T
    ds = P * (dP - (dP * P).sum(axis=1, keepdims=True)) / np.sqrt(K.shape[1])
    return ds @ K, ds.T @ Q, P.T @ G


def example(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(4, 2))
