"""examples/himmelblau.py: the derivatives are those of calculus, and the paths end in the four minima."""

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
    return tmp_path_factory.mktemp("figures") / "new" / "himmelblau.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("himmelblau.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("himmelblau")


def test_derivatives_are_proved(output: str) -> None:
    assert re.findall(r"Compared with calculus: (\w+)", output) == ["proved", "proved"]
    assert "def himmelblau_grad(p):" in output
    assert "def himmelblau_hvp(p, v):" in output


def test_all_minima_are_found(output: str) -> None:
    found, lowest = re.fullmatch(r"(\d) of 4 minima found; .* with f <= (\S+)", result(output)).groups()
    assert int(found) == 4
    assert float(lowest) < 1e-9


def test_optimizers_end_in_minima_and_newton_anywhere(output: str) -> None:
    rows = [line for line in output.splitlines() if re.match(r"\( *-?\d", line)]
    assert len(rows) == 12
    kinds = [re.findall("minimum|saddle|maximum|still moving", row) for row in rows]
    assert all(row[:3] == ["minimum"] * 3 for row in kinds)
    assert {row[3] for row in kinds} == {"minimum", "saddle", "maximum"}


def test_minima_are_minima(example) -> None:
    for p in example.MINIMA:
        assert example.himmelblau(p) < 1e-9
        assert example.place(p) == "minimum"
        np.testing.assert_allclose(example.newton_path(p, 3)[-1], p, atol=1e-5)


def test_derivatives_against_differences(example) -> None:
    p = np.array([-1.5, 0.7])
    symgrad.check_grads(example.himmelblau, (p,))
    h = 1e-6
    columns = [(example.gradient(p + h * unit) - example.gradient(p - h * unit)) / (2 * h) for unit in np.eye(2)]
    np.testing.assert_allclose(example.hessian(p), np.transpose(columns), rtol=1e-6)


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")
