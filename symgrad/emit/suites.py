"""Suites: loops and branches before they are written, filled with what is asked of them.

What comes out of a suite, and what is carried or counted inside, has code of its own, a *leaf* (``@7``), which gets its
name when statements are written. Asking for a leaf tells the suite what it has to compute, and so what else is asked
for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import sympy

from symgrad.emit.array import floating
from symgrad.emit.formulas import FormulaSuite
from symgrad.emit.memory import base, is_constant, is_new
from symgrad.emit.operation import shape_text, whole
from symgrad.ir.code import Code
from symgrad.ir.equation import Branch, Loop, Role
from symgrad.ir.kinds import is_floating
from symgrad.ir.program import FILL, Choose, Repeat, Traced, Value
from symgrad.ir.tensor import Entry, Index, Kind, Ref, Tensor

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller

_serial = itertools.count()


def leaf(name: str | None = None) -> Code:
    """The code of something that a statement will bind."""
    return Code(f"@e{next(_serial)}", (), name)


def filled(speller: Speller, tensor: Tensor) -> Code:
    """All of an array, zeros included."""
    if not is_floating(tensor.kind):
        return whole(speller, tensor)
    if not tensor.rank:
        return floating(speller.tensor(tensor)).code
    if tensor.expr == 0:
        dtype = "" if tensor.kind == np.dtype(float) else f", np.{tensor.kind}"
        sizes = tuple(speller.size(size) for size in tensor.shape)
        return Code(f"np.zeros({shape_text(len(sizes))}{dtype})", sizes)
    code = whole(speller, tensor)
    array = speller.tensor(tensor)
    if not array.layout or is_floating(array.kind):
        return code
    return Code(f"_0.astype(np.{np.dtype(tensor.kind).name})", (code,))


def separate(speller: Speller, tensor: Tensor, others: Iterable[Code]) -> Code:
    """All of an array, in memory of its own: what comes out of a block may be changed in place."""
    code = filled(speller, tensor)
    return Code("_0.copy()", (code,)) if tensor.rank and code in others and not is_constant(code) else code


def given(speller: Speller, value: Value) -> Code:
    """The user's code of a value; what no branch or round has set is written from its formula."""
    return filled(speller, value.tensor) if value.code.template == FILL else value.code


@dataclass(eq=False)
class Stack:
    """Values of all rounds: ``value`` is that of one, over axes of these ``lengths``; ``early``: with which it
    starts.
    """

    code: Code
    value: Code
    lengths: tuple[Code, ...]
    kind: Kind
    states: bool
    early: bool


@dataclass(eq=False)
class LoopSuite:
    """A loop; ``carried`` and ``outputs`` are leaves by place, ``results`` and ``initial`` what was asked for.

    ``head`` is the range that the ``counter`` runs over, None for a loop that only its test ends.
    """

    code: Code
    loop: Loop
    outer: Speller
    inner: Speller
    counter: Code
    head: Code | None
    carried: tuple[Code, ...]
    outputs: tuple[Code, ...]
    repeat: Repeat | None = None
    tester: Speller | None = None
    rounds: Code = field(default_factory=lambda: leaf("n"))
    started: bool = False
    counted: bool = False
    results: dict[int, Code] = field(default_factory=dict)
    initial: dict[int, Code] = field(default_factory=dict)
    stacks: dict[Code, Stack] = field(default_factory=dict)
    test: Code | None = None
    stop: Code | None = None
    effects: tuple[Code, ...] = ()
    _leaves: dict[tuple[Role, int | Ref], Code] = field(default_factory=dict)
    _traced: dict[Ref, Value] = field(default_factory=dict)

    def trace(self, traced: Iterable[Traced]) -> None:
        """Values of all rounds have leaves of the user's."""
        for known in traced:
            self._leaves[known.role, known.place] = known.code
            if isinstance(known.place, Ref):
                self._traced[known.place] = known.value

    def axes(self, place: int | Ref, named: tuple[Index, ...]) -> tuple[Index | None, ...]:
        """The axes of what is saved in one round, None where the length is one."""
        if not isinstance(place, Ref):
            return self.loop.carried[place].indices
        return self._traced[place].tensor.indices if place in self._traced else named

    @property
    def is_derived(self) -> bool:
        """Whether this is no loop of the user's."""
        return self.repeat is None

    @property
    def roots(self) -> list[Code]:
        """What a round computes."""
        more = [] if self.stop is None else [self.stop]
        return [*self.effects, *self.results.values(), *more]

    def stacked(self, role: Role, place: int | Ref) -> Code:
        """The leaf of the states of a carried value, or of a trace."""
        if (role, place) not in self._leaves:
            self._leaves[role, place] = leaf()
            self.outer.suites.bind(self, [self._leaves[role, place]])
        return self._leaves[role, place]

    def leaves(self) -> list[Code]:
        """All leaves that this suite binds."""
        return [*self.carried, *self.outputs, self.rounds, *self._leaves.values()]

    def demand(self, code: Code) -> list[Code]:
        """Codes that are needed because this leaf is."""
        found = self._start()
        if code == self.rounds:
            self.counted = True
            return found
        for (role, place), stacked in self._leaves.items():
            if code == stacked and code not in self.stacks:
                return [*found, *self._stack(role, place, stacked)]
        for leaves in (self.carried, self.outputs):
            if code in leaves:
                found += self._include(leaves.index(code))
        return found

    def makes(self, code: Code, own: Set[Code] = frozenset()) -> bool:
        """Whether what the loop leaves here is in memory of its own, or in that of ``own``."""
        if code not in self.outputs:
            return True
        self.outer.suites.waiting += self.demand(code)
        place = self.outputs.index(code)
        inside = own | {self.carried[place]}
        suites = self.outer.suites
        return suites.makes(self.results[place], inside) and suites.makes(self.initial[place], own)

    def _start(self) -> list[Code]:
        if self.started:
            return []
        self.started = True
        if self.repeat is not None:
            self.test = None if self.repeat.test is None else self.repeat.test[1].code
            self.stop = None if self.repeat.stop is None else self.repeat.stop.code
        else:
            if self.loop.test is not None and self.tester is not None:
                self.test = self.tester.tensor(self.loop.test.results[0]).code
            if self.loop.stop is not None:
                self.stop = self.inner.tensor(self.loop.stop).code
        parts = (self.head, self.test, self.stop, *self.effects)
        return [part for part in parts if part is not None]

    def _include(self, place: int) -> list[Code]:
        if place in self.results:
            return []
        if self.repeat is not None:
            self.results[place] = given(self.inner, self.repeat.results[place])
            self.initial[place] = given(self.outer, self.repeat.initial[place])
        else:
            self.results[place] = separate(self.inner, self.loop.body.results[place], self.results.values())
            self.initial[place] = separate(self.outer, self.loop.initial[place], self.initial.values())
        return [self.results[place], self.initial[place]]

    def _stack(self, role: Role, place: int | Ref, code: Code) -> list[Code]:
        params = [ref for tensor in self.loop.carried for ref in tensor.expr.atoms(Entry)]
        carried = [k for k, param in enumerate(params) if isinstance(place, Ref) and param.ref is place]
        if isinstance(place, Ref) and place in self._traced:
            value, spelled, more = self._traced[place].tensor, given(self.inner, self._traced[place]), []
        elif carried:
            value = self.loop.carried[carried[0]]
            spelled, more = self.carried[carried[0]], self._include(carried[0])
        elif isinstance(place, Ref):
            equation = self.loop.body.builder.own[place]
            value = Tensor(equation.entry, equation.indices, place.kind)
            spelled, more = filled(self.inner, value), []
        else:
            value = self.loop.carried[place]
            spelled, more = self.carried[place], self._include(place)
        lengths = tuple(self.outer.size(size) for size in value.shape)
        self.stacks[code] = Stack(code, spelled, lengths, value.kind, role is Role.STATES, bool(carried))
        self.counted = self.counted or self.loop.ends_itself
        length = [] if self.loop.ends_itself else [self.outer.size(self.loop.rounds)]
        return [spelled, *more, *lengths, *length]


@dataclass(eq=False)
class BranchSuite:
    """A branch; ``outputs`` are leaves by place, ``results`` what was asked for in each body."""

    code: Code
    branch: Branch
    outer: Speller
    inner: tuple[Speller, Speller]
    outputs: tuple[Code, ...]
    choose: Choose | None = None
    started: bool = False
    condition: Code | None = None
    results: dict[int, tuple[Code, Code]] = field(default_factory=dict)
    effects: tuple[tuple[Code, ...], tuple[Code, ...]] = ((), ())
    _kept: dict[Ref, int] = field(default_factory=dict)

    def kept(self, ref: Ref) -> Code:
        """The leaf of what is made once in one of the bodies, and read after the branch."""
        if ref not in self._kept:
            self._kept[ref] = len(self.outputs)
            self.outputs += (leaf(),)
            self.outer.suites.bind(self, self.outputs[-1:])
        return self.outputs[self._kept[ref]]

    def _parts(self, ref: Ref) -> tuple[Code, Code]:
        """A value of one body; zeros, which nobody reads, from the other."""
        equations = (speller.builder.own.get(ref) for speller in self.inner)
        (known,) = {equation.indices for equation in equations if equation is not None}
        first, second = (
            filled(speller, Tensor(Entry(ref, known) if ref in speller.builder.own else sympy.S.Zero, known, ref.kind))
            for speller in self.inner
        )
        return first, second

    @property
    def is_derived(self) -> bool:
        """Whether this is no branch of the user's."""
        return self.choose is None

    def roots(self, side: int) -> list[Code]:
        """What one of the bodies computes."""
        return [*self.effects[side], *(pair[side] for pair in self.results.values())]

    def leaves(self) -> list[Code]:
        """All leaves that this suite binds."""
        return list(self.outputs)

    def demand(self, code: Code) -> list[Code]:
        """Codes that are needed because this leaf is."""
        found: list[Code] = []
        if not self.started:
            self.started = True
            self.condition = (
                self.outer.tensor(self.branch.condition).code if self.choose is None else self.choose.condition.code
            )
            found += [self.condition, *self.effects[0], *self.effects[1]]
        place = self.outputs.index(code) if code in self.outputs else None
        if place is not None and place not in self.results:
            self.results[place] = self._pair(place)
            found += self.results[place]
        return found

    def makes(self, code: Code, own: Set[Code] = frozenset()) -> bool:
        """Whether what the branch leaves here is in memory of its own, or in that of ``own``."""
        if code not in self.outputs:
            return True
        self.outer.suites.waiting += self.demand(code)
        return all(self.outer.suites.makes(result, own) for result in self.results[self.outputs.index(code)])

    def _pair(self, place: int) -> tuple[Code, Code]:
        for ref, other in self._kept.items():
            if place == other:
                return self._parts(ref)
        if self.choose is not None:
            sides = zip(self.inner, self.choose.results, strict=True)
            first, second = (given(speller, results[place]) for speller, results in sides)
        else:
            first, second = (
                separate(speller, body.results[place], [pair[side] for pair in self.results.values()])
                for side, (speller, body) in enumerate(zip(self.inner, self.branch.bodies, strict=True))
            )
        return first, second


Suite = LoopSuite | BranchSuite | FormulaSuite


@dataclass
class Suites:
    """All suites of a function, by their own code and by the leaves that they bind; and which codes read one
    element.
    """

    by_code: dict[Code, Suite] = field(default_factory=dict)
    bound: dict[Code, Suite] = field(default_factory=dict)
    scalars: set[Code] = field(default_factory=set)
    waiting: list[Code] = field(default_factory=list)

    def add(self, suite: Suite) -> None:
        """Register a suite with the leaves that it has so far."""
        self.by_code[suite.code] = suite
        self.bind(suite, suite.leaves())

    def bind(self, suite: Suite, codes: Iterable[Code]) -> None:
        """Register leaves of a suite."""
        self.bound.update(dict.fromkeys(codes, suite))

    def makes(self, code: Code, own: Set[Code]) -> bool:
        """Whether a value is in memory that nothing else holds, or in that of ``own``."""
        holder = base(code)
        suite = self.bound.get(holder)
        return holder in own or is_new(holder) or (suite is not None and suite.makes(holder, own))

    def settle(self, roots: Iterable[Code]) -> None:
        """Ask for everything that the roots need."""
        pending = [*self.waiting, *roots]
        seen: set[Code] = set()
        while pending:
            code = pending.pop()
            if code in seen:
                continue
            seen.add(code)
            pending += code.operands
            suite = self.by_code.get(code) or self.bound.get(code)
            if suite is not None:
                pending += suite.demand(code)
