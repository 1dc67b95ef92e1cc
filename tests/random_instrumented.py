"""Programs run with their comparisons watched: they go by real parts, and a near tie or an endless loop is rejected.

So a program that branches on its data has complex steps: ``np`` and the builtins that order numbers stand for ones
which take complex numbers, and new arrays are complex.
"""

from __future__ import annotations

import ast
import builtins
import operator
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MARGIN, MOST_TURNS, LARGEST, MOST_ELEMENTS = 0.02, 300, 30.0, 100
CREATION = {"array", "asarray", "zeros", "ones", "empty", "full", "eye"} | {
    f"{name}_like" for name in ("zeros", "ones", "empty", "full")
}
OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Rejected(Exception):
    """The program is near a kink, or does not end, or has values of immoderate size."""


FAILURES = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, NameError, RuntimeError, Rejected)


def compared(name: str, left: Any, right: Any) -> Any:
    """A comparison of real parts."""
    test = getattr(operator, name)
    if not (_is_real_or_complex(left) or _is_real_or_complex(right)):
        return test(left, right)
    left, right = np.real(left), np.real(right)
    apart(left, right)
    return test(left, right)


def apart(left: Any, right: Any) -> None:
    """Reject numbers that nearly tie, relative to their size; a zero has the size of one."""
    sizes = [np.where(np.asarray(side) == 0, 1.0, np.abs(side)) for side in (left, right)]
    if np.any(np.abs(left - right) <= MARGIN * np.maximum(*sizes)):
        raise Rejected


def _is_real_or_complex(value: Any) -> bool:
    return isinstance(value, float | complex) or np.asarray(value).dtype.kind in "fc"


def larger(left: Any, right: Any, out: Any = None) -> Any:
    """``np.maximum`` by real parts."""
    return _chosen(compared("gt", left, right), left, right, out)


def smaller(left: Any, right: Any, out: Any = None) -> Any:
    """``np.minimum`` by real parts."""
    return _chosen(compared("lt", left, right), left, right, out)


def _chosen(mask: Any, left: Any, right: Any, out: Any) -> Any:
    found = np.where(mask, left, right)
    if out is None:
        return found[()]
    out[...] = found
    return out


def size(value: Any) -> Any:
    """``abs`` by real parts."""
    return value * np.where(np.real(value) < 0, -1, 1) if isinstance(value, np.ndarray) else _scalar_size(value)


def _scalar_size(value: Any) -> Any:
    return -value if value.real < 0 else value


def largest(*values: Any) -> Any:
    """Python's ``max`` by real parts."""
    return _best("gt", values)


def least(*values: Any) -> Any:
    """Python's ``min`` by real parts."""
    return _best("lt", values)


def _best(name: str, values: Iterable[Any]) -> Any:
    items = list(values)
    best, *others = items[0] if len(items) == 1 else items
    for other in others:
        best = other if compared(name, other, best) else best
    return best


class Arrays:
    """NumPy, with orders by real parts and new arrays of a dtype."""

    maximum, minimum, abs = staticmethod(larger), staticmethod(smaller), staticmethod(size)

    def __init__(self, dtype: type) -> None:
        self.dtype = dtype

    def __getattr__(self, name: str) -> Any:
        if name not in CREATION:
            return getattr(np, name)

        def create(*args: Any, **kwargs: Any) -> Any:
            made = getattr(np, name)(*args, **kwargs)
            return made.astype(self.dtype, copy=False) if made.dtype.kind == "f" else made

        return create


class Watching(ast.NodeTransformer):
    """Comparisons become calls, and the turns of loops are counted."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if not all(type(op) in OPERATORS for op in node.ops):
            return node
        sides = [node.left, *node.comparators]
        parts = [
            _call("compared_", ast.Constant(OPERATORS[type(op)].__name__), left, right)
            for op, left, right in zip(node.ops, sides, node.comparators, strict=False)
        ]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def visit_For(self, node: ast.For) -> ast.For:
        return self._counted(node)

    def visit_While(self, node: ast.While) -> ast.While:
        return self._counted(node)

    def _counted(self, node: Any) -> Any:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(_call("turn_")))
        return node


def _call(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


class Stage:
    """Where watched programs run, with new arrays of a dtype."""

    def __init__(self, prelude: str, dtype: type) -> None:
        self.turns = 0
        names: dict[str, Any] = {"__name__": "random_program", "__builtins__": builtins}
        names |= {"compared_": compared, "turn_": self._turn, "max": largest, "min": least, "abs": size}
        if dtype is complex:
            names["float"] = lambda value: value
        self.names = names
        self._execute(prelude)
        names["np"] = Arrays(dtype)

    def define(self, source: str, probe: Callable[[Any], None] | None = None) -> Callable[..., Any]:
        """The watched function named ``program`` in a source, where ``probe_`` is the probe."""
        self.names["probe_"] = probe
        self._execute(source)
        function = self.names.pop("program")

        def run(*args: Any) -> Any:
            self.turns = 0
            return function(*args)

        return run

    def _execute(self, source: str) -> None:
        tree = ast.fix_missing_locations(Watching().visit(ast.parse(source)))
        exec(compile(tree, "<watched program>", "exec", dont_inherit=True), self.names)

    def _turn(self) -> None:
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise Rejected


def copied(args: Sequence[Any]) -> list[Any]:
    """Arguments that a program may change."""
    return [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]


def kind(value: Any) -> str:
    """The letter of a value's kind in the templates; empty for what they do not use."""
    match value:
        case bool() | np.bool_():
            return ""
        case int() | np.integer():
            return "I"
        case float():
            return "S"
        case np.ndarray():
            return {"f0": "S", "f1": "V", "f2": "M", "i1": "P"}.get(f"{value.dtype.kind}{value.ndim}", "")
        case list() if value:
            return {"S": "L", "V": "W"}.get("".join({kind(item) for item in value}), "")
        case dict() if {"a", "b"} <= value.keys():
            return {"S": "D", "V": "E"}.get("".join({kind(item) for item in value.values()}), "")
        case types.FunctionType():
            return "F"
    return {"Account": "O", "Savings": "O", "State": "Q"}.get(type(value).__name__, "")


def moderate(value: Any) -> bool:
    """Whether all numbers within are finite and not large."""
    match value:
        case float():
            return abs(value) < LARGEST
        case np.ndarray() if value.dtype.kind == "f":
            return bool(np.all(np.abs(value) < LARGEST)) and 0 < value.size <= MOST_ELEMENTS
        case list() | tuple():
            return all(map(moderate, value))
        case dict():
            return all(map(moderate, value.values()))
    return moderate(vars(value)) if kind(value) in {"O", "Q"} else True


Seen = list[dict[str, dict[Any, None]]]


@dataclass
class Probe:
    """The kinds and shapes of variables that were met at the hole, for each point."""

    points: Seen = field(default_factory=list)
    visits: list[int] = field(default_factory=list)

    def start(self) -> None:
        """A new point."""
        self.points.append({})
        self.visits.append(0)

    def __call__(self, variables: dict[str, Any]) -> None:
        if not all(map(moderate, variables.values())):
            raise Rejected
        self.visits[-1] += 1
        for name, value in variables.items():
            letter = kind(value)
            found = (letter, value.shape if letter in {"V", "M", "P"} else None)
            self.points[-1].setdefault(name, {}).setdefault(found, 0)
            self.points[-1][name][found] += 1

    def stable(self) -> dict[str, list[Any]]:
        """The kind and shape at each point of the variables that have one at all visits."""
        names = {name: None for point in self.points for name in point}
        return {name: shapes for name in names if (shapes := self._shapes(name)) is not None}

    def _shapes(self, name: str) -> list[Any] | None:
        shapes = []
        for point, visits in zip(self.points, self.visits, strict=True):
            found = list(point.get(name, {}).items())
            if visits and (len(found) != 1 or found[0][1] != visits):
                return None
            shapes.append(found[0][0] if visits else None)
        letters = {shape[0] for shape in shapes if shape}
        return shapes if len(letters) == 1 and "" not in letters else None
