"""Operators of the user's objects: ``__add__`` and its kin, read like any method."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Mapping

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import class_path, member, special
from symgrad.frontend.values import describe, is_made
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value

ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
}
COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("__lt__", "__gt__"),
    ast.LtE: ("__le__", "__ge__"),
    ast.Gt: ("__gt__", "__lt__"),
    ast.GtE: ("__ge__", "__le__"),
    ast.Eq: ("__eq__", "__eq__"),
    ast.NotEq: ("__ne__", "__ne__"),
}
UNARY: Mapping[type[ast.unaryop], str] = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}
Kind = type[ast.operator] | type[ast.unaryop] | type[ast.cmpop]


def is_overloaded(frame: Frame, kind: Kind, *operands: object) -> bool:
    """Whether a class of an operand's says in Python what the operator does."""
    names = ("__eq__", "__ne__") if kind is ast.NotEq else _names(kind)
    if any(written(operand, name) for operand in operands for name in names):
        return True
    for operand in operands if kind in {ast.Eq, ast.NotEq} else ():
        special(frame, type(operand), class_path(frame, operand), *names)
    return kind in {ast.Eq, ast.NotEq} and any(is_made(item) and _has_identity(item) for item in operands)


def overloaded(frame: Frame, node: ast.expr, kind: Kind, *operands: object) -> object:
    """The result of the operator, by the method of the first operand or the reflected one of the second."""
    name, reflected = _names(kind)
    if kind is ast.NotEq and not any(written(operand, name) for operand in operands):
        return _negated(overloaded(frame, node, ast.Eq, *operands))
    first, second = operands[0], operands[-1]
    attempts = [(first, name, operands[1:]), (second, reflected, (first,))][: len(operands)]
    if type(second) is not type(first) and isinstance(second, type(first)):
        attempts.reverse()
    for owner, method, args in attempts:
        if isinstance(owner, Value) and not is_python(owner.tensor.kind):
            raise NotYetSupported(f"an array and {describe(second)} are combined", remedy=f"call .{reflected} yourself")
        if written(owner, method):
            found = frame.reader.call(frame, node, member(frame, node, owner, method), args, {})
            if found is not NotImplemented:
                return found
    return _default(kind, operands)


def is_overloaded_in_place(kind: type[ast.operator], owner: object) -> bool:
    """Whether a class says in Python what an augmented assignment does."""
    return written(owner, f"__i{ARITHMETIC[kind]}__")


def overloaded_in_place(
    frame: Frame, node: ast.expr, kind: type[ast.operator], owner: object, operand: object
) -> object:
    """What the variable of an augmented assignment becomes; None where the method is not defined for the operand."""
    found = member(frame, node, owner, f"__i{ARITHMETIC[kind]}__")
    result = frame.reader.call(frame, node, found, (operand,), {})
    return None if result is NotImplemented else result


def _negated(equal: object) -> object:
    if isinstance(equal, bool):
        return not equal
    raise NotYetSupported("__eq__ does not give True or False while compiling", remedy="define __ne__ as well")


def _has_identity(item: object) -> bool:
    """Whether an object is equal to itself only."""
    return inspect.getattr_static(type(item), "__eq__") is inspect.getattr_static(object, "__eq__")


def _default(kind: Kind, operands: tuple[object, ...]) -> object:
    if kind in {ast.Eq, ast.NotEq}:
        return (operands[0] is operands[1]) == (kind is ast.Eq)
    raise ArgumentError(f"the operator is not defined for {' and '.join(map(describe, operands))}")


def _names(kind: Kind) -> tuple[str, str]:
    """The methods of an operator, for the first operand and for the second."""
    if kind in COMPARISONS:
        return COMPARISONS[kind]  # type: ignore[index]
    if kind in UNARY:
        return UNARY[kind], UNARY[kind]  # type: ignore[index]
    stem = ARITHMETIC.get(kind)  # type: ignore[arg-type]
    return f"__{stem}__", f"__r{stem}__"


def written(operand: object, name: str) -> bool:
    """Whether a method is written in Python; those that ``dataclass`` writes have no source."""
    found = inspect.getattr_static(type(operand), name, None)
    return isinstance(found, types.FunctionType) and found.__code__.co_filename != "<string>"
