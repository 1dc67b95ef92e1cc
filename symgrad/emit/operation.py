"""Operations that are not algebra as code: rows of the rules, and the pullbacks of the user's own gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symgrad.emit.array import Array, arranged, floating
from symgrad.ir.code import Code
from symgrad.ir.equation import Definition, Op
from symgrad.ir.kinds import common_kind, is_floating
from symgrad.ir.tensor import Kind, Tensor
from symgrad.rules.custom import CALL, PULLBACK, RULED

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller


def spell_operation(speller: Speller, op: Op) -> Array:
    """The row's spelling of the operands."""
    if op.name == PULLBACK:
        return _pullback(speller, op)
    if op.name == RULED:
        return Array(whole(speller, op.operands[0]), op.axes, op.operands[0].kind)
    row = speller.operations[op.name]
    template = row.spelling if isinstance(row.spelling, str) else row.spelling(**dict(op.params))
    operands = tuple(whole(speller, operand) for operand in op.operands)
    kind = common_kind(_kind(speller, operand) for operand in op.operands if operand.rank or len(op.operands) == 1)
    return Array(Code(template, operands), op.axes, kind)


def _kind(speller: Speller, operand: Tensor) -> Kind:
    """The kind of an operand as ``whole`` writes it: a number fills an array of floats."""
    array = speller.tensor(operand)
    filled = operand.rank and not array.layout and is_floating(operand.kind)
    return speller.known.float_kind if filled else array.kind


def _pullback(speller: Speller, op: Op) -> Array:
    """The gradient function that a call of the user's returned, applied to the cotangent."""
    *operands, cotangent = op.operands
    made = (eq for eq in speller.builder.equations.values() if isinstance(eq.definition, Op))
    call = next(eq for eq in made if _is_call(eq.definition, op, operands))
    (pair,) = speller.array(call.ref).code.operands
    given = whole(speller, cotangent) if cotangent.rank else floating(speller.tensor(cotangent)).code
    code = Code("_0[1](fresh(_1))" if cotangent.rank else "_0[1](_1)", (pair, given))
    places = dict(op.params)["places"]
    if dict(op.params)["gradients"] is not None and isinstance(places, tuple):
        code = Code(f"_0[{places[op.result]}]", (code,))
    return Array(code, op.axes, cotangent.kind)


def whole(speller: Speller, operand: Tensor) -> Code:
    """An operand with exactly its axes, repeated along those that its formula lacks."""
    if operand.kind is int and not operand.rank:
        return speller.size(operand.expr)
    array = speller.tensor(operand)
    if array.support == frozenset(operand.free) and (array.layout or not operand.rank):
        return arranged(array, operand.indices).code
    sizes = tuple(speller.size(size) for size in operand.shape)
    shape = shape_text(len(sizes), 1)
    if not array.layout:
        value = floating(array) if is_floating(operand.kind) else array
        return Code(f"np.full({shape}, _0{speller.known.dtype_argument})", (value.code, *sizes))
    present = arranged(array, tuple(i if i in array.support else None for i in operand.indices))
    return Code(f"np.broadcast_to(_0, {shape})", (present.code, *sizes))


def shape_text(rank: int, first: int = 0) -> str:
    """The shape of an array whose lengths are operands, counted from ``first``."""
    places = [f"_{axis}" for axis in range(first, first + rank)]
    return places[0] if rank == 1 else f"({', '.join(places)})"


def _is_call(definition: Definition, pullback: Op, operands: Sequence[Tensor]) -> bool:
    """Whether a definition is the call that a pullback belongs to."""
    if not isinstance(definition, Op) or definition.name != CALL:
        return False
    return definition.params == pullback.params[:-1] and definition.operands == tuple(operands)
