"""The moment of an update."""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.optim.vectors import Vector


@dataclass(frozen=True)
class Moment:
    """What a rule knows besides its arrays: the learning rate, and the number of this update counted from one."""

    rate: float
    count: int
    in_place: bool

    def scaled(self, kept: Vector, factor: float) -> Vector:
        """An array that outlives the update, times ``factor``: the same array only where it may change."""
        if not self.in_place:
            return kept * factor
        kept *= factor
        return kept
