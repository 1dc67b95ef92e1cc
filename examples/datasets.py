"""Images for the examples: read from a file in Keras' layout, scaled, and dealt out in shuffled batches.

The file is one of the subsets that come with symgrad, or what Keras publishes as ``keras.datasets.mnist`` and
``keras.datasets.fashion_mnist``: arrays ``x_train`` and ``x_test`` of grey levels from 0 to 255, ``y_train`` and
``y_test`` of classes. This is no example itself; the examples import it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MNIST = HERE / "data" / "mnist_subset.npz"
FASHION_MNIST = HERE / "data" / "fashion_mnist_subset.npz"
CLASSES = 10
LEAST_DEVIATION = 0.1

Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Images:
    """Images as rows of numbers, and the class of each."""

    X: np.ndarray
    labels: np.ndarray

    @property
    def Y(self) -> np.ndarray:
        return one_hot(self.labels)

    def __len__(self) -> int:
        return len(self.X)


def one_hot(labels: np.ndarray) -> np.ndarray:
    """A row for each label, zero but for a one in the column of its class."""
    return np.eye(CLASSES)[labels]


def load(path: Path) -> tuple[Images, Images]:
    """The training and the test images of a file in Keras' layout, grey levels in [0, 1]."""
    with np.load(path) as data:
        return _images(data["x_train"], data["y_train"]), _images(data["x_test"], data["y_test"])


def _images(grey: np.ndarray, labels: np.ndarray) -> Images:
    return Images(grey.reshape(len(grey), -1) / 255.0, labels)


def standardised(training: Images, test: Images) -> tuple[Images, Images]:
    """Both with mean 0 and standard deviation 1 in every pixel, as measured on the training images only.

    A pixel at the border is black in nearly all images. Divided by its tiny deviation, the few others would be huge.
    """
    mean, deviation = training.X.mean(axis=0), np.maximum(training.X.std(axis=0), LEAST_DEVIATION)
    first, second = (Images((images.X - mean) / deviation, images.labels) for images in (training, test))
    return first, second


def batches(images: Images, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """All images once, in random order, with their one-hot labels; the last batch may be smaller."""
    order = rng.permutation(len(images))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield images.X[rows], one_hot(images.labels[rows])


def endless_batches(images: Images, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Batches of full size without end; each pass over the images has an order of its own."""
    if size > len(images):
        raise ValueError(f"there are {len(images)} images, too few for a batch of {size}")
    while True:
        yield from (batch for batch in batches(images, size, rng) if len(batch[0]) == size)


def origin(path: Path) -> str:
    """Where the images come from, for a line of output."""
    if path in {MNIST, FASHION_MNIST}:
        return f"stratified subset, {path.relative_to(HERE.parent)}, see the README.md beside it"
    return str(path)
