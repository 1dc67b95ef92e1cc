"""Gradient descent, with and without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.optim.hyperparameters import fraction
from symgrad.optim.moment import Moment
from symgrad.optim.optimizer import Optimizer
from symgrad.optim.vectors import Vector


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """``p -= learning_rate * g``.

    >>> optimizer = GradientDescent(0.5)
    >>> optimizer.update(3.0, optimizer.init(2.0), 2.0)[0]
    0.5
    """

    def _change(self, gradient: Vector, slots: Sequence[Vector], moment: Moment) -> tuple[Vector, tuple[Vector, ...]]:
        return gradient * moment.rate, tuple(slots)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """``a = momentum * a + g; p -= learning_rate * a``; with ``nesterov``, ``p -= learning_rate * (g + momentum * a)``.

    As in TensorFlow 1 and PyTorch (no dampening), the learning rate is outside of the slot ``momentum``; Keras has it
    inside, which differs while the rate changes. Polyak, "Some methods of speeding up the convergence of iteration
    methods" (1964); Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning" (ICML 2013).

    >>> optimizer = Momentum(0.5, momentum=0.5)
    >>> params, state = optimizer.update(1.0, optimizer.init(2.0), 2.0)
    >>> optimizer.update(1.0, state, params)[0]
    0.75
    """

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(fraction, "momentum")

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("momentum",)

    def _change(self, gradient: Vector, slots: Sequence[Vector], moment: Moment) -> tuple[Vector, tuple[Vector, ...]]:
        average = moment.scaled(slots[0], self.momentum)
        average += gradient
        if not self.nesterov:
            return average * moment.rate, (average,)
        change = average * self.momentum
        change += gradient
        change *= moment.rate
        return change, (average,)
