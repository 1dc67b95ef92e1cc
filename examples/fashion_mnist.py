"""Five dense layers on Fashion-MNIST, trained with Adam.

Ten kinds of clothes are told apart by a network of five dense layers, 256, 128, 64, 32 and 10 units wide, with relu
between them. The parameters are a list with a dict for each layer, the network is a loop over this list, and the loss
is the mean cross entropy, written so that no exponential overflows. symgrad unrolls the loop and derives the backward
pass: the code that is printed first.

Two things decide whether such a network learns: every pixel is scaled to mean 0 and standard deviation 1, and the
random weights are scaled so that a relu layer passes on numbers as large as those it gets (K. He et al., "Delving deep
into rectifiers", ICCV 2015).

    python examples/fashion_mnist.py                            # 4,500 images that come with symgrad
    python examples/fashion_mnist.py --data fashion_mnist.npz   # the full set, in the layout of Keras' file
    python examples/fashion_mnist.py --short                    # two epochs, in a few seconds
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from datasets import CLASSES, FASHION_MNIST, Images, batches, load, origin, standardised
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "fashion_mnist.png"
WIDTHS = (256, 128, 64, 32, CLASSES)

Layer = dict[str, np.ndarray]


# The network and its loss


def logits(layers, X):
    for layer in layers[:-1]:
        X = np.maximum(X @ layer["W"] + layer["b"], 0.0)
    return X @ layers[-1]["W"] + layers[-1]["b"]


def cross_entropy(z, Y):
    """Mean of ``-log(softmax(z))`` at the label: ``log(sum(exp(z)))``, of differences to the largest, minus z there."""
    top = z.max(axis=1, keepdims=True)
    log_sum = top + np.log(np.sum(np.exp(z - top), axis=1, keepdims=True))
    return np.mean(log_sum - np.sum(Y * z, axis=1, keepdims=True))


def loss(layers, X, Y):
    return cross_entropy(logits(layers, X), Y)


loss_value_and_grad = symgrad.value_and_grad(loss)


def random_layers(inputs: int, rng: np.random.Generator) -> list[Layer]:
    return [
        {"W": rng.normal(scale=np.sqrt(2 / above), size=(above, below)), "b": np.zeros(below)}
        for above, below in pairwise((inputs, *WIDTHS))
    ]


# Training


@dataclass(frozen=True)
class Record:
    """What was measured after an epoch: loss and accuracy on the training and on the test images."""

    epoch: int
    training_loss: float
    test_loss: float
    training_accuracy: float
    test_accuracy: float


def measured(layers: list[Layer], images: Images) -> tuple[float, float]:
    """Loss and accuracy."""
    z = logits(layers, images.X)
    return float(cross_entropy(z, images.Y)), float(np.mean(z.argmax(axis=1) == images.labels))


def record(epoch: int, layers: list[Layer], training: Images, test: Images) -> Record:
    training_loss, training_accuracy = measured(layers, training)
    test_loss, test_accuracy = measured(layers, test)
    return Record(epoch, training_loss, test_loss, training_accuracy, test_accuracy)


def train(training: Images, test: Images, epochs: int, batch: int, rate: float, seed: int) -> list[Record]:
    """Train from random weights; print a row per epoch, the first for the untrained network."""
    rng = np.random.default_rng(seed)
    layers = random_layers(training.X.shape[1], rng)
    optimizer = optim.Adam(rate)
    state = optimizer.init(layers)
    records = [record(0, layers, training, test)]
    print_row(records[0])
    # disable=None: no bar where the output is not a terminal
    with tqdm(total=epochs * -(-len(training) // batch), unit="batch", disable=None, leave=False) as bar:
        for epoch in range(1, epochs + 1):
            for X, Y in batches(training, batch, rng):
                _, layers, state = optimizer.minimize(loss_value_and_grad, layers, X, Y, state=state)
                bar.update()
            records.append(record(epoch, layers, training, test))
            with tqdm.external_write_mode():
                print_row(records[-1])
    return records


def print_header() -> None:
    columns = "training loss", "test loss", "training accuracy", "test accuracy"
    print(f"{'epoch':>5}" + "".join(f"{column:>19}" for column in columns))


def print_row(row: Record) -> None:
    numbers = row.training_loss, row.test_loss, row.training_accuracy, row.test_accuracy
    print(f"{row.epoch:>5}" + "".join(f"{number:>19.4f}" for number in numbers), flush=True)


# The figure


def draw(records: list[Record], path: Path) -> None:
    """Loss and accuracy from the first epoch on: the untrained network's would be far off."""
    figure = Figure(figsize=(10.5, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    trained = records[1:]
    epochs = [row.epoch for row in trained]
    left.plot(epochs, [row.training_loss for row in trained], ".-", label="training images")
    left.plot(epochs, [row.test_loss for row in trained], ".-", label="test images")
    left.set(xlabel="epoch", ylabel="mean cross entropy (nats)", title="Loss")
    right.plot(epochs, [100 * row.training_accuracy for row in trained], ".-", label="training images")
    right.plot(epochs, [100 * row.test_accuracy for row in trained], ".-", label="test images")
    right.set(xlabel="epoch", ylabel="accuracy (%)", title="Accuracy")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle("Five dense layers on Fashion-MNIST")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=FASHION_MNIST, help="images in Keras' npz layout")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training images")
    parser.add_argument("--batch", type=int, default=100, help="images per step")
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the order of the images")
    parser.add_argument("--short", action="store_true", help="two epochs only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivative(images: Images, batch: int) -> None:
    layers = random_layers(images.X.shape[1], np.random.default_rng(0))
    print("Value and gradient of the loss, as symgrad wrote them:\n")
    print(loss_value_and_grad.source(layers, images.X[:batch], images.Y[:batch]))


def main() -> None:
    chosen = options()
    epochs = 2 if chosen.short else chosen.epochs
    training, test = standardised(*load(chosen.data))
    print(f"Fashion-MNIST (Zalando SE; MIT): {origin(chosen.data)}")
    print(f"{len(training):,} training and {len(test):,} test images\n")
    show_derivative(training, chosen.batch)
    print_header()
    begin = time.perf_counter()
    records = train(training, test, epochs, chosen.batch, chosen.rate, chosen.seed)
    seconds = time.perf_counter() - begin
    draw(records, chosen.figure)
    print(f"\nTraining took {seconds:.1f} s")
    print(f"Loss and accuracy: {chosen.figure}")
    print(f"result: test accuracy {records[-1].test_accuracy:.4f} after {epochs} epochs")


if __name__ == "__main__":
    main()
