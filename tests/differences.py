"""Derivatives from values alone: the complex step where a function is analytic, else extrapolated differences."""

from __future__ import annotations

import importlib.util
import itertools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STEP = 1e-30
Function = Callable[..., Any]


def normal(*shape: int, dtype: Any = np.float64) -> np.ndarray:
    """Normal numbers, the same for the same shape."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


def moved(arg: Any, place: tuple[int, ...], step: complex) -> Any:
    """The argument with one entry moved, as complex numbers if the step is complex."""
    if isinstance(arg, float) and not isinstance(arg, np.generic):
        return arg + step
    array = np.array(arg, dtype=np.result_type(arg, type(step)))
    array[place] += step
    return array if isinstance(arg, np.ndarray) else array[()]


def _value(function: Function, args: Sequence[Any], position: int, place: tuple[int, ...], step: complex) -> Any:
    return function(*args[:position], moved(args[position], place, step), *args[position + 1 :])


def complex_step(function: Function, args: Sequence[Any], position: int) -> np.ndarray | None:
    """The gradient from imaginary steps; None where the function takes no complex numbers."""
    found = np.empty(np.shape(args[position]))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            for place in np.ndindex(found.shape):
                found[place] = np.imag(_value(function, args, position, place, STEP * 1j)) / STEP
        except (TypeError, np.exceptions.ComplexWarning, np.linalg.LinAlgError):
            return None
    return found


def differences(function: Function, args: Sequence[Any], position: int, size: float = 2e-4) -> np.ndarray:
    """The gradient from central differences at ``h``, ``h/2`` and ``h/4``, extrapolated to zero."""
    found = np.empty(np.shape(args[position]))
    for place in np.ndindex(found.shape):
        table = []
        for h in (size, size / 2, size / 4):
            above, below = (_value(function, args, position, place, sign * h) for sign in (1, -1))
            table.append((above - below) / (2 * h))
        first = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(table)]
        found[place] = (16 * first[1] - first[0]) / 15
    return found


def expected_gradient(function: Function, args: Sequence[Any], position: int) -> tuple[np.ndarray, float]:
    """The gradient, and the relative error that it may have."""
    coarse = differences(function, args, position)
    fine = complex_step(function, args, position)
    scale = max(1.0, np.max(np.abs(coarse), initial=0.0))
    if fine is not None and np.all(np.abs(fine - coarse) <= 1e-6 * scale):
        return fine, 1e-12
    return coarse, 1e-7


def check_like(gradient: Any, arg: Any) -> None:
    """A gradient has the type, dtype and shape of its argument."""
    wanted = np.float64 if type(arg) is float else type(arg[()]) if isinstance(arg, np.ndarray) else type(arg)
    assert type(gradient) in (type(arg), wanted), (type(gradient), type(arg))
    assert np.shape(gradient) == np.shape(arg), (np.shape(gradient), np.shape(arg))
    if isinstance(arg, np.ndarray | np.generic):
        assert gradient.dtype == arg.dtype, (gradient.dtype, arg.dtype)


def check_close(found: Any, expected: Any, tolerance: float) -> None:
    """Equal relative to the largest entry."""
    scale = max(1.0, np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(np.asarray(found, float), expected, rtol=0, atol=tolerance * scale)


def check_gradient(function: Function, gradients: Sequence[Any], args: Sequence[Any], wrt: Sequence[int]) -> None:
    """Gradients, one for each position in ``wrt``, have the form of their arguments and the right values."""
    for gradient, position in zip(gradients, wrt, strict=True):
        check_like(gradient, args[position])
        check_close(gradient, *expected_gradient(function, args, position))


def check_direction(function: Function, gradients: Sequence[Any], args: Sequence[Any], wrt: Sequence[int]) -> None:
    """The gradients together, along one random direction through all arguments."""
    random = np.random.default_rng(3)
    directions = {position: random.normal(size=np.shape(args[position])) for position in wrt}

    def along(step: float) -> Any:
        return function(
            *(args[k] if k not in directions else shifted(args[k], directions[k] * step) for k in range(len(args)))
        )

    pairs = zip(gradients, directions.values(), strict=True)
    found = sum(float(np.sum(np.asarray(gradient) * direction)) for gradient, direction in pairs)
    check_close(found, differences(along, (0.0,), 0), 1e-7)


def shifted(arg: Any, distance: np.ndarray) -> Any:
    """The argument moved, with its type kept."""
    return float(arg + distance) if type(arg) is float else arg + distance


def module_of(path: Path, texts: Sequence[str]) -> Any:
    """A module with these definitions, written to disk and imported."""
    path.write_text("\n\n".join(["import math\nimport operator\n\nimport numpy as np", *texts]))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
