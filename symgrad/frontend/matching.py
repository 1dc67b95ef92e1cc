"""``match``: the cases in order; one that depends on run-time numbers is a branch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from symgrad.frontend.branches import branch
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.patterns import Fit, matches, placed
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import decided
from symgrad.ir.program import Value

Block = Callable[[Frame, Sequence[ast.stmt]], Flow]


def match_statement(frame: Frame, node: ast.Match, block: Block) -> Flow:
    """Execute the body of the first case that fits; an empty body where none does."""
    return _cases(frame, node.cases, frame.reader.evaluate(frame, node.subject), block)


def _cases(frame: Frame, cases: Sequence[ast.match_case], subject: object, block: Block) -> Flow:
    if not cases:
        return block(frame, ())
    fit, case = Fit(), cases[0]
    if not matches(frame, case.pattern, subject, fit):
        return _cases(frame, cases[1:], subject, block)

    def entered() -> Flow:
        return _entered(frame, case, fit, block, others)

    def others() -> Flow:
        return _cases(frame, cases[1:], subject, block)

    node = placed(case.pattern)
    return branch(frame, node, fit.condition(frame, node), entered, others) if fit.conditions else entered()


def _entered(frame: Frame, case: ast.match_case, fit: Fit, block: Block, otherwise: Callable[[], Flow]) -> Flow:
    """The body of a case whose pattern fits, if its guard holds."""
    for place, item in fit.bindings.values():
        assign(frame, place, item)
    if case.guard is None:
        return block(frame, case.body)
    holds = decided(frame, case.guard, frame.reader.evaluate(frame, case.guard))
    if isinstance(holds, Value):
        return branch(frame, case.guard, holds, lambda: block(frame, case.body), otherwise)
    return block(frame, case.body) if holds else otherwise()
