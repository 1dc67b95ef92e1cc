"""A normal form of index expressions, to prove that two formulas are equal for every size.

Definitions that are algebra are written out, sums are split into sums of monomials, exponentials of sums become
products, brackets become polynomials. What is equal up to the names of indices is then the same entry, and a rational
expression is zero if its numerator expands to zero. The form is complete for rational functions of sums of monomials
of independent entries; elsewhere it may fail to prove a true equation, never prove a false one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Equation, Map, Op, Sum
from symgrad.ir.tensor import Delta, Entry, Expr, Index, Kind, Ref, Tensor, may_wrap, substitute
from symgrad.rules.functions import Equal


@dataclass
class Normal:
    """Computes normal forms of the expressions of one builder."""

    builder: Builder
    _known: dict[Ref, Expr] = field(default_factory=dict)

    def is_zero(self, expr: Expr) -> bool:
        """Whether the expression is proved to vanish."""
        form = self.form(expr)
        if form == 0:
            return True
        written = {entry: body for entry in form.atoms(Entry) if (body := self._sum_of(entry)) is not None}
        numerator, _ = sympy.fraction(sympy.together(form.xreplace(written)))
        return bool(self._reduced(sympy.expand(numerator)) == 0)

    def form(self, expr: Expr) -> Expr:
        """A sum of monomials, definitions written out as far as they are algebra; sums in denominators are entries."""
        places = {delta: delta for delta in expr.atoms(Delta) if any(map(may_wrap, delta.args[:2]))}
        return self._reduced(self._expanded(expr.xreplace({**self.builder.sizes.substitution(), **places})))

    def _expanded(self, expr: Expr) -> Expr:
        if isinstance(expr, Entry):
            return self._entry(expr)
        if expr.is_Add:
            return sympy.Add(*map(self._expanded, expr.args))
        if expr.is_Mul:
            return _distributed([self._expanded(part) for part in expr.args])
        if expr.is_Pow and expr.exp.is_Integer:
            count = abs(int(expr.exp))
            base = self._expanded(expr.base) if expr.exp > 0 else 1 / self._denominator(expr.base)
            return _distributed([base] * count)
        return expr

    def _denominator(self, expr: Expr) -> Expr:
        """A divisor: its common factors as they are, the sums that remain as entries."""
        parts = sympy.Mul.make_args(sympy.factor_terms(self.form(expr)))
        return sympy.Mul(
            *(self.builder.map(part, float) if part.is_Add and part.atoms(Entry) else part for part in parts)
        )

    def _sum_of(self, entry: Entry) -> Expr | None:
        body = self.builder.unfold(entry)
        return body if body is not None and body.is_Add else None

    def _entry(self, entry: Entry) -> Expr:
        if entry.negated:
            return 1 - self._entry(entry.complement)
        equation = self.builder.equations.get(entry.ref)
        if equation is None:
            return entry
        if entry.ref not in self._known:
            self._known[entry.ref] = self._definition(equation)
        return substitute(self._known[entry.ref], dict(zip(equation.indices, entry.indices, strict=True)))

    def _definition(self, equation: Equation) -> Expr:
        kind = equation.ref.kind
        match equation.definition:
            case Map(body):
                return self._map(body, kind)
            case Sum(bound, body):
                return self._sum(self.form(body), bound, kind)
            case Op("stack" | "concatenate") as op:
                return self._joined(op, kind)
            case Op() as op:
                operands = [Tensor(self.form(o.expr), o.indices, o.kind) for o in op.operands]
                shape = [sympy.S.One if axis is None else axis.size for axis in op.axes]
                made = self.builder.op(op.name, operands, shape, kind, op.params, op.result)
                return self.builder.rename(made, op.axes)
            case _:
                return equation.entry

    def _joined(self, op: Op, kind: Kind) -> Expr:
        """Parts side by side, each at its positions: ``sum_k delta(axis, k) part_k``."""
        place = dict(op.params)["axis"]
        assert isinstance(place, int)
        axis = op.axes[place]
        if axis is None:
            (part,) = op.operands
            return self.form(
                self.builder.rename(part, [i for k, i in enumerate(op.axes) if k != place or op.name != "stack"])
            )
        rest = [index for number, index in enumerate(op.axes) if number != place]
        total, offset = sympy.S.Zero, sympy.S.Zero
        for part in op.operands:
            if op.name == "stack":
                total += Delta(axis, offset, axis.size) * self.form(self.builder.rename(part, rest))
                offset += 1
                continue
            (index,) = self.builder.indices((part.shape[place],))
            renamed = self.builder.rename(part, [*rest[:place], index, *rest[place:]])
            bound = () if index is None else (index,)
            total += self._sum(self.form(renamed) * Delta(axis, offset + sympy.Add(*bound), axis.size), bound, kind)
            offset += part.shape[place]
        return total

    def _map(self, body: Expr, kind: Kind) -> Expr:
        if isinstance(body, sympy.Pow) and not body.exp.is_Integer:
            return self.builder.map(sympy.Pow(self.form(body.base), body.exp, evaluate=False), kind)
        if isinstance(body, sympy.exp):
            return self._exponential(self.form(body.args[0]), kind)
        if type(body) is Equal and any(isinstance(argument, Index) for argument in body.args):
            axis, position = sorted(body.args, key=lambda argument: not isinstance(argument, Index))
            return Delta(axis, self.form(position), axis.size)
        if isinstance(body, sympy.log):
            return self._logarithm(self.form(body.args[0]), kind)
        if isinstance(body, sympy.Function) and not isinstance(body, Delta):
            applied = body.func(*(self.form(argument) for argument in body.args))
            return self.builder.map(applied, kind) if isinstance(applied, sympy.Function) else applied
        return self.form(body)

    def _exponential(self, exponent: Expr, kind: Kind) -> Expr:
        """``exp(a + 2*b) = exp(a) * exp(b)**2``."""
        powers = sympy.S.One
        for term in sympy.Add.make_args(exponent):
            coefficient, rest = term.as_coeff_Mul()
            whole = coefficient.is_Integer and not rest.is_number
            argument = rest if whole else term
            base = self.builder.map(sympy.exp(argument), kind) if argument.atoms(Entry) else sympy.exp(argument)
            powers *= base**coefficient if whole else base
        return powers

    def _logarithm(self, argument: Expr, kind: Kind) -> Expr:
        """``log`` of a product of positive entries is the sum of the logarithms; ``log(exp(u)) = u``."""
        total, left = sympy.S.Zero, sympy.S.One
        for part in sympy.Mul.make_args(argument):
            base, exponent = part.as_base_exp()
            inner = self._exponent_of(base)
            if inner is not None:
                total += exponent * inner
            elif self._positive(base):
                total += exponent * self.builder.map(sympy.log(base), kind)
            else:
                left *= part
        if left == 1:
            return total
        return total + (self.builder.map(sympy.log(left), kind) if left.atoms(Entry) else sympy.log(left))

    def _exponent_of(self, base: Expr) -> Expr | None:
        body = self.builder.unfold(base) if isinstance(base, Entry) else None
        return body.args[0] if isinstance(body, sympy.exp) else None

    def _positive(self, base: Expr) -> bool:
        if not isinstance(base, Entry):
            return bool(base.is_positive)
        definition = self.builder.definition(base.ref)
        if isinstance(definition, Sum):
            parts = (part.as_base_exp()[0] for part in sympy.Mul.make_args(definition.body))
            return all(self._positive(part) for part in parts)
        return isinstance(definition, Map) and isinstance(definition.body, sympy.exp)

    def _sum(self, body: Expr, bound: tuple[Index, ...], kind: Kind) -> Expr:
        """The sum of every monomial by itself."""
        return sympy.Add(*(self.builder.sum(term, bound, kind) for term in sympy.Add.make_args(body)))

    def _reduced(self, expr: Expr) -> Expr:
        """Squares of square roots written out; ``m/(c + m)`` as ``1 - c/(c + m)`` for a monomial ``m``."""
        terms = [self._reduced_term(term) for term in sympy.Add.make_args(expr)]
        reduced = sympy.Add(*terms)
        return expr if reduced == expr else self._reduced(reduced)

    def _reduced_term(self, term: Expr) -> Expr:
        powers = term.as_powers_dict()
        for entry, exponent in sorted(powers.items(), key=lambda item: str(item[0])):
            body = self.builder.unfold(entry) if isinstance(entry, Entry) and exponent.is_Integer else None
            if isinstance(body, sympy.Pow) and body.exp == sympy.Rational(1, 2) and abs(exponent) > 1:
                half = self._expanded(body.base ** (int(exponent) // 2))
                return _distributed([half, entry ** (int(exponent) % 2), term / entry**exponent])
            if body is not None and body.is_Add and exponent < 0:
                constant, rest = body.as_coeff_Add()
                if constant != 0 and not rest.is_Add and _divides(rest, powers):
                    return _distributed([entry - constant, term / rest])
        return term


def _divides(monomial: Expr, powers: Mapping[Expr, Expr]) -> bool:
    """Whether a product has all factors of a monomial."""
    needed = [part.as_base_exp() for part in sympy.Mul.make_args(monomial) if not part.is_number]
    return all(powers.get(b, 0) * e > 0 and abs(powers.get(b, 0)) >= abs(e) for b, e in needed)


def _distributed(parts: Sequence[Expr]) -> Expr:
    """A product of sums of monomials, multiplied out; denominators are monomials."""
    total = [sympy.S.One]
    for part in parts:
        total = [left * right for left in total for right in sympy.Add.make_args(part)]
    return sympy.Add(*total)


def equal(builder: Builder, left: Tensor, right: Tensor) -> bool:
    """Whether two arrays are proved equal, for every size; they may differ in dtype."""
    if left.rank != right.rank:
        return False
    (first, second), _ = builder.broadcast(left, right)
    return Normal(builder).is_zero(first - second)
