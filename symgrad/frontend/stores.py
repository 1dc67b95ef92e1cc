"""Stores: assignments to parts of arrays and containers, and changes of arrays in place."""

from __future__ import annotations

import ast

import numpy as np

from symgrad.errors import ArgumentError, DifferentiationError
from symgrad.frontend.attributes import lowered, subscript
from symgrad.frontend.code_writer import Template
from symgrad.frontend.containers import augmented as augmented_container
from symgrad.frontend.containers import set_item
from symgrad.frontend.environment import held
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import lifted
from symgrad.frontend.operators import BINARY, binary
from symgrad.frontend.values import describe
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Define, Value
from symgrad.ir.tensor import Tensor
from symgrad.rules.stores import distinct, increment, repeats, store

INCREMENTS: dict[type[ast.operator], int] = {ast.Add: 1, ast.Sub: -1}


def set_part(frame: Frame, node: ast.expr, owner: object, key: object, item: object) -> None:
    """``owner[key] = item``."""
    if not isinstance(owner, Value):
        set_item(frame, node, owner, key, item)
        return
    _check(owner)
    value = lifted(frame, item, node)
    template = Template()
    template.operand(owner.code)
    text = f"_ = fresh(_0)\n_[{template.subscript(key)}] = {template.operand(value.code)}"
    tensor = store(frame.builder, owner.tensor, lowered(frame, key), value.tensor, distinct=distinct(key))
    changed(frame, owner, tensor, template.code(text, frame.line(node)))


def _check(owner: Value) -> None:
    if is_python(owner.tensor.kind):
        raise ArgumentError("a number has no parts that could be changed", remedy="give an array")


def changed(frame: Frame, owner: Value, tensor: Tensor, code: Code) -> None:
    """The array has new contents."""
    name = owner.code.name if owner.code.operands or owner.code.name else owner.code.template
    code = Code(code.template, code.operands, name if name and name.isidentifier() else None, code.line)
    reader = frame.reader
    before = reader.aliasing.group(reader.aliasing.root(owner))
    settled = (
        frame.builder.define(tensor, name or "x") if name and name.isidentifier() else frame.builder.define(tensor)
    )
    reached = held(reader)
    reader.aliasing.change(owner, settled, code, reached.__contains__)
    for value in before:
        if value in reached or not reader.aliasing.is_released(value):
            reader.statements.append(Define(value.now, value.code.name, None))


def augmented(frame: Frame, node: ast.AugAssign) -> None:
    """``x op= y`` for a part of an array or of a container, or for an attribute."""
    evaluate = frame.reader.evaluate
    target = node.target
    assert isinstance(target, ast.Subscript)
    owner, key = evaluate(frame, target.value), evaluate(frame, target.slice)
    if isinstance(owner, Value):
        _augment_part(frame, node, owner, key)
        return
    before = subscript(frame, target, owner, key)
    after = augment(frame, node, before)
    set_item(frame, target, owner, key, after)


def _augment_part(frame: Frame, node: ast.AugAssign, owner: Value, key: object) -> None:
    """``x[key] op= y``: NumPy reads the part, computes, and stores."""
    _check(owner)
    kind = type(node.op)
    part = subscript(frame, node.target, owner, key)
    given = frame.reader.evaluate(frame, node.value)
    value = lifted(frame, given, node.value)
    places, is_distinct = lowered(frame, key), distinct(key)
    if kind in INCREMENTS and (is_distinct or not repeats(places)) and not _truncates(owner, value):
        signed = Tensor(INCREMENTS[kind] * value.tensor.expr, value.tensor.indices, value.tensor.kind)
        tensor = increment(frame.builder, owner.tensor, places, signed, distinct=is_distinct)
    else:
        place = ast.copy_location(ast.BinOp(ast.copy_location(ast.Constant(0), node), node.op, node.value), node)
        after = binary(frame, place, kind, part, given)
        assert isinstance(after, Value)
        tensor = store(frame.builder, owner.tensor, places, after.tensor, distinct=is_distinct)
    template = Template()
    template.operand(owner.code)
    text = f"_ = fresh(_0)\n_[{template.subscript(key)}] {BINARY[kind][0]}= {template.operand(value.code)}"
    changed(frame, owner, tensor, template.code(text, frame.line(node)))


def _truncates(owner: Value, value: Value) -> bool:
    """Whether the array cannot hold what is added: NumPy refuses, or rounds."""
    return np.dtype(owner.tensor.kind).kind not in "fc" and np.dtype(value.tensor.kind).kind in "fc"


def augment(frame: Frame, node: ast.AugAssign, before: object) -> object:
    """The result of ``before op= value``: an array changes in place, anything else gives a new object."""
    given = frame.reader.evaluate(frame, node.value)
    left = ast.copy_location(ast.Constant(0), node)
    place = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
    after = augmented_container(frame, place, type(node.op), before, given)
    if after is not None:
        return after
    after = binary(frame, place, type(node.op), before, given)
    if not isinstance(before, Value) or not frame.reader.aliasing.is_array(before):
        return after
    _check_fits(before, after)
    assert isinstance(after, Value)
    value = lifted(frame, given, node.value)
    text = f"_ = fresh(_0)\n_ {BINARY[type(node.op)][0]}= _1"
    tensor = Tensor(_over(frame, after.tensor, before.tensor), before.tensor.indices, before.tensor.kind)
    changed(frame, before, tensor, Code(text, (before.code, value.code), None, frame.line(node)))
    return before


def _check_fits(before: Value, after: object) -> None:
    old = before.tensor
    if not isinstance(after, Value) or after.tensor.rank > old.rank:
        raise DifferentiationError(f"{describe(after)} does not fit into this array", remedy="make a new array")
    new = np.dtype(after.tensor.kind)
    if not np.can_cast(new, np.dtype(old.kind), "same_kind"):
        raise DifferentiationError(
            f"{new} does not fit into an array of {np.dtype(old.kind)}", remedy="start with an array of floats"
        )


def _over(frame: Frame, tensor: Tensor, array: Tensor) -> object:
    """The formula of a result over the axes of the array that it goes into."""
    own = array.indices[array.rank - tensor.rank :]
    renames = []
    for old, new in zip(tensor.indices, own, strict=True):
        if old is not None and new is not None:
            frame.builder.sizes.unify(old.size, new.size)
        if old is not None and new is None:
            reason = "the result does not fit into this array"
            raise DifferentiationError(reason, remedy="make a new array", exception=f"ValueError({reason!r})")
        renames.append(None if old is None else new)
    return frame.builder.rename(tensor, renames)
