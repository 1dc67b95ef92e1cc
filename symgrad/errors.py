"""The errors of symgrad and the one renderer of where, why and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from unicodedata import combining, east_asian_width


@dataclass(frozen=True)
class Span:
    """A piece of the user's source.

    Lines count from one, columns from zero and in characters (Python's ``ast`` counts bytes);
    ``end_column`` is exclusive. ``text`` is the source of ``line``; more lines may follow it.
    """

    filename: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class SymgradError(Exception):
    """An error with the user's line, a caret under the expression, the reason and the remedy.

    >>> span = Span("model.py", 12, 11, 12, 20, "    return np.frexp(x)")
    >>> print(NoDerivative("no derivative is known for np.frexp", remedy="use np.log2", span=span))
    no derivative is known for np.frexp
      File "model.py", line 12
        return np.frexp(x)
               ^^^^^^^^^
    remedy: use np.log2
    """

    def __init__(self, reason: str, *, remedy: str = "", span: Span | None = None, exception: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.span = span
        self.exception = exception
        """The text of the exception that the function raises here, too; empty where symgrad alone refuses."""

    def at(self, span: Span | None) -> Self:
        """This error, located at ``span`` unless it already knows its place."""
        if self.span is None:
            self.span = span
        return self

    def __str__(self) -> str:
        return render(self.reason, self.remedy, self.span)


class UnsupportedSyntax(SymgradError):
    """Syntax that will never have a derivative."""


class NotYetSupported(SymgradError):
    """Something that a later version may differentiate."""


class NoDerivative(SymgradError):
    """A function without a row in the rule tables."""


class ShapeError(SymgradError):
    """Shapes that do not fit together."""


class DifferentiationError(SymgradError):
    """A request that has no answer: a loss that is not scalar, an integer argument, an unsafe mutation."""


class SourceNotAvailable(SymgradError):
    """A function whose source text cannot be found."""


class InternalError(SymgradError):
    """A check of the compiler's own failed; please report it."""


class ArgumentError(SymgradError, TypeError):
    """A call whose arguments do not fit the function's parameters, or have a type that symgrad does not take."""


class SymgradWarning(UserWarning):
    """Something that symgrad ignored and worked around, such as a damaged file in its cache."""


def render(reason: str, remedy: str, span: Span | None) -> str:
    """The message of an error: reason, place, the user's line with carets, remedy."""
    parts = [reason]
    if span is not None:
        parts += _located(span)
    if remedy:
        parts.append(f"remedy: {remedy}")
    return "\n".join(parts)


def _located(span: Span) -> list[str]:
    where = f'  File "{span.filename}", line {span.line}'
    code = span.text.split("\n", 1)[0].rstrip()
    shown = code.lstrip()
    if not shown:
        return [where]
    indent = len(code) - len(shown)
    start = min(max(span.column, indent), len(code) - 1)
    end = span.end_column if span.end_line == span.line else len(code)
    end = min(max(end, start + 1), len(code))
    return [where, f"    {shown}", "    " + _blank(code[indent:start]) + "^" * _width(code[start:end])]


def _blank(text: str) -> str:
    """White space as wide as ``text`` is on a terminal; tabs are kept."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
