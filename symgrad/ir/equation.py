"""Equations: the definitions that give names to arrays.

``A[I] := body`` (map), ``A[I] := Sum_J body`` (sum), ``A[I] := op(operands)`` (what is not algebra). Loops and branches
are *blocks*: a block is an equation of its own, and what comes out of it are others. Programs keep equations in an
order in which each uses earlier ones only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import sympy

from symgrad.ir.tensor import Entry, Expr, Index, Ref, Tensor, entries

if TYPE_CHECKING:
    from symgrad.ir.builder import Builder


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


@dataclass(frozen=True, eq=False)
class Body:
    """What is computed inside of a block: the equations that ``builder`` owns, and the results."""

    builder: Builder
    results: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Loop:
    """``carried`` take the values of ``body.results``, in each of ``rounds`` rounds, first those of ``initial``.

    ``counter`` runs from 0 to ``rounds - 1`` (down to 0, if ``backward``). A loop that ends by itself has a symbol for
    its rounds: it goes on while ``test``, over the carried values, holds, and ends after a round in which ``stop``
    holds, or after ``limit`` rounds. ``traces`` are what is read from outside of every round.
    What a loop around it needs of a loop that runs ``again`` is computed again, and not saved.
    """

    counter: Entry
    rounds: Expr
    carried: tuple[Tensor, ...]
    initial: tuple[Tensor, ...]
    body: Body
    test: Body | None = None
    stop: Tensor | None = None
    limit: Expr | None = None
    backward: bool = False
    traces: tuple[Ref, ...] = ()
    again: bool = False

    @property
    def ends_itself(self) -> bool:
        """Whether the number of rounds is not known before."""
        return self.test is not None or self.stop is not None

    @property
    def before(self) -> Expr:
        """The place in the states of what a round starts with."""
        return self.counter + 1 if self.backward else self.counter

    @property
    def after(self) -> Expr:
        """The place in the states of what a round leaves."""
        return self.counter if self.backward else self.counter + 1


@dataclass(frozen=True, eq=False)
class Branch:
    """The results of the first body where ``condition`` holds, else those of the second.

    ``traces`` are what is read from outside of one of the bodies.
    """

    condition: Tensor
    bodies: tuple[Body, Body]
    traces: tuple[Ref, ...] = ()


class Role(Enum):
    """What comes out of a block."""

    RESULT = "result"
    """A value that a loop carries, after it; a result of a branch."""
    STATES = "states"
    """All values that a carried one takes, with that before the loop: one more than there are rounds."""
    TRACE = "trace"
    """The values of something inside, round by round."""
    ROUNDS = "rounds"
    """The number of rounds of a loop that ends by itself."""


@dataclass(frozen=True)
class Output:
    """What comes out of a block; ``place`` is a position among the results, or (of a trace) what is traced."""

    block: Ref
    role: Role
    place: int | Ref


Block = Loop | Branch
Definition = Map | Sum | Op | Loop | Branch | Output


@dataclass(frozen=True)
class Equation:
    """``ref[indices] := definition``."""

    ref: Ref
    indices: tuple[Index, ...]
    definition: Definition

    @property
    def entry(self) -> Entry:
        return Entry(self.ref, self.indices)


Reads = Callable[["Equation"], tuple[Ref, ...]]


def uses(equation: Equation, inner: Reads | None = None) -> tuple[Ref, ...]:
    """The refs that a definition reads, each once, in a fixed order; ``inner`` tells it of equations inside."""
    match equation.definition:
        case Output(block):
            return (block,)
        case Loop() | Branch() as block:
            return tuple(_free(block, uses if inner is None else inner))
        case Map(body) | Sum(_, body):
            return refs((body,))
        case Op(_, operands):
            return refs(operand.expr for operand in operands)


def refs(expressions: Iterable[Expr]) -> tuple[Ref, ...]:
    """The refs in expressions, those inside of indices too."""
    return tuple({entry.ref: None for expr in expressions for entry in entries(expr)})


@dataclass
class Remembered:
    """``uses``, computed once for each equation: while nothing changes."""

    _known: dict[int, tuple[Equation, tuple[Ref, ...]]] = field(default_factory=dict)

    def __call__(self, equation: Equation) -> tuple[Ref, ...]:
        if id(equation) not in self._known:
            self._known[id(equation)] = equation, uses(equation, self)
        return self._known[id(equation)][1]


def _free(block: Block, reads: Reads) -> dict[Ref, None]:
    """What a block reads of its surroundings."""
    match block:
        case Branch():
            bodies: tuple[Body, ...] = block.bodies
            outside = dict.fromkeys(refs([block.condition.expr]))
            bound: set[Ref] = set()
        case Loop():
            bodies = (block.body,) if block.test is None else (block.test, block.body)
            rounds = [block.limit or sympy.S.Zero] if block.ends_itself else [block.rounds]
            outside = dict.fromkeys(refs([*rounds, *(tensor.expr for tensor in block.initial)]))
            bound = {*refs(tensor.expr for tensor in block.carried), block.counter.ref}
    for body in bodies:
        roots = refs(tensor.expr for tensor in body.results)
        if isinstance(block, Branch):
            roots = (*roots, *(ref for ref in block.traces if ref in body.builder.own))
        elif body is block.body:
            roots = (*roots, *block.traces, *(() if block.stop is None else refs([block.stop.expr])))
        inside = needed(body.builder.own, roots, reads)
        outside |= dict.fromkeys(ref for ref in inside if ref not in bound and ref not in body.builder.own)
    return outside


def is_repeatable(equations: Mapping[Ref, Equation], equation: Equation) -> bool:
    """Whether computing a value again gives the same: not so for what happens once, and what a block makes of it."""
    match equation.definition:
        case Op(name="opaque"):
            return False
        case Output(block):
            return block not in equations or is_repeatable(equations, equations[block])
        case Branch(bodies=bodies):
            return all(is_repeatable(body.builder.equations, inner) for body in bodies for inner in _of(body))
        case Loop(body=body):
            return all(is_repeatable(body.builder.equations, inner) for inner in _of(body))
    return True


def _of(body: Body) -> Iterable[Equation]:
    """The equations of a body that make something."""
    return [inner for inner in body.builder.own.values() if not isinstance(inner.definition, Output)]


def needed(
    equations: Mapping[Ref, Equation], roots: Iterable[Ref], reads: Callable[[Equation], Iterable[Ref]] = uses
) -> dict[Ref, None]:
    """The refs that are reached from ``roots`` through what these equations read, the roots among them."""
    found: dict[Ref, None] = {}
    pending = list(roots)
    while pending:
        ref = pending.pop()
        if ref not in found:
            found[ref] = None
            if ref in equations:
                pending.extend(reads(equations[ref]))
    return found
