from __future__ import annotations

import linecache
import textwrap
from typing import Any

import numpy as np
import pytest
from reading import check, program_of, refused, underlined

from symgrad.errors import NoDerivative, SourceNotAvailable
from symgrad.frontend.reader import underlying
from symgrad.frontend.source import locate


def registered(name: str, text: str) -> dict[str, Any]:
    text = textwrap.dedent(text)
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    scope: dict[str, Any] = {"np": np}
    exec(compile(text, name, "exec"), scope)
    return scope


def identity(function: Any) -> Any:
    return function


@identity
@identity
def decorated(x: Any) -> Any:
    return x * 3.0


def test_functions() -> None:
    def nested(x: Any) -> Any:
        return x * 2.0

    check(nested, 0.5)
    check(decorated, 0.5)


def test_lambdas_on_one_line() -> None:
    f, g, h = lambda x: x + 1.0, lambda x: x * 2.0, lambda y: (lambda z: z * y)(3.0)  # noqa: PLC3002
    check(f, 0.5)
    check(g, 0.5)
    check(h, 0.5)
    made = [(lambda x: lambda y: x * y) for _ in range(2)]
    check(made[0](2.0), 0.5)


def test_lambdas_over_several_lines() -> None:
    f = (  # noqa: E731
        lambda x:
        np.exp(
            x
        ) + 1.0
    )  # fmt: skip
    check(f, 0.5)


def test_lambdas_that_cannot_be_told_apart() -> None:
    scope = registered("<twins>", "pair = (lambda x: x + 1.0), (lambda x: x * 2.0)\n")
    code = scope["pair"][0].__code__
    scope["pair"][0].__code__ = code.replace(co_linetable=b"")
    with pytest.raises(SourceNotAvailable) as caught:
        program_of(scope["pair"][0], 1.0)
    assert "cannot be told apart" in caught.value.reason
    assert "def" in caught.value.remedy
    assert caught.value.span is not None


def test_registered_source() -> None:
    scope = registered("<cell 1>", "def cube(x):\n    return x**3\n")
    check(scope["cube"], 0.5)


def test_source_that_is_not_available() -> None:
    scope: dict[str, Any] = {}
    exec("def cube(x):\n    return x**3\n", scope)
    error = refused(SourceNotAvailable, scope["cube"], 1.0)
    assert "cube" in error.reason
    assert "linecache" in error.remedy


def test_inlined_function_without_source() -> None:
    scope: dict[str, Any] = {}
    exec("def cube(x):\n    return x**3\n", scope)
    cube = scope["cube"]
    error = refused(SourceNotAvailable, lambda x: cube(x) + 1, 1.0)
    assert underlined(error) == "cube(x)"


def test_changed_source_is_noticed() -> None:
    scope = registered("<cell 2>", "def square(x):\n    return x**2\n")
    lines = ["# moved\n", "\n", "def square(x):\n", "    return x**2\n"]
    linecache.cache["<cell 2>"] = 1, None, lines, "<cell 2>"
    assert "load the module again" in refused(SourceNotAvailable, scope["square"], 1.0).remedy


def test_inlined_functions_keep_their_own_place() -> None:
    scope = registered("<cell 3>", "def inner(x):\n    return np.frexp(x)[0]\n")
    inner = scope["inner"]
    error = refused(NoDerivative, lambda x: -inner(x), 1.0)
    assert error.span is not None
    assert (error.span.filename, error.span.line) == ("<cell 3>", 2)


def test_builtin_functions_have_no_source() -> None:
    with pytest.raises(SourceNotAvailable):
        underlying(len)


def test_spans_in_characters() -> None:
    source, node = locate(lambda naïve: "é" + str(naïve))  # type: ignore[arg-type]  # noqa: PLC2401
    span = source.span(node)
    assert span is not None
    assert span.text[span.column : span.end_column] == 'lambda naïve: "é" + str(naïve)'
