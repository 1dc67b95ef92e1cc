"""Evaluates tensors element by element on a grid of all index values: the yardstick for rules."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Map, Op, Sum
from symgrad.ir.tensor import Delta, Entry, Index, Ref, Tensor, index_symbols
from symgrad.rules.functions import SPELLING
from symgrad.rules.linalg import OPERATIONS


class Evaluator:
    """``values`` are the arrays of inputs by ref, ``sizes`` the numbers for size symbols."""

    def __init__(self, builder: Builder, values: Mapping[Ref, np.ndarray], sizes: Mapping[sympy.Symbol, int]) -> None:
        self.builder, self.values, self.sizes = builder, dict(values), sizes

    def number(self, size: sympy.Expr) -> int:
        return int(self.builder.sizes.find(size).xreplace(self.sizes).xreplace(self.sizes))

    def tensor(self, tensor: Tensor) -> np.ndarray:
        free = tensor.free
        found = self.over(tensor.expr, free)
        shape = tuple(self.number(index.size) for index in free)
        return np.broadcast_to(found, shape).reshape(tuple(self.number(size) for size in tensor.shape))

    def over(self, expr: sympy.Expr, axes: tuple[Index, ...]) -> np.ndarray:
        missing = index_symbols(expr) - set(axes)
        assert not missing, f"free indices {missing} in {expr} are not axes"
        grid = {}
        for position, axis in enumerate(axes):
            shape = [1] * len(axes)
            shape[position] = -1
            grid[axis] = np.arange(self.number(axis.size)).reshape(shape)
        with np.errstate(all="ignore"):
            return np.asarray(self.value(expr, grid))

    def value(self, expr: sympy.Expr, grid: Mapping[Index, np.ndarray]) -> np.ndarray:
        if isinstance(expr, Index):
            return grid[expr]
        if isinstance(expr, Entry):
            return self.entry(expr, grid)
        if isinstance(expr, sympy.Symbol):
            return (
                {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[expr.name]
                if expr.name in ("nan", "inf", "-inf")
                else self.number(expr)
            )
        if expr.is_Integer:
            return int(expr)
        if expr.is_Rational or expr.is_NumberSymbol:
            return float(expr)
        parts = [self.value(part, grid) for part in expr.args]
        if expr.is_Add:
            return sum(parts[1:], parts[0])
        if expr.is_Mul:
            return self.product(parts)
        if expr.is_Pow:
            return power(*parts)
        if isinstance(expr, sympy.exp):
            return np.exp(parts[0])
        if isinstance(expr, Delta):
            return (parts[0] == parts[1]) * 1
        return spelled(SPELLING[expr.func], parts)

    @staticmethod
    def product(parts: list[np.ndarray]) -> np.ndarray:
        """Brackets are applied last: a zero bracket hides what is not finite."""
        result = np.asarray(1)
        for part in parts:
            result = result * part
        for part in parts:
            if np.asarray(part).dtype == bool or np.isin(part, (0, 1)).all():
                result = np.where(np.asarray(part) == 0, 0, result)
        return result

    def entry(self, entry: Entry, grid: Mapping[Index, np.ndarray]) -> np.ndarray:
        array = self.array(entry.ref)
        place = tuple(np.asarray(self.value(index, grid)).astype(int) for index in entry.indices)
        for axis, index in enumerate(place):
            assert index.size == 0 or (index.max() < array.shape[axis] and index.min() >= -array.shape[axis]), entry
        found = array[place] if place else array[()]
        return ~np.asarray(found, bool) if entry.negated else found

    def array(self, ref: Ref) -> np.ndarray:
        if ref not in self.values:
            equation = self.builder.equations[ref]
            self.values[ref] = np.asarray(self.defined(equation.definition, equation.indices, ref))
        return self.values[ref]

    def defined(self, definition: object, indices: tuple[Index, ...], ref: Ref) -> np.ndarray:
        shape = tuple(self.number(index.size) for index in indices)
        match definition:
            case Map(body):
                return np.broadcast_to(self.over(body, indices), shape)
            case Sum(bound, body):
                full = shape + tuple(self.number(index.size) for index in bound)
                found = np.broadcast_to(self.over(body, (*indices, *bound)), full)
                return found.sum(axis=tuple(range(len(shape), len(full))))
            case Op():
                return self.operation(definition).reshape(shape)
        raise AssertionError(definition)

    def operation(self, op: Op) -> np.ndarray:
        spelling = OPERATIONS[op.name].spelling
        text = spelling if isinstance(spelling, str) else spelling(**dict(op.params))
        with np.errstate(all="ignore"):
            return np.asarray(spelled(text, [self.tensor(operand) for operand in op.operands]))


def power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    if np.ndim(exponent) == 0 and exponent == -1:
        return np.divide(1.0, base)
    return np.power(np.asarray(base, float) if np.any(np.asarray(exponent) < 0) else base, exponent)


def spelled(template: str, operands: list[np.ndarray]) -> np.ndarray:
    """The template's value; ``math`` functions are applied to each element."""
    text = re.sub(r"(?<![\w.])_(\d+)", r"operands[\1]", template)
    if template.startswith("math."):
        return np.vectorize(lambda *operands: eval(text, {"math": math, "operands": operands}))(*operands)
    arrays = [np.asarray(operand) for operand in operands]
    names = {"np": np, "math": math, "operands": arrays, "max": max, "fresh": np.copy}
    if template.startswith("_ = "):
        exec(text, names)
        return names["_"]
    if any(word in template for word in ("reshape", "ndex")):
        names["operands"] = [arrays[0], *map(int, operands[1:])]
    return eval(text, names)


def evaluate(lower, *arguments, symbolic: bool = True, **keywords):
    """Call a lowering on arrays as inputs and evaluate what it gives; nested tuples are kept."""
    builder, values = Builder(), {}

    def as_input(argument):
        if isinstance(argument, np.ndarray):
            name = f"x{len(values)}"
            sizes = [
                sympy.Integer(n) if n == 1 or not symbolic else builder.sizes.symbol(f"{name}_{axis}", n)
                for axis, n in enumerate(argument.shape)
            ]
            tensor = builder.input(name, sizes, argument.dtype)
            values[tensor.expr.ref] = argument.reshape([n for n in argument.shape if n != 1])
            return tensor
        if isinstance(argument, list | tuple):
            return type(argument)(map(as_input, argument))
        if isinstance(argument, slice):
            return slice(*map(as_input, (argument.start, argument.stop, argument.step)))
        return argument

    result = lower(builder, *map(as_input, arguments), **{key: as_input(item) for key, item in keywords.items()})
    evaluator = Evaluator(
        builder, values, {symbol: sympy.Integer(int(n)) for symbol, n in builder.sizes.concrete.items()}
    )

    def out(item):
        if isinstance(item, Tensor):
            return evaluator.tensor(item).astype(item.kind)
        return type(item)(map(out, item)) if isinstance(item, list | tuple) else item

    return out(result)


RANDOM = np.random.default_rng(0)


def a(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


def same(found: object, expected: object) -> None:
    if isinstance(expected, tuple | list) and not isinstance(expected, np.ndarray):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
        return
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-11, atol=1e-12)
