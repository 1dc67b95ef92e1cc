"""Linear regression on a million points, by mini-batches.

The model is the line x1 * w + b, the loss the mean squared error, both in plain NumPy. Three optimizers of
``symgrad.optim`` are handed the loss and learn w and b from batches of a thousand points. For a line there is a formula
for the best w and b, least squares: what they learn must come close to it.

    python examples/linear_regression.py                     # a million points, three epochs
    python examples/linear_regression.py --batch 100         # more and cheaper steps
    python examples/linear_regression.py --short             # one epoch
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "linear_regression.png"
TRUE_W, TRUE_B, NOISE = 2.0, 5.0, 0.5

Params = dict[str, float]


# The loss, and its gradient in closed form


def loss(params, x1, y):
    predicted = x1 * params["w"] + params["b"]
    return np.mean((predicted - y) ** 2)


def closed_form(params, x1, y):
    error = x1 * params["w"] + params["b"] - y
    return {"w": 2 * (error @ x1) / len(y), "b": 2 * np.mean(error)}


loss_grad = symgrad.grad(loss)


# Data


@dataclass(frozen=True)
class Points:
    """Points (x1, y) near a line."""

    x1: np.ndarray
    y: np.ndarray

    @classmethod
    def random(cls, count: int, rng: np.random.Generator) -> Points:
        x1 = rng.uniform(0, 4, size=count)
        return cls(x1, x1 * TRUE_W + TRUE_B + rng.normal(scale=NOISE, size=count))

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All points once, in a random order. They move as a whole: then each batch is a slice, which costs nothing."""
        order = rng.permutation(len(self.x1))
        x1, y = self.x1[order], self.y[order]
        for start in range(0, len(order), size):
            yield x1[start : start + size], y[start : start + size]


def least_squares(points: Points) -> Params:
    A = np.stack([points.x1, np.ones_like(points.x1)], axis=1)
    (w, b), *_ = np.linalg.lstsq(A, points.y)
    return {"w": float(w), "b": float(b)}


def distance(params: Params, best: Params) -> float:
    return max(abs(params[name] - best[name]) for name in best)


# Training


@dataclass(frozen=True)
class Run:
    """What one optimizer did: the parameters and the batch's loss at each step, and the microseconds of a step."""

    params: list[Params]
    losses: list[float]
    microseconds: float


def optimizers(steps: int) -> dict[str, optim.Optimizer]:
    """The learning rate falls to zero: with a constant one, the noise of the batches would keep w and b moving."""
    return {
        "gradient descent": optim.GradientDescent(optim.cosine_decay(0.1, steps)),
        "momentum": optim.Momentum(optim.cosine_decay(0.01, steps), momentum=0.9),
        "Adam": optim.Adam(optim.cosine_decay(0.1, steps)),
    }


def train(name: str, optimizer: optim.Optimizer, points: Points, epochs: int, batch: int, seed: int) -> Run:
    params = {"w": 0.0, "b": 0.0}
    state = optimizer.init(params)
    trace, losses, seconds = [params], [], []
    rng = np.random.default_rng(seed)
    steps = epochs * -(-len(points.x1) // batch)
    with tqdm(total=steps, desc=name, unit="step", disable=None, leave=False) as bar:
        for _ in range(epochs):
            for x1, y in points.batches(batch, rng):
                begin = time.perf_counter()
                value, params, state = optimizer.minimize(loss, params, x1, y, state=state)
                seconds.append(time.perf_counter() - begin)
                trace.append(params)
                losses.append(float(value))
                bar.update()
    return Run(trace, losses, 1e6 * median(seconds))


# Tables


def print_runs(runs: dict[str, Run], best: Params) -> None:
    print(f"{'':<17}{'w':>11}{'b':>11}{'off by':>10}{'µs per step':>14}")
    for name, run in runs.items():
        learned = run.params[-1]
        off = distance(learned, best)
        print(f"{name:<17}{learned['w']:11.6f}{learned['b']:11.6f}{off:10.1e}{run.microseconds:14.1f}")
    print(f"{'least squares':<17}{best['w']:11.6f}{best['b']:11.6f}{0:10.1e}")
    print(f"{'truth':<17}{TRUE_W:11.6f}{TRUE_B:11.6f}\n")


def microseconds(call: Callable, *args: object, repeats: int = 50) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call(*args)
        times.append(time.perf_counter() - begin)
    return 1e6 * median(times)


def print_times(points: Points, batch: int) -> None:
    """What a gradient costs, next to the loss and to the formula written by hand."""
    params = {"w": 0.0, "b": 0.0}
    print(f"{'µs per call, of':>17}{'loss':>11}{'symgrad':>11}{'by hand':>11}")
    for count in (batch, len(points.x1)):
        args = params, points.x1[:count], points.y[:count]
        cells = (f"{microseconds(call, *args):11.1f}" for call in (loss, loss_grad, closed_form))
        print(f"{count:>10,} points" + "".join(cells))
    print()


# The figure


def draw(points: Points, runs: dict[str, Run], best: Params, path: Path) -> None:
    figure = Figure(figsize=(14, 4.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    draw_fit(left, points, runs)
    for name, run in runs.items():
        middle.loglog(range(1, len(run.losses) + 1), run.losses, label=name, linewidth=0.8)
        right.loglog([distance(params, best) for params in run.params], label=name, linewidth=0.8)
    middle.axhline(NOISE**2, color="black", linestyle="--", linewidth=1, label="variance of the noise")
    middle.set(xlabel="step", ylabel="mean squared error of the batch", title="Loss")
    right.set(xlabel="step", ylabel="largest error of w and b", title="Distance from least squares")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def draw_fit(axes, points: Points, runs: dict[str, Run]) -> None:
    x1 = np.array([0.0, 4.0])
    axes.plot(points.x1[:2000], points.y[:2000], ".", color="lightgrey", markersize=3, label="2,000 of the points")
    for (name, run), width in zip(runs.items(), (6, 3.5, 1.2), strict=True):
        axes.plot(x1, x1 * run.params[-1]["w"] + run.params[-1]["b"], linewidth=width, label=name)
    axes.set(xlabel="x1 (no unit)", ylabel="y (no unit)", title="Fit (the three lines coincide)")


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--points", type=int, default=1_000_000, help="how many points")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the points")
    parser.add_argument("--batch", type=int, default=1000, help="points per step")
    parser.add_argument("--seed", type=int, default=0, help="seed of the points and of their order")
    parser.add_argument("--short", action="store_true", help="one epoch only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivative(points: Points) -> None:
    example = {"w": 0.0, "b": 0.0}, points.x1, points.y
    print("The gradient of the loss, as symgrad wrote it:\n")
    print(loss_grad.source(*example))
    print("Compared with the closed form:", symgrad.verify(loss_grad, closed_form, *example), "\n")


def main() -> None:
    chosen = options()
    points = Points.random(chosen.points, np.random.default_rng(chosen.seed))
    epochs = 1 if chosen.short else chosen.epochs
    steps = epochs * -(-chosen.points // chosen.batch)
    print(f"{chosen.points:,} points, {steps:,} steps of {chosen.batch:,} points\n")
    show_derivative(points)
    best = least_squares(points)
    runs = {
        name: train(name, optimizer, points, epochs, chosen.batch, chosen.seed)
        for name, optimizer in optimizers(steps).items()
    }
    print_runs(runs, best)
    print_times(points, chosen.batch)
    draw(points, runs, best, chosen.figure)
    print(f"Fit, loss and distance: {chosen.figure}")
    off = max(distance(run.params[-1], best) for run in runs.values())
    pace = min(run.microseconds for run in runs.values())
    print(f"result: w and b within {off:.1e} of least squares after {steps:,} steps, {pace:.0f} µs per step at best")


if __name__ == "__main__":
    main()
