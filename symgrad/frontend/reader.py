"""Reading: a Python function and the signature of a call become a program."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Mapping
from types import FunctionType, MethodType
from typing import Any

from symgrad.errors import NotYetSupported, SourceNotAvailable, Span
from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.arguments import Arguments
from symgrad.frontend.binding import bind
from symgrad.frontend.calls import call
from symgrad.frontend.captures import Captures
from symgrad.frontend.derived import between
from symgrad.frontend.environment import Conflict, as_it_is
from symgrad.frontend.expressions import evaluate
from symgrad.frontend.frame import Differentiate, Frame, Namespace, Reader, assigned_names
from symgrad.frontend.inlining import defaults_of
from symgrad.frontend.parameters import called_arguments, parameter_list
from symgrad.frontend.source import FunctionNode, locate, parameter_names
from symgrad.frontend.statements import execute, returned, run
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.depth import deep
from symgrad.ir.program import Program, Region
from symgrad.ir.signature import Signature, StaticArg

RESERVED = frozenset({"np", "math"})


def read(
    function: Callable[..., Any],
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...]],
    builder: Builder,
    differentiate: Differentiate,
    *,
    active: Collection[str] = (),
    written_out: int = 0,
    derivatives: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
) -> Program:
    """The program of a call of ``function`` with arguments of these types.

    ``shapes`` gives the shape of every array argument by its access text (``X``, ``params["W"]``), where it is known;
    ``differentiate`` takes the derivatives that the function itself asks for.
    Integers in the parameters named by ``active`` count as floats. Loops of at most ``written_out`` rounds, where their
    number is known, are written round by round. With ``derivatives`` the result is those of the first variables with
    respect to the others.

    Raises ``SymgradError``, located in the user's source, for everything that cannot be differentiated.
    """
    root = underlying(function)
    source, node = locate(root)
    arguments = Arguments(builder, shapes, active, Aliasing())
    taken = {*signature.names, *parameter_names(node.args), *assigned_names(node), *RESERVED}
    reader = Reader(builder, arguments, Captures(arguments, taken), run, call, evaluate, execute, differentiate)
    reader.filename, reader.written_out = source.filename, written_out
    reader.watched = frozenset() if derivatives is None else frozenset((*derivatives[0], *derivatives[1]))
    objects = {name: arguments.made(arg, Code(name), name) for name, arg in signature.items()}
    given = as_it_is(objects)
    frame = Frame(reader, source, node, {}, namespace=Namespace(root, (), root.__globals__))
    reader.captures.rely(("function", "__code__"), root.__code__)
    with deep(), frame.open():
        result, span = _result(frame, function, objects, signature)
        result = result if derivatives is None else between(frame, *derivatives)
    parameters = parameter_list(root, node, _skipped(function, signature, node))
    return _program(frame, parameters, given, result, span)


def _program(
    frame: Frame, parameters: str, arguments: Mapping[str, object], result: object, span: Span | None
) -> Program:
    """What was read."""
    reader, node = frame.reader, frame.node
    return Program(
        name=node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else "function",
        parameters=parameters,
        builder=reader.builder,
        inputs=tuple(reader.arguments.inputs),
        changed=reader.arguments.changed,
        arguments=arguments,
        body=Region(tuple(reader.statements)),
        result=result,
        result_span=span,
        captures=tuple(reader.captures.found.values()),
        identifiers=frozenset(reader.identifiers | reader.captures.taken - RESERVED),
    )


def _skipped(function: object, signature: Signature, node: FunctionNode) -> int:
    """One for a bound method, whose first parameter is not part of a call."""
    names = parameter_names(node.args)
    return int(not isinstance(function, FunctionType) and bool(names) and names[0] not in signature.names)


def underlying(function: Callable[..., Any]) -> FunctionType:
    """The function written in Python behind a method, a decorated function or a callable object."""
    found: Any = function
    for _ in range(100):
        if isinstance(found, FunctionType):
            return found
        following = getattr(found, "__func__", None) or getattr(found, "__wrapped__", None)
        found = following or inspect.getattr_static(type(found), "__call__", None)
    reason = f"{getattr(function, '__name__', function)} is not written in Python"
    raise SourceNotAvailable(reason, remedy="wrap it in a function written in Python")


def _result(
    frame: Frame, function: Callable[..., Any], objects: Mapping[str, object], signature: Signature
) -> tuple[object, Span | None]:
    """Run the body on the arguments."""
    names = parameter_names(frame.node.args)
    variables = dict(objects)
    if isinstance(function, MethodType) and not _places(frame.node.args) and frame.node.args.vararg is not None:
        starred = frame.node.args.vararg.arg
        rest: Any = objects[starred]
        variables[starred] = (_owner(frame, function), *rest)
    elif names and names[0] not in variables and not isinstance(function, FunctionType):
        variables[names[0]] = _owner(frame, function)
    if set(names) != set(variables):
        args, keywords = called_arguments(function, objects)
        defaults = defaults_of(frame, underlying(function), frame.node.args)
        variables = bind(function.__name__, frame.node.args, args, keywords, defaults)
    for name, arg in signature.items():
        if isinstance(arg, StaticArg):
            frame.reader.captures.know(("arguments", name), arg.value)
    if frame.node.args.kwarg is not None:
        own: Any = variables[frame.node.args.kwarg.arg]
        variables[frame.node.args.kwarg.arg] = dict(own)
    frame.variables.update(variables)
    if isinstance(frame.node, ast.Lambda):
        return evaluate(frame, frame.node.body), frame.span(frame.node.body)
    flow = returned(frame)
    if isinstance(flow.item, Conflict):
        reason = f"the function returns values of different types: {flow.item.reason}"
        raise NotYetSupported(reason, remedy="return values of one type and shape")
    return as_it_is(flow.item), flow.span


def _places(arguments: ast.arguments) -> list[ast.arg]:
    """Parameters that are given in order."""
    return [*arguments.posonlyargs, *arguments.args]


def _owner(frame: Frame, function: object) -> object:
    """The object that a bound method belongs to; its attributes are read at every call."""
    owner = getattr(function, "__self__", function)
    frame.reader.captures.know(("attribute", "__self__"), owner)
    return owner
