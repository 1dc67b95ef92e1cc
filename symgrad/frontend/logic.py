"""Logic of truth values that are known at run time only."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import sympy

from symgrad.frontend.branches import as_condition, branch
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.frame import Frame
from symgrad.frontend.merging import number_or_value
from symgrad.frontend.outcomes import Flow, Truth
from symgrad.frontend.truth import decided
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor

PURE = (abs, bool, float, int, len, max, min, round, sum)


def disjunction(frame: Frame, node: ast.AST, flags: Sequence[Truth]) -> Value:
    """Whether one of the flags is set."""
    values = [value for flag in flags if (value := number_or_value(frame.reader, flag)) is not None]
    conditions = [as_condition(frame, node, value) for value in values]
    unset = sympy.Mul(*(1 - condition.tensor.expr for condition in conditions))
    tensor = frame.builder.define(Tensor(sympy.expand(1 - unset), (), np.dtype(bool)), "c")
    text = " or ".join(f"_{place}" for place in range(len(values)))
    code = values[0].code if len(values) == 1 else Code(text, tuple(value.code for value in values))
    return Value(tensor, code)


def negation(frame: Frame, node: ast.expr, operand: ast.expr) -> object:
    """``not operand``."""
    found = decided(frame, operand, frame.reader.evaluate(frame, operand))
    if isinstance(found, bool):
        return not found
    condition = as_condition(frame, operand, found)
    tensor = Tensor(1 - condition.tensor.expr, (), bool)
    return Value(frame.builder.define(tensor, "c"), Code("not _0", (found.code,), None, frame.line(node)))


def choice(frame: Frame, node: ast.expr, test: ast.expr, first: ast.expr, second: ast.expr) -> object:
    """``first if test else second``."""
    evaluate = frame.reader.evaluate
    found = decided(frame, test, evaluate(frame, test))
    if isinstance(found, bool):
        return evaluate(frame, first if found else second)
    return _either(frame, node, found, lambda: evaluate(frame, first), lambda: evaluate(frame, second))


def is_stepwise(frame: Frame, node: ast.Compare) -> bool:
    """Whether a link of a chained comparison, but the first, evaluates what may have effects."""
    calls = [part for operand in node.comparators[1:] for part in ast.walk(operand) if isinstance(part, ast.Call)]
    return not all(is_pure(frame, call) for call in calls)


def both(frame: Frame, node: ast.expr, first: object, second: Callable[[], object]) -> object:
    """``first and second``."""
    found = decided(frame, node, first)
    if isinstance(found, bool):
        return second() if found else first
    return _either(frame, node, found, second, lambda: first)


def is_pure(frame: Frame, node: ast.Call) -> bool:
    """Whether a call is one of a function that changes nothing."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    if not isinstance(owner, ast.Name) or any(keyword.arg is None for keyword in node.keywords):
        return False
    if owner is not node.func and not isinstance(frame.lookup(owner.id), ModuleType):
        return False
    function = frame.reader.evaluate(frame, node.func)
    if isinstance(function, np.ufunc):
        return not node.keywords and len(node.args) == function.nin
    return any(function is pure for pure in PURE)


def _either(
    frame: Frame, node: ast.expr, condition: Value, first: Callable[[], object], second: Callable[[], object]
) -> object:
    flow = branch(
        frame, node, condition, lambda: Flow(returned=True, item=first()), lambda: Flow(returned=True, item=second())
    )
    if isinstance(flow.item, Conflict):
        raise Undecided(flow.item)
    return flow.item


def logic(frame: Frame, node: ast.BoolOp) -> object:
    """``and``, ``or``: an operand is evaluated only where those before it have not decided."""
    return _logic(frame, node, node.values)


def _logic(frame: Frame, node: ast.BoolOp, operands: Sequence[ast.expr]) -> object:
    first = frame.reader.evaluate(frame, operands[0])
    if len(operands) == 1:
        return first
    stop = isinstance(node.op, ast.Or)
    found = decided(frame, operands[0], first)
    if isinstance(found, bool):
        return first if found == stop else _logic(frame, node, operands[1:])
    rest = operands[1:]
    if stop:
        return _either(frame, node, found, lambda: first, lambda: _logic(frame, node, rest))
    return _either(frame, node, found, lambda: _logic(frame, node, rest), lambda: first)
