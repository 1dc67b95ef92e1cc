"""First calls, each in a process of its own: what a compile costs, and what the disk cache leaves of it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

# What a statement of a generated function computes from the two statements before it.
STATEMENTS = (
    "np.tanh({last}) + {before}",
    "{last} * {before}",
    "np.exp(-{last} * {last})",
    "{before} / (1.0 + {last} * {last})",
    "np.sin({last}) - y",
)


def generated(count: int) -> str:
    """A module with a ``loss`` of ``count`` statements and a return."""
    names = ["x", "y", *(f"v{k}" for k in range(count))]
    lines = ["import numpy as np", "", "", "def loss(x, y):"]
    for k in range(count):
        formula = STATEMENTS[k % len(STATEMENTS)].format(last=names[k + 1], before=names[k])
        lines.append(f"    {names[k + 2]} = {formula}")
    lines.append(f"    return np.sum({names[-1]})")
    return "\n".join(lines) + "\n"


def first_call(target: str, cache: str, *flags: str, python: tuple[str, ...] = ()) -> tuple[float, bool, str]:
    """Seconds of a first call, whether SymPy was imported by then, and the standard error of the process."""
    command = [sys.executable, *python, str(HERE / "first_call.py"), target, *flags]
    environment = os.environ | {"SYMGRAD_CACHE": cache}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    answer = json.loads(done.stdout)
    return answer["seconds"], answer["sympy"], done.stderr


def compile_times(folder: Path, processes: int) -> dict[str, float]:
    """Median seconds of a first call without cache, the compiler's modules imported before."""
    targets = {"softmax regression": "softmax", "MLP, 5 layers": "mlp"}
    for count in (50, 100, 200):
        module = folder / f"generated_{count}.py"
        module.write_text(generated(count))
        targets[f"{count} statements"] = str(module)
    return {
        title: statistics.median(first_call(target, "off", "--warm-imports")[0] for _ in range(processes))
        for title, target in targets.items()
    }


def warm_start(folder: Path, processes: int) -> tuple[float, list[str]]:
    """Median seconds of a first call from the disk cache, and the modules of SymPy that it imported (none)."""
    cache = str(folder / "cache")
    first_call("softmax", cache)
    seconds = statistics.median(first_call("softmax", cache)[0] for _ in range(processes))
    _, _, report = first_call("softmax", cache, python=("-X", "importtime"))
    modules = (line.rpartition("|")[2].strip() for line in report.splitlines() if line.startswith("import time:"))
    return seconds, sorted(module for module in modules if module.partition(".")[0] == "sympy")
