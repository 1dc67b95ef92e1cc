"""Conditions that keep from dividing by zero: gradients are finite where the program is."""

from __future__ import annotations

import numpy as np
import pytest
from differences import check_close, differences

import symgrad

S = np.array([1.0, 0.0, 2.0])
X = np.array([0.3, 0.7, -0.5])


def quotient(a, s, x):
    return np.sum(np.where(s != 0, a * x / s, 0.0))


def rows(a, s, x):
    scaled = np.outer(x, x) * a
    return np.sum(np.where((s > 0)[:, None], scaled / s[:, None], 0.0) @ x)


def divided_where(a, s, x):
    out = np.zeros_like(s)
    np.divide(a * x, s, out=out, where=s != 0)
    return out @ x


def broadcast(a, s, x):
    return np.sum(np.where(s != 0, x / s, 0.0)[:, None] * np.outer(x, x) * a)


def lengths(a, s, x):
    length = np.linalg.norm(np.outer(s, x), axis=1)
    return np.sum(np.where(length > 0, a / length, 0.0) * x)


def distances(a, s, x):
    squared = (x[:, None] * s - x[None, :] * s) ** 2
    return a * np.sum(np.where(squared > 0, 1 / np.sqrt(squared), 0.0) @ x)


def logarithms(a, s, x):
    return np.sum(np.where(s > 0, np.log(s), 0.0) * x**2) * a


def nonzero_by_size(a, s, x):
    size = abs(s)
    return np.sum(np.where(size > 1e-12, x * a / s**2, 0.0) * x)


def nonzero_at_once(a, s, x):
    table = np.outer(s, x**2)
    return np.sum(np.where((table > 0).all(axis=1), np.sum(a / table, axis=1), 0.0) * x)


def norms(a, s, x):
    return np.linalg.norm(np.outer(s, s) * a, axis=1) @ (s * x)


def deviations(a, s, x):
    return np.std(np.outer(s, s + x) * a, axis=1) @ (s * x)


def signs(a, s, x):
    return np.sum(np.where(s > 0, a * x / s, np.where(s < 0, a * x**2 / s, 0.0)))


def signs_and_sines(a, s, x):
    return np.sum(np.where(s > 0, a * x / s, np.where(s < 0, np.sin(a * x) / s, 0.0)) * x)


def stored(a, s, x):
    quotients = a * x / s
    quotients[s == 0] = 0.0
    return np.sum(quotients * x)


def forces(a, s, x):
    """Of pairs: the divisor of a body and itself is zero wherever it is."""
    apart = x[:, None] - x[None, :]
    distance = np.sqrt(apart**2)
    weights = np.where(distance > 0, 1 / distance**3, 0.0)
    return a * np.sum((weights[:, :, None] * np.outer(s, s)) * apart[:, :, None])


def in_a_loop(a, s, x):
    total = 0.0
    for k in range(len(s)):
        total += a * x[k] / s[k] if s[k] != 0 else 0.0
    return total


CASES = [
    quotient,
    rows,
    divided_where,
    broadcast,
    lengths,
    distances,
    logarithms,
    nonzero_by_size,
    nonzero_at_once,
    norms,
    deviations,
    signs,
    signs_and_sines,
    stored,
    forces,
    in_a_loop,
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)
def test_gradients_are_finite_where_the_program_is(function):
    """Away from the divisor, whose gradient does not exist there; forwards and backwards."""
    gradients = symgrad.grad(function, argnums=(0, 2))(0.7, S, X)
    for found, position in zip(gradients, (0, 2), strict=True):
        check_close(found, differences(function, (0.7, S, X), position), 1e-6)
    direction = np.array([0.4, -0.2, 1.0])
    _, along = symgrad.jvp(lambda a, x: function(a, S, x), (0.7, X), (0.3, direction))
    check_close(along, 0.3 * gradients[0] + direction @ gradients[1], 1e-9)


def test_a_guard_is_written_with_its_divisor():
    assert "np.where(s != 0, 1 / s, 0.0) @ x" in symgrad.grad(quotient).source(0.7, S, X)
