"""Sums over Kronecker deltas that remain: values put at positions of a fresh array.

``Sum_i g[i] * delta(t, i + 1)`` is ``zeros; [1:] = g``; ``- delta(k, y[i]) / n`` next to a dense term is
``[np.arange(n), y] -= 1 / n`` on that term's array; elements at literal positions that cover a vector are
``np.array([a, b])``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from symgrad.emit.array import Array, aligned, floating
from symgrad.emit.operation import shape_text
from symgrad.emit.subscript import Subscript, subscript
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Sum
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Delta, Entry, Expr, Index, Kind, factors, index_symbols, may_wrap, substitute

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller

PLACE = re.compile(r"\b_(\d+)\b")


def is_scatter(builder: Builder, term: Expr, target: tuple[Index, ...]) -> bool:
    """Whether a term puts values at positions: it has a delta, or is a multiple of a sum that has one."""
    return places(term, target) or _scattered_sum(builder, term) is not None


def places(term: Expr, target: tuple[Index, ...]) -> bool:
    """Whether a product has a delta that gives the position along an axis of the target."""
    return any(_is_placing(part, target) for part in sympy.Mul.make_args(term))


def _is_placing(factor: Expr, target: tuple[Index, ...]) -> bool:
    if not isinstance(factor, Delta):
        return False
    axis, place, length = factor.args
    return axis in target and length == axis.size and axis not in index_symbols(place)


def _scattered_sum(builder: Builder, term: Expr) -> Entry | None:
    for entry in factors(term):
        equation = builder.equations.get(entry.ref)
        if equation is None or not isinstance(equation.definition, Sum) or not builder.is_whole(entry):
            continue
        if places(equation.definition.body, equation.indices):
            return entry
    return None


@dataclass(frozen=True)
class Part:
    """``value``, summed over ``bound``, at ``positions`` (axes that are not listed are whole)."""

    positions: tuple[tuple[Index, Expr], ...]
    value: Expr
    bound: tuple[Index, ...]


def spell_scatter(speller: Speller, expr: Expr, bound: tuple[Index, ...], target: tuple[Index, ...]) -> Array:
    """The array over all of ``target``: the dense terms, then a statement for every scattered one."""
    builder = speller.builder
    terms = [expr] if bound else sympy.Add.make_args(sympy.expand_mul(expr))
    dense = sympy.Add(*(term for term in terms if not is_scatter(builder, term, target)))
    opened = [_opened(builder, term, bound, target) for term in terms if is_scatter(builder, term, target)]
    parts = _joined([_part(term, indices, target) for term, indices in opened])
    elements = _elements(speller, dense, parts, target)
    if elements is not None:
        return elements
    lines, operands, kind = _base(speller, dense, target)
    for number, part in enumerate(parts):
        fresh = dense == 0 and _apart(part, parts[:number])
        line, more = _statement(speller, part, target, len(operands), fresh)
        lines.append(line)
        operands += more
    return Array(Code("\n".join(lines), tuple(operands)), target, kind)


def _opened(
    builder: Builder, term: Expr, bound: tuple[Index, ...], target: tuple[Index, ...]
) -> tuple[Expr, tuple[Index, ...]]:
    """A multiple of a scattered sum, with the factor moved under the sum."""
    entry = None if places(term, target) else _scattered_sum(builder, term)
    if entry is None:
        return term, bound
    equation = builder.equations[entry.ref]
    assert isinstance(equation.definition, Sum)
    fresh = {index: builder.index(index.size) for index in equation.definition.bound}
    renames: dict[Index, Expr] = {**dict(zip(equation.indices, entry.indices, strict=True)), **fresh}
    return substitute(equation.definition.body, renames) * (term / entry), (*bound, *fresh.values())


def _part(term: Expr, bound: tuple[Index, ...], target: tuple[Index, ...]) -> Part:
    """Split a product into positions and value; the first delta of an axis gives its position.

    No position is told by an axis that has a position itself.
    """
    positions: dict[Index, Expr] = {}
    rest = []
    for factor in sympy.Mul.make_args(term):
        axis, place = factor.args[:2] if _is_placing(factor, target) else (None, sympy.S.Zero)
        place = substitute(place, positions)
        if axis is None or axis in positions or axis in index_symbols(place):
            rest.append(factor)
        else:
            positions = {other: substitute(known, {axis: place}) for other, known in positions.items()}
            positions[axis] = place
    value = substitute(sympy.Mul(*rest), positions)
    return Part(tuple(positions.items()), value, bound)


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Parts without a sum of their own, at the same positions, are one."""
    joined: dict[object, Part] = {}
    for number, part in enumerate(parts):
        key: object = number if part.bound else part.positions
        old = joined.get(key)
        joined[key] = part if old is None else Part(part.positions, old.value + part.value, ())
    return list(joined.values())


def _apart(part: Part, others: Sequence[Part]) -> bool:
    """Whether no other part puts values at this part's positions."""
    mine = dict(part.positions)
    return all(_differ(mine, dict(other.positions)) for other in others)


def _differ(mine: Mapping[Index, Expr], theirs: Mapping[Index, Expr]) -> bool:
    shared = [(mine[axis], theirs[axis]) for axis in mine if axis in theirs]
    fixed = [pair for pair in shared if not any(index_symbols(place) or may_wrap(place) for place in pair)]
    return any((a - b).is_number and a != b for a, b in fixed)


def _elements(speller: Speller, dense: Expr, parts: Sequence[Part], target: tuple[Index, ...]) -> Array | None:
    """``np.array([a, b])`` where the parts are all elements of a vector."""
    if dense != 0 or len(target) != 1:
        return None
    size = speller.builder.sizes.find(target[0].size)
    values = {dict(part.positions).get(target[0]): part.value for part in parts}
    if not size.is_Integer or any(part.bound for part in parts) or len(parts) != size:
        return None
    if set(values) != {sympy.Integer(k) for k in range(int(size))}:
        return None
    arrays = [speller.spell(values[sympy.Integer(k)], ()) for k in range(int(size))]
    places = ", ".join(f"_{k}" for k in range(len(arrays)))
    dtype = speller.known.dtype_argument
    if not any(is_floating(array.kind) for array in arrays):
        dtype = dtype or ", float"
    code = Code(f"np.array(({places},){dtype})", tuple(array.code for array in arrays))
    return Array(code, target, speller.known.float_kind)


def _base(speller: Speller, dense: Expr, target: tuple[Index, ...]) -> tuple[list[str], list[Code], Kind]:
    """The array that the statements change: zeros, or the dense terms in memory of their own; and its dtype."""
    sizes = [speller.size(index.size) for index in target]
    shape = shape_text(len(sizes))
    dtype = speller.known.dtype_argument
    if dense == 0:
        return [f"_ = np.zeros({shape}{dtype})"], sizes, speller.known.float_kind
    array = aligned(speller.spell(dense, target), target)
    if array.layout == target and not is_floating(array.kind):
        return [f"_ = _0.astype({dtype.removeprefix(', ') or 'np.float64'})"], [array.code], speller.known.float_kind
    if array.layout == target:
        return ["_ = fresh(_0)"], [array.code], array.kind
    return [f"_ = np.full({shape}, _{len(sizes)}{dtype})"], [*sizes, floating(array).code], speller.known.float_kind


def _statement(
    speller: Speller, part: Part, target: tuple[Index, ...], offset: int, fresh: bool
) -> tuple[str, list[Code]]:
    """One statement, its placeholders counted from ``offset``."""
    positions = dict(part.positions)
    where = [positions.get(axis, axis) for axis in target]
    chosen = subscript(speller.builder.sizes, [axis.size for axis in target], where, speller.position, speller.size)
    layout = tuple(index for index in chosen.layout if index is not None)
    negative = not fresh and bool(part.value.as_coeff_Mul()[0] < 0)
    value = -part.value if negative else part.value
    summed = index_symbols(value) - set(layout)
    spelled = speller.contracted(value, layout) if summed else speller.spell(value, layout)
    operands = [*chosen.operands, aligned(spelled, layout).code]
    place, last = _shifted(chosen, offset - 1), f"_{offset + len(operands) - 1}"
    if not chosen.unique:
        place = f"np.s_[{place}]" if ":" in place else f"({place},)" if "," in place else place
        return f"np.{'subtract' if negative else 'add'}.at(_, {place}, {last})", operands
    return f"_[{place}] {'=' if fresh else '-=' if negative else '+='} {last}", operands


def _shifted(chosen: Subscript, offset: int) -> str:
    """The subscript with its placeholders renumbered."""
    return PLACE.sub(lambda found: f"_{int(found.group(1)) + offset}", chosen.text)
