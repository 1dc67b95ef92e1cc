"""examples/scipy_optimize.py: all ways find the minimum, and the spectrum is fitted as curve_fit does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from example_runs import EXAMPLES, result, run
from scipy.optimize import approx_fprime, rosen_der, rosen_hess_prod

import symgrad


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "new" / "descents.png"


@pytest.fixture(scope="module")
def output(figure: Path) -> str:
    return run("scipy_optimize.py", "--short", "--figure", figure)


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("scipy_optimize")


def row(output: str, first: str) -> list[str]:
    (line,) = (line for line in output.splitlines() if line.startswith(first))
    return line.removeprefix(first).replace(",", "").split()


def test_all_ways_find_the_minimum(example, output: str) -> None:
    for way in example.ways_down():
        assert float(row(output, way)[-1]) < 1e-3, way


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B"])
def test_gradients_save_calls(output: str, method: str) -> None:
    by_differences, by_gradient = (int(row(output, f"{method}, {how}")[1]) for how in ("differences", "gradient"))
    assert by_gradient < by_differences / 5


def test_products_are_used(output: str) -> None:
    for way in ("Newton-CG", "trust-ncg"):
        assert int(row(output, f"{way}, products")[3]) > 0


def test_derivatives_are_those_of_scipy(example, output: str) -> None:
    assert re.findall(r"Compared with SciPy's \w+: (\w+)", output)
    assert "refuted" not in output
    x, v = np.random.default_rng(0).normal(size=(2, 7))
    np.testing.assert_allclose(example.rosenbrock_grad(x), rosen_der(x), rtol=1e-12)
    np.testing.assert_allclose(example.rosenbrock_hvp(x, v), rosen_hess_prod(x, v), rtol=1e-12)


def test_spectrum_is_fitted_as_by_curve_fit(output: str) -> None:
    for name in ("height 1 (counts)", "centre 2 (nm)", "width 3 (nm)", "background (counts)"):
        truth, *cells = row(output, name)
        values, deviations = np.array(cells[0::3], float), np.array(cells[2::3], float)
        np.testing.assert_allclose(values, values[-1], atol=2e-4)
        np.testing.assert_allclose(deviations, deviations[-1], rtol=2e-3)
        assert abs(values[0] - float(truth)) < 4 * deviations[0]
    assert float(result(output).split()[-1]) < 1e-4


def test_gauss_newton_product(example) -> None:
    measured = example.Measurement.random(np.random.default_rng(1))
    v = np.random.default_rng(2).normal(size=len(measured.start))
    J = approx_fprime(measured.start, example.spectrum, 1e-6, measured.wavelength)
    product = example.gauss_newton_product(measured.start, v, measured.wavelength, measured.counts)
    np.testing.assert_allclose(product, J.T @ (J @ v), rtol=1e-4)


def test_gradient_of_the_fit_against_differences(example) -> None:
    measured = example.Measurement.random(np.random.default_rng(3))
    symgrad.check_grads(example.half_squares, (measured.start, measured.wavelength[::20], measured.counts[::20]))


def test_figure_is_saved(output: str, figure: Path) -> None:
    assert str(figure) in output
    assert figure.read_bytes().startswith(b"\x89PNG")
