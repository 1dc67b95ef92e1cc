"""Spelling: index expressions as NumPy code.

An expression is written in terms of what has code already: inputs, the user's values, adjoints written before. The
target of every spelling is an order of indices; arrays are aligned to it only where broadcasting does not do it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import sympy

from symgrad.emit.array import Array, aligned, apply, floating, whole
from symgrad.emit.blocks import spell_output
from symgrad.emit.contract import Contraction
from symgrad.emit.known import Known
from symgrad.emit.lengths import spell_length, spell_position
from symgrad.emit.operation import spell_operation
from symgrad.emit.product import Product, is_literal, number, spell_product
from symgrad.emit.scatter import is_scatter, places, spell_scatter
from symgrad.emit.subscript import subscript
from symgrad.emit.suites import Suite, Suites
from symgrad.errors import InternalError
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Branch, Equation, Loop, Map, Op, Output, Sum
from symgrad.ir.kinds import is_floating, is_python
from symgrad.ir.program import Repeat, Value
from symgrad.ir.tensor import (
    BOOLEAN,
    Bracket,
    Delta,
    Entry,
    Expr,
    Index,
    Kind,
    Ref,
    Tensor,
    factors,
    index_symbols,
    may_wrap,
)
from symgrad.rules.functions import Exp2, Expm1, FloorDivide, Power
from symgrad.rules.missing import Missing
from symgrad.rules.row import Operation

NOMINAL = 64
OVERFLOWING = frozenset({sympy.exp, sympy.sinh, sympy.cosh, Expm1, Exp2, Power})
"""Functions of which ``math`` raises where NumPy gives infinity."""


@dataclass
class Speller:
    """Writes expressions; ``arrays`` holds what is written already, over the indices of each ref's equation."""

    builder: Builder
    spelling: Mapping[type, str]
    scalars: Mapping[type, str]
    operations: Mapping[str, Operation]
    known: Known
    names: Mapping[Ref, str]
    hints: dict[Code, str] = field(default_factory=dict)
    arrays: dict[Ref, Array] = field(default_factory=dict)
    suites: Suites = field(default_factory=Suites)
    blocks: dict[Ref, Suite] = field(default_factory=dict)
    heads: dict[Ref, Repeat] = field(default_factory=dict)
    parent: Speller | None = None
    outside: set[Code] = field(default_factory=set)
    codes: set[Code] = field(default_factory=set)
    sequence: list[Code] = field(default_factory=list)
    counting: set[Code] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.missing = Missing(self.builder)

    def inside(self, builder: Builder, values: Iterable[Value] = ()) -> Speller:
        """A speller for the body of a block, which writes in terms of what is around it, too."""
        known = self.known.inside(builder, values)
        return replace(
            self,
            builder=builder,
            known=known,
            arrays={},
            blocks={},
            parent=self,
            outside=self.outside | self.codes,
            codes=set(),
            sequence=[],
            counting=set(self.counting),
        )

    def exact(self, expr: Expr) -> Array | None:
        """The user's code for a formula."""
        found = self.known.exact(expr)
        if found is None and self.parent is not None:
            found = self.parent.exact(expr)
            if found is not None:
                self.outside.add(found.code)
        return found

    def spell(self, expr: Expr, target: tuple[Index, ...]) -> Array:
        """Code whose axes broadcast as ``target``; axes of indices that do not occur are missing or of length one."""
        if is_literal(expr):
            return number(expr)
        found = self.exact(expr)
        if found is not None:
            return aligned(found, target)
        match expr:
            case Entry():
                return aligned(self.entry(expr), target)
            case Index():
                return Array(Code("np.arange(_0)", (self.size(expr.size),)), (expr,), np.dtype(int))
            case sympy.Add():
                return self._total(expr, target)
            case sympy.Mul() | Delta() if places(expr, target):
                return spell_scatter(self, expr, (), target)
            case Delta():
                return self._delta(expr, target)
            case sympy.Mul() | sympy.Pow():
                return spell_product(self, expr, target).signed()
            case FloorDivide() | sympy.Max() | sympy.Min() if not expr.atoms(Entry):
                return self.position(expr, target) if index_symbols(expr) else Array(self.size(expr), (), int)
            case sympy.Function() | sympy.exp():
                return self.function(expr, target)
        return self._symbol(expr)

    def _symbol(self, symbol: Expr) -> Array:
        """A length, or an infinity."""
        if not isinstance(symbol, sympy.Symbol):
            raise InternalError(f"no spelling of {symbol}")
        return Array(self.size(symbol), (), int) if symbol.is_integer else Array(Code(f"np.{symbol}"), (), float)

    def tensor(self, tensor: Tensor) -> Array:
        """All of an array: every axis present, in order, if the formula has its index."""
        return self._of_kind(tensor.expr, tensor.free, tensor.kind)

    def entry(self, entry: Entry) -> Array:
        """An entry of a written array: indices renamed, subscripts where positions are not plain."""
        array = self.array(entry.ref)
        if entry.negated:
            text = "not _0" if not array.layout else "~_0" if array.kind in BOOLEAN else "_0 == 0"
            array = replace(array, code=Code(text, (array.code,)), kind=np.dtype(bool), kept=None)
        positions = dict(zip(self._axes(entry.ref), entry.indices, strict=True))
        if self.builder.is_whole(entry):
            return _renamed(array, positions)
        lengths = [sympy.S.One if index is None else index.size for index in array.layout]
        where = [None if index is None else positions[index] for index in array.layout]
        chosen = subscript(self.builder.sizes, lengths, where, self.position, self.size)
        code = Code(f"_0[{chosen.text}]", (array.code, *chosen.operands))
        if not chosen.layout:
            self.suites.scalars.add(code)
        return Array(code, chosen.layout, array.kind)

    def array(self, ref: Ref) -> Array:
        """The code of a whole array, written from its equation if it has none yet."""
        if ref not in self.arrays:
            found = self.known.array(ref)
            if found is None and ref not in self.builder.own and self.parent is not None:
                found = self.parent.array(ref)
                self.outside.add(found.code)
            self.arrays[ref] = self._defined(ref) if found is None else found
        return self.arrays[ref]

    def position(self, expr: Expr, target: tuple[Index, ...]) -> Array:
        """A position along an axis: integer arithmetic."""
        return whole(spell_position(self, expr, target), int)

    def size(self, size: Expr) -> Code:
        """The length of an axis."""
        return spell_length(self, self.builder.sizes.find(size))

    def function(self, expr: Expr, target: tuple[Index, ...]) -> Array:
        """An application of an elementwise function."""
        if type(expr) not in self.spelling:
            raise InternalError(f"no spelling of {type(expr).__name__}")
        arrays = [self.spell(argument, target) for argument in expr.args]
        template = self.spelling[type(expr)]
        if all(is_python(array.kind) and not array.layout for array in arrays):
            return self._of_numbers(expr, template, arrays)
        return apply(template, arrays, target, np.dtype(bool) if isinstance(expr, Bracket) else None)

    def _of_numbers(self, expr: Expr, template: str, arrays: Sequence[Array]) -> Array:
        """A function of Python numbers: from ``math`` where the user's code uses it, else NumPy's scalar result."""
        scalar = self.scalars.get(type(expr)) if self.known.uses_math and type(expr) not in OVERFLOWING else None
        kind: Kind = bool if isinstance(expr, Bracket) else float
        if scalar is None and template.startswith("np."):
            kind = np.dtype(kind)
        return apply(scalar or template, arrays, (), kind)

    def contracted(self, body: Expr, free: tuple[Index, ...]) -> Array:
        """The sum of a product over all indices but the free ones."""
        groups: dict[frozenset[Index], list[Expr]] = {}
        product = self.missing.completed(sympy.Mul(*self.missing.opened(body)))
        for part in sympy.Mul.make_args(self.missing.distributed(product)):
            groups.setdefault(frozenset(index_symbols(part)), []).append(part)
        shielded = self.missing.shielded(_merged(groups))
        selects = any(map(self.missing.brackets, shielded[0])) if len(shielded) == 1 else False
        parted = shielded if selects else self.missing.shielded(_parted(shielded, free))
        operands = [self._operand(parts, free) for parts in parted]
        return Contraction(free, self.extent, self.known.wide).contract(operands)

    def extent(self, index: Index) -> int:
        """An estimate of the length of an axis."""
        return self.builder.sizes.value(self.builder.sizes.find(index.size)) or NOMINAL

    def _operand(self, parts: Sequence[Expr], free: tuple[Index, ...]) -> Array:
        if len(parts) == 1 and isinstance(parts[0], Entry):
            return self.entry(parts[0])
        product = sympy.Mul(*parts)
        return self.spell(product, self.order(product, free))

    def order(self, expr: Expr, free: Iterable[Index]) -> tuple[Index, ...]:
        """An order for the indices of an expression: that of its largest array, then as wanted, then by name."""
        support = index_symbols(expr)
        arrays = [self.entry(entry) for entry in factors(expr)]
        largest = max(arrays, key=lambda array: len(array.support), default=None)
        first = [] if largest is None else [i for i in largest.layout if i is not None and i in support]
        rest = [index for index in free if index in support and index not in first]
        last = sorted(support - set(first) - set(rest), key=lambda index: index.name)
        return (*first, *rest, *last)

    def _defined(self, ref: Ref) -> Array:
        equation = self.builder.equations.get(ref)
        if equation is None:
            raise InternalError(f"{ref.name} has neither code nor definition")
        array = self._written(equation)
        if ref in self.names:
            self.hints.setdefault(array.code, self.names[ref])
        return array

    def _written(self, equation: Equation) -> Array:
        match equation.definition:
            case Map(body):
                return self._map(equation, body)
            case Sum(bound, body):
                if places(body, equation.indices):
                    return spell_scatter(self, body, bound, equation.indices)
                return self.contracted(body, equation.indices)
            case Op() as op:
                array = spell_operation(self, op)
                return array if is_floating(equation.ref.kind) else replace(array, kind=equation.ref.kind)
            case Output() as output:
                return spell_output(self, equation, output)
            case Loop() | Branch():
                raise InternalError(f"{equation.ref.name} has no value of its own")

    def _map(self, equation: Equation, body: Expr) -> Array:
        target = self.order(body, equation.indices) if not body.has(Delta) else equation.indices
        if isinstance(body, sympy.Pow) and not body.exp.is_Integer:
            return self._root(body, target)
        return self._of_kind(body, target, equation.ref.kind)

    def _of_kind(self, expr: Expr, target: tuple[Index, ...], kind: Kind) -> Array:
        """A formula as floats, as a condition, or as integers, which give positions."""
        if is_floating(kind):
            return self.spell(expr, target)
        found = self.exact(expr)
        if found is not None:
            return aligned(found, target)
        return self._truth(expr, target) if kind in BOOLEAN else whole(spell_position(self, expr, target), kind)

    def _truth(self, body: Expr, target: tuple[Index, ...]) -> Array:
        """A condition: brackets that are factors hold together."""
        parts = [self.spell(part, target) for part in sympy.Mul.make_args(body)]
        if all(part.kind in BOOLEAN for part in parts):
            kind: Kind = bool if all(part.kind is bool for part in parts) else np.dtype(bool)
            return reduce(lambda left, right: apply("_0 & _1", (left, right), target, kind), parts)
        return apply("_0 != 0", (self.spell(body, target),), target, np.dtype(bool))

    def _root(self, power: Expr, target: tuple[Index, ...]) -> Array:
        base = self.spell(power.base, target)
        if power.exp == sympy.Rational(1, 2):
            return apply("np.sqrt(_0)", (base,), target, np.dtype(float) if is_python(base.kind) else None)
        return apply("_0 ** _1", (base, self.spell(power.exp, target)), target)

    def _delta(self, delta: Expr, target: tuple[Index, ...]) -> Array:
        axis, position, length = delta.args
        if (
            isinstance(axis, Index)
            and isinstance(position, Index)
            and self.builder.sizes.same(axis.size, position.size)
        ):
            return aligned(
                Array(Code("np.eye(_0)", (self.size(axis.size),)), (axis, position), np.dtype(float)), target
            )
        sides = (self._from_front(place, length, target) for place in (axis, position))
        return apply("_0 == _1", tuple(sides), target, np.dtype(bool))

    def _from_front(self, place: Expr, length: Expr, target: tuple[Index, ...]) -> Array:
        """A place that is compared with others: where it may count from the end, it is counted from the front."""
        found = self.position(place, target)
        if length == 0 or not may_wrap(place):
            return found
        return apply("_0 % _1", (found, Array(self.size(length), (), int)), target)

    def _total(self, expr: Expr, target: tuple[Index, ...]) -> Array:
        scattered = [term for term in expr.args if is_scatter(self.builder, term, target)]
        if scattered:
            return spell_scatter(self, expr, (), target)
        signed = [self._term(term, target) for term in sorted(expr.args, key=self._age)]
        signed.sort(key=lambda product: product.negative)
        result = signed[0].signed()
        for product in signed[1:]:
            template = "_0 - _1" if product.negative else "_0 + _1"
            result = apply(template, (result, product.array), target)
        return result

    def _term(self, term: Expr, target: tuple[Index, ...]) -> Product:
        """One term; a bracket alone becomes a number, since NumPy adds booleans as it does truth values."""
        product = spell_product(self, term, target)
        narrow = not is_python(product.array.kind) and not is_floating(product.array.kind)
        return replace(product, array=floating(product.array)) if narrow else product

    def _age(self, term: Expr) -> tuple[int, str]:
        """Terms come in the order in which their newest array was defined, constants last."""
        ages = [entry.ref.serial for entry in factors(term)]
        return (-max(ages), str(term)) if ages else (1, str(term))

    def _axes(self, ref: Ref) -> tuple[Index, ...]:
        if ref in self.builder.own:
            return self.builder.own[ref].indices
        if ref in self.known.input_axes or self.parent is None:
            return self.known.axes(ref)
        return self.parent._axes(ref)


def _renamed(array: Array, positions: Mapping[Index, Expr]) -> Array:
    layout = tuple(None if index is None else positions[index] for index in array.layout)
    kept = None if array.kept is None else _renamed(array.kept, positions)
    return replace(array, layout=layout, kept=kept)


def _merged(groups: Mapping[frozenset[Index], list[Expr]]) -> list[list[Expr]]:
    """Factors with the same axes are one operand; a factor with fewer axes joins the smallest that has them all."""
    merged = {support: list(parts) for support, parts in groups.items()}
    for support in sorted(groups, key=lambda s: (len(s), sorted(i.name for i in s))):
        larger = [other for other in merged if support < other]
        if larger and len(merged) > 2:
            merged[min(larger, key=lambda s: (len(s), sorted(i.name for i in s)))] += merged.pop(support)
    return [parts for parts in merged.values() if parts]


def _parted(groups: list[list[Expr]], free: tuple[Index, ...]) -> list[list[Expr]]:
    """A sum over all axes of one array is an inner product, where the array is a product."""
    if len(groups) != 1 or index_symbols(sympy.Mul(*groups[0])) & set(free):
        return groups
    first, *rest = groups[0]
    base, exponent = first.as_base_exp()
    if exponent.is_Integer and exponent > 1:
        return [[base], [base ** (exponent - 1), *rest]]
    return [[first], rest] if rest and all(not part.as_base_exp()[1].is_negative for part in rest) else groups
