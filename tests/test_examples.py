"""The examples run, and what they print is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
DATA = EXAMPLES / "data"


def run(script: str, *flags: str | Path) -> str:
    command = [sys.executable, EXAMPLES / script, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not re.search("batch|Warning", done.stderr), "a progress bar where there is no terminal, or a warning"
    return done.stdout


def row(output: str, first: str) -> list[str]:
    """The cells of the row that begins with ``first``."""
    (line,) = (line for line in output.splitlines() if line.strip().startswith(first))
    return line.strip().removeprefix(first).split()


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "mnist.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    """What softmax regression prints for two epochs on the images that come with symgrad."""
    return run("mnist_softmax.py", "--epochs", "2", "--figure", figure)


def test_three_ways_agree(output: str) -> None:
    for first in ("1 ", "2 ", "test accuracy"):
        cells = row(output, first)
        assert len(cells) == 3
        assert len(set(cells)) == 1, cells
    assert float(row(output, "test accuracy")[0]) > 0.85
    assert float(row(output, "2 ")[0]) < float(row(output, "1 ")[0])


def test_closed_form_is_proved(output: str) -> None:
    assert re.search(r"closed form: .*proved", output)


def test_source_is_shown(output: str) -> None:
    body = output.partition("symgrad wrote it:")[2].partition("Compared with")[0]
    assert "def loss_grad(W, b, X, Y):" in body
    compile(body.strip(), "shown", "exec")


def test_origin_is_stated(output: str) -> None:
    assert "Y. LeCun, C. Cortes, C. Burges" in output
    assert "examples/data/mnist_subset.npz" in output


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_other_data(tmp_path: Path) -> None:
    """A file in Keras' layout, of sizes that no batch divides, trains too."""
    rng = np.random.default_rng(0)
    images = {
        f"x_{part}": rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        for part, size in (("train", 70), ("test", 30))
    }
    digits = {f"y_{part}": rng.integers(0, 10, size, dtype=np.uint8) for part, size in (("train", 70), ("test", 30))}
    data = tmp_path / "keras.npz"
    np.savez(data, **images, **digits)
    flags = ("--data", data, "--epochs", "1", "--batch", "16", "--rate", "0.05", "--figure", tmp_path / "figure.png")
    output = run("mnist_softmax.py", *flags)
    assert str(data) in output
    assert len(set(row(output, "test accuracy"))) == 1


def test_subset_is_stratified() -> None:
    path = DATA / "mnist_subset.npz"
    assert path.stat().st_size < 2_000_000
    with np.load(path) as data:
        shapes = {name: (data[name].shape, data[name].dtype) for name in data.files}
        # MNIST's first class has 5923 of 60000 training and 980 of 10000 test images.
        assert np.bincount(data["y_train"])[0] == 987
        assert np.bincount(data["y_test"])[0] == 196
    assert shapes == {
        "x_train": ((10_000, 28, 28), np.uint8),
        "y_train": ((10_000,), np.uint8),
        "x_test": ((2_000, 28, 28), np.uint8),
        "y_test": ((2_000,), np.uint8),
    }
