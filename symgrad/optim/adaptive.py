"""Optimizers that divide by a running average of squared gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.optim.containers import Layout, is_real
from symgrad.optim.hyperparameters import Rate, at_least_zero, fraction, positive
from symgrad.optim.moment import Moment
from symgrad.optim.optimizer import Optimizer
from symgrad.optim.vectors import Vector


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """``s = decay * s + (1 - decay) * g**2; p -= learning_rate * g / sqrt(s + epsilon)``.

    ``centered`` subtracts from ``s`` the square of a running mean of ``g``, which makes it an estimate of the
    variance. With ``momentum``, ``a = momentum * a + learning_rate * g / sqrt(...); p -= a``. As in TensorFlow,
    ``epsilon`` is inside the root and the learning rate inside of the slot; PyTorch has both outside. Slots ``rms``,
    ``mean`` (if centered), ``momentum`` (if any) start at zero, as in Keras and PyTorch; TensorFlow 1 starts ``rms``
    at one. Tieleman, Hinton, "Lecture 6.5: rmsprop" (Coursera, 2012); Graves, "Generating sequences with recurrent
    neural networks" (2013) for the centered one.

    >>> optimizer = RMSProp(0.1, decay=0.75)
    >>> round(optimizer.update(4.0, optimizer.init(1.0), 1.0)[0], 6)
    0.8
    """

    learning_rate: Rate = 0.001
    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(fraction, "decay", "momentum")
        self._check(positive, "epsilon")

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("rms", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum else []))

    def _change(self, gradient: Vector, slots: Sequence[Vector], moment: Moment) -> tuple[Vector, tuple[Vector, ...]]:
        part = gradient * gradient
        squares = self._averaged(slots[0], part, moment)
        kept = [squares]
        if self.centered:
            np.copyto(part, gradient)
            kept.append(mean := self._averaged(slots[1], part, moment))
            np.multiply(mean, mean, out=part)
            np.subtract(squares, part, out=part)
            np.maximum(part, 0.0, out=part)  # rounding makes the variance of equal gradients negative
            part += self.epsilon
        else:
            np.add(squares, self.epsilon, out=part)
        np.sqrt(part, out=part)
        np.divide(gradient, part, out=part)
        part *= moment.rate
        if self.momentum:
            kept.append(velocity := moment.scaled(slots[-1], self.momentum))
            velocity += part
            np.copyto(part, velocity)
        return part, tuple(kept)

    def _averaged(self, slot: Vector, part: Vector, moment: Moment) -> Vector:
        """The running average in ``slot`` with ``part`` taken in; ``part`` is scaled."""
        average = moment.scaled(slot, self.decay)
        part *= 1.0 - self.decay
        average += part
        return average


@dataclass(frozen=True)
class Adam(Optimizer):
    """``p -= learning_rate * m / (sqrt(v) + epsilon)`` with bias-corrected running averages ``m`` of g, ``v`` of g**2.

    Algorithm 1 of Kingma, Ba, "Adam: a method for stochastic optimization" (ICLR 2015), as in PyTorch and Optax.
    TensorFlow adds ``epsilon`` before it corrects the bias of ``v``: its epsilon at step t is this one's times
    ``sqrt(1 - beta2**t)``, a difference that only tiny gradients show. Slots ``m``, ``v`` (not corrected).

    >>> optimizer = Adam(0.1)
    >>> round(optimizer.update(4.0, optimizer.init(1.0), 1.0)[0], 6)
    0.9
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(fraction, "beta1", "beta2")
        self._check(positive, "epsilon")

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("m", "v")

    def _change(self, gradient: Vector, slots: Sequence[Vector], moment: Moment) -> tuple[Vector, tuple[Vector, ...]]:
        m, v = moment.scaled(slots[0], self.beta1), moment.scaled(slots[1], self.beta2)
        part = gradient * (1.0 - self.beta1)
        m += part
        np.multiply(gradient, gradient, out=part)
        part *= 1.0 - self.beta2
        v += part
        # Both corrections are numbers: moved out of the root and the quotient, they cost no pass over the array.
        root = math.sqrt(1.0 - self.beta2**moment.count)
        np.sqrt(v, out=part)
        part += self.epsilon * root
        np.divide(m, part, out=part)
        part *= moment.rate * root / (1.0 - self.beta1**moment.count)
        return part, (m, v)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: ``p -= learning_rate * weight_decay * p`` besides Adam's update.

    ``mask`` tells which parameters decay: nested as they are, with a bool for each (or for a whole container), or a
    function that gives this from the parameters. A parameter without gradient does not decay. Loshchilov, Hutter,
    "Decoupled weight decay regularization" (ICLR 2019); as in PyTorch, with its default of 0.01.

    >>> optimizer = AdamW(0.1, weight_decay=0.5, mask={"w": True, "b": False})
    >>> params = {"w": 1.0, "b": 1.0}
    >>> optimizer.update({"w": 0.0, "b": 0.0}, optimizer.init(params), params)[0]
    {'w': 0.95, 'b': 1.0}
    """

    weight_decay: float = 0.01
    mask: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(at_least_zero, "weight_decay")

    def _decay(self, layout: Layout, parameters: Sequence[Any]) -> list[float]:
        if self.mask is None:
            return [self.weight_decay] * len(parameters)
        mask = self.mask(layout.rebuilt(parameters)) if callable(self.mask) else self.mask
        chosen = layout.flatten(mask, "mask")
        for (name, arg), item in zip(layout.leaves, chosen, strict=True):
            if is_real(arg) and not isinstance(item, bool | np.bool_):
                raise ArgumentError(f"the mask of {name} is {item!r}", remedy="pass True where weights decay, or False")
        return [self.weight_decay if item else 0.0 for item in chosen]
