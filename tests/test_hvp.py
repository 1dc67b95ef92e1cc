"""``hvp`` with arguments of every kind: which one is differentiated, and which one is the direction."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from differences import differences

import symgrad


def positional(x, y):
    return np.sum(x**3 * y**2)


def optional(x, c=2.0):
    return np.sum(x**3) * c**3


def keyword_only(x, *, c, d=1.5):
    return np.sum(np.sin(x)) * c**3 * d**2


def with_names_of_directions(v, direction, scale=2.0):
    return np.sum(v**3 * direction**2) * scale**3


def structured(parameters, shift=0.5):
    return np.sum(parameters["w"] ** 3 * parameters["b"]) + shift * parameters["b"] ** 3


X, V = np.array([0.3, 0.7, 1.1]), np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize(
    ("function", "argnum", "given", "direction"),
    [
        (positional, 0, {"x": X, "y": X + 1}, V),
        (positional, 1, {"x": X, "y": X + 1}, V),
        (positional, "y", {"x": X, "y": X + 1}, V),
        (positional, -1, {"x": X, "y": X + 1}, V),
        (optional, 0, {"x": X}, V),
        (optional, 0, {"x": X, "c": 3.0}, V),
        (optional, 1, {"x": X, "c": 3.0}, 0.7),
        (optional, "c", {"x": X, "c": 3.0}, 0.7),
        (optional, "c", {"x": X}, 0.7),
        (keyword_only, 0, {"x": X, "c": 3.0}, V),
        (keyword_only, "c", {"x": X, "c": 3.0}, 0.7),
        (keyword_only, "d", {"x": X, "c": 3.0, "d": 0.3}, 0.7),
        (with_names_of_directions, 0, {"v": X, "direction": X + 1}, V),
        (with_names_of_directions, "direction", {"v": X, "direction": X + 1, "scale": 0.3}, V),
        (with_names_of_directions, "scale", {"v": X, "direction": X + 1, "scale": 0.3}, -0.7),
    ],
)
def test_the_product_is_the_slope_of_the_gradient_along_the_direction(function, argnum, given, direction):
    parameters = inspect.signature(function).parameters
    name = argnum if isinstance(argnum, str) else [*parameters][argnum]
    at = given.get(name, parameters[name].default)

    def gradient_along(t):
        return np.sum(symgrad.grad(function, argnums=name)(**{**given, name: at + t * direction}) * direction)

    required = [value for key, value in given.items() if _is_required(parameters[key])]
    others = {key: value for key, value in given.items() if not _is_required(parameters[key])}
    found = symgrad.hvp(function, argnums=argnum)(*required, direction, **others)
    assert np.shape(found) == np.shape(at)
    np.testing.assert_allclose(np.sum(found * direction), differences(gradient_along, (0.0,), 0), rtol=1e-8)


def _is_required(parameter):
    return parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY


def test_the_direction_has_the_structure_of_the_argument():
    parameters, direction = {"w": X, "b": 2.0}, {"b": 3.0, "w": V}
    found = symgrad.hvp(structured)(parameters, direction, shift=0.25)
    np.testing.assert_allclose(found["w"], 6 * X * 2.0 * V + 3 * X**2 * 3.0)
    np.testing.assert_allclose(found["b"], np.sum(3 * X**2 * V) + 0.25 * 6 * 2.0 * 3.0)


def test_a_required_keyword_stays_required():
    with pytest.raises(TypeError, match="missing a required argument: 'c'"):
        symgrad.hvp(keyword_only)(X, V)


def products_of_its_own(x, v, c):
    return symgrad.hvp(optional)(x, v, c=c), symgrad.hvp(optional, argnums="c")(x, 0.7, c=c)


def test_inside_of_a_function():
    first, second = products_of_its_own(X, V, 3.0)
    gradient = symgrad.grad(lambda x, v, c: np.sum(products_of_its_own(x, v, c)[0]) + products_of_its_own(x, v, c)[1])
    np.testing.assert_allclose(first, 6 * X * V * 27)
    np.testing.assert_allclose(second, np.sum(X**3) * 18 * 0.7)
    np.testing.assert_allclose(gradient(X, V, 3.0), 6 * V * 27 + 3 * X**2 * 18 * 0.7)
