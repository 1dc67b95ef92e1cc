"""Effects: what a program does besides computing happens once, in order, where it stands."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symgrad.errors import DifferentiationError
from symgrad.frontend.code_writer import Template, spelling
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.texts import Shown
from symgrad.frontend.truth import decided
from symgrad.frontend.values import children, leaves
from symgrad.ir.code import Code
from symgrad.ir.program import ONCE, Define, Effect, Value
from symgrad.ir.tensor import Expr, Kind, Tensor


def effect(frame: Frame, text: str, operands: Sequence[Code]) -> None:
    """A statement that gives nothing: ``text`` is its template."""
    frame.reader.effects += 1
    frame.reader.statements.append(Effect(Code(f"@do{frame.reader.effects} {text}", tuple(operands))))


def once(frame: Frame, code: Code) -> Code:
    """Code that is computed once, where it stands; it is equal to no other."""
    frame.reader.effects += 1
    made = replace(code, operands=(*code.operands, Code(f"{ONCE}{frame.reader.effects}")))
    frame.reader.statements.append(Effect(made))
    return made


def rename(reader: Reader, code: Code) -> None:
    """What happens once and has a value gets its name where it happens."""
    for place in range(len(reader.statements) - 1, -1, -1):
        statement = reader.statements[place]
        if isinstance(statement, Effect) and statement.code == code:
            reader.statements[place] = Effect(code)
            return


def observed(
    frame: Frame, code: Code, shape: Sequence[Expr], kind: Kind, operands: Sequence[Tensor] = (), name: str = ""
) -> Value:
    """The number or array that comes out of something that happens once.

    ``operands`` are what it may depend on, without a derivative that is known.
    """
    made = once(frame, code)
    params = (("number", frame.reader.effects), ("name", name))
    value = Value(frame.builder.op("opaque", operands, shape, kind, params), made)
    frame.reader.statements.append(Define(value.now, None, None))
    return value


def call_for_effect(frame: Frame, function: object, args: Sequence[object], keywords: Mapping[str, object]) -> None:
    """A call of a function that gives nothing."""
    template = Shown(frame)
    called = function_text(frame, template, function)
    effect(frame, f"{called}({template.arguments(args, keywords)})", template.operands)


def function_text(frame: Frame, template: Template, function: object) -> str:
    """How the generated code calls a function."""
    name = getattr(function, "__name__", "function")
    spelled = spelling(function)
    if spelled is None and getattr(np.random, name, None) is function:
        spelled = f"np.random.{name}"
    return template.operand(frame.reader.captures.opaque(function, name)) if spelled is None else spelled


def escaped(frame: Frame, item: object) -> None:
    """What an object from outside holds from now on: it may not be changed any more."""
    for value in leaves(item):
        if frame.reader.aliasing.is_array(value):
            frame.reader.aliasing.freeze(value, "this changes an array that an object from outside holds")
    if isinstance(item, list | dict | set):
        frame.reader.aliasing.foreign(item)
    for child in children(item):
        escaped(frame, child)


def exception_text(frame: Frame, node: ast.Raise) -> str:
    """The text of an exception of Python's own, with its message where that is known."""
    made = node.exc
    called = made.func if isinstance(made, ast.Call) else made
    name = called.id if isinstance(called, ast.Name) else ""
    known = getattr(builtins, name, None)
    if not (isinstance(known, type) and issubclass(known, BaseException)):
        return f"RuntimeError({frame.source.text(node)!r})"
    if not isinstance(made, ast.Call) or made.keywords:
        return name
    if all(isinstance(argument, ast.Constant) for argument in made.args):
        return f"{name}({', '.join(repr(argument.value) for argument in made.args)})"  # type: ignore[attr-defined]
    return f"{name}({frame.source.text(made)!r})"


def assertion(frame: Frame, node: ast.Assert) -> None:
    """``assert``: at run time where it depends on the arguments."""
    found = decided(frame, node.test, frame.reader.evaluate(frame, node.test))
    if isinstance(found, Value):
        effect(frame, "assert _0", (found.code,))
    elif not found:
        raise DifferentiationError("this assertion fails for these arguments", exception="AssertionError")
