"""Definitions that rows are written in, read on tensors: matrix differentials and the like."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgrad.errors import InternalError
from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.arguments import Arguments
from symgrad.frontend.calls import call
from symgrad.frontend.captures import Captures
from symgrad.frontend.expressions import evaluate as evaluate_expression
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.inlining import inline_definition
from symgrad.frontend.source import Source
from symgrad.frontend.statements import execute, run
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor


def evaluate(
    builder: Builder,
    definition: Callable[..., Any],
    operands: Sequence[Tensor | object],
    keywords: Mapping[str, object],
) -> Tensor:
    """``definition(*operands, **keywords)`` in index notation; operands that are not tensors are static."""
    arguments = Arguments(builder, {}, (), Aliasing())
    reader = Reader(builder, arguments, Captures(arguments, set()), run, call, evaluate_expression, execute, _without)
    node = ast.Constant(None, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    frame = Frame(reader, Source("<rule>", (), ast.Module([], [])), ast.Lambda(_NOTHING, node), {})
    values = [
        Value(operand, Code(f"operand_{place}")) if isinstance(operand, Tensor) else operand
        for place, operand in enumerate(operands)
    ]
    result = inline_definition(frame, node, definition, values, keywords)
    if not isinstance(result, Value):
        raise InternalError(f"the rule {definition.__name__} does not give an array")
    return result.tensor


def _without(*_: object) -> Sequence[Tensor]:
    raise InternalError("a rule asks for a derivative")


_NOTHING = ast.arguments([], [], None, [], [], None, [])
