"""Building: expressions in, shared equations out.

The builder owns the equations of one program. A definition that exists already, up to the names of its indices, is
reused; that is the common-subexpression elimination, and it works across the primal and the derivative.
"""

from __future__ import annotations

import itertools
import math
from collections import ChainMap
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import sympy

from symgrad.ir.canonical import canonical, partial
from symgrad.ir.equation import Block, Branch, Definition, Equation, Loop, Map, Op, Output, Role, Sum
from symgrad.ir.kinds import common_kind, is_floating
from symgrad.ir.sizes import Sizes
from symgrad.ir.summation import summed
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
    substitute,
)

INFINITY, NAN = (sympy.Symbol(name, real=True) for name in ("inf", "nan"))
MOST_FACTORS = 6
MOST_FLAT_FACTORS = 8
LONGEST_NUMBER, MOST_BITS, DIGITS = 12, 256, 20


@dataclass
class Builder:
    """Grows the equations of one program, or of a body inside of it, which sees those around it."""

    sizes: Sizes = field(default_factory=Sizes)
    equations: MutableMapping[Ref, Equation] = field(default_factory=dict)
    read: set[Ref] = field(default_factory=set)
    """What results read directly, and not through equations."""
    _shared: MutableMapping[str, tuple[Ref, tuple[int, ...]]] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)
    _indices: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def own(self) -> MutableMapping[Ref, Equation]:
        """The equations of this body itself."""
        return self.equations.maps[0] if isinstance(self.equations, ChainMap) else self.equations

    def child(self) -> Builder:
        """A builder for a body inside."""
        return Builder(self.sizes, _nested(self.equations), set(), _nested(self._shared), self._names, self._indices)

    def fork(self) -> Builder:
        """A builder that starts with the equations of this one, and goes another way."""
        assert isinstance(self.equations, ChainMap)
        own = ChainMap(dict(self.own), *self.equations.maps[1:])
        return Builder(self.sizes, own, set(), _nested(self._shared), self._names, self._indices)

    def sees(self, other: Builder) -> bool:
        """Whether what another builder defines may be read here: it is this one, or one around it."""
        around = self.equations.maps if isinstance(self.equations, ChainMap) else [self.equations]
        return any(equations is other.own for equations in around)

    def index(self, size: Expr) -> Index:
        """A new index over ``range(size)``."""
        return Index(f"i{next(self._indices)}", size)

    def indices(self, shape: Iterable[Expr]) -> tuple[Index | None, ...]:
        """A new index for every axis, None where the length is one."""
        return tuple(None if self.sizes.is_one(size) else self.index(size) for size in shape)

    def scratch(self) -> Builder:
        """A builder whose equations are thrown away; it shares the sizes and makes other names."""
        return Builder(self.sizes, _names=dict(self._names), _indices=self._indices)

    def name(self, hint: str) -> str:
        """A name that no other ref has."""
        count = self._names.get(hint, 0)
        self._names[hint] = count + 1
        return f"{hint}_{count}" if count else hint

    def input(self, name: str, shape: Sequence[Expr], kind: Kind) -> Tensor:
        """An array that comes from outside: an argument, a captured value, the result of an opaque call."""
        indices = self.indices(shape)
        free = tuple(index for index in indices if index is not None)
        ref = Ref(self.name(name), tuple(index.size for index in free), kind)
        return Tensor(Entry(ref, free), indices, kind)

    def constant(self, value: float, kind: Kind | None = None) -> Tensor:
        """A number; floats become the rational that their shortest decimal writes."""
        return Tensor(exact(value), (), type(value) if kind is None else kind)

    def define(self, tensor: Tensor, hint: str = "t") -> Tensor:
        """Name the formula of a tensor (a map), unless it is an entry or a number already."""
        if not index_symbols(tensor.expr) and not tensor.expr.atoms(Entry):
            return tensor
        if isinstance(tensor.expr, Entry) and not tensor.expr.negated:
            return tensor
        return Tensor(self.map(tensor.expr, tensor.kind, hint), tensor.indices, tensor.kind)

    def map(self, body: Expr, kind: Kind, hint: str = "t") -> Entry:
        """``A[I] := body`` over the indices that occur in the body."""
        return self._defined(Map(body), body, (), kind, hint)

    def atomised(self, expr: Expr, kind: Kind, hint: str = "t") -> Expr:
        """The expression with every nonlinear function of entries, and every sum that is a factor, named as a map.

        What is left inline is a sum of products of powers of entries.
        """
        if not expr.args or isinstance(expr, Delta) or all(_is_size(symbol) for symbol in expr.free_symbols):
            return expr
        inner = _kind_of_arguments(expr, kind) if isinstance(expr, sympy.Function) else kind
        arguments = [self.atomised(argument, inner) for argument in expr.args]
        if expr.is_Mul or expr.is_Pow:
            arguments = [self.map(a, kind) if a.is_Add and factors(a) else a for a in arguments]
        rebuilt = expr if list(expr.args) == arguments else expr.func(*arguments)
        if isinstance(rebuilt, sympy.Pow):
            return self._power(rebuilt, kind, hint)
        if isinstance(rebuilt, sympy.Function) and not isinstance(rebuilt, Delta):
            return self.map(rebuilt, np.dtype(bool) if isinstance(rebuilt, Bracket) else kind, hint)
        return rebuilt

    def _power(self, power: Expr, kind: Kind, hint: str) -> Expr:
        base, exponent = power.as_base_exp()
        if not factors(base):
            return power
        if exponent.is_Integer:
            return power
        if exponent.is_Rational and exponent.q == 2:
            return self.map(sympy.sqrt(base), kind, hint) ** exponent.p
        return self.map(power, kind, hint)

    def settled(self, tensor: Tensor, hint: str) -> Tensor:
        """A value that the user named: a sum of terms or a long product becomes a map, so that bodies stay small.

        A long number, which nothing would shorten, becomes the float that it is nearest to.
        """
        if not tensor.expr.free_symbols and _is_long(tensor.expr):
            number = tensor.expr.evalf(DIGITS)
            if isinstance(number, sympy.Float):
                return Tensor(exact(float(number)), tensor.indices, tensor.kind)
        small = not tensor.expr.is_Add and len(tensor.expr.args) <= MOST_FACTORS and not tensor.expr.has(sympy.Add)
        return tensor if small else self.define(tensor, hint)

    def sum(self, body: Expr, bound: Iterable[Index], kind: Kind) -> Expr:
        """``Sum_bound body``: invariant factors outside, deltas eliminated, existing sums reused."""
        return summed(self, body, tuple(bound), kind)

    def product_sum(self, body: Expr, bound: tuple[Index, ...], kind: Kind) -> Entry:
        """A sum as it stands, or one that differs in the order of summation only."""
        found = self.existing_sum(body, bound)
        if found is not None:
            return found
        counted = np.dtype(int) if kind in BOOLEAN else kind
        entry = self._defined(Sum(bound, body), body, bound, counted, "s")
        key, free = self._flat_key(body, bound)
        self._shared.setdefault(key, (entry.ref, tuple(free.index(axis) for axis in entry.indices)))
        return entry

    def existing_sum(self, body: Expr, bound: tuple[Index, ...]) -> Entry | None:
        """The equation that defines this sum, if there is one."""
        key, free = canonical(body, bound, self.sizes.same)
        found = self._find(f"Sum {key}", free)
        return self._find(*self._flat_key(body, bound)) if found is None else found

    def flattened(self, body: Expr, bound: tuple[Index, ...]) -> tuple[Expr, tuple[Index, ...]]:
        """A sum of a product of sums as one sum over all their indices."""
        parts: list[Expr] = []
        for part in sympy.Mul.make_args(body):
            inner = self.equations.get(part.ref) if isinstance(part, Entry) else None
            if inner is not None and isinstance(inner.definition, Sum) and not inner.definition.body.has(sympy.Add):
                fresh = {index: self.index(index.size) for index in inner.definition.bound}
                renames: dict[Index, Expr] = {**dict(zip(inner.indices, part.indices, strict=True)), **fresh}
                flat, more = self.flattened(substitute(inner.definition.body, renames), tuple(fresh.values()))
                parts.append(flat)
                bound += more
            else:
                parts.append(part)
        return sympy.Mul(*parts), bound

    def _flat_key(self, body: Expr, bound: tuple[Index, ...]) -> tuple[str, tuple[Index, ...]]:
        flat, indices = self.flattened(body, bound)
        if len(sympy.Mul.make_args(flat)) > MOST_FLAT_FACTORS:
            flat, indices = body, bound
        key, free = canonical(flat, indices, self.sizes.same)
        return f"Flat {key}", free

    def op(
        self,
        name: str,
        operands: Sequence[Tensor],
        shape: Sequence[Expr],
        kind: Kind,
        params: tuple[tuple[str, object], ...] = (),
        result: int = 0,
    ) -> Tensor:
        """``A[I] := op(operands)``, an operation that is not algebra; ``shape`` is the result's."""
        texts = [self._closed_text(operand) for operand in operands]
        key = f"Op {name} {params} {result} {texts}"
        indices = self.indices(shape)
        free = tuple(index for index in indices if index is not None)
        if key in self._shared:
            return Tensor(Entry(self._shared[key][0], free), indices, kind)
        counted = kind is int and not free
        bounds = (sympy.S.Zero, sympy.oo) if name.startswith("count") else None
        sizes = tuple(index.size for index in free)
        ref = Ref(self.name(name.rpartition(".")[2]), sizes, kind, counted, bounds)
        self.equations[ref] = Equation(ref, free, Op(name, tuple(operands), indices, params, result))
        self._shared[key] = (ref, ())
        return Tensor(Entry(ref, free), indices, kind)

    def counter(self, rounds: Expr) -> Entry:
        """The number of a round, from 0."""
        return Entry(Ref(self.name("k"), (), int, True, (sympy.S.Zero, rounds - 1)))

    def carried(self, name: str, shape: Sequence[Expr], kind: Kind) -> Tensor:
        """What a round of a loop starts with."""
        indices = self.indices(shape)
        free = tuple(index for index in indices if index is not None)
        ref = Ref(self.name(name), tuple(index.size for index in free), kind, kind is int and not free)
        return Tensor(Entry(ref, free), indices, kind)

    def block(self, block: Block) -> Ref:
        """Add a loop or a branch."""
        ref = Ref(self.name("loop" if isinstance(block, Loop) else "branch"), (), float)
        self.equations[ref] = Equation(ref, (), block)
        return ref

    def output(self, block: Ref, role: Role, place: int | Ref, shape: Sequence[Expr], kind: Kind) -> Tensor:
        """What comes out of a block, all of this ``shape``: the rounds and the axes of a ref for states and traces."""
        if role in {Role.STATES, Role.TRACE}:
            axes = (None if size == 1 else self.index(size) for size in shape[1:])
            indices: tuple[Index | None, ...] = (*map(self.index, shape[:1]), *axes)
        else:
            indices = self.indices(shape)
        free = tuple(index for index in indices if index is not None)
        key = f"Output {block.serial} {role.value} {place.serial if isinstance(place, Ref) else place}"
        if key in self._shared:
            return Tensor(Entry(self._shared[key][0], free), indices, kind)
        bounds = (sympy.S.Zero, sympy.oo) if role is Role.ROUNDS else None
        ref = Ref(self.name("out"), tuple(index.size for index in free), kind, kind is int and not free, bounds)
        self.equations[ref] = Equation(ref, free, Output(block, role, place))
        self._shared[key] = (ref, ())
        if isinstance(place, Ref):
            self._trace(block, place)
        return Tensor(Entry(ref, free), indices, kind)

    def _trace(self, block: Ref, inside: Ref) -> None:
        """From now on, a block is read inside, too."""
        equation = self.own[block]
        assert isinstance(equation.definition, Loop | Branch)
        made = replace(equation.definition, traces=(*equation.definition.traces, inside))
        self.own[block] = replace(equation, definition=made)

    def broadcast(self, *tensors: Tensor) -> tuple[list[Expr], tuple[Index | None, ...]]:
        """The formulas over common indices, axes aligned from the last as NumPy does; ``ShapeError`` if they differ."""
        rank = max((tensor.rank for tensor in tensors), default=0)
        common: list[Index | None] = [None] * rank
        renames: list[dict[Index, Expr]] = [{} for _ in tensors]
        for axis in range(1, rank + 1):
            present = [(t.indices[-axis], r) for t, r in zip(tensors, renames, strict=True) if t.rank >= axis]
            for index, rename in present:
                if index is None:
                    continue
                shared = common[-axis] or (index if index not in common else self.index(index.size))
                self.sizes.unify(shared.size, index.size)
                common[-axis] = rename[index] = shared
        return [substitute(t.expr, r, self.sizes) for t, r in zip(tensors, renames, strict=True)], tuple(common)

    def rename(self, tensor: Tensor, indices: Sequence[Expr | None]) -> Expr:
        """The formula of the element at other indices (None only where the axis has length one)."""
        mapping = {old: new for old, new in zip(tensor.indices, indices, strict=True) if old is not None}
        return substitute(tensor.expr, mapping, self.sizes)

    def fresh(self, tensor: Tensor) -> Tensor:
        """The same array over new indices, so that it can be combined with itself."""
        indices = tuple(None if index is None else self.index(index.size) for index in tensor.indices)
        return Tensor(self.rename(tensor, indices), indices, tensor.kind)

    def _defined(self, definition: Map | Sum, body: Expr, bound: tuple[Index, ...], kind: Kind, hint: str) -> Entry:
        key, free = canonical(body, bound, self.sizes.same)
        label = f"Sum {key}" if isinstance(definition, Sum) else f"Map {kind} {key}"
        found = self._find(label, free)
        if found is not None:
            return found
        axes = tuple(sorted(free, key=lambda index: int(index.name[1:])))
        ref = Ref(self.name(hint), tuple(index.size for index in axes), kind, kind is int and not axes)
        self.equations[ref] = Equation(ref, axes, definition)
        self._shared[label] = (ref, tuple(free.index(axis) for axis in axes))
        return Entry(ref, axes)

    def _find(self, label: str, free: tuple[Index, ...]) -> Entry | None:
        if label not in self._shared:
            return None
        ref, order = self._shared[label]
        return Entry(ref, tuple(free[position] for position in order))

    def _closed_text(self, tensor: Tensor) -> str:
        """The text of a whole array: its axes numbered by position, with the sizes that its entries do not tell."""
        untold = set(tensor.free) - (index_symbols(tensor.expr) - partial(tensor.expr, self.sizes.same))
        numbered: dict[Index, Expr] = {
            index: Index(f"a{axis}", sympy.S.One) for axis, index in enumerate(tensor.indices) if index is not None
        }
        shape = ("1" if index is None else index.size if index in untold else "" for index in tensor.indices)
        return f"{','.join(map(str, shape))}:{substitute(tensor.expr, numbered)}"

    def is_whole(self, entry: Entry) -> bool:
        """Whether an entry runs over all of its array, every axis by an index of its own."""
        own = len(set(entry.indices)) == len(entry.indices)
        axes = zip(entry.indices, entry.ref.shape, strict=True)
        return own and all(isinstance(index, Index) and self.sizes.same(index.size, size) for index, size in axes)

    def definition(self, ref: Ref) -> Definition | None:
        """The right-hand side of a ref's equation; None for an input."""
        equation = self.equations.get(ref)
        return None if equation is None else equation.definition

    def unfold(self, entry: Entry) -> Expr | None:
        """The body of a map at the entry's indices; None for anything else."""
        equation = self.equations.get(entry.ref)
        if equation is None or not isinstance(equation.definition, Map) or entry.negated:
            return None
        places = dict(zip(equation.indices, entry.indices, strict=True))
        return substitute(equation.definition.body, places, self.sizes)


Key = TypeVar("Key")
Item = TypeVar("Item")


def _nested(outer: MutableMapping[Key, Item]) -> ChainMap[Key, Item]:
    """A mapping that sees another one, and changes only itself."""
    return outer.new_child() if isinstance(outer, ChainMap) else ChainMap({}, outer)


def _is_size(symbol: Expr) -> bool:
    """Whether a symbol is a length, or an integer that the user gives."""
    if isinstance(symbol, Entry):
        return symbol.ref.kind is int and not symbol.indices
    return bool(symbol.is_integer) and not isinstance(symbol, Index)


def _is_long(number: Expr) -> bool:
    """Whether a number is a long formula, or a fraction of long integers."""
    fractions = number.atoms(sympy.Rational)
    return number.count_ops() > LONGEST_NUMBER or any(max(abs(p.p), p.q).bit_length() > MOST_BITS for p in fractions)


def _kind_of_arguments(function: Expr, kind: Kind) -> Kind:
    """The dtype of formulas that a function, which gives values of this dtype, is applied to."""
    if is_floating(kind):
        return kind
    found = common_kind(entry.ref.kind for entry in factors(function))
    return int if found in BOOLEAN else found


def exact(value: float) -> Expr:
    """A number as SymPy sees it: floats exactly as their shortest decimal, so that 0.1 is one tenth."""
    if isinstance(value, bool | int):
        return sympy.Integer(int(value))
    if not math.isfinite(value):
        return NAN if math.isnan(value) else INFINITY if value > 0 else -INFINITY
    return sympy.Rational(repr(float(value)))


def kind_of(tensors: Iterable[Tensor]) -> Kind:
    """The dtype of arithmetic between tensors."""
    return common_kind(tensor.kind for tensor in tensors)
