"""Race symgrad against gradients written by hand, autograd and JAX: python benchmarks/run.py [--quick] [--json PATH]

Read the ratios: all numbers of a table come from the same interleaved rounds, on one thread, in double precision.
Nothing here fails because it is slow; it fails if a gradient is wrong.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import environment  # noqa: F401  (before anything imports NumPy or JAX)
from contestants import REFERENCE, contestants
from dispatch import dispatch_seconds
from problems import Problem, problems
from startup import compile_times, warm_start
from timing import Times, interleaved, timer


class Effort(NamedTuple):
    """How long to measure: rounds of slices of so many seconds, and processes per first call."""

    rounds: int
    slice_seconds: float
    processes: int


FULL, QUICK = Effort(31, 0.01, 5), Effort(7, 0.004, 1)


def race(problem: Problem, effort: Effort) -> dict[str, Times]:
    timers = {each.name: timer(each.gradient, each.args) for each in contestants(problem)}
    return interleaved(timers, effort.rounds, effort.slice_seconds)


def seconds_text(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def races(effort: Effort) -> list[dict[str, object]]:
    """Race all problems; print a row per contestant as it is known; the same as records."""
    print(f"{'gradient':<38}{'':<10}{'median':>12}{'min':>12}{'ratio':>9}{'of mins':>9}")
    records: list[dict[str, object]] = []
    for problem in problems():
        times = race(problem, effort)
        reference = times[REFERENCE]
        for name, each in times.items():
            ratio, of_mins = each.median / reference.median, each.least / reference.least
            title = problem.title if name == REFERENCE else ""
            cells = f"{seconds_text(each.median):>12}{seconds_text(each.least):>12}{ratio:>9.2f}{of_mins:>9.2f}"
            print(f"{title:<38}{name:<10}{cells}", flush=True)
            records.append({"problem": problem.title, "contestant": name, **vars(each), "ratio": ratio})
        print()
    return records


def overheads(effort: Effort) -> dict[str, float]:
    """Guard, compiles and warm start: print them; the seconds by name."""
    calls = dispatch_seconds(effort.rounds, effort.slice_seconds)
    seconds = {f"five arrays, {name}": value for name, value in calls.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiles = compile_times(folder, effort.processes)
        seconds |= {f"first call, {title}": value for title, value in compiles.items()}
        warm, modules = warm_start(folder, effort.processes)
    imported = f"imports {len(modules)} modules of sympy" if modules else "imports no sympy"
    seconds[f"first call, from disk cache ({imported})"] = warm
    for title, value in seconds.items():
        print(f"{title:<60}{seconds_text(value):>12}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Race symgrad against gradients by hand, autograd and JAX.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, help="write all figures, in seconds, to this file")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    results = {"races": races(effort), "seconds": overheads(effort)}
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
