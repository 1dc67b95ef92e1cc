"""Rules of the user's: how a function is differentiated that is not looked into for its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symgrad.ir.functions import RULE, mark

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Rule:
    """``value`` gives the value; one of the others the derivative, or none of them: then there is none.

    ``vjp(cotangent, *args)`` gives the gradients, ``jvp(primals, tangents)`` the value and its tangent,
    ``differential(*args, *tangents)`` the tangent. ``hook(cotangent)`` is called by the generated code; ``again`` says
    that the value is computed again where the derivative needs what it was computed from. A ``black_box`` is called by
    the generated code, and ``shape`` tells the shape of its value.
    """

    value: Function
    vjp: Function | None = None
    jvp: Function | None = None
    differential: Function | None = None
    hook: Function | None = None
    again: bool = False
    black_box: bool = False
    shape: Function | tuple[int, ...] | None = None


REGISTERED: dict[Function, Rule] = {}
"""Rules of functions that are not the user's."""


def rule_of(function: object) -> Rule | None:
    """The rule of a function, None if it has none."""
    found: Rule | None = mark(function, RULE)
    if found is not None or not callable(function):
        return found
    return next((rule for known, rule in REGISTERED.items() if known is function), None)
