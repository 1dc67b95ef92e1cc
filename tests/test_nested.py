"""Derivatives of derivatives: repeated, inside of functions that are differentiated, forward and in reverse."""

# ruff: noqa: T201

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy
from differences import check_close, check_direction, check_like, differences, normal, shifted

import symgrad
from symgrad import DifferentiationError, SymgradError

X = sympy.Symbol("x")


def known(number: int, reason: str, *values: Any) -> Any:
    """Values of a test that fails for a reason that is known; the number is the finding's."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=f"D{number}: {reason}"))


def fails(number: int, reason: str) -> Any:
    return pytest.mark.xfail(strict=True, reason=f"D{number}: {reason}")


def repeated(transform: Callable, function: Callable, order: int) -> Callable:
    for _ in range(order):
        function = transform(function)
    return function


def leaves(item: Any) -> list[Any]:
    """Numbers and arrays of nested containers, in order."""
    if isinstance(item, dict):
        return [leaf for child in item.values() for leaf in leaves(child)]
    if isinstance(item, tuple | list):
        return [leaf for child in item for leaf in leaves(child)]
    return leaves(vars(item)) if hasattr(item, "__dataclass_fields__") else [item]


def inner(first: Any, second: Any) -> float:
    """The inner product of two containers of one structure."""
    ones, others = leaves(first), leaves(second)
    for one, other in zip(ones, others, strict=True):
        assert np.shape(one) == np.shape(other), (np.shape(one), np.shape(other))
    return float(sum(np.sum(np.asarray(one, float) * other) for one, other in zip(ones, others, strict=True)))


def check_gradient(function: Callable, gradients: Any, args: tuple, wrt: Any) -> None:
    """Gradients have the form of their arguments, and are what differences of the function give."""
    for gradient, position in zip(gradients, wrt, strict=True):
        check_like(gradient, args[position])
        check_close(gradient, differences(function, args, position), 1e-8)


# Repeated: (formula for SymPy, the same in NumPy, a place)


SCALARS = {
    "polynomial": (X**5 - 3 * X**2 + 2, lambda x: x**5 - 3 * x**2 + 2, 0.7),
    "powers": (X ** sympy.Rational(5, 2) + X**-2, lambda x: x**2.5 + x**-2, 1.3),
    "product": (X**3 * sympy.sin(X), lambda x: x**3 * np.sin(x), 0.4),
    "quotient": ((X + 1) / (X**2 + 2), lambda x: (x + 1) / (x**2 + 2), -0.6),
    "exponential": (sympy.exp(-(X**2)), lambda x: np.exp(-(x**2)), 0.9),
    "logarithm": (sympy.log(1 + X**2), lambda x: np.log(1 + x**2), 0.8),
    "log1p": (sympy.log(1 + X**3), lambda x: np.log1p(x**3), 0.8),
    "root": (sympy.sqrt(2 + sympy.sin(X)), lambda x: np.sqrt(2 + np.sin(x)), 1.1),
    "sigmoid": (1 / (1 + sympy.exp(-X)), lambda x: 1 / (1 + np.exp(-x)), 0.3),
    "tanh": (X * sympy.tanh(X), lambda x: x * np.tanh(x), 0.5),
    "sinh": (sympy.sinh(X) * sympy.cosh(X), lambda x: np.sinh(x) * np.cosh(x), 0.5),
    "tan": (sympy.tan(2 * X), lambda x: np.tan(2 * x), 0.4),
    "arctan": (sympy.atan(1 / X), lambda x: np.arctan(1 / x), 0.4),
    "arcsin": (sympy.asin(X**2), lambda x: np.arcsin(x**2), 0.4),
    "arctan2": (sympy.atan2(X, 2 - X), lambda x: np.arctan2(x, 2 - x), 0.4),
    "logaddexp": (sympy.log(1 + sympy.exp(2 * X)), lambda x: np.logaddexp(0.0, 2 * x), 0.4),
    "exponent": (X**X, lambda x: x**x, 1.4),
    "base": (2**X, lambda x: 2.0**x, 0.4),
    "composed": (sympy.exp(sympy.sin(X)) / (1 + X**2), lambda x: np.exp(np.sin(x)) / (1 + x**2), 0.7),
    "nested": (sympy.sin(sympy.cos(sympy.sin(X))), lambda x: np.sin(np.cos(np.sin(x))), 0.7),
    "linear": (2 * X + 1, lambda x: 2 * x + 1, 0.7),
    "magnitude": (X**3, lambda x: np.abs(x) ** 3, 0.7),
}


def sympy_derivative(formula: sympy.Expr, order: int, place: float) -> float:
    return float(sympy.diff(formula, X, order).subs(X, sympy.Float(place, 30)))


@pytest.mark.parametrize("name", SCALARS)
def test_repeated_gradient(name: str) -> None:
    """Orders 1 to 4 are SymPy's."""
    formula, function, place = SCALARS[name]
    found = [repeated(symgrad.grad, function, order)(place) for order in range(1, 5)]
    assert all(type(value) is float for value in found)
    expected = [sympy_derivative(formula, order, place) for order in range(1, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SCALARS)
def test_repeated_elementwise(name: str) -> None:
    """Orders 1 to 3 of an array, element by element, are SymPy's."""
    formula, function, place = SCALARS[name]
    x = place + np.array([[0.0, 0.05, -0.03]])
    for order in (1, 2, 3):
        found = repeated(symgrad.elementwise_grad, function, order)(x)
        expected = [[sympy_derivative(formula, order, float(each)) for each in x[0]]]
        assert found.shape == x.shape
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def iterated(x):
    """A loop: ``sin`` of itself, three times."""
    for _ in range(3):
        x = np.sin(x) + 0.1 * x
    return x


def until_small(x):
    while x > 0.5:
        x = x * x * 0.9
    return np.exp(x)


def one_side(x):
    if x > 0:
        return np.sin(x) * x**2
    return x**5


def in_place(x):
    v = np.zeros(3)
    v[0] = x
    v[1:] += x**2
    v *= np.sin(x)
    return np.sum(v**2)


def accumulated(x):
    total = 0.0
    for k in range(1, 5):
        total += x**k / k
    return total**2


def from_list(x):
    powers = [x]
    for k in range(3):
        powers.append(powers[k] * np.cos(k * x))
    return sum(powers)


REPEATED_PROGRAMS = [
    (iterated, 0.7),
    (until_small, 0.95),
    (one_side, 0.7),
    (one_side, -0.7),
    (in_place, 0.6),
    (accumulated, 0.6),
    (from_list, 0.4),
]


@pytest.mark.parametrize(("function", "place"), REPEATED_PROGRAMS)
def test_repeated_program(function: Callable, place: float) -> None:
    """Each order of a program with loops, branches and updates is the derivative of the order below."""
    below = function
    for _ in range(3):
        above = symgrad.grad(below)
        check_gradient(below, [above(place)], (place,), [0])
        below = above


def test_mixed_arguments() -> None:
    """Derivatives by different arguments commute."""

    def f(x, y):
        return np.sin(x * y) + x**2 * y**3

    one = symgrad.grad(symgrad.grad(f, "x"), "y")(0.4, 0.7)
    other = symgrad.grad(symgrad.grad(f, "y"), "x")(0.4, 0.7)
    expected = np.cos(0.28) - 0.28 * np.sin(0.28) + 6 * 0.4 * 0.7**2
    np.testing.assert_allclose([one, other], expected, rtol=1e-12)


def test_gradient_of_gradient_entry() -> None:
    """A row of the Hessian is the gradient of an entry of the gradient."""

    def f(x):
        return np.sum(np.exp(x) * np.sin(x[::-1]))

    gradient = symgrad.grad(f)
    x = normal(3)
    rows = [symgrad.grad(lambda x, k=k: gradient(x)[k])(x) for k in range(3)]
    np.testing.assert_allclose(rows, np.transpose(rows), rtol=1e-12)
    for k in range(3):
        check_gradient(lambda x, k=k: gradient(x)[k], [rows[k]], (x,), [0])


def test_value_and_grad_of_grad() -> None:
    value, slope = symgrad.value_and_grad(symgrad.grad(lambda x: x**4))(2.0)
    assert (value, slope) == (32.0, 48.0)


def test_grad_of_value_and_grad() -> None:
    """Of the pair, the value is differentiated; the gradient rides along."""
    slope, gradient = symgrad.grad(symgrad.value_and_grad(lambda x: x**4), has_aux=True)(2.0)
    assert (slope, gradient) == (32.0, 32.0)


def test_single_precision_is_kept() -> None:
    x = normal(4, dtype=np.float32)
    found = symgrad.grad(lambda x: np.sum(symgrad.grad(lambda y: np.sum(np.sin(y) ** 2))(x) ** 2))(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 4 * np.sin(2 * x) * np.cos(2 * x), rtol=1e-5, atol=1e-5)


# Forward and in reverse: array functions with their arguments


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray


@dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray


def dense(W, b, x):
    return np.tanh(x @ W + b)


def recurrent(W, h, xs):
    for x in xs:
        h = np.tanh(h @ W + x)
    return h


def states(W, h, xs):
    found = np.zeros((len(xs), len(h)))
    for t in range(len(xs)):
        h = np.tanh(h @ W + xs[t])
        found[t] = h
    return found


def scan(W, h, xs):
    kept = []
    for x in xs:
        h = np.tanh(h @ W + x)
        kept.append(h)
    return kept


def halving(x):
    while np.sum(x**2) > 0.3:
        x = x * np.cos(x) / 2
    return x


def chosen(x, y):
    if np.sum(x) > 0:
        return x * y
    return np.sin(x) - y


def selected(x):
    return np.where(x > 0, x**2, np.sin(x))


def sliced(x):
    return x[1:, ::2] * x[:-1, ::2] - x[0, -1]


def gathered(x):
    return x[np.array([2, 0, 2])] ** 2


def updated(x, y):
    z = x.copy()
    z[1:] += y[:-1] ** 2
    z[0] *= z[2]
    z -= y
    return z


def of_dict(params):
    return {"out": params["W"] @ params["b"], "norms": [np.sum(params["b"] ** 2), np.exp(params["W"])]}


def of_pair(pair):
    return Pair(pair.first * pair.second, np.outer(pair.first, pair.second))


def of_layer(layer, x):
    return Layer(layer.W * x, np.sin(layer.b) @ layer.W)


def of_lists(layers, x):
    for W, b in layers:
        x = np.tanh(x @ W + b)
    return x, [np.sum(W * W) for W, _ in layers]


def one_number(x):
    return np.sum(np.sin(x) ** 2)


def two_numbers(x, y):
    return x * y**2, np.exp(x - y)


def solved(A, b):
    return np.linalg.solve(A, b)


def normalised(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def contracted(A, B):
    return np.einsum("ij,kj->ki", A, B) + A.sum(axis=1)


def joined(x, y):
    return np.concatenate([x, y[::-1]]) * np.append(y, x)


SQUARE = normal(3, 3) * 0.4

ARRAY_FUNCTIONS: list[Any] = [
    (dense, (normal(3, 2), normal(2), normal(4, 3))),
    (recurrent, (SQUARE, normal(3), normal(4, 3))),
    (states, (SQUARE, normal(3), normal(4, 3))),
    (scan, (SQUARE, normal(3), normal(4, 3))),
    (halving, (normal(5),)),
    (chosen, (np.abs(normal(3)), normal(3) + 1)),
    (chosen, (-np.abs(normal(3)), normal(3) + 1)),
    (selected, (normal(4, 3),)),
    (sliced, (normal(3, 4),)),
    (gathered, (normal(4, 2),)),
    (updated, (normal(3), normal(3) * 2)),
    (of_dict, ({"W": normal(2, 3), "b": normal(3)},)),
    (of_pair, (Pair(normal(3), normal(3) + 1),)),
    (of_layer, (Layer(normal(2, 2), normal(2)), 1.5)),
    (of_lists, ([(normal(2, 3), normal(3)), (normal(3, 2), normal(2))], normal(4, 2))),
    (one_number, (normal(3),)),
    (two_numbers, (0.4, 0.7)),
    (solved, (SQUARE + 2 * np.eye(3), normal(3))),
    (normalised, (normal(3, 4),)),
    (contracted, (normal(2, 3), normal(2, 3) + 1)),
    (joined, (normal(3), normal(3) - 1)),
]


def like(item: Any, rng: np.random.Generator) -> Any:
    """A container of the same structure with random numbers."""
    if isinstance(item, dict):
        return {key: like(child, rng) for key, child in item.items()}
    if hasattr(item, "_fields"):
        return type(item)(*(like(child, rng) for child in item))
    if isinstance(item, tuple | list):
        return type(item)(like(child, rng) for child in item)
    if hasattr(item, "__dataclass_fields__"):
        return type(item)(*(like(child, rng) for child in vars(item).values()))
    found = rng.normal(size=np.shape(item))
    return float(found) if isinstance(item, float) else found.astype(item.dtype)


def moved(item: Any, tangent: Any, step: float) -> Any:
    """A container moved along a tangent."""
    if isinstance(item, dict):
        return {key: moved(child, tangent[key], step) for key, child in item.items()}
    if hasattr(item, "__dataclass_fields__"):
        return type(item)(*(moved(getattr(item, n), getattr(tangent, n), step) for n in item.__dataclass_fields__))
    if isinstance(item, tuple | list):
        children = [moved(child, along, step) for child, along in zip(item, tangent, strict=True)]
        return type(item)(*children) if hasattr(item, "_fields") else type(item)(children)
    return shifted(item, np.asarray(tangent) * step)


def along(function: Callable, primals: tuple, tangents: tuple) -> list[np.ndarray]:
    """The derivative along tangents from extrapolated differences, for each leaf of the result."""

    def central(h: float) -> list[np.ndarray]:
        above, below = (leaves(function(*moved(primals, tangents, sign * h))) for sign in (1, -1))
        return [(np.asarray(a) - b) / (2 * h) for a, b in zip(above, below, strict=True)]

    return [(4 * fine - coarse) / 3 for coarse, fine in zip(central(1e-3), central(5e-4), strict=True)]


@pytest.mark.parametrize(("function", "primals"), ARRAY_FUNCTIONS)
def test_forward(function: Callable, primals: tuple) -> None:
    """``jvp`` is the derivative along the tangents, and the value is the function's."""
    tangents = like(primals, np.random.default_rng(1))
    value, tangent = symgrad.jvp(function, primals, tangents)
    plain = function(*primals)
    assert type(tangent) is type(value) is type(plain)
    for found, wanted in zip(leaves(value), leaves(plain), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted, one in zip(leaves(tangent), along(function, primals, tangents), leaves(plain), strict=True):
        assert np.shape(found) == np.shape(one)
        check_close(found, wanted, 1e-8)


@pytest.mark.parametrize(("function", "primals"), ARRAY_FUNCTIONS)
def test_reverse_is_the_transpose(function: Callable, primals: tuple) -> None:
    """``<u, J v> = <J' u, v>``, and a gradient has the structure of its primal."""
    rng = np.random.default_rng(2)
    tangents = like(primals, rng)
    value, pullback = symgrad.vjp(function, *primals)
    cotangent = like(value, rng)
    gradients = pullback(cotangent)
    assert isinstance(gradients, tuple)
    assert [type(gradient) for gradient in gradients] == [type(primal) for primal in primals]
    _, tangent = symgrad.jvp(function, primals, tangents)
    assert inner(cotangent, tangent) == pytest.approx(inner(gradients, tangents), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize(
    ("function", "primals"),
    [
        (dense, (normal(3, 2), normal(2), normal(4, 3))),
        (recurrent, (SQUARE, normal(3), normal(4, 3))),
        known(5, "a gradient of float64", states, (SQUARE, normal(3), normal(4, 3))),
        (selected, (normal(4, 3),)),
        (updated, (normal(3), normal(3) * 2)),
        (normalised, (normal(3, 4),)),
    ],
)
def test_single_precision_both_ways(function: Callable, primals: tuple) -> None:
    single = tuple(primal.astype(np.float32) for primal in primals)
    tangents = like(single, np.random.default_rng(3))
    value, pullback = symgrad.vjp(function, *single)
    cotangent = like(value, np.random.default_rng(4))
    gradients, (again, tangent) = pullback(cotangent), symgrad.jvp(function, single, tangents)
    assert [gradient.dtype for gradient in gradients] == [np.float32] * len(single)
    assert [leaf.dtype for leaf in leaves(tangent)] == [leaf.dtype for leaf in leaves(value)]
    np.testing.assert_array_equal(leaves(again), leaves(value))
    assert inner(cotangent, tangent) == pytest.approx(inner(gradients, tangents), rel=1e-4, abs=1e-4)


SCALAR_FUNCTIONS = [
    (lambda x: np.sum(np.sin(x) * x[::-1] ** 2), normal(4)),
    (lambda W: np.sum(np.tanh(normal(3, 2) @ W) ** 2), normal(2, 3)),
    (lambda x: np.log(np.sum(np.exp(x))), normal(5)),
    (lambda x: np.sum(halving(x) ** 2), normal(5)),
    (lambda x: np.sum(updated(x, x**2)), normal(3)),
    (lambda x: np.sum(selected(x)), normal(3, 2)),
    (lambda A: np.log(np.linalg.det(A @ A.T + np.eye(3))), normal(3, 3)),
]


@pytest.mark.parametrize(("function", "x"), SCALAR_FUNCTIONS)
def test_hessian_vector_product(function: Callable, x: np.ndarray) -> None:
    """The three ways to it agree: ``hvp``, ``jvp`` of the gradient, and the gradient of the gradient's product."""
    v = like(x, np.random.default_rng(5))
    gradient = symgrad.grad(function)
    expected = along(gradient, (x,), (v,))[0]
    check_close(symgrad.hvp(function)(x, v), expected, 1e-8)
    check_close(symgrad.jvp(gradient, (x,), (v,))[1], expected, 1e-8)
    check_close(symgrad.vjp(gradient, x)[1](v)[0], expected, 1e-8)
    check_close(symgrad.grad(lambda x: np.sum(gradient(x) * v))(x), expected, 1e-8)


def test_pullback_twice() -> None:
    """A pullback takes any number of cotangents, and is linear in them."""
    W, x = normal(3, 2), normal(3)
    _, pullback = symgrad.vjp(lambda W, x: np.tanh(x @ W), W, x)
    u, v = normal(2), normal(2) + 1
    for both, one, other in zip(pullback(u + 2 * v), pullback(u), pullback(v), strict=True):
        np.testing.assert_allclose(both, one + 2 * other, rtol=1e-12)


def test_gradient_of_jvp() -> None:
    """Forward over reverse and reverse over forward."""

    def f(x):
        return x * np.sin(x[::-1])

    def loss(x, v):
        return np.sum(symgrad.jvp(f, (x,), (v,))[1] ** 2)

    x, v = normal(4), normal(4)[::-1].copy()
    check_gradient(loss, symgrad.grad(loss, (0, 1))(x, v), (x, v), (0, 1))


def test_gradient_of_vjp() -> None:
    def f(x, y):
        return x * np.sin(y[::-1])

    def loss(x, y):
        value, pullback = symgrad.vjp(f, x, y)
        dx, dy = pullback(value**2)
        return np.sum(dx * dy) + np.sum(value)

    x, y = normal(4), normal(4)[::-1].copy()
    check_gradient(loss, symgrad.grad(loss, (0, 1))(x, y), (x, y), (0, 1))


def test_jvp_of_jvp() -> None:
    def f(x):
        return np.sin(x) * x

    def first(x):
        return symgrad.jvp(f, (x,), (np.ones(3),))[1]

    x = normal(3)
    _, second = symgrad.jvp(first, (x,), (np.ones(3),))
    np.testing.assert_allclose(second, 2 * np.cos(x) - x * np.sin(x), rtol=1e-12)


# Gradients inside of a loss


def critic(x, params):
    W, V = params
    return np.sum(np.tanh(x @ W) @ V)


def penalty(params, x):
    """A gradient penalty: the slope of the critic should be one."""
    slopes = symgrad.grad(critic, 0)(x, params)
    return np.mean((np.sqrt(np.sum(slopes**2, axis=1)) - 1) ** 2)


def test_gradient_penalty() -> None:
    params, x = (normal(2, 4), normal(4, 1)), normal(5, 2)

    def by_parts(W, V, x):
        return penalty((W, V), x)

    dW, dV = symgrad.grad(penalty)(params, x)
    check_gradient(by_parts, (dW, dV), (*params, x), (0, 1))


def leaky_critic(x, params):
    for W in params[:-1]:
        h = x @ W
        x = np.where(h > 0, h, 0.2 * h)
    return np.sum(x @ params[-1])


def test_penalty_of_a_piecewise_linear_critic() -> None:
    """Leaky units have no second derivatives of their own; the products of the weights do."""

    def loss(first, second, third, x):
        slopes = symgrad.grad(leaky_critic)(x, [first, second, third])
        return np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)

    args = normal(2, 4), normal(4, 3), normal(3, 1), normal(5, 2)
    check_gradient(loss, symgrad.grad(loss, (0, 1, 2))(*args), args, (0, 1, 2))


def squared(w, x, y):
    return np.mean((np.tanh(x @ w) - y) ** 2)


def unrolled(rate, w, x, y):
    """The loss after three steps of gradient descent."""
    for _ in range(3):
        w = w - rate * symgrad.grad(squared)(w, x, y)
    return squared(w, x, y)


def test_unrolled_training() -> None:
    args = 0.3, normal(3), normal(5, 3), normal(5)
    check_gradient(unrolled, symgrad.grad(unrolled, (0, 1, 2))(*args), args, (0, 1, 2))


def test_unrolled_training_of_many_rounds() -> None:
    """A number of rounds that is known at run time only."""

    def trained(rate, w, x, y, steps):
        for _ in range(len(steps)):
            w = w - rate * symgrad.grad(squared)(w, x, y)
        return squared(w, x, y)

    args = 0.2, normal(3), normal(5, 3), normal(5), np.zeros(70)
    check_gradient(trained, symgrad.grad(trained, (0, 1))(*args), args, (0, 1))


def test_unrolled_momentum_of_a_dict() -> None:
    def cost(params, x):
        return np.sum((params["w"] * x + params["b"]) ** 2)

    def trained(w, b, x):
        params, speed = {"w": w, "b": b}, {"w": np.zeros(3), "b": np.zeros(3)}
        for _ in range(2):
            slopes = symgrad.grad(cost)(params, x)
            speed = {name: 0.9 * speed[name] - 0.1 * slopes[name] for name in params}
            params = {name: params[name] + speed[name] for name in params}
        return cost(params, x)

    args = normal(3), normal(3) + 1, normal(3) - 1
    check_gradient(trained, symgrad.grad(trained, (0, 1, 2))(*args), args, (0, 1, 2))


def test_only_the_partial_derivative_counts() -> None:
    """``d/dy (x y²)`` is ``2 x y``, although ``y`` is ``x`` here, and ``x`` is captured."""

    def loss(x):
        def product(y):
            return x * y**2

        return symgrad.grad(product)(x)

    assert loss(3.0) == 18.0
    assert symgrad.grad(loss)(3.0) == 12.0
    assert symgrad.grad(symgrad.grad(loss))(3.0) == 4.0


def test_perturbations_are_not_confused() -> None:
    """Siskind and Pearlmutter's example: ``d/dx (x d/dy (x + y))`` is one."""

    def loss(x):
        return x * symgrad.grad(lambda y: x + y)(1.0)

    assert symgrad.grad(loss)(1.0) == 1.0


def test_captured_array_changed_later() -> None:
    def loss(x):
        scale = x.copy()

        def product(y):
            return np.sum(scale * y**2)

        first = symgrad.grad(product)(x)
        scale *= 2
        return np.sum(first * symgrad.grad(product)(x))

    x = normal(3)
    np.testing.assert_allclose(loss(x), np.sum(8 * x**4), rtol=1e-12)
    np.testing.assert_allclose(symgrad.grad(loss)(x), 32 * x**3, rtol=1e-12)


def test_intermediate_value_as_argument() -> None:
    """The chain rule goes through the argument of the inner gradient."""

    def loss(x):
        z = np.sin(x)
        slope = symgrad.grad(lambda y: np.sum(y**3))(z)
        return np.sum(slope * z)

    x = normal(4)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


def test_gradient_of_gradient_inside() -> None:
    def loss(x):
        curvature = symgrad.grad(symgrad.grad(lambda y: y**5))
        return curvature(x) + x

    np.testing.assert_allclose(symgrad.grad(loss)(0.7), 60 * 0.7**2 + 1, rtol=1e-12)


def test_hvp_inside() -> None:
    def loss(x, v):
        return np.sum(symgrad.hvp(lambda y: np.sum(np.sin(y) * y[::-1]))(x, v) * x)

    args = normal(4), normal(4)[::-1].copy()
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_elementwise_inside() -> None:
    """A differential equation as a loss: ``u'' + u = 0``."""

    def u(x, w):
        return w[0] * np.sin(w[1] * x) + w[2]

    def residual(w, x):
        slope = symgrad.elementwise_grad(u)
        return np.mean((symgrad.elementwise_grad(slope)(x, w) + u(x, w)) ** 2)

    args = normal(3), normal(6)
    check_gradient(residual, symgrad.grad(residual, (0, 1))(*args), args, (0, 1))


def test_value_and_grad_inside() -> None:
    def loss(w, x):
        value, slope = symgrad.value_and_grad(lambda x: np.sum(np.sin(w * x)))(x)
        return value * np.sum(slope)

    args = normal(3), normal(3) + 1
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_aux_inside() -> None:
    def with_aux(x, w):
        hidden = np.tanh(x * w)
        return np.sum(hidden**2), hidden

    def loss(w, x):
        slope, hidden = symgrad.grad(with_aux, has_aux=True)(x, w)
        (value, again), both = symgrad.value_and_grad(with_aux, argnums=(0, 1), has_aux=True)(x, w)
        return np.sum(slope * hidden) + value * np.sum(again) + np.sum(both[0] * both[1])

    args = normal(3), normal(3) + 1
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


@pytest.mark.parametrize("argnums", ["w", 1, -1, ["w"], ("x", "w"), [1, 0]])
def test_argnums_inside(argnums: Any) -> None:
    def energy(x, w):
        return np.sum(x * w**2)

    def loss(x, w):
        found = symgrad.grad(energy, argnums)(x, w)
        if isinstance(found, tuple):
            return sum(np.sum(each**2) for each in found)
        return np.sum(found**2)

    args = normal(3), normal(3) + 1
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_positions_inside() -> None:
    def energy(x, w):
        return np.sum(x * w**2)

    def loss(x, w):
        both = symgrad.grad(energy, argnums=(1, 0))(x, w)
        (last,) = symgrad.grad(energy, [-1])(x, w)
        return np.sum(both[0] * both[1] * symgrad.grad(energy, 1)(x, w) * last)

    args = normal(3), normal(3) + 1
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_keywords_inside() -> None:
    def energy(x, *, w=2.0, power=2):
        return np.sum(w * x**power)

    def loss(x, w):
        return np.sum(symgrad.grad(energy)(x, w=w, power=3) * symgrad.grad(energy, "w")(x, w=w)) + np.sum(
            symgrad.grad(energy)(x)
        )

    args = normal(3), normal(3) + 1
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


@symgrad.grad
def decorated(x):
    return np.sum(np.sin(x) ** 2)


def test_decorated_function_inside() -> None:
    def loss(x):
        return np.sum(decorated(x) ** 2)

    x = normal(3)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


def test_inside_of_a_branch() -> None:
    def loss(x, w):
        slope = np.zeros(3)
        if np.sum(x) > 0:
            slope = symgrad.grad(lambda x: np.sum(w * x**3))(x)
        return np.sum(slope * x) + np.sum(w * x)

    for x in (np.abs(normal(3)), -np.abs(normal(3))):
        args = x, normal(3) + 1
        check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_inside_of_a_loop() -> None:
    def loss(w, xs):
        total = 0.0
        for x in xs:
            slope = symgrad.grad(lambda x: np.sum(np.sin(w * x)))(x)
            total += np.sum(slope**2)
        return total

    args = normal(3), normal(70, 3)
    check_gradient(loss, symgrad.grad(loss, (0,))(*args), args, (0,))
    check_direction(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_inside_of_a_while_loop() -> None:
    """Newton's method, differentiated."""

    def root(a):
        def f(x):
            return x**3 - a * x - 1

        x = 2.0
        while np.abs(f(x)) > 1e-3:
            x = x - f(x) / symgrad.grad(f)(x)
        return x

    check_gradient(root, [symgrad.grad(root)(1.0)], (1.0,), [0])


def test_loop_inside_of_a_loop() -> None:
    """The inner function has a loop over run-time rounds, too."""

    def energy(h, W, xs):
        for x in xs:
            h = np.tanh(W @ h + x)
        return np.sum(h)

    def loss(W, h, xs):
        total = 0.0
        for _ in range(len(xs)):
            h = h - 0.1 * symgrad.grad(energy)(h, W, xs)
            total += energy(h, W, xs)
        return total

    args = SQUARE, normal(3), normal(5, 3)
    check_gradient(loss, symgrad.grad(loss, (0, 1, 2))(*args), args, (0, 1, 2))


def test_branch_inside_of_the_inner_function() -> None:
    def piece(x, w):
        if w > 0:
            return np.sum(x**2) * w
        return np.sum(np.sin(x)) * w**2

    def loss(x, w):
        return np.sum(symgrad.grad(piece)(x, w) ** 2)

    for w in (0.7, -0.7):
        args = normal(3), w
        check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_in_place_inside_of_the_inner_function() -> None:
    def energy(x, y):
        return np.sum(updated(x, y) ** 2)

    def loss(x, y):
        dx, dy = symgrad.grad(energy, (0, 1))(x, y)
        return np.sum(dx * dy)

    args = normal(3), normal(3) * 2
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_the_gradient_is_an_array_of_its_own() -> None:
    """Changing it changes neither the argument nor what it was derived from."""

    def loss(x):
        slope = symgrad.grad(lambda y: np.sum(y**2) / 2)(x)
        slope[0] *= 3
        slope += 1
        return np.sum(slope * x)

    x = normal(3)
    before = x.copy()
    found = symgrad.grad(loss)(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(found, np.array([6, 2, 2]) * x + 1, rtol=1e-12)


def test_in_a_comprehension() -> None:
    def loss(params, x):
        slopes = [symgrad.grad(lambda w: np.sum(np.sin(w * x)))(w) for w in params]
        return sum(np.sum(slope**2) for slope in slopes)

    params, x = [normal(3), normal(3) + 1], normal(3) - 1
    found = symgrad.grad(loss)(params, x)
    check_gradient(lambda a, b: loss([a, b], x), found, params, (0, 1))


class Network:
    def __init__(self, W):
        self.W = W

    def energy(self, x):
        return np.sum(np.tanh(x @ self.W) ** 2)

    def force(self, x):
        return -symgrad.grad(self.energy)(x)


def test_in_a_method() -> None:
    def loss(W, x):
        network = Network(W)
        return np.sum(network.force(x) ** 2)

    args = normal(2, 3), normal(4, 2)
    check_gradient(loss, symgrad.grad(loss, (0, 1))(*args), args, (0, 1))


def test_gradient_by_an_object() -> None:
    """The gradient with respect to a dataclass is one."""

    def energy(layer, x):
        return np.sum(np.tanh(x @ layer.W + layer.b))

    def loss(W, b, x):
        slopes = symgrad.grad(energy)(Layer(W, b), x)
        return np.sum(slopes.W**2) + np.sum(slopes.b**2)

    args = normal(2, 3), normal(3), normal(4, 2)
    check_gradient(loss, symgrad.grad(loss, (0, 1, 2))(*args), args, (0, 1, 2))


def test_unrelated_argument() -> None:
    """What the inner function does not use has the derivative zero."""

    def loss(x, y):
        slopes = symgrad.grad(lambda x, y: np.sum(x**2), (0, 1))(x, y)
        return np.sum(slopes[0] * slopes[1]) + np.sum(x * slopes[0])

    args = normal(3), normal(3) + 1
    dx, dy = symgrad.grad(loss, (0, 1))(*args)
    np.testing.assert_allclose(dx, 4 * args[0], rtol=1e-12)
    np.testing.assert_array_equal(dy, np.zeros(3))


def test_custom_gradient_inside() -> None:
    """The rule of one's own is what is differentiated."""

    @symgrad.custom_gradient
    def scaled(x):
        return np.sin(x), lambda upstream: upstream * x**2

    def loss(x):
        return np.sum(symgrad.grad(lambda y: np.sum(scaled(y)))(x) ** 2)

    x = normal(3)
    np.testing.assert_allclose(symgrad.grad(loss)(x), 4 * x**3, rtol=1e-12)


def test_verified_second_derivative() -> None:
    second = symgrad.grad(symgrad.grad(lambda x: 1 / (1 + np.exp(-x))))

    def closed_form(x):
        s = 1 / (1 + np.exp(-x))
        return s * (1 - s) * (1 - 2 * s)

    assert symgrad.verify(second, closed_form, 0.3).proved


def test_verified_penalty() -> None:
    """The gradient of a squared slope of a linear model, in closed form."""

    def loss(w, x):
        return np.sum(symgrad.grad(lambda x: np.sum((x @ w) ** 2))(x) ** 2)

    def closed_form(w, x):
        z = x @ w
        return 8 * np.sum(w**2) * (x.T @ z) + 8 * np.sum(z**2) * w

    assert symgrad.verify(symgrad.grad(loss), closed_form, normal(3), normal(4, 3)).proved


# Inner functions that change arrays


def doubled(y):
    y *= 2
    return np.sum(y**2)


def test_inner_function_changes_its_argument() -> None:
    """The slope is by the argument as it was passed; the caller's array stays what it is."""

    def loss(x):
        return np.sum(symgrad.grad(doubled)(x) * x)

    x = normal(3)
    found = symgrad.grad(loss)(x)
    np.testing.assert_allclose(loss(x), 8 * np.sum(x**2), rtol=1e-12)
    np.testing.assert_allclose(found, 16 * x, rtol=1e-12)


def test_repeated_gradient_of_a_function_that_changes_its_argument() -> None:
    found = symgrad.elementwise_grad(symgrad.elementwise_grad(doubled))(normal(3))
    np.testing.assert_allclose(found, np.full(3, 8.0), rtol=1e-12)


def test_both_ways_through_a_function_that_changes_its_argument() -> None:
    def f(y):
        y *= 2
        return y

    x, u = normal(3), np.ones(3)
    value, tangent = symgrad.jvp(f, (x.copy(),), (u,))
    np.testing.assert_array_equal(value, 2 * x)
    np.testing.assert_array_equal(tangent, 2 * u)
    _, pullback = symgrad.vjp(f, x.copy())
    np.testing.assert_array_equal(pullback(u)[0], 2 * u)


def test_vjp_leaves_its_primals() -> None:
    """The pullback is at the primals: the function that is called must not move them."""
    x = normal(3)
    before = x.copy()
    _, pullback = symgrad.vjp(doubled, x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(pullback(1.0)[0], 8 * before, rtol=1e-12)


OUTER = normal(2, 2)


def outer_network(W, OUTER):
    OUTER = np.tanh(OUTER @ W)
    return np.sum(OUTER**3)


@pytest.mark.parametrize(
    "function",
    [
        lambda W: outer_network(W, OUTER),
        lambda W: np.sum(symgrad.grad(outer_network, 1)(W, OUTER) ** 2),
    ],
)
def test_local_with_the_name_of_an_outer_array(function: Callable) -> None:
    W = SQUARE[:2, :2] + np.eye(2)
    check_gradient(function, [symgrad.grad(function)(W)], (W,), [0])


def test_views_as_arguments() -> None:
    """Arguments that overlap are arrays of their own for the derivative."""

    def f(y, z):
        y = y.copy()
        y[0] += z[1] ** 2
        return np.sum(y**3)

    def loss(x):
        first, second = symgrad.grad(f, (0, 1))(x[1:], x[:-1])
        return np.sum(first * second)

    x = normal(4)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


def test_argument_changed_afterwards() -> None:
    def loss(x):
        v = x * 1.0
        w = v[1:]
        slope = symgrad.grad(lambda y: np.sum(y**3))(w)
        v[1] = 9.0
        return np.sum(slope) + np.sum(w)

    x = normal(4)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


def test_append_to_an_outer_list() -> None:
    def loss(x):
        seen = []

        def f(y):
            seen.append(np.sum(y))
            return np.sum(y**3)

        slope = symgrad.grad(f)(x)
        return np.sum(slope * x) + seen[0] ** 2

    x = normal(3)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


def test_outer_array_is_left_as_it_was() -> None:
    """A derivative gives a captured array back as it was, called from Python or inside of a derivative."""

    def loss(x):
        buffer = np.zeros(3)

        def f(y):
            buffer[:] = y * 2
            return np.sum(buffer * y)

        slope = symgrad.grad(f)(x)
        return np.sum(slope * x) + np.sum(buffer**2)

    x = normal(3)
    check_gradient(loss, [symgrad.grad(loss)(x)], (x,), [0])


# More programs: whole Jacobians, Newton's method, training


def jacobian_by_rows(x):
    _, pullback = symgrad.vjp(lambda y: np.sin(y) * x, x)
    return np.sum(np.stack([pullback(e)[0] for e in np.eye(3)]) ** 2)


def jacobian_by_columns(x):
    columns = [symgrad.jvp(lambda y: np.sin(y) * x, (x,), (e,))[1] for e in np.eye(3)]
    return np.sum(np.stack(columns, axis=1) ** 2)


def jacobian_by_rows_in_a_loop(x):
    _, pullback = symgrad.vjp(lambda y: np.sin(y), x)  # noqa: PLW0108
    total = 0.0
    for e in np.eye(3):
        total += np.sum(pullback(e)[0] ** 2)
    return total


def laplacian(x):
    total = 0.0
    for k in range(len(x)):
        e = np.zeros(3)
        e[k] = 1
        total += np.sum(symgrad.hvp(lambda y: np.sum(np.sin(y) ** 2 * x))(x, e) * e)
    return total**2


def newton_step(x):
    def f(y):
        return y @ (SQUARE @ SQUARE.T + np.eye(3)) @ y / 2 - np.sum(np.sin(y * x))

    hessian = np.stack([symgrad.grad(lambda y, k=k: symgrad.grad(f)(y)[k])(x) for k in range(3)])
    return np.sum((x - np.linalg.solve(hessian, symgrad.grad(f)(x))) ** 2)


def line_search(x):
    return np.sum(symgrad.grad(symgrad.grad(lambda t: np.sum(np.sin(t * x))))(1.5) ** 2)


def descent_until_small(w):
    while np.sum(w**2) > 0.05:
        w = w - 0.2 * symgrad.grad(lambda w: np.sum(w**2) + np.sum(np.sin(w)) * 0.01)(w)
    return np.sum(w**2)


def seventy_steps_of_adam(x):
    w, m, v = x, np.zeros(3), np.zeros(3)
    for t in range(1, 71):
        slope = symgrad.grad(lambda w: np.sum((w * x - 1) ** 2))(w)
        m = 0.9 * m + 0.1 * slope
        v = 0.99 * v + 0.01 * slope**2
        w = w - 0.05 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.99**t)) + 1e-3)
    return np.sum(w**2)


def branch_in_a_loop(x):
    total = 0.0
    for k in range(len(x)):
        if x[k] > 0:
            total += symgrad.grad(lambda y, k=k: y**3 * x[k])(x[k])
        else:
            total += symgrad.grad(lambda y: np.sin(y) * y)(x[k])
    return total


def powers_of_a_loop(x):
    total = 0.0
    for a, b in zip(x, x[::-1], strict=True):
        total += symgrad.grad(lambda u, b=b: u**2 * b)(a) * symgrad.grad(lambda u, a=a: u**3 * a)(b)
    return total


def constant_on_one_side(x):
    return np.sum(symgrad.grad(lambda y: np.sum(y**2) if np.sum(y) > 0 else 3.0)(x) * x)


def with_kinks(x):
    slope = symgrad.grad(lambda y: np.max(y) * np.sum(np.where(y > 0, y**2, y**3)) + np.linalg.norm(y) + np.prod(y))
    return np.sum(slope(x) ** 2)


PROGRAMS = [
    jacobian_by_rows,
    jacobian_by_columns,
    laplacian,
    newton_step,
    line_search,
    descent_until_small,
    seventy_steps_of_adam,
    branch_in_a_loop,
    powers_of_a_loop,
    constant_on_one_side,
    with_kinks,
    jacobian_by_rows_in_a_loop,
]


@pytest.mark.parametrize("function", PROGRAMS)
def test_program(function: Callable) -> None:
    x = np.array([0.3, -0.7, 1.2])
    value, slope = symgrad.value_and_grad(function)(x)
    assert value == pytest.approx(function(x), rel=1e-12)
    check_gradient(function, [slope], (x,), [0])


class Cubic:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        return self.scale * x**3

    def energy(self, x):
        return self.scale * x**4


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: symgrad.grad(Cubic(2.0))(3.0), 54.0),
        (lambda: symgrad.grad(lambda x: symgrad.grad(Cubic(2.0))(x))(3.0), 36.0),  # noqa: PLW0108
        (lambda: symgrad.grad(lambda x: symgrad.grad(Cubic(x).energy)(x))(3.0), 16 * 27.0),
        (lambda: symgrad.grad(symgrad.grad(Cubic(2.0)))(3.0), 36.0),
        (lambda: symgrad.grad(symgrad.grad(Cubic(2.0).energy))(3.0), 216.0),
    ],
)
def test_objects_that_are_called(function: Callable, expected: float) -> None:
    assert function() == pytest.approx(expected)


# Structures and types


def of_keys(x):
    return {"a": x, "b": x**2}


def test_keys_in_another_order() -> None:
    """Directions and cotangents are matched by key, not by the order of keys."""
    assert symgrad.vjp(of_keys, 2.0)[1]({"b": 1.0, "a": 0.0}) == (4.0,)
    point, direction = {"a": 2.0, "b": 3.0}, {"b": 1.0, "a": 0.0}
    assert symgrad.jvp(lambda p: p["b"] ** 2 * p["a"], (point,), (direction,))[1] == 12.0
    assert symgrad.hvp(lambda p: p["b"] ** 2 * p["a"])(point, direction) == {"a": 6.0, "b": 4.0}


@pytest.mark.parametrize(
    "call",
    [
        lambda: symgrad.vjp(of_keys, 2.0)[1]((1.0, 0.0)),
        lambda: symgrad.vjp(lambda x: x * 2, np.ones(2))[1](np.ones(1)),
        lambda: symgrad.vjp(lambda x: x * 2, np.ones(2))[1](np.ones(3)),
        lambda: symgrad.vjp(lambda x: x * 2, np.ones(2))[1](1.0),
        lambda: symgrad.jvp(lambda x: x * 2, (np.ones(2),), (np.ones((2, 2)),)),
        lambda: symgrad.jvp(lambda x: x * 2, (np.ones(2),), (np.ones(1),)),
        lambda: symgrad.jvp(lambda x: x * 2, (np.ones(2),), ([1.0, 2.0],)),
        lambda: symgrad.hvp(lambda p: p["a"] * p["b"])({"a": 1.0, "b": 2.0}, {"a": 1.0}),
    ],
)
def test_other_structures_are_refused(call: Callable) -> None:
    with pytest.raises(SymgradError):
        call()


def test_results_that_do_not_depend_on_the_primals() -> None:
    assert symgrad.jvp(lambda x: (x, 3.0), (2.0,), (1.0,)) == ((2.0, 3.0), (1.0, 0.0))
    _, pullback = symgrad.vjp(lambda x: (x, np.ones(3)), 2.0)
    assert pullback((1.0, np.ones(3))) == (1.0,)


def test_pullback_with_a_number_in_the_value() -> None:
    assert symgrad.vjp(lambda x: (x, 3.0), 2.0)[1]((1.0, 1.0)) == (1.0,)


def test_whole_numbers_ride_along() -> None:
    assert symgrad.vjp(lambda x, n: x * n, 2.0, 3)[1](1.0) == (3.0, None)
    assert symgrad.jvp(lambda x, n: x * n, (2.0, 3), (1.0, 0)) == (6.0, 3.0)


@fails(10, "np.float64 for a float")
def test_types_of_numbers_in_loops() -> None:
    def loss(x, scales):
        total = 0.0
        for scale in scales:
            total += symgrad.grad(lambda y, scale=scale: scale * y**2)(x) ** 2
        return total

    assert type(symgrad.grad(loss)(2.0, np.ones(3))) is float


# Effects


def test_effects_happen_once(capsys: pytest.CaptureFixture) -> None:
    def noisy(x):
        print("inner")
        return np.sum(x**3)

    def loss(x):
        print("before")
        slope = symgrad.grad(noisy)(x)
        print("after")
        return np.sum(slope**2)

    x = normal(3)
    found = symgrad.grad(loss)(x)
    assert capsys.readouterr().out.split() == ["before", "inner", "after"]
    np.testing.assert_allclose(found, 36 * x**3, rtol=1e-12)


def test_effects_of_repeated_gradients_happen_once(capsys: pytest.CaptureFixture) -> None:
    def noisy(x):
        print(f"x is {x:.1f}")
        return x**3

    assert symgrad.grad(symgrad.grad(noisy))(2.0) == 12.0
    assert capsys.readouterr().out == "x is 2.0\n"


def test_effects_in_a_loop(capsys: pytest.CaptureFixture) -> None:
    def noisy(x):
        print("inner")
        return np.sum(x**2)

    def loss(x):
        for _ in range(3):
            x = x - 0.1 * symgrad.grad(noisy)(x)
        return np.sum(x)

    symgrad.grad(loss)(normal(3))
    assert capsys.readouterr().out == "inner\n" * 3


def test_random_draws_happen_once() -> None:
    def noisy(x, rng):
        return np.sum(x**2 * rng.normal(size=3))

    def loss(x, rng):
        return np.sum(symgrad.grad(noisy)(x, rng) ** 2) + rng.normal()

    x = normal(3)
    drawn = np.random.default_rng(7).normal(size=3)
    rng = np.random.default_rng(7)
    np.testing.assert_allclose(symgrad.grad(loss)(x, rng), 8 * x * drawn**2, rtol=1e-12)
    expected = np.random.default_rng(7)
    expected.normal(size=4)
    assert rng.normal() == expected.normal()


# Errors


def not_scalar(x):
    return np.sum(symgrad.grad(lambda y: y**2)(x))


def whole_number(n, x):
    return np.sum(x) * symgrad.grad(lambda n: n * 2.0)(3)


def wrong_tangent(x):
    return np.sum(symgrad.jvp(lambda y: y**2, (x,), (x, x))[1])


def wrong_tangent_rank(x):
    return np.sum(symgrad.jvp(lambda y: y**2, (x,), (1.0,))[1])


def wrong_cotangent(x):
    _, pullback = symgrad.vjp(lambda y: (y, y**2), x)
    return np.sum(pullback(x)[0])


def wrong_cotangent_rank(x):
    _, pullback = symgrad.vjp(lambda y: y**2, x)
    return np.sum(pullback(1.0)[0])


def no_such_argument(x):
    return np.sum(symgrad.grad(lambda y: np.sum(2 * y), argnums="z")(x))


def position_not_given(x):
    return np.sum(symgrad.grad(lambda y, z=1.0: np.sum(y) * z, argnums=1)(x))


def aux_without_pair(x):
    return np.sum(symgrad.grad(lambda y: np.sum(2 * y), has_aux=True)(x)[0])


def unknown_function(x):
    return np.sum(symgrad.grad(lambda y: np.sum(np.linalg.svd(y)[1]))(np.outer(x, x)))


REFUSED = [
    (not_scalar, "returns"),
    (wrong_tangent, "tangents"),
    (wrong_tangent_rank, "axes"),
    (wrong_cotangent, "cotangent"),
    (wrong_cotangent_rank, "axes"),
    (no_such_argument, "'z'"),
    (position_not_given, "1"),
    (aux_without_pair, "has_aux"),
    (unknown_function, "svd"),
]


@pytest.mark.parametrize(("function", "text"), REFUSED)
def test_refused_inside(function: Callable, text: str) -> None:
    """An error says where."""
    with pytest.raises(SymgradError, match=text) as caught:
        symgrad.grad(function)(normal(3))
    assert caught.value.span is not None
    assert caught.value.span.filename == __file__


def test_whole_number_inside() -> None:
    with pytest.raises(DifferentiationError) as caught:
        symgrad.grad(whole_number, "x")(2, normal(3))
    assert caught.value.span is not None


def test_refused_outside() -> None:
    x = normal(3)
    with pytest.raises(DifferentiationError, match="an array"):
        symgrad.grad(symgrad.grad(lambda x: np.sum(x**2)))(x)
    with pytest.raises(SymgradError):
        symgrad.jvp(lambda x: x**2, (x,), (x, x))
    with pytest.raises(SymgradError):
        symgrad.jvp(lambda x: x**2, (x,), (normal(4),))
    with pytest.raises(SymgradError):
        symgrad.vjp(lambda x: x**2, x)[1]((x, x))
    with pytest.raises(SymgradError):
        symgrad.vjp(lambda x: x**2, x)[1](normal(4))
    with pytest.raises(SymgradError):
        symgrad.vjp(lambda n: n * 2.0, 3)[1](1.0)
