"""Dependence: whether a value may depend on the arguments that are differentiated."""

from __future__ import annotations

from symgrad.frontend.frame import Frame
from symgrad.frontend.values import leaves
from symgrad.ir.equation import refs, uses
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Ref


def may_be_active(frame: Frame, item: object) -> bool:
    """Whether a derivative may flow through the real numbers in ``item``; what a loop carries is taken to depend."""
    sources = frame.reader.arguments.inputs
    inputs = {ref: source.argument for source in sources for ref in refs([source.value.tensor.expr])}
    equations = frame.builder.equations
    pending = [ref for value in leaves(item) if is_floating(value.tensor.kind) for ref in refs([value.tensor.expr])]
    seen: set[Ref] = set()
    while pending:
        ref = pending.pop()
        if ref in seen or not is_floating(ref.kind):
            continue
        seen.add(ref)
        if ref in equations:
            pending += uses(equations[ref])
        elif ref not in inputs or inputs[ref] in frame.reader.arguments.active:
            return True
    return False
