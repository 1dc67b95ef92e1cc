"""``try``: the body is read as it runs where nothing raises.

An error at run time leaves the generated code as it leaves the function, so a handler has to raise. Only where nothing
in the body runs later can a handler do anything else: what the body raises is known while compiling.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.values import describe
from symgrad.ir.program import Define

WHILE_COMPILING = (AttributeError, ImportError, KeyError, NameError, StopIteration)
"""What no operation on numbers and arrays raises at run time."""
Block = Callable[[Frame, Sequence[ast.stmt]], Flow]


def try_statement(frame: Frame, node: ast.Try, block: Block) -> Flow:
    """Execute the body, then ``else`` and ``finally``."""
    flow = _body(frame, node, block)
    if node.finalbody and not block(frame, node.finalbody).goes_on:
        raise NotYetSupported(
            "leaving a finally block is not supported: it hides what the body returns or raises",
            remedy="put the statement after the try statement",
            span=frame.span(node.finalbody[0]),
        )
    return flow


def _body(frame: Frame, node: ast.Try, block: Block) -> Flow:
    answering = [handler for handler in node.handlers if not _raises(handler) and _may_run(frame, handler)]
    steps = len(frame.reader.statements)
    try:
        with _catching(frame, not all(map(_raises, node.handlers))):
            flow = block(frame, node.body)
    except DifferentiationError as error:
        handler = _entered(frame, node.handlers, error.__cause__)
        if handler is None or _raises(handler):
            raise
        _check_static(frame, [handler], steps)
        return _handled(frame, handler, error.__cause__, block)
    _check_static(frame, answering, steps)
    if flow.ends or not node.orelse:
        return flow
    if not flow.goes_on:
        raise NotYetSupported(
            "whether else is reached is not known while compiling",
            remedy="put its statements after the try statement",
            span=frame.span(node.orelse[0]),
        )
    return block(frame, node.orelse)


@contextmanager
def _catching(frame: Frame, answers: bool) -> Iterator[None]:
    """What is raised inside may be answered by a handler."""
    frame.reader.catching += answers
    try:
        yield
    finally:
        frame.reader.catching -= answers


def _check_static(frame: Frame, handlers: Sequence[ast.ExceptHandler], steps: int) -> None:
    """Refuse handlers that do not raise, if the body does anything at run time."""
    inputs = {item.value.code for item in frame.reader.arguments.inputs}
    reads = (isinstance(step, Define) and step.value.code in inputs for step in frame.reader.statements[steps:])
    if handlers and not all(reads):
        raise NotYetSupported(
            "whether this handler is entered is not known while compiling",
            remedy="test the condition with if, or let the handler raise",
            span=frame.span(_head(handlers[0])),
        )


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether a handler always leaves by ``raise``."""
    leaving = (ast.Return, ast.Break, ast.Continue)
    pending: list[ast.AST] = list(handler.body)
    while pending:
        child = pending.pop()
        if isinstance(child, leaving):
            return False
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(child))
    return isinstance(handler.body[-1], ast.Raise)


def _may_run(frame: Frame, handler: ast.ExceptHandler) -> bool:
    """Whether what a handler catches may be raised at run time."""
    return not all(issubclass(kind, WHILE_COMPILING) for kind in _caught(frame, handler))


def _caught(frame: Frame, handler: ast.ExceptHandler) -> tuple[type, ...]:
    caught = BaseException if handler.type is None else frame.reader.evaluate(frame, handler.type)
    kinds = caught if isinstance(caught, tuple) else (caught,)
    if not all(isinstance(kind, type) for kind in kinds):
        raise ArgumentError(f"{describe(caught)} cannot be caught", span=frame.span(_head(handler)))
    return kinds


def _entered(
    frame: Frame, handlers: Sequence[ast.ExceptHandler], error: BaseException | None
) -> ast.ExceptHandler | None:
    """The handler that catches what a static evaluation raised."""
    if error is None:
        return None
    for handler in handlers:
        if isinstance(error, _caught(frame, handler)):
            return handler
    return None


def _handled(frame: Frame, handler: ast.ExceptHandler, error: BaseException | None, block: Block) -> Flow:
    if handler.name is not None:
        frame.variables[handler.name] = error
    flow = block(frame, handler.body)
    if handler.name is not None:
        frame.variables.pop(handler.name, None)
    return flow


def _head(handler: ast.ExceptHandler) -> ast.expr:
    """The first line of a handler as a node with a place."""
    if handler.type is not None:
        return handler.type
    place = ast.Name("except", lineno=handler.lineno, col_offset=handler.col_offset)
    place.end_lineno, place.end_col_offset = handler.lineno, handler.col_offset + len("except")
    return place
