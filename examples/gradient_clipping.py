"""Exploding gradients of a recurrent network, clipped by hand.

A recurrent network of relu units reads a sequence of 50 pairs and has to give the sum of two of the numbers: the
adding problem (S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997). Its recurrent
weights start as 1.03 times the identity (after Q. Le, N. Jaitly, G. Hinton, "A simple way to initialize recurrent
networks of rectified linear units", 2015). The 3 % too much are multiplied fifty times over: the norm of the first
gradients is of hundreds to many thousands.

With TensorFlow's verbs a step of training has three parts, and the gradients are in hand between them:

    pairs = optimizer.compute_gradients(loss, params, xs, y)
    gradients, norm = optim.clip_by_global_norm([gradient for gradient, _ in pairs], limit)
    params, state = optimizer.apply_gradients(zip(gradients, [parameter for _, parameter in pairs]), state)

Three runs start from the same weights: with clipping; without, which diverges at once; and without at a learning rate
so small that it survives, and so small that it learns nothing but the mean.

    python examples/gradient_clipping.py              # 2,000 steps
    python examples/gradient_clipping.py --short      # shorter sequences and fewer steps, in a few seconds
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "gradient_clipping.png"
# The squared error of one who always says 1, the mean of the sum of two numbers from [0, 1]: the variance of the sum
GUESSING = 1 / 6
DIVERGED = 1e6
BEYOND = 1e20

Params = dict[str, Any]
Batch = tuple[np.ndarray, np.ndarray]


# The network and its loss


def loss(params, xs, y):
    """``xs`` are the inputs by time, sequence and channel, ``y`` what to say at the end of each sequence."""
    h = np.zeros((xs.shape[1], len(params["b"])))
    for x in xs:
        h = np.maximum(x @ params["Wx"] + h @ params["Wh"] + params["b"], 0.0)
    return np.mean((h @ params["v"] + params["c"] - y) ** 2)


loss_value_and_grad = symgrad.value_and_grad(loss)


def start(units: int, scale: float, rng: np.random.Generator) -> Params:
    return {
        "Wx": rng.normal(scale=0.3, size=(2, units)),
        "Wh": scale * np.eye(units),
        "b": np.zeros(units),
        "v": rng.normal(scale=1 / np.sqrt(units), size=units),
        "c": 0.0,
    }


# The task


def sequences(length: int, count: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Batches of sequences: random numbers, and beside them a mark at one in each half; and the sums of the marked."""
    every = np.arange(count)
    while True:
        numbers, marks = rng.random((length, count)), np.zeros((length, count))
        marks[rng.integers(0, length // 2, count), every] = 1
        marks[rng.integers(length // 2, length, count), every] = 1
        yield np.stack([numbers, marks], axis=2), np.sum(numbers * marks, axis=0)


# Training


@dataclass(frozen=True)
class Task:
    """The sequences, the network, and how long it is trained."""

    length: int = 50
    count: int = 50
    units: int = 50
    scale: float = 1.03
    steps: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Run:
    """How a run was set up; and of every step the norm of the gradient before clipping, and the loss."""

    name: str
    rate: float
    limit: float
    norms: list[float]
    losses: list[float]

    @property
    def diverged(self) -> bool:
        return not self.losses[-1] < DIVERGED

    @property
    def reached(self) -> float:
        """The loss at the end: the median of the last twentieth of the steps."""
        return float(np.median(self.losses[-max(1, len(self.losses) // 20) :]))


def train(name: str, task: Task, rate: float, limit: float = math.inf) -> Run:
    """Train until the steps are done, or until the loss is out of all bounds."""
    rng = np.random.default_rng(task.seed)
    params = start(task.units, task.scale, rng)
    optimizer = optim.Momentum(rate, 0.9)
    state = optimizer.init(params)
    run = Run(name, rate, limit, [], [])
    stream = islice(sequences(task.length, task.count, rng), task.steps)
    # disable=None: no bar where the output is not a terminal
    for xs, y in tqdm(stream, total=task.steps, desc=name, unit="step", disable=None, leave=False):
        pairs = optimizer.compute_gradients(loss_value_and_grad, params, xs, y)
        gradients, norm = optim.clip_by_global_norm([gradient for gradient, _ in pairs], limit)
        params, state = optimizer.apply_gradients(zip(gradients, [p for _, p in pairs], strict=True), state)
        run.norms.append(norm)
        run.losses.append(float(pairs.value))
        if run.diverged:
            break
    return run


def three_runs(task: Task, rate: float, limit: float, small_rate: float) -> list[Run]:
    with np.errstate(over="ignore", invalid="ignore"):  # that numbers overflow is what the second run is to show
        return [
            train("clipped", task, rate, limit),
            train("not clipped", task, rate),
            train("not clipped, small rate", task, small_rate),
        ]


def print_runs(runs: list[Run]) -> None:
    columns = "rate", "limit", "first norm", "largest norm", "loss at the end"
    print(f"{'':<24}{'steps':>7}" + "".join(f"{column:>16}" for column in columns))
    for run in runs:
        numbers = run.rate, run.limit, run.norms[0], max(run.norms), run.reached
        print(f"{run.name:<24}{len(run.losses):>7}" + "".join(f"{number:>16.3g}" for number in numbers))


# The figure


def draw(runs: list[Run], limit: float, path: Path) -> None:
    figure = Figure(figsize=(11.5, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for run, colour in zip(runs, ("C0", "C3", "C2"), strict=True):
        label = f"{run.name}: leaves the plot at step {len(run.losses)}" if run.diverged else run.name
        draw_curve(left, run.norms, colour, label)
        draw_curve(right, run.losses, colour, label)
    left.axhline(limit, color="black", linestyle="--", linewidth=1, label="limit of the clipped run")
    left.set(ylabel="norm of all gradients, before clipping", title="Gradient norm", ylim=(1e-2, 1e7))
    right.axhline(GUESSING, color="black", linestyle=":", linewidth=1, label="who always says the mean: 1/6")
    right.set(ylabel="mean squared error", title="Loss", ylim=(3e-3, 1e4))
    for axes in (left, right):
        axes.set(xlabel="step", xscale="log", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle("The adding problem: a recurrent network with and without clipping")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def draw_curve(axes: Axes, curve: list[float], colour: str, label: str) -> None:
    """What is infinite or NaN is drawn as far above the plot."""
    drawn = np.minimum(np.nan_to_num(curve, nan=BEYOND), BEYOND)
    axes.plot(range(1, len(drawn) + 1), drawn, color=colour, linewidth=0.9, label=label)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--steps", type=int, default=2000, help="steps of training")
    parser.add_argument("--rate", type=float, default=0.01, help="learning rate, with a momentum of 0.9")
    parser.add_argument("--small-rate", type=float, default=1e-6, help="learning rate of the third run")
    parser.add_argument("--limit", type=float, default=1.0, help="largest norm of all gradients together")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and the sequences")
    parser.add_argument("--short", action="store_true", help="sequences of 20 pairs, and 400 steps only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivative(task: Task) -> None:
    rng = np.random.default_rng(task.seed)
    print("Value and gradient of the loss, as symgrad wrote them:\n")
    print(
        loss_value_and_grad.source(start(task.units, task.scale, rng), *next(sequences(task.length, task.count, rng)))
    )


def main() -> None:
    chosen = options()
    task = Task(steps=chosen.steps, seed=chosen.seed)
    if chosen.short:
        # A larger scale makes up for the shorter sequence: 1.08**20 is about 1.03**50.
        task = replace(task, length=20, scale=1.08, steps=400)
    show_derivative(task)
    runs = three_runs(task, chosen.rate, chosen.limit, chosen.small_rate)
    print_runs(runs)
    draw(runs, chosen.limit, chosen.figure)
    print(f"\nGradient norms and losses: {chosen.figure}")
    clipped, exploded, small = runs
    without = f"diverged at step {len(exploded.losses)}" if exploded.diverged else f"{exploded.reached:.3f}"
    print(f"result: loss {clipped.reached:.3f} with clipping; without, {without}; at a small rate {small.reached:.3f}")


if __name__ == "__main__":
    main()
