"""Rows that move, reduce, contract, join or make arrays: the lowered tensor against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from brute_force import a, evaluate, same

from symgrad.rules.row import Algebra
from symgrad.rules.table import LOWERINGS, lookup

ties = np.array([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]])
square, spd = a(3, 3), np.eye(3) * 4 + np.ones((3, 3))
flags = np.array([[True, False, True], [False, False, True]])
whole = np.array([[2, 0, 1], [1, 1, 2]])
AXES = [{}, {"axis": 0}, {"axis": 1}, {"axis": -1}, {"axis": (0, 1)}, {"axis": 0, "keepdims": True}, {"keepdims": True}]
SHAPES = [(3,), (2, 3), (2, 1), (1, 3)]


def reductions() -> list:
    cases = []
    names = "sum mean max min amax amin prod std var any all count_nonzero"
    for name in names.split():
        for shape in SHAPES:
            for keywords in AXES:
                if len(shape) == 1 and keywords.get("axis") in (1, (0, 1)):
                    continue
                cases.append((name, (a(*shape),), keywords))
        cases.append((name, (np.float64(1.5) * np.ones(()),), {}))
    for name in ("argmax", "argmin", "ptp"):
        cases += [(name, (a(2, 3),), keywords) for keywords in AXES if keywords.get("axis") != (0, 1)]
        cases.append((name, (a(3),), {}))
    cases += [(name, (whole,), {}) for name in ("sum", "mean", "max", "prod", "var", "any")]
    cases += [(name, (flags,), {"axis": 1}) for name in ("sum", "mean", "any", "all", "count_nonzero")]
    cases += [("var", (a(4, 3),), {"ddof": 1, "axis": 0}), ("std", (a(4, 3),), {"ddof": 1})]
    cases += [("sum", (a(2, 3, 4),), {"axis": axis}) for axis in ((0, 2), (-1, 0), 1)]
    for name, axes in itertools.product(("sum", "mean"), ({}, {"axis": 1}, {"axis": 0, "keepdims": True})):
        masks = [True, np.array([[True], [True]]), flags[:1] if axes.get("axis") else flags | ~flags[:, ::-1]]
        cases += [(name, (np.abs(a(2, 3)),), {"where": mask, **axes}) for mask in masks]
    cases += [("average", (a(4, 3),), {}), ("average", (a(4, 3),), {"weights": np.abs(a(4, 3)), "axis": 1})]
    cases += [("average", (a(4, 3),), {"weights": np.abs(a(3)), "axis": 1})]
    cases += [("diff", (a(5),), {}), ("diff", (a(4, 5),), {"n": 2}), ("diff", (a(4, 5),), {"axis": 0})]
    cases += [("allclose", (square, square + 1e-12), {}), ("allclose", (square, square + 1), {})]
    integral = "trapezoid" if hasattr(np, "trapezoid") else "trapz"
    cases += [(integral, (a(4),), {}), (integral, (a(4, 3),), {"axis": 0, "dx": 0.5})]
    cases += [(integral, (a(4, 3),), {"x": a(4), "axis": 0}), (integral, (a(4, 3), a(4, 3)), {})]
    return cases


def contractions() -> list:
    cases = []
    shapes = {
        "matmul": "3|3 2,3|3 3|3,4"
        "  2,3|3,4 5,2,3|3,4 5,2,3|5,3,4 5,2,3|3 3|5,3,4 1,2,3|5,3,4 5,1,2,3|4,3,2 1,3|3,1 2,1|1,4",
        "dot": "|3 3| 3|3 2,3|3 2,3|3,4 3|3,4 5,2,3|3,4 2,3|5,3,4",
        "inner": "|3 3|3 2,3|3 2,3|4,3 5,2,3|4,3",
        "outer": "3|4 2,3|4 1|4",
        "vdot": "3|3 2,3|2,3 2,3|3,2 2,3|6",
        "kron": "3|4 2,3|4,5 2,3|4 1,3|2,1",
        "vecdot": "3|3 2,3|3 2,3|2,3 1,3|4,3",
        "matvec": "2,3|3 5,2,3|3 5,2,3|5,3",
        "vecmat": "2|2,3 5,2|5,2,3",
        "cross": "3|3 4,3|4,3 2|2 3|2 4,3|3",
    }
    for name, pairs in shapes.items():
        for pair in pairs.split():
            left, right = (tuple(int(n) for n in part.split(",") if n) for part in pair.split("|"))
            cases.append((name, (a(*left), a(*right)), {}))
    cases.append(("dot", (square, square), {}))
    every = (0, 1, ([0], [1]), ([1, 0], [0, 1]), (1, 0))
    cases += [("tensordot", (a(3, 3), a(3, 3)), {"axes": axes}) for axes in every]
    cases.append(("tensordot", (a(2, 3, 4), a(4, 3, 5)), {"axes": ([1, 2], [1, 0])}))
    cases += [("einsum", (text, *(a(*shape) for shape in wanted)), {}) for text, *wanted in EINSUMS]
    cases.append(("einsum", (a(2, 3), [0, 1], a(3, 4), [1, 2], [0, 2]), {}))
    cases.append(("einsum", (a(2, 3), [0, 1], a(3, 4), [1, 2]), {}))
    cases.append(("trace", (square,), {}))
    cases += [("trace", (a(4, 3),), {"offset": k}) for k in (-1, 0, 1)] + [
        ("trace", (a(2, 3, 3),), {"axis1": 1, "axis2": 2})
    ]
    cases.append(("cross", (a(3, 4), a(3, 4)), {"axis": 0}))
    return [case for case in cases if hasattr(np, case[0])]


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij->", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ba", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (3,), (4,)),
    ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)),
    ("...ij,jk", (5, 2, 3), (3, 4)),
    ("ij...,jk...->ik...", (2, 3, 5), (3, 4, 5)),
    ("i...->...", (4, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("bi,bj,ij->b", (5, 2), (5, 3), (2, 3)),
    (" i j , j -> i ", (2, 3), (3,)),
]


def shapes() -> list:
    x, y = a(2, 3, 4), a(2, 3)
    cases = [
        ("transpose", (x,), {}),
        ("transpose", (x, (1, 0, 2)), {}),
        ("transpose", (a(3),), {}),
        ("swapaxes", (x, 0, -1), {}),
    ]
    cases += [
        ("moveaxis", (x, 0, -1), {}),
        ("moveaxis", (x, (0, 1), (2, 0)), {}),
        ("rollaxis", (x, 2), {}),
        ("rollaxis", (x, 0, 3), {}),
    ]
    cases += [("expand_dims", (y, axis), {}) for axis in (0, 1, -1, (0, 2))]
    cases += [("squeeze", (a(1, 3, 1),), {}), ("squeeze", (a(1, 3, 1),), {"axis": 0})]
    cases += [
        ("broadcast_to", (a(3), (2, 3)), {}),
        ("broadcast_to", (a(2, 1), (2, 3)), {}),
        ("broadcast_to", (a(1), (1, 3)), {}),
    ]
    cases += [
        ("broadcast_arrays", (a(3), a(2, 1)), {}),
        ("meshgrid", (a(3), a(2)), {}),
        ("meshgrid", (a(3), a(2)), {"indexing": "ij"}),
    ]
    cases += [("meshgrid", (a(3), a(2), a(4)), {"sparse": True}), ("matrix_transpose", (x,), {})]
    cases += [("reshape", (x, shape), {}) for shape in (-1, (6, 4), (4, -1), (2, 3, 4), (2, 1, 3, 4), (24,), (-1, 4))]
    cases += [("reshape", (a(6), (2, 3)), {}), ("reshape", (a(1, 6), -1), {}), ("reshape", (a(6), (-1, 1)), {})]
    cases += [("ravel", (y,), {}), ("ravel", (a(1, 3),), {}), ("ravel", (np.ones(()),), {})]
    cases += [("tile", (a(3), 2), {}), ("tile", (y, (2, 2)), {}), ("tile", (a(3), (2, 1, 2)), {}), ("tile", (y, 3), {})]
    cases += [
        ("repeat", (a(3), 2), {}),
        ("repeat", (y, 2), {}),
        ("repeat", (y, 3), {"axis": 0}),
        ("repeat", (y, 3), {"axis": 1}),
    ]
    cases += [(name, (y,), {}) for name in ("flip", "fliplr", "flipud")] + [
        ("flip", (x, (0, 2)), {}),
        ("flip", (a(3),), {}),
    ]
    cases += [("rot90", (y,), {"k": k}) for k in range(-1, 5)] + [("rot90", (x,), {"axes": (1, 2)})]
    cases += [("roll", (a(5), k), {}) for k in (0, 1, -2, 4)] + [("roll", (y, 1), {"axis": 1}), ("roll", (y, 1), {})]
    cases += [("roll", (y, (1, 2)), {"axis": (0, 1)})]
    cases += [("diagonal", (a(4, 3),), {"offset": k}) for k in (-2, -1, 0, 1)] + [
        ("diagonal", (x,), {"axis1": 0, "axis2": 2})
    ]
    cases += [("diag", (a(3),), {}), ("diag", (square,), {}), ("diag", (square,), {"k": 1}), ("diag", (a(1),), {})]
    cases += [
        (name, (matrix,), {"k": k}) for name in ("tril", "triu") for k in (-1, 0, 1) for matrix in (square, a(2, 4), x)
    ]
    cases += [
        ("copy", (y,), {}),
        ("asarray", (y,), {}),
        ("asanyarray", (y,), {}),
        ("ascontiguousarray", (y,), {}),
        ("asfortranarray", (y,), {}),
    ]
    cases += [
        ("astype", (np.array([1.7, -1.7]), int), {}),
        ("astype", (np.array([1, 0]), bool), {}),
        ("astype", (y, np.float64), {}),
    ]
    cases += [
        ("shape", (x,), {}),
        ("ndim", (x,), {}),
        ("size", (x,), {}),
        ("size", (x,), {"axis": 1}),
        ("shape", (a(1, 3),), {}),
    ]
    cases += [(f"atleast_{k}d", (a(*shape),), {}) for k in (1, 2, 3) for shape in ((3,), (2, 3))]
    cases += [
        ("atleast_2d", (a(3), a(2, 3)), {}),
        ("atleast_1d", (np.ones(()),), {}),
        ("atleast_3d", (np.ones(()),), {}),
    ]
    return [case for case in cases if hasattr(np, case[0])]


def joining() -> list:
    y, column = a(2, 3), a(2, 1)
    cases = [
        ("concatenate", ([a(2), a(3)],), {}),
        ("concatenate", ((y, a(4, 3)),), {}),
        ("concatenate", ([y, a(2, 4)],), {"axis": -1}),
    ]
    cases += [
        ("concatenate", ([y, column],), {"axis": 1}),
        ("concatenate", ([column, column],), {"axis": 1}),
        ("concatenate", ([y],), {}),
    ]
    cases += [
        ("concatenate", ([a(2), a(3)],), {"axis": None}),
        ("append", (a(2), a(3)), {}),
        ("append", (y, a(4, 3)), {"axis": 0}),
    ]
    cases += [("stack", ([a(3), a(3)],), {"axis": axis}) for axis in (0, 1, -1)] + [
        ("stack", ([y, y, y],), {"axis": 1}),
        ("stack", ([y],), {}),
    ]
    cases += [
        ("vstack", ([a(3), a(3)],), {}),
        ("vstack", ([y, a(1, 3)],), {}),
        ("hstack", ([a(2), a(3)],), {}),
        ("hstack", ([y, column],), {}),
    ]
    cases += [
        ("dstack", ([y, y],), {}),
        ("dstack", ([a(3), a(3)],), {}),
        ("column_stack", ([a(2), y, a(2)],), {}),
        ("row_stack", ([a(3), a(3)],), {}),
    ]
    cases += [
        ("array", ([a(3), a(3)],), {}),
        ("array", ([[1, 2.5], [3, 4]],), {}),
        ("array", ([np.ones(()), 2.0],), {}),
        ("array", (y,), {"ndmin": 3}),
    ]
    cases += [("array", ([1, 2],), {"dtype": float}), ("array", ([np.array(2.0)],), {})]
    cases += [("pad", (y, width), {}) for width in (1, (1, 2), ((1, 0), (0, 2)))] + [
        ("pad", (a(3), 2), {"constant_values": 7.0})
    ]
    cases += [
        ("split", (a(6), 3), {}),
        ("split", (a(6), [1, 4]), {}),
        ("split", (a(4, 6), 2), {"axis": 1}),
        ("array_split", (a(7), 3), {}),
    ]
    cases += [
        ("vsplit", (a(4, 3), 2), {}),
        ("hsplit", (a(4, 6), 3), {}),
        ("hsplit", (a(6), 3), {}),
        ("dsplit", (a(2, 2, 4), 2), {}),
    ]
    return [case for case in cases if hasattr(np, case[0]) and case[0] != "row_stack"]


def creation() -> list:
    y = a(2, 3)
    cases = [(name, (shape,), {}) for name in ("zeros", "ones") for shape in (3, (2, 3), (1, 3), ())]
    cases += [(name, (y,), {}) for name in ("zeros_like", "ones_like")] + [
        ("full", ((2, 3), 1.5), {}),
        ("full", (3, a(3)), {}),
        ("full_like", (y, 2.0), {}),
    ]
    cases += [
        ("full_like", (y, a(3)), {}),
        ("eye", (3,), {}),
        ("eye", (3, 4), {"k": 1}),
        ("eye", (3,), {"k": -1}),
        ("identity", (3,), {}),
        ("eye", (1,), {}),
    ]
    cases += [("tri", (3,), {}), ("tri", (3, 4, 1), {})]
    cases += [
        ("arange", arguments, {}) for arguments in ((5,), (2, 7), (2, 9, 3), (9, 2, -2), (0.0, 1.0, 0.25), (3, 2), (1,))
    ]
    cases += [
        ("linspace", (0.0, 2.0, 5), {}),
        ("linspace", (0, 1, 4), {"endpoint": False}),
        ("linspace", (np.array(1.5), 2.0, 3), {}),
        ("linspace", (0, 1, 1), {}),
    ]
    cases += [
        ("where", (flags, y, 0.0), {}),
        ("where", (flags, a(3), a(2, 1)), {}),
        ("where", (y, 1.0, y), {}),
        ("where", (True, y, 0.0), {}),
    ]
    cases += [("select", ([flags, y > 0], [y, -y]), {}), ("select", ([flags, y > 0], [y, -y], 5.0), {})]
    cases += [
        ("take", (a(5), np.array([0, 4, 1])), {}),
        ("take", (y, np.array([0, 2])), {"axis": 1}),
        ("take", (y, 1), {"axis": 0}),
        ("take", (y, np.array([0, 5])), {}),
    ]
    cases += [
        ("take_along_axis", (y, whole, 1), {}),
        ("take_along_axis", (y, np.array([[0], [2]]), 1), {}),
        ("take_along_axis", (y, np.array([[1, 0, 1]]), 0), {}),
    ]
    cases += [("cumsum", (y,), {"axis": axis}) for axis in (None, 0, -1)]
    cases += [(name, (y,), {"axis": axis}) for name in ("argsort", "sort") for axis in (None, 0, -1)]
    cases += [("searchsorted", (np.arange(4.0), y), {"side": side}) for side in ("left", "right")]
    cases += [
        ("digitize", (y, np.arange(4.0)[::step]), {"right": right}) for step in (1, -1) for right in (False, True)
    ]
    cases += [("diag_indices", (3,), {}), ("diag_indices_from", (a(3, 3),), {}), ("ix_", (np.array([2, 0]), a(3)), {})]
    cases += [(name, (3,), {"k": k}) for name in ("tril_indices", "triu_indices") for k in (-1, 0, 1)]
    cases += [(name, (a(3, 3),), {}) for name in ("tril_indices_from", "triu_indices_from")]
    return cases


CASES = [*reductions(), *contractions(), *shapes(), *joining(), *creation()]


@pytest.mark.parametrize("symbolic", [True, False], ids=["symbols", "numbers"])
@pytest.mark.parametrize(("name", "arguments", "keywords"), CASES, ids=[f"{c[0]}{k}" for k, c in enumerate(CASES)])
def test_value(name: str, arguments: tuple, keywords: dict, symbolic: bool) -> None:
    row = lookup(getattr(np, name))
    assert isinstance(row, Algebra)
    if name == "average" and "axis" not in keywords:
        keywords = {**keywords, "axis": None}
    same(evaluate(row.lower, *arguments, symbolic=symbolic, **keywords), getattr(np, name)(*arguments, **keywords))


UNSIZED = ("empty", "empty_like", "flatnonzero", "nonzero", "row_stack", "trapz")
"""Functions whose results have no fixed elements or lengths, and old names of others."""


def test_every_row_is_tested() -> None:
    tested = {lookup(getattr(np, name)) for name, _, _ in CASES}
    names = [name for name in LOWERINGS if hasattr(np, name) and name not in UNSIZED]
    assert [name for name in names if lookup(getattr(np, name)) not in tested] == []
