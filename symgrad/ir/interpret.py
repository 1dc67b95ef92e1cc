"""The reference meaning of tensors: equations evaluated on NumPy arrays over grids of indices.

Nothing is simplified, shared or reordered here; tests compare what the compiler writes with what this says.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import sympy

from symgrad.errors import InternalError
from symgrad.ir.builder import Builder
from symgrad.ir.equation import Equation, Map, Op, Sum, uses
from symgrad.ir.tensor import BOOLEAN, Delta, Entry, Expr, Index, Ref, Tensor

Array = Any
Grid = Mapping[Index, Array]


@dataclass
class Interpreter:
    """Evaluates tensors of one builder.

    ``inputs`` gives the arrays behind refs without an equation; ``spelling`` NumPy's spelling of formulas' functions
    (a template by class); ``operation(name, params)`` the template of an operation.
    """

    builder: Builder
    inputs: Mapping[Ref, Array]
    spelling: Mapping[Any, str]
    operation: Callable[[str, Mapping[str, object]], str]
    _known: dict[Ref, Array] = field(default_factory=dict)
    _sizes: dict[Expr, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ref, array in self.inputs.items():
            long = [length for length in np.shape(array) if length != 1]
            self._sizes.update(zip(ref.shape, long, strict=True))
            self._known[ref] = np.reshape(array, long)

    def array(self, tensor: Tensor) -> Array:
        """The array that a tensor stands for."""
        grid = self._grid(tensor.free)
        shape = tuple(self.size(index.size) for index in tensor.free)
        found = np.broadcast_to(self._formula(tensor.expr, grid), shape)
        return found.reshape(tuple(self.size(size) for size in tensor.shape))

    def size(self, size: Expr) -> int:
        """The length of an axis."""
        if size in self._sizes:
            return self._sizes[size]
        found = self.builder.sizes.find(size).xreplace({**self.builder.sizes.concrete, **self._sizes})
        if not found.is_Integer:
            raise InternalError(f"the size {size} is not known")
        return int(found)

    def ref(self, ref: Ref) -> Array:
        """The array that a ref names."""
        pending = [ref]
        while pending:
            equation = self._equation(pending[-1])
            missing = [used for used in uses(equation) if used not in self._known] if equation is not None else []
            if equation is not None and not missing:
                self._known[equation.ref] = self._defined(equation)
            if not missing:
                pending.pop()
            pending += missing
        return self._known[ref]

    def _equation(self, ref: Ref) -> Equation | None:
        """The equation of a ref whose array is not known yet."""
        if ref in self._known:
            return None
        if ref not in self.builder.equations:
            raise InternalError(f"no value is given for {ref.name}")
        return self.builder.equations[ref]

    def _defined(self, equation: Equation) -> Array:
        shape = tuple(self.size(index.size) for index in equation.indices)
        match equation.definition:
            case Map(body):
                return np.broadcast_to(self._formula(body, self._grid(equation.indices)), shape)
            case Sum(bound, body):
                grid = self._grid((*equation.indices, *bound))
                full = shape + tuple(self.size(index.size) for index in bound)
                return np.broadcast_to(self._formula(body, grid), full).sum(axis=tuple(range(len(shape), len(full))))
            case Op() as op:
                return self._operation(op).reshape(shape)
        raise InternalError(f"{equation.ref.name} is a block, or comes out of one")

    def _operation(self, op: Op) -> Array:
        scope = {f"_{place}": self.array(operand) for place, operand in enumerate(op.operands)}
        template = self.operation(op.name, dict(op.params))
        found = eval(template, {"np": np}, scope)  # noqa: S307 (a row of the rules)
        return np.asarray(found[op.result] if isinstance(found, tuple) else found)

    def _grid(self, indices: tuple[Index, ...]) -> dict[Index, Array]:
        shapes = np.eye(len(indices), dtype=int)
        return {
            index: np.arange(self.size(index.size)).reshape(tuple(np.where(axis, -1, 1)))
            for index, axis in zip(indices, shapes, strict=True)
        }

    def _formula(self, expr: Expr, grid: Grid) -> Array:
        match expr:
            case Index():
                return grid[expr]
            case Entry():
                return self._entry(expr, grid)
            case sympy.Integer():
                return int(expr)
            case sympy.Symbol():
                return float(expr.name) if expr.name in {"inf", "-inf", "nan"} else self.size(expr)
            case _ if expr.is_number and not expr.args:
                return float(expr)
        parts = [self._formula(part, grid) for part in expr.args]
        match expr:
            case sympy.Add():
                return reduce(operator.add, parts)
            case sympy.Mul():
                return reduce(operator.mul, parts)
            case sympy.Pow():
                return np.power(np.asarray(parts[0], float), parts[1])
            case Delta():
                return (np.asarray(parts[0]) == parts[1]).astype(int)
        return self._function(expr, parts)

    def _entry(self, entry: Entry, grid: Grid) -> Array:
        found = self.ref(entry.ref)
        if entry.indices:
            found = found[tuple(np.asarray(self._formula(index, grid), int) for index in entry.indices)]
        if entry.ref.kind in BOOLEAN:
            found = np.asarray(found, bool)
            found = (~found if entry.negated else found).astype(int)
        return found

    def _function(self, expr: Expr, parts: list[Array]) -> Array:
        template = self.spelling.get(type(expr))
        if template is None:
            raise InternalError(f"{type(expr).__name__} has no spelling")
        with np.errstate(all="ignore"):
            found = eval(template, {"np": np}, {f"_{k}": np.asarray(v) for k, v in enumerate(parts)})  # noqa: S307
        return found.astype(int) if np.asarray(found).dtype == bool else found
