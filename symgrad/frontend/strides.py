"""Strides: how far apart the elements of a view lie along the axes of the array whose memory it reads.

NumPy assigns a vector to a vector from one end to the other (``raw_array_assign_array``). Where both lie in one array
at different distances, it reads what it has just overwritten; for all other shapes it makes a copy first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stride:
    """``step`` elements along an axis of the array; ``step`` is zero along an axis that was added."""

    axis: int
    step: int


Strides = tuple[Stride | None, ...]
"""The strides of all axes; None where one is not known."""
ADDED = Stride(0, 0)


def own(rank: int) -> Strides:
    """Of an array itself.

    >>> own(2)
    (Stride(axis=0, step=1), Stride(axis=1, step=1))
    """
    return tuple(Stride(axis, 1) for axis in range(rank))


def of_part(strides: Strides, parts: Sequence[object]) -> Strides:
    """Of a part of an array, by integers, slices, None and an ellipsis; all other parts count as integers.

    >>> of_part(own(2), (slice(None, None, -2), 1))
    (Stride(axis=0, step=-2),)
    """
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    missing = [slice(None)] * (len(strides) - taken)
    place = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    found: list[Stride | None] = []
    rest = iter(strides)
    for part in (*parts[:place], *missing, *parts[place + 1 :]):
        if part is None:
            found.append(ADDED)
            continue
        stride = next(rest)
        if isinstance(part, slice):
            found.append(_stepped(stride, part.step))
    return tuple(found)


def _stepped(stride: Stride | None, step: object) -> Stride | None:
    if step is None or stride is None:
        return stride
    return Stride(stride.axis, stride.step * step) if isinstance(step, int) else None


def is_read_in_time(source: Strides, target: Strides) -> bool:
    """Whether NumPy reads all of a view before it overwrites it by its assignment to another view of the array.

    >>> is_read_in_time(own(1), of_part(own(1), (slice(None, None, 2),)))
    False
    """
    if len(target) != 1 or not source:
        return True
    first, second = source[-1], target[0]
    if first is None or second is None:
        return False
    return first.step == 0 or (first.axis == second.axis and abs(first.step) == abs(second.step))
