"""Guards: brackets that are zero where another factor has a pole, ``[s != 0] * x / s``.

The product is zero there for the program, which selects with ``np.where``; as numbers, zero times infinity is NaN. So
a bracket stays with the factors that it guards: what it tests, they divide by, or take the logarithm of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Map, Sum, uses
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Ref, factors

NONE: frozenset[Ref] = frozenset()


def is_bracket(expr: Expr) -> bool:
    """Whether an expression is a condition."""
    return isinstance(expr, Entry) and expr.ref.kind in BOOLEAN


@dataclass
class Guards:
    """What brackets test, and where factors are singular, among the equations of one builder."""

    builder: Builder
    _formulas: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    _poles: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    _finite: dict[Ref, bool] = field(default_factory=dict)

    def is_guard(self, bracket: Entry, product: Iterable[Expr]) -> bool:
        """Whether a bracket tests what one of these factors is singular in."""
        poles = NONE.union(*map(self._poles_in, product))
        return bool(poles) and not self._formula_of(bracket.ref).isdisjoint(poles)

    def is_finite(self, base: Expr, exponent: Expr) -> bool:
        """Whether a factor cannot be singular just where a bracket is zero."""
        found = factors(base)
        return not found or (not _is_pole(exponent) and all(self._is_finite(entry.ref) for entry in found))

    def _is_finite(self, ref: Ref) -> bool:
        if ref not in self._finite:
            definition = self.builder.definition(ref)
            self._finite[ref] = not isinstance(definition, Map) or self._is_total(definition.body)
        return self._finite[ref]

    def _is_total(self, body: Expr) -> bool:
        if _is_arithmetic(body):
            return all(self.is_finite(*part.as_base_exp()) for part in _operands(body))
        return bool(getattr(type(body), "is_total", False)) or isinstance(body, sympy.tanh | sympy.sin | sympy.cos)

    def _poles_in(self, factor: Expr) -> frozenset[Ref]:
        """What is divided by in a factor, in its formula, and in sums over axes, or has a function with poles."""
        base, exponent = factor.as_base_exp()
        found = factors(base)
        if found and _is_pole(exponent):
            return self._formula(base)
        return NONE.union(*(self._poles_of(entry.ref) for entry in found if not is_bracket(entry)))

    def _poles_of(self, ref: Ref) -> frozenset[Ref]:
        if ref not in self._poles:
            self._poles[ref] = self._poles_of_definition(self.builder.definition(ref))
        return self._poles[ref]

    def _poles_of_definition(self, definition: object) -> frozenset[Ref]:
        if isinstance(definition, Sum) or (isinstance(definition, Map) and _is_arithmetic(definition.body)):
            return NONE.union(*map(self._poles_in, _operands(definition.body)))
        singular = isinstance(definition, Map) and not self._is_total(definition.body)
        return self._formula(definition.body) if isinstance(definition, Map) and singular else NONE

    def _formula(self, expr: Expr) -> frozenset[Ref]:
        return NONE.union(*(self._formula_of(entry.ref) for entry in expr.atoms(Entry)))

    def _formula_of(self, ref: Ref) -> frozenset[Ref]:
        """What a value is a formula of, entry by entry; of a condition, what it is a condition on."""
        if ref not in self._formulas:
            equation = self.builder.equations.get(ref)
            inner = equation is not None and (ref.kind in BOOLEAN or isinstance(equation.definition, Map))
            used = uses(equation) if equation is not None and inner else ()
            self._formulas[ref] = frozenset({ref}).union(*map(self._formula_of, used))
        return self._formulas[ref]


def _is_pole(exponent: Expr) -> bool:
    return not (exponent.is_Integer and exponent > 0)


def _is_arithmetic(body: Expr) -> bool:
    return isinstance(body, sympy.Add | sympy.Mul)


def _operands(body: Expr) -> list[Expr]:
    """The symbols and powers in a formula."""
    return [part for part in sympy.preorder_traversal(body) if not part.is_number and (part.is_Symbol or part.is_Pow)]
