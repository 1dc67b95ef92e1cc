"""Operations: differentials and transpositions against differences; the table as a partition of NumPy's functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from brute_force import Evaluator, evaluate, spelled

import symgrad
from symgrad.errors import InternalError, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.equation import Op
from symgrad.ir.tensor import Entry
from symgrad.rules import custom, stores
from symgrad.rules.linalg import OPERATIONS
from symgrad.rules.methods import METHODS, PROPERTIES
from symgrad.rules.row import Algebra, Composed, Elementwise, Refused
from symgrad.rules.table import TABLE, lookup

RANDOM = np.random.default_rng(1)


def a(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


ties = np.array([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]])
zeros = np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 2.0], [1.5, -2.0, 0.5]])
spd = np.eye(3) * 4 + np.ones((3, 3)) + np.diag([0.1, 0.2, 0.3])

DIFFERENTIALS = {
    "inv": [(a(3, 3), {}), (a(2, 3, 3), {})],
    "det": [(a(3, 3), {}), (a(2, 3, 3), {})],
    "slogdet.logabsdet": [(a(3, 3), {}), (a(2, 3, 3), {})],
    "cholesky": [(spd, {}), (np.stack([spd, 2 * spd]), {})],
    "max": [(a(2, 3), {"axis": axis}) for axis in (None, 0, 1)] + [(a(2, 3, 4), {"axis": (0, 2)})],
    "min": [(a(2, 3), {"axis": axis}) for axis in (None, 0, 1)],
    "prod": [(x, {"axis": axis}) for x in (a(3, 3), zeros) for axis in (None, 0, 1)],
}


@pytest.mark.parametrize(("name", "x", "params"), [(n, *case) for n, cases in DIFFERENTIALS.items() for case in cases])
def test_differential(name: str, x: np.ndarray, params: dict) -> None:
    row, tangent = OPERATIONS[name], a(*x.shape)
    text = row.spelling if isinstance(row.spelling, str) else row.spelling(**params)

    def along(step: float) -> np.ndarray:
        return spelled(text, [x + step * tangent])

    coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (1e-3, 5e-4))
    found = row.differential(x, along(0.0), tangent, **params)
    np.testing.assert_allclose(found, (4 * fine - coarse) / 3, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_split_evenly(name: str) -> None:
    row = OPERATIONS[name]
    found = row.differential(ties, getattr(ties, name)(axis=1), np.array([[0.0, 1.0, 3.0], [5.0, 7.0, 9.0]]), axis=1)
    assert found.tolist() == ([2.0, 5.0] if name == "max" else [0.0, 7.0])


TRANSPOSITIONS = {
    "cumsum": [(np.cumsum, (a(2, 3),), {"axis": axis}) for axis in (0, 1)] + [(np.cumsum, (a(4),), {})],
    "reshape": [(np.reshape, (a(2, 3),), {"shape": (3, 2)}), (np.ravel, (a(2, 3),), {})],
    "concatenate": [
        (np.concatenate, ([a(2, 3), a(2, 1), a(2, 2)],), {"axis": 1}),
        (np.concatenate, ([a(2), a(3)],), {}),
    ],
    "stack": [(np.stack, ([a(3), a(3)],), {"axis": 1}), (np.array, ([np.array(1.5), np.array(2.5)],), {})],
    "solve": [
        (np.linalg.solve, (a(3, 3), a(3)), {}),
        (np.linalg.solve, (a(3, 3), a(3, 2)), {}),
        (np.linalg.solve, (a(2, 3, 3), a(2, 3, 4)), {}),
    ],
}


def flattened(arguments: tuple) -> list[np.ndarray]:
    return [part for item in arguments for part in (item if isinstance(item, list) else [item])]


@pytest.mark.parametrize(
    ("name", "function", "arguments", "keywords"), [(n, *c) for n, cases in TRANSPOSITIONS.items() for c in cases]
)
def test_transposition(name: str, function, arguments: tuple, keywords: dict) -> None:
    given = a(*np.shape(np.asarray(function(*arguments, **keywords))))

    def pulled(builder: Builder, cotangent, *operands, **named):
        result = lookup(function).lower(builder, *operands, **named)
        assert isinstance(result.expr, Entry)
        op = builder.equations[result.expr.ref].definition
        assert isinstance(op, Op)
        found = OPERATIONS[name].transpose(builder, cotangent, op.operands, **dict(op.params))
        return tuple(part for part in found if part is not None)

    cotangents = evaluate(pulled, given, *arguments, **keywords)
    parts = flattened(arguments)
    assert len(cotangents) == len(parts)
    for part, cotangent in zip(parts, cotangents, strict=True):
        np.testing.assert_allclose(
            cotangent, numerical(function, arguments, keywords, part, given), rtol=1e-6, atol=1e-7
        )


def numerical(function, arguments: tuple, keywords: dict, part: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The gradient of ``sum(given * function(...))`` by central differences in place."""
    found, step = np.empty_like(part), 1e-5
    for place in np.ndindex(part.shape):
        kept = part[place]
        part[place] = kept + step
        above = np.sum(given * function(*arguments, **keywords))
        part[place] = kept - step
        below = np.sum(given * function(*arguments, **keywords))
        part[place] = kept
        found[place] = (above - below) / (2 * step)
    return found


twice = np.array([0, 2, 0])
STORES = [
    ((4,), slice(1, None), (3,)),
    ((4,), slice(None, None, -2), (2,)),
    ((4, 3), 1, ()),
    ((4, 3), (1, slice(None)), (1, 3)),
    ((4, 3), (Ellipsis, 2), (4,)),
    ((4, 3), np.array([2, 0]), (2, 3)),
    ((4, 3), twice, (3, 3)),
    ((4, 3), twice, (3,)),
    ((4, 3), (twice, twice), (3,)),
    ((4, 3), (twice, slice(1, None)), ()),
    ((4, 3), (np.array([[0], [3]]), twice), (2, 3)),
]


def stored(name: str, x: np.ndarray, key: object, value: np.ndarray) -> np.ndarray:
    found = x.copy()
    if name == "store":
        found[key] = value
    else:
        np.add.at(found, key, value)
    return found


@pytest.mark.parametrize(("shape", "key", "put"), STORES, ids=repr)
@pytest.mark.parametrize("name", ["store", "increment"])
def test_stores(name: str, shape: tuple, key: object, put: tuple) -> None:
    x, value, given = a(*shape), a(*put) if put else np.asarray(a()), a(*shape)
    lower = getattr(stores, name)
    if name == "increment" and put == (1, 3):
        with pytest.raises(ShapeError, match="2 axes"):
            evaluate(lower, x, key, value)
        return
    np.testing.assert_allclose(evaluate(lower, x, key, value), stored(name, x, key, value))

    def pulled(builder: Builder, cotangent, array, key, value):
        op = builder.equations[lower(builder, array, key, value).expr.ref].definition
        return OPERATIONS[name].transpose(builder, cotangent, op.operands, **dict(op.params))[:2]

    found = evaluate(pulled, given, x, key, value)
    for part, cotangent in zip((x, value), found, strict=True):
        expected = numerical(lambda: stored(name, x, key, value), (), {}, part, given)
        np.testing.assert_allclose(cotangent.reshape(part.shape), expected, rtol=1e-6, atol=1e-7)


def test_what_happens_once_is_not_computed_again() -> None:
    with pytest.raises(InternalError, match="computed again"):
        OPERATIONS["opaque"].spelling(number=0, name="a call")


FLAT = {"all", "any", "argmax", "argmin", "argsort", "slogdet.sign", "count_nonzero", "nonzero", "opaque", "winners"}
FLAT |= {"searchsorted", "digitize"}


def test_every_operation_is_tested() -> None:
    tested = set(DIFFERENTIALS) | set(TRANSPOSITIONS) | {"store", "increment"} | FLAT | set(custom.OPERATIONS)
    assert set(OPERATIONS) == tested


@pytest.mark.parametrize("name", sorted(FLAT - {"slogdet.sign"}))
def test_flat_operations_have_no_derivative(name: str) -> None:
    assert OPERATIONS[name].differential is None
    assert OPERATIONS[name].transpose is None


def functions_of(module) -> list[tuple[str, object]]:
    names = [name for name in dir(module) if not name.startswith("_")]
    found = [(name, getattr(module, name)) for name in names if name in getattr(module, "__all__", names)]
    return [(name, item) for name, item in found if callable(item)]


@pytest.mark.parametrize("module", [np, np.linalg, np.fft, math], ids=lambda module: module.__name__)
def test_every_public_function_has_a_row(module) -> None:
    missing = [name for name, function in functions_of(module) if lookup(function) is None]
    assert missing == []


def test_every_public_attribute_of_arrays_has_a_row() -> None:
    names = [name for name in dir(np.ndarray) if not name.startswith("_")]
    assert [name for name in names if name not in METHODS] == []
    assert set(PROPERTIES) <= set(METHODS)


def test_rows_are_rows_and_refusals_have_reasons() -> None:
    for row in (*TABLE.values(), *METHODS.values()):
        assert isinstance(row, Elementwise | Algebra | Composed | Refused)
        assert not isinstance(row, Refused) or row.reason


x, matrix = a(2, 3), a(3, 3)
METHOD_CASES = [
    ("all", (), {"axis": 0}),
    ("any", (), {}),
    ("argmax", (), {"axis": 1}),
    ("argmin", (), {}),
    ("argsort", (), {"axis": 0}),
    ("astype", (np.float32,), {}),
    ("clip", (0, 1), {}),
    ("clip", (), {"min": 0.0}),
    ("conj", (), {}),
    ("conjugate", (), {}),
    ("copy", (), {}),
    ("cumsum", (1,), {}),
    ("diagonal", (), {}),
    ("dot", (matrix,), {}),
    ("flatten", (), {}),
    ("max", (1,), {"keepdims": True}),
    ("mean", (0,), {}),
    ("min", (), {}),
    ("prod", (), {"axis": 1}),
    ("ravel", (), {}),
    ("repeat", (2,), {"axis": 0}),
    ("reshape", (3, 2), {}),
    ("reshape", ((3, 2),), {}),
    ("reshape", (-1,), {}),
    ("round", (1,), {}),
    ("squeeze", (), {}),
    ("std", (), {"axis": 0, "ddof": 1}),
    ("sum", (0,), {}),
    ("swapaxes", (0, 1), {}),
    ("take", (np.array([1, 0]),), {"axis": 1}),
    ("tolist", (), {}),
    ("trace", (), {}),
    ("transpose", (), {}),
    ("transpose", (1, 0), {}),
    ("transpose", ((1, 0),), {}),
    ("var", (), {"axis": 1}),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), METHOD_CASES)
def test_methods(name: str, arguments: tuple, keywords: dict) -> None:
    found = evaluate(METHODS[name].lower, x, *arguments, **keywords)
    expected = np.asarray(getattr(x, name)(*arguments, **keywords))
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(np.asarray(found, float), expected.astype(float), rtol=1e-6)


@pytest.mark.parametrize("name", ["T", "mT", "real", "imag", "shape", "ndim", "size"])
def test_properties(name: str) -> None:
    expected = x.T if name == "mT" else getattr(x, name)
    np.testing.assert_allclose(np.asarray(evaluate(METHODS[name].lower, x), float), np.asarray(expected, float))


def test_item_is_a_python_number() -> None:
    builder = Builder()
    tensor = builder.input("x", (), np.dtype(np.float64))
    assert METHODS["item"].lower(builder, tensor).kind is float
    assert METHODS["dtype"].lower(builder, tensor) == np.float64


def test_nonzero() -> None:
    def places(x):
        rows, columns = (x > 0).nonzero()
        return np.sum(x[rows, columns] ** 2)

    symgrad.check_grads(places, (x,))


def test_every_method_is_tested() -> None:
    tested = {name for name, _, _ in METHOD_CASES} | set(PROPERTIES) | {"item", "nonzero", "ptp", "searchsorted"}
    assert {name for name, row in METHODS.items() if isinstance(row, Algebra)} <= tested


def test_equal_sizes_are_unified() -> None:
    builder = Builder()
    n, m, k = (builder.sizes.symbol(name) for name in "nmk")
    left = builder.input("A", (n, m), np.dtype(float))
    right = builder.input("B", (k, n), np.dtype(float))
    lookup(np.matmul).lower(builder, left, right)
    assert builder.sizes.same(m, k)


def test_a_product_with_itself_keeps_its_axes_apart() -> None:
    builder = Builder()
    n = builder.sizes.symbol("n", 3)
    tensor = builder.input("A", (n, n), np.dtype(float))
    result = lookup(np.matmul).lower(builder, tensor, tensor)
    values = a(3, 3)
    found = Evaluator(builder, {tensor.expr.ref: values}, builder.sizes.concrete).tensor(result)
    np.testing.assert_allclose(found, values @ values)


def test_the_identity_is_eliminated() -> None:
    builder = Builder()
    tensor = builder.input("A", (builder.sizes.symbol("n", 3), builder.sizes.symbol("m", 3)), np.dtype(float))
    unit = lookup(np.eye).lower(builder, lookup(np.shape).lower(builder, tensor)[0])
    result = lookup(np.matmul).lower(builder, unit, tensor)
    assert isinstance(result.expr, Entry)
    assert result.expr.ref is tensor.expr.ref
    assert not builder.equations
