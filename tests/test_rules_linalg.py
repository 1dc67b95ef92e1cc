"""Norms and linear algebra: the lowered tensor against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import a, evaluate, same

from symgrad.rules import linalg
from symgrad.rules.row import Algebra
from symgrad.rules.table import LINALG, lookup

square, spd = a(3, 3), np.eye(3) * 4 + np.ones((3, 3))

NORMS = [
    *[(a(3), {"ord": order}) for order in (None, 1, 2, 3, 0.5, np.inf, -np.inf, 0)],
    *[(a(2, 3), {"ord": order}) for order in (None, "fro", 1, -1, np.inf, -np.inf)],
    *[(a(2, 3), {"axis": axis, "keepdims": keep}) for axis in (0, 1, None, (0, 1)) for keep in (True, False)],
    (a(4, 2, 3), {"axis": (1, 2), "ord": np.inf}),
    (a(4, 2, 3), {"axis": (2, 0), "ord": 1, "keepdims": True}),
    (a(2, 3), {"axis": 1, "ord": 1}),
    (a(2, 1), {"axis": 1}),
]


@pytest.mark.parametrize(("x", "keywords"), NORMS)
def test_norm(x: np.ndarray, keywords: dict) -> None:
    same(evaluate(lookup(np.linalg.norm).lower, x, **keywords), np.linalg.norm(x, **keywords))


ALGEBRA = {
    "inv": [(square,), (a(2, 3, 3),)],
    "det": [(square,), (a(2, 3, 3),)],
    "slogdet": [(square,), (a(2, 3, 3),)],
    "cholesky": [(spd,), (np.stack([spd, spd * 2]),)],
    "solve": [(square, a(3)), (square, a(3, 2)), (a(2, 3, 3), a(2, 3, 2)), (a(1, 3, 3), a(2, 3, 2))],
    "matrix_power": [(square, 1), (square, 3), (square, 6), (square, -2)],
    "multi_dot": [([a(2, 3), a(3, 4), a(4, 2)],), ([a(3), a(3, 4)],)],
    "cross": [(a(3), a(3))],
    "diagonal": [(a(2, 3, 3),)],
    "matmul": [(a(2, 3), a(3, 4))],
    "matrix_norm": [(a(4, 2, 3),)],
    "matrix_transpose": [(a(4, 2, 3),)],
    "norm": [(a(3),)],
    "outer": [(a(3), a(4))],
    "tensordot": [(square, square)],
    "trace": [(a(2, 3, 3),)],
    "vecdot": [(a(3), a(3))],
    "vector_norm": [(a(2, 3),)],
}
ALGEBRA_CASES = [(name, case) for name, cases in ALGEBRA.items() if hasattr(np.linalg, name) for case in cases]


@pytest.mark.parametrize(("name", "arguments"), ALGEBRA_CASES)
def test_linear_algebra(name: str, arguments: tuple) -> None:
    function = getattr(np.linalg, name)
    same(
        evaluate(lookup(function).lower, *arguments),
        tuple(function(*arguments)) if name == "slogdet" else function(*arguments),
    )


def test_every_function_of_linear_algebra_is_tested() -> None:
    lowered = [*LINALG, *(name for name, row in linalg.NAMES.items() if isinstance(row, Algebra))]
    assert set(lowered) == set(ALGEBRA)
