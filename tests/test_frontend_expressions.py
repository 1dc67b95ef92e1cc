from __future__ import annotations

import math
import operator
from math import exp
from typing import Any

import numpy  # noqa: ICN001
import numpy as np
import numpy as xp  # noqa: ICN001
import pytest
from numpy import exp as array_exp
from numpy.linalg import inv
from reading import check

A = np.array([[0.3, -1.2, 0.7], [2.0, 0.4, -0.1]])
B = np.array([[1.5, 0.2], [-0.3, 0.9], [0.8, -1.1]])
V = np.array([0.5, -0.25, 1.75])
ONE = np.array([[0.5], [2.0]])

SCALARS = {
    "sum": lambda a, b: a + b,
    "polynomial": lambda a, b: 3 * a**2 - 2 * a * b + b / 2 - 1,
    "power": lambda a, b: (a * a) ** b,
    "negative base": lambda a, b: (-2.0) ** 2 * a - -b,
    "integer literals": lambda a, b: 1 / 3 * a + 7 // 2 * b,
    "floor": lambda a, b: a // b,
    "modulo": lambda a, b: a % b,
    "unary": lambda a, b: -a + +b,
    "comparison": lambda a, b: a < b,
    "chain": lambda a, b: 0.0 < a < b,
    "math": lambda a, b: math.sin(a) * exp(b) + math.sqrt(a * a + 1),
    "numpy": lambda a, b: np.exp(a) + xp.log1p(b * b) + numpy.tanh(a) * array_exp(b),
    "constants": lambda a, b: np.pi * a + math.e * b + 2 * np.pi,
    "constant functions": lambda a, b: a * np.log(2 * np.pi) - math.log(math.pi) * b,
    "operator": lambda a, b: operator.add(a, operator.mul(b, 2)),
    "abs": lambda a, b: abs(a - b),
    "max": lambda a, b: max(a, b, 0.1) + min(a, b),
    "float": lambda a, b: float(a) + float(np.exp(b)),
    "python sum": lambda a, b: sum([a, b, a * b]),
    "conditional": lambda a, b: a if True else b,
    "logic": lambda a, b: (None or a) * (1 and b),
    "walrus": lambda a, b: (t := a * b) + t,
    "dict": lambda a, b: {"x": a, "y": (b, a + b)},
    "starred": lambda a, b: [*(a, b), *[1.0]],
    "nested": lambda a, b: (lambda x, k=2: x * k)(a) + (lambda *xs, **ks: xs[0] * ks["c"])(a, c=b),  # noqa: PLC3002
    "isinstance": lambda a, b: a if isinstance(a, float) and not isinstance(b, np.ndarray) else b,
}


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
def test_scalars(name: str, kind: Any) -> None:
    check(SCALARS[name], kind(0.75), kind(1.5))


ARRAYS = {
    "matmul": lambda a, b: a @ b,
    "transposed": lambda a, b: b.T @ a.T,
    "broadcast": lambda a, b: a + b.sum(axis=1) - b[:, 0],
    "keywords": lambda a, b: np.sum(a, axis=0, keepdims=True) * 2 + a,
    "method": lambda a, b: a.sum(axis=1, keepdims=True) + a.mean(),
    "positional": lambda a, b: np.sum(b, 0) + b.sum(0),
    "negative axis": lambda a, b: a.max(axis=-1),
    "shape": lambda a, b: a / a.shape[0] + a.size * np.ones(a.shape),
    "len": lambda a, b: a.sum() / len(a),
    "ndim": lambda a, b: a if a.ndim == 2 else b,
    "dtype": lambda a, b: a.astype(a.dtype),
    "reshape": lambda a, b: a.reshape(-1) + b.reshape(b.size),
    "reshape to shape": lambda a, b: a.reshape(b.shape) + b,
    "subscripts": lambda a, b: a[0, 1:] + a[1, :2] * b[2, -1],
    "newaxis": lambda a, b: a[:, :, None] * b[None, :, :],
    "ellipsis": lambda a, b: a[..., 0],
    "integer array": lambda a, b: a[np.arange(2), np.array([2, 0])],
    "list index": lambda a, b: a[:, [0, 2]],
    "where": lambda a, b: np.where(a > 0, a, 0.0),
    "mask": lambda a, b: ((a > -1) & (a < 1)) * a,
    "or and xor": lambda a, b: (a > 1) | ~(a < 0) ^ (a > 0),
    "concatenate": lambda a, b: np.concatenate([a, b.T], axis=0),
    "stack": lambda a, b: np.stack((a[0], b[:, 1])),
    "list operand": lambda a, b: a * [1.0, 2.0, 3.0],
    "list of values": lambda a, b: a[:, :2] * [a[0, 0], b[0, 0]],
    "constant array": lambda a, b: a * np.array([1.0, 2.0, 3.0]) + np.arange(3),
    "eye": lambda a, b: a @ np.eye(3),
    "zeros": lambda a, b: a + np.zeros((2, 3)) + np.zeros_like(a),
    "linalg": lambda a, b: inv(a @ b + 3 * np.eye(2)),
    "pair": lambda a, b: np.linalg.slogdet(a @ a.T),
    "var": lambda a, b: np.var(a, axis=0),
    "norm": lambda a, b: np.linalg.norm(a),
    "einsum": lambda a, b: np.einsum("ij,jk->ik", a, b),
    "python sum": lambda a, b: sum([a, a, b.T]),
    "generator": lambda a, b: sum(x * x for x in (a, b.T)),
    "comprehension": lambda a, b: [k * a for k in range(3) if k != 1],
    "dict comprehension": lambda a, b: {k: v * 2 for k, v in {"a": a, "b": b}.items()},
    "zip": lambda a, b: [x * y for x, y in zip((a, b), [1.0, 2.0], strict=True)],
    "enumerate": lambda a, b: [i * x for i, x in enumerate([a, b])],
    "map": lambda a, b: list(map(np.exp, (a, b))),
    "unpacked call": lambda a, b: np.add(*(a, b.T)),
    "keyword call": lambda a, b: np.sum(a=a, axis=1),
    "stored method": lambda a, b: [f(axis=0) for f in (a.sum, b.mean)],
    "float32 stays": lambda a, b: a.astype(np.float32) * 2.0 + 1,
    "int division": lambda a, b: a / 3 + a // 2,
    "f-string": lambda a, b: {f"layer_{k}": a for k in range(2)},
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str) -> None:
    check(ARRAYS[name], A, B)


@pytest.mark.parametrize("name", ["matmul", "broadcast", "keywords", "method", "shape", "where", "mask", "stack"])
def test_float32(name: str) -> None:
    check(ARRAYS[name], A.astype(np.float32), B.astype(np.float32))


@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.lt])
@pytest.mark.parametrize("shapes", [((), (3,)), ((1, 3), (4, 1)), ((4, 3), (3,)), ((2, 4, 3), (1, 3)), ((1,), (1, 1))])
def test_broadcasting(op: Any, shapes: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=shape) + 2 for shape in shapes)

    def both(x: Any, y: Any) -> Any:
        return op(x, y), op(y, x)

    check(both, x, y)


def test_length_one_axes() -> None:
    check(lambda x, y: (x * y).sum(axis=1, keepdims=True) + x.shape[1], ONE, A)


def test_shape_of_unit_axis_is_a_number() -> None:
    check(lambda x: [x * k for k in range(x.shape[1])], ONE)


def test_code_keeps_the_users_text() -> None:
    program = check(lambda x: x * np.log(2 * xp.pi) + array_exp(-x), 0.5)
    left, right = program.result.code.operands
    assert left.operands[1].template == "np.log((2 * np.pi))"
    assert right.template == "np.exp(_0)"
