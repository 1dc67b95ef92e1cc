"""examples/gradient_clipping.py: with clipping the network learns, without it diverges or learns nothing."""

from __future__ import annotations

import importlib
import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

import symgrad
from symgrad import optim


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "clipping.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("gradient_clipping.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("gradient_clipping")


@pytest.fixture
def problem(example):
    """Parameters and a batch of short sequences."""
    rng = np.random.default_rng(0)
    return example.start(4, 1.1, rng), *next(example.sequences(5, 6, rng))


def test_only_the_clipped_run_learns(output: str) -> None:
    pattern = r"loss (\S+) with clipping; without, diverged at step (\d+); at a small rate (\S+)"
    clipped, step, small = re.fullmatch(pattern, result(output)).groups()
    assert float(clipped) < 0.1
    assert int(step) < 20
    assert float(small) > 0.13


def test_table_has_the_three_runs(output: str) -> None:
    names = "clipped|not clipped|not clipped, small rate"
    rows = re.findall(rf"^({names}) +(\d+)" + r" +(\S+)" * 5 + "$", output, re.MULTILINE)
    assert [row[0] for row in rows] == names.split("|")
    assert [row[1] for row in rows[::2]] == ["400", "400"]
    assert len({row[4] for row in rows}) == 1, "the first gradient of all runs is the same"
    assert float(rows[1][5]) > 1e6


def test_source_is_shown(output: str) -> None:
    body = output.partition("symgrad wrote them:")[2].partition("   steps  ")[0]
    assert "reversed(range(len(xs)))" in body
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_gradient_is_that_of_differences(example, problem) -> None:
    symgrad.check_grads(example.loss, problem)


def test_gradient_grows_with_the_sequence(example) -> None:
    """By about the power that the scale is raised to, times that of the state itself."""
    norms = []
    for length in (10, 20, 40):
        rng = np.random.default_rng(0)
        _, gradient = example.loss_value_and_grad(
            example.start(50, 1.2, rng), *next(example.sequences(length, 20, rng))
        )
        norms.append(optim.global_norm(gradient))
    assert norms[1] > 1.2**10 * norms[0]
    assert norms[2] > 1.2**20 * norms[1]


def test_sequences_have_two_marks(example) -> None:
    for xs, y in islice(example.sequences(10, 8, np.random.default_rng(0)), 3):
        numbers, marks = xs[:, :, 0], xs[:, :, 1]
        assert marks[:5].sum(axis=0).tolist() == marks[5:].sum(axis=0).tolist() == [1] * 8
        np.testing.assert_allclose(y, np.sum(numbers * marks, axis=0))


def test_mean_is_off_by_a_sixth(example) -> None:
    _, y = next(example.sequences(10, 200_000, np.random.default_rng(0)))
    assert np.mean((y - 1) ** 2) == pytest.approx(example.GUESSING, rel=0.02)


def test_a_clipped_step_is_as_long_as_the_limit(example, problem) -> None:
    params, xs, y = problem
    optimizer = optim.GradientDescent(0.5)
    pairs = optimizer.compute_gradients(example.loss_value_and_grad, params, xs, y)
    gradients, norm = optim.clip_by_global_norm([gradient for gradient, _ in pairs], 0.25)
    assert norm == pytest.approx(optim.global_norm(example.loss_value_and_grad(params, xs, y)[1]))
    assert norm > 0.25
    moved, _ = optimizer.apply_gradients(
        zip(gradients, [parameter for _, parameter in pairs], strict=True), optimizer.init(params)
    )
    change = {name: moved[name] - params[name] for name in params}
    assert optim.global_norm(change) == pytest.approx(0.5 * 0.25)


def test_a_limit_of_infinity_clips_nothing(example) -> None:
    """A run without limit makes the steps of an optimizer that knows nothing of clipping."""
    task = example.Task(length=5, count=6, units=4, scale=1.0, steps=3)
    rng = np.random.default_rng(task.seed)
    params, losses = example.start(task.units, task.scale, rng), []
    optimizer = optim.Momentum(0.01, 0.9)
    state = optimizer.init(params)
    for xs, y in islice(example.sequences(task.length, task.count, rng), task.steps):
        value, params, state = optimizer.minimize(example.loss_value_and_grad, params, xs, y, state=state)
        losses.append(value)
    assert example.train("", task, 0.01).losses == losses
