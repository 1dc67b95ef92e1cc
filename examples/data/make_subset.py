"""Draw a committed subset from a full set: python examples/data/make_subset.py mnist path/to/mnist.npz

The full sets are the files that Keras publishes (``keras.datasets.mnist``, ``keras.datasets.fashion_mnist``): arrays
``x_train`` (60000, 28, 28) and ``x_test`` (10000, 28, 28) of uint8 grey levels, ``y_train`` and ``y_test`` of classes.
The subsets have the same layout.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20240229
# How many images of the training and of the test set
SIZES = {"mnist": (10_000, 2_000), "fashion_mnist": (4_500, 1_000)}


def shares(labels: np.ndarray, size: int) -> np.ndarray:
    """How many images of each class a stratified subset of ``size`` has: proportional, largest remainders first."""
    exact = np.bincount(labels) * size / len(labels)
    whole = np.floor(exact).astype(int)
    missing = size - whole.sum()
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return whole


def stratified(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of ``size`` images, each class with its share, in the order of the full set."""
    chosen = [
        rng.choice(np.flatnonzero(labels == label), share, replace=False)
        for label, share in enumerate(shares(labels, size))
    ]
    return np.sort(np.concatenate(chosen))


def subset(full: Path, train_size: int, test_size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(SEED)
    with np.load(full) as data:
        train = stratified(data["y_train"], train_size, rng)
        test = stratified(data["y_test"], test_size, rng)
        return {
            "x_train": data["x_train"][train],
            "y_train": data["y_train"][train],
            "x_test": data["x_test"][test],
            "y_test": data["y_test"][test],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a stratified subset of MNIST or Fashion-MNIST.")
    parser.add_argument("name", choices=SIZES, help="which subset to draw")
    parser.add_argument("full", type=Path, help="the full set in Keras' npz layout")
    parser.add_argument("--out", type=Path, help="where to write it (default: NAME_subset.npz beside this script)")
    options = parser.parse_args()
    out = options.out or HERE / f"{options.name}_subset.npz"
    train_size, test_size = SIZES[options.name]
    np.savez_compressed(out, **subset(options.full, train_size, test_size))
    print(f"{out}: {train_size:,} + {test_size:,} images, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
