"""What has code before anything is spelled: inputs and the values of the user's program.

A value that is an entry gives its array; any other formula is found again by its canonical text, and a product of
entries (``p = e / s``) also as a divisor of larger products.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from symgrad.emit.array import Array
from symgrad.errors import InternalError
from symgrad.ir.builder import Builder
from symgrad.ir.canonical import canonical
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_floating, is_python
from symgrad.ir.program import Program, Value
from symgrad.ir.sizes import Sizes
from symgrad.ir.tensor import Entry, Expr, Index, Kind, Ref, Tensor, index_symbols, substitute


@dataclass(frozen=True)
class Composite:
    """A product of powers of entries that the user named."""

    powers: tuple[tuple[Expr, int], ...]
    array: Array


def _size(composite: Composite) -> tuple[int, int]:
    return len(composite.powers), sum(abs(exponent) for _, exponent in composite.powers)


@dataclass
class Known:
    """Looks up code by meaning."""

    builder: Builder
    arrays: dict[Ref, Array] = field(default_factory=dict)
    input_axes: dict[Ref, tuple[Index, ...]] = field(default_factory=dict)
    formulas: dict[str, tuple[Array, tuple[Index, ...]]] = field(default_factory=dict)
    composites: list[Composite] = field(default_factory=list)
    sizes: dict[Expr, Code] = field(default_factory=dict)
    counted: dict[Expr, Code] = field(default_factory=dict)
    float_kind: Kind = float
    uses_math: bool = False
    parent: Known | None = None

    def inside(self, builder: Builder, values: Iterable[Value]) -> Known:
        """What has code inside of a block, besides all that is known around it."""
        known = Known(builder, float_kind=self.float_kind, uses_math=self.uses_math, parent=self)
        for value in values:
            _add_value(known, value)
        known.composites.sort(key=_size, reverse=True)
        return known

    def array(self, ref: Ref) -> Array | None:
        return self.arrays.get(ref)

    def axes(self, ref: Ref) -> tuple[Index, ...]:
        if ref not in self.input_axes and self.parent is not None:
            return self.parent.axes(ref)
        return self.input_axes[ref]

    def exact(self, expr: Expr) -> Array | None:
        """The user's code for this formula, over the formula's own indices."""
        if isinstance(expr, Entry) and all(isinstance(index, Index) for index in expr.indices):
            return None
        key, free = canonical(expr, same=self.builder.sizes.same)
        if key not in self.formulas:
            return None
        array, order = self.formulas[key]
        renames = dict(zip(order, free, strict=True))
        return _relabelled(array, renames)

    def has(self, size: Expr) -> bool:
        """Whether this is the length of an argument's axis, or an integer argument."""
        return size in self.sizes or (self.parent is not None and self.parent.has(size))

    def size(self, size: Expr) -> Code:
        """Code for the length of an axis."""
        if size not in self.sizes and self.parent is not None:
            return self.parent.size(size)
        if size not in self.sizes:
            raise InternalError(f"the size {size} is not the length of any argument's axis")
        return self.sizes[size]

    def counts(self, expr: Expr) -> Code | None:
        """The user's count, which a formula of the number of a round is."""
        found = self.counted.get(expr)
        return self.parent.counts(expr) if found is None and self.parent is not None else found

    def divided(self, product: Expr) -> tuple[dict[Expr, Expr], list[tuple[Array, int]]]:
        """The powers of a product, after the user's products were divided out of it."""
        powers = dict(part.as_base_exp() for part in sympy.Mul.make_args(product) if part != 1)
        found: list[tuple[Array, int]] = []
        for composite in self.composites:
            while (match := next(_matches(composite.powers, powers, {}, self.builder.sizes), None)) is not None:
                times = min(abs(powers[substitute(base, match)] // exponent) for base, exponent in composite.powers)
                found.append((_relabelled(composite.array, match), int(times)))
                powers = _quotient(powers, composite.powers, match, times)
        return powers, found

    @property
    def wide(self) -> Kind:
        """The dtype in which the derivative's own arithmetic is done."""
        return np.dtype(float) if is_python(self.float_kind) else self.float_kind

    @property
    def dtype_argument(self) -> str:
        """What ``np.zeros`` must be told to give arrays of the program's dtype."""
        return "" if self.float_kind in (float, np.dtype(float)) else f", np.{self.float_kind}"


def gather(program: Program, values: Iterable[Value]) -> Known:
    """Everything that the program's inputs and values have code for."""
    builder = program.builder
    known = Known(builder)
    for source in program.inputs:
        _add_input(known, source.value)
    for value in values:
        _add_value(known, value)
        known.uses_math = known.uses_math or value.code.template.startswith("math.")
    known.composites.sort(key=_size, reverse=True)
    kinds = [source.value.tensor.kind for source in program.inputs if is_floating(source.value.tensor.kind)]
    known.float_kind = common_kind(kinds)
    return known


def _add_input(known: Known, value: Value) -> None:
    tensor = value.tensor
    assert isinstance(tensor.expr, Entry)
    known.arrays[tensor.expr.ref] = Array(value.code, tensor.indices, tensor.kind)
    known.input_axes[tensor.expr.ref] = tensor.free
    for axis, index in enumerate(tensor.indices):
        if index is not None:
            size = known.builder.sizes.find(index.size)
            known.sizes.setdefault(size, Code(f"_0.shape[{axis}]", (value.code,)))
    if not tensor.indices and not is_floating(tensor.kind):
        known.sizes.setdefault(tensor.expr, value.code)


def _add_value(known: Known, value: Value) -> None:
    tensor, code = value.tensor, value.code
    if isinstance(tensor.expr, sympy.Symbol) and not isinstance(tensor.expr, Entry | Index):
        if code.name is not None and tensor.kind is int and not tensor.rank:
            known.sizes[known.builder.sizes.find(tensor.expr)] = code
        return
    if index_symbols(tensor.expr) != set(tensor.free) or not tensor.expr.atoms(Entry):
        return
    array = Array(code, tensor.indices, tensor.kind)
    if isinstance(tensor.expr, Entry) and not tensor.expr.negated and known.builder.is_whole(tensor.expr):
        _add_entry(known, tensor.expr, array)
        return
    key, order = canonical(tensor.expr, same=known.builder.sizes.same)
    if key not in known.formulas or code.name is not None:
        known.formulas[key] = (array, order)
    _add_composite(known, tensor.expr, array)


def _add_entry(known: Known, entry: Entry, array: Array) -> None:
    equation = known.builder.equations.get(entry.ref)
    if equation is None:
        return
    renamed = _relabelled(array, dict(zip(entry.indices, equation.indices, strict=True)))
    if entry.ref not in known.arrays or (array.code.name is not None and known.arrays[entry.ref].code.name is None):
        known.arrays[entry.ref] = renamed


def _add_composite(known: Known, expr: Expr, array: Array) -> None:
    coefficient, rest = expr.as_coeff_Mul()
    powers = tuple(part.as_base_exp() for part in sympy.Mul.make_args(rest))
    simple = all(isinstance(base, sympy.Symbol) and exponent.is_Integer for base, exponent in powers)
    compound = len(powers) > 1 or powers[0][1] != 1
    if coefficient == 1 and compound and simple and array.code.name is not None:
        known.composites.append(Composite(tuple((base, int(exponent)) for base, exponent in powers), array))


def _relabelled(array: Array, renames: Mapping[Index, Expr]) -> Array:
    layout = tuple(None if index is None else renames[index] for index in array.layout)
    return replace(array, layout=layout, kept=None)


def _matches(
    pattern: tuple[tuple[Expr, int], ...], powers: Mapping[Expr, Expr], renames: dict[Index, Expr], sizes: Sizes
) -> Iterator[dict[Index, Expr]]:
    """Renamings of the pattern's indices under which it divides the product."""
    if not pattern:
        yield renames
        return
    (base, exponent), *rest = pattern
    for other, available in powers.items():
        if not available.is_Integer or available * exponent <= 0 or abs(available) < abs(exponent):
            continue
        extended = _unified(base, other, renames, sizes)
        if extended is not None:
            yield from _matches(tuple(rest), powers, extended, sizes)


def _unified(base: Expr, other: Expr, renames: dict[Index, Expr], sizes: Sizes) -> dict[Index, Expr] | None:
    if not isinstance(base, Entry):
        return renames if base == other else None
    if not isinstance(other, Entry) or base.ref is not other.ref or base.negated != other.negated:
        return None
    extended = dict(renames)
    for old, new in zip(base.indices, other.indices, strict=True):
        if not isinstance(old, Index) or not isinstance(new, Index):
            if old != new:
                return None
        elif extended.setdefault(old, new) != new or not sizes.same(old.size, new.size):
            return None
    return extended if len(set(extended.values())) == len(extended) else None


def _quotient(
    powers: Mapping[Expr, Expr], divisor: Iterable[tuple[Expr, int]], renames: Mapping[Index, Expr], times: int
) -> dict[Expr, Expr]:
    """What is left of a product that was divided a number of times."""
    left = dict(powers)
    for base, exponent in divisor:
        renamed = substitute(base, renames)
        left[renamed] -= times * exponent
        if left[renamed] == 0:
            del left[renamed]
    return left


def full(array: Array, tensor: Tensor) -> bool:
    """Whether an array has all axes of a tensor."""
    return array.support == frozenset(tensor.free)
