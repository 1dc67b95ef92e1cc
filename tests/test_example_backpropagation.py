"""examples/backpropagation.py: all comparisons with the textbook are proofs, and both gradients train alike."""

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
    return tmp_path_factory.mktemp("figures") / "new" / "moons.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("backpropagation.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("backpropagation")


def rows(output: str, heading: str) -> list[str]:
    """The rows of a table, one for each kind of hidden units and more."""
    table = output.partition(heading)[2].splitlines()[1:]
    return [line for line in table if re.match("tanh|sigmoid|relu", line)]


def test_textbook_is_proved(output: str) -> None:
    verdicts = [row for row in rows(output, "is it what symgrad derives?") if "delta" not in row][:6]
    assert [row.split()[0] for row in verdicts] == ["tanh"] * 2 + ["sigmoid"] * 2 + ["relu"] * 2
    assert all("proved: equal for every size and every value" in row for row in verdicts), verdicts
    assert result(output).startswith("6 of 6 proved equal to the textbook")


def test_source_is_shown(output: str) -> None:
    body = output.partition("forward pass:")[2].partition("hidden units")[0]
    assert "def cross_entropy_grad(params, X, Y, activation):" in body
    compile(body.strip(), "shown", "exec")


def test_both_gradients_train_alike(output: str) -> None:
    trained = rows(output, "cost, textbook")
    assert len(trained) == 3
    for row in trained:
        _, derived, by_hand, score = row.split()
        assert float(derived) == pytest.approx(float(by_hand), rel=1e-6)
        assert float(score) > 0.95


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert f"Costs and regions: {figure}" in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_wrong_formula_is_refuted(example) -> None:
    """A delta without the slope of the hidden units is found out."""
    rng = np.random.default_rng(0)
    params, (X, Y) = example.initial([2, 4, 2], rng), example.two_moons(6, 0.1, rng)
    forgotten = example.textbook(lambda z: 1 + 0 * z, example.cross_entropy_delta)
    gradient = example.GRADIENTS["cross entropy"]
    assert symgrad.verify(gradient, forgotten, params, X, Y, np.tanh).refuted


@pytest.mark.parametrize("hidden", [[], [3], [4, 3, 5, 2]])
def test_other_depths_are_proved(example, hidden: list[int]) -> None:
    rng = np.random.default_rng(0)
    params, (X, Y) = example.initial([2, *hidden, 2], rng), example.two_moons(6, 0.1, rng)
    by_hand = example.textbook(example.sigmoid_slope, example.quadratic_delta)
    assert symgrad.verify(example.GRADIENTS["quadratic"], by_hand, params, X, Y, example.sigmoid).proved


@pytest.mark.parametrize("cost", ["quadratic", "cross entropy"])
def test_gradient_by_differences(example, cost: str) -> None:
    rng = np.random.default_rng(0)
    params, (X, Y) = example.initial([2, 4, 3, 2], rng), example.two_moons(6, 0.1, rng)
    loss = example.COSTS[cost].loss
    symgrad.check_grads(lambda params: loss(params, X, Y, np.tanh), (params,))
