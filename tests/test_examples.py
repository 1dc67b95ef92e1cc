"""The examples run, and what they print is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

DATA = EXAMPLES / "data"


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
    return run("mnist_softmax.py", "--short", "--figure", figure)


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


def test_result_is_the_accuracy(output: str) -> None:
    assert result(output) == f"test accuracy {row(output, 'test accuracy')[1]} after 2 epochs"


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


def run_all(directory: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLES / "run_all.py", "--directory", directory, *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def write(path: Path, *statements: str) -> None:
    path.write_text(
        "\n".join(("import sys", 'if __name__ == "__main__":', *(f"    {line}" for line in statements), ""))
    )


def test_all_are_run(tmp_path: Path) -> None:
    write(tmp_path / "second.py", "print('result: flags', *sys.argv[1:])")
    write(tmp_path / "first.py", "print('more')", "print('result: one')")
    (tmp_path / "helper.py").write_text("1 / 0\n")
    done = run_all(tmp_path, "--short")
    assert done.returncode == 0
    first, second, _, total = done.stdout.splitlines()
    assert re.fullmatch(r"first\.py +[\d.]+ s  one", first)
    assert re.fullmatch(r"second\.py +[\d.]+ s  flags --short", second)
    assert re.fullmatch(r"2 of 2 examples succeeded in [\d.]+ s", total)


@pytest.mark.parametrize("statement", ["raise ValueError('trouble')", "print('trouble')"], ids=["error", "no result"])
def test_a_failure_is_reported_and_the_others_run(tmp_path: Path, statement: str) -> None:
    write(tmp_path / "first.py", statement)
    write(tmp_path / "second.py", "print('result: two')")
    done = run_all(tmp_path)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert re.search(r"second\.py +[\d.]+ s  two", done.stdout)
    assert "1 of 2 examples succeeded" in done.stdout
    assert "trouble" in done.stderr
