"""Training: optimizers, learning rates and clipping, over the containers that gradients come in.

Optimizers are values without memory: what they remember is a state, which goes in and comes out, as parameters do.

>>> import symgrad
>>> def loss(params, x, y):
...     return (params["w"] * x + params["b"] - y) ** 2
>>> optimizer, params = Adam(0.1), {"w": 1.0, "b": 0.0}
>>> state = optimizer.init(params)

By the gradient:

>>> value, gradient = symgrad.value_and_grad(loss)(params, 2.0, 5.0)
>>> params, state = optimizer.update(gradient, state, params)

By TensorFlow's verbs: a step at once, or in two halves with the gradients in hand between them.

>>> value, params, state = optimizer.minimize(loss, params, 2.0, 5.0, state=state)
>>> pairs = optimizer.compute_gradients(loss, params, 2.0, 5.0)
>>> gradients, norm = clip_by_global_norm([gradient for gradient, _ in pairs], 1.0)
>>> params, state = optimizer.apply_gradients(zip(gradients, [parameter for _, parameter in pairs]), state)
>>> state.step, sorted(params)
(3, ['b', 'w'])
"""

from symgrad.optim.adaptive import Adam, AdamW, RMSProp
from symgrad.optim.clipping import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from symgrad.optim.descent import GradientDescent, Momentum
from symgrad.optim.lbfgs import LBFGS, LBFGSState
from symgrad.optim.optimizer import Optimizer
from symgrad.optim.pairs import Gradients, Pair
from symgrad.optim.schedules import (
    Schedule,
    constant,
    cosine_decay,
    exponential_decay,
    inverse_time_decay,
    linear_warmup,
    piecewise_constant,
    polynomial_decay,
)
from symgrad.optim.state import State

__all__ = [
    "LBFGS",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Gradients",
    "LBFGSState",
    "Momentum",
    "Optimizer",
    "Pair",
    "RMSProp",
    "Schedule",
    "State",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "global_norm",
    "inverse_time_decay",
    "linear_warmup",
    "piecewise_constant",
    "polynomial_decay",
]
