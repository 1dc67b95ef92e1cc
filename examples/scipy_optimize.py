"""SciPy's minimizers with derivatives from symgrad.

``scipy.optimize.minimize`` takes the derivatives that symgrad returns as they are:

    minimize(symgrad.value_and_grad(f), x0, jac=True, method="BFGS")
    minimize(symgrad.value_and_grad(f), x0, jac=True, hessp=symgrad.hvp(f), method="trust-ncg")

The first part runs down the valley of Rosenbrock's function in many dimensions, without derivatives, with gradients and
with products of the Hessian and a vector, and counts what each way calls. The second part fits a spectrum, as
``scipy.optimize.curve_fit`` does: there the Hessian products also give the uncertainties of the parameters.

    python examples/scipy_optimize.py                      # 50 dimensions
    python examples/scipy_optimize.py --dimensions 100     # differences cost twice as much for each gradient
    python examples/scipy_optimize.py --short              # 20 dimensions
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import OptimizeResult, curve_fit, minimize, rosen_der, rosen_hess_prod
from tqdm import tqdm

import symgrad

FIGURE = Path(__file__).parent / "out" / "scipy_optimize.png"
TOLERANCE = 1e-6
NOISE = 4.0


# First part: Rosenbrock's function


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


rosenbrock_and_grad = symgrad.value_and_grad(rosenbrock)
rosenbrock_grad = symgrad.grad(rosenbrock)
rosenbrock_hvp = symgrad.hvp(rosenbrock)


@dataclass(frozen=True)
class Descent:
    """What a method did: SciPy's result, the seconds that it took, and the values of f in the order of the calls."""

    found: OptimizeResult
    seconds: float
    values: list[float]

    @property
    def lowest(self) -> np.ndarray:
        return np.minimum.accumulate(self.values)


def ways_down() -> dict[str, dict]:
    """What each way passes to ``minimize``; all stop at the same size of the gradient, and Newton-CG of the step."""
    differences = {"fun": rosenbrock}
    gradients = {"fun": rosenbrock_and_grad, "jac": True}
    products = {**gradients, "hessp": rosenbrock_hvp}
    small = {"gtol": TOLERANCE}
    patient = {**small, "maxfun": 200_000, "maxiter": 10_000, "ftol": 1e-15}
    return {
        "BFGS, differences": {**differences, "method": "BFGS", "options": small},
        "BFGS, gradient": {**gradients, "method": "BFGS", "options": small},
        "L-BFGS-B, differences": {**differences, "method": "L-BFGS-B", "options": patient},
        "L-BFGS-B, gradient": {**gradients, "method": "L-BFGS-B", "options": patient},
        "CG, gradient": {**gradients, "method": "CG", "options": small},
        "Newton-CG, products": {**products, "method": "Newton-CG", "options": {"xtol": 1e-9}},
        "trust-ncg, products": {**products, "method": "trust-ncg", "options": small},
    }


def descend(x0: np.ndarray) -> dict[str, Descent]:
    descents = {}
    ways = ways_down()
    # What is compiled when it is called first would count as time of the method that comes first.
    rosenbrock_and_grad(x0), rosenbrock_hvp(x0, x0)
    for name in tqdm(ways, unit="method", disable=None, leave=False):
        values: list[float] = []
        fun = remembering(ways[name].pop("fun"), values)
        begin = time.perf_counter()
        found = minimize(fun, x0, **ways[name])
        descents[name] = Descent(found, time.perf_counter() - begin, values)
    return descents


def remembering(fun: Callable, values: list[float]) -> Callable:
    """``fun``, which also appends its values to a list."""

    def call(x):
        result = fun(x)
        values.append(float(result[0] if isinstance(result, tuple) else result))
        return result

    return call


def print_descents(descents: dict[str, Descent]) -> None:
    heads = ("iterations", "values", "gradients", "products", "ms", "error of x")
    print(f"{'':<23}" + "".join(f"{head:>12}" for head in heads))
    for name, descent in descents.items():
        found, by_symgrad = descent.found, "differences" not in name
        counts = (found.nit, found.nfev, found.njev if by_symgrad else 0, found.get("nhev", 0))
        error = np.abs(found.x - 1).max()
        cells = (*(f"{count:,}" for count in counts), f"{1e3 * descent.seconds:.1f}", f"{error:.1e}")
        print(f"{name:<23}" + "".join(f"{cell:>12}" for cell in cells))
    print("\nOne call gives a value and its gradient. Differences take a value for each dimension, and one more.")


# Second part: a spectrum


def spectrum(p, wavelength):
    """Peaks on a constant background: ``p`` has height, centre and width of each, and the background at its end."""
    height, centre, width = p[:-1].reshape(-1, 3).T
    return p[-1] + np.exp(-(((wavelength[:, None] - centre) / width) ** 2)) @ height


def half_squares(p, wavelength, counts):
    return 0.5 * np.sum((spectrum(p, wavelength) - counts) ** 2)


half_squares_and_grad = symgrad.value_and_grad(half_squares)
half_squares_hvp = symgrad.hvp(half_squares)


def gauss_newton_product(p, v, wavelength, counts):
    """J'J v, J being the derivative of the spectrum by the parameters.

    The Hessian of half the squares is J'J plus a term that vanishes with the residuals: so J'J is the Hessian for the
    counts that the parameters explain exactly.
    """
    del counts
    return half_squares_hvp(p, wavelength, spectrum(p, wavelength), v)


def hessian_product(p, v, wavelength, counts):
    """SciPy has the vector before the other arguments, symgrad has it after them."""
    return half_squares_hvp(p, wavelength, counts, v)


@dataclass(frozen=True)
class Measurement:
    wavelength: np.ndarray
    counts: np.ndarray
    truth: np.ndarray
    start: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> Measurement:
        wavelength = np.linspace(500, 600, 400)
        truth = np.array([100.0, 535.0, 6.0, 60.0, 550.0, 9.0, 30.0, 575.0, 4.0, 20.0])
        start = np.array([80.0, 530.0, 8.0, 80.0, 555.0, 8.0, 20.0, 578.0, 8.0, 0.0])
        counts = spectrum(truth, wavelength) + rng.normal(scale=NOISE, size=len(wavelength))
        return cls(wavelength, counts, truth, start)


@dataclass(frozen=True)
class Parameters:
    """Parameters that were fitted, their standard deviations, and how many calls it took."""

    values: np.ndarray
    deviations: np.ndarray
    calls: int


def fit(measured: Measurement, hessp: Callable) -> Parameters:
    known = measured.wavelength, measured.counts
    options = {"gtol": 1e-4, "initial_trust_radius": 10.0}
    found = minimize(
        half_squares_and_grad, measured.start, args=known, jac=True, hessp=hessp, method="trust-ncg", options=options
    )
    information = np.stack([gauss_newton_product(found.x, unit, *known) for unit in np.eye(len(found.x))])
    variance = 2 * found.fun / (len(measured.counts) - len(found.x))
    deviations = np.sqrt(variance * np.diag(np.linalg.inv(information)))
    return Parameters(found.x, deviations, found.nfev + found.nhev)


def fit_by_curve_fit(measured: Measurement) -> Parameters:
    """The same by SciPy alone: Levenberg and Marquardt's method with a Jacobian by differences."""

    def model(wavelength, *p):
        return spectrum(np.array(p), wavelength)

    values, covariance, info, *_ = curve_fit(
        model, measured.wavelength, measured.counts, measured.start, full_output=True, ftol=1e-12, xtol=1e-12
    )
    return Parameters(values, np.sqrt(np.diag(covariance)), info["nfev"])


def print_fits(fits: dict[str, Parameters], truth: np.ndarray) -> None:
    names = [
        f"{what} {peak} ({unit})"
        for peak in (1, 2, 3)
        for what, unit in (("height", "counts"), ("centre", "nm"), ("width", "nm"))
    ]
    print(f"{'':<18}{'truth':>9}" + "".join(f"{name:>24}" for name in fits))
    for k, name in enumerate([*names, "background (counts)"]):
        cells = (f"{one.values[k]:.4f} ± {one.deviations[k]:.4f}" for one in fits.values())
        print(f"{name:<19}{truth[k]:>8.1f}" + "".join(f"{cell:>24}" for cell in cells))
    print(f"{'calls':<27}" + "".join(f"{one.calls:>24}" for one in fits.values()) + "\n")


# The figure


def draw(descents: dict[str, Descent], measured: Measurement, best: Parameters, path: Path) -> None:
    figure = Figure(figsize=(14, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, descent in descents.items():
        calls = np.arange(1, len(descent.values) + 1)
        left.loglog(calls, descent.lowest, ":" if "differences" in name else "-", label=name)
    left.set(xlabel="calls of the function, or of function and gradient", ylabel="lowest value so far (no unit)")
    left.set_title(f"Rosenbrock's function in {len(descents[name].found.x)} dimensions")
    draw_spectrum(right, measured, best)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def draw_spectrum(axes, measured: Measurement, best: Parameters) -> None:
    axes.plot(measured.wavelength, measured.counts, ".", color="grey", markersize=3, label="measured")
    axes.plot(measured.wavelength, spectrum(measured.start, measured.wavelength), "--", color="black", label="start")
    axes.plot(measured.wavelength, spectrum(best.values, measured.wavelength), color="C3", label="fit")
    for peak in best.values[:-1].reshape(-1, 3):
        alone = spectrum(np.append(peak, best.values[-1]), measured.wavelength)
        axes.fill_between(measured.wavelength, best.values[-1], alone, alpha=0.25)
    axes.set(xlabel="wavelength (nm)", ylabel="counts", title="A spectrum, and the peaks that were fitted")


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--dimensions", type=int, default=50, help="dimensions of Rosenbrock's function")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise of the spectrum")
    parser.add_argument("--short", action="store_true", help="20 dimensions")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivatives(x0: np.ndarray) -> None:
    print("Rosenbrock's function and its gradient, as symgrad wrote them:\n")
    print(rosenbrock_and_grad.source(x0))
    print("Compared with SciPy's rosen_der:", symgrad.verify(rosenbrock_grad, rosen_der, x0), "\n")
    print("Its Hessian times a vector v:\n")
    print(rosenbrock_hvp.source(x0, x0))
    print("Compared with SciPy's rosen_hess_prod:", symgrad.verify(rosenbrock_hvp, rosen_hess_prod, x0, x0), "\n")


def main() -> None:
    chosen = options()
    x0 = np.resize([-1.2, 1.0], 20 if chosen.short else chosen.dimensions)
    show_derivatives(x0)
    descents = descend(x0)
    print_descents(descents)
    measured = Measurement.random(np.random.default_rng(chosen.seed))
    print("\nA spectrum: half the sum of its squares, and the gradient\n")
    print(half_squares_and_grad.source(measured.start, measured.wavelength, measured.counts))
    fits = {
        "Hessian products": fit(measured, hessian_product),
        "Gauss-Newton products": fit(measured, gauss_newton_product),
        "curve_fit": fit_by_curve_fit(measured),
    }
    print_fits(fits, measured.truth)
    draw(descents, measured, fits["Hessian products"], chosen.figure)
    print(f"Descents and spectrum: {chosen.figure}")
    without, derived = (len(descents[f"BFGS, {how}"].values) for how in ("differences", "gradient"))
    difference = np.abs(fits["Hessian products"].values - fits["curve_fit"].values).max()
    print(f"result: BFGS in {len(x0)} dimensions calls f {without:,} times, with gradients {derived:,} times; ", end="")
    print(f"the fit is curve_fit's to {difference:.1e}")


if __name__ == "__main__":
    main()
