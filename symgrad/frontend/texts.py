"""Texts: strings, which are known while compiling, and those that are made of run-time values when they are needed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.code_writer import Template, literal, spelling
from symgrad.frontend.frame import Frame
from symgrad.frontend.values import Named, describe, has_values
from symgrad.ir.program import Opaque, Value

CONVERSIONS: Mapping[str, Callable[[object], object]] = {"r": repr, "a": ascii, "s": str, "": lambda item: item}
WRITTEN = (Value, Opaque, type(None), str, bytes, int, float, np.generic, tuple, list, dict, slice)
"""What is written where it is used, wherever it comes from."""
METHODS = frozenset(
    {"format", "join", "upper", "lower", "strip", "title", "center", "ljust", "rjust", "zfill", "replace"}
)
"""Methods of texts that give texts."""


class Shown(Template):
    """A template for what is shown or handed on: objects from outside are read under a local name."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def place(self, item: object) -> str:
        if isinstance(item, np.dtype):
            return f'np.dtype("{item.str}")' if item.isnative is False else f'np.dtype("{item.name}")'
        path = self.frame.reader.captures.path(item)
        if path is None or isinstance(item, WRITTEN) or spelling(item) is not None:
            return super().place(item)
        return self.operand(self.frame.reader.captures.handed(path, item))


def is_text(item: object) -> bool:
    """Whether an object is a string of the run."""
    return isinstance(item, Opaque) and issubclass(item.made, str)


def text(template: Template, written: str, line: int | None = None) -> Opaque:
    """A string of the run."""
    return Opaque(str, template.code(written, line))


def joined(frame: Frame, node: ast.JoinedStr) -> object:
    """``f"..."``."""
    template = Shown(frame)
    parts = _parts(frame, node, template)
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return text(template, ast.unparse(_joined(parts)), frame.line(node))


def _joined(parts: Sequence[ast.expr | str]) -> ast.JoinedStr:
    return ast.JoinedStr([ast.Constant(part) if isinstance(part, str) else part for part in parts])


def _parts(frame: Frame, node: ast.JoinedStr, template: Template) -> list[ast.expr | str]:
    """Strings, and what is formatted at run time."""
    found: list[ast.expr | str] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            with frame.at(part):
                found.append(_formatted(frame, part, template))
        else:
            assert isinstance(part, ast.Constant)
            found.append(str(part.value))
    return found


def _formatted(frame: Frame, node: ast.FormattedValue, template: Template) -> ast.expr | str:
    value = frame.reader.evaluate(frame, node.value)
    layout = [] if node.format_spec is None else _parts(frame, _spec(node), template)
    if has_values(value) or not all(isinstance(part, str) for part in layout):
        placed = ast.parse(template.place(value), mode="eval").body
        return ast.FormattedValue(placed, node.conversion, _joined(layout) if layout else None)
    with frame.evaluating(node):
        shown = CONVERSIONS[chr(node.conversion) if node.conversion > 0 else ""](_plain(value))
        return format(shown, "".join(map(str, layout)))


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Named) else value


def _spec(node: ast.FormattedValue) -> ast.JoinedStr:
    assert isinstance(node.format_spec, ast.JoinedStr)
    return node.format_spec


def converted(function: Callable[..., object]) -> Callable[..., object]:
    """``str``, ``repr``, ``format`` and ``ascii``."""

    def handler(frame: Frame, node: ast.expr, args: Sequence[object], keywords: Mapping[str, object]) -> object:
        if has_values((tuple(args), dict(keywords))):
            template = Shown(frame)
            return text(template, f"{function.__name__}({template.arguments(args, keywords)})", frame.line(node))
        with frame.evaluating(node):
            return function(*map(_plain, args), **keywords)

    return handler


def method(
    frame: Frame, node: ast.expr, owner: object, name: str, args: Sequence[object], keywords: Mapping[str, object]
) -> Opaque:
    """A method of a string that gives a string, on run-time values."""
    if name not in METHODS:
        raise NotYetSupported(f".{name} of a text that is made at run time is not supported", remedy="leave it out")
    template = Shown(frame)
    text_of = template.place(owner)
    return text(template, f"{text_of}.{name}({template.arguments(args, keywords)})", frame.line(node))


def operator(frame: Frame, node: ast.expr, kind: type[ast.operator], left: object, right: object) -> Opaque | None:
    """``+`` and ``%`` of strings, where a run-time value is written; None for anything else."""
    if kind is ast.Mod and isinstance(left, str) and has_values(right):
        template = Shown(frame)
        return text(template, f"{literal(left)} % {template.place(right)}", frame.line(node))
    if not is_text(left) and not is_text(right):
        return None
    if kind is ast.Add and all(is_text(item) or isinstance(item, str) for item in (left, right)):
        template = Shown(frame)
        return text(template, f"{template.place(left)} + {template.place(right)}", frame.line(node))
    raise ArgumentError(f"this operator is not known for {describe(left)} and {describe(right)}")


def refuse_comparison(*operands: object) -> None:
    """What a text of the run is equal to is not known while compiling."""
    if any(isinstance(operand, Opaque) for operand in operands):
        remedy = "compare numbers, or compare outside of the function"
        raise NotYetSupported("an object that only the run knows is compared", remedy=remedy)
