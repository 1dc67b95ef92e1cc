from __future__ import annotations

from typing import Any

import numpy as np
from reading import program_of, refused, underlined

from symgrad.errors import DifferentiationError, NotYetSupported
from symgrad.ir.equation import Op

X = np.array([[0.3, -1.2, 0.7], [2.0, 0.4, -0.1]])
calls: list[Any] = []


class Custom:
    """What ``symgrad.custom_gradient`` makes, as far as the frontend is concerned."""

    def __init__(self, function: Any) -> None:
        self.__symgrad_custom_gradient__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__symgrad_custom_gradient__(*args, **kwargs)[0]


@Custom
def log1pexp(x: Any) -> Any:
    e = np.exp(x)
    calls.append(1)
    print("called")  # noqa: T201

    def grad(upstream: Any) -> Any:
        return upstream * (1 - 1 / (1 + e))

    return np.log(1 + e), grad


@Custom
def opaque(x: Any) -> Any:
    return np.frexp(x)[0], lambda upstream: upstream


@Custom
def annotated(x: float64[n, d], k: Any = 1) -> "float64[d, 4]":  # noqa: F821, UP037
    return np.frexp(x)[0], lambda upstream: upstream


@Custom
def wrong(x: Any) -> "float64[m]":  # noqa: F821, UP037
    return np.frexp(x)[0], lambda upstream: upstream


def custom_ops(program: Any) -> list[Op]:
    return [eq.definition for eq in program.builder.equations.values() if isinstance(eq.definition, Op)]


def test_the_call_is_an_operation() -> None:
    program = program_of(lambda x: np.sum(log1pexp(x @ x.T)), X)
    (op,) = custom_ops(program)
    assert op.name == "custom_gradient"
    assert op.param("function") == "log1pexp"
    code = program.result.code.operands[0]
    assert code.template == "_0[0]"
    (call,) = code.operands
    assert [operand.template for operand in call.operands] == ["log1pexp", "_0 @ _1"]
    locals_ = {capture.path: capture.local for capture in program.captures}
    assert locals_["globals", "log1pexp", "attribute", "__symgrad_custom_gradient__"] == "log1pexp"


def test_its_body_leaves_no_trace() -> None:
    program = program_of(lambda x: log1pexp(x) + 1.0, X)
    assert [op.name for op in custom_ops(program)] == ["custom_gradient"]
    assert len(program.builder.equations) == 1
    assert not calls
    assert program.result.tensor.rank == 2


def test_scalars() -> None:
    program = program_of(lambda x: -log1pexp(x), 0.5)
    assert program.result.tensor.kind == np.float64
    assert program.result.tensor.rank == 0


def test_each_call_is_a_call() -> None:
    program = program_of(lambda x: log1pexp(x) + log1pexp(x), X)
    assert len(custom_ops(program)) == 2
    first, second = program.result.code.operands
    assert first != second


def test_annotated_results() -> None:
    program = program_of(lambda x: annotated(x, k=2), X)
    assert program.result.tensor.kind == np.float64
    assert program.builder.sizes.value(program.result.tensor.shape[1]) == 4
    assert program.result.tensor.shape[0] == program.inputs[0].value.tensor.shape[1]


def test_results_of_unknown_type() -> None:
    error = refused(DifferentiationError, lambda x: -opaque(x), X)
    assert underlined(error) == "opaque(x)"
    assert '"float64[n]"' in error.remedy
    assert "the length m" in refused(DifferentiationError, lambda x: -wrong(x), X).reason


def test_containers_are_refused() -> None:
    refused(NotYetSupported, lambda x: log1pexp([x, x]), X)
