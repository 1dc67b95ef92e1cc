"""Indexing, shapes that do not fit, and arguments that are refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from brute_force import a, evaluate, same
from differences import check_gradient

import symgrad
from symgrad.errors import ArgumentError, NotYetSupported, ShapeError, SymgradError
from symgrad.rules.row import Algebra, Refused
from symgrad.rules.table import lookup

ties = np.array([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]])
flags = np.array([[True, False, True], [False, False, True]])

KEYS = [
    *(
        0,
        -1,
        2,
        np.array(1),
        slice(None),
        slice(1, None),
        slice(None, 2),
        slice(-2, None),
        slice(None, -1),
        slice(None, None, -1),
    ),
    *(
        slice(None, None, 2),
        slice(1, 4, 2),
        slice(4, 1, -1),
        slice(3, None, -2),
        slice(None, 100),
        slice(-100, 3),
        slice(2, 2),
    ),
    *(slice(3, 1), slice(None, -4, -1), None, Ellipsis, (Ellipsis, 0), (0, Ellipsis), (None, 0), (slice(None), None)),
    *((1, 2), (slice(1, 3), 0), (0, slice(None, None, -1)), (Ellipsis, slice(1, None)), (None, Ellipsis, None)),
    *(
        np.array([0, 3, 3]),
        np.array([[0, 1], [2, 3]]),
        [2, 0],
        (np.array([0, 1]), np.array([2, 1])),
        (slice(1, 3), np.array([0, 2])),
    ),
    *(
        (np.array([[0], [1]]), np.array([2, 1])),
        (np.array([0, 1]), slice(None)),
        (0, np.array([0, 2])),
        (np.array([1, 0]), None),
    ),
    *((np.array([1, 0]), None, np.array([1, 1])), (np.array([1, 0]), 2), ([0, 1], [1, 2]), np.array([-1, 0])),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 4), (7, 6)])
def test_index(shape: tuple, key: object) -> None:
    x = a(*shape)
    same(evaluate(lookup(operator.getitem).lower, x, key), x[key])


def test_index_of_length_one_axes_and_of_separated_arrays() -> None:
    lower = lookup(operator.getitem).lower
    x, rows, columns = a(1, 5), np.array([0, 0]), np.array([3, 1])
    for key in (
        0,
        (0, 1),
        (slice(None), 2),
        slice(1, None),
        slice(None, None, -1),
        (rows, columns),
        (slice(None), columns),
    ):
        same(evaluate(lower, x, key), x[key])
    x = a(3, 4, 5)
    for key in (
        (rows, slice(None), columns),
        (0, slice(None), columns),
        (slice(None), rows, columns),
        (rows, 1, slice(1, 3)),
    ):
        same(evaluate(lower, x, key), x[key])


def test_index_is_substitution() -> None:
    labels, logp = np.array([2, 0]), a(2, 3)
    lower = lookup(operator.getitem).lower

    def chosen(builder, table, y):
        rows = lookup(np.arange).lower(builder, lookup(np.shape).lower(builder, table)[0])
        return lower(builder, table, (rows, y))

    same(evaluate(chosen, logp, labels), logp[np.arange(2), labels])


def test_one_tensor_as_key_twice() -> None:
    x, y = a(3, 3), np.array([2, 0])
    lower = lookup(operator.getitem).lower
    found = evaluate(lambda builder, table, k: lower(builder, lower(builder, table, k), (slice(None), k)), x, y)
    same(found, x[y][:, y])


@pytest.mark.parametrize("key", [5, -6, (0, 0, 0), 1.5, (0, 4)])
def test_index_errors(key: object) -> None:
    with pytest.raises(SymgradError):
        evaluate(lookup(operator.getitem).lower, a(5, 4), key)


MASKED = np.array([[0.5, -1.5, 2.0], [-0.25, 0.75, -3.0]])


def masked_rows(x, mask):
    return np.sum(np.exp(x[mask]) * x[mask])


def masked_columns(x, mask):
    return np.sum(np.exp(x[:, mask]))


def masked_column(x, mask):
    return np.sum(x[mask, 1] ** 3)


def masked_by_values(x):
    return np.sum(x[x > 0] ** 3)


@pytest.mark.parametrize(
    ("function", "mask"),
    [
        (masked_rows, flags),
        (masked_rows, ~flags),
        (masked_rows, np.zeros((2, 3), bool)),
        (masked_rows, np.array([False, True])),
        (masked_columns, np.array([True, False, True])),
        (masked_column, np.array([True, True])),
        (masked_by_values, None),
    ],
)
def test_masks(function: Callable[..., Any], mask: np.ndarray | None) -> None:
    args = [MASKED] if mask is None else [MASKED, mask]
    value, gradient = symgrad.value_and_grad(function)(*args)
    assert value == function(*args)
    check_gradient(function, (gradient,), args, [0])


def test_masks_that_do_not_fit_raise_what_numpy_raises() -> None:
    with pytest.raises(IndexError, match="boolean index"):
        symgrad.grad(masked_rows)(MASKED, np.ones(3, bool))


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [
        ("matmul", (a(2, 3), a(4, 2)), {}),
        ("matmul", (a(2, 1), a(4, 2)), {}),
        ("dot", (a(3), a(4)), {}),
        ("einsum", ("ij,jk->ik", a(2, 3)), {}),
        ("einsum", ("ij->ii", a(2, 3)), {}),
        ("sum", (a(2, 3),), {"axis": 2}),
        ("sum", (a(2, 3),), {"axis": (0, 0)}),
        ("transpose", (a(2, 3), (0, 0)), {}),
        ("squeeze", (a(2, 3), 0), {}),
        ("reshape", (a(6), (-1, 4)), {}),
        ("reshape", (a(6), (5,)), {}),
        ("concatenate", ([a(2, 3), a(2, 4)],), {}),
        ("stack", ([a(3), a(4)],), {}),
        ("broadcast_to", (a(3), (2, 4)), {}),
        ("add", (a(3), a(4)), {}),
    ],
)
def test_shapes_that_do_not_fit(name: str, arguments: tuple, keywords: dict) -> None:
    row = lookup(getattr(np, name))
    lower = row.lower if isinstance(row, Algebra) else lambda builder, *parts: builder.broadcast(*parts)
    with pytest.raises(ShapeError):
        evaluate(lower, *arguments, **keywords)


@pytest.mark.parametrize("keywords", [{"dtype": float}, {"where": 1.0}, {"initial": 1.0}, {"out": ties}])
def test_arguments_that_are_refused(keywords: dict) -> None:
    with pytest.raises((NotYetSupported, ArgumentError)):
        evaluate(lookup(np.sum).lower, ties, **keywords)


def test_refusals_say_why() -> None:
    row = lookup(np.frexp)
    assert isinstance(row, Refused)
    assert row.reason
