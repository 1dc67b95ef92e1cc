"""Divisions: what follows a branch is read once for each of its bodies, where these leave what no value expresses.

A variable may be an array in one body and a number in the other, or a function, or not exist. Where it is read, the
statement with the branch is read again in a branch of its own, together with all that follows it in its block.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from symgrad.frontend.branches import branch
from symgrad.frontend.environment import Division, Environment, Undecided, environment, restore
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import Flow
from symgrad.ir.program import Region
from symgrad.ir.tensor import Expr

MOST_DIVISIONS = 24
BRANCHING = (ast.If, ast.IfExp, ast.BoolOp, ast.For, ast.While, ast.Match, ast.Call, ast.Compare)


def may_divide(node: ast.stmt) -> bool:
    """Whether a statement may have branches."""
    return any(isinstance(part, BRANCHING) for part in ast.walk(node))


@dataclass
class Mark:
    """The moment before a statement is read."""

    frame: Frame
    statement: ast.stmt
    before: Environment = field(init=False)
    branches: int = field(init=False)
    statements: int = field(init=False)
    conflicts: int = field(init=False)
    moment: int = field(init=False)
    truths: Mapping[Expr, bool] = field(init=False)

    def __post_init__(self) -> None:
        reader = self.frame.reader
        self.before = environment(reader)
        self.branches, self.statements = reader.branches, len(reader.statements)
        self.conflicts, self.truths = len(reader.conflicts), reader.truths
        self.moment = reader.aliasing.moment

    @property
    def root(self) -> object:
        """The statement, in this frame."""
        return id(self.frame), id(self.statement)

    @property
    def is_whole(self) -> bool:
        """Whether no branch has left a conflict since."""
        return len(self.frame.reader.conflicts) == self.conflicts

    def divided(self, error: Undecided, again: Callable[[], Flow]) -> Flow:
        """Read the statement and what follows ``again`` for each body of the branch that has left the conflict."""
        reader, division = self.frame.reader, error.conflict.division
        made = any(conflict is error.conflict for conflict in reader.conflicts[self.conflicts :])
        if division is None or not made or division.builder is not reader.builder or reader.divisions == MOST_DIVISIONS:
            raise error
        if reader.branches in reader.taken:
            raise error
        if Region(tuple(reader.statements[self.statements : division.statements])).has_effects:
            raise error
        reader.divisions += 1
        restore(self.before)
        reader.aliasing.release(self.moment)
        reader.truths = self.truths
        del reader.statements[division.statements :]
        return branch(
            self.frame,
            division.node,
            division.condition,
            lambda: self._side(division, again, holds=True),
            lambda: self._side(division, again, holds=False),
            known=False,
        )

    def _side(self, division: Division, again: Callable[[], Flow], *, holds: bool) -> Flow:
        """Read again, where it is known which body is taken: branches since then are counted from now on."""
        reader = self.frame.reader
        before, truths, learned = reader.taken, reader.truths, reader.learned
        shift = reader.branches - self.branches
        taken = {**before, division.number: (self.root, division.place, holds)}
        reader.taken = {place + shift if place >= self.branches else place: held for place, held in taken.items()}
        reader.learned = {}
        try:
            return again()
        finally:
            reader.taken, reader.truths, reader.learned = before, truths, learned

    def learn(self) -> None:
        """From here on, the conditions hold that are known since the statement was read again."""
        reader = self.frame.reader
        reader.truths = {**reader.truths, **reader.learned.pop(self.root, {})}
