"""examples/wgan.py: the penalty and its gradient are right, and the generated points move to the clouds."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

import symgrad


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "wgan.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("wgan.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("wgan")


def test_points_move_to_the_clouds(output: str) -> None:
    before, after, found = re.findall(r"\d+\.\d+|\d+(?= of)", result(output))
    assert float(after) < 0.5 * float(before)
    assert int(found) >= 4
    assert result(output).endswith("of 8 clouds found")


def test_table_compares_with_real_points(output: str) -> None:
    rows = re.findall(
        r"^(generated, before|generated, after|other real).*?(\d\.\d+) +(\d\.\d+) +(\d)$", output, re.MULTILINE
    )
    assert [name for name, *_ in rows] == ["generated, before", "generated, after", "other real"]
    assert float(rows[2][1]) < 0.1
    assert rows[2][3] == "8"


def test_source_is_shown(output: str) -> None:
    body = output.partition("as symgrad wrote them:")[2].partition("Differences of")[0]
    assert "def critic_loss_value_and_grad(critic, real, generated, between, strength):" in body
    assert "symgrad" not in body
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert f"Points and curves: {figure}" in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_penalty_of_a_linear_critic(example) -> None:
    """The slope is the weights everywhere: the penalty is ``(|w| - 1)²``."""
    w, points = np.array([[1.5], [2.0]]), np.random.default_rng(0).normal(size=(4, 2))
    critic = [(w, np.zeros(1))]
    value, gradient = symgrad.value_and_grad(example.gradient_penalty)(critic, points)
    assert value == pytest.approx((2.5 - 1) ** 2)
    np.testing.assert_allclose(gradient[0][0], 2 * (2.5 - 1) * w / 2.5, rtol=1e-12)
    np.testing.assert_array_equal(gradient[0][1], [0.0])


def test_penalty_of_hidden_units(example) -> None:
    """The slope by the chain rule: ``W (V (1 - tanh²))``."""
    rng = np.random.default_rng(0)
    critic, points = example.initial([2, 5, 1], rng), rng.normal(size=(4, 2))
    (W, b), (V, _) = critic
    slopes = ((1 - np.tanh(points @ W + b) ** 2) * V[:, 0]) @ W.T
    np.testing.assert_allclose(example.score_slopes(critic, points), slopes, rtol=1e-12)
    expected = np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    assert example.gradient_penalty(critic, points) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("hidden", [[3], [4, 3]])
def test_gradients_by_differences(example, hidden: list[int]) -> None:
    rng = np.random.default_rng(1)
    critic, generator = example.initial([2, *hidden, 1], rng), example.initial([2, *hidden, 2], rng)
    real, generated, between = (rng.normal(size=(3, 2)) for _ in range(3))
    symgrad.check_grads(example.critic_loss, (critic, real, generated, between, 0.7))
    symgrad.check_grads(example.generator_loss, (generator, critic, rng.normal(size=(3, 2))))


def test_critic_learns_slope_one(example) -> None:
    """A critic between two clouds that keep their place ends with slopes near one."""
    rng = np.random.default_rng(0)
    game = example.Game(example.initial([2, 8, 2], rng), example.initial([2, 16, 1], rng))
    example.train(game, steps=60, batch=32, strength=10.0, rng=rng)
    assert len(game.losses) == len(game.slopes) == 60
    assert game.slopes[-1] == pytest.approx(1.0, abs=0.3)


def test_measures(example) -> None:
    rng = np.random.default_rng(0)
    real = example.clouds(2000, rng)
    assert example.sliced_wasserstein(real, real) == 0.0
    assert example.sliced_wasserstein(real, real + np.array([1.0, 0.0])) == pytest.approx(2 / np.pi, rel=1e-3)
    share, number = example.found_clouds(real)
    assert share > 0.99
    assert number == 8
    assert example.found_clouds(np.full((100, 2), [2.0, 0.0])) == (1.0, 1)
    assert example.found_clouds(np.zeros((100, 2))) == (0.0, 0)
