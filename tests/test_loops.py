"""What the code of loops looks like: how much it saves, and how many statements it has."""

from __future__ import annotations

import ast
import tracemalloc

import numpy as np
import pytest
from differences import differences

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


# No rounds: what a loop leaves is a number, whose gradient is zero.


def total_variation(x):
    s = 0.0
    for i in range(1, len(x)):
        s += (x[i] - x[i - 1]) ** 2
    return s


def steps_between(x):
    s, before = 0, None
    for v in x:
        if before is not None:
            s += (v - before) ** 2
        before = v
    return s


def from_both_ends(x):
    low, high, s = 0, len(x) - 1, 0.0
    while low < high:
        s += x[low] * x[high]
        low, high = low + 1, high - 1
    return s


@pytest.mark.parametrize("function", [total_variation, steps_between, from_both_ends])
def test_a_loop_without_a_round_has_the_gradient_zero(function):
    derivative, x = symgrad.value_and_grad(function), np.array([0.3, 1.2, -0.7])
    for given in (x[:1], x, x[:1]):
        value, gradient = derivative(given)
        assert value == function(given)
        np.testing.assert_allclose(gradient, differences(function, (given,), 0), rtol=1e-8, atol=1e-8)


def test_parts_of_length_one_are_stored():
    def loss(x, n):
        y, z = np.zeros(n), np.zeros((n, n))
        y[:] = x[:n]
        z[:, 0] += y[: (n + 1) // 2 * 2 - n % 2]
        return np.sum(y**2) + np.sum(z**3)

    for n in (1, 3):
        x = np.arange(1.0, n + 1)
        np.testing.assert_allclose(symgrad.grad(loss)(x, n), 2 * x + 3 * x**2)


# Bounds that the run computes.

POINTERS, COLUMNS = np.array([0, 2, 3, 3, 5]), np.array([0, 2, 1, 0, 2])
ENTRIES, VECTOR = np.array([1.0, -2.0, 3.0, 4.0, 0.5]), np.array([0.3, 0.4, -0.5])


def sparse_product(data, x):
    s = 0.0
    for i in range(len(POINTERS) - 1):
        row = 0.0
        for k in range(POINTERS[i], POINTERS[i + 1]):
            row += data[k] * x[COLUMNS[k]]
        s += row**2
    return s


def back_substitution(data, x):
    y = x.copy()
    for i in range(2):
        for k in range(POINTERS[3 - i] - 1, POINTERS[i] - 1, -1):
            y[COLUMNS[k]] -= 0.1 * data[k] * y[i]
    return np.sum(y**3)


def up_to_the_largest_label(data, x):
    s = 0.0
    for c in range(int(COLUMNS.max()) + 1):
        s += np.sum(np.where(c == COLUMNS, data, 0.0)) ** 2 * x[c]
    return s


def with_jumps(data, x):
    s = 0.0
    for i in range(4):
        for k in range(POINTERS[i], POINTERS[i + 1]):
            if data[k] < 0:
                continue
            if s > 3:
                break
            s += data[k] * x[COLUMNS[k]] ** 2
        else:
            s += x[1] ** 3
    return s


@pytest.mark.parametrize("function", [sparse_product, back_substitution, up_to_the_largest_label, with_jumps])
def test_bounds_that_the_run_computes(function):
    for place, derivative in enumerate(symgrad.grad(function, argnums=(0, 1))(ENTRIES, VECTOR)):
        wanted = differences(function, (ENTRIES, VECTOR), place)
        np.testing.assert_allclose(derivative, wanted, rtol=1e-7, atol=1e-8)


def test_bounds_with_effects_are_refused():
    def loss(x):
        def count(y):
            y[0] += 1
            return int(y[0])

        s = 0.0
        for _ in range(count(x)):
            s += x[1]
        return s

    with pytest.raises(symgrad.SymgradError, match="run-time values"):
        symgrad.grad(loss)(np.array([2.0, 3.0]))


def test_bounds_that_are_floats_are_refused():
    def loss(x):
        s = 0.0
        for _ in range(x[0]):
            s += x[1]
        return s

    with pytest.raises(symgrad.NotYetSupported, match="elements of arrays"):
        symgrad.grad(loss)(np.array([2.0, 3.0]))


def two_sums_of_one(x, b):
    total = 0.0
    for j in range(len(x)):
        total += x[j] ** 2
        total -= b * max(j, 2)
    return total


def sums_of_halves(x, b):
    total = 0.0
    for j in range(len(x)):
        total += (j // 2) * x[j] * b
        total += (j % 3) * b
    return total


@pytest.mark.parametrize("function", [two_sums_of_one, sums_of_halves], ids=lambda f: f.__name__)
def test_the_adjoint_of_a_running_sum_needs_no_loop(function):
    """However many terms a round adds."""
    x = np.linspace(0.2, 0.9, 5)
    derivative = symgrad.grad(function, argnums=(0, 1))
    assert "reversed" not in derivative.source(x, 0.3)
    symgrad.check_grads(function, (x, 0.3))
    assert [np.shape(part) for part in derivative(x[:0], 0.3)] == [(0,), ()]


def doubled(x, b):
    total = b
    for v in x:
        total += v
        total += total
    return total


def crossed(x, b):
    total, other = b, 1.0
    for v in x:
        total += v * b
        other *= total
        total += np.sin(v)
    return other


@pytest.mark.parametrize("function", [doubled, crossed], ids=lambda f: f.__name__)
def test_what_reads_itself_is_no_running_sum(function):
    symgrad.check_grads(function, (np.linspace(0.2, 0.9, 5), 0.3))
