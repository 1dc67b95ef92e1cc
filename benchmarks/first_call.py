"""Time the first call of one gradient in this process; run by ``startup.py``, a process for each measurement.

python benchmarks/first_call.py TARGET [--warm-imports]

TARGET is a loss of ``losses.py`` or the path of a module with a function ``loss`` of two vectors.
Prints one line of JSON: the seconds of the call, and whether SymPy was imported in the end.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location

import losses
import numpy as np
from problems import problems

import symgrad


def target(name: str) -> tuple[Callable, int | tuple[int, ...], tuple]:
    """The loss, the argnums and the arguments of a target."""
    for problem in problems():
        if problem.loss == name:
            return getattr(losses, name), problem.argnums, problem.args
    spec = spec_from_file_location("generated", name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.loss, (0, 1), (np.linspace(0.1, 0.9, 10), np.linspace(0.9, 0.2, 10))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--warm-imports", action="store_true", help="import the compiler before the clock starts")
    options = parser.parse_args()
    loss, argnums, args = target(options.target)
    if options.warm_imports:
        importlib.import_module("sympy")
        importlib.import_module("symgrad.pipeline")
    begin = time.perf_counter()
    symgrad.grad(loss, argnums)(*args)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "sympy": "sympy" in sys.modules}))


if __name__ == "__main__":
    main()
