"""examples/data_parallel.py: parts of the gradient add up, wherever they were computed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_runs import result, run

WAYS = "joblib processes", "Dask processes", "Dask threads"
ROUNDING = 1e-13


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "times.png"


@pytest.fixture(scope="module", params=[2, 3])
def output(request: pytest.FixtureRequest, figure: Path) -> str:
    """For workers with equal parts, and for workers of which some have an image more."""
    return run("data_parallel.py", "--short", "--units", "32", "--workers", str(request.param), "--figure", figure)


def test_parts_add_up(output: str) -> None:
    for way in WAYS:
        (row,) = (line for line in output.splitlines() if line.startswith(way))
        assert float(row.split()[-1]) < ROUNDING, row


def test_workers_need_numpy_only(output: str) -> None:
    assert "has imported numpy, symgrad.runtime: no compiler" in output
    ((modules, error),) = re.findall(r"exported module with: (.*); difference (.*)\.$", output, re.MULTILINE)
    assert modules == "exported numpy"
    assert float(error) < ROUNDING


def test_result(output: str) -> None:
    difference, accuracy = re.fullmatch(
        r"gradients differ by (.*); \d workers up to .* times as fast as one; test accuracy (.*)", result(output)
    ).groups()
    assert float(difference) < ROUNDING
    assert float(accuracy) > 0.75


def test_source_is_shown(output: str) -> None:
    body = output.partition("symgrad wrote it:")[2].partition("One gradient")[0]
    assert "def loss_value_and_grad(params, X, digits):" in body
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert f"Times and costs: {figure}" in output
    assert figure.read_bytes().startswith(b"\x89PNG")
