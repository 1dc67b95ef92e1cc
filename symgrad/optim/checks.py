"""What an update needs to hold, checked before the first array changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.ir.signature import Arg, OpaqueArg
from symgrad.optim.containers import Layout, is_number, is_real
from symgrad.optim.state import State


def check_parameters(layout: Layout) -> None:
    """Raises ArgumentError for half precision, for generators and loggers, and where no parameter is a float."""
    for name, arg in layout.leaves:
        if isinstance(arg, OpaqueArg):
            reason = f"{name} is a {arg.type.__qualname__}, which has a state of its own"
            raise ArgumentError(reason, remedy="keep it out of the parameters: pass it to the loss")
        if getattr(arg, "dtype", "") == "float16":
            reason = f"{name} is float16, in which squares of gradients underflow"
            raise ArgumentError(reason, remedy="train in float32: .astype(numpy.float32)")
    if layout.leaves and not any(is_real(arg) for _, arg in layout.leaves):
        reason = f"none of the parameters is a float: {', '.join(name for name, _ in layout.leaves)}"
        raise ArgumentError(reason, remedy="make them floats: 3.0 for 3, .astype(float) for an array")


def moved_leaves(
    state: State, gradients: Sequence[Any], parameters: Sequence[Any], names: tuple[str, ...], in_place: bool
) -> list[bool]:
    """Which leaves an update changes; raises where gradients, slots and parameters do not fit together."""
    if state.names != names:
        reason = f"the state has the slots {list(state.names)}, but the optimizer keeps {list(names)}"
        raise ArgumentError(reason, remedy="make a state with this optimizer: optimizer.init(params)")
    found: list[bool] = []
    seen: dict[int, str] = {}
    leaves = zip(state.layout.leaves, gradients, parameters, state.slots, strict=True)
    for (name, arg), gradient, parameter, slots in leaves:
        found.append(is_moved(name, arg, gradient, parameter))
        _check_slots(name, parameter, slots)
        if in_place and found[-1]:
            _check_writable(name, (parameter, *slots), seen)
    return found


def is_moved(name: str, arg: Arg, gradient: Any, parameter: Any) -> bool:
    """Whether an update changes a parameter: one of floats whose gradient is not None.

    Raises ShapeError for a gradient of another shape, ArgumentError for one of another type or dtype, and for one of
    something that cannot be trained: an integer may have a gradient of zeros only.
    """
    if gradient is None or not is_number(arg):
        return False
    if not isinstance(gradient, np.ndarray | np.generic | float | int):
        reason = f"the gradient of {name} is a {type(gradient).__qualname__}"
        raise ArgumentError(reason, remedy="pass an array or a number, or None to leave the parameter alone")
    if not is_real(arg):
        _check_untrainable(name, gradient, parameter)
        return False
    _check_gradient(name, np.asarray(gradient), np.asarray(parameter))
    return True


def _check_untrainable(name: str, gradient: Any, parameter: Any) -> None:
    if np.any(gradient):
        kind = parameter.dtype if isinstance(parameter, np.ndarray | np.generic) else type(parameter).__name__
        reason = f"{name} is of type {kind}, which an update would round, and its gradient is not zero"
        raise ArgumentError(reason, remedy="make it a float (3.0 for 3, .astype(float)), or pass None as its gradient")


def _check_gradient(name: str, gradient: np.ndarray[Any, Any], parameter: np.ndarray[Any, Any]) -> None:
    if gradient.shape != parameter.shape:
        reason = f"the gradient of {name} has the shape {gradient.shape}, the parameter {parameter.shape}"
        raise ShapeError(reason, remedy="sum the gradient over the axes along which the parameter was broadcast")
    if not np.can_cast(gradient.dtype, parameter.dtype, "same_kind"):
        reason = f"the gradient of {name} has the dtype {gradient.dtype}, the parameter {parameter.dtype}"
        raise ArgumentError(reason, remedy="make both of them floats")


def _check_slots(name: str, parameter: Any, slots: Sequence[Any]) -> None:
    """Raises ShapeError where the state was made for a parameter of another shape or dtype."""
    now = np.asarray(parameter)
    for slot in map(np.asarray, slots):
        if (slot.shape, slot.dtype) != (now.shape, now.dtype):
            reason = (
                f"{name} is {now.dtype}{list(now.shape)}, but the state was made for {slot.dtype}{list(slot.shape)}"
            )
            raise ShapeError(reason, remedy="make a new state: optimizer.init(params)")


def _check_writable(name: str, changed: Sequence[Any], seen: dict[int, str]) -> None:
    """Raises ArgumentError for an array that is read-only, or that belongs to another parameter, too."""
    for array in changed:
        if not isinstance(array, np.ndarray):
            continue
        if not array.flags.writeable:
            reason = f"{name}, or a slot of it, is read-only"
            raise ArgumentError(reason, remedy="leave out in_place=True, or pass a copy")
        if (other := seen.setdefault(id(array), name)) != name:
            reason = f"{name} is the same array as {other}, which would be updated twice"
            raise ArgumentError(reason, remedy="leave out in_place=True, or make it one parameter")
