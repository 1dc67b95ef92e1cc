"""Targets: what an assignment does to variables."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.code_writer import renamed
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.truth import elements, rows
from symgrad.frontend.values import describe
from symgrad.ir.program import Define, Value


def assign(frame: Frame, target: ast.expr, item: object) -> None:
    """``target = item``."""
    match target:
        case ast.Name(name):
            _name(frame, target, name, item)
        case ast.Tuple(targets) | ast.List(targets):
            with frame.at(target):
                _unpack(frame, targets, item)
        case ast.Starred(inner):
            assign(frame, inner, item)
        case _:
            raise mutation(frame, target)


def mutation(frame: Frame, target: ast.expr) -> NotYetSupported:
    """The refusal of an assignment to a part of an object."""
    what = "an element of an array or a container" if isinstance(target, ast.Subscript) else "an attribute"
    return NotYetSupported(
        f"changing {what} in place is not supported yet",
        remedy="make a new array, for example with np.where, np.concatenate or np.stack",
        span=frame.span(target),
    )


def _name(frame: Frame, target: ast.expr, name: str, item: object) -> None:
    reader = frame.reader
    reader.identifiers.add(name)
    if isinstance(item, Value):
        item = _named(frame, target, name, item)
    reader.aliasing.held(item)
    frame.variables[name] = item


def _named(frame: Frame, target: ast.expr, name: str, value: Value) -> Value:
    """The value under its new variable; an input and a variable of the same function keep their names."""
    reader = frame.reader
    if frame.place is not None:
        return value
    depth = reader.depths.get(id(value))
    if value.code.operands and (value.code.name is None or depth is None or depth[0] > frame.depth):
        settled = Value(reader.builder.settled(value.tensor, name), value.code)
        old, value = value, renamed(settled, name, frame.line(target))
        reader.aliasing.moved(old, value)
        reader.captures.renamed(old, value)
        reader.depths[id(value)] = frame.depth, value
        _forget_unnamed(reader, old)
        reader.statements.append(Define(value, name, frame.span(target)))
    return value


def _forget_unnamed(reader: Reader, value: Value) -> None:
    """Drop the last records of a value without a name: the statement that names it follows."""
    statements = reader.statements
    while statements and statements[-1].variable is None and statements[-1].value.code is value.code:
        statements.pop()


def _unpack(frame: Frame, targets: Sequence[ast.expr], item: object) -> None:
    starred = [place for place, target in enumerate(targets) if isinstance(target, ast.Starred)]
    if isinstance(item, Value):
        items: list[object] = list(rows(frame, item, None if starred else len(targets), frame.line(targets[0])))
    elif isinstance(item, tuple | list | dict | str | range):
        items = elements(frame, item)
    else:
        raise ArgumentError(f"{describe(item)} cannot be unpacked")
    if starred:
        items = _gathered(items, starred[0], len(targets))
    if len(items) != len(targets):
        raise ArgumentError(f"{len(items)} values cannot be unpacked into {len(targets)} variables")
    for target, part in zip(targets, items, strict=True):
        assign(frame, target, part)


def _gathered(items: list[object], place: int, count: int) -> list[object]:
    """The items with those of the starred target in a list of their own."""
    if len(items) < count - 1:
        raise ArgumentError(f"{len(items)} values cannot be unpacked into {count - 1} or more variables")
    after = count - place - 1
    end = len(items) - after
    return [*items[:place], items[place:end], *items[end:]]
