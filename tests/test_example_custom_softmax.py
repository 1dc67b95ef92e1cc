"""examples/custom_softmax.py: the gradient by hand is the derived one, and the loss does each thing once."""

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
    return tmp_path_factory.mktemp("figures") / "new" / "softmax.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("custom_softmax.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("custom_softmax")


@pytest.fixture
def small(example):
    """Parameters, images and labels of few sizes."""
    rng = np.random.default_rng(0)
    params = {
        "W1": rng.normal(size=(6, 5)),
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(5, 3)),
        "b2": rng.normal(size=3),
    }
    return params, rng.normal(size=(7, 6)), np.eye(3)[rng.integers(0, 3, 7)]


# The script


def test_it_learns(output: str) -> None:
    pattern = r"accuracy (0\.\d+) on training batches, (0\.\d+) on test images after 300 steps"
    on_batches, on_test = map(float, re.fullmatch(pattern, result(output)).groups())
    assert on_batches > 0.88
    assert on_test > 0.9


def test_goal_is_reached_and_reports_come_once(tmp_path: Path) -> None:
    """A report every 500 steps, and 0.96 of the training batches right long before 3,000."""
    output = run("custom_softmax.py", "--steps", "1000", "--figure", tmp_path / "softmax.png")
    assert float(re.match(r"accuracy (0\.\d+)", result(output)).group(1)) > 0.96
    assert re.findall(r"^step +(\d+): [01]\.\d+ of the batch right$", output, re.MULTILINE) == ["500", "1000"]
    assert "In 1,000 steps the cross entropy was called 1,000 times" in output


def test_gradient_by_hand_is_the_derived_one(output: str) -> None:
    assert "Compared with the one by hand: proved" in output
    table = re.findall(r"^ +(W1|b1|W2|b2) +(\S+) +(\S+)$", output, re.MULTILINE)
    assert [name for name, *_ in table] == ["W1", "b1", "W2", "b2"]
    for _, largest, difference in table:
        assert float(difference) < 1e-12 * float(largest)


def test_source_is_shown(output: str) -> None:
    body = output.partition("around the custom gradient:")[2].partition("The gradient of")[0]
    assert body.count("watched_cross_entropy(") == 1
    assert body.count("rng.random(") == 1
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")


# The loss


def test_gradient_is_that_of_differences(example, small) -> None:
    params, X, Y = small
    symgrad.check_grads(example.cross_entropy, (X @ params["W1"][:, :3], Y))
    symgrad.check_grads(lambda params: example.watched_loss(params, X, Y, 1, False, None), (params,))


@pytest.mark.parametrize("is_train", [True, False])
def test_custom_and_derived_gradients_agree(example, small, is_train) -> None:
    value, custom = example.watched_value_and_grad(*small, 1, is_train, np.random.default_rng(3))
    plain_value, derived = example.plain_value_and_grad(*small, is_train, np.random.default_rng(3))
    assert value == plain_value
    for name in custom:
        np.testing.assert_allclose(custom[name], derived[name], rtol=1e-12, atol=1e-15)


def test_dropout_has_the_slope_of_differences(example, small) -> None:
    """With the masks of one seed the loss is a function; its slope along a direction is the gradient's."""
    params, X, Y = small
    _, gradient = example.watched_value_and_grad(params, X, Y, 1, True, np.random.default_rng(3))
    direction = {name: np.random.default_rng(4).normal(size=array.shape) for name, array in params.items()}

    def along(t: float) -> float:
        moved = {name: array + t * direction[name] for name, array in params.items()}
        return example.plain_loss(moved, X, Y, True, np.random.default_rng(3))

    slope = sum(np.sum(gradient[name] * direction[name]) for name in params)
    assert (along(1e-6) - along(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-6)


def test_masks_are_drawn_once(example, small) -> None:
    """After value and gradient the generator is where it is after the loss alone."""
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    example.watched_value_and_grad(*small, 1, True, rng)
    example.watched_loss(*small, 1, True, other)
    assert rng.random() == other.random()


def test_body_runs_once(example, small, capsys) -> None:
    rng = np.random.default_rng(3)
    example.watched_value_and_grad(*small, 1, True, rng)
    example.batch_accuracies.clear()
    capsys.readouterr()
    example.watched_value_and_grad(*small, 500, True, rng)
    assert len(example.batch_accuracies) == 1
    assert capsys.readouterr().out.count("step   500: ") == 1


def test_labels_and_step_have_no_gradient(example, small) -> None:
    _, X, Y = small

    def loss(z, Y):
        return example.watched_cross_entropy(z, Y, 1)

    found = symgrad.grad(loss, argnums=("z", "Y"))(X[:, :3], Y)
    np.testing.assert_allclose(found[0], example.by_hand(X[:, :3], Y), rtol=1e-12)
    assert not np.any(found[1])
