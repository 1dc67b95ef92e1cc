"""The forms of rows: what symgrad knows of a function of NumPy, of ``math``, of Python, or of a user.

A row says how a call becomes index notation. Its derivative follows: from SymPy for formulas, from the matrix
differential for operations. A function without a row has no derivative, and a call of it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import result_kind
from symgrad.ir.tensor import BOOLEAN, Expr, Kind, Tensor

Lowering = Callable[..., Any]
"""Gives a tensor, a static value such as a rank, or a tuple or list of these."""


@dataclass(frozen=True)
class Elementwise:
    """A function of entries: ``formula`` maps the formulas of the operands to that of the result.

    Nonlinear formulas are applications of SymPy functions, whose ``fdiff`` is the derivative; ``+ - * /`` and integer
    powers are algebra and stay inline. ``function`` gives dtypes (it is called on samples) unless ``kind`` is given.
    ``logical(builder, *operands)`` takes over where the result is boolean and so are the operands; ``scalar`` functions
    take no arrays.
    """

    function: Callable[..., Any]
    formula: Callable[..., Expr]
    logical: Callable[..., Tensor] | None = None
    scalar: bool = False
    kind: Kind | None = None


@dataclass(frozen=True)
class Algebra:
    """A function that index notation expresses: ``lower(builder, *args, **kwargs)`` gets tensors and static values.

    Sums, products, moved indices, Kronecker deltas, new ops; parameters are named as NumPy names them.
    """

    lower: Lowering


@dataclass(frozen=True)
class Composed:
    """A function with a definition in NumPy: ``definition`` is a Python function with the same parameters."""

    definition: Callable[..., Any]


@dataclass(frozen=True)
class Refused:
    """A function without a derivative rule: why, and what to use instead."""

    reason: str
    remedy: str = ""


Row = Elementwise | Algebra | Composed | Refused


@dataclass(frozen=True)
class Operation:
    """An ``Op`` of the intermediate representation: its spelling and its differential.

    ``spelling`` is a code template (``"np.linalg.inv(_0)"``), or a function of the op's parameters that gives one.
    ``differential(*operands, result, *tangents, **params)`` is the matrix differential in NumPy, a Python function of
    arrays: ``lambda X, Y, dX: -Y @ dX @ Y``; for an operand without tangent it gets ``None``.
    ``transpose(builder, cotangent, operands, **params)``, where given, gives the operands' cotangents of a linear
    operation directly (None for an operand without one).
    """

    spelling: str | Callable[..., str]
    differential: Callable[..., Any] | None = None
    transpose: Callable[..., tuple[Tensor | None, ...]] | None = None


def elementwise(builder: Builder, row: Elementwise, *operands: Tensor) -> Tensor:
    """Apply an elementwise row: operands broadcast, nonlinear results become maps."""
    kind = kind_of_call(row, operands)
    if row.logical is not None and kind in BOOLEAN and all(operand.kind in BOOLEAN for operand in operands):
        return row.logical(builder, *operands)
    exprs, indices = builder.broadcast(*operands)
    try:
        formula = row.formula(*exprs)
    except TypeError as error:
        raise ArgumentError(f"{_name(row)}: {error}") from error
    if wraps_around(kind) and (formula.is_Add or formula.is_Mul or formula.is_Pow) and formula.free_symbols:
        reason = f"arithmetic of {np.dtype(kind)} wraps around, which a formula does not express"
        raise NotYetSupported(reason, remedy="convert the array first: x.astype(float), or x.astype(int)")
    return Tensor(builder.atomised(formula, kind), indices, kind)


def wraps_around(kind: Kind) -> bool:
    """Whether integers of this kind are so short, or without sign, that ordinary results do not fit.

    >>> wraps_around(np.dtype(np.uint8)), wraps_around(np.dtype(np.int32)), wraps_around(int)
    (True, False, False)
    """
    if isinstance(kind, type):
        return False
    return kind.kind == "u" or (kind.kind == "i" and kind.itemsize < 4)


def _name(row: Elementwise) -> str:
    return getattr(row.function, "__name__", "the function")


def kind_of_call(row: Elementwise, operands: Sequence[Tensor]) -> Kind:
    """The kind of the result; ``ArgumentError`` where the function does not take such operands."""
    if row.scalar and any(operand.rank for operand in operands):
        raise ArgumentError(f"{_name(row)} takes numbers, not arrays", remedy="use the function of numpy")
    if row.kind is not None:
        return row.kind
    try:
        return result_kind(row.function, tuple((operand.kind, operand.rank) for operand in operands))
    except TypeError as error:
        raise ArgumentError(f"{_name(row)}: {error}") from error
