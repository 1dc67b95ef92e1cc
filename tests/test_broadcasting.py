"""Broadcasting: every binary operator and function, every pair of shapes, both operands, against the complex step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from differences import check_close, check_like, complex_step, module_of

import symgrad

SHAPES = [(), (3,), (1, 3), (4, 1), (4, 3), (2, 4, 3), (1, 1), (2, 1, 3), (1,), "float"]
PAIRS = list(itertools.product(SHAPES, SHAPES))


def wrapped(x: Any, y: Any, rounding: Callable[..., Any]) -> Any:
    return x - rounding(np.real(x) / np.real(y)) * y


OPERATORS: dict[str, Callable[..., Any]] = {
    "{} + {}": lambda x, y: x + y,
    "{} - {}": lambda x, y: x - y,
    "{} * {}": lambda x, y: x * y,
    "{} / {}": lambda x, y: x / y,
    "{} ** {}": lambda x, y: x**y,
    "{} % {}": lambda x, y: wrapped(x, y, np.floor),
    "np.maximum({}, {})": lambda x, y: np.where(np.real(x) > np.real(y), x, y),
    "np.minimum({}, {})": lambda x, y: np.where(np.real(x) < np.real(y), x, y),
    "np.fmax({}, {})": lambda x, y: np.where(np.real(x) > np.real(y), x, y),
    "np.fmin({}, {})": lambda x, y: np.where(np.real(x) < np.real(y), x, y),
    "np.hypot({}, {})": lambda x, y: np.sqrt(x * x + y * y),
    "np.arctan2({}, {})": lambda x, y: np.arctan(x / y),
    "np.logaddexp({}, {})": lambda x, y: np.log(np.exp(x) + np.exp(y)),
    "np.logaddexp2({}, {})": lambda x, y: np.log2(2**x + 2**y),
    "np.fmod({}, {})": lambda x, y: wrapped(x, y, np.trunc),
    "np.copysign({}, {})": lambda x, y: x * np.sign(np.real(y)) + 0 * y,
    "np.float_power({}, {})": lambda x, y: x**y,
    "np.heaviside({}, {})": lambda x, y: 1 + 0 * x + 0 * y,
}
"""How a function is written, and what it is for positive numbers, complex ones too."""
SPELLED_AGAIN: dict[str, Callable[..., Any]] = {
    "np.add({}, {})": lambda x, y: x + y,
    "np.subtract({}, {})": lambda x, y: x - y,
    "np.multiply({}, {})": lambda x, y: x * y,
    "np.divide({}, {})": lambda x, y: x / y,
    "np.power({}, {})": lambda x, y: x**y,
    "np.mod({}, {})": lambda x, y: wrapped(x, y, np.floor),
}
REDUCED: dict[str, Callable[..., Any]] = {
    "x.sum(axis={}, keepdims=True)": lambda x, axis: x.sum(axis=axis, keepdims=True),
    "x.mean(axis={}, keepdims=True)": lambda x, axis: x.mean(axis=axis, keepdims=True),
    "x.max(axis={}, keepdims=True)": lambda x, axis: x.max(axis=axis, keepdims=True),
    "np.min(x, axis={}, keepdims=True)": lambda x, axis: x.min(axis=axis, keepdims=True),
    "np.prod(x, axis={}, keepdims=True)": lambda x, axis: x.prod(axis=axis, keepdims=True),
    "np.std(x, axis={}, keepdims=True)": lambda x, axis: np.sqrt(
        ((x - x.mean(axis=axis, keepdims=True)) ** 2).mean(axis=axis, keepdims=True)
    ),
    "np.linalg.norm(x, axis={}, keepdims=True)": lambda x, axis: np.sqrt((x * x).sum(axis=axis, keepdims=True)),
}
REDUCED_WITH = {
    "x - {}": lambda x, y, r: x - r,
    "x / {}": lambda x, y, r: x / r,
    "y * {}": lambda x, y, r: y * r,
    "np.maximum(y, {})": lambda x, y, r: np.where(np.real(y) > np.real(r), y, r),
}
AXES = [((4, 3), 0), ((4, 3), 1), ((4, 3), None), ((4, 1), 0), ((4, 1), 1), ((1, 3), 0), ((2, 4, 3), (0, 2)), ((3,), 0)]
LOSS = "def {}({}):\n    return np.sum(np.sin({}) * w)\n"


def array(rng: np.random.Generator, shape: Any) -> Any:
    """Positive, all different, and nowhere near a kink."""
    if shape == "float":
        return float(rng.uniform(0.6, 2.6))
    return np.asarray(rng.uniform(0.6, 2.6, size=shape))


def check(function: Callable[..., Any], twin: Callable[..., Any], args: tuple[Any, ...], wrt: tuple[int, ...]) -> None:
    """Gradients of the form of the arguments, equal to those of the twin; the value is the function's own."""
    value, gradients = symgrad.value_and_grad(function, argnums=wrt)(*args)
    assert value == function(*args)
    for gradient, position in zip(gradients, wrt, strict=True):
        check_like(gradient, args[position])
        check_close(gradient, complex_step(twin, args, position), 1e-12)


ALL = {**OPERATORS, **SPELLED_AGAIN}
CALLS = list(ALL)


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> Any:
    sources = [LOSS.format(f"f{k}", "x, y, w", call.format("x", "y")) for k, call in enumerate(CALLS)]
    return module_of(tmp_path_factory.mktemp("broadcasting") / "binary_calls.py", sources)


RELATED = ("fm", "logaddexp2", "copysign", "float_power", "heaviside", "minimum")
"""Functions whose rows are like those of others: half of the pairs will do."""
PROBE = [
    (call, pair)
    for call in OPERATORS
    for number, pair in enumerate(PAIRS)
    if number % 2 or not any(name in call for name in RELATED)
]
PROBE += [(call, pair) for k, call in enumerate(SPELLED_AGAIN) for pair in PAIRS[k :: len(SPELLED_AGAIN)]]


@pytest.mark.parametrize(("call", "shapes"), PROBE, ids=str)
def test_pairs_of_shapes(call: str, shapes: tuple[Any, Any], calls: Any) -> None:
    rng = np.random.default_rng(len(call))
    x, y = (array(rng, shape) for shape in shapes)
    w = rng.normal(size=np.broadcast_shapes(np.shape(x), np.shape(y)))
    check(
        getattr(calls, f"f{CALLS.index(call)}"), lambda x, y, w: np.sum(np.sin(ALL[call](x, y)) * w), (x, y, w), (0, 1)
    )


@pytest.mark.parametrize(("number", "shapes"), enumerate(PAIRS), ids=str)
def test_choice_between_arrays(number: int, shapes: tuple[Any, Any]) -> None:
    def loss(c, x, y, w):
        return np.sum(np.sin(np.where(c, x, y)) * w)

    def compared(c, x, y, w):
        return np.sum(np.sin(np.where(x > y, x * c, y)) * w)

    rng = np.random.default_rng(number)
    shape = SHAPES[number % 9]
    x, y = (array(rng, shape) for shape in shapes)
    w = rng.normal(size=np.broadcast_shapes(shape, np.shape(x), np.shape(y)))
    check(loss, loss, (np.asarray(rng.uniform(size=shape) < 0.5), x, y, w), (1, 2))

    def twin(c, x, y, w):
        return np.sum(np.sin(np.where(np.real(x) > np.real(y), x * c, y)) * w)

    check(compared, twin, (array(rng, shape), x, y, w), (0, 1, 2))


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_an_operand_used_twice(shapes: tuple[Any, Any]) -> None:
    def loss(x, y, w):
        z = x * y + x
        return np.sum((z - x) / (z + y) * w)

    rng = np.random.default_rng(1)
    x, y = (array(rng, shape) for shape in shapes)
    w = rng.normal(size=np.broadcast_shapes(np.shape(x), np.shape(y)))
    check(loss, loss, (x, y, w), (0, 1, 2))


def is_one_number(inner: str, shape: tuple[int, ...], axis: Any) -> bool:
    """Whether the deviation is that of one number, which is 0."""
    return "std" in inner and axis is not None and np.zeros(shape).sum(axis=axis).size == np.prod(shape)


WITH_REDUCTION = [
    (outer, inner, shape, axis)
    for outer, inner, (shape, axis) in itertools.product(REDUCED_WITH, REDUCED, AXES)
    if not is_one_number(inner, shape, axis)
]


@pytest.fixture(scope="module")
def reductions(tmp_path_factory) -> Any:
    sources = [
        LOSS.format(f"f{k}", "x, y, w", outer.format(inner.format(axis)))
        for k, (outer, inner, _, axis) in enumerate(WITH_REDUCTION)
    ]
    return module_of(tmp_path_factory.mktemp("reductions") / "reduced_operands.py", sources)


@pytest.mark.parametrize("number", range(len(WITH_REDUCTION)))
def test_reduction_as_operand(number: int, reductions: Any) -> None:
    outer, inner, shape, axis = WITH_REDUCTION[number]

    def twin(x, y, w):
        return np.sum(np.sin(REDUCED_WITH[outer](x, y, REDUCED[inner](x, axis))) * w)

    rng = np.random.default_rng(number)
    x, y = array(rng, shape), array(rng, shape if number % 2 else shape[-1:])
    w = rng.normal(size=np.shape(twin(x, y, 1.0)) or np.broadcast_shapes(shape))
    check(getattr(reductions, f"f{number}"), twin, (x, y, w), (0, 1))
