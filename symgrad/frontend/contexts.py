"""``with``: contexts that change nothing of what the body computes.

The body is read as if it stood alone. The code that is written has no such contexts: it may warn where the function
under ``np.errstate`` does not, and it does not raise where the function under ``np.errstate(all="raise")`` would; the
derivative is the same.
"""

from __future__ import annotations

import ast
import contextlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.targets import assign
from symgrad.frontend.values import describe, has_values

REFUSED: Mapping[Any, tuple[str, str]] = {
    contextlib.suppress: ("what is suppressed would hide where the body stops", "test the condition with if"),
    contextlib.ExitStack: ("which contexts it enters is not known", "use one with statement for each"),
    contextlib.redirect_stdout: ("what the body prints is an effect", "print outside of the function"),
    open: ("it reads or writes a file", "read the file outside of the function"),
}


def with_statement(frame: Frame, node: ast.With, block: Callable[[Frame, Sequence[ast.stmt]], Flow]) -> Flow:
    """Enter the contexts, which only bind their variables, and execute the body."""
    for item in node.items:
        with frame.at(item.context_expr):
            entered = _entered(frame, item.context_expr)
        if item.optional_vars is not None:
            assign(frame, item.optional_vars, entered)
    return block(frame, node.body)


def _entered(frame: Frame, node: ast.expr) -> object:
    """What a context gives to the variable after ``as``."""
    if not isinstance(node, ast.Call):
        found = frame.reader.evaluate(frame, node)
        if isinstance(found, np.errstate | contextlib.nullcontext):
            return getattr(found, "enter_result", None)
        raise _refusal(found, frame.source.text(node))
    function = frame.reader.evaluate(frame, node.func)
    args = [frame.reader.evaluate(frame, argument) for argument in node.args]
    keywords = {str(keyword.arg): frame.reader.evaluate(frame, keyword.value) for keyword in node.keywords}
    if function is contextlib.nullcontext:
        return _null(args, keywords)
    if function is np.errstate:
        _check_silent(keywords)
        return None
    if function is np.printoptions or function is warnings.catch_warnings:
        if keywords.get("record"):
            raise NotYetSupported("recorded warnings are not supported", remedy="leave record out")
        return None
    raise _refusal(function, frame.source.text(node.func))


def _null(args: Sequence[object], keywords: Mapping[str, object]) -> object:
    if len(args) + len(keywords) > 1 or not keywords.keys() <= {"enter_result"}:
        raise ArgumentError("nullcontext takes one argument, enter_result")
    return args[0] if args else keywords.get("enter_result")


def _check_silent(keywords: Mapping[str, object]) -> None:
    """Refuse an error state that calls a function of the user's."""
    known = {"all", "divide", "over", "under", "invalid"}
    if not keywords.keys() <= known or has_values(dict(keywords)) or {"call", "log"} & set(map(str, keywords.values())):
        raise NotYetSupported(
            "an error state that calls a function is not supported", remedy='use "ignore", "warn" or "raise"'
        )


def _refusal(function: object, text: str) -> NotYetSupported:
    try:
        reason, remedy = REFUSED[function]
    except (KeyError, TypeError):
        reason, remedy = f"what {describe(function)} does is not known", "move the with statement out of the function"
    return NotYetSupported(f"the context {text} is not supported: {reason}", remedy=remedy)
