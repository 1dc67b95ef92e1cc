"""What follows a loop: its ``else``, unless the loop was left."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from symgrad.frontend.branches import branch
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import ON, Flow, Truth
from symgrad.ir.program import Value

Block = Callable[[Frame, Sequence[ast.stmt]], Flow]


def after_loop(frame: Frame, node: ast.For | ast.While, block: Block, flow: Flow, stopped: Truth) -> Flow:
    """The ``else`` of a loop that was not stopped."""
    if not node.orelse or stopped is True or flow.returned is True:
        return flow
    if isinstance(flow.returned, Value):
        found = flow
        return branch(
            frame,
            node,
            flow.returned,
            lambda: Flow(returned=True, item=found.item, span=found.span),
            lambda: after_loop(frame, node, block, ON, stopped),
        )
    if isinstance(stopped, Value):
        return branch(frame, node, stopped, lambda: ON, lambda: block(frame, node.orelse))
    return block(frame, node.orelse)
