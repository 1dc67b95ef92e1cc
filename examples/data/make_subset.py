"""Draw the committed subset of MNIST from the full set: python examples/data/make_subset.py mnist.npz

The full set is the file that Keras publishes (``keras.datasets.mnist``): arrays ``x_train`` (60000, 28, 28) and
``x_test`` (10000, 28, 28) of uint8 grey levels, ``y_train`` and ``y_test`` of digits. The subset has the same layout.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SEED = 20240229
TRAIN, TEST = 10_000, 2_000
TARGET = Path(__file__).with_name("mnist_subset.npz")


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
        rng.choice(np.flatnonzero(labels == digit), share, replace=False)
        for digit, share in enumerate(shares(labels, size))
    ]
    return np.sort(np.concatenate(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a stratified subset of MNIST.")
    parser.add_argument("full", type=Path, help="the full set in Keras' npz layout")
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with np.load(options.full) as full:
        train = stratified(full["y_train"], TRAIN, rng)
        test = stratified(full["y_test"], TEST, rng)
        subset = {
            "x_train": full["x_train"][train],
            "y_train": full["y_train"][train],
            "x_test": full["x_test"][test],
            "y_test": full["y_test"][test],
        }
    np.savez_compressed(options.out, **subset)
    print(f"{options.out}: {TRAIN} + {TEST} images, {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
