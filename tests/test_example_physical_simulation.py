"""examples/physical_simulation.py: the gradient runs through the whole simulation, and the fit nears the truth."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "slice.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("physical_simulation.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("physical_simulation")


def test_fit_nears_the_truth(output: str) -> None:
    before, after = map(float, re.findall(r"([\d.]+) m/s", result(output)))
    assert before > 40
    assert after < 15


def test_loss_goes_below_that_of_the_truth(output: str) -> None:
    """The truth does not explain the noise, and its edges have their price."""
    losses = {step: float(value) for step, value in re.findall(r"^ +(\w+) +(0\.\d+) +[\d.]+$", output, re.MULTILINE)}
    assert list(losses) == ["0", "20", "40", "60", "truth"]
    assert losses["60"] < losses["40"] < losses["20"] < losses["0"] / 2
    assert losses["60"] < 1.05 * losses["truth"]


def test_printed_slopes_agree(output: str) -> None:
    along = float(re.search(r"by the gradient: +(\S+)", output)[1])
    differences = float(re.search(r"by differences: +(\S+)", output)[1])
    assert along == pytest.approx(differences, rel=1e-6)


def test_code_is_shown(output: str) -> None:
    assert "def loss_value_and_grad(speed, measured, damping, pulse, sources, receivers):" in output
    assert "for t in reversed(range(len(pulse))):" in output


def test_gradient_against_differences(example) -> None:
    experiment = example.Experiment.of(24, 3, 0.1, np.random.default_rng(0))
    _, gradient = example.loss_and_grad(experiment.start, *experiment.known)
    h = 1e-5
    for cell in ((12, 12), (9, 15), (1, 1), (0, 5), (23, 23)):
        above, below = experiment.start, experiment.start
        above[cell] += h
        below[cell] -= h
        difference = (example.loss(above, *experiment.known) - example.loss(below, *experiment.known)) / (2 * h)
        assert gradient[cell] == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_sound_travels_at_its_speed(example) -> None:
    """A pulse is heard on the other side of the ring when a wave of 1.5 mm/µs gets there."""
    size = 64
    sources, receivers = example.ring(size, 1, 20), example.ring(size, 2, 20)
    water = np.full((size, size), example.WATER)
    heard = example.record(water, example.absorbing(size), example.pulse_of(150), sources, receivers)
    near, far = np.argmax(np.abs(heard[:, 0]), axis=0)
    assert far - near == pytest.approx(40 * example.CELL / example.WATER / example.STEP, abs=4)


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")
