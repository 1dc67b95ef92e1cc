"""Statements: every kind of node has a case here, or is refused."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from symgrad.errors import DifferentiationError, NotYetSupported, Span, SymgradError, UnsupportedSyntax
from symgrad.frontend.attributes import attribute
from symgrad.frontend.branches import branch
from symgrad.frontend.containers import set_attribute
from symgrad.frontend.contexts import with_statement
from symgrad.frontend.divisions import Mark, may_divide
from symgrad.frontend.effects import assertion, exception_text
from symgrad.frontend.environment import Undecided
from symgrad.frontend.exceptions import try_statement
from symgrad.frontend.expressions import closure, evaluate
from symgrad.frontend.frame import Frame
from symgrad.frontend.imports import import_from, import_modules
from symgrad.frontend.matching import match_statement
from symgrad.frontend.merging import UNSET
from symgrad.frontend.outcomes import BREAK, CONTINUE, ON, Flow
from symgrad.frontend.outside import augment_outside
from symgrad.frontend.rounds import for_statement, while_statement
from symgrad.frontend.scopes import delete
from symgrad.frontend.stores import augment, augmented
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import decided
from symgrad.ir.program import Value

LATER: dict[type[ast.stmt], tuple[str, str]] = {
    ast.ClassDef: ("a class inside of the function is not supported yet", "define it at module level"),
    ast.AsyncFor: ("an asynchronous loop has no derivative", "use an ordinary loop"),
    ast.AsyncWith: ("an asynchronous with statement has no derivative", "use an ordinary one"),
}


def run(frame: Frame) -> object:
    """Execute the body of a frame and give what it returns."""
    if isinstance(frame.node, ast.Lambda):
        return evaluate(frame, frame.node.body)
    return returned(frame).item


def returned(frame: Frame) -> Flow:
    """What the function of a frame returns; None where its end is reached."""
    assert not isinstance(frame.node, ast.Lambda)
    last = frame.node.body[-1]
    end = ast.copy_location(ast.Return(None), last)
    return block(frame, [*frame.node.body, end])


def block(frame: Frame, statements: Sequence[ast.stmt]) -> Flow:
    """Execute statements up to the first that leaves the block."""
    for number, statement in enumerate(statements):
        rest = statements[number + 1 :]
        frame.begin(statement)
        if not may_divide(statement):
            flow = _step(frame, statement, rest)
        else:
            mark = Mark(frame, statement)
            try:
                flow = _step(frame, statement, rest)
                mark.learn()
                if flow is None and not mark.is_whole:
                    return block(frame, rest)
            except Undecided as error:
                return mark.divided(error, lambda: block(frame, statements[number:]))  # noqa: B023
        if flow is not None:
            return flow
    return ON


def _step(frame: Frame, statement: ast.stmt, rest: Sequence[ast.stmt]) -> Flow | None:
    """Execute a statement; where it may leave the block, what follows it, too. None where the block goes on."""
    if isinstance(statement, ast.If):
        return _if(frame, statement, rest)
    if isinstance(statement, ast.With | ast.Match) and _leaves(statement):
        return _with_rest(frame, statement, rest)
    flow = execute(frame, statement)
    if flow.ends:
        return flow
    return None if flow.goes_on else resumed(frame, statement, flow, rest)


def _if(frame: Frame, node: ast.If, rest: Sequence[ast.stmt]) -> Flow | None:
    """A branch; what follows one that may leave the block belongs to its bodies. None where the block goes on."""
    test = decided(frame, node.test, evaluate(frame, node.test))
    leaves = any(map(_leaves, (*node.body, *node.orelse)))
    if isinstance(test, bool):
        chosen = node.body if test else node.orelse
        if leaves:
            return block(frame, [*chosen, *rest])
        block(frame, chosen)
        return None
    first, second = ([*node.body, *rest], [*node.orelse, *rest]) if leaves else (node.body, node.orelse)
    flow = branch(frame, node.test, test, lambda: block(frame, first), lambda: block(frame, second))
    return flow if leaves else None


def _with_rest(frame: Frame, node: ast.With | ast.Match, rest: Sequence[ast.stmt]) -> Flow:
    """A ``with`` or ``match`` whose body may leave the block: what follows it belongs to its body."""

    def body(inner: Frame, statements: Sequence[ast.stmt]) -> Flow:
        return block(inner, [*statements, *rest])

    with frame.at(node):
        return with_statement(frame, node, body) if isinstance(node, ast.With) else match_statement(frame, node, body)


def _leaves(node: ast.AST, inside_loop: bool = False) -> bool:
    """Whether a statement may leave the block that it stands in."""
    match node:
        case ast.Return() | ast.Raise():
            return True
        case ast.Break() | ast.Continue():
            return not inside_loop
        case ast.FunctionDef() | ast.ClassDef() | ast.Lambda():
            return False
        case ast.For() | ast.While():
            return any(_leaves(part, True) for part in node.body) or any(_leaves(p, inside_loop) for p in node.orelse)
    return any(_leaves(part, inside_loop) for part in ast.iter_child_nodes(node))


def resumed(frame: Frame, node: ast.stmt, flow: Flow, rest: Sequence[ast.stmt]) -> Flow:
    """What happens after a statement that has left the block for some run-time values."""
    if not rest:
        return flow
    if isinstance(flow.returned, Value):
        left, going = Flow(returned=True, item=flow.item, span=flow.span), replace(flow, returned=False, item=UNSET)
        flag = flow.returned
    elif isinstance(flow.stopped, Value):
        left, going, flag = BREAK, replace(flow, stopped=False), flow.stopped
    else:
        assert isinstance(flow.skipped, Value)
        left, going, flag = CONTINUE, replace(flow, skipped=False), flow.skipped
    further = (lambda: block(frame, rest)) if going.goes_on else (lambda: resumed(frame, node, going, rest))
    return branch(frame, node, flag, lambda: left, further)


def execute(frame: Frame, node: ast.stmt) -> Flow:
    """Execute one statement; errors are located at it or deeper."""
    try:
        with frame.reader.holding():
            return _executed(frame, node)
    except SymgradError as error:
        frame.locate(error, node)
        raise


def _executed(frame: Frame, node: ast.stmt) -> Flow:
    match node:
        case ast.Return(value):
            item = None if value is None else evaluate(frame, value)
            return Flow(returned=True, item=item, span=frame.span(value or node))
        case ast.Assign(targets, value):
            item = evaluate(frame, value)
            for target in targets:
                assign(frame, target, item)
        case ast.AnnAssign(target, _, value):
            if value is not None:
                assign(frame, target, evaluate(frame, value))
        case ast.AugAssign():
            _augment(frame, node)
        case ast.Expr(value):
            evaluate(frame, value)
        case ast.If():
            return block(frame, [node])
        case ast.For():
            return for_statement(frame, node, block)
        case ast.While():
            return while_statement(frame, node, block)
        case _:
            return _simple(frame, node)
    return ON


def _simple(frame: Frame, node: ast.stmt) -> Flow:
    match node:
        case ast.Pass() | ast.Global() | ast.Nonlocal():
            pass
        case ast.Break():
            return BREAK
        case ast.Continue():
            return CONTINUE
        case ast.Assert():
            assertion(frame, node)
        case ast.FunctionDef():
            _define(frame, node)
        case ast.Import(names):
            import_modules(frame, names)
        case ast.ImportFrom():
            import_from(frame, node)
        case ast.Delete(targets):
            for target in targets:
                delete(frame, target)
        case ast.Raise():
            reason, remedy = "the function raises here for these arguments", "call it with others"
            raise DifferentiationError(reason, remedy=remedy, exception=exception_text(frame, node))
        case _:
            return _compound(frame, node)
    return ON


def _compound(frame: Frame, node: ast.stmt) -> Flow:
    match node:
        case ast.With():
            return with_statement(frame, node, block)
        case ast.Try():
            return try_statement(frame, node, block)
        case ast.Match():
            return match_statement(frame, node, block)
        case _ if type(node) in LATER:
            reason, remedy = LATER[type(node)]
            raise NotYetSupported(reason, remedy=remedy, span=_head(frame, node))
    raise UnsupportedSyntax(f"{type(node).__name__} is not supported", span=_head(frame, node))


def _head(frame: Frame, node: ast.stmt) -> Span | None:
    """The place of the first line of a statement."""
    span = frame.span(node)
    return None if span is None else replace(span, end_line=span.line, end_column=len(span.text))


def _define(frame: Frame, node: ast.FunctionDef) -> None:
    made: object = closure(frame, node)
    for decorator in reversed(node.decorator_list):
        function = evaluate(frame, decorator)
        made = frame.reader.call(frame, decorator, function, (made,), {})
    assign(frame, ast.copy_location(ast.Name(node.name, ast.Store()), node), made)


def _augment(frame: Frame, node: ast.AugAssign) -> None:
    """``x += y``: an array changes in place; a variable that holds anything else gets a new object."""
    if augment_outside(frame, node):
        return
    match node.target:
        case ast.Subscript():
            augmented(frame, node)
        case ast.Name(name) as target:
            before = evaluate(frame, ast.copy_location(ast.Name(name, ast.Load()), target))
            after = augment(frame, node, before)
            if after is not before:
                assign(frame, target, after)
        case ast.Attribute(owner, name) as target:
            held = evaluate(frame, owner)
            before = attribute(frame, target, held)
            after = augment(frame, node, before)
            if after is not before:
                set_attribute(frame, target, held, name, after)
