"""Ultrasound tomography: the speed of sound in a slice, from what receivers around it hear.

Sources on a ring around a slice of tissue emit pulses of sound. The pressure obeys the wave equation, which ``record``
integrates by finite differences, in place, as one writes it in NumPy:

    v += (speed * STEP / CELL)² * (the four neighbours of u - 4 u)
    u += v

What the receivers hear depends on the speed of sound in each of thousands of cells. ``symgrad.value_and_grad`` derives,
from the code of the simulation, the gradient with respect to all of them: code that runs the simulation backwards. Adam
from ``symgrad.optim`` changes the speeds until the simulation explains what was measured.

    python examples/physical_simulation.py                 # 64 x 64 cells, 100 steps of Adam
    python examples/physical_simulation.py --noise 0.3     # worse receivers
    python examples/physical_simulation.py --short         # a smaller slice, fewer sources and steps
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "physical_simulation.png"
CELL = 3.0  # mm
STEP = 1.0  # µs
WATER = 1.5  # mm/µs, the same as km/s
REPORT = 20  # steps between two lines of the table


# The simulation, and what is to be made small


def record(speed, damping, pulse, sources, receivers):
    """The pressures that are heard; the axes are time, sources (each fires alone) and receivers."""
    i, j = sources
    k, l = receivers  # noqa: E741
    shots = np.arange(len(i))
    u = np.zeros((len(i), *speed.shape))
    v = np.zeros((len(i), *speed.shape))
    heard = np.zeros((len(pulse), len(i), len(k)))
    stiffness = (speed[1:-1, 1:-1] * STEP / CELL) ** 2
    for t in range(len(pulse)):
        neighbours = u[:, 2:, 1:-1] + u[:, :-2, 1:-1] + u[:, 1:-1, 2:] + u[:, 1:-1, :-2]
        v[:, 1:-1, 1:-1] += stiffness * (neighbours - 4 * u[:, 1:-1, 1:-1])
        v[shots, i, j] += pulse[t]
        v *= damping
        u += v
        heard[t] = u[:, k, l]
    return heard


def edges(speed):
    """How much the speed changes from cell to cell. Large changes count no more than their size: organs have edges."""
    down, right = np.diff(speed, axis=0)[:, 1:], np.diff(speed, axis=1)[1:]
    return np.mean(np.sqrt(down**2 + right**2 + 0.003**2))


def loss(speed, measured, damping, pulse, sources, receivers):
    """The squared error relative to what was measured, and a price on edges, without which noise would be fitted."""
    heard = record(speed, damping, pulse, sources, receivers)
    misfit = np.sum((heard - measured) ** 2) / np.sum(measured**2)
    return misfit + 0.15 * edges(speed)


loss_and_grad = symgrad.value_and_grad(loss)


# The experiment

Setup = tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Experiment:
    """What is in the slice, what was measured, and what else is known; lengths in cells, times in steps."""

    truth: np.ndarray
    measured: np.ndarray
    setup: Setup

    @classmethod
    def of(cls, size: int, shots: int, noise: float, rng: np.random.Generator) -> Experiment:
        truth = slice_of_tissue(size)
        steps = 3 * size
        setup = absorbing(size), pulse_of(steps), ring(size, shots, 0.34 * size), ring(size, 4 * shots, 0.38 * size)
        heard = record(truth, *setup)
        return cls(truth, heard + noise * heard.std() * rng.normal(size=heard.shape), setup)

    @property
    def known(self) -> tuple:
        """The arguments of the loss after the first."""
        return self.measured, *self.setup

    @property
    def start(self) -> np.ndarray:
        return np.full_like(self.truth, WATER)

    def error(self, speed: np.ndarray) -> float:
        """How far speeds are from the truth: root mean square inside of the ring, in m/s."""
        inside = radius(*self.truth.shape) < 0.33 * len(self.truth)
        return 1000 * float(np.sqrt(np.mean((speed - self.truth)[inside] ** 2)))


def radius(rows: int, columns: int) -> np.ndarray:
    """The distance of each cell from the centre."""
    row, column = np.mgrid[:rows, :columns]
    return np.hypot(row - (rows - 1) / 2, column - (columns - 1) / 2)


def slice_of_tissue(size: int) -> np.ndarray:
    """Water with a stiff disc, a disc of fat, and a small stiff one."""
    row, column = np.mgrid[:size, :size] / size
    speed = np.full((size, size), WATER)
    for centre_row, centre_column, r, value in (
        (0.56, 0.4, 0.12, 1.6),
        (0.37, 0.62, 0.08, 1.42),
        (0.64, 0.64, 0.05, 1.6),
    ):
        speed[np.hypot(row - centre_row, column - centre_column) < r] = value
    return speed


def ring(size: int, count: int, r: float) -> tuple[np.ndarray, np.ndarray]:
    angle = 2 * np.pi * np.arange(count) / count
    centre = (size - 1) / 2
    return np.rint(centre + r * np.cos(angle)).astype(int), np.rint(centre + r * np.sin(angle)).astype(int)


def absorbing(size: int) -> np.ndarray:
    """A factor that swallows waves in the last cells before the edge, which would otherwise reflect them."""
    row, column = np.mgrid[:size, :size]
    to_edge = np.minimum(np.minimum(row, size - 1 - row), np.minimum(column, size - 1 - column))
    return 1 - 0.3 * np.clip(1 - to_edge / 10, 0, 1) ** 2


def pulse_of(steps: int) -> np.ndarray:
    """What a membrane emits: Ricker's pulse, here of 64 kHz."""
    t = (STEP * np.arange(steps) - 13) / 5
    return (1 - 2 * t**2) * np.exp(-(t**2))


# The fit


@dataclass(frozen=True)
class Fit:
    """The speeds that were found, and after each step the loss and how far the speeds are from the truth."""

    speed: np.ndarray
    losses: list[float]
    errors: list[float]


def fit(experiment: Experiment, steps: int) -> Fit:
    optimizer = optim.Adam(optim.cosine_decay(0.005, steps))
    speed = experiment.start
    state = optimizer.init(speed)
    losses, errors = [], []
    print(f"{'step':>10}{'loss':>12}{'error in m/s':>15}")
    with tqdm(total=steps, unit="step", disable=None, leave=False) as bar:
        for step in range(steps):
            value, after, state = optimizer.minimize(loss_and_grad, speed, *experiment.known, state=state)
            losses.append(float(value))
            errors.append(experiment.error(speed))
            if step % REPORT == 0:
                with tqdm.external_write_mode():
                    print(f"{step:>10}{losses[-1]:>12.6f}{errors[-1]:>15.2f}", flush=True)
            speed = after
            bar.update()
    losses.append(float(loss(speed, *experiment.known)))
    errors.append(experiment.error(speed))
    print(f"{steps:>10}{losses[-1]:>12.6f}{errors[-1]:>15.2f}")
    print(f"{'truth':>10}{loss(experiment.truth, *experiment.known):>12.6f}{0:>15.2f}\n")
    return Fit(speed, losses, errors)


# The gradient: what it costs, and whether it is right


def milliseconds(call: Callable, *args: object, repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call(*args)
        times.append(time.perf_counter() - begin)
    return 1e3 * median(times)


def show_derivative(experiment: Experiment, rng: np.random.Generator) -> None:
    print("The loss and its gradient, as symgrad wrote them:\n")
    print(loss_and_grad.source(experiment.start, *experiment.known))
    simulation = milliseconds(loss, experiment.start, *experiment.known)
    both = milliseconds(loss_and_grad, experiment.start, *experiment.known)
    print(f"loss alone: {simulation:.1f} ms; with its gradient: {both:.1f} ms, {both / simulation:.1f} times as long")
    print(f"(differences in each cell would take {1 + experiment.truth.size:,} times as long)\n")
    along, differences = slopes(experiment, rng.normal(size=experiment.truth.shape))
    print("Slope of the loss in a random direction")
    print(f"  by the gradient:    {along:.10f}")
    print(f"  by differences:     {differences:.10f}\n")


def slopes(experiment: Experiment, direction: np.ndarray) -> tuple[float, float]:
    _, gradient = loss_and_grad(experiment.start, *experiment.known)
    h = 1e-5
    above, below = (loss(experiment.start + sign * h * direction, *experiment.known) for sign in (1, -1))
    return float(np.sum(gradient * direction)), float((above - below) / (2 * h))


# The figure


def draw(experiment: Experiment, found: Fit, path: Path) -> None:
    figure = Figure(figsize=(16, 7.5), layout="constrained")
    grid = figure.subplots(2, 4)
    draw_speeds(grid[0, :3], experiment, found)
    draw_recordings(grid[1, :3], experiment, found)
    for axes, values, name in zip(
        grid[:, 3], (found.losses, found.errors), ("loss (no unit)", "error of the speeds (m/s)"), strict=True
    ):
        axes.semilogy(values)
        axes.set(xlabel="step", ylabel=name, title="Progress")
        axes.grid(alpha=0.3, which="both")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def draw_speeds(row, experiment: Experiment, found: Fit) -> None:
    speeds = {
        "Truth": experiment.truth,
        "Start": experiment.start,
        f"Fit after {len(found.losses) - 1} steps": found.speed,
    }
    width = CELL * len(found.speed)
    for axes, (name, speed) in zip(row, speeds.items(), strict=True):
        image = axes.imshow(speed, vmin=1.4, vmax=1.62, cmap="viridis", extent=(0, width, width, 0))
        axes.set(xlabel="x (mm)", ylabel="y (mm)", title=name)
    mark_ring(row[1], experiment.setup)
    row[0].figure.colorbar(image, ax=row, label="speed of sound (km/s)", shrink=0.9)


def mark_ring(axes, setup: Setup) -> None:
    _, _, sources, receivers = setup
    for (i, j), marker, size, name in ((receivers, "w.", 4, "receivers"), (sources, "r*", 10, "sources")):
        axes.plot(CELL * (j + 0.5), CELL * (i + 0.5), marker, markersize=size, label=name)
    axes.legend(loc="center", labelcolor="white", facecolor="black", fontsize=8)


def draw_recordings(row, experiment: Experiment, found: Fit) -> None:
    """What was heard of the first source, and what of it two simulations leave unexplained."""
    unexplained = [experiment.measured - record(speed, *experiment.setup) for speed in (experiment.start, found.speed)]
    names = "Measured, first source", "Not explained by the start", "Not explained by the fit"
    limit = 0.2 * np.abs(experiment.measured[:, 0]).max()
    for axes, name, traces in zip(row, names, (experiment.measured, *unexplained), strict=True):
        extent = (0, STEP * len(traces), traces.shape[2], 0)
        image = axes.imshow(traces[:, 0].T, vmin=-limit, vmax=limit, cmap="RdBu", aspect="auto", extent=extent)
        axes.set(xlabel="time (µs)", ylabel="receiver", title=name)
    row[0].figure.colorbar(image, ax=row, label="pressure (arbitrary unit)", shrink=0.9)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--size", type=int, default=64, help="cells along each side of the slice")
    parser.add_argument("--sources", type=int, default=8, help="sources; there are four times as many receivers")
    parser.add_argument("--noise", type=float, default=0.1, help="noise of the receivers, relative to what they hear")
    parser.add_argument("--steps", type=int, default=100, help="steps of the optimizer")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--short", action="store_true", help="40 x 40 cells, 6 sources, 60 steps")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    chosen = parser.parse_args()
    if chosen.short:
        chosen.size, chosen.sources, chosen.steps = 40, 6, 60
    return chosen


def main() -> None:
    chosen = options()
    rng = np.random.default_rng(chosen.seed)
    experiment = Experiment.of(chosen.size, chosen.sources, chosen.noise, rng)
    unknowns, recordings = experiment.truth.size, experiment.measured.size
    print(f"{unknowns:,} unknown speeds, {recordings:,} recorded pressures, {chosen.noise:.0%} noise\n")
    show_derivative(experiment, rng)
    found = fit(experiment, chosen.steps)
    draw(experiment, found, chosen.figure)
    print(f"Truth, start and fit: {chosen.figure}")
    before, after = found.errors[0], found.errors[-1]
    print(f"result: error of the speeds {before:.1f} m/s before, {after:.1f} m/s after {chosen.steps} steps")


if __name__ == "__main__":
    main()
