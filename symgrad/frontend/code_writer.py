"""Writing codes: templates in which run-time values are operands and everything else is literal text."""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from symgrad.errors import NotYetSupported
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.values import Named, Shape, describe
from symgrad.ir.code import Code
from symgrad.ir.program import Opaque, Value

NAMESPACES = ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft"), (math, "math"))


@dataclass
class Template:
    """Collects the operands of a template while its text is put together."""

    operands: list[Code] = field(default_factory=list)

    def operand(self, code: Code) -> str:
        self.operands.append(code)
        return f"_{len(self.operands) - 1}"

    def place(self, item: object) -> str:
        """The text of an object inside the template."""
        match item:
            case Value() | Shape() | Opaque():
                return self.operand(item.code)
            case tuple():
                inner = ", ".join(map(self.place, item))
                return f"({inner},)" if len(item) == 1 else f"({inner})"
            case list():
                return f"[{', '.join(map(self.place, item))}]"
            case dict():
                return "{" + ", ".join(f"{literal(key)}: {self.place(child)}" for key, child in item.items()) + "}"
            case slice():
                return f"slice({', '.join(self.place(part) for part in (item.start, item.stop, item.step))})"
        return literal(item)

    def arguments(self, args: Sequence[object], keywords: Mapping[str, object]) -> str:
        parts = [self.place(argument) for argument in args]
        return ", ".join(parts + [f"{name}={self.place(argument)}" for name, argument in keywords.items()])

    def subscript(self, key: object) -> str:
        """The text between the brackets."""
        if isinstance(key, tuple) and not isinstance(key, Shape) and key:
            return ", ".join(map(self._part, key)) + ("," if len(key) == 1 else "")
        return self._part(key)

    def _part(self, key: object) -> str:
        if not isinstance(key, slice):
            return "..." if key is Ellipsis else self.place(key)
        start, stop, step = ("" if part is None else self.place(part) for part in (key.start, key.stop, key.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"

    def code(self, text: str, line: int | None = None) -> Code:
        return Code(text, tuple(self.operands), line=line)


def literal(item: object) -> str:
    """The Python text of a static object."""
    match item:
        case Conflict():
            raise Undecided(item)
        case Named():
            return item.text if item.text.isidentifier() or _is_path(item.text) else f"({item.text})"
        case None | bool() | str() | bytes():
            return repr(item)
        case types.EllipsisType():
            return "..."
        case float() | int() if not isinstance(item, np.generic):
            return _number(item)
        case np.generic():
            return f"np.{item.dtype.name}({_number(item.item())})"
        case np.dtype():
            return f"np.{item.name}"
        case type() | types.FunctionType() | types.BuiltinFunctionType() | np.ufunc():
            spelled = spelling(item)
            if spelled is not None:
                return spelled
    raise NotYetSupported(
        f"{describe(item)} cannot be written into the generated code", remedy="pass numbers, strings or arrays"
    )


def _is_path(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _number(value: float) -> str:
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "(-np.inf)"
    text = repr(value)
    return f"({text})" if text.startswith("-") else text


def spelling(function: object) -> str | None:
    """How generated code names a function of NumPy, ``math`` or Python; None for any other."""
    name = getattr(function, "__name__", None)
    if name is None:
        return None
    for module, prefix in NAMESPACES:
        if getattr(module, name, None) is function:
            return f"{prefix}.{name}"
    if getattr(builtins, name, None) is function:
        return str(name)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{name}"
    return None


def element(code: Code, position: int) -> Code:
    """``code[position]``."""
    return Code(f"_0[{position}]", (code,), line=code.line)


def renamed(value: Value, name: str, line: int | None) -> Value:
    """The value under a variable of the user's."""
    return Value(value.tensor, replace(value.code, name=name, line=line))
