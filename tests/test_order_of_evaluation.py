"""Operands are evaluated from left to right, items when it is their turn; who waits for a call sees what it changes."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from differences import differences

import symgrad

B, C = np.array([0.4, -1.2, 0.9]), 1.3


def setter(b):
    def g(t):
        b[0] = t
        return b[1]

    return g


def scaler(b):
    def g(t):
        b[1] *= t
        return b[1]

    return g


def brancher(b):
    def g(t):
        if t > 0:
            b[1] = t
        return b[0]

    return g


class Count:
    """An object whose property changes an array."""

    def __init__(self, b):
        self.b = b

    @property
    def next(self):
        self.b[1] *= 2
        return self.b


# Augmented assignments: the part is read before what is added to it is computed.


def element_and_change(b, c):
    g = setter(b)
    b[0] += g(np.mean(b) * c)
    return np.sum(b * b)


def element_times_change(b, c):
    g = setter(b)
    b[0] *= g(np.mean(b) * c)
    return np.sum(b * b)


def slice_and_change(b, c):
    g = setter(b)
    b[:2] += g(np.mean(b) * c)
    return np.sum(b * b)


def places_and_change(b, c):
    g = setter(b)
    b[[0, 1]] -= g(np.mean(b) * c)
    return np.sum(b * b)


def mask_and_change(b, c):
    g = setter(b)
    b[b > 0] *= g(np.mean(b) * c)
    return np.sum(b * b)


def elements_in_a_loop(b, c):
    g = setter(b)
    for i in range(3):
        b[i] -= g(np.mean(b) * c)
    return np.sum(b * b)


def parts_of_a_matrix(b, c):
    a = np.outer(b, b)

    def g(t):
        a[0] = t
        return a[1, 2]

    a[0] += g(np.mean(b) * c)
    a[0, :2] *= g(c)
    a[0, 1] /= g(c)
    a[[0, 0], [1, 2]] -= g(c)
    return np.sum(a * a)


# Views that wait for another operand.


def view_and_branch(b, c):
    g = brancher(b)
    s = b[1:] * g(c)
    return np.sum(s * s)


def views_in_a_list(b, c):
    g = brancher(b)
    s = [b[1:], g(c), b[::-1]]
    return np.sum(s[0] * s[1])


def views_as_arguments(b, c):
    g = brancher(b)

    def h(u, v):
        return np.sum(u * u * v)

    return h(b[1:], g(c)) + np.dot(b[:2], np.array([g(c * c), 1]))


def views_in_sums(b, c):
    g = brancher(b)
    last = b[1:] @ b[:2] if g(c) > 0 else 0.0
    return np.sum(np.stack([b[1:], g(c) * b[1:]])) + max(b[1:].sum(), g(c)) + last


def views_of_views(b, c):
    g = brancher(b)
    b[1:][0] += g(c)
    b[1:][:1] *= g(c * 3)
    x, y = b[1:], g(c * 4)
    return np.sum(x * x) * y


def rows_and_columns(b, c):
    a = np.outer(b, b)

    def g(t):
        if t > 0:
            a[1] = t
        return b[0]

    for k in range(2):
        a[k] *= g(c + k)
        a[:, k] += g(c - k)
    return np.sum(a * a)


# Conditions.


def chain(b, c):
    g = setter(b)
    return (2 if c < 0 < g(b[2]) else 1) * np.sum(b * b)


def chain_with_a_method_of_a_result(b, c):
    g = scaler(b)
    return (2 if -9 < b[0] < np.array([g(c), g(c)]).max() else 1) * np.sum(b * b)


def chain_with_a_property(b, c):
    count = Count(b)
    return (2 if -9 < b[0] < count.next.real.max() else 1) * np.sum(b * b)


def chain_in_a_while(b, c):
    g, n = scaler(b), 0
    while n < 5 and b[0] < 5 > g(c):
        n += 1
    return np.sum(b * b) + n


def change_in_a_while(b, c):
    g, n = scaler(b), 0
    while n < 5 and g(c) < 5:
        n += 1
    return np.sum(b * b) + n


def change_first_in_a_while(b, c):
    g, n = scaler(b), 0
    while g(c) < 5 and n < 5:
        n += 1
    else:  # noqa: PLW0120
        b[2] += g(c)
    return np.sum(b * b) + n


def guard_of_a_match(b, c):
    g = scaler(b)
    match g(c):
        case v if g(v) > 0:
            b[0] = v
        case v:
            b[2] = v * g(2.0)
    return np.sum(b * b)


# Items that are made when it is their turn.


def items_of_map(b, c):
    g, s = scaler(b), 0.0
    for v in map(g, [c, b[0]]):
        s += v * b[1]
        b[1] += 1
    return s


def items_of_a_map_that_waits(b, c):
    m = map(scaler(b), [c, b[0]])
    b[1] = 5.0
    s = 0.0
    for v in m:
        s += v * b[1]
    return s


def items_of_a_generator(b, c):
    s = 0.0
    for v in (t * b[1] for t in [c, 2.0, b[0]]):
        s += v
        b[1] *= v
    return s


def items_of_a_generator_by_number(b, c):
    s = 0.0
    for i, v in enumerate(t * b[1] for t in [c, 2.0, b[0]]):
        s += v
        b[i] *= v
    return s


def items_until_a_break(b, c):
    s = 0.0
    for v in (t * b[1] for t in [c, 2.0, b[0]]):
        s += v
        b[1] *= v
        if s > 2:
            break
    return s


def items_side_by_side(b, c):
    s = 0.0
    for u, v in zip((t * b[1] for t in [c, 2.0, b[0]]), map(lambda t: t + b[0], b), strict=False):  # noqa: C417
        s += v * u
        b[1] *= v
        b[0] += 1
    return s


def neighbours(b, c):
    s = 0.0
    for v in (b[i] * b[i + 1] for i in range(len(b) - 1)):
        s += v * c
        b[1] = s
    return s + np.sum(b)


def items_that_may_return(b, c):
    s = 0.0
    for v in (b[i] * c for i in range(len(b))):
        b *= 0.5
        if v > 0.3:
            s += v
            continue
        s -= v
        if s > 3:
            return s
    return s + np.sum(b)


def reduced(b, c):
    g = scaler(b)
    return functools.reduce(lambda u, v: u * g(v), [g(t) for t in [c, b[0]]], 1.0) + b[1]


# Iterators give every item once.


def first_and_rest(b, c):
    items = iter(b)
    first = next(items)
    return first * sum(v**2 for v in items) * c


def generator_twice(b, c):
    squares = (v**2 for v in b)
    return sum(squares) * c + 10 * sum(squares)


def greatest_and_rest(b, c):
    squares = (v * v for v in b)
    return max(squares) * c + sum(squares)


def pairs_of_one_iterator(b, c):
    items = iter([*b, c])
    return sum(u * v for u, v in zip(items, items, strict=True))


def two_at_a_time(b, c):
    items, s = iter([*b, c]), 0.0
    for v in items:
        s += v * next(items)
    return s


PROGRAMS = [
    item
    for item in list(vars().values())
    if getattr(item, "__code__", None) and item.__code__.co_varnames[:2] == ("b", "c")
]


@pytest.mark.parametrize("c", [C, -C])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_the_order_is_that_of_python(function, c):
    def plain(b, c):
        return function(b.copy(), c)

    value, found = symgrad.value_and_grad(function, argnums=(0, 1))(B.copy(), c)
    assert value == pytest.approx(plain(B, c), rel=1e-13)
    for place, derivative in enumerate(found):
        np.testing.assert_allclose(derivative, differences(plain, (B, c), place), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("items", [lambda b, c: [c, b[0], b[2]], lambda b, c: b * c, lambda b, c: np.tile(b, 30)])
@pytest.mark.parametrize("function", [any, all])
def test_items_that_change_others_are_refused(function, items):
    def loss(b, c):
        g = scaler(b)
        return b[1] * (2 if function(g(t) > 0 for t in items(b, c)) else 3)

    with pytest.raises(symgrad.NotYetSupported, match="stops at the first item"):
        symgrad.grad(loss)(B, C)


def test_an_iterator_that_a_loop_may_have_left_is_not_read_again():
    def loss(b):
        items, s = iter(b), 0.0
        for v in items:
            s += v
            if v > 0:
                break
        for v in items:
            s += v**2
        return s

    with pytest.raises(symgrad.NotYetSupported, match="iterator"):
        symgrad.grad(loss)(B)
