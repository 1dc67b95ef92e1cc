"""Statements: every kind of node has a case here, or is refused."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from symgrad.errors import DifferentiationError, NotYetSupported, Span, SymgradError, UnsupportedSyntax
from symgrad.frontend.expressions import closure, evaluate, iterated
from symgrad.frontend.frame import Frame
from symgrad.frontend.imports import import_from, import_modules
from symgrad.frontend.operators import binary
from symgrad.frontend.targets import assign, mutation
from symgrad.frontend.truth import truth
from symgrad.frontend.values import describe
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value


@dataclass(frozen=True)
class Returned:
    """A ``return`` was reached."""

    item: object
    span: Span | None


class Jump(Enum):
    """A ``break`` or ``continue`` was reached."""

    BREAK = "break"
    CONTINUE = "continue"


Outcome = Returned | Jump | None
LATER: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: ("a while loop is not supported yet", "write the steps out, or loop over a range of known length"),
    ast.With: ("a with statement is not supported yet", "move it out of the function"),
    ast.Try: ("a try statement is not supported yet", "move it out of the function"),
    ast.Match: ("a match statement is not supported yet", "use if on values known while compiling"),
    ast.Delete: ("del is not supported yet", "leave the variable"),
    ast.Global: ("assigning global variables is not supported yet", "return the value"),
    ast.Nonlocal: ("assigning variables of the enclosing function is not supported yet", "return the value"),
    ast.ClassDef: ("a class inside of the function is not supported yet", "define it at module level"),
}


def run(frame: Frame) -> object:
    """Execute the body of a frame and give what it returns."""
    if isinstance(frame.node, ast.Lambda):
        return evaluate(frame, frame.node.body)
    outcome = block(frame, frame.node.body)
    return outcome.item if isinstance(outcome, Returned) else None


def block(frame: Frame, statements: Sequence[ast.stmt]) -> Outcome:
    """Execute statements up to the first that leaves the block."""
    for statement in statements:
        outcome = execute(frame, statement)
        if outcome is not None:
            return outcome
    return None


def execute(frame: Frame, node: ast.stmt) -> Outcome:
    """Execute one statement; errors are located at it or deeper."""
    try:
        return _executed(frame, node)
    except SymgradError as error:
        frame.locate(error, node)
        raise


def _executed(frame: Frame, node: ast.stmt) -> Outcome:
    match node:
        case ast.Return(value):
            return Returned(None if value is None else evaluate(frame, value), frame.span(value or node))
        case ast.Assign(targets, value):
            item = evaluate(frame, value)
            for target in targets:
                item = _assigned(frame, target, item)
        case ast.AnnAssign(target, _, value):
            if value is not None:
                assign(frame, target, evaluate(frame, value))
        case ast.AugAssign():
            _augment(frame, node)
        case ast.Expr(value):
            evaluate(frame, value)
        case ast.If(test, body, orelse):
            return block(frame, body if truth(frame, test, evaluate(frame, test)) else orelse)
        case ast.For():
            return _loop(frame, node)
        case _:
            return _simple(frame, node)
    return None


def _assigned(frame: Frame, target: ast.expr, item: object) -> object:
    """Assign; a further target of the same statement gets the same, named value."""
    assign(frame, target, item)
    return frame.variables[target.id] if isinstance(target, ast.Name) else item


def _simple(frame: Frame, node: ast.stmt) -> Outcome:
    match node:
        case ast.Pass():
            pass
        case ast.Break():
            return Jump.BREAK
        case ast.Continue():
            return Jump.CONTINUE
        case ast.Assert(test):
            if not truth(frame, test, evaluate(frame, test)):
                raise DifferentiationError("this assertion fails for these arguments")
        case ast.FunctionDef():
            _define(frame, node)
        case ast.Import(names):
            import_modules(frame, names)
        case ast.ImportFrom():
            import_from(frame, node)
        case ast.Raise():
            raise DifferentiationError("the function raises here for these arguments", remedy="call it with others")
        case _ if type(node) in LATER:
            reason, remedy = LATER[type(node)]
            raise NotYetSupported(reason, remedy=remedy, span=_head(frame, node))
        case _:
            raise UnsupportedSyntax(f"{type(node).__name__} is not supported", span=_head(frame, node))
    return None


def _head(frame: Frame, node: ast.stmt) -> Span | None:
    """The place of the first line of a statement."""
    span = frame.span(node)
    return None if span is None else replace(span, end_line=span.line, end_column=len(span.text))


def _define(frame: Frame, node: ast.FunctionDef) -> None:
    made: object = closure(frame, node)
    for decorator in reversed(node.decorator_list):
        function = evaluate(frame, decorator)
        made = frame.reader.call(frame, decorator, function, (made,), {})
    assign(frame, ast.copy_location(ast.Name(node.name, ast.Store()), node), made)


def _loop(frame: Frame, node: ast.For) -> Outcome:
    """A loop over a container that is known while compiling, one round after the other."""
    for item in iterated(frame, node.iter):
        assign(frame, node.target, item)
        outcome = block(frame, node.body)
        if isinstance(outcome, Returned):
            return outcome
        if outcome is Jump.BREAK:
            return None
    return block(frame, node.orelse)


def _augment(frame: Frame, node: ast.AugAssign) -> None:
    """``x += y``: a new value of the variable, where nobody else can see that an array changes in place."""
    if not isinstance(node.target, ast.Name):
        raise mutation(frame, node.target)
    name = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
    before = evaluate(frame, name)
    place = ast.copy_location(ast.BinOp(name, node.op, node.value), node)
    after = binary(frame, place, type(node.op), before, evaluate(frame, node.value))
    if isinstance(before, list | dict | set):
        raise NotYetSupported(f"changing {describe(before)} in place is not supported yet", remedy="make a new one")
    if isinstance(before, Value):
        _check_in_place(frame, node.target.id, before, after)
    assign(frame, node.target, after)


def _check_in_place(frame: Frame, name: str, before: Value, after: object) -> None:
    """Refuse a change in place that is not the same as a new value."""
    old = before.tensor
    if is_python(old.kind) or (not old.rank and not frame.reader.aliasing.is_array(before)):
        return
    if not isinstance(after, Value) or after.tensor.kind != old.kind or after.tensor.rank != old.rank:
        raise NotYetSupported(
            f"this changes the array {name} in place, and its result has another type or shape",
            remedy=f"write {name} = {name} ...",
        )
    sizes = frame.builder.sizes
    same = all(sizes.same(*lengths) for lengths in zip(after.tensor.shape, old.shape, strict=True))
    if not same or not frame.reader.aliasing.exclusive(before):
        raise NotYetSupported(
            f"this changes the array {name} in place, which others may see (an argument, another variable, a view)",
            remedy=f"write {name} = {name} ..., which makes a new array",
        )
