"""The example on checkpointing: less memory, the same gradient."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_runs import result, run


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "checkpointing.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("checkpointing.py", "--short", "--figure", figure)


def test_memory_is_less_and_the_gradient_the_same(output: str) -> None:
    found = re.match(r"(\S+) times less memory and (\S+) times the time at 1000 steps; .* by (\S+)", result(output))
    assert found is not None
    assert float(found.group(1)) > 5
    assert float(found.group(3)) < 1e-12


def test_source_is_shown(output: str) -> None:
    body = output.partition("symgrad wrote it:")[2].partition("   steps ")[0]
    assert "def misfit_in_segments_grad(u, steps):" in body
    compile(body.strip(), "shown", "exec")


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")
