"""What the derivatives of random structured programs should be: complex steps and differences, which have to agree."""

from __future__ import annotations

import ast
import itertools
import linecache
import sys
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from random_instrumented import FAILURES, Stage, copied
from random_statements import PRELUDE

STEP, STEPS = 1e-30, (1e-3, 1e-4, 1e-5, 1e-6)
LARGEST_SLOPE = 1e5
Function = Callable[..., Any]


@dataclass(frozen=True)
class Slope:
    """What a derivative should be at a point, along a direction of an argument."""

    position: int
    direction: Any
    value: float
    exact: bool


@dataclass
class Program:
    """A program's source and function, the arguments at its points, what to differentiate, the slopes at each point."""

    source: str
    body: str
    points: list[tuple[Any, ...]]
    argnums: tuple[int, ...]
    slopes: list[list[Slope]]

    def function(self) -> Callable[..., Any]:
        """The function, defined anew, with its source where ``inspect`` finds it."""
        return defined(self.source)


_serial = itertools.count()


def defined(source: str) -> Callable[..., Any]:
    """Execute a program's source as a module, registered in ``linecache``."""
    filename = f"<structured program {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = types.ModuleType("structured_program")
    module.__file__ = filename
    sys.modules[module.__name__] = module
    exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    return module.program


STAGES: dict[type, Stage] = {}


def stage(dtype: type) -> Stage:
    """The stage of a dtype, made once."""
    return STAGES.setdefault(dtype, STAGES.get(dtype) or Stage(PRELUDE, dtype))


def judged(body: str, points: Sequence[tuple[Any, ...]], argnums: tuple[int, ...]) -> Program | None:
    """The program with its slopes, at the points where they are certain; None if those are less than two."""
    program = Program(written(body), body, [], argnums, [])
    functions = program.function(), stage(float).define(body), stage(complex).define(body)
    for number, args in enumerate(points):
        numbers = np.random.default_rng(number)
        directions = [numbers.normal(size=np.shape(args[position]))[()] for position in argnums]
        with np.errstate(all="ignore"):
            slopes = _slopes(*functions, args, dict(zip(argnums, directions, strict=True)))
        if any(slope.value for slope in slopes):
            program.points.append(args)
            program.slopes.append(slopes)
    return program if len(program.points) > 1 else None


def _slopes(
    function: Function, watched: Function, extended: Function, args: Sequence[Any], directions: dict[int, Any]
) -> list[Slope]:
    """The slopes at a point; none where the program or one of them is in doubt."""
    try:
        if watched(*copied(args)) != function(*copied(args)):
            return []
        found = [_slope(function, extended, args, *pair) for pair in directions.items()]
    except FAILURES:
        return []
    return [slope for slope in found if slope is not None] if all(found) else []


def _slope(function: Function, watched: Function, args: Sequence[Any], position: int, direction: Any) -> Slope | None:
    """The derivative along a direction; None where it is in doubt."""
    exact = _complex_slope(watched, args, position, direction)
    if exact is None:
        certain = certain_slope(function, args, position, direction)
        return None if certain is None else Slope(position, direction, certain, False)
    trials = _differences(function, args, position, direction)
    agreed = abs(exact) < LARGEST_SLOPE and any(_close(exact, trial, 1e-5) for trial in trials)
    return Slope(position, direction, exact, True) if agreed else None


def certain_slope(function: Function, args: Sequence[Any], position: int, direction: Any) -> float | None:
    """What two steps of differences agree on."""
    pairs = itertools.pairwise(_differences(function, args, position, direction))
    return next((one for one, other in pairs if _close(one, other, 1e-7)), None)


def _close(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) <= tolerance * (1 + abs(one))


def _moved(args: Sequence[Any], position: int, change: Any) -> list[Any]:
    return [arg + change if place == position else arg for place, arg in enumerate(copied(args))]


def _complex_slope(watched: Function, args: Sequence[Any], position: int, direction: Any) -> float | None:
    """The imaginary part of the watched program at an imaginary step; None where it takes no complex numbers."""
    whole = [arg + 0j if np.asarray(arg).dtype.kind == "f" else arg for arg in args]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            return float(np.imag(watched(*_moved(whole, position, STEP * 1j * direction)))) / STEP
        except (*FAILURES, np.exceptions.ComplexWarning):
            return None


def _differences(function: Function, args: Sequence[Any], position: int, direction: Any) -> list[float]:
    """Extrapolated central differences with several steps."""
    found = []
    for h in STEPS:
        ends = [float(function(*_moved(args, position, k * direction))) for k in (h, -h, h / 2, -h / 2)]
        found.append((4 * (ends[2] - ends[3]) / h - (ends[0] - ends[1]) / (2 * h)) / 3)
    return found


def written(body: str) -> str:
    """The source of a module with the program and the helpers that it uses."""
    used = names_in(ast.parse(body))
    kept: list[ast.stmt] = []
    for statement in reversed(ast.parse(PRELUDE).body):
        if used & names_bound(statement):
            kept.insert(0, statement)
            used |= names_in(statement)
    return "\n\n".join(map(ast.unparse, [*kept, *ast.parse(body).body])) + "\n"


def names_in(tree: ast.AST) -> set[str]:
    """The names that occur in a tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def names_bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module defines."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
