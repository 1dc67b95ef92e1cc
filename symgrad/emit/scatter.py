"""Sums over Kronecker deltas that remain: values put at positions of a fresh array.

``Sum_i g[i] * delta(t, i + 1)`` is ``zeros; [1:] += g``; ``- delta(k, y[i]) / n`` next to a dense term is
``[np.arange(n), y] -= 1 / n`` on that term's array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy

from symgrad.emit.array import Array, aligned
from symgrad.emit.subscript import subscript
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Sum
from symgrad.ir.tensor import Delta, Entry, Expr, Index, factors, index_symbols, substitute

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller


def is_scatter(builder: Builder, term: Expr) -> bool:
    """Whether a term puts values at positions: it has a delta, or is a multiple of a sum that has one."""
    return bool(term.atoms(Delta)) or _scattered_sum(builder, term) is not None


def _scattered_sum(builder: Builder, term: Expr) -> Entry | None:
    for entry in factors(term):
        definition = builder.definition(entry.ref)
        if isinstance(definition, Sum) and definition.body.has(Delta):
            return entry
    return None


def spell_scatter(speller: Speller, expr: Expr, bound: tuple[Index, ...], target: tuple[Index, ...]) -> Array:
    """The array over all of ``target``: the dense terms, then a statement for every scattered one."""
    builder = speller.builder
    terms = [] if bound else [t for t in sympy.Add.make_args(expr) if not is_scatter(builder, t)]
    scattered = [(expr, bound)] if bound else [(t, ()) for t in sympy.Add.make_args(expr) if is_scatter(builder, t)]
    parts = [_opened(builder, term, indices) for term, indices in scattered]
    lines, operands = _base(speller, sympy.Add(*terms), target)
    for body, indices in parts:
        line, more = _statement(speller, body, indices, target, len(operands))
        lines.append(line)
        operands += more
    kind = speller.known.float_kind
    return Array(Code("\n".join(lines), tuple(operands)), target, kind)


def _opened(builder: Builder, term: Expr, bound: tuple[Index, ...]) -> tuple[Expr, tuple[Index, ...]]:
    """A multiple of a scattered sum, with the factor moved under the sum."""
    entry = None if term.atoms(Delta) else _scattered_sum(builder, term)
    if entry is None:
        return term, bound
    equation = builder.equations[entry.ref]
    assert isinstance(equation.definition, Sum)
    fresh = {index: builder.index(index.size) for index in equation.definition.bound}
    renames: dict[Index, Expr] = {**dict(zip(equation.indices, entry.indices, strict=True)), **fresh}
    return substitute(equation.definition.body, renames) * (term / entry), (*bound, *fresh.values())


def _base(speller: Speller, dense: Expr, target: tuple[Index, ...]) -> tuple[list[str], list[Code]]:
    sizes = [speller.size(index.size) for index in target]
    shape = ", ".join(f"_{k}" for k in range(len(sizes))) + ("," if len(sizes) == 1 else "")
    dtype = speller.known.dtype_argument
    if dense == 0:
        text = f"_ = np.zeros(({shape}){dtype})" if len(sizes) != 1 else f"_ = np.zeros(_0{dtype})"
        return [text], sizes
    array = aligned(speller.spell(dense, target), target)
    if array.layout == target:
        return ["_ = fresh(_0)"], [array.code]
    return [f"_ = np.full(({shape}), _{len(sizes)}{dtype})"], [*sizes, array.code]


def _statement(
    speller: Speller, body: Expr, bound: Sequence[Index], target: tuple[Index, ...], offset: int
) -> tuple[str, list[Code]]:
    deltas = [part for part in sympy.Mul.make_args(body) if isinstance(part, Delta) and part.args[0] in target]
    positions: dict[Expr, Expr] = {}
    for delta in deltas:
        positions.setdefault(delta.args[0], delta.args[1])
    used = [delta for delta in deltas if positions[delta.args[0]] == delta.args[1]]
    value = sympy.Mul(*(part for part in sympy.Mul.make_args(body) if part not in used))
    where = [positions.get(axis, axis) for axis in target]
    chosen = subscript(speller.builder.sizes, [axis.size for axis in target], where, speller.spell)
    layout = tuple(index for index in chosen.layout if index is not None)
    value = substitute(value, {})
    negative = bool(value.as_coeff_Mul()[0] < 0)
    left = index_symbols(value) - set(layout)
    spelled = speller.contracted(abs_sign(value), layout) if left else speller.spell(abs_sign(value), layout)
    operands = [*chosen.operands, aligned(spelled, layout).code]
    text = _shifted(chosen.text, offset - 1)
    last = f"_{offset + len(operands) - 1}"
    if not chosen.unique:
        return f"np.{'subtract' if negative else 'add'}.at(_, ({text},), {last})", operands
    return f"_[{text}] {'-=' if negative else '+='} {last}", operands


def abs_sign(value: Expr) -> Expr:
    """The value without a leading minus sign."""
    return -value if value.as_coeff_Mul()[0] < 0 else value


def _shifted(text: str, offset: int) -> str:
    """Placeholders counted from ``offset + 1``."""
    pieces = text.split("_")
    shifted = [pieces[0]]
    for piece in pieces[1:]:
        digits = piece[: len(piece) - len(piece.lstrip("0123456789"))]
        shifted.append(f"{int(digits) + offset}{piece[len(digits):]}")
    return "_".join(shifted)
