"""Lifting: static numbers and containers of numbers as run-time values, where an operation needs arrays."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, InternalError, NotYetSupported
from symgrad.frontend.code_writer import Template, literal
from symgrad.frontend.frame import Frame
from symgrad.frontend.values import Named, describe, is_number, leaves, mapped
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Equation, Map
from symgrad.ir.program import Input, Value
from symgrad.ir.tensor import Entry, Expr, Tensor
from symgrad.rules.row import Algebra
from symgrad.rules.table import lookup

MOST_NODES = 48


def lifted(frame: Frame, item: object, node: ast.expr, position: int | None = None) -> Value:
    """An operand as a value; ``position`` tells which argument of a call it is."""
    if isinstance(item, Value):
        return item
    if is_number(item):
        return Value(number(frame.builder, item), Code(literal(item)))
    if isinstance(item, list | tuple):
        return _array(frame, item, node)
    operand = _operand(node, position)
    raise ArgumentError(
        f"{frame.source.text(operand)} is {describe(item)}, where an array or a number is expected",
        span=frame.span(operand),
    )


def number(builder: Builder, item: object) -> Tensor:
    """A static number as a tensor without axes."""
    if isinstance(item, Named):
        return Tensor(item.expr, (), float)
    if isinstance(item, np.generic):
        return builder.constant(item.item(), item.dtype)
    if isinstance(item, complex):
        raise NotYetSupported("complex numbers are not supported yet", remedy="compute with real and imaginary parts")
    assert isinstance(item, bool | int | float)
    return builder.constant(item)


def equal(builder: Builder, tensor: Tensor, name: str) -> Tensor:
    """An array of its own that is equal to another one: what it is differentiated with respect to."""
    made = builder.carried(name, tensor.shape, tensor.kind)
    assert isinstance(made.expr, Entry)
    body = builder.rename(tensor, made.indices)
    builder.equations[made.expr.ref] = Equation(made.expr.ref, made.free, Map(body))
    return made


def constant_array(frame: Frame, array: np.ndarray[Any, Any], code: Code) -> Value:
    """An array that is known while compiling: an input that its own text makes."""
    access = code.template
    for known in frame.reader.arguments.inputs:
        if known.access == access and known.argument is None:
            return known.value.now
    shape = [sympy.Integer(length) for length in array.shape]
    value = Value(frame.builder.input("constant", shape, array.dtype), code)
    frame.reader.arguments.inputs.append(Input(access, value.now, None))
    return value


def _array(frame: Frame, item: list[object] | tuple[object, ...], node: ast.expr) -> Value:
    """A list in arithmetic with an array: NumPy makes an array of it."""
    template = Template()
    code = template.code(template.place(item), frame.line(node))
    if not leaves(item):
        return constant_array(frame, np.array(item), Code(f"np.array({code.template})"))
    row = lookup(np.array)
    if not isinstance(row, Algebra):
        raise InternalError("np.array has no row")
    nested = mapped(item, lambda leaf: leaf.tensor if isinstance(leaf, Value) else leaf)
    result = row.lower(frame.builder, nested)
    assert isinstance(result, Tensor)
    return Value(result, code)


def _operand(node: ast.expr, position: int | None) -> ast.expr:
    """The part of an expression that an operand was written as."""
    match node:
        case ast.BinOp(left, _, right) if position is not None:
            return (left, right)[position]
        case ast.Compare(left, _, comparators) if position is not None:
            return (left, *comparators)[position]
        case ast.UnaryOp(_, operand):
            return operand
        case ast.Call(_, args) if position is not None and position < len(args):
            return args[position]
    return node


def bounded(builder: Builder, tensor: Tensor) -> Tensor:
    """The same tensor; a formula that grew long gets a name, so that formulas stay small."""
    return builder.define(tensor) if _nodes(tensor.expr) > MOST_NODES else tensor


def _nodes(expr: Expr) -> int:
    """The number of nodes of a formula, counted no further than needed."""
    count, pending = 0, [expr]
    while pending and count <= MOST_NODES:
        count += 1
        pending.extend(pending.pop().args)
    return count
