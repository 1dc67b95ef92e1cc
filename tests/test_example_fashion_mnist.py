"""examples/fashion_mnist.py, and the images that it shares with other examples."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

import symgrad

DATA = EXAMPLES / "data"
SUBSET = DATA / "fashion_mnist_subset.npz"


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "fashion.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("fashion_mnist.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("fashion_mnist")


@pytest.fixture
def datasets(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("datasets")


def keras_file(path: Path, train: int, test: int) -> Path:
    """Noise in Keras' layout, with labels that follow from the noise."""
    rng = np.random.default_rng(0)
    parts = {}
    for part, size in (("train", train), ("test", test)):
        parts[f"x_{part}"] = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        parts[f"y_{part}"] = parts[f"x_{part}"][:, 0, 0] % 10
    np.savez(path, **parts)
    return path


# The script


def test_it_learns(output: str) -> None:
    assert float(re.fullmatch(r"test accuracy (0\.\d+) after 2 epochs", result(output)).group(1)) > 0.7
    table = re.findall(r"^ +(\d+)" + r" +(\d\.\d+)" * 4 + "$", output, re.MULTILINE)
    assert [row[0] for row in table] == ["0", "1", "2"]
    for loss in (1, 2):
        assert float(table[2][loss]) < float(table[1][loss]) < float(table[0][loss])
    assert float(table[2][4]) > float(table[0][4]) + 0.5


def test_source_is_shown(output: str) -> None:
    body = output.partition("symgrad wrote them:")[2].partition("epoch ")[0]
    assert body.count("np.maximum(") == 4
    compile(body.strip(), "shown", "exec")


def test_origin_is_stated(output: str) -> None:
    assert "Zalando SE; MIT" in output
    assert "examples/data/fashion_mnist_subset.npz" in output
    assert "4,500 training and 1,000 test images" in output


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_other_data(tmp_path: Path) -> None:
    """A file in Keras' layout, of sizes that no batch divides, trains too."""
    data = keras_file(tmp_path / "keras.npz", 70, 30)
    flags = ("--epochs", "1", "--batch", "16", "--rate", "0.01", "--seed", "3", "--figure", tmp_path / "figure.png")
    output = run("fashion_mnist.py", "--data", data, *flags)
    assert str(data) in output
    assert result(output).endswith("after 1 epochs")


# The loss


def small_network(rng: np.random.Generator) -> tuple[list[dict[str, np.ndarray]], np.ndarray, np.ndarray]:
    widths = 6, 5, 4, 3
    layers = [{"W": rng.normal(size=(above, below)), "b": rng.normal(size=below)} for above, below in pairwise(widths)]
    return layers, rng.normal(size=(7, 6)), np.eye(3)[rng.integers(0, 3, 7)]


def test_gradient_is_that_of_differences(example) -> None:
    symgrad.check_grads(example.loss, small_network(np.random.default_rng(0)))


def backward_by_hand(layers, X, Y):
    inputs, masks = [X], []
    for layer in layers[:-1]:
        before = inputs[-1] @ layer["W"] + layer["b"]
        masks.append(before > 0)
        inputs.append(before * masks[-1])
    e = np.exp(inputs[-1] @ layers[-1]["W"] + layers[-1]["b"])
    delta = (e / e.sum(axis=1, keepdims=True) - Y) / len(X)
    gradient = []
    for k in reversed(range(len(layers))):
        gradient.insert(0, {"W": inputs[k].T @ delta, "b": delta.sum(axis=0)})
        if k:
            delta = delta @ layers[k]["W"].T * masks[k - 1]
    return gradient


def test_gradient_is_backpropagation(example) -> None:
    args = small_network(np.random.default_rng(1))
    _, found = example.loss_value_and_grad(*args)
    for layer, wanted in zip(found, backward_by_hand(*args), strict=True):
        for name in ("W", "b"):
            np.testing.assert_allclose(layer[name], wanted[name], rtol=1e-10, atol=1e-14)


def test_loss_does_not_overflow(example) -> None:
    z = np.array([[1000.0, 0.0], [0.0, -1000.0]])
    assert example.cross_entropy(z, np.eye(2)[[0, 1]]) == 500.0


# The images


def test_subset_is_stratified() -> None:
    assert SUBSET.stat().st_size < 2_500_000
    with np.load(SUBSET) as data:
        shapes = {name: (data[name].shape, data[name].dtype) for name in data.files}
        assert np.bincount(data["y_train"]).tolist() == [450] * 10
        assert np.bincount(data["y_test"]).tolist() == [100] * 10
    assert shapes == {
        "x_train": ((4_500, 28, 28), np.uint8),
        "y_train": ((4_500,), np.uint8),
        "x_test": ((1_000, 28, 28), np.uint8),
        "y_test": ((1_000,), np.uint8),
    }


def test_subset_is_drawn(tmp_path: Path) -> None:
    full, out = keras_file(tmp_path / "full.npz", 5_000, 1_100), tmp_path / "subset.npz"
    command = [sys.executable, DATA / "make_subset.py", "fashion_mnist", full, "--out", out]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(full) as data, np.load(out) as subset:
        whole = {image.tobytes() for image in data["x_train"]}
        assert len(subset["x_train"]) == 4_500
        assert len(subset["x_test"]) == 1_000
        assert len({image.tobytes() for image in subset["x_train"]} & whole) == 4_500
        np.testing.assert_array_equal(subset["y_train"], subset["x_train"][:, 0, 0] % 10)


def test_grey_levels_are_scaled(datasets) -> None:
    training, test = datasets.load(SUBSET)
    assert (training.X.min(), training.X.max()) == (0, 1)
    scaled, scaled_test = datasets.standardised(training, test)
    assert np.abs(scaled.X.mean(axis=0)).max() < 1e-12
    # Pixels that hardly vary keep a deviation below one, and none of their values is huge.
    deviation = scaled.X.std(axis=0)
    assert deviation.max() == pytest.approx(1)
    assert np.median(deviation) == pytest.approx(1)
    assert np.abs(scaled_test.X).max() < 12


def test_constant_pixels_are_no_trouble(datasets) -> None:
    images = datasets.Images(np.ones((4, 3)), np.arange(4))
    for scaled in datasets.standardised(images, images):
        np.testing.assert_array_equal(scaled.X, np.zeros((4, 3)))


def test_labels_are_one_hot(datasets) -> None:
    rows = datasets.one_hot(np.array([3, 0], dtype=np.uint8))
    assert rows.shape == (2, 10)
    assert rows.sum() == rows[0, 3] + rows[1, 0] == 2


def test_batches_have_every_image_once(datasets) -> None:
    images = datasets.Images(np.arange(10.0)[:, None], np.arange(10))
    found = list(datasets.batches(images, 4, np.random.default_rng(0)))
    assert [len(X) for X, _ in found] == [4, 4, 2]
    assert sorted(np.concatenate([X[:, 0] for X, _ in found])) == list(range(10))
    for X, Y in found:
        np.testing.assert_array_equal(Y.argmax(axis=1), X[:, 0])


def test_endless_batches_are_full_and_shuffled_anew(datasets) -> None:
    images = datasets.Images(np.arange(10.0)[:, None], np.arange(10))
    stream = datasets.endless_batches(images, 4, np.random.default_rng(0))
    found = [X[:, 0].tolist() for X, _ in islice(stream, 6)]
    assert {len(batch) for batch in found} == {4}
    assert found[:2] != found[2:4]
    with pytest.raises(ValueError, match="too few for a batch of 11"):
        next(datasets.endless_batches(images, 11, np.random.default_rng(0)))
