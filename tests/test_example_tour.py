"""examples/tour.py: every derivative of the tour is its closed form."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run

import symgrad

SECTIONS = ["derivatives", "repeated", "higher", "activations", "losses", "perceptrons", "chain rule", "unconnected"]


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "tour.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("tour.py", "--short", "--figure", figure)


@pytest.fixture(scope="module")
def rows(output: str) -> list[list[str]]:
    """The cells of the table: section, what, derived, closed form, status."""
    table = output.partition("section ")[2].partition("\n\n")[0].splitlines()[1:]
    return [re.split(r" {2,}", line) for line in table]


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("tour")


def test_derived_is_closed_form(rows: list[list[str]]) -> None:
    """What is shown agrees, and a gradient that symgrad derives for a whole function is proved."""
    assert list(dict.fromkeys(row[0] for row in rows)) == SECTIONS
    for section, what, derived, closed_form, status in rows:
        assert derived == closed_form, what
        allowed = {"proved", "tested"} if section in {"repeated", "chain rule"} else {"proved"}
        assert status in ({"equal"} if section == "unconnected" else allowed), (what, status)


@pytest.mark.parametrize(
    ("what", "derived"),
    [
        ("d(a w² + b w + c)/dw", "10"),
        ("y = x² and dy/dx", "9, 6"),
        ("dy/dx, y = x x inside", "6"),
        ("dz/dx, z = y y inside", "108"),
        ("d²(x³)/dx²", "18"),
        ("sum of x * w + b by w and b", "[[2 3] [2 3] [2 3]], [3 3]"),
        ("dy1/dw2", "None"),
        ("dy1/d(x, w2, b2, y2)", "2, None, None, None"),
    ],
)
def test_known_values(rows: list[list[str]], what: str, derived: str) -> None:
    assert [row[2] for row in rows if row[1] == what] == [derived]


def test_result(output: str, rows: list[list[str]]) -> None:
    assert result(output).startswith(f"{len(rows)} derivatives compared with their closed forms: ")
    assert not re.search("refuted|different", result(output))


def test_sources_are_shown(output: str) -> None:
    shown = output.partition("section ")[0]
    names = ["sigmoid_elementwise_grad(x)", "cross_entropy_grad(z, Y)", "many_outputs_grad(W, b, X, Y)", "two_layers_"]
    assert all(f"def {name}" in shown for name in names)


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert f"Activation functions: {figure}" in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_wrong_closed_forms_are_refuted(example) -> None:
    """The comparison can fail: each closed form, made wrong by a tenth."""

    def wrong(value):
        if isinstance(value, tuple | list):
            return type(value)(wrong(item) for item in value)
        return np.asarray(value) * 1.1

    for stop in [*example.SLOPES, *example.HIGHER, *example.PERCEPTRONS]:
        changed = stop._replace(closed_form=lambda *args, stop=stop: wrong(stop.closed_form(*args)))
        assert example.compare(changed) == "refuted", stop.what


@pytest.mark.parametrize("name", ["squared_error", "weighted_softmax", "cross_entropy"])
def test_losses_by_differences(example, name: str) -> None:
    rng = np.random.default_rng(0)
    symgrad.check_grads(getattr(example, name), (rng.normal(size=(3, 4)), np.eye(4)[[0, 2, 1]]))


def test_perceptrons_by_differences(example) -> None:
    rng = np.random.default_rng(0)
    symgrad.check_grads(example.one_output, (rng.normal(size=3), 0.3, rng.normal(size=3), 0.7))
    args = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]]
    symgrad.check_grads(example.many_outputs, args)


def test_large_logits(example) -> None:
    """The cross entropy and its gradient stay finite where the exponential overflows."""
    z, Y = np.array([[1000.0, 0.0, -1000.0]] * 2), np.eye(3)[[0, 2]]
    value, slope = symgrad.value_and_grad(example.cross_entropy)(z, Y)
    assert value == 1000.0
    np.testing.assert_array_equal(slope, [[0, 0, 0], [0.5, 0, -0.5]])


def test_chain_rule_multiplies(example) -> None:
    """``dy2/dw1`` is ``dy2/dy1`` times ``dy1/dw1``, at any weights."""
    args = tuple(np.random.default_rng(0).normal(size=5))
    slope = {(y, x): symgrad.gradients(example.two_layers, y, x)(*args) for y, x in [("y2", "y1"), ("y1", "w1")]}
    whole = symgrad.gradients(example.two_layers, "y2", "w1")(*args)
    assert whole == pytest.approx(slope["y2", "y1"] * slope["y1", "w1"], rel=1e-15)
