"""Learning rates that depend on the number of updates made before, as in TensorFlow's ``tf.train``.

Each function returns a ``Schedule``: frozen, compared by value, picklable. Steps count from zero.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from symgrad.optim.hyperparameters import Rate, as_float, as_rate, at_least_zero, count, positive


@dataclass(frozen=True, repr=False)
class Schedule:
    """A formula of the step with its settings.

    >>> schedule = exponential_decay(0.1, decay_steps=10, decay_rate=0.5)
    >>> schedule, schedule(10)
    (exponential_decay(0.1, 10, 0.5, False), 0.05)
    """

    formula: Callable[..., float]
    settings: tuple[Any, ...]

    def __call__(self, step: int) -> float:
        return self.formula(step, *self.settings)

    def __repr__(self) -> str:
        return f"{self.formula.__name__.removeprefix('_')}({', '.join(map(repr, self.settings))})"


def constant(learning_rate: float) -> Schedule:
    """The same rate at every step.

    >>> constant(0.1)(1000)
    0.1
    """
    return Schedule(_constant, (at_least_zero("constant", "learning_rate", learning_rate),))


def _constant(step: int, rate: float) -> float:
    del step
    return rate


def exponential_decay(learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False) -> Schedule:
    """``learning_rate * decay_rate ** (step / decay_steps)``; with ``staircase`` the exponent is rounded down.

    >>> exponential_decay(0.8, 10, 0.5, staircase=True)(19)
    0.4
    """
    return _decaying(_exponential_decay, learning_rate, decay_steps, decay_rate, staircase)


def _exponential_decay(step: int, rate: float, steps: int, decay: float, staircase: bool) -> float:
    return rate * math.pow(decay, _elapsed(step, steps, staircase))


def inverse_time_decay(learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False) -> Schedule:
    """``learning_rate / (1 + decay_rate * step / decay_steps)``; with ``staircase`` the quotient is rounded down.

    >>> inverse_time_decay(0.8, 10, 1.0)(10)
    0.4
    """
    return _decaying(_inverse_time_decay, learning_rate, decay_steps, decay_rate, staircase)


def _inverse_time_decay(step: int, rate: float, steps: int, decay: float, staircase: bool) -> float:
    return rate / (1.0 + decay * _elapsed(step, steps, staircase))


def _decaying(formula: Callable[..., float], rate: float, steps: int, decay: float, staircase: bool) -> Schedule:
    owner = formula.__name__.removeprefix("_")
    settings = (
        at_least_zero(owner, "learning_rate", rate),
        count(owner, "decay_steps", steps),
        at_least_zero(owner, "decay_rate", decay),
        bool(staircase),
    )
    return Schedule(formula, settings)


def _elapsed(step: int, steps: int, staircase: bool) -> float:
    return step // steps if staircase else step / steps


def polynomial_decay(
    learning_rate: float, decay_steps: int, end_rate: float = 0.0001, power: float = 1.0, cycle: bool = False
) -> Schedule:
    """From ``learning_rate`` to ``end_rate`` in ``decay_steps``, as ``(1 - step / decay_steps) ** power`` falls.

    Then it stays there; with ``cycle`` it rises again, to fall until the next multiple of ``decay_steps``.

    >>> polynomial_decay(1.0, 10, end_rate=0.5)(5)
    0.75
    """
    owner = "polynomial_decay"
    settings = (
        at_least_zero(owner, "learning_rate", learning_rate),
        count(owner, "decay_steps", decay_steps),
        at_least_zero(owner, "end_rate", end_rate),
        positive(owner, "power", power),
        bool(cycle),
    )
    return Schedule(_polynomial_decay, settings)


def _polynomial_decay(step: int, rate: float, steps: int, end: float, power: float, cycle: bool) -> float:
    length = steps * max(1, math.ceil(step / steps)) if cycle else steps
    return end + (rate - end) * math.pow(1.0 - min(step, length) / length, power)


def cosine_decay(learning_rate: float, decay_steps: int, alpha: float = 0.0, *, warmup_steps: int = 0) -> Schedule:
    """From ``learning_rate`` to ``alpha * learning_rate`` in ``decay_steps``, along half a period of a cosine.

    A warm-up comes first, see ``linear_warmup``; ``decay_steps`` does not count it. Loshchilov, Hutter, "SGDR:
    stochastic gradient descent with warm restarts" (ICLR 2017), without the restarts.

    >>> schedule = cosine_decay(0.4, 10, warmup_steps=4)
    >>> [round(schedule(step), 6) for step in (0, 1, 4, 9, 14, 20)]
    [0.0, 0.1, 0.4, 0.2, 0.0, 0.0]
    """
    owner = "cosine_decay"
    settings = (
        at_least_zero(owner, "learning_rate", learning_rate),
        count(owner, "decay_steps", decay_steps),
        at_least_zero(owner, "alpha", alpha),
    )
    schedule = Schedule(_cosine_decay, settings)
    return linear_warmup(schedule, warmup_steps) if warmup_steps else schedule


def _cosine_decay(step: int, rate: float, steps: int, alpha: float) -> float:
    falling = 0.5 * (1.0 + math.cos(math.pi * min(step, steps) / steps))
    return rate * ((1.0 - alpha) * falling + alpha)


def piecewise_constant(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    """``values[0]`` up to and including the step ``boundaries[0]``, then ``values[1]`` up to the next one, and so on.

    Raises ValueError unless the boundaries rise and there is one value more than there are boundaries.

    >>> schedule = piecewise_constant([100, 200], [1.0, 0.5, 0.1])
    >>> schedule(100), schedule(101), schedule(201)
    (1.0, 0.5, 0.1)
    """
    owner = "piecewise_constant"
    edges = tuple(as_float(owner, "boundaries", edge) for edge in boundaries)
    rates = tuple(at_least_zero(owner, "values", value) for value in values)
    if len(rates) != len(edges) + 1:
        raise ValueError(f"{owner}: {len(edges)} boundaries need {len(edges) + 1} values, not {len(rates)}")
    if any(first >= second for first, second in pairwise(edges)):
        raise ValueError(f"{owner}: the boundaries {list(boundaries)} have to rise")
    return Schedule(_piecewise_constant, (edges, rates))


def _piecewise_constant(step: int, edges: tuple[float, ...], rates: tuple[float, ...]) -> float:
    return rates[bisect.bisect_left(edges, step)]


def linear_warmup(learning_rate: Rate, warmup_steps: int, start: float = 0.0) -> Schedule:
    """From ``start`` to ``learning_rate`` in ``warmup_steps``; a schedule begins when the warm-up ends.

    >>> schedule = linear_warmup(exponential_decay(0.4, 10, 0.5), 4)
    >>> schedule(2), schedule(4), schedule(14)
    (0.2, 0.4, 0.2)
    """
    owner = "linear_warmup"
    settings = (
        as_rate(owner, "learning_rate", learning_rate),
        count(owner, "warmup_steps", warmup_steps),
        at_least_zero(owner, "start", start),
    )
    return Schedule(_linear_warmup, settings)


def _linear_warmup(step: int, rate: Rate, steps: int, start: float) -> float:
    after = max(step - steps, 0)
    target = rate(after) if callable(rate) else rate
    return target if step >= steps else start + (target - start) * step / steps
