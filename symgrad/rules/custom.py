"""Calls of functions with a gradient of the user's own: two operations, the call and its pullback.

The call returns ``(value, gradient)`` once; the pullback applies ``gradient`` to the cotangent of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.errors import NoDerivative
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Operation

CALL = "custom_gradient"
PULLBACK = "custom_gradient.pullback"


def pulled_call(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], **params: Any
) -> tuple[Tensor | None, ...]:
    """The gradient that the user's function returns for each operand; None where it gives none."""
    gradients, places = params["gradients"], params["places"]

    def pulled(number: int, operand: Tensor) -> Tensor | None:
        if not is_floating(operand.kind) or (gradients is not None and not gradients[places[number]]):
            return None
        own = (*params.items(), ("number", number))
        return builder.op(PULLBACK, [*operands, cotangent], operand.shape, operand.kind, own, number)

    return tuple(pulled(number, operand) for number, operand in enumerate(operands))


def pulled_twice(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], ruled: Any, number: int, **_: object
) -> tuple[Tensor | None, ...]:
    """The second derivative: the gradient function is read as formulas, which are differentiated."""
    return tuple(ruled.pull_twice(builder, cotangent, operands, number))


RULED = "ruled"
"""A value that is differentiated by a rule: the value, and what the rule may give cotangents for."""
BLACK_BOX = "black_box"
"""A call of a function that nobody looks into; ``text`` is the template of the call."""


def pulled_by_rule(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], call: Any, result: int
) -> tuple[Tensor | None, ...]:
    """The cotangents that a rule of the user's gives; the value itself is a constant."""
    return (None, *call.pull(builder, cotangent, operands[1:], result))


def _refused(*_: object, text: str) -> tuple[Tensor | None, ...]:
    name = text.partition("(")[0] or "a hook"
    raise NoDerivative(f"{name} is a black box without a derivative", remedy="give its vjp, or that of its derivative")


def _itself(_builder: Builder, cotangent: Tensor, _operands: Sequence[Tensor], **_: object) -> tuple[Tensor]:
    return (cotangent,)


OPERATIONS: dict[str, Operation] = {
    RULED: Operation("_0", transpose=pulled_by_rule),
    BLACK_BOX: Operation(lambda text: text, transpose=_refused),
    "again": Operation("_0", transpose=_itself),
    CALL: Operation("_0[0]", transpose=pulled_call),
    PULLBACK: Operation("_0[1](_1)", transpose=pulled_twice),
}
