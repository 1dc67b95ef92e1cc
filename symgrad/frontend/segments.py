"""Loops over ``checkpoint(range(...))``: written as loops over segments of about the square root of their length.

The derivative saves what a segment starts with, and computes the rounds of a segment again (Griewank: Achieving
logarithmic growth of temporal and spatial complexity in reverse automatic differentiation, 1992; two levels of it).
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterator

import sympy

from symgrad.errors import NotYetSupported
from symgrad.frontend.frame import Frame
from symgrad.ir.program import Value
from symgrad.ir.sizes import runs

SHORTEST = 9
"""Shorter segments would be written out round by round."""
_serial = itertools.count()


class Segment(ast.For):
    """A loop over the rounds of one segment."""


def segmented(frame: Frame, node: ast.For) -> list[ast.stmt] | None:
    """The loop over segments, and that over what is left; None for any other loop."""
    call = node.iter
    if not isinstance(call, ast.Call) or len(call.args) != 1 or not _is_checkpoint(frame, call.func):
        return None
    (inner,) = call.args
    if not isinstance(inner, ast.Call) or len(inner.args) not in {1, 2} or _name(inner.func) != "range":
        reason = "checkpoint takes a function, or a range of one or two bounds"
        raise NotYetSupported(reason, remedy="for k in checkpoint(range(n))", span=frame.span(call))
    if node.orelse or any(_leaves(node.body)):
        reason = "break and else in a loop over checkpoint(range(...)) are not supported yet"
        raise NotYetSupported(reason, remedy="leave the loop to its end", span=frame.span(node))
    start, stop = inner.args if len(inner.args) == 2 else (ast.Constant(0), inner.args[0])
    length, kept, bounds = _length(frame, node, start, stop), [], []
    if length is None:
        return [ast.copy_location(ast.For(node.target, inner, node.body, []), node)]
    for bound in (start, stop):
        before, own = _kept(node, bound)
        kept += before
        bounds.append(own)
    return list(located(node, itertools.chain(kept, _loops(node, bounds[0], bounds[1], length))))


def _kept(node: ast.For, bound: ast.expr) -> tuple[list[ast.stmt], ast.expr]:
    """A bound as it was before the loop: a variable of its own holds what the body may change."""
    inside = (part for statement in node.body for part in ast.walk(statement))
    changed = {part.id for part in (*inside, *ast.walk(node.target)) if isinstance(part, ast.Name) and _is_set(part)}
    if isinstance(bound, ast.Constant) or (isinstance(bound, ast.Name) and bound.id not in changed):
        return [], bound
    name = f"_bound{next(_serial)}"
    return [ast.Assign([ast.Name(name, ast.Store())], bound)], _read(name)


def _is_set(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)


def _loops(node: ast.For, start: ast.expr, stop: ast.expr, length: int) -> Iterator[ast.stmt]:
    segment, place = (f"_{name}{next(_serial)}" for name in ("segment", "place"))
    from_zero = isinstance(start, ast.Constant) and start.value == 0
    rounds = stop if from_zero else ast.BinOp(stop, ast.Sub(), start)
    count = ast.BinOp(rounds, ast.FloorDiv(), ast.Constant(length))
    first: ast.expr = ast.BinOp(_read(segment), ast.Mult(), ast.Constant(length))
    rest: ast.expr = ast.BinOp(count, ast.Mult(), ast.Constant(length))
    if not from_zero:
        first, rest = ast.BinOp(start, ast.Add(), first), ast.BinOp(start, ast.Add(), rest)
    number = ast.Assign([node.target], ast.BinOp(first, ast.Add(), _read(place)))
    inside = Segment(ast.Name(place, ast.Store()), _range(ast.Constant(length)), [number, *node.body], [])
    yield ast.For(ast.Name(segment, ast.Store()), _range(count), [inside], [])
    yield ast.For(node.target, _range(rest, stop), node.body, [])


def located(node: ast.For, statements: Iterator[ast.stmt]) -> Iterator[ast.stmt]:
    """New nodes stand where the loop stands."""
    for statement in statements:
        for part in ast.walk(statement):
            if isinstance(part, ast.expr | ast.stmt) and not hasattr(part, "lineno"):
                ast.copy_location(part, node)
        yield statement


def _length(frame: Frame, node: ast.For, start: ast.expr, stop: ast.expr) -> int | None:
    """The length of a segment: the root of the number of rounds at this call, and of others of that order.

    None where there are no rounds, which the guard asks again.
    """
    bounds = [frame.reader.evaluate(frame, bound) for bound in (start, stop)]
    sizes = [bound.tensor.expr if isinstance(bound, Value) else sympy.sympify(bound) for bound in bounds]
    known, rounds = frame.builder.sizes, frame.builder.sizes.find(sizes[1] - sizes[0])
    value = known.value(rounds)
    if value is None or runs(rounds):
        reason = "how many rounds this loop has is not known before it runs"
        raise NotYetSupported(reason, remedy="take an argument, or the length of an array", span=frame.span(node))
    if not known.at_least(rounds, sympy.S.One):
        return None
    length = max(math.isqrt(value), SHORTEST)
    known.at_least(sympy.Integer(4 * length * length), rounds)
    if length > SHORTEST:
        known.at_least(rounds, sympy.Integer(length * length // 4))
    return length


def _is_checkpoint(frame: Frame, function: ast.expr) -> bool:
    if not isinstance(function, ast.Name | ast.Attribute) or (_name(function) or "").rpartition(".")[2] != "checkpoint":
        return False
    found = frame.reader.evaluate(frame, function)
    return getattr(found, "__module__", None) == "symgrad.custom" and getattr(found, "__name__", None) == "checkpoint"


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _leaves(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The ``break`` of this loop."""
    for statement in statements:
        if isinstance(statement, ast.Break):
            yield statement
        elif not isinstance(statement, ast.For | ast.While | ast.FunctionDef):
            for part in ("body", "orelse"):
                yield from _leaves(getattr(statement, part, []))


def _read(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _range(*bounds: ast.expr) -> ast.Call:
    return ast.Call(_read("range"), list(bounds), [])
