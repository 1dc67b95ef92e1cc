"""Stacks: what a loop saves of every round, in arrays of the loop's length, or in lists where that is not known
before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import sympy

from symgrad.emit.printing import expression_text
from symgrad.emit.suites import LoopSuite, Stack
from symgrad.ir.code import Code
from symgrad.ir.tensor import Expr

if TYPE_CHECKING:
    from symgrad.emit.statements import Statements


@dataclass
class Stacks:
    """Writes what is around and inside of a loop for its stacks.

    ``early`` and ``late`` are statements of a round: rounds are counted and states are saved first, traces where they
    are known.
    """

    outer: Statements
    suite: LoopSuite
    early: list[Code] = field(init=False)
    late: list[Code] = field(init=False)

    def __post_init__(self) -> None:
        by_moment = (True, False)
        self.early, self.late = (
            [self._store(stack) for stack in self.suite.stacks.values() if (stack.states or stack.early) is early]
            for early in by_moment
        )
        if self.is_counting:
            self.early.insert(0, self._count())

    @property
    def is_counting(self) -> bool:
        """Whether the rounds are counted, of a loop over a range that may end before."""
        return self.suite.counted and self.suite.head is not None

    def _count(self) -> Code:
        """A statement that says how many rounds there are with this one."""
        number = self.suite.inner.array(self.suite.loop.counter.ref).code
        return Code("@do _0 = _1 + 1", (self.suite.rounds, number))

    def _store(self, stack: Stack) -> Code:
        """A statement that saves the value of one round."""
        if self.suite.loop.ends_itself:
            value = "_1.copy()" if stack.lengths else "_1"
            return Code(f"@do _0.append({value})", (stack.code, stack.value))
        loop = self.suite.loop
        place = self.suite.inner.size(loop.before if stack.states else loop.counter)
        return Code("@do _0[_2] = _1", (stack.code, stack.value, place))

    @property
    def needs(self) -> list[Code]:
        """What is read before the loop."""
        suite = self.suite
        lengths = [length for stack in suite.stacks.values() for length in stack.lengths]
        if not suite.loop.ends_itself:
            lengths += [suite.outer.size(self._length(stack)) for stack in suite.stacks.values()]
            lengths += [suite.outer.size(self._last) for stack in suite.stacks.values() if stack.states]
        return lengths

    def _length(self, stack: Stack) -> Expr:
        return self.suite.loop.rounds + 1 if stack.states else self.suite.loop.rounds

    @property
    def _last(self) -> Expr:
        """The place of the state after the last round."""
        return sympy.S.Zero if self.suite.loop.backward else self.suite.loop.rounds

    def name(self, named: Mapping[int, str]) -> None:
        """Give every stack a name: ``H`` for what ``h`` was in every round."""
        leaves = {self.suite.carried[place]: name for place, name in named.items()}
        for stack in self.suite.stacks.values():
            one = leaves.get(stack.value) or stack.value.name or self.outer.names.hints.get(stack.value) or "step"
            hint = one.upper() if len(one) == 1 else f"{one}s"
            names = self.outer.names
            self.outer.named[stack.code] = names.new(hint) if stack.code.name is None else names.of(stack.code)
        if self.is_counting:
            self.outer.named[self.suite.rounds] = self.outer.names.of(self.suite.rounds)

    def start(self, counter: str | None) -> None:
        """Empty stacks before the loop."""
        for stack in self.suite.stacks.values():
            self.outer.lines.append(f"{self.outer.named[stack.code]} = {self._empty(stack)}")
        if self.suite.head is None and counter is not None:
            self.outer.lines.append(f"{counter} = 0")
        elif self.is_counting:
            self.outer.lines.append(f"{self.outer.named[self.suite.rounds]} = 0")

    def _empty(self, stack: Stack) -> str:
        if self.suite.loop.ends_itself:
            return "[]"
        lengths = (self.suite.outer.size(self._length(stack)), *stack.lengths)
        shape = ", ".join(expression_text(self.outer.expression(length)) for length in lengths)
        kind = np.dtype(stack.kind)
        dtype = "" if kind == np.dtype(float) else f", dtype={self._dtype(kind)}"
        return f"{self._numpy}.empty({f'({shape})' if stack.lengths else shape}{dtype})"

    @property
    def _numpy(self) -> str:
        return self.outer.names.modules["np"]

    def _dtype(self, kind: np.dtype[np.generic]) -> str:
        return "bool" if kind == np.dtype(bool) else f"{self._numpy}.{kind.name}"

    def finish(self, named: Mapping[int, str], counter: str | None) -> None:
        """The state after the last round; lists become arrays."""
        suite, outer = self.suite, self.outer
        if suite.head is None and counter is not None:
            outer.named[suite.rounds] = counter
        for stack in suite.stacks.values():
            name = outer.named[stack.code]
            last = named[suite.carried.index(stack.value)] if stack.states else ""
            if suite.loop.ends_itself:
                outer.lines += [f"{name}.append({last})"] if stack.states else []
                outer.lines.append(f"{name} = {self._numpy}.reshape({name}, {self._shape(stack)})")
            elif stack.states:
                place = suite.outer.size(self._last)
                outer.lines.append(f"{name}[{expression_text(outer.expression(place))}] = {last}")

    def _shape(self, stack: Stack) -> str:
        rounds = self.outer.named[self.suite.rounds]
        lengths = ", ".join(expression_text(self.outer.expression(length)) for length in stack.lengths)
        return f"({rounds}{' + 1' if stack.states else ''}, {lengths})"
