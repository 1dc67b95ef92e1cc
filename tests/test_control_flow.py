"""Branches, loops, early exits, containers, classes and effects: exact on every path, or refused where they stand."""

# The cases are written as programs are found, not as they should be written.
# ruff: noqa: B023, E731, PERF401, PLW0603, RET505, RUF007, SIM108, T201

from __future__ import annotations

import functools
import itertools
import math
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from real_programs import Table, check_or_refused, copied

import symgrad

REFUSED = {"generator_function", "object_as_an_argument", "sorted_by_a_constant"}

CASES = Table()

RATE = 0.3
DEBUG = False
LEVELS = {"low": 0.5, "high": 2.0}
COEFFICIENTS = (1.0, -0.5, 0.25)
LOG: list[Any] = []
CALLS = 0


def v(*numbers: float) -> np.ndarray:
    """A vector."""
    return np.array(numbers)


A = np.array([[0.5, -1.2, 0.3], [1.4, 0.8, -0.6], [-0.9, 0.2, 1.1], [0.7, 0.6, -0.4]])
B = np.array([[1.1, 0.4, -0.7], [-0.3, 1.2, 0.9]])
LINE = v(0.7, -1.3, 2.1, 0.4)
OTHER = v(-0.2, 0.9, 0.3, -1.6)
SHORT = v(1.2, -0.6)


# Branches


@CASES.at((1.5,), (-0.5,))
def if_without_else(x):
    y = x * x
    if x > 0:
        y = y * x
    return y


@CASES.at((1.5,), (-0.5,))
def if_and_else(x):
    if x > 0:
        y = math.sin(x)
    else:
        y = x**3
    return y * y


@CASES.at((2.5,), (1.5,), (0.5,), (-1.5,))
def chain_of_conditions(x):
    if x > 2:
        y = x * x
    elif x > 1:
        y = 3.0 * x
    elif x > 0:
        y = math.exp(x)
    else:
        y = 1.0 - x
    return y * x


@CASES.at((1.5, 1.0), (1.5, -1.0), (-0.5, 1.0), (-0.5, -1.0))
def nested_branches(x, y):
    if x > 0:
        if y > 0:
            z = x * y
        else:
            z = x - y * y
    else:
        z = x * x
        if y > 0:
            z = z + y
    return z * z


@CASES.at((1.5,), (-0.5,))
def conditional_expression(x):
    y = x * x if x > 0 else -x
    return y * (2.0 if y > 1 else 3.0)


@CASES.at((LINE,), (OTHER,), (SHORT,))
def conditional_expression_of_arrays(x):
    y = x * x if x.sum() > 0 else np.sin(x)
    return np.sum(y * x)


@CASES.at((LINE, 2.0), (OTHER, 0.5), (v(-2.0, -0.3), 0.1))
def branch_on_an_array(x, s):
    if np.all(x > -1.5) and np.linalg.norm(x) > s:
        y = x / s
    elif (x > 0).any():
        y = x * s
    else:
        y = x
    return np.sum(y**3)


@CASES.at((1.5, 1.0), (1.5, -1.0), (-0.5, 1.0), (-0.5, -1.0))
def conditions_with_and_or_not(x, y):
    if x > 0 and not y > 0:
        z = x * y
    elif x < 0 or y > 5:
        z = x + y * y
    else:
        z = 2.0 * x
    return z * x


@CASES.at((1.5, 1.0), (0.0, 1.0), (0.0, -1.0))
def values_of_and_and_or(x, y):
    z = x or y
    u = y and z
    return z * u * u


@CASES.at((0.5,), (1.5,), (2.5,))
def chained_comparison(x):
    if 1.0 <= x < 2.0:
        return x * x
    return 3.0 * x if not 0 < x < 1 else x**4


@CASES.at((1.5,), (0.5,), (-0.5,))
def early_return(x):
    if x > 1:
        return x * x
    y = math.cos(x)
    if y > x > 0:
        return y * x
    y = y + x
    return y * y


@CASES.at((LINE,), (-LINE,), (OTHER,))
def early_return_of_arrays(x):
    def direction(u):
        if u[0] > 0.5:
            return u * u
        if u[0] > -0.5:
            return np.sin(u)
        return u

    return np.sum(direction(x) * x)


@CASES.at((1.5,), (-0.5,))
def return_in_both_branches(x):
    if x > 0:
        y = x * x
        return y + x
    else:
        y = x**3
        return y - x


@CASES.at((1.5,), (-0.5,))
def variable_of_one_branch(x):
    y = x
    if x > 0:
        scale = x * 2.0
        y = y * scale
    return y * x


@CASES.at((1.5,), (-0.5,))
def two_variables_change(x):
    a, b = x, 2.0
    if x > 0:
        a, b = b, a * a
    return a * b * b


@CASES.at((1.5, True), (-0.7, True), (1.5, False))
def static_and_runtime_conditions(x, is_train):
    y = x * x
    if is_train and x > 0:
        y = y * RATE
    if DEBUG:
        y = undefined_name + y  # noqa: F821
    if not is_train:
        return y
    return y + x


@CASES.at((1.5, None), (1.5, 2.0))
def none_or_a_number(x, scale):
    if scale is None:
        scale = x
    return scale * x * x


@CASES.at((1.5, 2), (1.5, 0), (1.5, -3))
def branch_on_an_integer(x, n):
    if n > 1:
        return x**n
    if n == 0:
        return x
    return x * n


@CASES.at((0.3, 0.8), (0.8, 0.3), (-0.8, 0.3))
def branch_on_results(x, y):
    z = math.sin(x) - y * y
    if z > 0:
        z = z * x
    if z < -0.5:
        z = z * y
    return z * z


@CASES.at((1.5,), (-0.5,))
def branch_on_a_flag(x):
    is_positive = x > 0
    y = x * x
    if is_positive:
        y = y + x
    if not is_positive:
        y = y * 2.0
    return y * is_positive + x**3


@CASES.at((1.5,), (-0.7,))
def integer_in_one_branch(x):
    if x > 0:
        y = 0
    else:
        y = x
    return (y + 1) * x


@CASES.at((1.5, "cube"), (-0.5, "cube"), (1.5, "sine"), (1.5, "other"))
def match_on_a_word(x, kind):
    match kind:
        case "cube":
            y = x**3
        case "sine" | "sinus":
            y = math.sin(x)
        case _:
            y = x
    return y * x


@CASES.at((1.5, 0), (1.5, 1), (1.5, 2), (1.5, 4), (1.5, 7))
def match_on_a_number(x, n):
    match n:
        case 0:
            return x
        case 1 | 2:
            return x * x
        case k if k > 5:
            return x * k
    return 0.0


@CASES.at((1.5, 1.0), (1.5, -1.0))
def match_on_structure(x, y):
    match (x, y):
        case (a, b) if b > 0:
            return a * b
        case (a, b):
            return a - b * b


@CASES.at((1.5,), (0.5,))
def assert_that_holds(x):
    assert x > 0, "x is positive"
    y = math.log(x)
    assert np.isfinite(y)
    return y * y


@CASES.at((1.5,), (0.5,))
def raise_that_is_not_reached(x):
    if x < 0:
        raise ValueError(f"negative: {x}")
    if x > 100:
        raise OverflowError
    return math.sqrt(x)


@CASES.at((LINE,), (OTHER,))
def raise_after_checks_of_shapes(x):
    if x.ndim != 1:
        raise ValueError("a vector")
    if len(x) < 2 or x.shape[0] > 100:
        raise ValueError("a short vector")
    if not np.all(np.isfinite(x)):
        raise FloatingPointError("not finite")
    return np.sum(x**3)


@CASES.at((1.5,), (-0.5,))
def raise_in_a_helper(x):
    def root(u):
        if u < 0:
            raise ValueError
        return math.sqrt(u)

    return root(x * x + 1.0) * x


@CASES.at((LINE,), (OTHER,))
def errstate(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(x > 0, np.log(x), x * x)
    return np.sum(y * x)


@CASES.at((1.5,), (-0.5,))
def try_and_finally(x):
    y = x
    try:
        y = y * x
        if x > 0:
            return y * y
    finally:
        y = y + 100.0
    return y


@CASES.at((LINE,), (OTHER,))
def walrus_in_a_condition(x):
    if (total := np.sum(x)) > 0:
        return total * total
    return total * np.sum(x * x)


@CASES.at((LINE,), (OTHER,))
def deleted_names(x):
    y = x * x
    z = y + 1.0
    del y
    y = z * x
    del z, x
    return np.sum(y)


@CASES.at((1.5,), (-0.5,))
def names_of_one_value(x):
    if x > 0:
        f = math.sin
    else:
        f = math.cos
    return f(x) * x


@CASES.at((1.5,), (-0.7,))
def functions_of_two_branches(x):
    if x > 0:

        def g(u):
            return u * u
    else:

        def g(u):
            return u + 1.0

    return g(x) * x


@CASES.at((LINE, 1.0), (OTHER, -1.0))
def shapes_of_two_branches(x, s):
    y = x[1:] if s > 0 else x
    return np.sum(y * y) * s


@CASES.at((LINE, 1.0), (OTHER, -1.0))
def scalar_or_array(x, s):
    y = s * s
    if s > 0:
        y = x * s
    return np.sum(y * x)


@CASES.at((1.5,), (-0.5,))
def pass_and_ellipsis(x):
    if x > 0:
        pass
    else:
        ...
    return x * x


@CASES.at((LINE,), (OTHER,), (v(0.1, 0.1, 0.2, 0.3),))
def branch_in_a_branch_in_a_helper(x):
    def clipped(u, limit=1.0):
        size = np.sqrt(np.sum(u * u))
        if size > limit:
            u = u * (limit / size)
            if u[0] > 0.2:
                u = u + 0.1
        return u

    return np.sum(clipped(clipped(x) * 2.0, limit=0.7) ** 3)


# for


@CASES.at((1.5, 3), (1.5, 1), (1.5, 0))
def range_of_a_number(x, n):
    y = 1.0
    for _ in range(n):
        y = y * x + 1.0
    return y


@CASES.at((1.5, 1, 5), (1.5, 4, 4), (1.5, 5, 2), (1.5, -2, 1))
def range_with_bounds(x, first, last):
    y = x
    for i in range(first, last):
        y = y * math.cos(x) + i
    return y


@CASES.at((1.5, 0, 7, 3), (1.5, 5, -1, -2), (1.5, 0, 5, -1), (1.5, 1, 2, 5))
def range_with_a_step(x, first, last, step):
    y = x
    for i in range(first, last, step):
        y = y * 0.5 * x + i * y
    return y


@CASES.at((LINE,), (SHORT,), (np.zeros(0),))
def range_of_a_length(x):
    y = 0.5
    for i in range(len(x)):
        y = y * x[i] + np.sin(x[i])
    return y


@CASES.at((LINE,), (SHORT,))
def range_downwards(x):
    y = 0.5
    for i in range(x.size - 1, 0, -1):
        y = y * x[i] + x[i - 1]
    return y


@CASES.at((LINE,), (SHORT,), (np.zeros(0),))
def entries_of_a_vector(x):
    y = 0.5
    for u in x:
        y = y * u + np.cos(u)
    return y


@CASES.at((A, v(0.2, -0.4, 0.9)), (B, v(1.2, 0.1, -0.3)))
def rows_of_a_matrix(X, w):
    h = w
    for row in X:
        h = np.tanh(h * row + w)
    return np.sum(h * h)


@CASES.at((A,), (B,))
def rows_by_index(X):
    total = 0.0
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            total += X[i, j] * X[i, j - 1] * (i + 1)
    return total


@CASES.at(([LINE, OTHER, SHORT], SHORT), ([SHORT, OTHER], LINE))
def list_of_arrays(parts, w):
    total = 0.0
    for k, part in enumerate(parts):
        total = total + np.sum(part**2) * np.sum(w) * (k + 1)
    return total


@CASES.at((LINE,), (SHORT,))
def enumerated(x):
    y = 1.0
    for i, u in enumerate(x, start=1):
        y = y + i * u * y
    return y


@CASES.at((LINE, OTHER), (SHORT, SHORT))
def zipped(x, y):
    z = 0.3
    for u, w in zip(x, y, strict=True):
        z = z * u + w * w
    return z


@CASES.at((LINE, OTHER), (LINE, SHORT), (SHORT, LINE))
def zipped_to_the_shortest(x, y):
    z = 0.3
    for u, w in zip(x, y, strict=False):
        z = z * u + w * w
    return z


@CASES.at((LINE,), (SHORT,))
def zipped_with_the_next(x):
    z = 0.3
    for i, (u, w) in enumerate(zip(x[:-1], x[1:], strict=True)):
        z = z * u + w * i
    return z


@CASES.at((LINE,), (SHORT,))
def reversed_entries(x):
    y = 0.5
    for u in reversed(x):
        y = y * u + 1.0
    for i in reversed(range(len(x))):
        y = y + x[i] * y
    return y


@CASES.at((LINE, 2), (SHORT, 3), (LINE, 0))
def nested_loops(x, n):
    y = 1.0
    for _ in range(n):
        z = y
        for u in x:
            z = z * u + y
        y = y + 0.1 * z
    return y


@CASES.at((1.5, 4), (1.5, 1), (1.5, 0))
def triangular_loops(x, n):
    y = 1.0
    for i in range(n):
        for j in range(i):
            y = y + x * j - 0.1 * y * x
        y = y * x
    return y


@CASES.at((LINE,), (OTHER,))
def branch_in_a_loop(x):
    y = 1.0
    for u in x:
        if u > 0:
            y = y * u
        elif u > -1:
            y = y - u
        else:
            y = y + u * u
    return y


@CASES.at((LINE, 2.0), (OTHER, 0.5))
def branch_on_the_carried_value(x, s):
    y = s
    for u in x:
        y = y * u
        if y > 1:
            y = math.sqrt(y)
        if y < -1:
            y = -0.5 * y
    return y * y


@CASES.at((1.5, 6), (1.5, 1))
def branch_on_the_counter(x, n):
    y = x
    for i in range(n):
        if i % 2 == 0:
            y = y * x
        else:
            y = y + i
    return y


@CASES.at((1.5, 10), (0.9, 3), (0.5, 10))
def break_in_a_branch(x, n):
    y = 1.0
    for _ in range(n):
        y = y * x
        if y > 10:
            break
        y = y + 0.1
    return y


@CASES.at((LINE,), (OTHER,), (v(-1.0, -2.0),))
def break_in_nested_branches(x):
    y = 0.3
    for i, u in enumerate(x):
        if u > 0:
            y = y + u * u
            if y > 4:
                y = y * 2.0
                break
        elif u < -1.8:
            break
        y = y * (1.0 + i)
    return y * y


@CASES.at((LINE,), (OTHER,), (v(-1.0, -2.0),))
def continue_in_branches(x):
    y = 0.3
    for u in x:
        if u < 0:
            if u < -1.5:
                continue
            y = y - u
            continue
        y = y * u + 1.0
    return y


@CASES.at((LINE, 1.0), (LINE, 10.0))
def loop_with_else(x, limit):
    y = 0.0
    for u in x:
        y = y + u * u
        if y > limit:
            y = y * limit
            break
    else:
        y = y * y
    return y


@CASES.at((A, 1.0), (B, 10.0))
def break_of_the_inner_loop(X, limit):
    total = 0.0
    for row in X:
        part = 0.0
        for u in row:
            part = part + u * u
            if part > limit:
                break
        else:
            part = part * 3.0
        total = total + part * part
    return total


@CASES.at((A, 1.0), (A, 3.0), (B, 10.0))
def break_of_both_loops(X, limit):
    y = 1.0
    found = False
    for row in X:
        for u in row:
            y = y + u * y
            if y > limit:
                found = True
                break
        if found:
            break
    return y * y


@CASES.at((LINE,), (OTHER,), (v(-1.0, -2.0, -0.5, -0.1),))
def return_from_a_loop(x):
    y = 1.0
    for u in x:
        y = y * u
        if y > 0.5:
            return y * y
    return y - x[0]


@CASES.at((A,), (B,), (-A * A,))
def return_from_nested_loops(X):
    y = 1.0
    for row in X:
        for u in row:
            if u > 1:
                return y * u
            y = y + u * u
    return y * X[0, 0]


@CASES.at((1.5, 3), (1.5, 1))
def variable_of_the_loop_after_it(x, n):
    y = x
    for i in range(n):
        z = y * x
        y = z + i
    return y * i + z * z


@CASES.at((LINE,), (SHORT,))
def entry_of_the_loop_after_it(x):
    y = 1.0
    for u in x:
        y = y + u * u
    return y * u


@CASES.at((1.5, 3), (1.5, 0))
def default_for_no_iterations(x, n):
    last = x * x
    for i in range(n):
        last = last * (x + i)
    return last + x


@CASES.at((LINE,), (SHORT,))
def integer_that_becomes_a_float(x):
    total = 0
    for u in x:
        total = total + u * u
    return total * total


@CASES.at((A,), (B,))
def scalar_that_becomes_an_array(X):
    total = 0
    for row in X:
        total = total + row * row
    return np.sum(total * total)


@CASES.at((LINE, 3), (SHORT, 1))
def array_that_grows(x, n):
    y = x
    for _ in range(n):
        y = np.append(y, np.sum(y) * 0.5)
    return np.sum(y * y)


@CASES.at((LINE,), (SHORT,))
def first_iteration_is_special(x):
    previous = None
    y = 0.0
    for u in x:
        if previous is not None:
            y = y + (u - previous) ** 2
        previous = u
    return y * y


@CASES.at((LINE,), (SHORT,))
def maximum_by_a_loop(x):
    best = x[0]
    where = 0
    for i in range(1, len(x)):
        if x[i] > best:
            best = x[i]
            where = i
    return best * best + where * x[0]


@CASES.at((1.5, 6), (0.2, 3))
def fibonacci_of_two_names(x, n):
    a, b = x, 1.0
    for _ in range(n):
        a, b = b, 0.5 * (a + b * math.cos(x))
    return a * b


@CASES.at((LINE,), (OTHER,))
def constant_tuples_unroll(x):
    y = 0.0
    for c, name in zip(COEFFICIENTS, ("low", "high", "low"), strict=True):
        y = y * x[0] + c * LEVELS[name] * x[1]
    for power in (1, 2, 3):
        y = y + x[power] ** power
    return y


@CASES.at((LINE, 2), (SHORT, 0))
def counters_that_are_not_differentiated(x, n):
    count = n
    y = x[0]
    for u in x:
        if u > 0:
            count += 1
        y = y + count * u
    return y * count


# while


@CASES.at((2.0,), (50.0,), (0.5,))
def newton_by_while(a):
    x = a
    while abs(x * x - a) > 1e-13 * a:
        x = 0.5 * (x + a / x)
    return x


@CASES.at((0.3,), (1.1,))
def fixed_point_by_while(a):
    x, step = 0.5, 1.0
    while step > 1e-14:
        new = math.cos(a * x)
        step = abs(new - x)
        x = 0.5 * (new + x)
    return x * x


@CASES.at((1.3, 20.0), (1.9, 20.0), (1.3, 0.5))
def while_on_a_differentiated_value(x, limit):
    y = x
    while y < limit:
        y = y * x + 0.1
    return y * y


@CASES.at((1.3, 4), (1.3, 1), (1.3, 0))
def while_by_a_counter(x, n):
    y = x
    while n > 0:
        y = y * x + n
        n -= 1
    return y


@CASES.at((1.3,), (3.5,), (0.2,))
def while_true_and_break(x):
    y, steps = x, 0
    while True:
        y = y * 1.5 + x
        steps += 1
        if y > 10 or steps >= 5:
            break
    return y * steps


@CASES.at((1.3, 3), (1.3, 8))
def while_with_else(x, n):
    y, i = x, 0
    while i < n:
        i += 1
        if i == 5:
            y = y * 7.0
            break
        if i % 2:
            continue
        y = y * x
    else:
        y = y + x * x
    return y


@CASES.at((1.3,), (0.4,))
def return_from_while(x):
    y = x
    while True:
        y = y * y + x
        if y > 5:
            return y * x
        if y > 1:
            y = y + 0.5


@CASES.at((LINE, 1.2), (OTHER, 0.2))
def while_of_arrays(x, limit):
    y = x
    while np.linalg.norm(y) > limit:
        y = 0.7 * y - 0.01 * y**2
    return np.sum(y * x)


@CASES.at((LINE,), (SHORT,))
def while_over_entries(x):
    i, y = 0, 1.0
    while i < len(x) and y < 3.0:
        y = y + x[i] * x[i]
        i += 1
    return y * y * i


@CASES.at((2.0, 0.0, 4.0), (3.0, 1.0, 2.0))
def bisection_by_while(a, low, high):
    while high - low > 0.05:
        middle = 0.5 * (low + high)
        if middle * middle > a:
            high = middle
        else:
            low = middle
    return (low + high) * a


@CASES.at((1.3, 3), (0.7, 2), (0.7, 0))
def while_in_for(x, n):
    y = x
    for i in range(n):
        z = y
        while z < 4.0 + i:
            z = z * 1.7 + x
        y = y + 0.1 * z
    return y


@CASES.at((2.5,), (7.5,))
def walrus_in_while(x):
    y = 0.0
    while (rest := x - y * y) > 1:
        y = y + 0.1 * rest
    return y * rest


# Lists, comprehensions, dicts


@CASES.at((LINE,), (SHORT,))
def list_by_append(x):
    squares = []
    for u in x:
        squares.append(u * u)
    return squares[0] * squares[-1] + sum(squares)


@CASES.at((LINE, 3), (SHORT, 1))
def list_of_states(x, n):
    states = [x]
    for _ in range(n):
        states.append(np.tanh(states[-1]) * x)
    return np.sum(states[-1] * states[0]) + np.sum(np.stack(states) ** 2) * len(states)


@CASES.at((LINE,), (SHORT,))
def list_to_array(x):
    found = []
    for i, u in enumerate(x):
        found.append(u * u + i)
    y = np.array(found)
    return np.sum(y[1:] * y[:-1])


@CASES.at((LINE,), (OTHER,))
def stack_by_append_and_pop(x):
    stack = [x[0], x[1]]
    stack.append(x[2] * x[3])
    top = stack.pop()
    first = stack.pop(0)
    stack.append(top * stack[-1])
    return first * stack.pop() * len(stack) + stack[0]


@CASES.at((LINE,), (OTHER,))
def list_with_insert_and_extend(x):
    parts = [x * 2.0]
    parts.insert(0, x * x)
    parts.extend([x + 1.0, x - 1.0])
    parts.reverse()
    del parts[1]
    a, *rest = parts
    return np.sum(a * rest[0] + rest[-1])


@CASES.at((LINE, 3), (SHORT, 2))
def comprehension_of_a_runtime_length(x, n):
    powers = [np.sum(x ** (k + 1)) for k in range(n)]
    return sum(powers) * powers[0]


@CASES.at((LINE,), (SHORT,))
def comprehension_over_entries(x):
    y = np.array([u * u for u in x])
    return np.sum(y * x)


@CASES.at((LINE,), (OTHER,))
def comprehension_with_a_condition(x):
    return sum([u * u for u in x if u > 0])


@CASES.at((LINE,), (OTHER,))
def comprehension_with_a_choice(x):
    return sum([u * u if u > 0 else -u for u in x])


@CASES.at((A,), (B,))
def nested_comprehension(X):
    return sum([u * row[0] for row in X for u in row])


@CASES.at((LINE, 4), (SHORT, 1))
def sum_of_a_generator(x, n):
    return sum(np.sin(x[0] * k) for k in range(n)) + sum((u * u for u in x), start=x[0])


@CASES.at((A,), (B,))
def rows_by_a_comprehension(X):
    Y = np.stack([row / np.sqrt(np.sum(row * row)) for row in X])
    return np.sum(Y * X * X)


@CASES.at((LINE,), (OTHER,))
def dict_built_and_updated(x):
    state = {"a": x[0], "b": x[1] * x[2]}
    state["c"] = state["a"] * state["b"]
    state["a"] += 1.0
    state.update(b=state["c"] * 2.0)
    total = 0.0
    for key, value in state.items():
        total = total + value * len(key)
    return total * state["a"]


@CASES.at((LINE,), (OTHER,))
def dict_by_a_comprehension(x):
    found = {name: x * level for name, level in LEVELS.items()}
    merged = {**found, "mid": found["low"] * found["high"]}
    return np.sum(merged["mid"] * merged.get("low", 0.0)) + ("none" in merged)


@CASES.at(({"w": LINE, "b": 0.5}, 3), ({"w": OTHER, "b": -1.0}, 0))
def dict_of_parameters_in_a_loop(params, n):
    w, b = params["w"], params["b"]
    state = {"h": w * 0.5, "steps": 0}
    for _ in range(n):
        state["h"] = np.tanh(state["h"] * w + b)
        state["steps"] += 1
    return np.sum(state["h"] ** 2) * state["steps"] + b


@CASES.at(([(A.T, SHORT[0]), (B, 0.3)], v(0.3, 0.2, -0.4, 0.8)), ([(A.T * 0.5, 1.1), (B, 0.2)], LINE))
def layers_of_a_network(layers, x):
    for k, (weight, bias) in enumerate(layers):
        x = weight @ x + bias
        if k < len(layers) - 1:
            x = np.tanh(x)
    return np.sum(x * x)


@CASES.at((LINE, 3), (SHORT, 0))
def tuple_carried_by_a_loop(x, n):
    state = (x, np.ones_like(x))
    for _ in range(n):
        position, velocity = state
        state = (position + 0.1 * velocity, velocity - 0.1 * position**3)
    return np.sum(state[0] * state[1])


@CASES.at((LINE, 3), (OTHER, 1))
def list_of_lists_in_a_loop(x, n):
    grid = [[x[0], x[1]], [x[2], x[3]]]
    for _ in range(n):
        grid[0][1] = grid[0][1] * grid[1][0]
        grid[1][0] = grid[1][0] + grid[0][0]
    return grid[0][0] * grid[0][1] + grid[1][0] * grid[1][1]


# Functions


@CASES.at((LINE,), (OTHER,))
def nested_functions(x):
    def outer(u):
        def inner(w):
            return w * u * RATE

        return inner(u) + u

    return np.sum(outer(outer(x)))


@CASES.at((1.5, 3), (1.5, 0))
def function_called_in_a_loop(x, n):
    def step(u, k):
        if u > 2:
            return u - k * x
        return u * x

    y = x
    for k in range(n):
        y = step(y, k)
    return y * y


@CASES.at((LINE,), (OTHER,))
def lambdas_made_in_a_loop(x):
    functions = []
    for k in range(3):
        functions.append(lambda u, k=k: u ** (k + 1))
    return sum([np.sum(g(x)) for g in functions])


@CASES.at((LINE,), (OTHER,))
def lambdas_bind_late(x):
    functions = [lambda u: u**k for k in range(3)]
    return np.sum(functions[0](x) * functions[1](x))


@CASES.at((1.5, 3), (1.5, 1))
def closure_over_the_loop_s_variable(x, n):
    y = x
    for i in range(n):
        step = lambda u: u * x + i
        y = step(y)
    return step(y)


@CASES.at((1.5,), (-0.5,))
def nonlocal_counter(x):
    calls = 0

    def f(u):
        nonlocal calls
        calls += 1
        return u * x

    y = f(f(f(x)))
    return y * calls


@CASES.at((1.5, 4), (1.5, 0))
def nonlocal_sum_in_a_loop(x, n):
    total = 0.0

    def add(u):
        nonlocal total
        total = total + u * u

    for k in range(n):
        add(x * k)
    return total + x


@CASES.at((LINE,), (OTHER,))
def partial_application(x):
    def power(u, exponent, scale=1.0):
        return scale * u**exponent

    square = functools.partial(power, exponent=2)
    cube = functools.partial(power, exponent=3, scale=RATE)
    return np.sum(square(x) * cube(x))


@CASES.at((1.5, 4), (1.5, 1))
def functions_of_functions(x, n):
    def repeat(g, u):
        for _ in range(n):
            u = g(u)
        return u

    return repeat(lambda u: math.sin(u) * x, x) + repeat(math.cos, x)


@CASES.at((1.5,), (-0.5,))
def bounded_recursion(x):
    def power(u, n):
        if n == 0:
            return 1.0
        half = power(u, n // 2)
        return half * half * u if n % 2 else half * half

    return power(x, 11)


def horner(u, coefficients):
    """A polynomial, by recursion on the coefficients."""
    if not coefficients:
        return 0.0
    return coefficients[0] + u * horner(u, coefficients[1:])


@CASES.at((1.5,), (-0.5,))
def recursion_on_a_tuple(x):
    return horner(x, COEFFICIENTS) * x


@CASES.at((LINE,), (OTHER,))
def helpers_with_defaults_and_keywords(x):
    def mix(u, w=None, *rest, scale=2.0, **named):
        w = u if w is None else w
        for r in rest:
            w = w + r
        return u * w * scale + named.get("shift", 0.0)

    return np.sum(mix(x) + mix(x, x * x, x, 1.0, scale=0.5, shift=x[0]))


def counted(function):
    """A decorator that keeps the name of what it wraps."""

    @functools.wraps(function)
    def wrapper(*args, **named):
        return function(*args, **named) * 2.0

    return wrapper


@counted
def shifted_square(u, by=1.0):
    """Decorated."""
    return u * u + by


@CASES.at((LINE,), (OTHER,))
def decorated_helper(x):
    return np.sum(shifted_square(x) * shifted_square(x, by=x[0]))


@CASES.at((LINE,), (OTHER,))
def reduced_by_a_lambda(x):
    return functools.reduce(lambda a, b: a * b + 1.0, [x[0], x[1], x[2]], 0.5)


@CASES.at((LINE, 3), (SHORT, 1))
def generator_function(x, n):
    def states():
        y = x
        for _ in range(n):
            y = np.sin(y) * x
            yield y

    return sum(np.sum(state) for state in states())


@CASES.at((1.5,), (-0.5,))
def except_that_is_not_reached(x):
    try:
        y = LEVELS["low"] * x
    except KeyError:
        y = x
    return y * x


@CASES.at((1.5,), (-0.5,))
def counter_of_the_module(x):
    global CALLS
    CALLS += 1
    return x * x


@CASES.at((LINE,), (OTHER,))
def texts_are_static(x):
    total = 0.0
    for name in ["low", "high"]:
        scale = LEVELS[name] if name.startswith("l") else LEVELS[f"{name}"]
        total = total + np.sum(x**2) * scale
    return total


# Classes


@dataclass
class Layer:
    """A dense layer."""

    weight: Any
    bias: Any = 0.0
    activation: str = "tanh"

    def __call__(self, u):
        z = u * self.weight + self.bias
        return np.tanh(z) if self.activation == "tanh" else z


class Model:
    """Attributes, class attributes, properties, static and class methods."""

    scale = 2.0
    names: ClassVar[dict[str, float]] = {"a": 0.5}

    def __init__(self, w, steps=2):
        self.w = w
        self.steps = steps
        self.calls = 0

    @property
    def size(self):
        return np.sum(self.w * self.w)

    @staticmethod
    def bend(u):
        return u * u + 1.0

    @classmethod
    def scaled(cls, u):
        return u * cls.scale * cls.names["a"]

    def step(self, u):
        self.calls += 1
        return self.bend(u) * 0.1 + self.scaled(u) * self.w

    def run(self, u):
        for _ in range(self.steps):
            u = self.step(u)
        return u


class Damped(Model):
    """Inherits, overrides, and calls what it overrides."""

    scale = 1.5

    def __init__(self, w, damping):
        super().__init__(w, steps=3)
        self.damping = damping

    def step(self, u):
        return super().step(u) * self.damping


@dataclass(frozen=True)
class State:
    """Position and velocity."""

    x: Any
    p: Any
    history: list = field(default_factory=list)

    def moved(self, by):
        return State(self.x + by * self.p, self.p - by * self.x**3, [*self.history, self.x])


Pair = namedtuple("Pair", "first second")
MODEL = Model(0.7)


@CASES.at((LINE, OTHER), (OTHER, LINE))
def dataclass_made_inside(w, x):
    layers = [Layer(w, 0.1), Layer(w * w, activation="none")]
    for layer in layers:
        x = layer(x)
    return np.sum(x)


@CASES.at((LINE, 0.1), (OTHER, 0.3))
def dataclass_replaced_in_turn(x, by):
    state = State(x, np.ones(4))
    for _ in (1, 2, 3):
        state = state.moved(by)
    return np.sum(state.x * state.p * state.history[1])


@CASES.at((LINE, 3), (OTHER, 0))
def dataclass_carried_by_a_loop(x, n):
    layer = Layer(x, 0.1)
    for _ in range(n):
        layer.bias = layer.bias + 0.2 * layer(x)
    return np.sum(layer(x) * layer.bias)


@CASES.at((1.5, 0.3), (-0.5, 0.8))
def namedtuple_made_inside(x, y):
    pair = Pair(x * y, second=y)
    pair = pair._replace(first=pair.first * pair.second)
    a, b = pair
    return a * b + pair[0] * x


@CASES.at((LINE, OTHER), (OTHER, LINE))
def methods_and_attributes(w, x):
    model = Model(w)
    y = model.run(x)
    return np.sum(y) * model.size * model.calls


@CASES.at((LINE, OTHER, 0.5), (OTHER, LINE, -0.2))
def inheritance(w, x, damping):
    model = Damped(w, damping)
    return np.sum(model.run(x)) + model.size


@CASES.at((LINE,), (OTHER,))
def bound_method_of_a_constant_object(x):
    step = MODEL.bend
    return np.sum(step(x) * Model.scaled(x) * MODEL.w)


@CASES.at((LINE, Model(0.4, steps=1)), (OTHER, Model(0.9, steps=3)))
def object_as_an_argument(x, model):
    return np.sum(model.run(x) * model.calls)


@CASES.at((LINE, 2), (OTHER, 0))
def attributes_changed_in_a_loop(x, n):
    model = Model(x, steps=1)
    for k in range(n):
        model.w = model.w * 0.5 + model.run(x)
        if model.calls > 1:
            model.scale = k + 1.0
    return np.sum(model.w**2) * model.calls + model.scale * x[0]


class Vector:
    """Operators."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, by):
        return Vector(self.x * by, self.y * by)

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return (self.x, self.y)[i]


@CASES.at((1.5, 0.3), (-0.5, 0.8))
def operators_of_a_class(x, y):
    u = Vector(x, y) + Vector(y * y, x) * 2.0
    return u.x * u[1] * len(u)


# Python's functions


@CASES.at((1.5, 0.3), (-0.5, -0.8))
def abs_max_and_min(x, y):
    return abs(x) * max(x, y) + min(x, y, 0.5) ** 2


@CASES.at((LINE,), (OTHER,))
def max_and_min_of_entries(x):
    return max(x) * min(x) + max([x[0], x[1] * x[2]]) + max(x[0], 0.0)


@CASES.at((LINE,), (OTHER,))
def float_int_and_round(x):
    k = int(x[0])
    return float(x[0]) * x[1] + k * x[2] + round(x[3]) * x[3] + math.floor(x[1]) * x[0]


@CASES.at((LINE,), (SHORT,))
def length_and_sum(x):
    return sum(x) / len(x) * x.size + sum([x[0], x[1]], x[0])


@CASES.at((LINE,), (OTHER,))
def map_and_zip(x):
    squares = list(map(lambda u: u * u, [x[0], x[1], x[2]]))  # noqa: C417
    pairs = list(zip(squares, squares[1:], strict=False))
    return sum(a * b for a, b in pairs)


@CASES.at(({"b": 0.5, "a": 1.5, "c": -1.0},), ({"b": 1.5, "a": 0.5, "c": 2.0},))
def sorted_keys(params):
    y = 1.0
    for k, key in enumerate(sorted(params)):
        y = y * params[key] + k
    return y


@CASES.at((LINE,), (OTHER,))
def sorted_by_a_constant(x):
    order = sorted(range(4), key=lambda i: -COEFFICIENTS[i % 3])
    y = 0.5
    for i in order:
        y = y * x[i] + 1.0
    return y


@CASES.at((LINE,), (OTHER,))
def all_any_and_is_instance(x):
    y = x[0] * x[1]
    if any(u > 1 for u in x) and isinstance(x, np.ndarray):
        y = y * x[2]
    if all(x > -1.5):
        y = y + x[3] ** 2
    return y


@CASES.at((LINE,), (SHORT,))
def divmod_pow_and_math(x):
    n, rest = divmod(len(x) + 3, 2)
    return pow(x[0], 3) * n + rest * math.exp(x[1]) + math.hypot(x[0], x[1]) * math.pi


@CASES.at((LINE,), (OTHER,))
def pairs_and_products_of_itertools(x):
    y = 0.0
    for i, j in itertools.combinations(range(4), 2):
        y = y + x[i] * x[j] * (i + j)
    for a, b in itertools.pairwise([x[0], x[1], x[2]]):
        y = y + a * b * b
    return y


# Effects and random draws


@CASES.at((1.5, 3), (1.5, 0))
def prints_in_a_loop(x, n):
    y = x
    print("start")
    for i in range(n):
        y = y * x
        print("step", i)
    return y


@CASES.at((1.5,), (-0.5,))
def prints_in_a_branch(x):
    if x > 0:
        print("positive")
        return x * x
    print("negative", end="\n\n")
    return x


@CASES.at((1.5,), (-0.5,))
def prints_values(x):
    y = x * x
    print(y, f"{y:.3f}")
    return y * x


@CASES.at((1.5,), (-0.5,))
def prints_in_a_helper(x):
    def noisy(u):
        print("called")
        return u * x

    return noisy(noisy(x)) * 2.0


@CASES.at((LINE,), (OTHER,))
def draws_made_inside(x):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=4)
    keep = rng.uniform(size=4) > 0.5
    return np.sum(np.where(keep, x + noise, 0.0) ** 2)


@CASES.at((LINE, np.random.default_rng(3)), (OTHER, np.random.default_rng(4)))
def draws_of_a_given_generator(x, rng):
    mask = rng.binomial(1, 0.5, size=x.shape)
    return np.sum((x * mask + rng.normal(0.0, 0.1, size=x.shape)) ** 3)


@CASES.at((LINE, 3), (OTHER, 0))
def draws_in_a_loop(x, n):
    rng = np.random.default_rng(1)
    y = x
    for _ in range(n):
        y = y + 0.3 * np.sin(y) * rng.normal(size=4)
        if rng.random() > 0.3:
            y = y * 1.1
    return np.sum(y * y)


@CASES.at((LINE, v(0.3, -0.2, 0.5)), (OTHER, v(0.1, 0.9, -0.4)))
def draws_passed_in(x, draws):
    y = x
    for draw in draws:
        y = y * (1.0 + draw * np.cos(y))
    return np.sum(y)


@CASES.at((1.5,), (-0.5,))
def outer_list_gets_appended(x):
    y = x * x
    LOG.append("called")
    return y * x


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_exact_or_refused(name):
    check_or_refused(name, CASES[name], REFUSED)


EFFECTS = [name for name in CASES if name.startswith("prints_")]


@pytest.mark.parametrize("transform", [symgrad.grad, symgrad.value_and_grad], ids=["grad", "value_and_grad"])
@pytest.mark.parametrize("name", [name for name in EFFECTS if name not in REFUSED])
def test_what_is_printed_is_printed_once(name, transform, capsys):
    function, points = CASES[name].function, CASES[name].points
    derivative = transform(function)
    for args in points:
        function(*args)
        expected = capsys.readouterr().out
        derivative(*args)
        assert capsys.readouterr().out == expected


def test_outer_list_gets_one_entry_a_call():
    if "outer_list_gets_appended" not in REFUSED:
        derivative = symgrad.value_and_grad(outer_list_gets_appended)
        derivative(1.5)
        LOG.clear()
        derivative(-0.5)
        assert LOG == ["called"]


def test_generator_is_advanced_once():
    if "draws_of_a_given_generator" not in REFUSED:
        args = CASES["draws_of_a_given_generator"].points[0]
        (x, first), (_, second) = copied(args), copied(args)
        symgrad.grad(draws_of_a_given_generator)(x, first)
        draws_of_a_given_generator(x, second)
        assert first.random() == second.random()


RAISING = {
    "assert_that_holds": ((-1.5,), AssertionError),
    "raise_that_is_not_reached": ((-1.5,), ValueError),
    "raise_after_checks_of_shapes": ((v(1.0, np.inf),), FloatingPointError),
    "zipped": ((LINE, SHORT), ValueError),
    "entry_of_the_loop_after_it": ((np.zeros(0),), UnboundLocalError),
}


@pytest.mark.parametrize("name", [name for name in RAISING if name not in REFUSED])
def test_errors_of_the_program_are_raised(name):
    function = CASES[name].function
    args, error = RAISING[name]
    with pytest.raises(error):
        function(*args)
    derivative = symgrad.grad(function)
    derivative(*CASES[name].points[0])
    with pytest.raises(error):
        derivative(*args)


def test_refusals_are_cases():
    assert set(CASES) >= REFUSED
