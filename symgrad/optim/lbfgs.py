"""L-BFGS by SciPy: for a loss without noise, far fewer evaluations than gradient descent needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from symgrad.optim.checks import check_parameters, is_moved
from symgrad.optim.containers import Layout, is_real
from symgrad.optim.hyperparameters import at_least_zero, count
from symgrad.optim.losses import Loss, evaluated
from symgrad.optim.vectors import Vector, like

_T = TypeVar("_T")
_CHECKS = {"memory": count, "steps": count, "gradient_tolerance": at_least_zero, "value_tolerance": at_least_zero}


@dataclass(frozen=True)
class LBFGSState:
    """How many iterations and evaluations were made so far, whether the last run converged, and why it ended."""

    step: int = 0
    evaluations: int = 0
    converged: bool = False
    message: str = ""


@dataclass(frozen=True)
class LBFGS:
    """Goes down until the gradient is small, with line searches, where the other optimizers make one step.

    ``memory`` is how many pairs of steps approximate the Hessian, ``steps`` the most iterations of a run. A run has
    converged where no entry of the gradient exceeds ``gradient_tolerance``, or where an iteration lowers the loss by
    less than ``value_tolerance`` times the loss (or times one, if that is more). SciPy's ``L-BFGS-B`` does the work in
    float64; parameters of float32 are rounded for each evaluation, and their gradient cannot become as small. Byrd,
    Lu, Nocedal, Zhu, "A limited memory algorithm for bound constrained optimization" (SIAM J. Sci. Comput., 1995).

    >>> value, params, state = LBFGS().minimize(lambda p: (p["x"] - 3.0) ** 2, {"x": 0.0})
    >>> round(params["x"], 6), state.converged
    (3.0, True)
    """

    memory: int = 10
    steps: int = 1000
    gradient_tolerance: float = 1e-6
    value_tolerance: float = 1e-12

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check("LBFGS", name, getattr(self, name)))

    def minimize(
        self, loss: Loss, params: _T, *args: Any, state: LBFGSState | None = None, **kwargs: Any
    ) -> tuple[Any, _T, LBFGSState]:
        """The loss and the parameters where the run ended, and the state.

        ``loss``, ``args`` and ``kwargs`` are those of ``Optimizer.minimize``. With the ``state`` of an earlier run,
        counting goes on; the Hessian is approximated anew. Nothing that is passed changes. What has no gradient stays.

        Raises ImportError without SciPy, ArgumentError and ShapeError for parameters or gradients as ``Optimizer``.
        """
        search = _scipy_minimize()
        problem = _Problem.of(loss, params, args, kwargs)
        options = {
            "maxcor": self.memory,
            "maxiter": self.steps,
            "maxfun": 20 * self.steps,
            "gtol": self.gradient_tolerance,
            "ftol": self.value_tolerance,
        }
        found = search(problem.evaluate, problem.start(), method="L-BFGS-B", jac=True, options=options)
        after = problem.parameters(found.x)
        value, _ = evaluated(loss, after, args, kwargs)
        before = state or LBFGSState()
        steps, evaluations = before.step + int(found.nit), before.evaluations + int(found.nfev) + 1
        return value, after, LBFGSState(steps, evaluations, bool(found.success), str(found.message))


def _scipy_minimize() -> Callable[..., Any]:
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise ImportError("LBFGS needs SciPy; remedy: pip install scipy") from error
    return minimize  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Problem:
    """A loss as a function of one vector, which holds the leaves of floats one after the other."""

    loss: Loss
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    layout: Layout
    leaves: list[Any]

    @classmethod
    def of(cls, loss: Loss, params: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> _Problem:
        layout = Layout.of(params, "params")
        check_parameters(layout)
        return cls(loss, args, kwargs, layout, layout.flatten(params, "params"))

    def start(self) -> Vector:
        return self._packed(self.leaves)

    def parameters(self, vector: Vector) -> Any:
        """The parameters that a vector holds, in arrays of their own."""
        leaves, begin = list(self.leaves), 0
        for k, (_, arg) in enumerate(self.layout.leaves):
            if is_real(arg):
                shape, dtype = np.shape(leaves[k]), np.asarray(leaves[k]).dtype
                end = begin + np.size(leaves[k])
                leaves[k] = like(leaves[k], np.array(vector[begin:end], dtype).reshape(shape or 1))
                begin = end
        return self.layout.rebuilt(leaves)

    def evaluate(self, vector: Vector) -> tuple[float, Vector]:
        value, gradient = evaluated(self.loss, self.parameters(vector), self.args, self.kwargs)
        slopes = self.layout.flatten(gradient, "gradient")
        for k, (name, arg) in enumerate(self.layout.leaves):
            if not is_moved(name, arg, slopes[k], self.leaves[k]):
                slopes[k] = np.zeros(np.shape(self.leaves[k])) if is_real(arg) else None
        return float(value[0] if isinstance(value, tuple) else value), self._packed(slopes)

    def _packed(self, leaves: Sequence[Any]) -> Vector:
        pairs = zip(self.layout.leaves, leaves, strict=True)
        return np.concatenate([np.ravel(leaf).astype(float) for (_, arg), leaf in pairs if is_real(arg)])
