"""Gradients paired with their parameters, to be looked at and changed before they are applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """A gradient (None: leave the parameter alone) and the parameter, both arrays or numbers."""

    gradient: Any
    parameter: Any


class Gradients(list[Pair]):
    """The pairs of all parameters; ``names`` tells in which order, ``value`` is the loss.

    >>> from symgrad.optim import GradientDescent
    >>> pairs = GradientDescent(0.1).compute_gradients(lambda p: p["w"] * p["w"], {"w": 3.0})
    >>> pairs, pairs.names, pairs.value
    ([Pair(gradient=6.0, parameter=3.0)], ['params["w"]'], 9.0)
    """

    def __init__(self, pairs: Iterable[Pair] = (), names: Iterable[str] = (), value: Any = None) -> None:
        super().__init__(pairs)
        self.names = list(names)
        self.value = value
