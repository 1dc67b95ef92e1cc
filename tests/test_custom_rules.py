"""Rules of the user's: what they give is used in every transform, anywhere in a program, and nothing else changes."""

from __future__ import annotations

import pickle
import sys
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from differences import check_close, check_gradient, differences
from limits import patience

import symgrad
from symgrad import checkpoint, custom_gradient, custom_jvp, custom_vjp, hooked, primitive, stop_gradient
from symgrad.errors import DifferentiationError, NoDerivative, NotYetSupported
from symgrad.runtime import store

X = np.array([0.5, -1.2, 0.8])
V = np.array([1.0, -0.4, 0.7])

# Every form of a rule, for functions that work element by element.


@custom_vjp
def cube(x):
    return x**3


cube.defvjp(lambda x: (x**3, x), lambda x, u: (3 * x**2 * u,))


@custom_jvp
def softplus(x):
    return np.log1p(np.exp(x))


@softplus.defjvp
def softplus_tangent(primals, tangents):
    (x,), (dx,) = primals, tangents
    return np.log1p(np.exp(x)), dx / (1 + np.exp(-x))


@custom_gradient
def sigmoid(x):
    s = 1 / (1 + np.exp(-x))

    def gradient(upstream):
        return upstream * s * (1 - s)

    return s, gradient


@primitive(vjp=lambda u, x: 2 / np.sqrt(np.pi) * np.exp(-(x**2)) * u)
def erf(x):
    return scipy.special.erf(x)


@primitive(jvp=lambda p, t: (1 / (1 + np.exp(-p[0])), np.exp(-p[0]) / (1 + np.exp(-p[0])) ** 2 * t[0]))
def logistic(x):
    return scipy.special.expit(x)


@primitive
def cosine(x):
    return np.cos(x)


def registered(x):
    return scipy.special.ndtr(x)


symgrad.register_differential(registered, lambda x, dx: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * dx)
again = checkpoint(lambda z: np.tanh(np.sin(z)))


class Layers:
    @custom_vjp
    def square(x):  # noqa: N805
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, u: (2 * x * u,))


RULES = {
    "custom_vjp": cube,
    "custom_jvp": softplus,
    "custom_gradient": sigmoid,
    "primitive vjp": erf,
    "primitive jvp": logistic,
    "register_differential": registered,
    "checkpoint": again,
    "in a class": Layers.square,
}

# Where they may stand.


def in_an_expression(f, x):
    return np.sum(f(2 * x) * x)


def of_elements(f, x):
    return f(x[0]) * f(x[1] * x[2])


def in_a_loop(f, x):
    h = x
    for _ in range(3):
        h = f(h * 0.5) + x
    return np.sum(h**2)


def in_a_long_loop(f, x, n=7):
    h = x
    for k in range(n):
        h = f(h * 0.5) - x / (k + 1)
    return np.sum(h**2)


def in_a_while_loop(f, x):
    h, k = x, 0
    while k < 3:
        h = f(h) * 0.3
        k += 1
    return np.sum(h * x)


def in_a_branch(f, x):
    y = x
    if x[0] > 0:
        y = f(x)
    return np.sum(y * y)


def in_a_conditional(f, x):
    y = f(x) if x[1] > 0 else f(x * 2) * x
    return np.sum(y * y)


def in_a_comprehension(f, x):
    return sum([np.sum(f(x * k) * x) for k in range(1, 4)])


def in_a_generator(f, x):
    return sum(f(v) * v for v in x)


def changed_afterwards(f, x):
    y = f(x)
    y *= 2
    y[0] = x[1] * x[2]
    z = f(x)
    return np.sum(y * z)


def stored_in_rows(f, x):
    out = np.zeros((3, 3))
    for k in range(3):
        out[k] = f(x * x[k])
    out[1] += x
    return np.sum(out**2)


def in_a_container(f, x):
    d = {"a": f(x), "b": [f(x * 2), x]}
    return np.sum(d["a"] * d["b"][0]) + np.sum(d["b"][1])


class Model:
    def __init__(self, activation):
        self.activation = activation

    def __call__(self, x):
        return np.sum(self.activation(x) ** 2)


def in_a_method(f, x):
    return Model(f)(x)


PROGRAMS = [
    in_an_expression, of_elements, in_a_loop, in_a_long_loop, in_a_while_loop, in_a_branch, in_a_conditional,
    in_a_comprehension, in_a_generator, changed_afterwards, stored_in_rows, in_a_container, in_a_method,
]  # fmt: skip


def of(f: Callable, program: Callable) -> Callable:
    return lambda x: program(f, x)


def check_second(function: Callable, x: np.ndarray, v: np.ndarray) -> None:
    """The Hessian along a direction, by ``hvp``, against differences of the gradient."""
    gradient = symgrad.grad(function)
    expected = np.stack([differences(lambda e, k=k: gradient(x + e * v)[k], (0.0,), 0) for k in range(len(x))])
    check_close(symgrad.hvp(function)(x, v), expected, 1e-6)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("rule", RULES)
def test_first_and_second_derivative(rule: str, program: Callable) -> None:
    function, x = of(RULES[rule], program), X.copy()
    value, gradient = symgrad.value_and_grad(function)(x)
    assert value == pytest.approx(function(x), rel=1e-14)
    check_gradient(function, (gradient,), (X,), (0,))
    check_second(function, x, V)
    assert np.array_equal(x, X)


@pytest.mark.parametrize("rule", RULES)
def test_grad_of_grad_and_jvp(rule: str) -> None:
    function = of(RULES[rule], in_an_expression)
    gradient = symgrad.grad(function)(X)
    along = symgrad.hvp(function)(X, V)
    np.testing.assert_allclose(symgrad.grad(lambda x: np.sum(symgrad.grad(function)(x) * V))(X), along, rtol=1e-12)
    value, tangent = symgrad.jvp(function, (X,), (V,))
    assert value == pytest.approx(function(X), rel=1e-14)
    assert tangent == pytest.approx(gradient @ V, rel=1e-12)
    np.testing.assert_allclose(symgrad.jvp(symgrad.grad(function), (X,), (V,))[1], along, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_pullback(rule: str) -> None:
    f = RULES[rule]
    value, pullback = symgrad.vjp(lambda x: f(x) * x, X)
    np.testing.assert_allclose(value, f(X) * X, rtol=1e-14)
    (found,) = pullback(V)
    np.testing.assert_allclose(found, symgrad.grad(lambda x: np.sum(f(x) * x * V))(X), rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_the_function_itself(rule: str) -> None:
    f = RULES[rule]
    expected = float(differences(f, (0.7,), 0))
    assert symgrad.grad(f)(0.7) == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(symgrad.elementwise_grad(f)(np.full(3, 0.7)), expected, rtol=1e-7)


@pytest.mark.parametrize("rule", RULES)
def test_single_precision(rule: str) -> None:
    x = X.astype(np.float32)
    function = of(RULES[rule], in_an_expression)
    found = [symgrad.grad(function)(x), symgrad.hvp(function)(x, x), symgrad.jvp(function, (x,), (x,))[1]]
    assert [part.dtype for part in found] == [np.float32] * 3
    np.testing.assert_allclose(found[0], symgrad.grad(function)(X), rtol=1e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "x", [np.zeros(0), np.outer(X, X), np.broadcast_to(X, (2, 3)).T, np.asfortranarray(np.outer(X, V))]
)
def test_other_arrays(rule: str, x: np.ndarray) -> None:
    function = of(RULES[rule], in_an_expression)
    check_gradient(function, (symgrad.grad(function)(x),), (x,), (0,))


# Several arguments and results, and containers of them.


@custom_vjp
def product_and_sum(x, y):
    return x * y, x + y


product_and_sum.defvjp(lambda x, y: ((x * y, x + y), (x, y)), lambda xy, u: (u[0] * xy[1] + u[1], u[0] * xy[0] + u[1]))


@custom_jvp
def product_and_sum_forward(x, y):
    return x * y, x + y


product_and_sum_forward.defjvp(lambda p, t: ((p[0] * p[1], p[0] + p[1]), (p[0] * t[1] + p[1] * t[0], t[0] + t[1])))


@custom_vjp
def layer(p, x):
    return {"z": p["W"] @ x + p["b"], "norm": np.sum(x * x)}


def layer_backward(residuals, u):
    p, x = residuals
    return {"W": np.outer(u["z"], x), "b": u["z"]}, p["W"].T @ u["z"] + 2 * u["norm"] * x


layer.defvjp(lambda p, x: ({"z": p["W"] @ x + p["b"], "norm": np.sum(x * x)}, (p, x)), layer_backward)
layer_again = checkpoint(lambda p, x: {"z": np.tanh(p["W"] @ x + p["b"]), "norm": np.sum(x * x)})


def of_both(f, x, y):
    a, b = f(x, y)
    return np.sum(a * a * b)


def of_second(f, x, y):
    return np.sum(f(x, y)[1] ** 2 * y)


def of_first(f, x, y):
    product, _ = f(x, y)
    return np.sum(product * x)


def of_dicts(f, W, b, x):
    r = f({"W": W, "b": b}, x)
    return np.sum(r["z"] ** 2) * r["norm"]


@pytest.mark.parametrize("program", [of_both, of_second, of_first])
@pytest.mark.parametrize("f", [product_and_sum, product_and_sum_forward])
def test_several_results(f: Callable, program: Callable) -> None:
    def function(x, y):
        return program(f, x, y)

    check_gradient(function, symgrad.grad(function, (0, 1))(X, V), (X, V), (0, 1))
    check_second(lambda x: program(f, x, V), X, V)


@pytest.mark.parametrize("f", [layer, layer_again])
def test_dicts_as_arguments_and_results(f: Callable) -> None:
    args = np.arange(6.0).reshape(2, 3) / 5, np.array([0.3, -0.2]), X

    def function(W, b, x):
        return of_dicts(f, W, b, x)

    check_gradient(function, symgrad.grad(function, (0, 1, 2))(*args), args, (0, 1, 2))
    check_second(lambda x: function(*args[:2], x), X, V)
    found = symgrad.grad(lambda p, x: np.sum(f(p, x)["z"]))({"W": args[0], "b": args[1]}, X)
    assert {name: part.shape for name, part in found.items()} == {"W": (2, 3), "b": (2,)}


@custom_vjp
def first_only(x, y):
    return x * y


first_only.defvjp(lambda x, y: (x * y, y), lambda y, u: (u * y, None))
first_only_box = primitive(lambda x, y: x * y, vjp=lambda u, x, y: (u * y, None))


@custom_gradient
def first_only_called(x, y):
    return x * y, lambda u: (u * y, None)


@pytest.mark.parametrize("f", [first_only, first_only_box, first_only_called])
def test_none_is_no_gradient(f: Callable) -> None:
    def looped(x, y):
        return sum(np.sum(f(x * k, y)) for k in range(4))

    for function, factor in ((lambda x, y: np.sum(f(x, y)), 1), (looped, 6)):
        by_x, by_y = symgrad.grad(function, (0, 1))(X, V)
        np.testing.assert_allclose(by_x, factor * V, rtol=1e-14)
        assert by_y.shape == V.shape
        assert not by_y.any()


@custom_vjp
def activated(x, kind):
    return np.tanh(x) if kind == "tanh" else np.maximum(x, 0)


def activated_backward(residuals, u):
    x, kind = residuals
    return (u * (1 - np.tanh(x) ** 2) if kind == "tanh" else u * (x > 0), None)


activated.defvjp(lambda x, kind: (activated(x, kind), (x, kind)), activated_backward)


@custom_vjp
def power(x, n):
    return x**n


power.defvjp(lambda x, n: (x**n, (x, n)), lambda xn, u: (u * xn[1] * xn[0] ** (xn[1] - 1), None))
scaled = primitive(lambda x, up: 2 * x if up else x, vjp=lambda u, x, up: (2 * u if up else u, None))
by_name = checkpoint(lambda x, *, scale=2.0: np.sin(scale * x))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: np.sum(activated(x, "tanh")), 1 - np.tanh(X) ** 2),
        (lambda x: np.sum(activated(x, "relu")), X > 0),
        (lambda x: np.sum(power(x, 3)), 3 * X**2),
        (lambda x, n=4: np.sum(power(x, n)), 4 * X**3),
        (lambda x: np.sum(scaled(x, True)), np.full(3, 2.0)),
        (lambda x: np.sum(scaled(x, False)), np.ones(3)),
        (lambda x: np.sum(by_name(x)), 2 * np.cos(2 * X)),
    ],
)
def test_arguments_without_derivative(function: Callable, expected: np.ndarray) -> None:
    np.testing.assert_allclose(symgrad.grad(function)(X), expected, rtol=1e-12)


@custom_vjp
def powers(x, n=2):
    return x**n


powers.defvjp(lambda x, n=2: (x**n, (x, n)), lambda xn, u: u * xn[1] * xn[0] ** (xn[1] - 1))


@pytest.mark.xfail(strict=True, reason="arguments by name are lost in the derivative")
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: np.sum(by_name(x, scale=3.0)), 3 * np.cos(3 * X)),
        (lambda x: np.sum(powers(x, n=3)), 3 * X**2),
        (lambda x: np.sum(activated(x, kind="tanh")), 1 - np.tanh(X) ** 2),
    ],
)
def test_arguments_by_name(function: Callable, expected: np.ndarray) -> None:
    np.testing.assert_allclose(symgrad.grad(function)(X), expected, rtol=1e-12)


# What a rule captures.

factor: Any = 2.0
weights = np.ones(3)
settings = {"factor": 2.0}
by_global = custom_vjp(lambda x: x)
by_global.defvjp(lambda x: (x, None), lambda _, u: (factor * weights * u,))
by_global_forward = custom_jvp(lambda x: x)
by_global_forward.defjvp(lambda p, t: (p[0], factor * weights * t[0]))
by_global_box = primitive(lambda x: x * 1.0, vjp=lambda u, x: factor * weights * u)
by_entry = primitive(lambda x: x * 1.0, vjp=lambda u, x: settings["factor"] * u)


@custom_gradient
def by_global_called(x):
    return x * 1.0, lambda u: factor * weights * u


@pytest.mark.parametrize("f", [by_global, by_global_forward, by_global_box, by_global_called])
def test_captured_values_are_those_of_the_call(f: Callable, monkeypatch) -> None:
    derivative = symgrad.grad(lambda x: np.sum(f(x)))
    module = sys.modules[__name__]
    np.testing.assert_array_equal(derivative(X), 2 * np.ones(3))
    for value in (7.0, np.array([1.0, 2.0, 3.0]), np.float32(2), 4):
        monkeypatch.setattr(module, "factor", value)
        np.testing.assert_array_equal(derivative(X), value * np.ones(3))
    changing = np.ones(3)
    monkeypatch.setattr(module, "weights", changing)
    changing[0] = 10
    np.testing.assert_array_equal(derivative(X), [40, 4, 4])


def test_captured_entry_of_a_dict(monkeypatch) -> None:
    derivative = symgrad.grad(lambda x: np.sum(by_entry(x)))
    for value in (2.0, 6.0):
        monkeypatch.setitem(settings, "factor", value)
        np.testing.assert_array_equal(derivative(X), value * np.ones(3))


def test_rules_of_one_closure_are_told_apart() -> None:
    def scaling(k):
        made = custom_vjp(lambda x: x)
        made.defvjp(lambda x: (x, None), lambda _, u: (k * u,))
        return made

    three, five = scaling(3.0), scaling(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(symgrad.grad(lambda x: np.sum(three(x) + five(x)))(X), [4, 5, 6])
    np.testing.assert_array_equal(symgrad.grad(lambda x: np.sum(three(five(x))))(X), [3, 6, 9])


# Black boxes.

plain_solve = primitive(scipy.linalg.solve, shape=lambda A, b: b.shape)


def solve_backward(u, A, b):
    w = plain_solve(A.T, u)
    return -np.outer(w, plain_solve(A, b)), w


solve = primitive(scipy.linalg.solve, vjp=solve_backward, shape=lambda A, b: b.shape)
outer = primitive(lambda x: np.outer(x, x), vjp=lambda u, x: (u + u.T) @ x, shape=lambda x: (len(x), len(x)))
total = primitive(np.sum, vjp=lambda u, x: u * np.ones_like(x), shape=())
A = 3 * np.eye(3) + np.arange(9.0).reshape(3, 3) / 10


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (lambda A, b: np.sum(solve(A, b) ** 2), (A, X)),
        (lambda A, b: np.sum(solve(A, A[0] * b) * b), (A, X)),
        (lambda x: np.sum(outer(x) ** 2), (X,)),
        (lambda x: total(x * x) ** 2, (X,)),
    ],
)
def test_black_boxes(function: Callable, args: tuple) -> None:
    wrt = tuple(range(len(args)))
    check_gradient(function, symgrad.grad(function, wrt)(*args), args, wrt)


def test_second_derivative_through_a_black_box() -> None:
    check_second(lambda x: np.sum(outer(x) ** 2), X, V)
    check_second(lambda x: total(x * x) ** 2, X, V)


def own_backward(u, A, b):
    w = own_solve(A.T, u)
    return -np.outer(w, own_solve(A, b)), w


own_solve = primitive(scipy.linalg.solve, vjp=own_backward, shape=lambda A, b: b.shape)
bessel_0 = primitive(scipy.special.j0, vjp=lambda u, x: -bessel_1(x) * u)
bessel_1 = primitive(scipy.special.j1, vjp=lambda u, x: (bessel_0(x) - bessel_1(x) / x) * u)


@pytest.mark.parametrize(
    ("function", "x"), [(lambda A: np.sum(own_solve(A, A[0]) ** 2), A), (lambda x: np.sum(bessel_0(x) * x), X)]
)
def test_rules_that_call_each_other(function: Callable, x: np.ndarray) -> None:
    with patience():
        check_gradient(function, (symgrad.grad(function)(x),), (x,), (0,))
        along = symgrad.hvp(function)(x, x)
    expected = (symgrad.grad(function)(x + 1e-5 * x) - symgrad.grad(function)(x - 1e-5 * x)) / 2e-5
    check_close(along, expected, 1e-7)


def test_a_rule_that_calls_its_own_function_once() -> None:
    """As in the docstring of ``custom_jvp``."""

    @custom_jvp
    def log1pexp(x):
        return np.log1p(np.exp(x))

    @log1pexp.defjvp
    def tangent(primals, tangents):
        (x,), (dx,) = primals, tangents
        return log1pexp(x), (1 - 1 / (1 + np.exp(x))) * dx

    assert symgrad.grad(log1pexp)(0.0) == 0.5
    assert symgrad.hvp(log1pexp)(0.0, 1.0) == 0.25


def test_a_black_box_without_derivative_may_stand_where_none_is_needed() -> None:
    np.testing.assert_array_equal(symgrad.grad(lambda x, y: np.sum(cosine(y) * x))(X, V), np.cos(V))
    np.testing.assert_array_equal(symgrad.grad(lambda x: np.sum(cosine(stop_gradient(x)) * x))(X), np.cos(X))


blind_square = primitive(lambda x: x * x, vjp=lambda u, x: 2 * identical(x) * u)
identical = primitive(lambda x: x * 1.0)


def blind(x):
    return np.sum(cosine(x) * x)


def blind_twice(x):
    return np.sum(blind_square(x))


@pytest.mark.parametrize(
    "call",
    [
        lambda: symgrad.grad(blind)(X),
        lambda: symgrad.jvp(blind, (X,), (V,)),
        lambda: symgrad.vjp(blind, X)[1](1.0),
        lambda: symgrad.hvp(blind_twice)(X, V),
        lambda: symgrad.jvp(lambda x: np.sum(solve(A, x)), (X,), (V,)),
    ],
)
def test_a_black_box_without_derivative_is_refused_where_one_is_needed(call: Callable) -> None:
    with pytest.raises(NoDerivative, match=r"test_custom_rules\.py"):
        call()


def test_gradient_of_a_black_box_whose_second_derivative_is_unknown() -> None:
    np.testing.assert_array_equal(symgrad.grad(blind_twice)(X), 2 * X)


# Effects.


@custom_gradient
def talking(x):
    print("value")  # noqa: T201

    def gradient(upstream):
        print("gradient")  # noqa: T201
        return 2 * upstream

    return x * 1.0, gradient


def once(x):
    return np.sum(talking(x) ** 2)


def used_twice(x):
    y = talking(x)
    return np.sum(y * y) + np.sum(y)


def equal_calls(x):
    return np.sum(talking(x)) + np.sum(talking(x))


def chained(x):
    return np.sum(talking(talking(x)))


@pytest.mark.parametrize(("function", "times"), [(once, 1), (used_twice, 1), (equal_calls, 2), (chained, 2)])
@pytest.mark.parametrize("transform", [symgrad.grad, symgrad.value_and_grad])
def test_custom_gradient_prints_once_per_call(transform: Callable, function: Callable, times: int, capsys) -> None:
    derivative = transform(function)
    for _ in range(2):
        derivative(X)
        lines = capsys.readouterr().out.split()
        assert sorted(lines) == ["gradient"] * times + ["value"] * times


def test_a_custom_gradient_whose_derivative_is_not_needed(capsys) -> None:
    symgrad.grad(lambda x, y: np.sum(talking(y) * x))(X, V)
    assert capsys.readouterr().out == "value\n"


@pytest.mark.xfail(strict=True, reason="a call whose value the gradient does not need is left out")
def test_a_custom_gradient_whose_value_is_not_needed(capsys) -> None:
    symgrad.grad(lambda x, y: np.sum(talking(y)) + np.sum(x))(X, V)
    assert capsys.readouterr().out == "value\n"


def test_effects_in_rules_that_are_read_are_refused() -> None:
    @checkpoint
    def printing(x):
        print("again")  # noqa: T201
        return np.sin(x)

    with pytest.raises(NotYetSupported, match=r"test_custom_rules\.py"):
        symgrad.grad(lambda x: np.sum(printing(x)))(X)


def test_a_custom_gradient_under_checkpoint() -> None:
    function = checkpoint(lambda x: sigmoid(x) * x)
    expected = symgrad.grad(lambda x: np.sum(sigmoid(x) * x))(X)
    np.testing.assert_allclose(symgrad.grad(lambda x: np.sum(function(x)))(X), expected, rtol=1e-12)


@custom_gradient
def unreadable(x):
    return np.sum(x), lambda upstream: upstream * np.linalg.eigvalsh(np.outer(x, x))


@pytest.mark.parametrize(
    "transform", [symgrad.hvp, lambda f: symgrad.grad(lambda x, v: np.sum(symgrad.grad(f)(x) * v))]
)
def test_second_derivative_through_an_unreadable_gradient_is_refused(transform: Callable) -> None:
    def loss(x):
        return unreadable(x) ** 2

    np.testing.assert_allclose(symgrad.grad(loss)(X), 2 * X.sum() * np.linalg.eigvalsh(np.outer(X, X)))
    with pytest.raises(NoDerivative, match=r"(?s)test_custom_rules\.py.*eigvalsh"):
        transform(loss).source(X, V)


# Whose memory it is.

same = primitive(lambda x: x, vjp=lambda u, x: u)
same_vjp = custom_vjp(lambda x: x)
same_vjp.defvjp(lambda x: (x, None), lambda _, u: (u,))


@custom_gradient
def same_called(x):
    return x, lambda upstream: upstream


IDENTITIES = [same, same_vjp, same_called]


@pytest.mark.parametrize("f", IDENTITIES)
def test_gradients_share_no_memory(f: Callable) -> None:
    x, y = X.copy(), V.copy()
    by_x, by_y = symgrad.grad(lambda x, y: np.sum(f(x) * f(y)), (0, 1))(x, y)
    by_x[:], by_y[:] = 7, 8
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, V)


def changed_result(f, x):
    z = x * 1.0
    y = f(z)
    y *= 2
    return np.sum(y * z)


def changed_operand(f, x):
    z = x * 1.0
    y = f(z)
    z *= 2
    return np.sum(y * z)


@pytest.mark.parametrize("f", IDENTITIES)
def test_the_argument_of_the_caller_is_untouched(f: Callable) -> None:
    def function(x):
        y = f(x)
        y *= 2
        return np.sum(y)

    x = X.copy()
    symgrad.value_and_grad(function)(x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("program", [changed_result, changed_operand])
@pytest.mark.parametrize("f", [*IDENTITIES, stop_gradient, checkpoint(lambda x: x)])
def test_a_result_that_is_the_argument(f: Callable, program: Callable) -> None:
    """Its value has to be right, or it has to be refused."""
    function = of(f, program)
    try:
        value, _ = symgrad.value_and_grad(function)(X)
    except DifferentiationError:
        return
    assert value == function(X)


def test_a_checkpoint_whose_arguments_change_afterwards() -> None:
    square = checkpoint(lambda z: np.sin(z) * z)

    def function(x):
        z = x * 1.0
        y = square(z)
        z *= 2
        z[0] = 0.0
        return np.sum(y * z)

    check_gradient(function, (symgrad.grad(function)(X),), (X,), (0,))


def tripled(z):
    z *= 3
    return z * z


tripled_vjp = custom_vjp(tripled)
tripled_vjp.defvjp(lambda z: (9 * z * z, z), lambda z, u: (18 * z * u,))


@pytest.mark.parametrize("f", [checkpoint(tripled), tripled_vjp])
def test_a_function_that_changes_its_argument(f: Callable) -> None:
    """Its value has to be right, or it has to be refused."""

    def function(x):
        z = x * 1.0
        y = f(z)
        return np.sum(y * z)

    try:
        value, _ = symgrad.value_and_grad(function)(X)
    except NotYetSupported:
        return
    assert value == pytest.approx(function(X))


@custom_gradient
def doubling_in_place(x):
    def gradient(upstream):
        upstream *= 2
        return upstream

    return x * 1.0, gradient


def test_a_gradient_function_that_changes_its_upstream_in_place() -> None:
    y = V.copy()
    found = symgrad.grad(lambda x, y: np.sum((doubling_in_place(x) + x) * y))(X, y)
    np.testing.assert_array_equal(y, V)
    np.testing.assert_allclose(found, 3 * V)


# Constants.


def test_stop_gradient_of_containers() -> None:
    def function(p):
        q = stop_gradient(p)
        return np.sum(q["a"] * p["a"]) + p["b"][0] * q["b"][1] + np.sum(q["b"][0])

    found = symgrad.grad(function)({"a": X, "b": [1.0, 2.0]})
    np.testing.assert_array_equal(found["a"], X)
    assert found["b"] == [2.0, 0.0]

    def of_tuple(x):
        t = stop_gradient((x, x[1]))
        return np.sum(t[0] * x) + t[1] * x[0]

    pair = symgrad.grad(of_tuple)(X)
    np.testing.assert_array_equal(pair, X + np.array([X[1], 0, 0]))


def test_stop_gradient_stops_every_derivative() -> None:
    def function(x):
        return np.sum(x**2 * stop_gradient(x))

    np.testing.assert_allclose(symgrad.grad(function)(X), 2 * X**2, rtol=1e-14)
    np.testing.assert_allclose(symgrad.hvp(function)(X, V), 2 * X * V, rtol=1e-14)
    assert symgrad.jvp(lambda x: x * stop_gradient(x), (3.0,), (1.0,)) == (9.0, 3.0)
    assert symgrad.grad(lambda x, n: x * stop_gradient(n))(3.0, 4) == 4.0


# Hooks.


def log(dz):
    print("adjoint", dz)  # noqa: T201


def ten(x):
    z = 10 * x
    return np.sum(z * z)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (lambda dz: np.clip(dz, -15, 15), 10 * np.clip(20 * X, -15, 15)),
        (lambda dz: np.ones(3), np.full(3, 10.0)),
        (lambda dz: 0 * dz + factor, np.full(3, 20.0)),
        (log, 200 * X),
    ],
)
def test_hooks_replace_or_look(hook: Callable, expected: np.ndarray, capsys) -> None:
    derivative = symgrad.value_and_grad(hooked(ten, z=hook))
    value, gradient = derivative(X)
    assert value == ten(X) == hooked(ten, z=hook)(X)
    np.testing.assert_allclose(gradient, expected, rtol=1e-14)
    assert capsys.readouterr().out == (f"adjoint {20 * X}\n" if hook is log else "")
    assert "hook_z(" in derivative.source()
    np.testing.assert_allclose(symgrad.vjp(hooked(ten, z=hook), X)[1](1.0)[0], expected, rtol=1e-14)


def test_a_hook_is_called_once_for_several_arguments(capsys) -> None:
    def function(x, y):
        z = x * y
        return np.sum(z * z)

    symgrad.grad(hooked(function, z=log), (0, 1))(X, V)
    assert capsys.readouterr().out.count("adjoint") == 1


def test_hooks_see_what_hooks_gave() -> None:
    seen = []

    def look(d):
        seen.append(d.copy())

    def function(x):
        a = np.sin(x)
        b = a * x
        return np.sum(b * b)

    found = symgrad.grad(hooked(function, a=look, b=lambda d: 2 * d))(X)
    np.testing.assert_allclose(found, 2 * symgrad.grad(function)(X), rtol=1e-12)
    np.testing.assert_allclose(seen, [2 * 2 * np.sin(X) * X * X], rtol=1e-12)


halving = custom_vjp(lambda x: x)
halving.defvjp(lambda x: (x, None), lambda _, u: (0.5 * u,))


def test_hooks_in_a_loop(capsys) -> None:
    """Each round assigns the variable, and so does what stands before the loop."""

    def function(x):
        h = x
        for _ in range(4):
            h = np.sin(h) + x
        return np.sum(h)

    def by_rule(x):
        h = halving(x)
        for _ in range(4):
            h = halving(np.sin(h) + x)
        return np.sum(h)

    found = symgrad.grad(hooked(function, h=lambda d: 0.5 * d))(X)
    np.testing.assert_allclose(found, symgrad.grad(by_rule)(X), rtol=1e-12)
    symgrad.grad(hooked(function, h=log))(X)
    assert capsys.readouterr().out.count("adjoint") == 5


def test_hooks_in_while_loops_and_branches(capsys) -> None:
    def function(x):
        h = x
        while np.sum(h * h) > 0.1:
            h = 0.5 * h
        if h[0] > 0:
            h = h * x
        return np.sum(h)

    symgrad.grad(hooked(function, h=log))(X)
    first = capsys.readouterr().out.count("adjoint")
    symgrad.grad(hooked(function, h=log))(-X)
    assert (first, capsys.readouterr().out.count("adjoint")) == (5, 4)


def test_hooks_where_no_adjoint_is_needed(capsys) -> None:
    def function(x):
        z = 10 * x
        w = np.floor(x)
        n = 3
        return np.sum(x * x) + np.sum(w) * n + 0 * len(z)

    found = symgrad.grad(hooked(function, z=log, w=log, n=log))(X)
    np.testing.assert_array_equal(found, 2 * X)
    assert not capsys.readouterr().out


def test_hooks_of_unpacked_and_named_variables() -> None:
    def unpacked(x):
        a, b = x * 2, x * 3
        return np.sum(a * b)

    def named(x):
        return np.sum((z := x * 2) * z)

    np.testing.assert_allclose(symgrad.grad(hooked(unpacked, a=lambda d: 0 * d))(X), 6 * X)
    assert not symgrad.grad(hooked(named, z=lambda d: 0 * d))(X).any()


def test_hooks_of_functions_with_keywords() -> None:
    def loss(x, *, power=2):
        z = x * 2
        return np.sum(z**power)

    found = symgrad.grad(hooked(loss, z=lambda d: 2 * d))(X, power=2)
    np.testing.assert_allclose(found, 16 * X)


class Doubled:
    def loss(self, x):
        z = x * 2
        return np.sum(z * z)


def test_hooks_on_methods() -> None:
    np.testing.assert_allclose(symgrad.grad(hooked(Doubled().loss, z=lambda d: 6 * d))(X), 48 * X)


def test_hooks_on_a_hooked_function() -> None:
    function = hooked(hooked(ten, z=lambda d: 2 * d), z=lambda d: 3 * d)
    np.testing.assert_allclose(symgrad.grad(function)(X), 1200 * X)


@pytest.mark.parametrize("hook", [3, None, "z"])
def test_what_is_no_hook_is_refused(hook: object) -> None:
    with pytest.raises(DifferentiationError, match="hook for z"):
        hooked(ten, z=hook)


def test_second_derivatives_through_hooks_are_refused() -> None:
    for function in (hooked(ten, z=lambda d: 2 * d), hooked(ten, z=log)):
        with pytest.raises(NoDerivative, match="black box"):
            symgrad.hvp(function)(X, V)


@pytest.mark.xfail(strict=True, reason="the error has no place")
def test_the_refusal_of_a_second_derivative_through_a_hook_has_a_place() -> None:
    with pytest.raises(NoDerivative, match=r"test_custom_rules\.py"):
        symgrad.hvp(hooked(ten, z=lambda d: 2 * d))(X, V)


@pytest.mark.parametrize("hook", [lambda dz: print("adjoint", dz), lambda dz: 2 * dz if dz[0] < 0 else None])  # noqa: T201
def test_a_hook_that_returns_none_only_looks(hook: Callable) -> None:
    np.testing.assert_allclose(symgrad.grad(hooked(ten, z=hook))(X), 200 * X)


def test_equal_hooks_of_several_variables_are_all_called() -> None:
    calls = []

    def noise(d):
        calls.append(1)
        return d + len(calls)

    def function(x):
        a = x * 1.0
        b = x * 1.0
        return np.sum(a) + np.sum(b)

    found = symgrad.grad(hooked(function, a=noise, b=noise))(X)
    assert len(calls) == 2
    np.testing.assert_array_equal(found, np.full(3, 1 + 1 + 1 + 2))


def test_a_hook_that_changes_what_it_is_given() -> None:
    y = V.copy()

    def clip(d):
        return np.clip(d, -0.5, 0.5, out=d)

    def function(x, y):
        z = x * 1.0
        return np.sum(z * y)

    found = symgrad.grad(hooked(function, z=clip))(X, y)
    np.testing.assert_array_equal(found, np.clip(V, -0.5, 0.5))
    np.testing.assert_array_equal(y, V)


def test_a_hook_for_what_is_no_variable_is_refused() -> None:
    with pytest.raises(DifferentiationError, match="misspelt"):
        symgrad.grad(hooked(ten, misspelt=lambda d: 0 * d))(X)


def test_a_hook_for_a_parameter() -> None:
    """It changes the gradient, or it is refused."""
    try:
        found = symgrad.grad(hooked(ten, x=lambda d: 0 * d))(X)
    except DifferentiationError:
        return
    assert not found.any()


# Checkpoints of loops.


def rounds(x, n):
    h = x
    for k in range(n):
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


def rounds_again(x, n):
    h = x
    for k in checkpoint(range(n)):
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


def skipping(x, n):
    h = x
    for k in range(n):
        if k % 3 == 0:
            continue
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


def skipping_again(x, n):
    h = x
    for k in checkpoint(range(n)):
        if k % 3 == 0:
            continue
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


def in_place(x, n):
    u, out = x.copy(), np.zeros(n + 1)
    for k in range(n):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u *= np.cos(u)
        out[k] = np.sum(u)
    return np.sum(out**2)


def in_place_again(x, n):
    u, out = x.copy(), np.zeros(n + 1)
    for k in checkpoint(range(n)):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u *= np.cos(u)
        out[k] = np.sum(u)
    return np.sum(out**2)


def branching(x, n):
    h = x
    for _ in range(n):
        h = np.sin(h) + 0.1 * x if h[0] > 0.3 else np.cos(h) * x
    return np.sum(h * h)


def branching_again(x, n):
    h = x
    for _ in checkpoint(range(n)):
        h = np.sin(h) + 0.1 * x if h[0] > 0.3 else np.cos(h) * x
    return np.sum(h * h)


def counting(x, n):
    h, k = x, 50
    for k in range(n):
        h = np.sin(h) + 0.01 * x * k
    return np.sum(h) * k


def counting_again(x, n):
    h, k = x, 50
    for k in checkpoint(range(n)):
        h = np.sin(h) + 0.01 * x * k
    return np.sum(h) * k


def bound_changed(x, n):
    h, m, k = x, n, 50
    for k in range(m):  # noqa: B007
        m = m - 1
        h = np.sin(h) + 0.01 * x * m
    return np.sum(h) * k


def bound_changed_again(x, n):
    h, m, k = x, n, 50
    for k in checkpoint(range(m)):  # noqa: B007
        m = m - 1
        h = np.sin(h) + 0.01 * x * m
    return np.sum(h) * k


LOOPS = [
    (rounds, rounds_again),
    (skipping, skipping_again),
    (in_place, in_place_again),
    (branching, branching_again),
    (counting, counting_again),
]


def check_same(plain: Callable, saving: Callable, *args: Any) -> None:
    value, gradient = symgrad.value_and_grad(saving)(*args)
    expected_value, expected = symgrad.value_and_grad(plain)(*args)
    assert value == expected_value == plain(*args) == saving(*args)
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("plain", "saving"), LOOPS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 10, 17, 100])
def test_checkpointed_loops(plain: Callable, saving: Callable, n: int) -> None:
    check_same(plain, saving, X, n)


def test_bounds_that_change_in_the_loop() -> None:
    check_same(bound_changed, bound_changed_again, X, 10)


@pytest.mark.parametrize("n", [0, 1, 3, 10])
def test_other_derivatives_of_checkpointed_loops(n: int) -> None:
    along = [symgrad.hvp(function)(X, n, V) for function in (rounds, rounds_again)]
    np.testing.assert_allclose(*along, rtol=1e-11, atol=1e-13)
    forward = [symgrad.jvp(lambda x, f=f: f(x, n), (X,), (V,)) for f in (rounds, rounds_again)]
    np.testing.assert_allclose(*forward, rtol=1e-11, atol=1e-13)


def between(x, start, stop):
    h = x
    for k in range(start, stop):
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


def between_again(x, start, stop):
    h = x
    for k in checkpoint(range(start, stop)):
        h = np.sin(h) + 0.1 * x * k
    return np.sum(h * h)


@pytest.mark.parametrize(
    "bounds", [(0, 0), (2, 2), (3, 1), (5, -5), (-5, 5), (-5, -2), (2, 103), (-100, 0)], ids=lambda bounds: f"{bounds}"
)
def test_checkpointed_loops_with_a_start(bounds: tuple[int, int]) -> None:
    check_same(between, between_again, X, *bounds)


def nested(x, n):
    h = x
    for k in range(n):
        for j in range(n):
            h = np.sin(h) + 0.01 * x * k * j
    return np.sum(h * h)


def nested_again(x, n):
    h = x
    for k in checkpoint(range(n)):
        for j in checkpoint(range(n)):
            h = np.sin(h) + 0.01 * x * k * j
    return np.sum(h * h)


def nested_outside(x, n):
    h = x
    for k in checkpoint(range(n)):
        for j in range(n):
            h = np.sin(h) + 0.01 * x * k * j
    return np.sum(h * h)


def nested_inside(x, n):
    h = x
    for k in range(n):
        for j in checkpoint(range(n)):
            h = np.sin(h) + 0.01 * x * k * j
    return np.sum(h * h)


@pytest.mark.parametrize("saving", [nested_again, nested_outside, nested_inside])
@pytest.mark.parametrize("n", [0, 1, 3, 12])
def test_nested_checkpoints(saving: Callable, n: int) -> None:
    check_same(nested, saving, X, n)


def test_a_number_of_rounds_that_only_the_run_knows_is_refused() -> None:
    def triangle(x, n):
        h = x
        for k in range(n):
            for j in checkpoint(range(k)):
                h = np.sin(h) + 0.01 * x * k * j
        return np.sum(h)

    with pytest.raises(NotYetSupported, match="not known before it runs"):
        symgrad.grad(triangle)(X, 100)


def with_break(x):
    for _ in checkpoint(range(10)):
        if x > 3:
            break
        x = x * x
    return x


def with_else(x):
    for _ in checkpoint(range(10)):
        x = x * x
    else:  # noqa: PLW0120
        x = x + 1
    return x


def with_step(x):
    for _ in checkpoint(range(0, 10, 2)):
        x = x * x
    return x


@pytest.mark.parametrize("function", [with_break, with_else, with_step])
def test_other_loops_are_refused(function: Callable) -> None:
    with pytest.raises(NotYetSupported, match=r"(?s)checkpoint.*test_custom_rules\.py"):
        symgrad.grad(function)(1.01)


def peak(call: Callable, *args: Any) -> int:
    """The most memory that a call has at any time, in bytes; what it compiles does not count."""
    call(*args)
    tracemalloc.start()
    call(*args)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(("plain", "saving"), LOOPS[:2], ids=lambda function: function.__name__)
def test_memory_of_a_checkpointed_loop(plain: Callable, saving: Callable) -> None:
    x = np.linspace(0, 1, 2000)
    least = 1000 * x.nbytes
    # A loop that skips every third round saves two of three states.
    assert peak(symgrad.grad(plain), x, 1000) > 0.6 * least
    assert peak(symgrad.grad(saving), x, 1000) < 0.15 * least
    assert peak(symgrad.value_and_grad(saving), x, 4000) < 0.08 * 4 * least


unrolled = pytest.mark.xfail(strict=True, reason="short segments are unrolled and all their states saved")


@pytest.mark.parametrize("n", [pytest.param(20, marks=unrolled), 36])
def test_memory_of_a_short_checkpointed_loop(n: int) -> None:
    """Compiled for a short loop, run for one that is three times as long."""

    def fresh(x, n):
        h = x
        for _ in checkpoint(range(n)):
            h = np.sin(h) + x
        return np.sum(h * h)

    derivative = symgrad.grad(fresh)
    x = np.linspace(0, 1, 2000)
    derivative(x, n)
    assert peak(derivative, x, 3 * n) < 0.6 * 3 * n * x.nbytes


def test_memory_of_a_checkpointed_function_in_a_loop() -> None:
    def step(z):
        return np.sin(np.exp(np.sin(np.cos(np.tanh(z)))))

    step_again = checkpoint(step)

    def run(x, n):
        for _ in range(n):
            x = step(x)
        return np.sum(x)

    def run_again(x, n):
        for _ in range(n):
            x = step_again(x)
        return np.sum(x)

    x = np.linspace(0, 1, 2000)
    np.testing.assert_allclose(symgrad.grad(run_again)(x, 3), symgrad.grad(run)(x, 3), rtol=1e-12)
    assert peak(symgrad.grad(run_again), x, 100) < 120 * x.nbytes < 180 * x.nbytes < peak(symgrad.grad(run), x, 100)


# Rules from module level: the cache on disk, and pickles.

MODULE = """
import numpy as np
from symgrad import checkpoint, custom_gradient, custom_jvp, custom_vjp, hooked, primitive, register_differential

FACTOR = 2.0

def helper(u):
    return u * 1.0

by_vjp = custom_vjp(lambda x: x * 1.0)
by_vjp.defvjp(lambda x: (x * 1.0, None), lambda r, u: (helper(u) * FACTOR * 1.0,))
by_jvp = custom_jvp(lambda x: x * 1.0)
by_jvp.defjvp(lambda p, t: (p[0], helper(t[0]) * FACTOR * 1.0))
boxed = primitive(lambda x: x * 1.0, vjp=lambda u, x: helper(u) * FACTOR * 1.0)
again = checkpoint(lambda x: helper(x) * FACTOR * 1.0)

@custom_gradient
def called(x):
    return x * 1.0, lambda u: helper(u) * FACTOR * 1.0

def black(x):
    return np.sort(x)

register_differential(black, lambda x, dx: helper(dx) * FACTOR * 1.0)

def hook(u):
    return helper(u) * FACTOR * 1.0

def of_vjp(x): return np.sum(by_vjp(x))
def of_jvp(x): return np.sum(by_jvp(x))
def of_box(x): return np.sum(boxed(x))
def of_again(x): return np.sum(again(x))
def of_called(x): return np.sum(called(x))
def of_black(x): return np.sum(black(x))

def plain(x):
    z = x * 1.0
    return np.sum(z)

of_hook = hooked(plain, z=hook)
"""
LOSSES = ["of_vjp", "of_jvp", "of_box", "of_again", "of_called", "of_black", "of_hook"]


@pytest.fixture
def place(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(tmp_path / "cache"))
    store.forget()
    yield tmp_path
    store.forget()


def loaded(path: Path, text: str = MODULE, name: str = "rules_of_a_user") -> types.ModuleType:
    """The module as a new process would import it."""
    store.forget()
    path.write_text(text)
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, str(path), "exec"), vars(module))
    return module


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("FACTOR = 2.0", "FACTOR = 3.0", 3.0),
        ("FACTOR = 2.0", "FACTOR = np.array([5.0, 6.0])", 5.0),
        ("return u * 1.0", "return u * 10.0", 20.0),
        ("FACTOR * 1.0", "FACTOR * 7.0", 14.0),
    ],
)
def test_the_cache_sees_what_a_rule_depends_on(place: Path, loss: str, old: str, new: str, expected: float) -> None:
    ones = np.ones(2)
    for text, value in ((MODULE, 2.0), (MODULE.replace(old, new), expected), (MODULE, 2.0)):
        module = loaded(place / "rules.py", text)
        assert symgrad.grad(getattr(module, loss))(ones)[0] == value


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("called", [False, True])
def test_derivatives_pickle(place: Path, loss: str, called: bool) -> None:
    derivative = symgrad.grad(getattr(loaded(place / "rules.py"), loss))
    if called:
        derivative(np.ones(2))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(derivative))(np.ones(2)), [2, 2])


# Rules that do not fit.


def misfit(backward: Callable) -> Callable:
    made = custom_vjp(lambda x, y: np.sum(x * y))
    made.defvjp(lambda x, y: (np.sum(x * y), None), backward)
    return lambda x: made(x, V)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (misfit(lambda r, u: (u,)), "1 gradients for 2 arguments"),
        (misfit(lambda r, u: (u, u, u)), "3 gradients for 2 arguments"),
        (misfit(lambda r, u: (np.ones((3, 3)), None)), "2 axes"),
        (misfit(lambda r, u: ({"a": u, "b": u}, None)), "structure"),
        (misfit(lambda r, u: ("text", None)), "as a gradient"),
    ],
)
def test_rules_that_do_not_fit_are_refused(function: Callable, message: str) -> None:
    with pytest.raises(DifferentiationError, match=rf"(?s){message}.*test_custom_rules\.py"):
        symgrad.grad(function)(X)


def test_rules_that_are_not_linear_are_refused() -> None:
    square = custom_jvp(lambda x: x * x)
    square.defjvp(lambda p, t: (p[0] ** 2, t[0] ** 2))
    with pytest.raises(DifferentiationError, match="linear"):
        symgrad.grad(lambda x: np.sum(square(x)))(X)


def test_tangent_by_a_pullback_that_is_not_linear_is_refused() -> None:
    clipped = custom_vjp(lambda x: x)
    clipped.defvjp(lambda x: (x, None), lambda _, u: (np.clip(u, -1, 1),))
    np.testing.assert_array_equal(symgrad.grad(lambda x: np.sum(5 * clipped(x)))(X), np.ones(3))
    with pytest.raises(DifferentiationError, match="linear"):
        symgrad.jvp(lambda x: np.sum(5 * clipped(x)), (X,), (V,))
