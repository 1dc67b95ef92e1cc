"""Expressions: every kind of node has a case here, or is refused."""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Sequence

from symgrad.errors import ArgumentError, NotYetSupported, SymgradError, UnsupportedSyntax
from symgrad.frontend.attributes import attribute, subscript
from symgrad.frontend.calls import call
from symgrad.frontend.comprehensions import each, generator, listed
from symgrad.frontend.frame import Frame
from symgrad.frontend.logic import both, choice, is_stepwise, logic, negation
from symgrad.frontend.operators import binary, comparison, conjunction, unary
from symgrad.frontend.outside import call_outside
from symgrad.frontend.targets import assign
from symgrad.frontend.texts import joined
from symgrad.frontend.truth import elements, sizes_compared
from symgrad.frontend.values import Closure, has_values
from symgrad.ir.program import Define, Value


def evaluate(frame: Frame, node: ast.expr) -> object:
    """The object that an expression stands for; errors are located at ``node`` or deeper."""
    reader = frame.reader
    try:
        with reader.holding():
            found = _evaluated(frame, node)
    except SymgradError as error:
        frame.locate(error, node)
        raise
    reader.operands[-1].append(found)
    if isinstance(found, Value) and found.code.operands and frame.place is None and not isinstance(node, ast.Name):
        reader.statements.append(Define(found.now, None, None))
    return found


def _evaluated(frame: Frame, node: ast.expr) -> object:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            frame.reader.identifiers.add(name)
            return frame.lookup(name)
        case ast.BinOp(left, kind, right):
            return binary(frame, node, type(kind), evaluate(frame, left), evaluate(frame, right))
        case ast.UnaryOp(ast.Not(), operand):
            return negation(frame, node, operand)
        case ast.UnaryOp(kind, operand):
            return unary(frame, node, type(kind), evaluate(frame, operand))
        case ast.BoolOp():
            return logic(frame, node)
        case ast.Compare():
            return _compare(frame, node)
        case ast.Call():
            return _call(frame, node)
        case ast.Attribute(owner):
            return attribute(frame, node, evaluate(frame, owner))
        case ast.Subscript(owner, key):
            return subscript(frame, node, evaluate(frame, owner), evaluate(frame, key))
    return _display(frame, node)


def _display(frame: Frame, node: ast.expr) -> object:
    match node:
        case ast.Tuple(items):
            return tuple(_items(frame, items))
        case ast.List(items):
            return _items(frame, items)
        case ast.Set(items):
            return _set(_items(frame, items))
        case ast.Dict():
            return _dict(frame, node)
        case ast.GeneratorExp():
            return generator(frame, node)
        case ast.ListComp():
            return listed(frame, node)
        case ast.SetComp(element, _):
            return _set([evaluate(inner, element) for inner in each(frame, node)])
        case ast.DictComp(key, value, _):
            pairs = ((evaluate(inner, key), evaluate(inner, value)) for inner in each(frame, node))
            return dict(pairs)
        case ast.Slice(start, stop, step):
            return slice(*(None if part is None else evaluate(frame, part) for part in (start, stop, step)))
    return _other(frame, node)


def _other(frame: Frame, node: ast.expr) -> object:
    match node:
        case ast.IfExp(test, body, orelse):
            return choice(frame, node, test, body, orelse)
        case ast.Lambda():
            return closure(frame, node)
        case ast.NamedExpr(target, value):
            item = evaluate(frame, value)
            while not frame.scope and frame.outer is not None:
                frame = frame.outer
            assign(frame, target, item)
            return frame.lookup(target.id)
        case ast.JoinedStr():
            return joined(frame, node)
        case ast.Await() | ast.Yield() | ast.YieldFrom():
            word = type(node).__name__.lower()
            raise UnsupportedSyntax(f"{word} has no derivative", remedy="use an ordinary function")
    raise UnsupportedSyntax(f"{type(node).__name__} is not supported")


def _set(items: Sequence[object]) -> object:
    if has_values(tuple(items)):
        raise NotYetSupported("a set of run-time values is not supported", remedy="use a tuple or a list")
    return set(items)


def _compare(frame: Frame, node: ast.Compare) -> object:
    """A comparison; a chain holds if each of its links does."""
    if is_stepwise(frame, node):
        return _stepwise(frame, node, evaluate(frame, node.left), 0)
    operands = [evaluate(frame, operand) for operand in (node.left, *node.comparators)]
    links = [_linked(frame, node, place, *pair) for place, pair in enumerate(itertools.pairwise(operands))]
    return functools.reduce(lambda first, second: conjunction(frame, node, first, second), links)


def _stepwise(frame: Frame, node: ast.Compare, left: object, place: int) -> object:
    """A chain from one of its links on, of which the others are evaluated only if it holds."""
    right = evaluate(frame, node.comparators[place])
    link = _linked(frame, node, place, left, right)
    if place + 1 == len(node.ops):
        return link
    return both(frame, node, link, lambda: _stepwise(frame, node, right, place + 1))


def _linked(frame: Frame, node: ast.Compare, place: int, left: object, right: object) -> object:
    """One link of a comparison."""
    kind, written = node.ops[place], (node.left, *node.comparators)
    part = node if len(node.ops) == 1 else _link(node, written[place], kind, written[place + 1])
    decided = _decided(frame, node, kind, left, right)
    return comparison(frame, part, type(kind), left, right) if decided is None else decided


def _link(node: ast.expr, left: ast.expr, kind: ast.cmpop, right: ast.expr) -> ast.Compare:
    return ast.copy_location(ast.Compare(left, [kind], [right]), node)


def _decided(frame: Frame, node: ast.expr, kind: ast.cmpop, left: object, right: object) -> bool | None:
    """A comparison of lengths of axes, which is decided while compiling and guarded; None for any other."""
    if isinstance(left, tuple) and isinstance(right, tuple) and isinstance(kind, ast.Eq | ast.NotEq):
        links = [_decided(frame, node, ast.Eq(), *pair) for pair in zip(left, right, strict=False)]
        if None in links:
            return None
        return (len(left) == len(right) and all(links)) == isinstance(kind, ast.Eq)
    if isinstance(left, Value) or isinstance(right, Value):
        plain = [frame.reader.captures.specialised(operand) for operand in (left, right)]
        if all(type(operand) is int for operand in plain):
            return bool(comparison(frame, node, type(kind), *plain))
        return sizes_compared(frame, kind, left, right)
    return left == right if isinstance(left, int) and isinstance(right, int) and isinstance(kind, ast.Eq) else None


def _call(frame: Frame, node: ast.Call) -> object:
    if call_outside(frame, node):
        return None
    function = evaluate(frame, node.func)
    args = _items(frame, node.args if function is not sum else [_generated(part) for part in node.args])
    keywords: dict[str, object] = {}
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, dict):
            keywords.update(value)
        else:
            raise ArgumentError("the argument after ** is not a dict", span=frame.span(keyword.value))
    frame.reader.operands[-1].clear()
    return call(frame, node, function, args, keywords)


def _generated(node: ast.expr) -> ast.expr:
    """What is summed: of a list whose length depends on tests only its items matter."""
    if isinstance(node, ast.ListComp) and any(generator.ifs for generator in node.generators):
        return ast.copy_location(ast.GeneratorExp(node.elt, node.generators), node)
    return node


def _items(frame: Frame, nodes: Sequence[ast.expr]) -> list[object]:
    """Evaluated items; starred ones are spread."""
    found: list[object] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            with frame.at(node):
                found.extend(elements(frame, evaluate(frame, node.value)))
        else:
            found.append(evaluate(frame, node))
    return found


def _dict(frame: Frame, node: ast.Dict) -> dict[object, object]:
    found: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        inner = evaluate(frame, value)
        if key is None:
            if not isinstance(inner, dict):
                raise ArgumentError("the object after ** is not a dict", span=frame.span(value))
            found.update(inner)
            continue
        name = evaluate(frame, key)
        if has_values(name):
            raise NotYetSupported("a run-time value as key of a dict", remedy="use a string", span=frame.span(key))
        with frame.evaluating(key):
            found[name] = inner
    return found


def closure(frame: Frame, node: ast.Lambda | ast.FunctionDef) -> Closure:
    """A function that is defined inside of the function that is read."""
    defaults = tuple(evaluate(frame, default) for default in node.args.defaults)
    named = {
        parameter.arg: evaluate(frame, default)
        for parameter, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    }
    return Closure(node, frame, defaults, named)
