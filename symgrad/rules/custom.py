"""Calls of functions with a gradient of the user's own: two operations, the call and its pullback.

The call returns ``(value, gradient)`` once; the pullback applies ``gradient`` to the cotangent of the value.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Operation

CALL = "custom_gradient"
PULLBACK = "custom_gradient.pullback"


def pulled_call(
    builder: Builder,
    cotangent: Tensor,
    operands: Sequence[Tensor],
    function: str,
    call: int,
    places: tuple[int, ...],
    gradients: tuple[bool, ...] | None,
) -> tuple[Tensor | None, ...]:
    """The gradient that the user's function returns for each operand; None where it gives none."""
    params = (("function", function), ("call", call), ("places", places), ("gradients", gradients))

    def pulled(number: int, operand: Tensor) -> Tensor | None:
        if not is_floating(operand.kind) or (gradients is not None and not gradients[places[number]]):
            return None
        return builder.op(PULLBACK, [*operands, cotangent], operand.shape, operand.kind, params, number)

    return tuple(pulled(number, operand) for number, operand in enumerate(operands))


OPERATIONS: dict[str, Operation] = {
    CALL: Operation("_0[0]", transpose=pulled_call),
    PULLBACK: Operation("_0[1](_1)"),
}
