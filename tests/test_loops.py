"""What the code of loops looks like: how much it saves, and how many statements it has."""

from __future__ import annotations

import ast
import tracemalloc

import numpy as np

import symgrad


def recurrent(Wx, Wh, b, xs, y):
    h = np.zeros(len(b))
    for t in range(len(xs)):
        h = np.tanh(xs[t] @ Wx + h @ Wh + b)
    return np.mean((h - y) ** 2)


def linear(x, a):
    for _ in range(2_000):
        x = 0.5 * x + a * np.roll(x, 1)
    return np.sum(x)


def nonlinear(x):
    for _ in range(200):
        x = np.sin(x)
    return np.sum(x)


def peak(derivative, *args):
    """The most memory of a warm call, in arrays like the first argument."""
    derivative(*args)
    tracemalloc.start()
    derivative(*args)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / args[0].nbytes


def test_a_recurrent_network_has_few_statements():
    specs = "float64[n, k]", "float64[k, k]", "float64[k]", "float64[t, n]", "float64[k]"
    source = symgrad.grad(recurrent, argnums=(0, 1, 2)).source(*specs)
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    assert len(statements) - 2 <= 14, source  # the definition and the docstring
    assert source.count("np.empty(") == 2
    assert "np.outer" not in source


def test_linear_steps_save_nothing():
    assert peak(symgrad.grad(linear), np.linspace(0.0, 1.0, 1_000), 0.3) < 10


def test_nonlinear_steps_save_one_state_each():
    assert 200 <= peak(symgrad.grad(nonlinear), np.linspace(0.0, 1.0, 1_000)) < 220
