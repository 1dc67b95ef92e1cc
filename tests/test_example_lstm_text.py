"""examples/lstm_text.py: the gradient is that of the loss, and the network learns the rhymes."""

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
    return tmp_path_factory.mktemp("figures") / "new" / "lstm.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("lstm_text.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("lstm_text")


def test_it_learns(output: str) -> None:
    reported = re.findall(r"^ +\d+ +(\d\.\d{3}) +\d\.\d\d  .+$", output, re.MULTILINE)
    assert len(reported) == 10
    bits = [float(cell) for cell in reported]
    assert bits[-1] < bits[0] / 2
    assert float(result(output).split()[0]) < 2
    assert "one character before   2.8" in output


def test_gradients_are_clipped(output: str) -> None:
    (clipped,) = re.findall(r"^(\d+) of 250 gradients were clipped", output, re.MULTILINE)
    assert 0 < int(clipped) < 250


def test_source_is_shown(output: str) -> None:
    body = output.partition("one back.")[2].partition("rhymes.txt")[0]
    assert "def loss_value_and_grad(params, h, c, text):" in body
    assert "in reversed(" in body
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert f"Loss and norms: {figure}" in output
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_other_text(tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("ä line, änd änother.\n" * 40, encoding="utf-8")
    flags = ("--steps", "30", "--units", "12", "--seed", "3", "--figure", tmp_path / "figure.png")
    output = run("lstm_text.py", "--text", text, *flags)
    assert "short.txt: 840 characters" in output
    assert "after 30 steps" in result(output)


def test_gradient_by_differences(example) -> None:
    """With states that a window before left, and a gradient through every step."""
    rng = np.random.default_rng(0)
    params = example.initial(5, 3, rng)
    h, c = rng.normal(size=(2, 4, 3))
    text = rng.integers(0, 5, (6, 4))
    symgrad.check_grads(lambda params: example.loss(params, h, c, text)[0], (params,))
    (value, states), _ = example.loss_and_gradient(params, h, c, text)
    wanted, (h, c) = example.loss(params, h, c, text)
    assert value == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(states, (h, c), rtol=1e-12)


def test_windows_cover_the_streams(example) -> None:
    """Each stream goes on where the window before ended; all streams together are the text."""
    text = example.Text.read(example.TEXT)
    windows = text.windows()
    pieces = [next(windows)]
    while not (following := next(windows))[0]:
        assert np.array_equal(pieces[-1][1][-1], following[1][0])
        pieces.append(following)
    read = np.concatenate([window[:-1] for _, window in pieces])
    assert pieces[0][0]
    length = (len(text.codes) - 1) // example.STREAMS
    assert len(read) > length - example.WINDOW
    for k, stream in enumerate(read.T):
        assert np.array_equal(stream, text.codes[k * length :][: len(read)])


def test_counting(example) -> None:
    text = example.Text("ab", np.array([0, 1] * 8))
    assert text.bits_by_counting(0) == pytest.approx(1)
    assert text.bits_by_counting(1) == pytest.approx(0)
