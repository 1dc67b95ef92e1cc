"""Effects: what a program does besides computing happens once, in order, where it stands."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence

from symgrad.errors import DifferentiationError
from symgrad.frontend.branches import as_condition
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.regions import region
from symgrad.frontend.truth import decided
from symgrad.ir.code import Code
from symgrad.ir.equation import Body, Branch
from symgrad.ir.program import Choose, Effect, Value


def effect(frame: Frame, text: str, operands: Sequence[Code]) -> None:
    """A statement that gives nothing: ``text`` is its template."""
    frame.reader.effects += 1
    frame.reader.statements.append(Effect(Code(f"@do{frame.reader.effects} {text}", tuple(operands))))


def call_for_effect(frame: Frame, name: str, args: Sequence[object], keywords: Mapping[str, object]) -> None:
    """A call of a function that gives nothing."""
    template = Template()
    text = f"{name}({template.arguments(args, keywords)})"
    effect(frame, text, template.operands)


def raising(frame: Frame, node: ast.If, test: Value, body: Sequence[ast.stmt]) -> None:
    """``if test: raise``: the derivative raises, too."""
    last = body[-1]
    assert isinstance(last, ast.Raise)
    condition = as_condition(frame, node.test, test)
    with region(frame.reader) as first:
        for statement in body[:-1]:
            frame.reader.execute(frame, statement)
        effect(frame, f"raise {_exception(frame, last)}", ())
    with region(frame.reader) as second:
        pass
    bodies = (Body(first.builder, ()), Body(second.builder, ()))
    block = frame.builder.block(Branch(condition.tensor, bodies))
    frame.reader.statements.append(Choose(block, condition.now, (first.region, second.region), ((), ()), ()))


def _exception(frame: Frame, node: ast.Raise) -> str:
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
        raise DifferentiationError("this assertion fails for these arguments")
