"""A table of functions, each differentiated at several points: every gradient is exact, or refused where it stands."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from differences import check_close, check_like, differences

import symgrad
from symgrad.errors import ArgumentError, InternalError, SymgradError

TOLERANCE = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 2e-4}
Function = Callable[..., Any]
Point = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A scalar function and the arguments that it is differentiated at."""

    function: Function
    points: Sequence[Point]


class Table(dict[str, Case]):
    """Cases by the names of their functions; its methods are decorators that leave the function as it is."""

    def at(self, *points: Point) -> Callable[[Function], Function]:
        """A case with these points, each a tuple of arguments."""

        def add(function: Function) -> Function:
            assert function.__name__ not in self, function.__name__
            self[function.__name__] = Case(function, points)
            return function

        return add

    def by_name(self, *points: Mapping[str, Any]) -> Callable[[Function], Function]:
        """A case whose arguments are looked up by the names of its parameters."""

        def add(function: Function) -> Function:
            names = inspect.signature(function).parameters
            return self.at(*(tuple(point[name] for name in names) for point in points))(function)

        return add


def is_number(value: Any) -> bool:
    """Whether a derivative with respect to this leaf exists."""
    return isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f")


def leaves(tree: Any) -> list[Any]:
    """The floats and float arrays in nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        return leaves(list(tree.values()))
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree] if is_number(tree) else []


def rebuilt(tree: Any, numbers: Iterator[Any]) -> Any:
    """The same tree with other leaves; what is not a leaf is copied."""
    if isinstance(tree, dict):
        return {key: rebuilt(value, numbers) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)([rebuilt(part, numbers) for part in tree])
    return copy.deepcopy(next(numbers) if is_number(tree) else tree)


def copied(args: Point) -> Point:
    """Arguments that may be changed."""
    return rebuilt(args, iter(leaves(args)))


def widened(leaf: Any) -> Any:
    """The leaf in double precision, in which differences are taken."""
    return leaf if isinstance(leaf, float) else np.asarray(leaf, np.float64)


def expected_gradients(function: Function, args: Point, positions: Sequence[int]) -> list[np.ndarray]:
    """Extrapolated differences, one for each leaf at these positions, of the function called on copies."""
    numbers = [widened(leaf) for leaf in leaves(args)]
    wanted = [position in positions for position, arg in enumerate(args) for _ in leaves(arg)]

    def of_leaves(*moved: Any) -> Any:
        return function(*rebuilt(args, iter(moved)))

    return [differences(of_leaves, numbers, place) for place, is_wanted in enumerate(wanted) if is_wanted]


def check_same(found: Any, expected: Any) -> None:
    """Equal to the last bit."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes(), (found, expected)


def check_unchanged(given: Point, args: Point) -> None:
    """A derivative has left its caller's arrays alone."""
    for leaf, original in zip(leaves(given), leaves(args), strict=True):
        check_same(leaf, original)


def check_gradients(gradients: Any, expected: Sequence[np.ndarray], args: Sequence[Any]) -> None:
    """Gradients have the types of the leaves, and the right values."""
    tolerance = max(TOLERANCE[np.asarray(leaf).dtype] for leaf in leaves(args))
    assert len(leaves(gradients)) == len(expected), f"of another structure, or not of floats: {gradients}"
    for found, wanted, leaf in zip(leaves(gradients), expected, leaves(args), strict=True):
        check_like(found, leaf)
        check_close(found, wanted, tolerance)


def check_case(case: Case, *, is_brief: bool = False) -> None:
    """One derivative object is right at all points; the value is the function's, the arguments stay as they were."""
    positions = tuple(position for position, arg in enumerate(case.points[0]) if leaves(arg))
    value_and_grad = symgrad.value_and_grad(case.function, argnums=positions)
    grad = symgrad.grad(case.function, argnums=positions)
    for args in case.points:
        chosen = [args[position] for position in positions]
        expected = expected_gradients(case.function, args, positions)
        given = copied(args)
        value, gradients = value_and_grad(*given)
        check_unchanged(given, args)
        check_same(value, case.function(*copied(args)))
        check_gradients(gradients, expected, chosen)
        if not is_brief:
            given = copied(args)
            gradients = grad(*given)
            check_unchanged(given, args)
            check_gradients(gradients, expected, chosen)


def refusal(case: Case, *, is_brief: bool = False) -> SymgradError | None:
    """The error that the case is refused with, if any; nothing else may happen but a right answer."""
    try:
        check_case(case, is_brief=is_brief)
    except InternalError:
        raise
    except SymgradError as error:
        return error
    return None


def check_or_refused(name: str, case: Case, refused: set[str], *, is_brief: bool = False) -> None:
    """The case is right, or refused if and only if its name is in ``refused``."""
    error = refusal(case, is_brief=is_brief)
    if name not in refused:
        if error is not None:
            raise error
        return
    assert error is not None, f"{name} is differentiated: take it out of REFUSED"
    is_located = error.span is not None or isinstance(error, ArgumentError)
    assert is_located, f"{name} is refused without a place: {error}"
