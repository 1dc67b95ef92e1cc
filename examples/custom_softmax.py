"""A softmax cross entropy with a gradient of its own, in TensorFlow's form.

A function decorated with ``symgrad.custom_gradient`` returns its value and a function ``gradient(upstream)``, which is
handed the derivative of the loss with respect to this value, and returns those with respect to the arguments. The
labels and the number of the step get None: they are passed through. symgrad differentiates everything around such a
function, and calls it. What the function does besides computing, here to note the accuracy of the batch and print it
now and then, is done once per step, although both value and gradient are computed.

The network has one hidden layer of 150 relu units with dropout, which the argument ``is_train`` turns on. The masks
are drawn inside of the loss, from a generator that is passed in; they too are drawn once, and the gradient sees those
of the value.

The gradient that is written by hand here is the textbook's ``softmax(z) - Y``. symgrad can derive it, too: the program
has symgrad prove that both are equal, and compares all gradients of the network on one batch.

    python examples/custom_softmax.py                      # 10,000 images that come with symgrad
    python examples/custom_softmax.py --data mnist.npz     # the full set, in the layout of Keras' mnist.npz
    python examples/custom_softmax.py --short              # 300 steps, in a few seconds
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from datasets import CLASSES, MNIST, Images, batches, endless_batches, load, origin
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "custom_softmax.png"
HIDDEN = 150
KEPT = 0.8  # the share of hidden units that dropout leaves
PRINTED = 500  # the accuracy is printed every so many steps
MEASURED = 100  # and that on the test images measured
AVERAGED = 100  # the result is the mean over so many batches at the end
GOAL = 0.96

Params = dict[str, np.ndarray]

batch_accuracies: list[float] = []


# The cross entropy: plain, and with a gradient of its own


def cross_entropy(z, Y):
    top = z.max(axis=1, keepdims=True)
    log_sum = top + np.log(np.sum(np.exp(z - top), axis=1, keepdims=True))
    return np.mean(log_sum - np.sum(Y * z, axis=1, keepdims=True))


def by_hand(z, Y):
    """The gradient of ``cross_entropy`` with respect to ``z``."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return (p - Y) / len(z)


@symgrad.custom_gradient
def watched_cross_entropy(z, Y, step):
    """The same, with its gradient by hand; and it notes the accuracy of the batch."""
    accuracy = np.mean(z.argmax(axis=1) == Y.argmax(axis=1))
    batch_accuracies.append(accuracy)
    if step % PRINTED == 0:
        tqdm.write(f"step {step:>5}: {accuracy:.4f} of the batch right")

    def gradient(upstream):
        return upstream * by_hand(z, Y), None, None

    return cross_entropy(z, Y), gradient


# The network


def logits(params, X, is_train, rng):
    hidden = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    if is_train:
        mask = rng.random(hidden.shape) < KEPT
        hidden = hidden * mask / KEPT
    return hidden @ params["W2"] + params["b2"]


def watched_loss(params, X, Y, step, is_train, rng):
    return watched_cross_entropy(logits(params, X, is_train, rng), Y, step)


def plain_loss(params, X, Y, is_train, rng):
    return cross_entropy(logits(params, X, is_train, rng), Y)


watched_value_and_grad = symgrad.value_and_grad(watched_loss)
plain_value_and_grad = symgrad.value_and_grad(plain_loss)


def random_params(inputs: int, rng: np.random.Generator) -> Params:
    return {
        "W1": rng.normal(scale=np.sqrt(2 / inputs), size=(inputs, HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "W2": rng.normal(scale=np.sqrt(2 / HIDDEN), size=(HIDDEN, CLASSES)),
        "b2": np.zeros(CLASSES),
    }


def accuracy(params: Params, images: Images) -> float:
    z = logits(params, images.X, is_train=False, rng=None)
    return float(np.mean(z.argmax(axis=1) == images.labels))


# By hand against derived


def show_derivative(images: Images, batch: int, seed: int) -> None:
    X, Y = next(batches(images, batch, np.random.default_rng(seed)))
    params = random_params(X.shape[1], np.random.default_rng(seed))
    print("Value and gradient of the loss, as symgrad wrote them around the custom gradient:\n")
    print(watched_value_and_grad.source(params, X, Y, 1, True, np.random.default_rng(seed)))
    show_cross_entropy(logits(params, X, is_train=False, rng=None), Y)
    print("Gradients of the network on one batch, with dropout:\n")
    print_comparison(*on_one_batch(params, X, Y, seed))


def show_cross_entropy(z: np.ndarray, Y: np.ndarray) -> None:
    derived = symgrad.grad(cross_entropy)
    print("The gradient of the cross entropy, as symgrad derives it:\n")
    print(derived.source(z, Y))
    print("Compared with the one by hand:", symgrad.verify(derived, by_hand, z, Y), "\n")


def on_one_batch(params: Params, X: np.ndarray, Y: np.ndarray, seed: int) -> tuple[Params, Params]:
    """The gradients with the custom and with the derived gradient; equal seeds make equal masks."""
    _, custom = watched_value_and_grad(params, X, Y, 1, True, np.random.default_rng(seed))
    _, derived = plain_value_and_grad(params, X, Y, True, np.random.default_rng(seed))
    return custom, derived


def print_comparison(custom: Params, derived: Params) -> None:
    print(f"{'':>5}{'largest entry':>16}{'largest difference of custom and derived':>44}")
    for name in custom:
        largest, difference = np.abs(custom[name]).max(), np.abs(custom[name] - derived[name]).max()
        print(f"{name:>5}{largest:>16.3e}{difference:>44.1e}")


# Training


@dataclass(frozen=True)
class History:
    """The accuracy on every batch, and that on the test images after some of the steps."""

    batches: list[float]
    tests: dict[int, float]

    @property
    def reached(self) -> float:
        """The mean over the last batches."""
        return float(np.mean(self.batches[-AVERAGED:]))


def train(training: Images, test: Images, steps: int, batch: int, rate: float, seed: int) -> History:
    rng = np.random.default_rng(seed)
    params = random_params(training.X.shape[1], rng)
    optimizer = optim.Adam(rate)
    state = optimizer.init(params)
    tests = {}
    batch_accuracies.clear()
    stream = enumerate(islice(endless_batches(training, batch, rng), steps), 1)
    # disable=None: no bar where the output is not a terminal
    for step, (X, Y) in tqdm(stream, total=steps, unit="step", disable=None, leave=False):
        _, params, state = optimizer.minimize(
            watched_value_and_grad, params, X, Y, step, is_train=True, rng=rng, state=state
        )
        if step % MEASURED == 0 or step == steps:
            tests[step] = accuracy(params, test)
    return History(list(batch_accuracies), tests)


# The figure


def draw(history: History, path: Path) -> None:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    every = np.array(history.batches)
    axes.plot(
        range(1, len(every) + 1), 100 * every, ".", markersize=1.5, alpha=0.4, label="a training batch, with dropout"
    )
    window = min(AVERAGED, len(every))
    means = np.convolve(every, np.ones(window) / window, mode="valid")
    axes.plot(range(window, len(every) + 1), 100 * means, label=f"mean of the last {window} batches")
    axes.plot(
        list(history.tests), [100 * share for share in history.tests.values()], "k.-", label="test images, no dropout"
    )
    axes.axhline(100 * GOAL, color="grey", linestyle="--", linewidth=1, label=f"{100 * GOAL:.0f} %")
    axes.set(xlabel="step", ylabel="accuracy (%)", ylim=(80, 100.5))
    axes.set_title("Custom softmax cross entropy on MNIST: accuracy")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=MNIST, help="images in the npz layout of Keras' mnist.npz")
    parser.add_argument("--steps", type=int, default=3000, help="steps of training")
    parser.add_argument("--batch", type=int, default=128, help="images per step")
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights, the batches and the masks")
    parser.add_argument("--short", action="store_true", help="300 steps only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    steps = 300 if chosen.short else chosen.steps
    training, test = load(chosen.data)
    print(f"MNIST (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0): {origin(chosen.data)}")
    print(f"{len(training):,} training and {len(test):,} test images\n")
    show_derivative(training, chosen.batch, chosen.seed)
    print("\nTraining:\n")
    history = train(training, test, steps, chosen.batch, chosen.rate, chosen.seed)
    print(f"\nIn {steps:,} steps the cross entropy was called {len(history.batches):,} times")
    draw(history, chosen.figure)
    print(f"Accuracy: {chosen.figure}")
    tested = history.tests[steps]
    print(
        f"result: accuracy {history.reached:.4f} on training batches, {tested:.4f} on test images after {steps:,} steps"
    )


if __name__ == "__main__":
    main()
