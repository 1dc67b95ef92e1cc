"""Rows inside of rows: every way to move, join or reduce elements, applied to the result of every other."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from differences import check_gradient, module_of

import symgrad

TEXTS = """
x[::2]
x[::-1]
x[1:]
x[:-1]
x[1:-1]
x[-3::-1]
x[IDX]
x[IDX[::-1]]
x[None, 1:, None][0, :, 0]
np.concatenate([x, y * x])
np.concatenate([x[1:], y])
np.append(x, y[:2])
np.hstack([x, x[::-1]])
np.stack([x, y]).ravel()
np.stack([x, y], axis=1)[:, 0]
np.stack([x, y], axis=1).ravel()
np.array([x[0], x[1] * x[2], 2.0, x[2]])
np.outer(x, y).ravel()
np.outer(x, x)[1]
np.diag(np.outer(x, y))
np.diag(x) @ y
np.tril(np.outer(x, y)).sum(axis=0)
np.tile(x, 2)
np.repeat(x, 2)
np.roll(x, 1)
np.roll(x, -2)
np.flip(x)
np.pad(x, (1, 2))
np.diff(x)
x.reshape(2, -1).T.ravel()
x.reshape(-1, 2).sum(axis=1)
x.reshape(2, -1)[:, ::-1].ravel()
np.split(x, 2)[1]
np.take(x, IDX)
np.where(x > 0.5, x, y)
np.maximum(x, x[::-1])
np.clip(x, 0.2, 0.9)
x - x.mean()
x / (9 + x.sum())
x * np.max(x)
x - np.max(x, keepdims=True)
x / np.linalg.norm(x)
(x - x.mean()) / x.std()
np.exp(x - x.max()) / np.sum(np.exp(x - x.max()))
np.prod(x) * x
np.cross(x[:3], y[:3])
np.kron(x[:2], y[:2])
np.linalg.inv(np.outer(x, y) + 5 * np.eye(x.shape[0])) @ x
np.linalg.solve(np.outer(x, y) + 5 * np.eye(x.shape[0]), x)
np.broadcast_to(x, (2, x.shape[0]))[1]
np.meshgrid(x, y)[0][1]
np.einsum("i,i->i", x, y)
np.einsum("i,j->j", x, y)
np.squeeze(x[:, None]) * y
x[np.arange(x.shape[0])]
x[np.arange(x.shape[0] - 1)]
x[np.argmax(x)] * y
np.sqrt(x) * x**1.5
np.ptp(x) * y
np.trapezoid(x) * y / 9
"""
VECTORS = [text for text in TEXTS.splitlines() if text]
if not hasattr(np, "trapezoid"):
    VECTORS.remove("np.trapezoid(x) * y / 9")
INNER = VECTORS
OUTER = [text for text in VECTORS if "y" not in text.replace("y * x", "")] + ["np.concatenate([x, y * x])"]
PAIRS = [(inner, outer) for inner, outer in itertools.product(INNER, OUTER)]
CHUNK = 5
"""A fifth of the pairs is enough: every text occurs inside and outside of some eight others."""


def source(number: int, inner: str, outer: str) -> str:
    lines = [f"def f{number}(x, y, w):", f"    x = {inner}", "    y = np.cos(x)", f"    r = {outer}"]
    return "\n".join([*lines, "    return np.sum(np.sin(r) * w[:r.shape[0]]) + np.sum(x * x)", ""])


CHOSEN = [(number, *pair) for number, pair in enumerate(PAIRS) if number % CHUNK == (number // len(OUTER)) % CHUNK]


PARTS = """\
np.sum(z[:3]) ** 2 + np.sum(z)
np.sum(z[1:]) * np.sum(z[1:-1])
np.sum(z[:-1]) * np.sum(z) * np.sum(z[:2])
np.sum(np.exp(x[1:])) * np.sum(np.exp(x[1:-1]))
np.sum(x[::2] ** 2) * np.sum(x[::2][:-1] ** 2)
np.sum(x[IDX] ** 2) * np.sum(x[IDX][:-1] ** 2) * np.sum(x[IDX[:2]] ** 2)
np.sum(x[IDX] ** 2) * np.sum(x[IDX][np.arange(3)] ** 2)
np.sum(M[:2] @ y) ** 2 + np.sum(M @ y)
np.sum(M[:, :2] @ y[:2]) ** 2 + np.sum(M @ y)
np.sum((M[:2] @ y) ** 2) * np.sum((M @ y) ** 2)
np.sum(np.exp(M[:2])) * np.sum(np.exp(M))
np.sum(M[:2].sum(axis=0) * M.sum(axis=0))
np.sum(M[:, :2].sum(axis=1) * M.sum(axis=1) * M[:, 1:].sum(axis=1))
np.max(x[:3]) * np.max(x)
np.prod(x[:3]) * np.prod(x)
np.linalg.norm(x[:3]) * np.linalg.norm(x)
np.mean(x[:3]) * np.mean(x) * np.var(x[:3]) * np.var(x)
np.trace(M[:2, :2]) * np.trace(M)
np.linalg.det(M[:2, :2]) * np.linalg.det(M[:4, :4] + 3 * np.eye(4))
np.sum(np.concatenate([x[:2], y[:2]]) ** 2) * np.sum(np.concatenate([x, y]) ** 2)
np.sum(np.tril(M[:3, :3]) ** 2) * np.sum(np.tril(M) ** 2)
np.sum(np.eye(3) * M[:3, :3]) * np.sum(np.eye(4) * M[:4, :4])
np.sum(np.arange(3) * x[:3]) * np.sum(np.arange(x.shape[0]) * x)
np.sum(np.ones(3)) * np.sum(x) * np.sum(np.ones(x.shape[0]) * y)
np.sum(x[:3] - x[:3].mean()) + np.sum((x - x.mean()) ** 2) * np.sum((x[:3] - x[:3].mean()) ** 2)
np.log(np.sum(np.exp(x[:3]))) * np.log(np.sum(np.exp(x)))
np.sum(np.cos(x[:, None] * y)) * np.sum(np.cos(x[:3, None] * y)) * np.sum(np.cos(x[:3, None] * y[:2]))
np.sum(np.outer(x[:3], y) ** 2) * np.sum(np.outer(x, y) ** 2)
"""


@pytest.mark.parametrize("text", PARTS.splitlines())
def test_a_part_is_not_taken_for_the_whole(text: str, tmp_path: Any) -> None:
    lines = [
        "IDX = np.array([0, 2, 2, 1])",
        "",
        "def loss(x, y):",
        "    z = np.exp(x)",
        "    M = np.outer(z, y) / 9 + np.cos(x)",
    ]
    function = module_of(
        tmp_path / "parts.py", ["\n".join([*lines, f"    return {text} + np.sum(z * y) + np.sum(M)"])]
    ).loss
    rng = np.random.default_rng(len(text))
    args = (rng.uniform(0.35, 1.65, size=6), rng.uniform(0.5, 1.5, size=6))
    value, gradients = symgrad.value_and_grad(function, argnums=(0, 1))(*args)
    assert value == function(*args)
    check_gradient(function, gradients, args, (0, 1))


@pytest.fixture(scope="module")
def functions(tmp_path_factory) -> Any:
    texts = ["IDX = np.array([0, 2, 2, 1])", *(source(*chosen) for chosen in CHOSEN)]
    return module_of(tmp_path_factory.mktemp("compositions") / "compositions.py", texts)


@pytest.mark.parametrize(("number", "inner", "outer"), CHOSEN, ids=[f"{i} then {o}" for _, i, o in CHOSEN])
def test_composition(number: int, inner: str, outer: str, functions: Any) -> None:
    rng = np.random.default_rng(number)
    args = (rng.uniform(0.35, 1.65, size=6), rng.uniform(0.5, 1.5, size=6), rng.normal(size=64))
    function = getattr(functions, f"f{number}")
    try:
        with np.errstate(all="ignore"):
            expected = function(*args)
    except (IndexError, ValueError):
        pytest.skip("the shapes do not fit")
    if np.isnan(expected):
        pytest.skip("a root of a negative number")
    value, gradients = symgrad.value_and_grad(function, argnums=(0, 1))(*args)
    assert value == expected
    check_gradient(function, gradients, args, (0, 1))
