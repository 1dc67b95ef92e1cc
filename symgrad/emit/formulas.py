"""Derivatives that the user's program takes: formulas that have a name where the program reads them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symgrad.emit.result import Results
from symgrad.ir.code import Code
from symgrad.ir.program import Derive, Input

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller
    from symgrad.emit.statements import Statements


@dataclass(eq=False)
class FormulaSuite:
    """One formula; ``leaf`` is the code by which the program reads it, ``written`` its own, once it is asked for."""

    code: Code
    speller: Speller
    statement: Derive
    written: Code | None = None
    is_derived: bool = True
    effects: tuple[Code, ...] = ()

    @property
    def leaf(self) -> Code:
        return self.statement.value.code

    @property
    def outputs(self) -> tuple[Code, ...]:
        """All that the suite binds."""
        return (self.leaf,)

    def leaves(self) -> list[Code]:
        """All that the suite binds."""
        return [self.leaf]

    def demand(self, _: Code) -> list[Code]:
        """Codes that are needed because the formula is."""
        if self.written is not None:
            return []
        source = Input("", self.statement.like, None)
        self.written = Results(self.speller, set()).gradient(source, self.statement.formula)
        waiting, self.speller.suites.waiting = self.speller.suites.waiting, []
        return [self.written, *waiting]

    def makes(self, _: Code, __: Set[Code] = frozenset()) -> bool:
        """Whether the formula has memory of its own: it is a new array, or a copy."""
        return True


@dataclass
class FormulaText:
    """Writes a formula."""

    outer: Statements
    suite: FormulaSuite
    imports: dict[Code, None] = field(default_factory=dict)

    def needs(self) -> list[tuple[Code, int]]:
        """What is read."""
        assert self.suite.written is not None
        return [(self.suite.written, 1)]

    def write(self) -> None:
        """An assignment, unless the formula has a name already."""
        outer, written = self.outer, self.suite.written
        assert written is not None
        if written not in outer.named:
            outer.names.hints.setdefault(written, self.suite.leaf.name or "d")
            outer.assign(written)
        outer.named[self.suite.leaf] = outer.named[written]
