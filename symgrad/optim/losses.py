"""The value and the gradient of a loss, whether the user gives the loss or has differentiated it already."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any

from symgrad.api import value_and_grad
from symgrad.errors import ArgumentError
from symgrad.ir.functions import DERIVATIVE

_KEPT = 16

Loss = Callable[..., Any]


def evaluated(loss: Loss, params: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Value and gradient of ``loss`` at ``params``, which go where ``loss`` is differentiated; ``args`` are the rest.

    A plain function is differentiated with respect to its first parameter. After
    ``value_and_grad(f, argnums=(0, 1))`` ``params`` has an item for each of these arguments.
    """
    derivative = derivative_of(loss)
    argnums = getattr(derivative, DERIVATIVE).request.argnums
    given = [(argnums, params)] if isinstance(argnums, int | str) else _paired(argnums, params)
    named = {argnum: item for argnum, item in given if isinstance(argnum, str)}
    placed = {argnum: item for argnum, item in given if isinstance(argnum, int)}
    positional = list(args)
    for position in sorted(placed):
        positional.insert(position, placed[position])
    value, gradient = derivative(*positional, **named, **kwargs)
    return value, gradient


def _paired(argnums: Sequence[int | str], params: Any) -> list[tuple[int | str, Any]]:
    if not isinstance(params, list | tuple) or len(params) != len(argnums):
        reason = f"the loss is differentiated with respect to {len(argnums)} arguments, which params does not have"
        raise ArgumentError(reason, remedy="pass a tuple with a value for each of them as params")
    return list(zip(argnums, params, strict=True))


def derivative_of(loss: object) -> Loss:
    """``loss`` itself if ``value_and_grad`` returned it, else its derivative, the same one for the same function."""
    if not callable(loss):
        raise ArgumentError(f"the loss is {loss!r}", remedy="pass a function of the parameters")
    made = getattr(loss, DERIVATIVE, None)
    if made is None:
        method = loss.__call__  # the object itself may have no hash
        return _differentiated(method if isinstance(method, MethodType) else loss)
    if made.request.transform != "value_and_grad":
        reason = f"{made.function.__name__} was differentiated with {made.request.transform}, which gives no value"
        raise ArgumentError(reason, remedy="pass the function itself, or value_and_grad of it")
    return loss


@functools.lru_cache(_KEPT)
def _differentiated(loss: Loss) -> Loss:
    return value_and_grad(loss)
