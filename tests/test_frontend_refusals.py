from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from reading import check, refused, underlined

from symgrad.errors import (
    ArgumentError,
    DifferentiationError,
    NoDerivative,
    NotYetSupported,
    ShapeError,
    SymgradError,
    UnsupportedSyntax,
)
from symgrad.frontend.frame import Unbound

X = np.array([[0.3, -1.2, 0.7], [2.0, 0.4, -0.1]])


def helper(y: Any) -> Any:
    y += 1.0
    return y


def broadcast_update(x: Any) -> Any:
    y = x[0] * 2
    y += x
    return y


def unknown_function(x: Any) -> Any:
    return np.sum(np.frexp(x)[0])


def where_argument(x: Any) -> Any:
    return np.exp(x, where=x > 0)


def yielding(x: Any) -> Any:
    return sum(generator(x))


def generator(x: Any) -> Any:
    yield x


def endless(x: Any) -> Any:
    return endless(x + 1)


def raising(x: Any) -> Any:
    raise ValueError("no")


def failing(x: Any) -> Any:
    assert x.ndim == 1, "a vector"
    return x


def string_operand(x: Any, y: Any = "text") -> Any:
    return np.exp(x) + y


def string_argument(x: Any, y: Any = None) -> Any:
    return x * np.exp(y)


def wrong_count(x: Any) -> Any:
    return helper(x, 1)


def missing(x: Any) -> Any:
    return helper()


def wrong_keyword(x: Any) -> Any:
    return helper(x, z=1)


def numpy_count(x: Any) -> Any:
    return np.sum(x, sideways=1)


def undefined(x: Any) -> Any:
    return x * nothing  # noqa: F821


def unbound(x: Any) -> Any:
    y = x * later  # noqa: F821
    later = 1.0
    return y * later


def no_attribute(x: Any) -> Any:
    return x.nothing


def no_module_attribute(x: Any) -> Any:
    return np.nothing(x)


def called_array(x: Any) -> Any:
    return x(1)


def shapes(x: Any) -> Any:
    return x @ x


def unpacked(x: Any) -> Any:
    a, b, c = x
    return a + b + c


def formatted(x: Any) -> Any:
    return {f"{x}": x}


def chained_arrays(x: Any) -> Any:
    return 0 < x < 1


def runtime_key(x: Any) -> Any:
    return [1.0, 2.0][x.shape[0]]


def static_error(x: Any) -> Any:
    return x * (1 / 0)


REFUSALS: list[tuple[Any, type[SymgradError], str]] = [
    (broadcast_update, DifferentiationError, "y += x"),
    (unknown_function, NoDerivative, "np.frexp(x)"),
    (where_argument, NotYetSupported, "np.exp(x, where=x > 0)"),
    (yielding, NotYetSupported, "generator(x)"),
    (endless, NotYetSupported, "endless(x + 1)"),
    (raising, DifferentiationError, 'raise ValueError("no")'),
    (failing, DifferentiationError, 'assert x.ndim == 1, "a vector"'),
    (string_operand, ArgumentError, "y"),
    (string_argument, ArgumentError, "y"),
    (wrong_count, ArgumentError, "helper(x, 1)"),
    (missing, ArgumentError, "helper()"),
    (wrong_keyword, ArgumentError, "helper(x, z=1)"),
    (numpy_count, ArgumentError, "np.sum(x, sideways=1)"),
    (undefined, ArgumentError, "nothing"),
    (unbound, Unbound, "later"),
    (no_attribute, ArgumentError, "x.nothing"),
    (no_module_attribute, ArgumentError, "np.nothing"),
    (called_array, ArgumentError, "x(1)"),
    (shapes, ShapeError, "x @ x"),
    (unpacked, ShapeError, "a, b, c"),
    (formatted, NotYetSupported, "{x}" if sys.version_info >= (3, 12) else 'f"{x}"'),
    (chained_arrays, DifferentiationError, "0 < x < 1"),
    (runtime_key, NotYetSupported, "[1.0, 2.0][x.shape[0]]"),
    (static_error, DifferentiationError, "1 / 0"),
]


@pytest.mark.parametrize(("function", "kind", "text"), REFUSALS, ids=lambda item: getattr(item, "__name__", None))
def test_refusals_are_located(function: Any, kind: type[SymgradError], text: str) -> None:
    error = refused(kind, function, X)
    assert type(error) is kind
    assert underlined(error) == text
    assert error.reason


def test_every_refusal_tells_a_remedy_or_is_the_users_error() -> None:
    for function, kind, _ in REFUSALS:
        if kind in {NotYetSupported, NoDerivative}:
            assert refused(kind, function, X).remedy, function.__name__


def test_the_message() -> None:
    first = where_argument.__code__.co_firstlineno + 1
    assert str(refused(NotYetSupported, where_argument, X)) == (
        "the argument where= of np.exp is not supported\n"
        f'  File "{__file__}", line {first}\n'
        "    return np.exp(x, where=x > 0)\n"
        "           ^^^^^^^^^^^^^^^^^^^^^^\n"
        "remedy: write it as an operation"
    )


def test_a_string_where_an_array_is_expected() -> None:
    assert refused(ArgumentError, string_operand, X).reason == "y is a str, where an array or a number is expected"
    assert refused(ArgumentError, string_argument, X).reason == "y is None, where an array or a number is expected"


def test_unsupported_syntax() -> None:
    error = refused(UnsupportedSyntax, lambda x: (yield x), X)
    assert "yield" in error.reason or "generator" in error.reason


def test_columns_are_characters() -> None:
    def function(x: Any) -> Any:
        return {"größe": 1.0}["größe"] * np.frexp(x)

    assert underlined(refused(NoDerivative, function, X)) == "np.frexp(x)"


def test_in_place_is_accepted_where_nobody_sees_it() -> None:
    def function(x: Any) -> Any:
        y = np.exp(x)
        y += 1.0
        y *= x
        z = y - x
        z -= y
        w = np.zeros(3)
        w += x[0]
        return z, w

    check(function, X)


def test_in_place_on_a_zero_dimensional_array() -> None:
    def function(x: Any) -> Any:
        x += 1.0
        return x

    for number in (np.array(1.0), np.float64(1.0), 1.0):
        check(function, number)
