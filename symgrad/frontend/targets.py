"""Targets: what an assignment does to variables."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from symgrad.errors import ArgumentError, UnsupportedSyntax
from symgrad.frontend.containers import set_attribute
from symgrad.frontend.effects import rename
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.lifting import equal
from symgrad.frontend.outside import assign_outside
from symgrad.frontend.scopes import owner_frame
from symgrad.frontend.stores import set_part
from symgrad.frontend.truth import elements, rows
from symgrad.frontend.user_rules import hooked_value
from symgrad.frontend.values import Stream, describe
from symgrad.ir.code import Code
from symgrad.ir.program import Define, Opaque, Value


def assign(frame: Frame, target: ast.expr, item: object) -> None:
    """``target = item``."""
    if assign_outside(frame, target, item):
        return
    match target:
        case ast.Name(name):
            _name(frame, target, name, item)
        case ast.Tuple(targets) | ast.List(targets):
            with frame.at(target):
                _unpack(frame, targets, item)
        case ast.Starred(inner):
            assign(frame, inner, item)
        case ast.Subscript(owner, key):
            container = frame.reader.evaluate(frame, owner)
            with frame.at(target):
                set_part(frame, target, container, frame.reader.evaluate(frame, key), item)
        case ast.Attribute(owner, name):
            with frame.at(target):
                set_attribute(frame, target, frame.reader.evaluate(frame, owner), name, item)
        case _:
            raise UnsupportedSyntax(f"{type(target).__name__} as the target of an assignment is not supported")


def _name(frame: Frame, target: ast.expr, name: str, item: object) -> None:
    with frame.at(target):
        frame = owner_frame(frame, name)
    reader = frame.reader
    reader.identifiers.add(name)
    if isinstance(item, Value):
        _named(frame, target, name, item)
        if name in reader.watched and frame is reader.frames[0]:
            item.become(equal(reader.builder, item.tensor, name), item.code)
        if name in frame.hooks:
            item = hooked_value(frame, target, item, frame.hooks[name])
    elif isinstance(item, Opaque) and item.code.operands and item.code.name is None and frame.place is None:
        item.code = replace(item.code, name=name, line=frame.line(target))
        rename(reader, item.code)
    frame.variables[name] = item


def _named(frame: Frame, target: ast.expr, name: str, value: Value) -> None:
    """The value gets a name; an input and a variable of the same function keep theirs."""
    reader = frame.reader
    if frame.place is not None:
        return
    depth = reader.depths.get(value)
    if value.code.operands and (value.code.name is None or depth is None or depth > frame.depth):
        old = value.code
        settled = reader.builder.settled(value.tensor, name)
        value.become(settled, replace(old, name=name, line=frame.line(target)))
        reader.depths[value] = frame.depth
        _forget_unnamed(reader, old)
        rename(reader, value.code)
        reader.statements.append(Define(value.now, name, frame.span(target)))


def _forget_unnamed(reader: Reader, code: Code) -> None:
    """Drop the last records of a value without a name: the statement that names it follows."""
    statements = reader.statements
    while statements and isinstance(statements[-1], Define):
        last = statements[-1]
        if last.variable is not None or last.value.code is not code:
            break
        statements.pop()


def _unpack(frame: Frame, targets: Sequence[ast.expr], item: object) -> None:
    starred = [place for place, target in enumerate(targets) if isinstance(target, ast.Starred)]
    if isinstance(item, Value):
        items: list[object] = list(rows(frame, item, None if starred else len(targets), frame.line(targets[0])))
    elif isinstance(item, tuple | list | dict | str | range | Stream):
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
