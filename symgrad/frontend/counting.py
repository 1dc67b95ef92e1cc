"""Loops over ranges whose bounds are computed while the program runs: a ``while`` that counts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from symgrad.frontend.environment import changes, environment
from symgrad.frontend.frame import Frame
from symgrad.frontend.liveness import Rewritten, liveness
from symgrad.frontend.logic import is_pure
from symgrad.frontend.segments import located
from symgrad.ir.kinds import is_floating
from symgrad.ir.program import Value

READING = frozenset({"item", "max", "min", "sum"})
"""Methods of arrays that give numbers and change nothing."""


def counting(frame: Frame, node: ast.For) -> list[ast.stmt] | None:
    """``for k in range(start, stop, step)`` as a ``while``; None if the bounds are floats or may have effects."""
    call = node.iter
    if not isinstance(call, ast.Call) or call.keywords or not 1 <= len(call.args) <= 3:
        return None
    calls = [part for bound in call.args for part in ast.walk(bound) if isinstance(part, ast.Call)]
    step = _literal(call.args[2]) if len(call.args) == 3 else 1
    if not step or not all(_is_read_only(frame, part) for part in calls) or not _are_integers(frame, call.args):
        return None
    start, stop = call.args[:2] if len(call.args) > 1 else (ast.Constant(0), call.args[0])
    return list(located(node, _loop(node, _own_name(frame, node), start, stop, step)))


def _own_name(frame: Frame, node: ast.For) -> str:
    """A name that the function does not have; the column tells loops inside of each other apart."""
    name = f"_{node.target.id if isinstance(node.target, ast.Name) else 'place'}{node.col_offset}"
    taken = liveness(frame.node).names
    while name in taken or f"{name}_end" in taken:
        name = f"_{name}"
    return name


def _are_integers(frame: Frame, bounds: Sequence[ast.expr]) -> bool:
    """Whether bounds are integers that can be read again: properties may change something."""
    before = environment(frame.reader)
    found = [frame.reader.evaluate(frame, bound) for bound in bounds]
    floats = any(
        isinstance(item, float) or (isinstance(item, Value) and is_floating(item.tensor.kind)) for item in found
    )
    return not floats and not changes(before, environment(frame.reader))


def _is_read_only(frame: Frame, call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return (method in READING and not call.keywords) or is_pure(frame, call)


def _literal(step: ast.expr) -> int | None:
    match step:
        case ast.Constant(int() as number):
            return number
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as number)):
            return -number
    return None


def _loop(node: ast.For, place: str, start: ast.expr, stop: ast.expr, step: int) -> Iterator[ast.stmt]:
    end = f"{place}_end"
    yield ast.Assign([ast.Name(place, ast.Store())], start)
    yield ast.Assign([ast.Name(end, ast.Store())], stop)
    order = ast.Lt() if step > 0 else ast.Gt()
    goes_on = ast.Compare(ast.Name(place, ast.Load()), [order], [ast.Name(end, ast.Load())])
    current = ast.Assign([node.target], ast.Name(place, ast.Load()))
    following = ast.BinOp(ast.Name(place, ast.Load()), ast.Add(), ast.Constant(step))
    rounds = [current, ast.Assign([ast.Name(place, ast.Store())], following), *node.body]
    yield Rewritten(goes_on, rounds, node.orelse, node)
