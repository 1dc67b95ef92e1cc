"""The problems that are raced: a loss and its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A loss of ``losses.py`` with arguments; ``argnums`` as ``symgrad.grad`` takes them."""

    title: str
    loss: str
    argnums: int | tuple[int, ...]
    args: tuple


def problems() -> list[Problem]:
    rng = np.random.default_rng(0)
    return [
        softmax(rng, 100),
        softmax(rng, 10_000),
        Problem("logistic regression, 1000 x 100", "logistic", 0, logistic_args(rng, 1000, 100)),
        Problem("MLP 784-256-128-64-32-10, batch 100", "mlp", 0, mlp_args(rng, (784, 256, 128, 64, 32, 10), 100)),
        Problem("recurrent network, 20 steps, hidden 64", "recurrent", (0, 1, 2), recurrent_args(rng, 20, 32, 64)),
        Problem("recurrent network, 200 steps, hidden 64", "recurrent", (0, 1, 2), recurrent_args(rng, 200, 32, 64)),
        Problem("Himmelblau, two floats", "himmelblau", (0, 1), (1.5, -0.7)),
        Problem("Himmelblau, a 2-vector", "himmelblau_vector", 0, (np.array([1.5, -0.7]),)),
    ]


def softmax(rng: np.random.Generator, rows: int) -> Problem:
    W, b = 0.1 * rng.normal(size=(784, 10)), rng.normal(size=10)
    args = W, b, rng.random((rows, 784)), one_hot(rng, rows, 10)
    return Problem(f"softmax regression, {rows} x 784 x 10", "softmax", (0, 1), args)


def logistic_args(rng: np.random.Generator, rows: int, columns: int) -> tuple:
    labels = rng.integers(0, 2, rows).astype(float)
    return 0.1 * rng.normal(size=columns), rng.normal(size=(rows, columns)), labels


def recurrent_args(rng: np.random.Generator, steps: int, inputs: int, hidden: int) -> tuple:
    Wx, Wh = rng.normal(size=(inputs, hidden)) / np.sqrt(inputs), rng.normal(size=(hidden, hidden)) / np.sqrt(hidden)
    return Wx, Wh, 0.1 * rng.normal(size=hidden), rng.normal(size=(steps, inputs)), rng.normal(size=hidden)


def mlp_args(rng: np.random.Generator, widths: tuple[int, ...], rows: int) -> tuple:
    params = [
        (rng.normal(size=(inner, outer)) * np.sqrt(2 / inner), 0.1 * rng.normal(size=outer))
        for inner, outer in pairwise(widths)
    ]
    return params, rng.random((rows, widths[0])), one_hot(rng, rows, widths[-1])


def one_hot(rng: np.random.Generator, rows: int, classes: int) -> np.ndarray:
    return np.eye(classes)[rng.integers(0, classes, rows)]
