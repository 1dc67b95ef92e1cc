"""The matrix differentials of operations, in NumPy.

symgrad reads these functions as it reads a user's. ``X, Y`` are operands and result, ``dX`` is the tangent of ``X``
(None where ``X`` is constant), parameters follow. Reverse mode is the transposition, done by the compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
# ruff: noqa: ARG001


def inv(X: Array, Y: Array, dX: Array) -> Array:
    """``d(X^-1) = -X^-1 dX X^-1``."""
    return -Y @ dX @ Y


def det(X: Array, Y: Array, dX: Array) -> Array:
    """Jacobi's formula."""
    return Y * np.trace(np.linalg.inv(X) @ dX, axis1=-2, axis2=-1)


def logabsdet(X: Array, Y: Array, dX: Array) -> Array:
    """``d log|X| = tr(X^-1 dX)``."""
    return np.trace(np.linalg.inv(X) @ dX, axis1=-2, axis2=-1)


def cholesky(X: Array, Y: Array, dX: Array) -> Array:
    """``dL = L Phi(L^-1 dX L^-T)``, where NumPy reads the lower triangle of ``X`` only."""
    inverse = np.linalg.inv(Y)
    change = np.tril(dX) + np.swapaxes(np.tril(dX, -1), -1, -2)
    whitened = inverse @ change @ np.swapaxes(inverse, -1, -2)
    return Y @ (np.tril(whitened) - whitened * (0.5 * np.eye(X.shape[-1])))


def extremum(X: Array, Y: Array, dX: Array, *, axis: Any) -> Array:
    """Ties split evenly."""
    mask = (Y if axis is None else np.expand_dims(Y, axis)) == X
    return np.sum(mask * dX, axis=axis) / np.sum(mask, axis=axis)


def prod(X: Array, Y: Array, dX: Array, *, axis: Any) -> Array:
    """Each factor's change times the product of the others, also where one factor is zero."""
    zeros = X == 0
    count = np.sum(zeros, axis=axis, keepdims=True)
    factors = np.where(zeros, 1.0, X)
    others = np.where(zeros, count == 1, count == 0) * np.prod(factors, axis=axis, keepdims=True) / factors
    return np.sum(others * dX, axis=axis)
