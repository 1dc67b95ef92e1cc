"""Calls: every kind of callee has a case here, or is refused."""

from __future__ import annotations

import ast
import functools
import inspect
import operator
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NoDerivative, NotYetSupported, SymgradError
from symgrad.frontend.array_changes import METHODS_IN_PLACE, change_of
from symgrad.frontend.builtin_calls import BUILTINS, EFFECTS
from symgrad.frontend.captures import from_library
from symgrad.frontend.code_writer import Template, spelling
from symgrad.frontend.comprehensions import gathered
from symgrad.frontend.construction import construct
from symgrad.frontend.custom import call_custom
from symgrad.frontend.derived import call_derived, transformed
from symgrad.frontend.draws import call_draw, is_draw
from symgrad.frontend.frame import Frame
from symgrad.frontend.inlining import inline, inline_closure, inline_definition
from symgrad.frontend.known import Arguments, Keywords, apply, recoded, unknown
from symgrad.frontend.lifting import constant_array, number
from symgrad.frontend.members import member
from symgrad.frontend.opaque import call_method, either_way, unreadable
from symgrad.frontend.operators import BINARY, FUNCTIONS, UNARY, binary, comparison, unary
from symgrad.frontend.outputs import check_pieces, directed, into
from symgrad.frontend.products import jvp, pulled_back, vjp
from symgrad.frontend.runs import arrayed
from symgrad.frontend.streams import settled
from symgrad.frontend.texts import method as method_of_text
from symgrad.frontend.user_rules import Again, call_by_rule, rule_of
from symgrad.frontend.values import (
    Bound,
    Closure,
    Derived,
    Method,
    Named,
    OpaqueMethod,
    Pullback,
    describe,
    has_values,
    leaves,
)
from symgrad.ir.code import Code
from symgrad.ir.functions import CUSTOM, DERIVATIVE, RULE, is_marked, mark
from symgrad.ir.program import Value
from symgrad.rules.methods import METHODS
from symgrad.rules.row import Algebra, Composed, Elementwise, Refused, Row
from symgrad.rules.table import lookup

INDEXED = frozenset({"arange", "eye", "identity", "zeros", "ones", "full", "empty"})
CONSTANT_TYPES = (np.dtype, np.finfo, np.iinfo)
COLLECTING = (np.stack, np.array, np.asarray)
"""Functions that make of a list the array in which the items lie already, where the list grew in a loop."""


def call(
    frame: Frame, node: ast.expr, function: object, args: Sequence[object], keywords: Mapping[str, object]
) -> object:
    """The result of ``function(*args, **keywords)``."""
    match function:
        case OpaqueMethod():
            return call_method(frame, node, function, args, keywords)
        case Method():
            return _method(frame, node, function, args, keywords)
        case Closure():
            return inline_closure(frame, function, args, keywords)
        case Derived("checkpoint", inner):
            return call_by_rule(frame, node, None, Again(inner), args, keywords)
        case Derived():
            return call_derived(frame, node, function, args, keywords)
        case Pullback():
            return pulled_back(frame, node, function, args)
        case Bound():
            return call(frame, node, function.function, (*function.args, *args), {**function.keywords, **keywords})
        case functools.partial():
            return _partial(frame, node, function, args, keywords)
        case _ if is_draw(function):
            return call_draw(frame, node, function, args, keywords)
        case types.MethodType() if not from_library(function.__func__) and not is_marked(function):
            return _bound_method(frame, node, function, args, keywords)
    if not callable(function):
        raise ArgumentError(f"{describe(function)} cannot be called")
    return _by_attribute(frame, node, function, args, keywords)


def _by_attribute(
    frame: Frame, node: ast.expr, function: Callable[..., object], args: Arguments, keywords: Keywords
) -> object:
    """A derivative, a function with a rule of its own, or any other."""
    if mark(function, DERIVATIVE) is not None:
        return call_derived(frame, node, _derivative(frame, function), args, keywords)
    rule = rule_of(function)
    if rule is not None:
        return call_by_rule(frame, node, function, rule, args, keywords)
    if mark(function, CUSTOM) is not None:
        return call_custom(frame, node, function, args, keywords)
    return _function(frame, node, function, args, keywords)


def _function(
    frame: Frame, node: ast.expr, function: Callable[..., object], args: Arguments, keywords: Keywords
) -> object:
    function = abs if function is operator.abs else function
    if _is_transform(function):
        return _transform(frame, node, function.__name__, args, keywords)
    name = _name(frame, node, function)
    changing = change_of(function)
    if changing is not None:
        return changing(frame, node, args, keywords)
    if _hashable(function):
        if function in EFFECTS:
            raise NotYetSupported(f"{name} has an effect, which is not supported yet", remedy=EFFECTS[function])
        if function in FUNCTIONS and not keywords:
            return _operator(frame, node, function, args)
        if function in BUILTINS:
            return BUILTINS[function](frame, node, args, keywords)
        row = lookup(function)
        if row is not None:
            return known(frame, node, function, name, row, args, keywords)
    return _unlisted(frame, node, function, name, args, keywords)


def _is_transform(function: object) -> bool:
    """Whether this is one of symgrad's own functions."""
    name = getattr(function, "__name__", "")
    homes = (sys.modules.get("symgrad.api"), sys.modules.get("symgrad.custom"))
    plain = isinstance(function, types.FunctionType) and mark(function, RULE) is None
    return plain and any(getattr(home, name, None) is function for home in homes)


def _transform(frame: Frame, node: ast.expr, name: str, args: Arguments, keywords: Keywords) -> object:
    """A transform of symgrad's, called inside of a function."""
    if name in {"grad", "value_and_grad", "elementwise_grad", "hvp"}:
        return transformed(frame, name, args, keywords)
    if name == "checkpoint":
        return Derived(name, args[0])
    if name in {"vjp", "jvp"}:
        return (vjp if name == "vjp" else jvp)(frame, node, args, keywords)
    remedy = "call it outside of the function"
    raise NotYetSupported(f"symgrad.{name} in a function that is differentiated is not supported yet", remedy=remedy)


def _derivative(frame: Frame, function: Any) -> Derived:
    """What a transform gave outside of the function that is being read."""
    found = mark(function, DERIVATIVE)
    path = frame.reader.captures.path(function)
    if path is not None:
        frame.reader.captures.know((*path, "attribute", "__wrapped__"), found.function)
    return Derived(found.request.transform, found.function, found.request.argnums, found.request.has_aux)


def _unlisted(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    name: str,
    args: Arguments,
    keywords: Keywords,
) -> object:
    args = settled(args)
    static = not has_values(tuple(args)) and not has_values(dict(keywords))
    if static and (function in CONSTANT_TYPES or _reads(function)):
        with frame.evaluating(node):
            return function(*args, **keywords)
    if _reads(function):
        return method_of_text(frame, node, function.__self__, name.rpartition(".")[2], args, keywords)  # type: ignore[attr-defined]
    if isinstance(function, type) and issubclass(function, np.generic) and static:
        with frame.evaluating(node):
            return function(*args, **keywords)
    if function is functools.partial and args:
        return Bound(args[0], tuple(args[1:]), keywords)
    if from_library(function):
        raise unreadable(frame, name, args, keywords)
    if isinstance(function, type):
        return construct(frame, node, function, args, keywords)
    if isinstance(function, types.FunctionType):
        return either_way(frame, node, function, args, keywords, lambda: inline(frame, function, args, keywords))
    wrapped = inspect.getattr_static(function, "__wrapped__", None)
    if wrapped is not None:
        frame.reader.captures.know((*_path(frame, function), "attribute", "__wrapped__"), wrapped)
        return call(frame, node, wrapped, args, keywords)
    method = inspect.getattr_static(type(function), "__call__", None)
    if isinstance(method, types.FunctionType):
        return call(frame, node, member(frame, node, function, "__call__"), args, keywords)
    raise unreadable(frame, name, args, keywords)


def _reads(function: object) -> bool:
    """Whether this is a method of a string."""
    return isinstance(function, types.BuiltinMethodType) and isinstance(getattr(function, "__self__", None), str)


def _hashable(function: object) -> bool:
    try:
        hash(function)
    except TypeError:
        return False
    return True


def _path(frame: Frame, function: object) -> tuple[str, ...]:
    return frame.reader.captures.path(function) or ()


def _name(frame: Frame, node: ast.expr, function: object) -> str:
    if isinstance(node, ast.Call) and frame.place is None:
        return frame.source.text(node.func)
    return spelling(function) or str(getattr(function, "__name__", type(function).__name__))


def known(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    name: str,
    row: Row,
    args: Arguments,
    keywords: Keywords,
) -> object:
    """A call of a function that has a row."""
    if isinstance(row, Refused):
        raise NoDerivative(row.reason, remedy=row.remedy)
    given = [gathered(argument) for argument in args]
    args = settled([arrayed(frame, argument, node) for argument in given])
    if function in COLLECTING and len(args) + len(keywords) == 1 and _is_collected(given, args):
        return args[0]
    args, keywords = directed(function, row, args, keywords)
    if "out" in keywords:
        check_pieces(frame, function, args, keywords["out"])
        further = functools.partial(known, frame, node, function, name, row, args)
        return into(frame, node, further, keywords, is_elementwise=isinstance(function, np.ufunc))
    template = Template()
    called = spelling(function)
    if called is None:
        called = template.operand(frame.reader.captures.opaque(function, name))
    code = template.code(f"{called}({template.arguments(args, keywords)})", frame.line(node))
    if not has_values(tuple(args)) and not has_values(dict(keywords)):
        return _constant(frame, node, function, name, row, args, keywords, code)
    return _by_row(frame, node, name, row, args, keywords, code)


def _is_collected(given: Arguments, args: Arguments) -> bool:
    return bool(args) and isinstance(args[0], Value) and args[0] is not given[0]


def _by_row(
    frame: Frame, node: ast.expr, name: str, row: Row, args: Arguments, keywords: Keywords, code: Code
) -> object:
    if isinstance(row, Composed):
        result = inline_definition(frame, node, row.definition, args, keywords)
        found = recoded(result, code)
        for value in leaves(found):
            frame.reader.aliasing.may_share(value, (tuple(args), dict(keywords)))
        return found
    return apply(frame, node, name, row, args, keywords, code)


def _constant(
    frame: Frame,
    node: ast.expr,
    function: Callable[..., object],
    name: str,
    row: Row,
    args: Arguments,
    keywords: Keywords,
    code: Code,
) -> object:
    """A call of a function of NumPy on static arguments: its value is known, its text is kept."""
    if isinstance(row, Elementwise) or (name.rpartition(".")[2] in INDEXED and isinstance(row, Algebra)):
        try:
            return _by_row(frame, node, name, row, args, keywords, code)
        except SymgradError:
            if isinstance(row, Elementwise):
                raise
    with frame.evaluating(node):
        plain = [float(argument) if isinstance(argument, Named) else argument for argument in args]
        result = function(*plain, **keywords)
    if isinstance(result, np.ndarray):
        return constant_array(frame, result, code)
    if isinstance(result, tuple) and not code.operands and all(isinstance(part, np.ndarray) for part in result):
        return tuple(constant_array(frame, part, Code(f"{code.template}[{k}]")) for k, part in enumerate(result))
    if isinstance(result, np.number | np.bool_ | float) and not isinstance(result, bool):
        return Value(number(frame.builder, result), code)
    return result


def _operator(frame: Frame, node: ast.expr, function: Callable[..., object], args: Arguments) -> object:
    """``operator.add(a, b)`` is ``a + b``."""
    kind = FUNCTIONS[function]
    if kind in BINARY and len(args) == 2:
        return binary(frame, node, kind, *args)  # type: ignore[arg-type]
    if kind in UNARY and len(args) == 1:
        return unary(frame, node, kind, *args)  # type: ignore[arg-type]
    if len(args) == 2:
        return comparison(frame, node, kind, *args)  # type: ignore[arg-type]
    raise ArgumentError(f"operator.{function.__name__} got {len(args)} arguments")


def _method(frame: Frame, node: ast.expr, method: Method, args: Arguments, keywords: Keywords) -> object:
    changing = METHODS_IN_PLACE.get(method.name)
    if changing is not None:
        return changing(frame, node, (method.value, *args), keywords)
    row = METHODS.get(method.name)
    if row is None:
        raise unknown(f"the method .{method.name} of an array")
    (_, *args), keywords = directed(None, row, (method.value, *args), keywords)
    if "out" in keywords:
        further = functools.partial(_method, frame, node, method, args)
        return into(frame, node, further, keywords, is_elementwise=method.name == "clip")
    template = Template()
    owner = template.operand(method.value.code)
    code = template.code(f"{owner}.{method.name}({template.arguments(args, keywords)})", frame.line(node))
    return _by_row(frame, node, method.name, row, (method.value, *args), keywords, code)


def _partial(
    frame: Frame, node: ast.expr, function: functools.partial[object], args: Arguments, keywords: Keywords
) -> object:
    captures, path = frame.reader.captures, _path(frame, function)
    first, named, inner = function.args, function.keywords, function.func
    if path:
        first = captures.capture((*path, "attribute", "args"), first)  # type: ignore[assignment]
        named = captures.capture((*path, "attribute", "keywords"), named)  # type: ignore[assignment]
        inner = captures.capture((*path, "attribute", "func"), inner)  # type: ignore[assignment]
    return call(frame, node, inner, (*first, *args), {**named, **keywords})


def _bound_method(
    frame: Frame, node: ast.expr, function: types.MethodType, args: Arguments, keywords: Keywords
) -> object:
    path = _path(frame, function)
    if path:
        frame.reader.captures.know((*path, "attribute", "__self__"), function.__self__)
        frame.reader.captures.know((*path, "attribute", "__func__"), function.__func__)
    return call(frame, node, function.__func__, (function.__self__, *args), keywords)
