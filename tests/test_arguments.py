"""Arguments in every form: argnums, defaults, variadic, containers, captured values that change between calls."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from differences import normal

import symgrad


def of_three(x, y, z=2.0):
    return x * x * y + z * y


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 12.0),
        (1, 6.0),
        (2, 3.0),
        (-1, 3.0),
        (-3, 12.0),
        ("x", 12.0),
        ("z", 3.0),
        ((0,), (12.0,)),
        ([0, 1], (12.0, 6.0)),
        ((1, 0), (6.0, 12.0)),
        (("z", 0), (3.0, 12.0)),
        ((0, 1, 2), (12.0, 6.0, 3.0)),
        (range(2), (12.0, 6.0)),
    ],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    assert symgrad.grad(of_three, argnums=argnums)(2.0, 3.0, 2.0) == expected
    assert symgrad.value_and_grad(of_three, argnums)(2.0, 3.0, z=2.0) == (18.0, expected)
    assert symgrad.grad(argnums=argnums)(of_three)(y=3.0, x=2.0, z=2.0) == expected


def test_defaults() -> None:
    assert symgrad.grad(of_three, argnums=(0, 1))(2.0, 3.0) == (12.0, 6.0)
    assert symgrad.grad(of_three)(2.0, y=3.0) == 12.0
    assert symgrad.grad(of_three, argnums=2)(2.0, 3.0) == 3.0


def test_an_array_as_default() -> None:
    def scaled(x, weights=np.array([1.0, 2.0])):  # noqa: B008
        return np.sum(x * weights)

    assert symgrad.grad(scaled)(np.ones(2)).tolist() == [1.0, 2.0]
    assert symgrad.grad(scaled)(np.ones(2), np.array([3.0, 4.0])).tolist() == [3.0, 4.0]


def test_positional_only_and_keyword_only() -> None:
    def strict(x, /, y, *, scale=3.0):
        return scale * x * y

    assert symgrad.grad(strict)(2.0, 5.0) == 15.0
    assert symgrad.grad(strict, argnums="scale")(2.0, 5.0, scale=1.0) == 10.0
    assert symgrad.grad(strict, argnums=("y", "scale"))(2.0, y=5.0, scale=1.0) == (2.0, 10.0)


def test_variadic_arguments() -> None:
    def total(first, *rest, scale=1.0, **named):
        return scale * first * rest[0] + rest[1] * named["a"] + named["b"]

    args, named = (2.0, 3.0, 5.0), {"scale": 7.0, "a": 11.0, "b": 13.0}
    assert symgrad.grad(total)(*args, **named) == 21.0
    assert symgrad.grad(total, argnums=(0, 1, 2))(*args, **named) == (21.0, 14.0, 11.0)
    assert symgrad.grad(total, argnums="scale")(*args, **named) == 6.0


def test_all_of_several_arguments() -> None:
    def products(*arrays):
        return np.sum(arrays[0] * arrays[1]) + np.sum(arrays[-1])

    a, b = normal(3), normal(3) + 1
    found = symgrad.grad(products, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(found, (b, a + 1))
    found = symgrad.grad(products, argnums=(0, 1, 2))(a, b, b)
    np.testing.assert_allclose(found, (b, a, np.ones(3)))


def test_aux_is_passed_on() -> None:
    def loss(x, y):
        r = x * y
        return np.sum(r**2), {"residual": r, "name": "r", "pair": (x.shape, 3)}

    x, y = normal(3), normal(3) + 1
    gradient, aux = symgrad.grad(loss, has_aux=True)(x, y)
    assert np.array_equal(gradient, 2 * x * y * y) or np.allclose(gradient, 2 * x * y * y, rtol=1e-14)
    assert np.array_equal(aux["residual"], x * y)
    assert (aux["name"], aux["pair"]) == ("r", ((3,), 3))
    (value, aux), gradients = symgrad.value_and_grad(loss, argnums=(0, 1), has_aux=True)(x, y)
    assert value == loss(x, y)[0]
    assert len(gradients) == 2
    assert not any(np.shares_memory(aux["residual"], gradient) for gradient in gradients)


def test_aux_that_is_an_argument_or_gradient() -> None:
    def loss(x, y):
        return np.sum(x * y), (x, y)

    x, y = normal(3), normal(3) + 1
    gradient, aux = symgrad.grad(loss, has_aux=True)(x, y)
    assert aux[0] is x
    assert aux[1] is y
    assert not np.shares_memory(gradient, y)


Point = namedtuple("Point", "x y")


class Layer(NamedTuple):
    W: Any
    b: Any


@dataclass
class Model:
    layers: Any
    scale: float


@dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = 2.0


def test_containers() -> None:
    def of_dict(p, x):
        return np.sum(np.tanh(x @ p["W"] + p["b"]))

    x, W, b = normal(4, 3), normal(3, 2), normal(2)
    slope = 1 - np.tanh(x @ W + b) ** 2
    found = symgrad.grad(of_dict)({"W": W, "b": b}, x)
    assert list(found) == ["W", "b"]
    np.testing.assert_allclose(found["W"], x.T @ slope, rtol=1e-12)
    np.testing.assert_allclose(found["b"], slope.sum(axis=0), rtol=1e-12)

    def of_layer(p, x):
        return np.sum(np.tanh(x @ p.W + p.b))

    found = symgrad.grad(of_layer)(Layer(W, b), x)
    assert type(found) is Layer
    np.testing.assert_allclose(found.W, x.T @ slope, rtol=1e-12)


def test_nested_containers() -> None:
    def unrolled(model, x):
        x = np.tanh(x @ model.layers[0]["W"] + model.layers[0]["b"])
        x = np.tanh(x @ model.layers[1]["W"] + model.layers[1]["b"])
        return model.scale * np.sum(x)

    layers = [{"W": normal(3, 4), "b": normal(4)}, {"W": normal(4, 2), "b": normal(2)}]
    model, x = Model(layers, 1.5), normal(5, 3)
    found = symgrad.grad(unrolled)(model, x)
    assert type(found) is Model
    assert isinstance(found.scale, float)
    assert [sorted(layer) for layer in found.layers] == [["W", "b"]] * 2
    symgrad.check_grads(unrolled, (model, x))


def test_tuples_lists_and_dataclasses() -> None:
    def loss(pair, items, point, frozen):
        return pair[0] * pair[1][0] + items[0] * items[1] + point.x * point.y + frozen.a * frozen.b

    args = ((2.0, (3.0,)), [5.0, 7.0], Point(11.0, 13.0), Frozen(17.0))
    found = symgrad.grad(loss, argnums=(0, 1, 2, 3))(*args)
    assert found == ((3.0, (2.0,)), [7.0, 5.0], Point(13.0, 11.0), Frozen(2.0, 17.0))
    assert [type(item) for item in found] == [tuple, list, Point, Frozen]


def test_unused_parts_have_zero_gradients() -> None:
    def loss(p, q):
        return np.sum(p["a"] ** 2)

    found = symgrad.grad(loss, argnums=(0, 1))({"a": normal(2), "unused": normal(3, 1), "number": 2.0}, normal(2, 2))
    assert np.array_equal(found[0]["unused"], np.zeros((3, 1)))
    assert found[0]["number"] == 0.0
    assert type(found[0]["number"]) is float
    assert np.array_equal(found[1], np.zeros((2, 2)))
    assert found[1].flags.writeable


def test_unused_parts_of_single_precision() -> None:
    def loss(x, y):
        return np.sum(x)

    dx, dy = symgrad.grad(loss, argnums=(0, 1))(normal(3, dtype=np.float32), normal(2, 2, dtype=np.float32))
    assert (dx.dtype, dy.dtype) == (np.float32, np.float32)
    assert dy.shape == (2, 2)


def test_containers_of_other_sizes_and_keys() -> None:
    def total(p):
        return sum(value for value in (p["a"], p["b"])) * p["a"]

    derivative = symgrad.grad(total)
    assert derivative({"a": 2.0, "b": 3.0}) == {"a": 7.0, "b": 2.0}
    assert derivative({"b": 3.0, "a": 2.0}) == {"b": 2.0, "a": 7.0}
    assert derivative({"a": 2.0, "b": 3.0, "c": 1.0}) == {"a": 7.0, "b": 2.0, "c": 0.0}


# Captured values.

FACTOR = 2.0
TABLE = np.array([1.0, 2.0, 3.0])
SETTINGS = {"rate": 0.5}


def activation(x):
    return np.sin(x)


def of_globals(x):
    return np.sum(activation(x) * TABLE) * FACTOR


def test_globals_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative, x = symgrad.grad(of_globals), normal(3)

    def compare(expected: Any) -> None:
        np.testing.assert_allclose(derivative(x), expected, rtol=1e-13)

    compare(np.cos(x) * TABLE * 2)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    compare(np.cos(x) * TABLE * 5)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    compare(np.cos(x) * TABLE * 3)
    monkeypatch.setitem(globals(), "TABLE", np.array([7.0, 8.0, 9.0]))
    compare(np.cos(x) * [21, 24, 27])
    monkeypatch.setitem(globals(), "TABLE", 2.0)
    compare(np.cos(x) * 6)
    monkeypatch.setitem(globals(), "activation", np.exp)
    compare(np.exp(x) * 6)
    monkeypatch.setitem(globals(), "activation", lambda v: v * v)
    compare(2 * x * 6)


def test_closures_are_read_at_every_call() -> None:
    factor, table = 2.0, np.array([1.0, 2.0])

    def inner(x):
        return np.tanh(x)

    def loss(x):
        return np.sum(inner(x) * table) * factor

    def change(new_factor, new_table, new_inner):
        nonlocal factor, table, inner
        factor, table, inner = new_factor, new_table, new_inner

    derivative, x = symgrad.grad(loss), normal(2)
    np.testing.assert_allclose(derivative(x), (1 - np.tanh(x) ** 2) * [2, 4])
    change(3.0, np.array([5.0, 6.0]), inner)
    np.testing.assert_allclose(derivative(x), (1 - np.tanh(x) ** 2) * [15, 18])
    change(3.0, table, np.exp)
    np.testing.assert_allclose(derivative(x), np.exp(x) * [15, 18])
    table[0] = 0.0
    np.testing.assert_allclose(derivative(x), np.exp(x) * [0, 18])


def test_two_closures_of_one_function() -> None:
    def make(scale, function):
        def loss(x):
            return scale * function(x)

        return symgrad.grad(loss)

    first, second, third = make(2.0, math.sin), make(3.0, math.exp), make(4.0, math.sin)
    assert [d(0.5) for d in (first, second, third)] == [2 * math.cos(0.5), 3 * math.exp(0.5), 4 * math.cos(0.5)]


def test_static_values_are_part_of_the_signature() -> None:
    def loss(x, power, kind, squared):
        y = x**power if kind == "power" else np.exp(x)
        return np.sum(y * y if squared else y)

    derivative, x = symgrad.grad(loss), np.array([1.0, 2.0])
    assert derivative(x, 3, "power", False).tolist() == [3.0, 12.0]
    assert derivative(x, 2, "power", False).tolist() == [2.0, 4.0]
    assert derivative(x, 2, "power", True).tolist() == [4.0, 32.0]
    np.testing.assert_allclose(derivative(x, 2, "exp", False), np.exp(x))
    np.testing.assert_allclose(derivative(x, 2.5, "power", False), 2.5 * x**1.5)


def test_attributes_of_objects() -> None:
    class Scaled:
        def __init__(self, scale):
            self.scale = scale

        def loss(self, x):
            return np.sum(x * x) * self.scale

    model, x = Scaled(2.0), normal(3)
    derivative = symgrad.grad(model.loss)
    np.testing.assert_allclose(derivative(x), 4 * x)
    model.scale = 5.0
    np.testing.assert_allclose(derivative(x), 10 * x)
    np.testing.assert_allclose(symgrad.grad(Scaled(3.0).loss)(x), 6 * x)


def test_the_random_state_is_not_touched() -> None:
    np.random.seed(4)
    before = np.random.get_state()[1].copy()
    symgrad.grad(lambda x: np.sum(x**4))(normal(3))
    assert np.array_equal(np.random.get_state()[1], before)
