"""Data-parallel gradients: joblib and Dask share out the images, and the parts are added up.

The gradient of a sum over examples is the sum of the gradients over parts of them. Workers get the parameters and the
derivative, which pickles with the code that was compiled for it; each reads its part of the images from disk. This
program

* computes one gradient in one process, and shared out by joblib (processes) and by Dask (processes and threads), and
  compares times and values: they differ by the rounding of another order of additions,
* exports the derivative as a module that imports NumPy only, and runs it in processes in which symgrad and SymPy cannot
  be imported,
* trains a network with the workers' gradients beside one with the gradient of one process.

    python examples/data_parallel.py
    python examples/data_parallel.py --workers 8 --data mnist.npz     # the layout of Keras' mnist.npz
"""

from __future__ import annotations

import os

# One thread in each process: the cores are for the workers. BLAS reads this when NumPy is imported.
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
import joblib
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

HERE = Path(__file__).parent
SUBSET = HERE / "data" / "mnist_subset.npz"
FIGURE = HERE / "out" / "data_parallel.png"

Params = dict[str, np.ndarray]
Part = tuple[float, Params]
"""The loss over some of the images, and its gradient."""
Run = Callable[[Callable, list[tuple]], list]
"""Calls a function with each of the tuples of arguments."""


# The loss: a sum, so that parts of it add up


def log_probabilities(params, X):
    a = np.tanh(X @ params["W1"] + params["b1"])
    z = a @ params["W2"] + params["b2"]
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(params, X, digits):
    """The sum over the images of the cross entropy of a network with one hidden layer."""
    logp = log_probabilities(params, X)
    return -np.sum(logp[np.arange(len(digits)), digits])


loss_and_gradient = symgrad.value_and_grad(loss)


def part(derivative: Callable, params: Params, folder: Path, rows: slice) -> Part:
    """What a worker does: value and gradient for its rows of the images, of which it reads no others."""
    X = np.asarray(np.load(folder / "X.npy", mmap_mode="r")[rows])
    digits = np.asarray(np.load(folder / "digits.npy", mmap_mode="r")[rows])
    return derivative(params, X, digits)


def added(parts: list[Part]) -> Part:
    """The sum of the values and of the gradients."""
    values, gradients = zip(*parts, strict=True)
    return sum(values), {name: sum(gradient[name] for gradient in gradients) for name in gradients[0]}


def shares(examples: int, workers: int) -> list[slice]:
    """Rows for each worker, as many for each as for the others, or one more."""
    ends = [examples * k // workers for k in range(workers + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


# Ways to run the parts, each a pool of workers that is kept from call to call


@contextmanager
def joblib_processes(workers: int) -> Iterator[Run]:
    with joblib.Parallel(n_jobs=workers) as pool:  # one worker is the process itself
        yield lambda function, tasks: pool(joblib.delayed(function)(*task) for task in tasks)


@contextmanager
def dask_processes(workers: int) -> Iterator[Run]:
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield lambda function, tasks: dask.compute(
            [dask.delayed(function)(*task) for task in tasks], scheduler="processes", pool=pool
        )[0]


@contextmanager
def dask_threads(workers: int) -> Iterator[Run]:
    """No process, no pickle: NumPy lets other threads run while it computes."""
    yield lambda function, tasks: dask.compute(
        [dask.delayed(function)(*task) for task in tasks], scheduler="threads", num_workers=workers
    )[0]


WAYS = {"joblib processes": joblib_processes, "Dask processes": dask_processes, "Dask threads": dask_threads}


# Data


@dataclass(frozen=True)
class Data:
    """Images in rows, their digits, and the folder that has both as files for the workers."""

    X: np.ndarray
    digits: np.ndarray
    folder: Path


def load(path: Path, examples: int | None, folder: Path) -> tuple[Data, np.ndarray, np.ndarray]:
    """The training images, also as files in ``folder``, and the test images with their digits."""
    with np.load(path) as file:
        X, X_test = (file[name].reshape(len(file[name]), -1) / 255.0 for name in ("x_train", "x_test"))
        digits, digits_test = file["y_train"].astype(int), file["y_test"].astype(int)
    data = Data(X[:examples], digits[:examples], folder)
    np.save(folder / "X.npy", data.X)
    np.save(folder / "digits.npy", data.digits)
    return data, X_test, digits_test


def initial(units: int, rng: np.random.Generator) -> Params:
    return {
        "W1": rng.normal(size=(784, units)) / 28,
        "b1": np.zeros(units),
        "W2": rng.normal(size=(units, 10)) / np.sqrt(units),
        "b2": np.zeros(10),
    }


# Comparison


@dataclass(frozen=True)
class Row:
    """One way: seconds for a gradient with one worker and with all, and how far it is from that of one process."""

    one: float
    all: float
    difference: float


def difference(left: Params, right: Params) -> float:
    """The largest difference, in units of the largest entry of the same array."""
    return max(float(np.abs(left[name] - right[name]).max() / np.abs(right[name]).max()) for name in right)


def timed(call: Callable, repeats: int) -> tuple[float, Part]:
    """The shortest time of some calls after a first one, which starts processes; what they return."""
    found, seconds = call(), []
    for _ in range(repeats):
        begin = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), found


def compare(way: Callable, workers: int, params: Params, data: Data, wanted: Params, repeats: int) -> Row:
    """Time a way with one worker and with all of them."""
    seconds = []
    for number in (1, workers):
        tasks = [(loss_and_gradient, params, data.folder, rows) for rows in shares(len(data.X), number)]
        with way(number) as run:
            spent, (_, gradient) = timed(lambda run=run, tasks=tasks: added(run(part, tasks)), repeats)
        seconds.append(spent)
    return Row(*seconds, difference(gradient, wanted))


def compare_all(workers: int, params: Params, data: Data, repeats: int) -> dict[str, Row]:
    """Time all ways; print a row for each."""
    plain, (_, wanted) = timed(lambda: loss_and_gradient(params, data.X, data.digits), repeats)
    print(f"One gradient of {len(data.X):,} images; in one process, without joblib or Dask, {plain:.3f} s.\n")
    print(f"{'':<18}{'1 worker':>12}{f'{workers} workers':>12}{'times as fast':>16}{'difference':>13}")
    rows = {}
    for name, way in WAYS.items():
        rows[name] = row = compare(way, workers, params, data, wanted, repeats)
        print(
            f"{name:<18}{row.one:>10.3f} s{row.all:>10.3f} s{row.one / row.all:>16.2f}{row.difference:>13.1e}",
            flush=True,
        )
    return rows


# Workers without symgrad

WORKER = '''\
"""Writes its part of the gradient to a file; prints what it has imported from outside of Python's library."""
import sys

sys.modules["symgrad"] = sys.modules["sympy"] = None  # to import either is an error from here on
before = set(sys.modules)

import numpy as np
from exported import loss_value_and_grad

start, stop = int(sys.argv[1]), int(sys.argv[2])
with np.load("params.npz") as file:
    params = dict(file)
X, digits = np.load("X.npy", mmap_mode="r")[start:stop], np.load("digits.npy", mmap_mode="r")[start:stop]
value, gradient = loss_value_and_grad(params, X, digits)
np.savez(f"part{start}.npz", value=value, **gradient)
imported = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(imported - set(sys.stdlib_module_names)))
'''


def run_exported(workers: int, params: Params, data: Data) -> tuple[Part, str]:
    """The gradient by processes that run the exported module, and the modules that such a process imports."""
    loss_and_gradient.export(data.folder / "exported.py", params, data.X, data.digits)
    (data.folder / "worker.py").write_text(WORKER)
    np.savez(data.folder / "params.npz", **params)
    rows = shares(len(data.X), workers)
    commands = [[sys.executable, "worker.py", str(share.start), str(share.stop)] for share in rows]
    running = [subprocess.Popen(command, cwd=data.folder, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [process.communicate()[0] for process in running]
    return added([read_part(data.folder / f"part{share.start}.npz") for share in rows]), outputs[0].strip()


def read_part(path: Path) -> Part:
    with np.load(path) as file:
        gradient = dict(file)
    return float(gradient.pop("value")), gradient


def imported() -> list[str]:
    """Which of these a worker has imported to run the pickled derivative."""
    return [name for name in ("numpy", "symgrad.runtime", "symgrad.pipeline", "sympy") if name in sys.modules]


def show_workers(workers: int, params: Params, data: Data, wanted: Params) -> float:
    """Print what pickled and exported derivatives need; how far the gradient of the exported one is from ``wanted``."""
    tasks = [(loss_and_gradient, params, data.folder, slice(10))] * workers
    with dask_processes(workers) as run:
        run(part, tasks)
        (modules,) = run(imported, [()])
    print(f"\nA worker that was sent the pickled derivative has imported {', '.join(modules)}: no compiler, no SymPy.")
    (_, gradient), modules = run_exported(workers, params, data)
    error = difference(gradient, wanted)
    print(f"Workers that cannot import symgrad run the exported module with: {modules}; difference {error:.1e}.\n")
    return error


# Training


def train(gradient: Callable[[Params], Part], params: Params, examples: int, steps: int) -> tuple[Params, list[float]]:
    """Adam on all images at once: the parameters, and the mean cross entropy before each step."""
    optimizer, costs = optim.Adam(0.01), []
    state = optimizer.init(params)
    # disable=None: no bar where the output is not a terminal
    for _ in tqdm(range(steps), unit="step", disable=None, leave=False):
        value, slope = gradient(params)
        params, state = optimizer.update(slope, state, params)
        costs.append(value / examples)
    return params, costs


def train_both(workers: int, params: Params, data: Data, steps: int) -> tuple[Params, dict[str, list[float]]]:
    """A training by one process, and one from the same start by joblib's workers, whose parameters are returned."""
    rows = shares(len(data.X), workers)
    _, plain = train(lambda p: loss_and_gradient(p, data.X, data.digits), params, len(data.X), steps)
    with joblib_processes(workers) as run:

        def shared_out(params: Params) -> Part:
            return added(run(part, [(loss_and_gradient, params, data.folder, share) for share in rows]))

        trained, costs = train(shared_out, params, len(data.X), steps)
    return trained, {"one process": plain, f"joblib, {workers} workers": costs}


# The figure


def draw(rows: dict[str, Row], workers: int, costs: dict[str, list[float]], path: Path) -> None:
    """Seconds per gradient of each way, and the cost of both trainings."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    places = np.arange(len(rows))
    left.bar(places - 0.2, [row.one for row in rows.values()], 0.4, label="1 worker")
    left.bar(places + 0.2, [row.all for row in rows.values()], 0.4, label=f"{workers} workers")
    left.set_xticks(places, list(rows))
    left.set(xlabel="how the images are shared out", ylabel="time (s)", title="One gradient of all images")
    left.legend(loc="lower right")
    for (name, curve), width, style in zip(costs.items(), (5, 1.5), ("-", "--"), strict=True):
        right.semilogy(range(1, len(curve) + 1), curve, style, linewidth=width, label=name)
    right.set(xlabel="step", ylabel="mean cross entropy (nats)", title="Training (the curves coincide)")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Data-parallel gradients: joblib and Dask share out the images, and the parts are added up.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=SUBSET, help="images in the npz layout of Keras' mnist.npz")
    parser.add_argument("--workers", type=int, default=2, help="processes or threads")
    parser.add_argument("--units", type=int, default=128, help="hidden units")
    parser.add_argument("--steps", type=int, default=40, help="steps of training, on all images each")
    parser.add_argument("--short", action="store_true", help="2,000 images, 10 steps")
    parser.add_argument("--seed", type=int, default=0, help="of the weights")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def run_all(chosen: argparse.Namespace, folder: Path) -> str:
    """Compare, export and train; the result."""
    data, X_test, digits_test = load(chosen.data, 2000 if chosen.short else None, folder)
    params = initial(chosen.units, np.random.default_rng(chosen.seed))
    print("The derivative that the workers run, as symgrad wrote it:\n")
    print(loss_and_gradient.source(params, data.X, data.digits))
    rows = compare_all(chosen.workers, params, data, repeats=2 if chosen.short else 5)
    _, wanted = loss_and_gradient(params, data.X, data.digits)
    exported = show_workers(chosen.workers, params, data, wanted)
    trained, costs = train_both(chosen.workers, params, data, min(chosen.steps, 10) if chosen.short else chosen.steps)
    accuracy = np.mean(log_probabilities(trained, X_test).argmax(axis=1) == digits_test)
    draw(rows, chosen.workers, costs, chosen.figure)
    print(f"Times and costs: {chosen.figure}")
    worst = max(exported, *(row.difference for row in rows.values()))
    fastest = max(row.one / row.all for row in rows.values())
    return (
        f"gradients differ by {worst:.1e}; {chosen.workers} workers up to {fastest:.2f} times as fast as one; "
        f"test accuracy {accuracy:.4f}"
    )


def main() -> None:
    chosen = options()
    with TemporaryDirectory() as folder:
        result = run_all(chosen, Path(folder))
    print(f"result: {result}")


if __name__ == "__main__":
    main()
