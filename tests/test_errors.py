"""The errors a user meets: each names file and line, underlines the expression, and says why and what to do."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symgrad


def conditional_operation(x):
    return np.sum(np.exp(x, where=x > 0))


def generator(x):
    def numbers():
        yield x[0]

    return sum(numbers())


def complex_numbers(x):
    return np.sum(x * 1j)


def unknown(x):
    return np.sum(np.frexp(x)[0])


def not_a_scalar(x):
    return 2 * x


def nothing(x):
    np.sum(x)


def text(x, name):
    return np.sum(x * name)


def undefined(x):
    return np.sum(1 / (x - x))


def mismatched(x):
    return np.sum(x + np.ones(7))


def outgrown(x):
    y = x[0] * np.ones(1)
    y += x
    return np.sum(y)


def resized(x):
    y = x * 2
    y.resize(2)
    return np.sum(y)


def inner_arguments(x):
    return not_a_scalar(x, x).sum()


X = np.arange(1.0, 4.0)
CASES = [
    (conditional_operation, (X,), symgrad.NotYetSupported, "np.exp(x, where=x > 0)", "where="),
    (generator, (X,), symgrad.UnsupportedSyntax, "yield x[0]", "yield"),
    (complex_numbers, (X,), symgrad.NotYetSupported, "1j", "complex"),
    (unknown, (X,), symgrad.NoDerivative, "np.frexp(x)", "not supported"),
    (not_a_scalar, (X,), symgrad.DifferentiationError, "2 * x", "not a scalar"),
    (nothing, (X,), symgrad.DifferentiationError, "np.sum(x)", "NoneType"),
    (text, (X, "a"), symgrad.SymgradError, "name", "str"),
    (undefined, (X,), symgrad.DifferentiationError, "1 / (x - x)", "division by zero"),
    (mismatched, (X,), symgrad.ShapeError, "x + np.ones(7)", "3 and 7"),
    (outgrown, (X,), symgrad.DifferentiationError, "y += x", "does not fit"),
    (resized, (X,), symgrad.NotYetSupported, "y.resize(2)", "resize"),
    (inner_arguments, (X,), symgrad.SymgradError, "not_a_scalar(x, x)", "argument"),
]


@pytest.mark.parametrize(
    ("function", "args", "kind", "underlined", "reason"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_error_is_located_and_explained(function, args, kind, underlined, reason):
    with pytest.raises(kind) as caught:
        symgrad.grad(function)(*args)
    error = caught.value
    shown = str(error).split("\n")
    place = next(number for number, line in enumerate(shown) if line.startswith('  File "'))
    assert __file__ in shown[place]
    assert re.search(r"line \d+", shown[place])
    assert set(shown[place + 2].strip()) == {"^"}
    line, carets = shown[place + 1], shown[place + 2]
    start = carets.index("^")
    found = line[start : len(carets)]
    assert found in underlined or underlined in line
    assert re.search(reason, error.reason), error.reason


def test_remedies():
    for function, args, kind, _, _ in CASES:
        if kind in (
            symgrad.NotYetSupported,
            symgrad.UnsupportedSyntax,
            symgrad.NoDerivative,
            symgrad.DifferentiationError,
        ):
            with pytest.raises(kind) as caught:
                symgrad.grad(function)(*args)
            assert caught.value.remedy, function.__name__


def test_wrong_number_of_arguments():
    with pytest.raises(TypeError, match="unknown"):
        symgrad.grad(unknown)(X, X)
    with pytest.raises(symgrad.SymgradError):
        symgrad.grad(unknown)()


def test_source_that_is_not_available():
    scope: dict[str, object] = {"np": np}
    exec("def hidden(x):\n    return np.sum(x)\n", scope)
    with pytest.raises(symgrad.SourceNotAvailable, match="hidden") as caught:
        symgrad.grad(scope["hidden"])(X)
    assert caught.value.remedy
