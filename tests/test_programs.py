"""Ordinary programs: loops, branches, ``while``, mutation, lists, classes. Values, derivatives, generated source.

``python tests/test_programs.py [NAME ...]`` writes the ``*.grad.txt`` files anew; read their diff.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from differences import check_like, complex_step, shifted

import symgrad

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))
SEEDS_AND_SCALES = ((0, 1), (1, 2))
Direction = dict[int, Any]


@functools.cache
def program(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"programs_{name}", PROGRAMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def examples(module: Any) -> list[tuple[Any, ...]]:
    """Arguments of different sizes."""
    return [module.arguments(np.random.default_rng(seed), scale) for seed, scale in SEEDS_AND_SCALES]


def positions(module: Any) -> list[int]:
    """Where the differentiated arguments are."""
    names = list(inspect.signature(module.loss).parameters)
    return [names.index(name) for name in module.ARGNUMS]


def value(module: Any, args: tuple[Any, ...]) -> Any:
    """What the program returns; it may overwrite its arguments."""
    return module.loss(*copy.deepcopy(args))


def drawn(arg: Any, rng: np.random.Generator) -> Any:
    """A random direction of an argument's type."""
    return float(rng.normal()) if isinstance(arg, float) else rng.normal(size=arg.shape)


def directions(args: tuple[Any, ...], wrt: list[int]) -> Iterator[Direction]:
    """One through all arguments, and one through each alone (in the others it is zero)."""
    rng = np.random.default_rng(7)
    yield {k: drawn(args[k], rng) for k in wrt}
    for chosen in wrt:
        yield {k: drawn(args[k], rng) if k == chosen else 0.0 * args[k] for k in wrt}


def line(module: Any, args: tuple[Any, ...], direction: Direction) -> Callable[[complex], Any]:
    """The program's value on the line through its arguments."""

    def along(step: complex) -> Any:
        return value(module, tuple(a + step * direction[k] if k in direction else a for k, a in enumerate(args)))

    return along


def extrapolated(function: Callable[[float], Any], size: float = 2e-4) -> Any:
    """The derivative at zero from central differences at ``h``, ``h/2`` and ``h/4``, extrapolated to zero."""
    table = [(function(h) - function(-h)) / (2 * h) for h in (size, size / 2, size / 4)]
    first = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(table)]
    return (16 * first[1] - first[0]) / 15


def slope(module: Any, args: tuple[Any, ...], direction: Direction) -> tuple[Any, float]:
    """The derivative along a direction, from values alone, and its relative error."""
    along = line(module, args, direction)
    if module.ANALYTIC:
        return complex_step(along, (0.0,), 0), 1e-9
    return extrapolated(along), 1e-6


def check_slopes(module: Any, args: tuple[Any, ...], gradients: tuple[Any, ...]) -> None:
    """Gradients, along each direction, against the program's values."""
    wrt = positions(module)
    found = dict(zip(wrt, gradients, strict=True))
    for direction in directions(args, wrt):
        wanted, tolerance = slope(module, args, direction)
        np.testing.assert_allclose(sum(np.sum(found[k] * direction[k]) for k in wrt), wanted, rtol=tolerance)


def gradient_along(gradient: Any, args: tuple[Any, ...], position: int, direction: Any, step: float) -> Any:
    """The gradient with one argument moved along a direction."""
    return gradient(*args[:position], shifted(args[position], step * direction), *args[position + 1 :])


def same(left: Any, right: Any) -> bool:
    """Whether two arguments or values are equal, bit for bit."""
    a, b = np.asarray(left), np.asarray(right)
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def emitted(name: str) -> str:
    module = program(name)
    return symgrad.value_and_grad(module.loss, module.ARGNUMS).source(*examples(module)[0])


@pytest.mark.parametrize("name", NAMES)
def test_values_are_smooth(name: str) -> None:
    """No kink is near: values at other distances, and imaginary ones, give the same derivatives."""
    module = program(name)
    for args in examples(module):
        for direction in directions(args, positions(module)):
            wanted, _ = slope(module, args, direction)
            coarse = extrapolated(line(module, args, direction), 5e-4)
            np.testing.assert_allclose(coarse, wanted, rtol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient(name: str) -> None:
    module = program(name)
    derivative = symgrad.value_and_grad(module.loss, module.ARGNUMS)
    for args in examples(module):
        before = copy.deepcopy(args)
        found, gradients = derivative(*args)
        assert all(map(same, args, before)), "an argument was changed"
        assert same(found, value(module, args))
        for position, gradient in zip(positions(module), gradients, strict=True):
            check_like(gradient, args[position])
        check_slopes(module, args, gradients)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivative(name: str) -> None:
    module = program(name)
    first = positions(module)[0]
    gradient, product = symgrad.grad(module.loss, first), symgrad.hvp(module.loss, first)
    for args in examples(module):
        before = copy.deepcopy(args)
        v = drawn(args[first], np.random.default_rng(5))
        found = product(*args, v)
        assert all(map(same, args, before)), "an argument was changed"
        check_like(found, args[first])
        wanted = extrapolated(functools.partial(gradient_along, gradient, args, first, v))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", NAMES)
def test_source_is_the_golden_one(name: str) -> None:
    assert emitted(name) == (PROGRAMS / f"{name}.grad.txt").read_text()


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        (PROGRAMS / f"{each}.grad.txt").write_text(emitted(each))
