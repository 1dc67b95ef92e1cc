"""What all first-order optimizers share: the walk over the parameters, and TensorFlow's verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.optim.checks import check_parameters, moved_leaves
from symgrad.optim.containers import Layout, is_real
from symgrad.optim.hyperparameters import Rate, as_rate
from symgrad.optim.losses import Loss, evaluated
from symgrad.optim.moment import Moment
from symgrad.optim.pairs import Gradients, Pair
from symgrad.optim.state import State
from symgrad.optim.vectors import Vector, apart, as_vector, like

_T = TypeVar("_T")


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that moves parameters against their gradients.

    ``learning_rate`` is a number, or a function of the number of updates made before. Parameters are Python floats,
    NumPy scalars and arrays of float32 or float64, in dict, list, tuple, namedtuple and dataclass, nested; each keeps
    its type, shape and dtype. A parameter whose gradient is None is left alone, with its slots, and so is what has no
    gradient: strings, functions, integers.
    """

    learning_rate: Rate

    def __post_init__(self) -> None:
        self._check(as_rate, "learning_rate")

    def _check(self, check: Callable[[str, str, Any], Any], *names: str) -> None:
        """Replaces hyperparameters by what ``check`` makes of them."""
        for name in names:
            object.__setattr__(self, name, check(type(self).__name__, name, getattr(self, name)))

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The names of the arrays that are kept for each parameter."""
        return ()

    @abstractmethod
    def _change(self, gradient: Vector, slots: Sequence[Vector], moment: Moment) -> tuple[Vector, tuple[Vector, ...]]:
        """What to subtract from a parameter, in an array of its own, and the new slots."""

    def _decay(self, layout: Layout, parameters: Sequence[Any]) -> list[float]:
        """For each parameter, the fraction of it, times the learning rate, that is taken off before it moves."""
        del parameters
        return [0.0] * len(layout.leaves)

    def init(self, params: Any) -> State:
        """The state before the first update: step 0, and slots of zeros.

        Raises ArgumentError for parameters of float16, for random generators among them, and where none is a float.

        >>> from symgrad.optim import Adam
        >>> Adam().init({"w": 1.0}).slot("v")
        {'w': 0.0}
        """
        layout = Layout.of(params, "params")
        check_parameters(layout)
        pairs = zip(layout.leaves, layout.flatten(params, "params"), strict=True)
        slots = tuple(self._zeros(leaf) if is_real(arg) else () for (_, arg), leaf in pairs)
        return State(0, self.slot_names, slots, layout)

    def _zeros(self, leaf: Any) -> tuple[Any, ...]:
        return tuple(like(leaf, np.zeros_like(as_vector(leaf))) for _ in self.slot_names)

    def update(self, gradient: Any, state: State, params: _T, *, in_place: bool = False) -> tuple[_T, State]:
        """The parameters and the state after one update.

        ``gradient`` is nested as ``params`` is. Nothing that is passed changes. With ``in_place`` the arrays of
        ``params`` and of ``state`` do, which saves their memory: use what is returned from then on.

        Raises ArgumentError and ShapeError, before anything changes, where the three do not fit together.

        >>> from symgrad.optim import GradientDescent
        >>> optimizer = GradientDescent(0.1)
        >>> params, state = optimizer.update({"w": 2.0}, optimizer.init({"w": 1.0}), {"w": 1.0})
        >>> params, state.step
        ({'w': 0.8}, 1)
        """
        parameters = state.layout.flatten(params, "params")
        gradients = state.layout.flatten(gradient, "gradient")
        leaves, after = self._updated(gradients, parameters, state, in_place)
        return state.layout.rebuilt(leaves), after

    def _updated(
        self, gradients: Sequence[Any], parameters: Sequence[Any], state: State, in_place: bool
    ) -> tuple[list[Any], State]:
        chosen = moved_leaves(state, gradients, parameters, self.slot_names, in_place)
        rate = self.learning_rate(state.step) if callable(self.learning_rate) else self.learning_rate
        moment = Moment(float(rate), state.step + 1, in_place)
        if in_place:  # the derivative of a * b with respect to a may be b itself, which changes, too
            gradients = apart(gradients, parameters)
        leaves, slots = list(parameters), list(state.slots)
        for k, decay in enumerate(self._decay(state.layout, parameters)):
            if chosen[k]:
                leaves[k], slots[k] = self._moved(gradients[k], parameters[k], slots[k], moment, decay)
        return leaves, replace(state, step=moment.count, slots=tuple(slots))

    def _moved(
        self, gradient: Any, parameter: Any, slots: Sequence[Any], moment: Moment, decay: float
    ) -> tuple[Any, tuple[Any, ...]]:
        before = as_vector(parameter)
        change, kept = self._change(as_vector(gradient, before.dtype), [as_vector(slot) for slot in slots], moment)
        rest = moment.scaled(before, 1.0 - moment.rate * decay) if decay else before
        # The gradient, whose memory layout ``change`` has, may be a transpose; the parameter's layout stays.
        spare = change if change.strides == before.strides else None
        after = np.subtract(rest, change, out=before if moment.in_place else spare)
        return like(parameter, after), tuple(like(parameter, slot) for slot in kept)

    def compute_gradients(self, loss: Loss, params: Any, *args: Any, **kwargs: Any) -> Gradients:
        """The pairs (gradient, parameter) of all numbers and arrays in ``params``, those of a dict by its keys sorted.

        ``loss(params, *args, **kwargs)`` is a function, which is differentiated with respect to its first parameter,
        or what ``value_and_grad`` returned; then ``params`` is the argument, or the tuple of arguments, that it was
        differentiated with respect to. The derivative of a function is kept: calls with the same function compile once.

        >>> from symgrad.optim import GradientDescent, clip_by_value
        >>> optimizer, params = GradientDescent(0.1), {"w": 3.0, "b": 1.0}
        >>> state = optimizer.init(params)
        >>> pairs = optimizer.compute_gradients(lambda p, x: (p["w"] * x + p["b"]) ** 2, params, 2.0)
        >>> pairs.value, pairs.names, pairs[1].gradient
        (49.0, ['params["b"]', 'params["w"]'], 28.0)
        >>> clipped = [(clip_by_value(gradient, -1.0, 1.0), parameter) for gradient, parameter in pairs]
        >>> optimizer.apply_gradients(clipped, state)[0]
        {'w': 2.9, 'b': 0.9}
        """
        layout = Layout.of(params, "params")
        value, gradient = evaluated(loss, params, args, kwargs)
        pairs = list(map(Pair, layout.flatten(gradient, "gradient"), layout.flatten(params, "params")))
        order = layout.numbers()
        return Gradients((pairs[k] for k in order), (layout.leaves[k][0] for k in order), value)

    def apply_gradients(
        self, pairs: Iterable[tuple[Any, Any]], state: State, *, in_place: bool = False
    ) -> tuple[Any, State]:
        """The parameters, nested as those that ``state`` was made for, and the state after one update.

        ``pairs`` are those of ``compute_gradients``, in their order, with gradients changed at will: None leaves a
        parameter alone. Otherwise as ``update``; raises ArgumentError for another number of pairs.
        """
        given, layout = list(pairs), state.layout
        wanted = [layout.leaves[k][0] for k in layout.numbers()]
        if len(given) != len(wanted):
            reason = f"there are {len(given)} pairs for {len(wanted)} parameters: {', '.join(wanted)}"
            raise ArgumentError(reason, remedy="pass them all, with (None, parameter) for one to be left alone")
        gradients = layout.with_numbers(gradient for gradient, _ in given)
        parameters = layout.with_numbers(parameter for _, parameter in given)
        leaves, after = self._updated(gradients, parameters, state, in_place)
        return layout.rebuilt(leaves), after

    def minimize(
        self, loss: Loss, params: _T, *args: Any, state: State | None = None, in_place: bool = False, **kwargs: Any
    ) -> tuple[Any, _T, State]:
        """One step: the loss before it, the parameters and the state after it.

        ``loss`` and ``args`` as for ``compute_gradients``; without ``state`` it is the first step. A loss with
        ``has_aux`` gives ``(value, aux)`` in the place of the value.

        >>> from symgrad.optim import GradientDescent
        >>> params, state = {"w": 3.0}, None
        >>> for _ in range(3):
        ...     value, params, state = GradientDescent(0.5).minimize(lambda p: p["w"] ** 2, params, state=state)
        >>> value, params, state.step
        (0.0, {'w': 0.0}, 3)
        """
        if state is None:
            state = self.init(params)
        value, gradient = evaluated(loss, params, args, kwargs)
        after, state = self.update(gradient, state, params, in_place=in_place)
        return value, after, state
