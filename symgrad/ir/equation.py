"""Equations: the definitions that give names to arrays.

``A[I] := body`` (map), ``A[I] := Sum_J body`` (sum), ``A[I] := op(operands)`` (everything that is not algebra).
Programs keep equations in an order in which each uses earlier ones only.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.ir.tensor import Entry, Expr, Index, Ref, Tensor, entries


@dataclass(frozen=True)
class Map:
    """The formula of one entry."""

    body: Expr


@dataclass(frozen=True)
class Sum:
    """The sum of a formula over the bound indices."""

    bound: tuple[Index, ...]
    body: Expr


@dataclass(frozen=True)
class Op:
    """Result ``result`` of an operation that is not algebra: a row of the rules tells its differential.

    ``params`` are static: axes, orders, shapes. The operands' axes are all free. ``axes`` are those of the result,
    None for an axis of length one.
    """

    name: str
    operands: tuple[Tensor, ...]
    axes: tuple[Index | None, ...]
    params: tuple[tuple[str, object], ...] = ()
    result: int = 0

    def param(self, name: str) -> object:
        return dict(self.params)[name]


Definition = Map | Sum | Op


@dataclass(frozen=True)
class Equation:
    """``ref[indices] := definition``."""

    ref: Ref
    indices: tuple[Index, ...]
    definition: Definition

    @property
    def entry(self) -> Entry:
        return Entry(self.ref, self.indices)


def bodies(definition: Definition) -> tuple[Expr, ...]:
    """The index expressions in a definition."""
    match definition:
        case Map(body) | Sum(_, body):
            return (body,)
        case Op(_, operands):
            return tuple(operand.expr for operand in operands)


def uses(equation: Equation) -> tuple[Ref, ...]:
    """The refs that a definition reads, each once, in a fixed order."""
    found = {entry.ref: None for body in bodies(equation.definition) for entry in entries(body)}
    return tuple(found)
