"""What has to be known while compiling: truth, and the elements of a container."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Collection
from enum import Enum

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.attributes import item
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import class_path, member, readable, special
from symgrad.frontend.runs import at_least_one, expanded
from symgrad.frontend.values import Shape, Stream, children, describe, has_runs
from symgrad.ir.program import Opaque, Value
from symgrad.ir.signature import HOLDERS
from symgrad.ir.sizes import Condition, Sizes
from symgrad.ir.tensor import Expr

MOST_ELEMENTS = 10_000
CONSTANT = (bool, int, float, complex, str, bytes, range, Enum, np.generic, np.dtype, np.ufunc, types.FunctionType)


def truth(frame: Frame, node: ast.expr, condition: object) -> bool:
    """Whether a static object counts as true."""
    found = decided(frame, node, condition)
    if isinstance(found, Value):
        raise NotYetSupported(
            f"{frame.source.text(node)} depends on run-time values: it cannot be decided while compiling",
            remedy="use np.where, or a condition on shapes, None, bools or strings",
            span=frame.span(node),
        )
    return found


def decided(frame: Frame, node: ast.expr, condition: object) -> bool | Value:
    """Whether an object counts as true, where that is known while compiling; else the number that tells it."""
    condition = frame.reader.captures.specialised(condition)
    if isinstance(condition, Opaque):
        reason = f"whether {describe(condition)} counts as true is not known"
        raise NotYetSupported(reason, remedy="test a number", span=frame.span(node))
    if isinstance(condition, Value):
        known = condition.tensor.expr
        if condition.tensor.rank:
            raise DifferentiationError(
                f"{frame.source.text(node)} is an array, which has no truth value",
                remedy="use .all() or .any()",
                span=frame.span(node),
            )
        if known.is_Rational:
            return bool(known != 0)
        return frame.reader.truths.get(known, condition)
    for name in ("__bool__", "__len__"):
        if isinstance(inspect.getattr_static(type(condition), name, None), types.FunctionType):
            called = member(frame, node, condition, name)
            return decided(frame, node, frame.reader.call(frame, node, called, (), {}))
        special(frame, type(condition), class_path(frame, condition), name)
    if isinstance(condition, list) and has_runs(condition):
        return at_least_one(frame, condition)
    for child in children(condition):
        readable(child)
    with frame.evaluating(node):
        return bool(condition)


def sizes_compared(frame: Frame, kind: ast.cmpop, left: object, right: object) -> bool | None:
    """A comparison of two lengths of axes as it is at this call; the guard asks again. None if they are not lengths."""
    known, first, second = frame.builder.sizes, _length(left), _length(right)
    if first is None or second is None or None in (known.value(known.find(first)), known.value(known.find(second))):
        return None
    match kind:
        case ast.Eq():
            return sizes_equal(known, first, second)
        case ast.NotEq():
            return not sizes_equal(known, first, second)
        case ast.GtE():
            return known.at_least(first, second)
        case ast.Gt():
            return known.at_least(first, second + 1)
        case ast.Lt():
            return not known.at_least(first, second)
        case ast.LtE():
            return not known.at_least(first, second + 1)
    return None


def sizes_equal(known: Sizes, first: Expr, second: Expr) -> bool:
    """Whether two lengths are the same at this call; the guard asks again."""
    if known.same(first, second):
        return True
    first, second = known.find(first), known.find(second)
    equal = known.value(first) == known.value(second)
    if equal:
        known.unify(first, second)
    else:
        known.conditions[Condition(first, second, False)] = None
    return equal


def _length(thing: object) -> Expr | None:
    if isinstance(thing, int) and not isinstance(thing, bool):
        return sympy.Integer(thing)
    if not isinstance(thing, Value) or thing.tensor.rank or thing.tensor.kind is not int:
        return None
    length = thing.tensor.expr
    return length if all(type(symbol) is sympy.Symbol for symbol in length.free_symbols) else None


def elements(frame: Frame, container: object) -> list[object]:
    """The elements of an iterable that is known while compiling."""
    match container:
        case Value():
            return list(rows(frame, container, None))
        case Stream():
            return list(container)
        case Shape() | str() | tuple() | list() | dict() | set() | frozenset() | range():
            if len(container) > MOST_ELEMENTS:
                reason = f"{len(container)} steps are too many to be written one by one"
                raise NotYetSupported(reason, remedy="write the loop with array operations")
            if isinstance(container, set | frozenset):
                _check_plain(frame, container)
                return sorted(container, key=repr)
            return expanded(frame, container) if isinstance(container, list) else list(map(readable, container))
        case Collection() if _is_compared(frame, container):
            _check_plain(frame, container)
            return list(map(readable, container))
    raise NotYetSupported(f"{describe(container)} cannot be iterated while compiling", remedy="use a tuple or a list")


def _is_compared(frame: Frame, container: object) -> bool:
    """Whether the guard of what comes from outside asks what is in it."""
    known = isinstance(container, (np.ndarray, type, *HOLDERS))
    return known or frame.reader.captures.path(container) is None


def _check_plain(frame: Frame, container: Collection[object]) -> None:
    """What is in a set from outside is out of reach: the guard knows it where it never changes."""
    if frame.reader.captures.path(container) is not None and not all(map(_is_constant, container)):
        reason = f"this {type(container).__name__} holds objects that the generated code cannot reach"
        raise NotYetSupported(reason, remedy="keep them in a tuple, a list or a dict")


def _is_constant(item: object) -> bool:
    if isinstance(item, tuple):
        return all(map(_is_constant, item))
    return item is None or isinstance(item, CONSTANT)


def rows(frame: Frame, value: Value, count: int | None, line: int | None = None) -> list[Value]:
    """The elements of an array along its first axis; ``count`` is the number that the program asks for."""
    if not value.tensor.rank:
        raise ArgumentError("a number cannot be unpacked", remedy="give an array, a tuple or a list")
    length = value.tensor.shape[0]
    if count is None:
        count = frame.builder.sizes.specialise(length)
    else:
        frame.builder.sizes.unify(length, sympy.Integer(count))
    return [item(frame, value, position, line) for position in range(count)]
