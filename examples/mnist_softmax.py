"""Softmax regression on MNIST, trained three ways that must agree.

One loss is written in NumPy. Its gradient comes

* from an optimizer that is handed the loss and differentiates it by itself,
* from ``symgrad.grad``, called by hand and applied by hand,
* from the formula in the textbook, written out in NumPy.

All three see the same batches and start from the same weights, so that their costs and accuracies must be equal.

    python examples/mnist_softmax.py                      # 10,000 images that come with symgrad
    python examples/mnist_softmax.py --data mnist.npz     # the full set, in the layout of Keras' mnist.npz
    python examples/mnist_softmax.py --short              # two epochs, in a few seconds
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad

HERE = Path(__file__).parent
SUBSET = HERE / "data" / "mnist_subset.npz"
FIGURE = HERE / "out" / "mnist_softmax.png"
CLASSES = 10

Params = tuple[np.ndarray, np.ndarray]
Step = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Params]


# The loss, and its gradient in closed form


def loss(W, b, X, Y):
    """Mean cross entropy of the one-hot labels ``Y`` and the softmax of ``X @ W + b``."""
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(Y * np.log(p), axis=1))


def closed_form(W, b, X, Y):
    """The gradient as a textbook has it: ``X' (P - Y) / n`` and the column sums of ``(P - Y) / n``.

    A textbook takes it that the labels of an image sum to one. symgrad proves equality for every ``Y``, so the factor
    that the textbook leaves out, the sum of the labels, is written here.
    """
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    error = (p * Y.sum(axis=1, keepdims=True) - Y) / len(X)
    return X.T @ error, error.sum(axis=0)


# Taking the derivative once is enough: it is a function, compiled when it is first called.
loss_grad = symgrad.grad(loss, argnums=("W", "b"))


# Three ways to take a step of gradient descent


@cache
def value_and_gradients(loss: Callable, count: int) -> Callable:
    """``loss``'s value and its gradients with respect to its first ``count`` arguments."""
    return symgrad.value_and_grad(loss, argnums=tuple(range(count)))


@dataclass(frozen=True)
class GradientDescent:
    """An optimizer that is handed a loss, as in TensorFlow: it takes the derivative itself."""

    rate: float

    def minimize(self, loss: Callable, params: tuple, *batch: np.ndarray) -> tuple[float, tuple]:
        """One step down ``loss(*params, *batch)``: its value before the step, and the new parameters."""
        value, gradients = value_and_gradients(loss, len(params))(*params, *batch)
        return value, tuple(p - self.rate * g for p, g in zip(params, gradients, strict=True))


def optimizer_step(rate: float) -> Step:
    optimizer = GradientDescent(rate)

    def step(W, b, X, Y):
        _, params = optimizer.minimize(loss, (W, b), X, Y)
        return params

    return step


def gradient_step(gradient: Callable, rate: float) -> Step:
    def step(W, b, X, Y):
        dW, db = gradient(W, b, X, Y)
        return W - rate * dW, b - rate * db

    return step


def three_ways(rate: float) -> dict[str, Step]:
    return {
        "optimizer": optimizer_step(rate),
        "symgrad.grad": gradient_step(loss_grad, rate),
        "closed form": gradient_step(closed_form, rate),
    }


# Data


@dataclass(frozen=True)
class Images:
    """Images as rows of grey levels in [0, 1], their digits, and the digits one-hot."""

    X: np.ndarray
    digits: np.ndarray

    @property
    def Y(self) -> np.ndarray:
        return np.eye(CLASSES)[self.digits]

    @classmethod
    def of(cls, grey: np.ndarray, digits: np.ndarray) -> Images:
        return cls(grey.reshape(len(grey), -1) / 255.0, digits)


def load(path: Path) -> tuple[Images, Images]:
    """The training and the test images of a file in Keras' layout."""
    with np.load(path) as data:
        return Images.of(data["x_train"], data["y_train"]), Images.of(data["x_test"], data["y_test"])


def origin(path: Path) -> str:
    if path == SUBSET:
        return f"stratified subset, {SUBSET.relative_to(HERE.parent)}, see the README.md beside it"
    return str(path)


def batches(images: Images, size: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    order = rng.permutation(len(images.X))
    Y = images.Y
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield images.X[rows], Y[rows]


def accuracy(params: Params, images: Images) -> float:
    W, b = params
    return float(np.mean(np.argmax(images.X @ W + b, axis=1) == images.digits))


# Training


@dataclass(frozen=True)
class History:
    """What training gave, per way: the parameters, the cost after each epoch, and the seconds all steps took."""

    params: dict[str, Params]
    costs: dict[str, list[float]]
    seconds: dict[str, float]


def train(ways: dict[str, Step], images: Images, epochs: int, batch: int, seed: int = 0) -> History:
    """Train every way from zero weights, side by side on the same batches; print a row of costs per epoch."""
    start = np.zeros((images.X.shape[1], CLASSES)), np.zeros(CLASSES)
    history = History(dict.fromkeys(ways, start), {way: [] for way in ways}, dict.fromkeys(ways, 0.0))
    rng = np.random.default_rng(seed)
    Y = images.Y
    print_row("epoch", *ways)
    # disable=None: no bar where the output is not a terminal
    with tqdm(total=epochs * -(-len(Y) // batch), unit="batch", disable=None, leave=False) as bar:
        for epoch in range(1, epochs + 1):
            for X_batch, Y_batch in batches(images, batch, rng):
                take_steps(ways, history, X_batch, Y_batch)
                bar.update()
            for way in ways:
                history.costs[way].append(float(loss(*history.params[way], images.X, Y)))
            with tqdm.external_write_mode():
                print_row(str(epoch), *(f"{history.costs[way][-1]:.10f}" for way in ways))
    return history


def take_steps(ways: dict[str, Step], history: History, X: np.ndarray, Y: np.ndarray) -> None:
    for way, step in ways.items():
        begin = time.perf_counter()
        history.params[way] = step(*history.params[way], X, Y)
        history.seconds[way] += time.perf_counter() - begin


def print_row(first: str, *cells: str) -> None:
    print(f"{first:>13}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


# The figure


def draw(history: History, path: Path) -> None:
    """Cost per epoch of the three ways, and the weights that they learned as one image per digit."""
    figure = Figure(figsize=(12.5, 4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 2))
    draw_costs(left, history.costs)
    W, _ = history.params["symgrad.grad"]
    draw_weights(right, W)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def draw_costs(figure, costs: dict[str, list[float]]) -> None:
    axes = figure.subplots()
    for (way, curve), width, style in zip(costs.items(), (7, 3.5, 1.2), ("-", "-", "--"), strict=True):
        axes.plot(range(1, len(curve) + 1), curve, style, linewidth=width, label=way)
    axes.set(xlabel="epoch", ylabel="mean cross entropy on the training set", title="Cost (the three curves coincide)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend()


def draw_weights(figure, W: np.ndarray) -> None:
    limit = np.abs(W).max()
    grid = figure.subplots(2, 5, sharex=True, sharey=True)
    for digit, axes in enumerate(grid.flat):
        image = axes.imshow(W[:, digit].reshape(28, 28), cmap="RdBu", vmin=-limit, vmax=limit)
        axes.set_title(f"digit {digit}")
    for axes in grid[-1]:
        axes.set_xlabel("pixel column")
    for axes in grid[:, 0]:
        axes.set_ylabel("pixel row")
    figure.suptitle("Learned weights")
    figure.colorbar(image, ax=grid, label="weight (blue: speaks for the digit)", shrink=0.9)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Softmax regression on MNIST, trained three ways that must agree.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SUBSET, help="images in the npz layout of Keras' mnist.npz")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training images")
    parser.add_argument("--batch", type=int, default=100, help="images per step")
    parser.add_argument("--rate", type=float, default=0.2, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the order of the images")
    parser.add_argument("--short", action="store_true", help="two epochs only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivative(images: Images) -> None:
    """Print the code that symgrad wrote for ``loss_grad``, and what it can prove of it."""
    W, b = np.zeros((images.X.shape[1], CLASSES)), np.zeros(CLASSES)
    example = W, b, images.X[:100], images.Y[:100]
    print("The gradient of the loss, as symgrad wrote it:\n")
    print(loss_grad.source(*example))
    print("Compared with the closed form:", symgrad.verify(loss_grad, closed_form, *example), "\n")


def main() -> None:
    chosen = options()
    training, test = load(chosen.data)
    print(f"MNIST (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0): {origin(chosen.data)}")
    print(f"{len(training.X):,} training and {len(test.X):,} test images\n")
    show_derivative(training)
    print("Cost on the training images after each epoch:\n")
    epochs = 2 if chosen.short else chosen.epochs
    history = train(three_ways(chosen.rate), training, epochs, chosen.batch, chosen.seed)
    print()
    steps = epochs * -(-len(training.X) // chosen.batch)
    accuracies = {way: f"{accuracy(params, test):.4f}" for way, params in history.params.items()}
    print_row("ms per step", *(f"{1e3 * seconds / steps:.3f}" for seconds in history.seconds.values()))
    print_row("test accuracy", *accuracies.values())
    draw(history, chosen.figure)
    print(f"\nCost curves and learned weights: {chosen.figure}")
    print(f"result: test accuracy {accuracies['symgrad.grad']} after {epochs} epochs")


if __name__ == "__main__":
    main()
