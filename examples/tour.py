"""A tour: every gradient of a first course on deep learning, derived, and compared with the formula in closed form.

It goes from the slope of a parabola over second derivatives, activation functions, losses and perceptrons to the chain
rule, with gradients of what is in between. Each stop is a function in plain NumPy, what symgrad derives from it, and
the closed form that a textbook has. ``symgrad.verify`` compares the two by algebra; *proved* means: equal for every
value, and for arrays of every size. At the end there is a table of all stops, and a figure of the activation functions
with their first two derivatives.

For those who come from TensorFlow: there is no tape to open, to watch with, to make persistent or to use up. A
derivative is a function; call it as often as you like.

    python examples/tour.py
"""

# Closed forms take all arguments of their function; what a derivative is asked for inside of a function needs a name.
# ruff: noqa: ARG005, RET504

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad

FIGURE = Path(__file__).parent / "out" / "tour.png"


class Stop(NamedTuple):
    """A derivative, its closed form, and arguments at which the table shows both."""

    what: str
    derivative: Callable
    closed_form: Callable
    args: tuple


# 1. A derivative is a function


def parabola(a, b, c, w):
    return a * w**2 + b * w + c


def wave(x):
    return x * np.sin(x)


SLOPES = [
    Stop("d(a w² + b w + c)/dw", symgrad.grad(parabola, "w"), lambda a, b, c, w: 2 * a * w + b, (1.0, 2.0, 3.0, 4.0)),
    Stop(
        "the same, d/da and d/dc",
        symgrad.grad(parabola, ["a", "c"]),
        lambda a, b, c, w: (w**2, 1.0),
        (1.0, 2.0, 3.0, 4.0),
    ),
    Stop("d(x sin x)/dx", symgrad.grad(wave), lambda x: np.sin(x) + x * np.cos(x), (2.0,)),
]


# 2. Many gradients of one function: what needs a persistent tape elsewhere


def square(x):
    return x**2


def squares(x):
    y = x * x
    z = y * y
    return z


REPEATED = [
    Stop("y = x² and dy/dx", symgrad.value_and_grad(square), lambda x: (x**2, 2 * x), (3.0,)),
    Stop("dy/dx, y = x x inside", symgrad.gradients(squares, "y", "x"), lambda x: 2 * x, (3.0,)),
    Stop("dz/dx, z = y y inside", symgrad.gradients(squares, "z", "x"), lambda x: 4 * x**3, (3.0,)),
    Stop("dz/dy, dz/dx at once", symgrad.gradients(squares, "z", ["y", "x"]), lambda x: [2 * x**2, 4 * x**3], (3.0,)),
]


# 3. Derivatives of derivatives


def cube(x):
    return x**3


def power_of_distance(x):
    return np.sum(x**2) ** 2


def fourth(function):
    return symgrad.grad(symgrad.grad(symgrad.grad(symgrad.grad(function))))


HIGHER = [
    Stop("d²(x³)/dx²", symgrad.grad(symgrad.grad(cube)), lambda x: 6 * x, (3.0,)),
    Stop("d⁴(x sin x)/dx⁴", fourth(wave), lambda x: x * np.sin(x) - 4 * np.cos(x), (2.0,)),
    Stop(
        "Hessian of |x|⁴ times v",
        symgrad.hvp(power_of_distance),
        lambda x, v: 8 * np.sum(x * v) * x + 4 * np.sum(x**2) * v,
        (np.array([1.0, 2.0]), np.array([0.0, 1.0])),
    ),
]


# 4. Activation functions, element by element


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x):
    return np.where(x > 0, x, 0.1 * x)


def softplus(x):
    return np.log(1 + np.exp(x))


def swish(x):
    return x * sigmoid(x)


def twice(function):
    return symgrad.elementwise_grad(symgrad.elementwise_grad(function))


POINTS = (np.array([-1.0, 0.5, 2.0]),)
ACTIVATIONS = [
    Stop("sigmoid'", symgrad.elementwise_grad(sigmoid), lambda x: sigmoid(x) * (1 - sigmoid(x)), POINTS),
    Stop("sigmoid''", twice(sigmoid), lambda x: sigmoid(x) * (1 - sigmoid(x)) * (1 - 2 * sigmoid(x)), POINTS),
    Stop("tanh'", symgrad.elementwise_grad(tanh), lambda x: 1 - tanh(x) ** 2, POINTS),
    Stop("tanh''", twice(tanh), lambda x: -2 * tanh(x) * (1 - tanh(x) ** 2), POINTS),
    Stop("relu'", symgrad.elementwise_grad(relu), lambda x: np.where(x > 0, 1.0, 0.0), POINTS),
    Stop("leaky relu'", symgrad.elementwise_grad(leaky_relu), lambda x: np.where(x > 0, 1.0, 0.1), POINTS),
    Stop("softplus'", symgrad.elementwise_grad(softplus), sigmoid, POINTS),
    Stop("swish'", symgrad.elementwise_grad(swish), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), POINTS),
]


# 5. Losses. A row is an example, Y has a one in the column of its class


def squared_error(outputs, Y):
    return np.mean((Y - outputs) ** 2)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def weighted_softmax(z, u):
    """Its gradient is softmax's Jacobian times ``u``."""
    return np.sum(u * softmax(z))


def softmax_pullback(z, u):
    p = softmax(z)
    return p * (u - np.sum(u * p, axis=1, keepdims=True))


def cross_entropy(z, Y):
    """Of logits: they are shifted before the exponential, and no logarithm of a rounded zero is taken."""
    z = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.sum(Y * z, axis=1) / np.sum(Y, axis=1))


def cross_entropy_slope(z, Y):
    return (softmax(z) - Y / np.sum(Y, axis=1, keepdims=True)) / len(z)


LOGITS = np.array([[2.0, 1.0], [0.5, 1.5]])
LABELS = np.array([[0.0, 1.0], [0.0, 1.0]])
LOSSES = [
    Stop(
        "squared error by outputs",
        symgrad.grad(squared_error),
        lambda outputs, Y: 2 * (outputs - Y) / Y.size,
        (np.array([[0.2, 0.8], [0.1, 0.9]]), LABELS),
    ),
    Stop("softmax, Jacobian times u", symgrad.grad(weighted_softmax), softmax_pullback, (LOGITS, LABELS)),
    Stop("cross entropy by logits", symgrad.grad(cross_entropy), cross_entropy_slope, (LOGITS, LABELS)),
]


# 6. Perceptrons


def scaled_and_shifted(w, b, x):
    """Nothing but ``x * w + b``: the two numbers of ``x`` are there for every row of ``w``."""
    return np.sum(x * w + b)


def one_output(w, b, x, y):
    return 0.5 * (sigmoid(x @ w + b) - y) ** 2


def one_output_slopes(w, b, x, y):
    o = sigmoid(x @ w + b)
    delta = (o - y) * o * (1 - o)
    return delta * x, delta


def many_outputs(W, b, X, Y):
    return squared_error(softmax(X @ W + b), Y)


def many_outputs_slopes(W, b, X, Y):
    p = softmax(X @ W + b)
    error = 2 * (p - Y) / Y.size
    delta = p * (error - np.sum(error * p, axis=1, keepdims=True))
    return X.T @ delta, delta.sum(axis=0)


ONE_EXAMPLE = np.array([0.5, -0.5]), 0.1, np.array([1.0, 2.0]), 1.0
TWO_EXAMPLES = np.eye(2), np.zeros(2), np.array([[1.0, 2.0], [2.0, 0.5]]), np.eye(2)
PERCEPTRONS = [
    Stop(
        "sum of x * w + b by w and b",
        symgrad.grad(scaled_and_shifted, ("w", "b")),
        lambda w, b, x: (np.zeros(w.shape) + x, np.full(b.shape, len(w))),
        (np.ones((3, 2)), np.zeros(2), np.array([2.0, 3.0])),
    ),
    Stop("one output, by w and b", symgrad.grad(one_output, ("w", "b")), one_output_slopes, ONE_EXAMPLE),
    Stop("many outputs, by W and b", symgrad.grad(many_outputs, ("W", "b")), many_outputs_slopes, TWO_EXAMPLES),
]


# 7. The chain rule, with what is in between


def two_layers(x, w1, b1, w2, b2):
    y1 = x * w1 + b1
    y2 = y1 * w2 + b2
    return y2


WEIGHTS = 1.0, 2.0, 1.0, 3.0, 1.0
CHAIN = [
    Stop("dy2/dy1", symgrad.gradients(two_layers, "y2", "y1"), lambda x, w1, b1, w2, b2: w2, WEIGHTS),
    Stop("dy1/dw1", symgrad.gradients(two_layers, "y1", "w1"), lambda x, w1, b1, w2, b2: x, WEIGHTS),
    Stop(
        "dy2/dw1, their product", symgrad.gradients(two_layers, "y2", "w1"), lambda x, w1, b1, w2, b2: w2 * x, WEIGHTS
    ),
    Stop("dy2/dw1 by grad", symgrad.grad(two_layers, "w1"), lambda x, w1, b1, w2, b2: w2 * x, WEIGHTS),
]


# 8. None for what is not connected: not zero, which would hide a mistake

UNCONNECTED = [
    ("dy1/dw2", symgrad.gradients(two_layers, "y1", "w2"), None),
    ("dy1/d(x, w2, b2, y2)", symgrad.gradients(two_layers, "y1", ["x", "w2", "b2", "y2"]), [2.0, None, None, None]),
]

TOUR: dict[str, Sequence[Stop]] = {
    "derivatives": SLOPES,
    "repeated": REPEATED,
    "higher": HIGHER,
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "perceptrons": PERCEPTRONS,
    "chain rule": CHAIN,
}


# The table


def compare(stop: Stop) -> str:
    """``proved``, ``tested`` (equal at random points) or ``refuted``."""
    return symgrad.verify(stop.derivative, stop.closed_form, *stop.args).status


def shown(value: Any) -> str:
    """A number, an array or a container of them, with three digits."""
    if value is None:
        return "None"
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    if np.ndim(value):
        return "[" + " ".join(map(shown, value)) + "]"
    return f"{float(value):.3g}"


def print_row(section: str, what: str, derived: str, closed_form: str, status: str) -> None:
    print(f"{section:<14}{what:<29}{derived:<48}{closed_form:<48}{status}", flush=True)


def print_table() -> list[str]:
    """All stops; what the comparisons say."""
    print_row("section", "what", "derived", "closed form", "status")
    statuses = []
    # disable=None: no bar where the output is not a terminal
    stops = [(section, stop) for section, stops in TOUR.items() for stop in stops]
    for section, stop in tqdm(stops, unit="stop", disable=None, leave=False):
        statuses.append(compare(stop))
        with tqdm.external_write_mode():
            derived, closed_form = shown(stop.derivative(*stop.args)), shown(stop.closed_form(*stop.args))
            print_row(section, stop.what, derived, closed_form, statuses[-1])
    for what, derivative, expected in UNCONNECTED:
        found = derivative(*WEIGHTS)
        statuses.append("equal" if found == expected else "different")
        print_row("unconnected", what, shown(found), shown(expected), statuses[-1])
    return statuses


# The figure


def draw(path: Path) -> None:
    """Activation functions and their first two derivatives."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    figure.suptitle("Activation functions and their derivatives, derived by symgrad (all axes without unit)")
    functions = (sigmoid, tanh, softplus, swish, relu, leaky_relu)
    for axes, function in zip(figure.subplots(2, 3, sharex=True).flat, functions, strict=True):
        draw_function(axes, function)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def draw_function(axes, function: Callable) -> None:
    x = np.linspace(-5, 5, 400)
    axes.plot(x, function(x), label="f(x)")
    axes.plot(x, symgrad.elementwise_grad(function)(x), label="f'(x)")
    axes.plot(x, twice(function)(x), "--", label="f''(x)")
    axes.set(xlabel="x", ylabel="value", title=function.__name__.replace("_", " "), ylim=(-1.2, 2.2))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="the same tour: it takes a few seconds only")
    parser.add_argument("--seed", type=int, default=0, help="without effect: nothing here is random")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_sources() -> None:
    print("The second derivative of the sigmoid, as symgrad wrote it:\n")
    print(twice(sigmoid).source(*POINTS))
    print("The cross entropy's gradient with respect to the logits:\n")
    print(symgrad.grad(cross_entropy).source(LOGITS, LABELS))
    print("The perceptron with many outputs:\n")
    print(symgrad.grad(many_outputs, ("W", "b")).source(*TWO_EXAMPLES))
    print("Two layers, and the derivatives of y2 with respect to y1, w1 and w2:\n")
    print(symgrad.gradients(two_layers, "y2", ["y1", "w1", "w2"]).source(*WEIGHTS))


def main() -> None:
    chosen = options()
    show_sources()
    statuses = print_table()
    draw(chosen.figure)
    print(f"\nActivation functions: {chosen.figure}")
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    print(f"result: {len(statuses)} derivatives compared with their closed forms: {counts}")


if __name__ == "__main__":
    main()
