"""Gradient checkpointing: memory and time of the gradient through a long simulation, with and without.

A reaction and diffusion equation runs for thousands of steps, and the gradient of a misfit with respect to where it
starts goes back through all of them. Plainly, every state is saved. A loop over ``symgrad.checkpoint(range(n))`` saves
the state that every segment of about ``sqrt(n)`` steps starts with, and runs the segments again, one by one, from the
last to the first: about ``2 sqrt(n)`` states for one more run of the simulation.

    python examples/checkpointing.py             # up to 8,000 steps
    python examples/checkpointing.py --short     # up to 1,000 steps
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad

FIGURE = Path(__file__).parent / "out" / "checkpointing.png"
CELLS, STEP, TARGET = 2000, 0.2, 0.25


# The simulation, twice


def misfit(u, steps):
    """Fisher's equation by explicit steps on a ring of cells, and how far its mean ends from where it should."""
    u = u.copy()
    for _ in range(steps):
        u = u + STEP * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) + 0.5 * STEP / steps * u * (1 - u)
    return np.sum((u - TARGET) ** 2)


def misfit_in_segments(u, steps):
    """The same, of which the derivative saves some states only."""
    u = u.copy()
    for _ in symgrad.checkpoint(range(steps)):
        u = u + STEP * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) + 0.5 * STEP / steps * u * (1 - u)
    return np.sum((u - TARGET) ** 2)


WAYS = {"all states": symgrad.grad(misfit), "segments": symgrad.grad(misfit_in_segments)}


# Measuring


@dataclass(frozen=True)
class Cost:
    """What one gradient took: megabytes at the peak, and seconds."""

    megabytes: float
    seconds: float
    gradient: np.ndarray


def cost(gradient: Callable, u: np.ndarray, steps: int) -> Cost:
    """The cost of one gradient that is compiled already; memory and time are measured in runs of their own."""
    gradient(u, steps)
    begin = time.perf_counter()
    found = gradient(u, steps)
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    gradient(u, steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(peak / 1e6, seconds, found)


def start(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 0.5, CELLS)


def table(u: np.ndarray, lengths: list[int]) -> dict[str, list[Cost]]:
    """The costs of both ways for each length; prints a row for each."""
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    print(f"{'steps':>8}{'all states':>22}{'segments':>22}{'memory':>10}{'time':>8}{'difference':>13}")
    for steps in tqdm(lengths, unit="length", disable=None, leave=False):
        for way, gradient in WAYS.items():
            costs[way].append(cost(gradient, u, steps))
        plain, cheap = (costs[way][-1] for way in WAYS)
        cells = "".join(f"{c.megabytes:>11.2f} MB{c.seconds:>6.2f} s" for c in (plain, cheap))
        difference = np.max(np.abs(plain.gradient - cheap.gradient))
        with tqdm.external_write_mode():
            ratios = f"{plain.megabytes / cheap.megabytes:>9.1f}x{cheap.seconds / plain.seconds:>7.2f}x"
            print(f"{steps:>8}{cells}{ratios}{difference:>13.1e}", flush=True)
    return costs


def draw(path: Path, lengths: list[int], costs: dict[str, list[Cost]]) -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    memory, seconds = figure.subplots(1, 2)
    for way, found in costs.items():
        memory.loglog(lengths, [c.megabytes for c in found], "o-", label=way)
        seconds.loglog(lengths, [c.seconds for c in found], "o-", label=way)
    memory.set(xlabel="steps", ylabel="peak memory in MB", title="Memory of one gradient")
    seconds.set(xlabel="steps", ylabel="time in s", title="Time of one gradient")
    for axes in (memory, seconds):
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    print(f"figure: {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="up to 1,000 steps")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where the figure goes")
    parser.add_argument("--seed", type=int, default=0, help="of the random start")
    chosen = parser.parse_args()
    lengths = [125, 250, 500, 1000] if chosen.short else [125, 250, 500, 1000, 2000, 4000, 8000]
    u = start(chosen.seed)
    print("symgrad wrote it:\n")
    print(WAYS["segments"].source(u, lengths[-1]))
    costs = table(u, lengths)
    draw(chosen.figure, lengths, costs)
    plain, cheap = (costs[way][-1] for way in WAYS)
    difference = np.max(np.abs(plain.gradient - cheap.gradient))
    memory, seconds = plain.megabytes / cheap.megabytes, cheap.seconds / plain.seconds
    found = f"{memory:.1f} times less memory and {seconds:.2f} times the time at {lengths[-1]} steps"
    print(f"result: {found}; gradients differ by {difference:.1e}")


if __name__ == "__main__":
    main()
