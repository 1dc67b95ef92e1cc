"""Reads a function and compares both views of the program with the function itself."""

from __future__ import annotations

import builtins
import copy
import math
from typing import Any

import numpy as np
import pytest

from symgrad.errors import SymgradError
from symgrad.frontend.reader import read
from symgrad.ir.builder import Builder
from symgrad.ir.functions import parameters_of
from symgrad.ir.interpret import Interpreter
from symgrad.ir.kinds import kind_of_value
from symgrad.ir.program import Program, Value
from symgrad.ir.signature import leaves
from symgrad.pipeline import differentiate
from symgrad.rules.functions import SPELLING
from symgrad.rules.linalg import OPERATIONS
from symgrad.runtime.identity import resolve
from symgrad.runtime.signature import signature_of


def program_of(function: Any, *args: Any, active: Any = (), **kwargs: Any) -> Program:
    parameters = parameters_of(function)
    signature = signature_of(parameters, args, kwargs, function=function)
    arguments = _arguments(function, args, kwargs)
    scope = {**arguments, "np": np}
    found = [access for name, arg in signature.items() for access, _ in leaves(name, arg)]
    shapes = {access: np.shape(eval(access, scope)) for access in found if isinstance(eval(access, scope), np.ndarray)}
    return read(function, signature, shapes, Builder(), differentiate, active=active)


def _arguments(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    bound = parameters_of(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _operation(name: str, params: Any) -> str:
    spelling = OPERATIONS[name].spelling
    return spelling if isinstance(spelling, str) else spelling(**params)


def evaluated(template: str, scope: dict[str, Any]) -> Any:
    """The value of a code: an expression, or a block of statements that changes ``_``."""
    if not template.startswith("_ = "):
        return eval(template, scope)
    names = {**scope, "fresh": np.copy}
    exec(template, names)
    return names["_"]


class Evaluation:
    """Evaluates the two views of a program on the arguments of a call."""

    def __init__(self, program: Program, function: Any, args: Any, kwargs: Any) -> None:
        arguments = _arguments(function, args, kwargs)
        captured = {
            capture.local: resolve(function, capture.path, arguments)
            for capture in program.captures
            if capture.local is not None
        }
        self.scope = {**vars(builtins), "np": np, "math": math, **arguments, **captured}
        inputs = {item.value.tensor.expr.ref: eval(item.access, self.scope) for item in program.inputs}
        self.interpreter = Interpreter(program.builder, inputs, SPELLING, _operation)
        self.codes: dict[Any, Any] = {}
        single = any(np.asarray(array).dtype == np.float32 for array in inputs.values())
        self.tolerance = 1e-4 if single else 1e-9

        for statement in program.body.statements:
            self.code(statement.value.code)

    def code(self, code: Any) -> Any:
        if not code.operands:
            return eval(code.template, self.scope)
        if code not in self.codes:
            operands = {f"_{k}": self.code(operand) for k, operand in enumerate(code.operands)}
            self.codes[code] = evaluated(code.template, {**self.scope, **operands})
        return self.codes[code]

    def compare(self, found: Any, expected: Any) -> None:
        if isinstance(found, Value):
            self._value(found, expected)
        elif isinstance(found, dict):
            assert found.keys() == expected.keys()
            for key, item in found.items():
                self.compare(item, expected[key])
        elif isinstance(found, tuple | list):
            assert len(found) == len(expected)
            for item, other in zip(found, expected, strict=True):
                self.compare(item, other)
        elif hasattr(found, "__dataclass_fields__"):
            assert type(found) is type(expected)
            self.compare(vars(found), vars(expected))
        else:
            assert found == expected
            assert isinstance(found, type(expected))

    def _value(self, value: Value, expected: Any) -> None:
        written = self.code(value.code)
        np.testing.assert_array_equal(written, expected, strict=not isinstance(expected, int | float))
        assert type(written) is type(expected)
        assert value.tensor.kind == kind_of_value(expected)
        meant = self.interpreter.array(value.tensor)
        assert meant.shape == np.shape(expected)
        tolerance = 1e-4 if np.asarray(expected).dtype == np.float32 else self.tolerance
        np.testing.assert_allclose(
            np.asarray(meant, float), np.asarray(expected, float), rtol=tolerance, atol=tolerance
        )


def check(function: Any, *args: Any, **kwargs: Any) -> Program:
    """Read ``function`` and compare what the program means, and what it writes, with what the function returns."""
    program = program_of(function, *args, **kwargs)
    expected = function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    Evaluation(program, function, args, kwargs).compare(program.result, expected)
    return program


def refused(kind: type[SymgradError], function: Any, *args: Any, **kwargs: Any) -> SymgradError:
    """The error that reading ``function`` raises."""
    with pytest.raises(kind) as caught:
        program_of(function, *args, **kwargs)
    return caught.value


def underlined(error: SymgradError) -> str:
    """The part of the user's line that the carets point at."""
    span = error.span
    assert span is not None
    assert span.filename.endswith(".py")
    end = span.end_column if span.end_line == span.line else len(span.text)
    return span.text[span.column : end]
