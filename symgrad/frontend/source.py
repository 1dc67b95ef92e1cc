"""Source text: where a function was written, and its syntax tree.

A function is found by its code object: a ``def`` by its first line and name, a lambda by the columns that the
compiler recorded for its body. Everything that ``linecache`` knows is found: files, notebook cells, the REPL of
Python 3.13, text that was registered before ``exec``.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from symgrad.errors import SourceNotAvailable, Span

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Extent = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Source:
    """The text of a file (or cell) and its tree."""

    filename: str
    lines: tuple[str, ...]
    tree: ast.Module

    def span(self, node: ast.AST) -> Span | None:
        """The place of a node, in characters; None for a node without a place."""
        extent = _extent(node)
        if extent is None:
            return None
        line, column, end_line, end_column = extent
        text = self._line(line)
        return Span(
            self.filename,
            line,
            _characters(text, column),
            end_line,
            _characters(self._line(end_line), end_column),
            text.rstrip("\n"),
        )

    def text(self, node: ast.AST) -> str:
        """The user's text of a node, on one line."""
        extent = _extent(node)
        if extent is None or not self.lines:
            return ast.unparse(node)
        line, column, end_line, end_column = extent
        rows = [row.encode() for row in self.lines[line - 1 : end_line]]
        rows[-1] = rows[-1][:end_column]
        rows[0] = rows[0][column:]
        return " ".join(b"".join(rows).decode().split())

    def _line(self, line: int) -> str:
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""


def locate(function: FunctionType) -> tuple[Source, FunctionNode]:
    """The source of a function and the node that defines it; ``SourceNotAvailable`` where there is none."""
    source = _source(function)
    code = function.__code__
    nodes = _definitions(source).get(code.co_firstlineno, ())
    if code.co_name == "<lambda>":
        return source, _lambda(source, code, [node for node in nodes if isinstance(node, ast.Lambda)])
    named = [node for node in nodes if not isinstance(node, ast.Lambda) and _matches(node, code)]
    if not named:
        reason = f"line {code.co_firstlineno} of {source.filename} does not define {function.__qualname__}"
        raise SourceNotAvailable(reason, remedy="load the module again: its file changed since")
    return source, named[0]


def _source(function: FunctionType) -> Source:
    filename = function.__code__.co_filename
    linecache.checkcache(filename)
    lines = linecache.getlines(filename, function.__globals__) or _found(function)
    if not lines:
        raise SourceNotAvailable(
            f"the source of {function.__qualname__} is not available (it was compiled from {filename})",
            remedy="write the function in a file or a notebook, or register its text in linecache.cache before exec",
        )
    return _parsed(filename, tuple(lines))


def _found(function: FunctionType) -> Sequence[str]:
    try:
        return inspect.findsource(function.__code__)[0]
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _parsed(filename: str, lines: tuple[str, ...]) -> Source:
    try:
        return Source(filename, lines, ast.parse("".join(lines)))
    except SyntaxError as error:
        remedy = "register the complete text in linecache"
        raise SourceNotAvailable(f"the source in {filename} cannot be parsed: {error.msg}", remedy=remedy) from error


@lru_cache(maxsize=64)
def _definitions(source: Source) -> dict[int, list[FunctionNode]]:
    """The functions of a file by the first line that their code objects tell."""
    found: dict[int, list[FunctionNode]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault(first, []).append(node)
    return found


def _matches(node: FunctionNode, code: CodeType) -> bool:
    named = isinstance(node, ast.Lambda) or node.name == code.co_name or code.co_name.endswith(f"__{node.name}")
    return named and tuple(parameter_names(node.args)) == _code_parameters(code)


def _code_parameters(code: CodeType) -> tuple[str, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[:count]


def parameter_names(arguments: ast.arguments) -> list[str]:
    """The names of parameters in the order of ``co_varnames``."""
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names + [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]


def _lambda(source: Source, code: CodeType, nodes: list[ast.Lambda]) -> ast.Lambda:
    candidates = [node for node in nodes if _matches(node, code)]
    extent = _code_extent(code)
    exact = [node for node in candidates if extent is not None and _extent(node.body) == extent]
    if len(exact) == 1:
        return exact[0]
    if len(candidates) == 1:
        return candidates[0]
    remedy = "define the function with def, or put each lambda on a line of its own"
    if not candidates:
        reason = f"line {code.co_firstlineno} of {source.filename} has no such lambda: its file changed"
        raise SourceNotAvailable(reason, remedy=remedy)
    reason = f"{len(candidates)} lambdas on this line cannot be told apart"
    raise SourceNotAvailable(reason, remedy=remedy, span=source.span(candidates[0]))


def _code_extent(code: CodeType) -> Extent | None:
    """Where the body of a lambda stands: its widest instruction."""
    places = [
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and end_line is not None and column is not None and end_column
    ]
    if not places:
        return None
    return (*min(place[:2] for place in places), *max(place[2:] for place in places))


def _extent(node: ast.AST) -> Extent | None:
    if not isinstance(node, ast.expr | ast.stmt | ast.arg | ast.keyword | ast.pattern):
        return None
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _characters(text: str, column: int) -> int:
    return column if text.isascii() else len(text.encode()[:column].decode(errors="ignore"))
