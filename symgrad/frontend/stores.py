"""Stores: assignments to parts of arrays and containers, and changes of arrays in place."""

from __future__ import annotations

import ast

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError
from symgrad.frontend.attributes import lowered, subscript
from symgrad.frontend.code_writer import Template
from symgrad.frontend.containers import augmented as augmented_container
from symgrad.frontend.containers import set_item
from symgrad.frontend.environment import held
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import lifted
from symgrad.frontend.operators import BINARY, binary
from symgrad.frontend.strides import is_read_in_time, of_part
from symgrad.frontend.values import describe
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Define, Value
from symgrad.ir.tensor import BOOLEAN, Entry, Tensor
from symgrad.rules.indexing import index
from symgrad.rules.stores import distinct, increment, repeats, store

INCREMENTS: dict[type[ast.operator], int] = {ast.Add: 1, ast.Sub: -1}


def set_part(frame: Frame, node: ast.expr, owner: object, key: object, item: object) -> None:
    """``owner[key] = item``."""
    if not isinstance(owner, Value):
        set_item(frame, node, owner, key, item)
        return
    _check(owner)
    value = lifted(frame, item, node)
    _check_order(frame, owner, key, value)
    template = Template()
    template.operand(owner.code)
    text = f"_ = fresh(_0)\n_[{template.subscript(key)}] = {template.operand(value.code)}"
    tensor = store(frame.builder, owner.tensor, lowered(frame, key), value.tensor, distinct=distinct(key))
    changed(frame, owner, tensor, template.code(text, frame.line(node)))


def _check_order(frame: Frame, owner: Value, key: object, value: Value) -> None:
    """NumPy must read all of ``value`` before it overwrites a part of it."""
    aliasing, parts = frame.reader.aliasing, key if isinstance(key, tuple) else (key,)
    arrays = [part.tensor for part in parts if isinstance(part, Value) and part.tensor.rank]
    if any(array.kind not in BOOLEAN for array in arrays) or any(isinstance(part, list) for part in parts):
        return
    whole = sum(array.rank for array in arrays) == owner.tensor.rank
    if arrays and not whole:
        return
    if arrays or aliasing.is_one_by_one(owner) or not _is_read_in_time(frame, owner, parts, value):
        check_apart(frame, owner, value)


def _is_read_in_time(frame: Frame, owner: Value, parts: tuple[object, ...], value: Value) -> bool:
    """Whether the order in which NumPy stores into a part of the same array overwrites nothing that it still reads."""
    aliasing = frame.reader.aliasing
    if not aliasing.overlap(owner, value) or aliasing.root(owner) is not aliasing.root(value):
        return False
    source, target = aliasing.strides(value), aliasing.strides(owner)
    if source is not None and target is not None and is_read_in_time(source, of_part(target, parts)):
        return True
    return _is_disjoint(frame.builder, index(frame.builder, owner.tensor, lowered(frame, parts)), value.tensor)


def _is_disjoint(builder: Builder, first: Tensor, second: Tensor) -> bool:
    """Whether two parts of an array have no element in common."""
    one, other = builder.fresh(first).expr, builder.fresh(second).expr
    if not isinstance(one, Entry) or not isinstance(other, Entry) or one.ref != other.ref:
        return False
    differences = [sympy.expand(left - right) for left, right in zip(one.indices, other.indices, strict=True)]
    return any(builder.sizes.always(sign * item, sympy.S.One) for item in differences for sign in (1, -1))


def check_apart(frame: Frame, owner: Value, value: Value) -> None:
    """What goes into an array must not be a part of it that may be overwritten before it is read."""
    is_one = all(axis is None for axis in value.tensor.indices)
    if not is_one and frame.reader.aliasing.overlap(owner, value):
        reason = "this stores a part of an array into the same array, and NumPy may overwrite it before it is read"
        raise DifferentiationError(reason, remedy="store a copy: x[::2] = x[:3].copy()")


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
    """``x[key] op= y``: NumPy reads the part, computes ``y``, which may change ``x``, and stores."""
    _check(owner)
    kind = type(node.op)
    part = subscript(frame, node.target, owner, key)
    read = owner.tensor
    frame.reader.operands[-1].append(part)
    given = frame.reader.evaluate(frame, node.value)
    if owner.tensor != read and isinstance(part, Value) and not frame.reader.aliasing.overlap(owner, part):
        set_part(frame, node.target, owner, key, binary(frame, _operation(node), kind, part, given))
        return
    value = lifted(frame, given, node.value)
    places, is_distinct = lowered(frame, key), distinct(key)
    if kind in INCREMENTS and (is_distinct or not repeats(places)) and not _truncates(owner, value):
        signed = Tensor(INCREMENTS[kind] * value.tensor.expr, value.tensor.indices, value.tensor.kind)
        tensor = increment(frame.builder, owner.tensor, places, signed, distinct=is_distinct)
    else:
        after = binary(frame, _operation(node), kind, part, given)
        assert isinstance(after, Value)
        tensor = store(frame.builder, owner.tensor, places, after.tensor, distinct=is_distinct)
    template = Template()
    template.operand(owner.code)
    text = f"_ = fresh(_0)\n_[{template.subscript(key)}] {BINARY[kind][0]}= {template.operand(value.code)}"
    changed(frame, owner, tensor, template.code(text, frame.line(node)))


def _operation(node: ast.AugAssign) -> ast.BinOp:
    """The operation of an augmented assignment, for what is said of it; its left operand is known already."""
    left = ast.copy_location(ast.Constant(0), node)
    return ast.copy_location(ast.BinOp(left, node.op, node.value), node)


def _truncates(owner: Value, value: Value) -> bool:
    """Whether the array cannot hold what is added: NumPy refuses, or rounds."""
    return np.dtype(owner.tensor.kind).kind not in "fc" and np.dtype(value.tensor.kind).kind in "fc"


def augment(frame: Frame, node: ast.AugAssign, before: object) -> object:
    """The result of ``before op= value``: an array changes in place, anything else gives a new object."""
    given = frame.reader.evaluate(frame, node.value)
    place = _operation(node)
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
