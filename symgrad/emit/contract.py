"""Sums over products as NumPy writes them: ``@``, ``dot``, ``.sum(axis)``, and ``einsum`` where nothing is plainer.

The factors are operands with the indices of their axes. The order of contraction is the cheapest of all orders for the
few operands that occur.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symgrad.emit.array import Array, apply, arranged, is_narrow, widened
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind
from symgrad.ir.tensor import BOOLEAN, Index, Kind

EXHAUSTIVE = 5
Extent = Callable[[Index], int]


@dataclass(frozen=True)
class Contraction:
    """``free`` is the wanted order of the result's axes; ``extent`` estimates the length of an axis;
    ``wide`` is the dtype of the derivative's arithmetic."""

    free: tuple[Index, ...]
    extent: Extent
    wide: Kind

    def contract(self, operands: Sequence[Array]) -> Array:
        """The sum, over all indices that are not free, of the product of the operands."""
        reduced = [self._reduced(operand, others(operands, operand)) for operand in operands]
        if len(reduced) == 1:
            return reduced[0]
        _, first, second = min(self._plans(reduced), key=lambda plan: plan[0])
        rest = [operand for k, operand in enumerate(reduced) if k not in (first, second)]
        kept = frozenset(self.free).union(*(operand.support for operand in rest))
        return self.contract([self._pair(reduced[first], reduced[second], kept), *rest])

    def _plans(self, operands: Sequence[Array]) -> list[tuple[float, int, int]]:
        """The cost of starting with each pair, its best continuation included."""
        supports = [operand.support for operand in operands]
        pairs = [(a, b) for b in range(len(operands)) for a in range(b)]
        return [(self._cost(supports, a, b), a, b) for a, b in pairs]

    def _cost(self, supports: Sequence[frozenset[Index]], a: int, b: int) -> float:
        rest = [support for k, support in enumerate(supports) if k not in (a, b)]
        union = supports[a] | supports[b]
        here = self._volume(union)
        if not rest:
            return here
        joined = [union & frozenset(self.free).union(*rest), *rest]
        if len(joined) > EXHAUSTIVE:
            return here + self._volume(joined[0])
        return here + min(self._cost(joined, p, q) for q in range(len(joined)) for p in range(q))

    def _volume(self, indices: frozenset[Index]) -> float:
        total = 1.0
        for index in indices:
            total *= self.extent(index)
        return total

    def _reduced(self, operand: Array, elsewhere: frozenset[Index]) -> Array:
        """Sum over the indices that only this operand has."""
        own = [index for index in operand.layout if index not in elsewhere and index not in self.free]
        alone = frozenset(index for index in own if index is not None)
        return total(operand, alone) if alone else operand

    def _pair(self, a: Array, b: Array, kept: frozenset[Index]) -> Array:
        if min((self.free.index(i) for i in b.support - a.support if i in self.free), default=99) < min(
            (self.free.index(i) for i in a.support - b.support if i in self.free), default=99
        ):
            a, b = b, a
        if is_narrow(a.kind, self.wide) and is_narrow(b.kind, self.wide):
            a = widened(a, self.wide)
        summed = tuple(index for index in a.layout if index is not None and index in b.support and index not in kept)
        batch = tuple(index for index in self._order(a.support & b.support) if index in kept)
        left = self._order(a.support - b.support)
        right = self._order(b.support - a.support)
        if not summed:
            return apply("_0 * _1", (a, b), self._order(a.support | b.support))
        return _product(a, b, batch, left, right, summed)

    def _order(self, indices: frozenset[Index]) -> tuple[Index, ...]:
        """Free indices in the wanted order, others after them by name."""
        known = {index: position for position, index in enumerate(self.free)}
        return tuple(sorted(indices, key=lambda index: (known.get(index, len(known)), index.name)))


def others(operands: Sequence[Array], operand: Array) -> frozenset[Index]:
    """The indices of all operands but one."""
    return frozenset[Index]().union(*(other.support for other in operands if other is not operand))


def total(array: Array, summed: frozenset[Index]) -> Array:
    """``.sum()`` over some axes."""
    kind = np.dtype(int) if array.kind in BOOLEAN else array.kind
    array = replace(array, kind=kind)
    axes = [axis for axis, index in enumerate(array.layout) if index in summed]
    rest = tuple(index for axis, index in enumerate(array.layout) if axis not in axes)
    if len(axes) == len(array.layout):
        return Array(Code("_0.sum()", (array.code,)), (), array.kind)
    where = axes[0] if len(axes) == 1 else tuple(axes)
    layout = tuple(None if axis in axes else index for axis, index in enumerate(array.layout))
    kept = Array(Code(f"_0.sum(axis={where}, keepdims=True)", (array.code,)), layout, array.kind)
    return Array(Code(f"_0.sum(axis={where})", (array.code,)), rest, array.kind, kept)


def _product(
    a: Array,
    b: Array,
    batch: tuple[Index, ...],
    left: tuple[Index, ...],
    right: tuple[Index, ...],
    summed: tuple[Index, ...],
) -> Array:
    """One contraction of two operands, in the plainest spelling that does it."""
    kind = common_kind((a.kind, b.kind))
    if not batch and len(summed) == 1 and len(right) <= 1:
        first, second = arranged(a, left + summed), arranged(b, summed + right)
        return Array(Code("_0 @ _1", (first.code, second.code)), left + right, kind)
    if not left and not right:
        return _inner(a, b, batch, summed)
    if batch and len(summed) == len(left) == len(right) == 1:
        first, second = arranged(a, batch + left + summed), arranged(b, batch + summed + right)
        return Array(Code("_0 @ _1", (first.code, second.code)), batch + left + right, kind)
    if not batch:
        axes = [[array.layout.index(index) for index in summed] for array in (a, b)]
        code = Code(f"np.tensordot(_0, _1, axes=({axes[0]}, {axes[1]}))", (a.code, b.code))
        rest = [tuple(index for index in array.layout if index not in summed) for array in (a, b)]
        return Array(code, rest[0] + rest[1], kind)
    return einsum((a, b), batch + left + right)


def _inner(a: Array, b: Array, batch: tuple[Index, ...], summed: tuple[Index, ...]) -> Array:
    if batch:
        product = apply("_0 * _1", (a, b), batch + summed)
        return total(product, frozenset(summed))
    first, second = arranged(a, summed), arranged(b, summed)
    return Array(Code("np.vdot(_0, _1)", (first.code, second.code)), (), common_kind((a.kind, b.kind)))


def einsum(operands: Sequence[Array], free: tuple[Index, ...]) -> Array:
    """``np.einsum``: right for everything."""
    letters: dict[Index, str] = {}
    inputs = []
    plain = [arranged(o, tuple(index for index in o.layout if index is not None)) for o in operands]
    for operand in plain:
        for index in operand.layout:
            assert index is not None
            letters.setdefault(index, "ijklmnopqrstuvwxyzabcdefgh"[len(letters)])
        inputs.append("".join(letters[index] for index in operand.layout if index is not None))
    formula = f"{','.join(inputs)}->{''.join(letters[index] for index in free)}"
    places = ", ".join(f"_{k}" for k in range(len(plain)))
    code = Code(f'np.einsum("{formula}", {places})', tuple(operand.code for operand in plain))
    return Array(code, free, common_kind(operand.kind for operand in plain))
