"""Back-propagation: the formulas of the textbook, proved equal to what symgrad derives.

A textbook derives the gradient of a multilayer perceptron by hand. With z_l = a_(l-1) W_l + b_l, a_l = sigma(z_l) and a
row per example, it arrives at errors delta that run from the last layer to the first:

    delta_L = dC/da_L * sigma'(z_L)                        the error of the outputs
    delta_l = (delta_(l+1) W_(l+1)') * sigma'(z_l)         an error from that of the layer above
    dC/dW_l = a_(l-1)' delta_l                             a gradient from inputs and errors
    dC/db_l = sum of delta_l over the examples

Here only the forward pass is written down. symgrad derives the gradient from it, this program prints the code and has
it compared with the formulas: for three kinds of hidden units and two costs ``symgrad.verify`` proves them equal, for
layers of any width, any number of examples and all values. Then networks learn to tell two moons apart.

    python examples/backpropagation.py
    python examples/backpropagation.py --hidden 20 20 20     # a deeper network
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "backpropagation.png"
FORMULAS = """\
delta_L = {output_delta}
delta_l = (delta_(l+1) W_(l+1)') * {slope}
dC/dW_l = a_(l-1)' delta_l,   dC/db_l = sum of delta_l over the examples
"""

Params = list[tuple[np.ndarray, np.ndarray]]
Gradient = Callable[..., Params]


# The network and its cost: all that has to be written


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(z, 0)


def network(params, X, activation):
    """z_L, a column per class, for a row of ``X`` per example; the outputs a_L are its sigmoid."""
    a = X
    for W, b in params[:-1]:
        a = activation(a @ W + b)
    W, b = params[-1]
    return a @ W + b


def quadratic(params, X, Y, activation):
    a = sigmoid(network(params, X, activation))
    return 0.5 * np.mean(np.sum((a - Y) ** 2, axis=1))


def cross_entropy(params, X, Y, activation):
    """``-(Y * log(a) + (1 - Y) * log(1 - a))``, written so that it stays finite where an output rounds to 0 or 1."""
    z = network(params, X, activation)
    return np.mean(np.sum(np.logaddexp(0, z) - Y * z, axis=1))


# The textbook


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def sigmoid_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def relu_slope(z):
    return np.where(z > 0, 1.0, 0.0)


def quadratic_delta(z, Y):
    return (sigmoid(z) - Y) * sigmoid_slope(z) / len(Y)


def cross_entropy_delta(z, Y):
    """The slope of the sigmoid cancels, so that outputs that are far off learn fast: why this cost is used."""
    return (sigmoid(z) - Y) / len(Y)


def textbook(slope, output_delta) -> Gradient:
    """Back-propagation for hidden units with this slope and the cost with this error of the outputs."""

    def gradient(params, X, Y, activation):
        a, z = [X], []
        for W, b in params:
            z.append(a[-1] @ W + b)
            a.append(activation(z[-1]))
        delta = output_delta(z[-1], Y)
        gradients = [(a[-2].T @ delta, delta.sum(axis=0))]
        for layer in range(len(params) - 2, -1, -1):
            W_above, _ = params[layer + 1]
            delta = (delta @ W_above.T) * slope(z[layer])
            gradients.insert(0, (a[layer].T @ delta, delta.sum(axis=0)))
        return gradients

    return gradient


@dataclass(frozen=True)
class Units:
    """Hidden units: sigma, its slope, and the slope as the textbook prints it."""

    activation: Callable
    slope: Callable
    printed: str


@dataclass(frozen=True)
class Cost:
    """A cost, the error of the outputs that it leads to, and that error as the textbook prints it."""

    loss: Callable
    output_delta: Callable
    printed: str


UNITS = {
    "tanh": Units(np.tanh, tanh_slope, "(1 - tanh(z_l)^2)"),
    "sigmoid": Units(sigmoid, sigmoid_slope, "sigma(z_l) (1 - sigma(z_l))"),
    "relu": Units(relu, relu_slope, "[z_l > 0]"),
}
COSTS = {
    "quadratic": Cost(quadratic, quadratic_delta, "(a_L - Y) * a_L (1 - a_L) / n"),
    "cross entropy": Cost(cross_entropy, cross_entropy_delta, "(a_L - Y) / n"),
}
GRADIENTS = {name: symgrad.grad(cost.loss) for name, cost in COSTS.items()}


# The comparison


def show_derivative(params: Params, X: np.ndarray, Y: np.ndarray) -> None:
    """Print the formulas for tanh units and cross entropy, and under them the code that symgrad wrote."""
    units, cost = UNITS["tanh"], COSTS["cross entropy"]
    print("Hidden units tanh, cost cross entropy. The textbook:\n")
    print(FORMULAS.format(output_delta=cost.printed, slope=units.printed))
    print("symgrad; the statements that end with a line number are those of the forward pass:\n")
    print(GRADIENTS["cross entropy"].source(params, X, Y, units.activation))


def verify_all(params: Params, X: np.ndarray, Y: np.ndarray) -> int:
    """Compare the derivatives with the textbook for all units and costs; the number that are proved equal."""
    proved = 0
    print(f"{'hidden units':<14}{'cost':<15}{'delta_L':<31}is it what symgrad derives?")
    for unit_name, units in UNITS.items():
        for cost_name, cost in COSTS.items():
            formulas = textbook(units.slope, cost.output_delta)
            verdict = symgrad.verify(GRADIENTS[cost_name], formulas, params, X, Y, units.activation)
            proved += verdict.proved
            print(f"{unit_name:<14}{cost_name:<15}{cost.printed:<31}{verdict}", flush=True)
    return proved


# Data


def two_moons(examples: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of two half circles that reach into each other, and which of the two, one-hot."""
    moon = rng.integers(0, 2, examples)
    angle = rng.uniform(0, np.pi, examples)
    sign = 1 - 2 * moon
    X = np.column_stack([sign * np.cos(angle) - 0.5 + moon, sign * np.sin(angle) - 0.25 + 0.5 * moon])
    return X + noise * rng.normal(size=X.shape), np.eye(2)[moon]


def initial(widths: list[int], rng: np.random.Generator) -> Params:
    """Weights of variance one over the number of inputs, zero biases."""
    return [(rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairwise(widths)]


def accuracy(params: Params, X: np.ndarray, Y: np.ndarray, activation: Callable) -> float:
    return float(np.mean(network(params, X, activation).argmax(axis=1) == Y.argmax(axis=1)))


# Training


@dataclass
class Run:
    """A training: the parameters at its end and the costs on the way."""

    params: Params
    costs: list[float]


def train(gradient: Gradient, start: Params, X: np.ndarray, Y: np.ndarray, activation: Callable, steps: int) -> Run:
    """Gradient descent with momentum on all examples, the cross entropy after every step."""
    optimizer = optim.Momentum(0.2, 0.9)
    run, state = Run(start, []), optimizer.init(start)
    # disable=None: no bar where the output is not a terminal
    for _ in tqdm(range(steps), unit="step", disable=None, leave=False):
        run.params, state = optimizer.update(gradient(run.params, X, Y, activation), state, run.params)
        run.costs.append(float(cross_entropy(run.params, X, Y, activation)))
    return run


def train_both(start: Params, X: np.ndarray, Y: np.ndarray, units: Units, steps: int) -> tuple[Run, Run]:
    """A training with the derived gradient, and one with the textbook's, from the same start."""
    by_hand = textbook(units.slope, cross_entropy_delta)
    derived = train(GRADIENTS["cross entropy"], start, X, Y, units.activation, steps)
    return derived, train(by_hand, start, X, Y, units.activation, steps)


# The figure


def draw(runs: dict[str, tuple[Run, Run]], X: np.ndarray, Y: np.ndarray, path: Path) -> None:
    """The cost per step, derived and by hand, and what each network takes the plane to be."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    first, *rest = figure.subplots(2, 2).flat
    draw_costs(first, runs)
    for axes, (name, (derived, _)) in zip(rest, runs.items(), strict=True):
        regions = draw_regions(axes, derived.params, UNITS[name].activation)
        draw_points(axes, X, Y)
        axes.set_title(f"{name} units")
    figure.colorbar(regions, ax=rest, label="output for moon 1 less output for moon 0", shrink=0.9)
    figure.suptitle("Two moons: back-propagation derived by symgrad, and by the textbook")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def draw_costs(axes, runs: dict[str, tuple[Run, Run]]) -> None:
    for k, (name, (derived, by_hand)) in enumerate(runs.items()):
        steps = range(1, len(derived.costs) + 1)
        axes.semilogy(steps, derived.costs, f"C{k}", linewidth=4, alpha=0.5, label=f"{name}, symgrad")
        axes.semilogy(steps, by_hand.costs, f"C{k}--", linewidth=1, label=f"{name}, textbook")
    axes.set(xlabel="step", ylabel="mean cross entropy (nats)", title="Cost (the curves of a pair coincide)")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_regions(axes, params: Params, activation: Callable):
    x, y = np.meshgrid(np.linspace(-2.2, 2.2, 200), np.linspace(-1.7, 1.7, 160))
    outputs = sigmoid(network(params, np.column_stack([x.ravel(), y.ravel()]), activation))
    margin = (outputs[:, 1] - outputs[:, 0]).reshape(x.shape)
    regions = axes.contourf(x, y, margin, levels=np.linspace(-1, 1, 21), cmap="RdBu_r", alpha=0.6)
    axes.contour(x, y, margin, levels=[0], colors="black")
    axes.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
    return regions


def draw_points(axes, X: np.ndarray, Y: np.ndarray) -> None:
    for moon, colour in enumerate(("navy", "darkred")):
        axes.scatter(*X[Y[:, moon] == 1].T, s=6, color=colour, label=f"moon {moon}")
    axes.legend(loc="lower left")


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Back-propagation: the formulas of the textbook, proved equal to what symgrad derives.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--hidden", type=int, nargs="+", default=[16, 12], help="hidden units of each layer")
    parser.add_argument("--steps", type=int, default=1500, help="steps of gradient descent")
    parser.add_argument("--short", action="store_true", help="at most 500 steps")
    parser.add_argument("--seed", type=int, default=0, help="of the data and of the weights")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def train_all(start: Params, steps: int, rng: np.random.Generator, figure: Path) -> dict[str, float]:
    """Train with all units, print a row for each, draw the figure; the accuracies on other examples."""
    X, Y = two_moons(400, 0.15, rng)
    test = two_moons(2000, 0.15, rng)
    runs, scores = {}, {}
    print(f"{'hidden units':<14}{'cost, symgrad':>16}{'cost, textbook':>16}{'test accuracy':>15}")
    for name, units in UNITS.items():
        derived, by_hand = runs[name] = train_both(start, X, Y, units, steps)
        scores[name] = accuracy(derived.params, *test, units.activation)
        print(f"{name:<14}{derived.costs[-1]:>16.10f}{by_hand.costs[-1]:>16.10f}{scores[name]:>15.4f}", flush=True)
    draw(runs, X, Y, figure)
    return scores


def main() -> None:
    chosen = options()
    rng = np.random.default_rng(chosen.seed)
    start = initial([2, *chosen.hidden, 2], rng)
    example = two_moons(10, 0.15, rng)
    show_derivative(start, *example)
    proved = verify_all(start, *example)
    steps = min(chosen.steps, 500) if chosen.short else chosen.steps
    print(f"\nTwo moons, {steps} steps on 400 examples, 2,000 others to test:\n")
    scores = train_all(start, steps, rng, chosen.figure)
    print(f"\nCosts and regions: {chosen.figure}")
    listed = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
    print(f"result: {proved} of {len(UNITS) * len(COSTS)} proved equal to the textbook; test accuracy {listed}")


if __name__ == "__main__":
    main()
