"""examples/linear_regression.py: all optimizers come close to least squares."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

import symgrad

WAYS = "gradient descent", "momentum", "Adam"


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "line.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("linear_regression.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("linear_regression")


def learned(output: str, way: str) -> np.ndarray:
    (row,) = (line for line in output.splitlines() if line.startswith(way))
    return np.array([float(cell) for cell in row.removeprefix(way).split()[:2]])


def test_closed_form_is_proved(output: str) -> None:
    assert "def loss_grad(params, x1, y):" in output
    assert re.search(r"closed form: proved", output)


def test_all_ways_come_close_to_least_squares(output: str) -> None:
    assert output.startswith("1,000,000 points, 1,000 steps of 1,000 points")
    best = learned(output, "least squares")
    np.testing.assert_allclose(best, learned(output, "truth"), atol=0.01)
    for way in WAYS:
        np.testing.assert_allclose(learned(output, way), best, atol=0.02)
    assert float(re.match(r"w and b within (\S+) of least squares", result(output))[1]) < 0.02


def test_sizes_that_no_batch_divides(tmp_path: Path) -> None:
    flags = "--points", "10007", "--batch", "100", "--epochs", "20", "--figure", tmp_path / "line.png"
    output = run("linear_regression.py", *flags)
    best = learned(output, "least squares")
    assert "2,020 steps" in output
    for way in WAYS:
        np.testing.assert_allclose(learned(output, way), best, atol=0.1)


def test_gradient_of_all_points_vanishes_at_least_squares(example) -> None:
    points = example.Points.random(1000, np.random.default_rng(1))
    gradient = example.loss_grad(example.least_squares(points), points.x1, points.y)
    assert max(abs(slope) for slope in gradient.values()) < 1e-11


def test_gradient_against_differences(example) -> None:
    points = example.Points.random(9, np.random.default_rng(2))
    symgrad.check_grads(example.loss, ({"w": 0.3, "b": -1.0}, points.x1, points.y))


def test_batches_have_every_point_once(example) -> None:
    points = example.Points.random(10, np.random.default_rng(3))
    batches = list(points.batches(4, np.random.default_rng(4)))
    assert [len(x1) for x1, _ in batches] == [4, 4, 2]
    pairs = {(x1, y) for batch in batches for x1, y in zip(*batch, strict=True)}
    assert pairs == set(zip(points.x1, points.y, strict=True))


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")
