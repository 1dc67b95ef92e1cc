"""Missing data: brackets that test for NaN and infinity select, since a product with what they hide is NaN.

``np.where(np.isnan(x), 0.0, x)`` is ``[not isnan(x)] * x`` to algebra, which moves brackets freely. Before a product
is written, every bracket that it is a multiple of comes next to the factors that may be NaN where the bracket is zero;
brackets are idempotent, so they may stand in several places. Conditions that keep a divisor from being zero come next
to it in the same way (``guards``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Branch, Loop, Map, Op, Output, Sum, needed, uses
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Index, Ref, index_symbols, substitute
from symgrad.rules.functions import Equal, IsFinite, IsInf, IsNan, IsNegInf, IsPosInf, NanToNum, NotEqual
from symgrad.rules.guards import Guards, is_bracket

TESTS = (IsFinite, IsInf, IsNan, IsNegInf, IsPosInf)
NONE: frozenset[Ref] = frozenset()
Brackets = frozenset[Entry]


@dataclass
class Missing:
    """What brackets hide, among the equations of one builder."""

    builder: Builder
    _selecting: dict[Ref, bool] = field(default_factory=dict)
    _tested: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    _exposed: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    _brackets: dict[Ref, Brackets] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.guards = Guards(self.builder)

    def selects(self, entry: Entry) -> bool:
        """Whether a bracket depends on a test for NaN or infinity."""
        if entry.ref not in self._selecting:
            self._selecting[entry.ref] = entry.ref.kind in BOOLEAN and _is_test(self.builder, entry.ref)
        return self._selecting[entry.ref]

    def brackets(self, expr: Expr) -> Brackets:
        """The selecting brackets that an expression is a multiple of, also by the definitions of its entries."""
        if isinstance(expr, Entry):
            own = {expr} if self.selects(expr) else Brackets()
            return self._of_entry(expr).union(own)
        if expr.is_Mul:
            return Brackets().union(*map(self.brackets, expr.args))
        if expr.is_Add:
            return self._of_sum([self.brackets(term) for term in expr.args])
        positive = expr.is_Pow and expr.exp.is_positive
        return self.brackets(expr.base) if positive else Brackets()

    def _of_entry(self, entry: Entry) -> Brackets:
        equation = self.builder.equations.get(entry.ref)
        if equation is None or entry.negated or not isinstance(equation.definition, Map | Sum):
            return Brackets()
        if entry.ref not in self._brackets:
            self._brackets[entry.ref] = self.brackets(equation.definition.body)
        bound = equation.definition.bound if isinstance(equation.definition, Sum) else ()
        places = dict(zip(equation.indices, entry.indices, strict=True))
        found = (b for b in self._brackets[entry.ref] if not index_symbols(b) & set(bound))
        return frozenset(substitute(bracket, places, self.builder.sizes) for bracket in found)

    def _of_sum(self, found: list[Brackets]) -> Brackets:
        """The brackets of all terms; where they differ, the one that holds where the brackets of any term hold."""
        common = found[0].intersection(*found[1:])
        if common or not all(found):
            return common
        chosen = {self._both(brackets) for brackets in found}
        if any(bracket.complement in chosen for bracket in chosen):
            return Brackets()
        neither = sympy.Mul(*(bracket.complement for bracket in chosen))
        return frozenset({self.builder.map(neither, np.dtype(bool)).complement})

    def _both(self, brackets: Brackets) -> Entry:
        """A bracket that holds where all of these hold."""
        if len(brackets) == 1:
            return next(iter(brackets))
        return self.builder.map(sympy.Mul(*brackets), np.dtype(bool))

    def exposes(self, expr: Expr, bracket: Entry) -> bool:
        """Whether an expression may be NaN because of what the bracket hides."""
        return bool(self._leaks(expr) & self._hidden(bracket.ref))

    def completed(self, product: Expr) -> Expr:
        """An equal product, where a bracket of one factor that another factor needs is a factor itself."""
        parts = sympy.Mul.make_args(product)
        present = Brackets().union(*(self.brackets(part) for part in parts if self._is_selecting(part)))
        absent = Brackets().union(*map(self.brackets, parts)) - present
        wanted = {bracket for bracket in absent if self._is_needed(bracket, parts)}
        return sympy.Mul(product, *wanted) if wanted else product

    def opened(self, product: Expr) -> tuple[Expr, Expr]:
        """``(inside, outside)``: the product is ``outside`` times the sum of ``inside`` over indices that are new.

        A factor goes under a sum if brackets in the sum hide it.
        """
        parts = sympy.Mul.make_args(product)
        for part in parts:
            body = self._summand(part)
            brackets = self.brackets(body) - self.brackets(part)
            hidden = [p for p in parts if p is not part and any(self.exposes(p, bracket) for bracket in brackets)]
            if hidden:
                return sympy.Mul(body, *hidden), sympy.Mul(*(p for p in parts if p not in [part, *hidden]))
        return sympy.S.One, product

    def _summand(self, expr: Expr) -> Expr:
        """What an entry sums over indices of its own, which are new; 1 for anything else."""
        equation = self.builder.equations.get(expr.ref) if isinstance(expr, Entry) else None
        if equation is None or not isinstance(equation.definition, Sum) or not self.brackets(equation.definition.body):
            return sympy.S.One
        fresh = {index: self.builder.index(index.size) for index in equation.definition.bound}
        renames: dict[Index, Expr] = {**dict(zip(equation.indices, expr.indices, strict=True)), **fresh}
        return substitute(equation.definition.body, renames, self.builder.sizes)

    def _is_selecting(self, expr: Expr) -> bool:
        return isinstance(expr, Entry) and self.selects(expr)

    def _is_needed(self, bracket: Entry, parts: Iterable[Expr]) -> bool:
        return any(self.exposes(part, bracket) for part in parts if bracket not in self.brackets(part))

    def shielded(self, groups: list[list[Expr]]) -> list[list[Expr]]:
        """Groups of factors, each with the brackets that it needs; groups that lack a bracket's axes join its own."""
        groups = [list(group) for group in groups]
        brackets = {part for group in groups for part in group if is_bracket(part)}
        for bracket in sorted(brackets, key=str):
            home = next(group for group in groups if bracket in group)
            needing = [group for group in groups if group is not home and self.needs(group, bracket)]
            for group in needing:
                if index_symbols(bracket) <= index_symbols(sympy.Mul(*group)):
                    group.append(bracket)
                else:
                    home += group
                    groups = [other for other in groups if other is not group]
            if any(bracket in group for group in needing) and not self._stays(bracket, home):
                home.remove(bracket)
        for group in groups:
            if self._is_idle(group, groups):
                groups = [other for other in groups if other is not group]
        return groups

    def needs(self, group: Sequence[Expr], bracket: Entry) -> bool:
        """Whether a product lacks a bracket that hides what may be NaN in it."""
        if bracket in group:
            return False
        if self.selects(bracket):
            return self.exposes(sympy.Mul(*group), bracket)
        return self.guards.is_guard(bracket, group)

    def distributed(self, product: Expr) -> Expr:
        """An equal product, where divisors that brackets in the terms of a sum guard are in these terms."""
        parts = sympy.Mul.make_args(product)
        for total in [part for part in parts if part.is_Add]:
            brackets = {b for term in total.args for b in sympy.Mul.make_args(term) if is_bracket(b)}
            others = [part for part in parts if part is not total]
            divisors = [part for part in others if part.as_base_exp()[1].is_negative]
            guarded = [part for part in divisors if any(self.needs([part], bracket) for bracket in brackets)]
            if guarded:
                inside = sympy.Add(*(sympy.Mul(term, *guarded) for term in total.args))
                return sympy.Mul(*(part for part in others if part not in guarded), inside)
        return product

    def _stays(self, bracket: Entry, home: list[Expr]) -> bool:
        """Whether a bracket that other factors have, too, is needed here."""
        return self.selects(bracket) or self.guards.is_guard(bracket, home) or home == [bracket]

    def _is_idle(self, group: list[Expr], groups: list[list[Expr]]) -> bool:
        """Whether a group is a bracket alone, which another group has, too."""
        alone = len(group) == 1 and is_bracket(group[0])
        return alone and any(group[0] in other for other in groups if other is not group)

    def _hidden(self, ref: Ref) -> frozenset[Ref]:
        """The inputs that a bracket tests."""
        if ref not in self._tested:
            reached = needed(self.builder.equations, (ref,))
            self._tested[ref] = frozenset(found for found in reached if found not in self.builder.equations)
        return self._tested[ref]

    def _leaks(self, expr: Expr) -> frozenset[Ref]:
        """The inputs whose NaN reaches an expression past the brackets in it."""
        if isinstance(expr, Entry):
            return self._leaks_of(expr.ref)
        if isinstance(expr, NanToNum):
            return NONE
        found = NONE.union(*map(self._leaks, expr.args))
        brackets = self.brackets(expr) if expr.is_Mul and found else ()
        return found.difference(*(self._hidden(bracket.ref) for bracket in brackets))

    def _leaks_of(self, ref: Ref) -> frozenset[Ref]:
        if not is_floating(ref.kind):
            return NONE
        if ref not in self.builder.equations:
            return frozenset({ref})
        if ref not in self._exposed:
            match self.builder.equations[ref].definition:
                case Map(body) | Sum(_, body):
                    self._exposed[ref] = self._leaks(body)
                case Op(_, operands):
                    self._exposed[ref] = NONE.union(*(self._leaks(operand.expr) for operand in operands))
                case _:
                    self._exposed[ref] = self._hidden(ref)
        return self._exposed[ref]


def _is_test(builder: Builder, ref: Ref) -> bool:
    """Whether a condition, or a count of conditions, comes from a test for NaN or infinity."""
    equation = builder.equations.get(ref)
    if equation is None or is_floating(ref.kind):
        return False
    match equation.definition:
        case Output(block, _, Ref() as place):
            inner = builder.equations[block].definition
            bodies = inner.bodies if isinstance(inner, Branch) else (inner.body,) if isinstance(inner, Loop) else ()
            return any(_is_test(body.builder, place) for body in bodies)
        case Map(body) if any(_tests(function) for function in body.atoms(sympy.Function)):
            return True
    return any(_is_test(builder, used) for used in uses(equation))


def _tests(function: Expr) -> bool:
    """``isnan`` and its like; ``x == x`` fails for NaN alone."""
    same = isinstance(function, Equal | NotEqual) and function.args[0] == function.args[1]
    return same or isinstance(function, TESTS)
