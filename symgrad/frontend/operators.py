"""Operators: arithmetic, comparison and logic of run-time values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend import texts
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import apply, unknown
from symgrad.frontend.lifting import lifted, number
from symgrad.frontend.members import readable
from symgrad.frontend.runs import repeated
from symgrad.frontend.special_methods import is_overloaded, overloaded
from symgrad.frontend.values import Named, Shape, children, describe, has_values, is_number
from symgrad.ir.program import Value
from symgrad.rules.row import Algebra, Elementwise
from symgrad.rules.table import lookup

BINARY: Mapping[type[ast.operator], tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    ast.Add: ("+", operator.add, np.add),
    ast.Sub: ("-", operator.sub, np.subtract),
    ast.Mult: ("*", operator.mul, np.multiply),
    ast.Div: ("/", operator.truediv, np.true_divide),
    ast.FloorDiv: ("//", operator.floordiv, np.floor_divide),
    ast.Mod: ("%", operator.mod, np.remainder),
    ast.Pow: ("**", operator.pow, np.power),
    ast.MatMult: ("@", operator.matmul, np.matmul),
    ast.BitAnd: ("&", operator.and_, np.bitwise_and),
    ast.BitOr: ("|", operator.or_, np.bitwise_or),
    ast.BitXor: ("^", operator.xor, np.bitwise_xor),
    ast.LShift: ("<<", operator.lshift, np.left_shift),
    ast.RShift: (">>", operator.rshift, np.right_shift),
}
UNARY: Mapping[type[ast.unaryop], tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    ast.USub: ("-", operator.neg, np.negative),
    ast.UAdd: ("+", operator.pos, np.positive),
    ast.Invert: ("~", operator.invert, np.invert),
}
COMPARISONS: Mapping[type[ast.cmpop], tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    ast.Lt: ("<", operator.lt, np.less),
    ast.LtE: ("<=", operator.le, np.less_equal),
    ast.Gt: (">", operator.gt, np.greater),
    ast.GtE: (">=", operator.ge, np.greater_equal),
    ast.Eq: ("==", operator.eq, np.equal),
    ast.NotEq: ("!=", operator.ne, np.not_equal),
}
FUNCTIONS: Mapping[Callable[..., Any], type[ast.operator] | type[ast.unaryop] | type[ast.cmpop]] = {
    function: kind for table in (BINARY, UNARY, COMPARISONS) for kind, (_, function, _) in table.items()
}


def binary(frame: Frame, node: ast.expr, kind: type[ast.operator], left: object, right: object) -> object:
    """``left op right``."""
    text, function, ufunc = BINARY[kind]
    if is_overloaded(frame, kind, left, right):
        return overloaded(frame, node, kind, left, right)
    if not has_values(left) and not has_values(right):
        return _static(frame, node, text, function, (left, right))
    written = texts.operator(frame, node, kind, left, right)
    if written is not None:
        return written
    if isinstance(left, list | tuple) != isinstance(right, list | tuple) and kind is ast.Mult:
        left, right = map(frame.reader.captures.specialised, (left, right))
        for items, count in ((left, right), (right, left)):
            if isinstance(items, list | tuple) and isinstance(count, Value) and not count.tensor.rank:
                return repeated(frame, node, items, count)
    if _are_sequences(left, right):
        with frame.evaluating(node):
            return function(_plain(left), _plain(right))
    return _applied(frame, node, text, function, ufunc, (left, right))


def unary(frame: Frame, node: ast.expr, kind: type[ast.unaryop], operand: object) -> object:
    """``op operand``."""
    text, function, ufunc = UNARY[kind]
    if is_overloaded(frame, kind, operand):
        return overloaded(frame, node, kind, operand)
    if not has_values(operand):
        return _static(frame, node, text, function, (operand,))
    return _applied(frame, node, text, function, ufunc, (operand,))


def comparison(frame: Frame, node: ast.expr, kind: type[ast.cmpop], left: object, right: object) -> object:
    """``left op right`` for one link of a chain of comparisons."""
    if kind in {ast.Is, ast.IsNot}:
        return (left is right) == (kind is ast.Is)
    texts.refuse_comparison(left, right)
    if kind in {ast.In, ast.NotIn}:
        return _contained(frame, node, left, right) == (kind is ast.In)
    text, function, ufunc = COMPARISONS[kind]
    if is_overloaded(frame, kind, left, right):
        return overloaded(frame, node, kind, left, right)
    if not has_values(left) and not has_values(right):
        with frame.evaluating(node):
            return function(left, right)
    if left is None or right is None or isinstance(left, str) or isinstance(right, str):
        return kind is ast.NotEq if kind in {ast.Eq, ast.NotEq} else _mismatch(left, right)
    if _are_sequences(left, right) and isinstance(left, tuple | list) and isinstance(right, tuple | list):
        raise NotYetSupported("containers of run-time values cannot be compared", remedy="compare their items")
    return _applied(frame, node, text, function, ufunc, (left, right))


def _mismatch(left: object, right: object) -> object:
    raise ArgumentError(f"{describe(left)} and {describe(right)} cannot be ordered")


def _contained(frame: Frame, node: ast.expr, item: object, container: object) -> bool:
    if isinstance(container, Value) or has_values(item):
        raise NotYetSupported("a test of run-time values with `in` is not supported", remedy="use np.isin or compare")
    if has_values(container) and not isinstance(container, dict):
        raise NotYetSupported("a container of run-time values is searched", remedy="compare its items")
    for child in children(container):
        readable(child)
    with frame.evaluating(node):
        return bool(operator.contains(container, item))  # type: ignore[arg-type]


def conjunction(frame: Frame, node: ast.expr, first: object, second: object) -> object:
    """Two links of a chain of comparisons together."""
    for link in (first, second):
        if isinstance(link, Value) and link.tensor.rank:
            raise DifferentiationError(
                "a chained comparison of arrays has no truth value", remedy="write (a < b) & (b < c)"
            )
    return binary(frame, node, ast.BitAnd, first, second)


def _are_sequences(left: object, right: object) -> bool:
    """Whether Python's own sequences are joined or repeated."""
    kinds = (tuple, list)
    if isinstance(left, kinds):
        return isinstance(right, (*kinds, int)) and not isinstance(right, Value)
    return isinstance(right, kinds) and isinstance(left, int)


def _plain(item: object) -> Any:
    return tuple(item) if isinstance(item, Shape) else item


def _applied(
    frame: Frame, node: ast.expr, text: str, function: Callable[..., Any], ufunc: object, operands: tuple[object, ...]
) -> object:
    row = lookup(function) or lookup(ufunc)
    if isinstance(row, Elementwise):
        row = replace(row, function=function)
    elif not isinstance(row, Algebra):
        raise unknown(f"the operator {text}")
    values = [lifted(frame, operand, node, position) for position, operand in enumerate(operands)]
    template = Template()
    placed = [template.place(operand) for operand in operands]
    code = template.code(_written(text, placed), frame.line(node))
    result = apply(frame, node, f"the operator {text}", row, values, {}, code)
    if not isinstance(result, Value):
        return result
    if result.tensor.kind is int:
        frame.reader.captures.computed(result, operands, function)
    return result


def _static(
    frame: Frame, node: ast.expr, text: str, function: Callable[..., Any], operands: tuple[object, ...]
) -> object:
    with frame.evaluating(node):
        result = function(*map(_plain, operands))
    if not any(isinstance(operand, Named) for operand in operands) or type(result) is not float:
        return result
    if text in {"//", "%"} or not all(is_number(operand) for operand in operands):
        return result
    template = Template()
    placed = [template.place(operand) for operand in operands]
    return Named.of(
        result, _written(text, placed), function(*(number(frame.builder, operand).expr for operand in operands))
    )


def _written(text: str, placed: list[str]) -> str:
    return f"{placed[0]} {text} {placed[1]}" if len(placed) == 2 else f"{text}{placed[0]}"
