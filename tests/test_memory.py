"""Whose memory it is, how it is laid out, and arrays of other sizes: arguments are untouched, gradients their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from differences import check_close, expected_gradient, normal
from test_golden import NAMES, program

import symgrad
from symgrad.verification import leaves, rebuilt

# The caller's arrays.


def identity_like(x, y):
    return np.sum(x * y)


def sums(x, y):
    return np.sum(x) + np.sum(y)


def sum_of_sum(x, y):
    return np.sum(x + y)


def views(x, y):
    return np.sum(x.T @ y) + np.sum(x[::-1] * y) + np.sum(x.reshape(-1))


def halves(x, y):
    return np.sum(np.concatenate([x, y]) * np.concatenate([y, x]))


def mixed(x, y):
    return np.sum(x * y) + np.sum(y.ravel() * x.ravel()) + np.sum(np.where(x > 0, x, y))


def dotted(x, y):
    return x.ravel() @ y.ravel()


def transposed(x, y):
    return np.sum(x.T * y)


def traced(x, y):
    return np.trace(x @ y.T)


ALIASING = [identity_like, sums, sum_of_sum, views, halves, mixed, dotted, transposed, traced]


@pytest.mark.parametrize("transform", [symgrad.grad, symgrad.value_and_grad])
@pytest.mark.parametrize("function", ALIASING, ids=lambda function: function.__name__)
def test_arguments_are_untouched_and_gradients_own_their_memory(function: Any, transform: Any) -> None:
    args = (normal(3, 3), normal(3, 3) + 1)
    copies = [arg.copy() for arg in args]
    for arg in args:
        arg.flags.writeable = False
    found = transform(function, argnums=(0, 1))(*args)
    gradients = found if transform is symgrad.grad else found[1]
    for arg, copy in zip(args, copies, strict=True):
        assert np.array_equal(arg, copy)
    check_apart(gradients, args)
    for position, gradient in enumerate(gradients):
        check_close(gradient, *expected_gradient(function, copies, position))


def check_apart(gradients: Any, args: Any) -> None:
    """Gradients can be written to, and that changes nothing else."""
    arrays = [leaf for leaf in leaves(list(gradients)) if isinstance(leaf, np.ndarray)]
    others = [leaf for leaf in leaves(list(args)) if isinstance(leaf, np.ndarray)]
    for place, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*others, *arrays[:place]])
        assert array.size <= 1 or 0 not in [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1]


@pytest.mark.parametrize("name", NAMES)
def test_golden_programs_leave_their_arguments_alone(name: str) -> None:
    module = program(name)
    args = module.example(np.random.default_rng(3))
    copies = rebuilt(list(args), (np.array(leaf) for leaf in leaves(list(args))))
    found = symgrad.grad(module.loss, argnums=module.ARGNUMS)(*args)
    gradients = found if isinstance(module.ARGNUMS, tuple) else [found]
    check_apart(gradients, args)
    for leaf, copy in zip(leaves(list(args)), leaves(copies), strict=True):
        assert np.array_equal(leaf, copy)


def test_the_gradient_of_a_sum_can_be_written_to() -> None:
    def total(x):
        return np.sum(x)

    def doubled(x):
        return np.sum(x, axis=0) @ np.ones(4)

    for function in (total, doubled):
        x = normal(3, 4)
        first = symgrad.grad(function)(x)
        first += 1
        assert np.array_equal(symgrad.grad(function)(x), np.ones((3, 4)))


def test_a_captured_array_is_not_given_away() -> None:
    weights = normal(3)

    def weighted(x):
        return np.sum(weights * x)

    gradient = symgrad.grad(weighted)(normal(3))
    gradient[0] = 100.0
    assert np.array_equal(symgrad.grad(weighted)(normal(3)), weights)


def test_one_array_as_two_arguments() -> None:
    x = normal(3)
    dx, dy = symgrad.grad(identity_like, argnums=(0, 1))(x, x)
    assert np.array_equal(dx, x)
    assert not np.shares_memory(dx, dy)


# Data, and odd arrays.


def chosen(x, index):
    return np.sum(np.sin(x[np.arange(x.shape[0]), index]))


def weighted(x, weight):
    return np.sum(np.sin(x) * weight)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.int8])
def test_integer_arrays_are_data(dtype: Any) -> None:
    x, index = normal(4, 3), np.array([2, 0, 0, 1], dtype)
    expected = np.zeros((4, 3))
    expected[np.arange(4), index] = np.cos(x[np.arange(4), index])
    assert np.array_equal(symgrad.grad(chosen)(x, index), expected)
    np.testing.assert_allclose(symgrad.grad(weighted)(x.T, index), np.cos(x.T) * index, rtol=1e-14)


def test_masks_are_data() -> None:
    def masked(x, mask):
        return np.sum(np.where(mask, np.exp(x), 0.0)) + np.sum(x * mask) + np.sum(x[0] * ~mask[0])

    x, mask = normal(2, 3), np.array([[True, False, True], [False, False, True]])
    found = symgrad.grad(masked)(x, mask)
    expected = np.where(mask, np.exp(x), 0.0) + mask
    expected[0] += ~mask[0]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_repeated_indices_add_up() -> None:
    def gathered(x, index):
        return np.sum(np.sin(x[index]))

    x, index = normal(3), np.array([0, 2, 2, 2])
    np.testing.assert_allclose(symgrad.grad(gathered)(x, index), np.cos(x) * [1, 0, 3], rtol=1e-14)


def several(x, y):
    z = x @ y
    return np.sum(np.sin(z)) + np.sum(x[1:, ::2] * 2) + np.sum(x.reshape(-1)[:4]) + np.sum(np.maximum(x, 0.5))


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
    "transposed": lambda x: x.T.copy().T,
    "inner of a larger": lambda x: np.pad(x, 2)[2:-2, 2:-2],
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_layouts_in_memory(layout: str) -> None:
    x, y = normal(4, 4), normal(4, 2)
    expected = symgrad.grad(several, argnums=(0, 1))(x, y)
    given = [LAYOUTS[layout](x), LAYOUTS[layout](y)]
    try:
        found = symgrad.grad(several, argnums=(0, 1))(*given)
    except symgrad.SymgradError:
        assert layout == "swapped bytes"
        return
    for mine, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-13)
    check_apart(found, given)


def mean_square(x, w):
    return np.sum((x @ w) ** 2) + np.sum(np.exp(x)) + np.sum(w * 3)


@pytest.mark.parametrize("shapes", [((0, 3), (3,)), ((4, 0), (0,)), ((0, 0), (0,))])
def test_arrays_of_no_elements(shapes: Any) -> None:
    x, w = (np.ones(shape) for shape in shapes)
    value, (dx, dw) = symgrad.value_and_grad(mean_square, argnums=(0, 1))(x, w)
    assert value == mean_square(x, w)
    assert (dx.shape, dw.shape) == shapes
    np.testing.assert_allclose(dw, np.full(shapes[1], 3.0))


def test_empty_arrays_after_others() -> None:
    derivative = symgrad.grad(mean_square, argnums=(0, 1))
    for rows, columns in [(2, 3), (0, 3), (1, 3), (2, 0), (1, 1), (5, 1), (0, 1)]:
        x, w = normal(rows, columns), normal(columns)
        for position, gradient in enumerate(derivative(x, w)):
            assert gradient.shape == (x, w)[position].shape
            check_close(gradient, *expected_gradient(mean_square, (x, w), position))


# Sizes.


def second_differences(x):
    return np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2)


def neighbours(x):
    return np.sum(np.sin(x[1:] * x[:-1]))


def centred(x):
    z = x - x.mean(axis=0)
    return np.sum(z * z * z / (1 + np.abs(z).sum(axis=1, keepdims=True)))


def tail_and_head(x):
    return np.sum(np.concatenate([x[1:], x[:1]]) * x) + np.sum(x[1:].reshape(1, -1) * np.ones((2, 1)))


def last(x):
    return x[-1] * x[0] + np.sum(x[:-1])


def outer_of_tail(x):
    return np.sum(np.sin(x[1:, None] * x[None, :-1])) + np.sum(x[1:] * x.sum())


def halves_of(x):
    n = x.shape[0] // 2
    return np.sum(x[:n] ** 2) * np.sum(np.sin(x[n:]))


def rolled(x):
    return np.sum(np.roll(x, 1) * x)


@pytest.mark.parametrize(
    "function",
    [second_differences, neighbours, tail_and_head, last, outer_of_tail, halves_of, rolled],
    ids=lambda function: function.__name__,
)
def test_sizes_change_between_calls(function: Any) -> None:
    derivative = symgrad.grad(function)
    for size in (5, 3, 2, 4, 1, 6, 3):
        x = normal(size)
        if size == 1 and function is second_differences:
            continue
        check_close(derivative(x), *expected_gradient(function, (x,), 0))


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 1), (1, 1), (2, 5), (2, 2)])
def test_sizes_of_matrices(shape: Any) -> None:
    x = normal(*shape)
    check_close(CENTRED(x), *expected_gradient(centred, (x,), 0))


CENTRED = symgrad.grad(centred)


def test_ranks_change_between_calls() -> None:
    def squares(x, y):
        return np.sum((x - y) ** 2)

    derivative = symgrad.grad(squares, argnums=(0, 1))
    for shapes in [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((1, 3), (2, 1)), ((), (3,)), ((2, 2, 2), (1,))]:
        args = [np.asarray(normal(*shape)) for shape in shapes]
        for position, gradient in enumerate(derivative(*args)):
            assert np.shape(gradient) == shapes[position]
            check_close(gradient, *expected_gradient(squares, args, position))


def test_integers_that_are_lengths_may_change():
    def first(x, n):
        return np.sum(x[:n] ** 2)

    derivative = symgrad.grad(first)
    for n in (3, -2, 9, 0, 1):
        np.testing.assert_array_equal(derivative(np.ones(5), n), 2.0 * (np.arange(5) < (n if n >= 0 else 5 + n)))
