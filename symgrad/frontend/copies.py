"""``copy.copy`` and ``copy.deepcopy`` of arrays, containers and objects."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symgrad.errors import ArgumentError
from symgrad.frontend.environment import is_instance
from symgrad.frontend.frame import Frame
from symgrad.frontend.values import Method, Shape
from symgrad.ir.program import Value

Handler = Callable[[Frame, ast.expr, Sequence[object], Mapping[str, object]], object]


def copying(deep: bool) -> Handler:
    """``copy.deepcopy``, or ``copy.copy``."""

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        if len(args) != 1 or keywords:
            raise ArgumentError("copy.copy and copy.deepcopy take one object")
        known: dict[int, object] = {}
        return _copied(args[0], lambda item: _inside(frame, node, item, known) if deep else item, frame, node)

    return handler


def _inside(frame: Frame, node: ast.expr, item: object, known: dict[int, object]) -> object:
    """A part of what is copied deeply: the same part is copied once."""
    if id(item) not in known:
        known[id(item)] = _copied(item, lambda part: _inside(frame, node, part, known), frame, node)
    return known[id(item)]


def _copied(item: Any, part: Callable[[object], object], frame: Frame, node: ast.expr) -> object:
    match item:
        case Value():
            is_array = frame.reader.aliasing.is_array(item)
            return frame.reader.call(frame, node, Method(item, "copy"), (), {}) if is_array else item
        case Shape():
            return item
        case tuple():
            return tuple.__new__(type(item), [part(held) for held in item])
        case list():
            return [part(held) for held in item]
        case dict() if type(item) is dict:
            return {key: part(held) for key, held in item.items()}
        case set():
            return set(item)
        case _ if is_instance(item):
            made = object.__new__(type(item))
            for name, held in vars(item).items():
                object.__setattr__(made, name, part(held))
            return made
    return item
