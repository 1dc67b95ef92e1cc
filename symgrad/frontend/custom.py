"""Functions with a gradient of the user's own: called at run time, never looked into for their derivative.

The type of the result is found by reading the body loosely: what is not understood is skipped, as long as the value
that is returned does not depend on it. An annotation of the result decides where that fails.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FunctionType, MethodType

from symgrad.errors import DifferentiationError, NotYetSupported, SymgradError
from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.annotations import annotated
from symgrad.frontend.arguments import Arguments
from symgrad.frontend.binding import bind
from symgrad.frontend.code_writer import Template
from symgrad.frontend.environment import as_it_is
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.inlining import defaults_of, entered
from symgrad.frontend.lifting import lifted
from symgrad.frontend.pullbacks import gradient_places
from symgrad.frontend.source import locate, parameter_names
from symgrad.frontend.user_rules import Pair, Ruled, ruled
from symgrad.frontend.values import describe, has_values
from symgrad.ir.code import Code
from symgrad.ir.program import Region, Value
from symgrad.ir.tensor import Expr, Kind


def call_custom(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    args: Sequence[object],
    keywords: Mapping[str, object],
) -> Value:
    """The value of a call of a function under ``custom_gradient``."""
    inner = function.__symgrad_custom_gradient__  # type: ignore[attr-defined]
    name = getattr(inner, "__name__", "the function")
    for argument in (*args, *keywords.values()):
        if has_values(argument) and not isinstance(argument, Value):
            reason = f"{describe(argument)} of run-time values is given to {name}"
            raise NotYetSupported(reason, remedy="give arrays and numbers one by one")
    if frame.reader.formulas or frame.builder is not frame.reader.arguments.builder:
        return _read(frame, node, inner, args, keywords)
    shape, kind = result_type(frame, node, function, inner, args, keywords)
    template = Template()
    local = frame.reader.captures.opaque(function, name, ("attribute", "__symgrad_custom_gradient__"))
    called = template.operand(local)
    text = template.arguments(args, keywords)
    repeated = _repeated(frame, local, text, template)
    code = template.code(f"{'(' * repeated}{called}{')' * repeated}({text})", frame.line(node))
    items = (*args, *keywords.values())
    operands = [lifted(frame, item, node).tensor for item in items if isinstance(item, Value)]
    params: tuple[tuple[str, object], ...] = (
        ("function", local.template),
        ("call", repeated),
        ("places", tuple(place for place, item in enumerate(items) if isinstance(item, Value))),
        ("gradients", gradient_places(locate(underlying_function(inner))[1], len(items))),
        ("ruled", Ruled(frame, node, Pair(inner), items, None)),
    )
    value = Value(frame.builder.op("custom_gradient", operands, shape, kind, params), Code("_0[0]", (code,)))
    if _gives_argument(underlying_function(inner)):
        frame.reader.aliasing.may_share(value, tuple(args))
    return value


def _gives_argument(function: FunctionType) -> bool:
    """Whether the value of a function is one of its parameters as they were given, or may be."""
    node = locate(function)[1]
    names = parameter_names(node.args)
    pairs = (
        [node.body] if isinstance(node, ast.Lambda) else [p.value for p in ast.walk(node) if isinstance(p, ast.Return)]
    )
    values = [pair.elts[0] for pair in pairs if isinstance(pair, ast.Tuple) and pair.elts]
    return any(isinstance(value, ast.Name) and value.id in names for value in values)


def _read(frame: Frame, node: ast.expr, inner: object, args: Sequence[object], keywords: Mapping[str, object]) -> Value:
    """A call in a loop or a branch: value and gradient are read as formulas."""
    if keywords:
        raise NotYetSupported("arguments by name, in a loop or a branch", remedy="pass them in order")
    given = [as_it_is(argument) for argument in args]
    length = len(frame.reader.statements)
    pair = frame.reader.call(frame, node, inner, list(map(as_it_is, given)), {})
    if Region(tuple(frame.reader.statements[length:])).has_effects:
        reason = "a custom gradient with effects, in a loop or a branch, is not supported yet"
        raise NotYetSupported(reason, remedy="take the effects out of it")
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise DifferentiationError("a function under custom_gradient returns (value, gradient)")
    made = ruled(frame, Ruled(frame, node, Pair(inner), tuple(given), pair[0]))
    assert isinstance(made, Value)
    return made


def underlying_function(inner: object) -> FunctionType:
    """The function behind a bound method."""
    found = inner.__func__ if isinstance(inner, MethodType) else inner
    assert isinstance(found, FunctionType)
    return found


def _repeated(frame: Frame, local: Code, text: str, template: Template) -> int:
    """How often the same call was made before: each call runs, so that equal calls stay apart."""
    key = local, text, tuple(template.operands)
    count = frame.reader.calls.get(key, 0)
    frame.reader.calls[key] = count + 1
    return count


def result_type(
    frame: Frame,
    node: ast.expr,
    function: object,
    inner: object,
    args: Sequence[object],
    keywords: Mapping[str, object],
) -> tuple[tuple[Expr, ...], Kind]:
    """Shape and dtype of the value."""
    if isinstance(inner, MethodType):
        args, inner = (inner.__self__, *args), inner.__func__
    assert isinstance(inner, FunctionType)
    path = frame.reader.captures.path(function)
    if path is not None:
        frame.reader.captures.know((*path, "attribute", "__symgrad_custom_gradient__"), inner)
    scratch = replace(frame, reader=_scratch(frame.reader))
    body = entered(scratch, inner)
    defaults = defaults_of(scratch, inner, body.node.args)
    body.variables.update(bind(inner.__name__, body.node.args, args, keywords, defaults))
    found = annotated(body)
    if found is not None:
        return found
    reason: SymgradError | None = None
    try:
        value = _value(body, _statements(body.node))
    except SymgradError as error:
        value, reason = None, error
    if isinstance(value, Value):
        return value.tensor.shape, value.tensor.kind
    if isinstance(value, int | float):
        return (), type(value)
    raise DifferentiationError(
        f"the type of the value of {inner.__name__} cannot be found by reading it"
        + (f" ({reason.reason})" if reason is not None else ""),
        remedy=f'annotate what it returns: def {inner.__name__}(...) -> "float64[n]"',
        span=frame.span(node),
    )


def _scratch(reader: Reader) -> Reader:
    """A reader whose equations, inputs and captures are thrown away; what it learns of sizes is kept."""
    builder = reader.builder.scratch()
    aliasing = Aliasing()
    arguments = Arguments(builder, {}, (), aliasing)
    return replace(
        reader,
        builder=builder,
        arguments=arguments,
        captures=reader.captures.scratch(arguments),
        statements=[],
        identifiers=set(),
        calls={},
    )


def _statements(node: ast.AST) -> list[ast.stmt]:
    return [ast.Return(node.body)] if isinstance(node, ast.Lambda) else list(getattr(node, "body", []))


def _value(body: Frame, statements: Sequence[ast.stmt]) -> object:
    for statement in statements:
        match statement:
            case ast.Return(ast.Tuple([value, _])):
                return body.reader.evaluate(body, value)
            case ast.Return(value) if value is not None:
                returned = body.reader.evaluate(body, value)
                return returned[0] if isinstance(returned, tuple) and len(returned) == 2 else None
            case ast.With(body=inner):
                found = _value(body, inner)
                if found is not None:
                    return found
            case _:
                _try(body, statement)
    return None


def _try(body: Frame, statement: ast.stmt) -> None:
    """Execute a statement, or forget the variables that it would have set."""
    try:
        body.reader.execute(body, statement)
    except SymgradError:
        for child in ast.walk(statement):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                body.variables.pop(child.id, None)
