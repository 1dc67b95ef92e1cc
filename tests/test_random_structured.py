"""Gradients of random structured programs against complex steps and differences.

``python tests/test_random_structured.py --programs 10000 --seed 1`` runs more of them, and sums up; with ``--order 2``
products with the Hessian are compared with differences of the gradient.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import functools
import json
import multiprocessing
import os
import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from limits import PATIENCE, Late, patience
from random_oracle import Program, certain_slope, judged, names_bound
from random_statements import PRELUDE
from random_structured import copied, generate

import symgrad
from symgrad.errors import InternalError, SymgradError

PARTS, PROGRAMS, PART = 10, 300, 100
SECOND = 60
SLOW = 5.0
TOLERANCE = {True: 1e-7, False: 1e-5}
SECOND_TOLERANCE = 1e-4
REFUSED_SHARE = 0.05
HELPERS = set().union(*map(names_bound, ast.parse(PRELUDE).body))
CRASHES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    Late,
)


Check = Callable[[Program], tuple[float, float]]


class Wrong(Exception):
    """A derivative that is not what it should be."""


@dataclass(frozen=True)
class Outcome:
    """``right``, ``refused``, ``wrong`` or ``crash``, with the reason; the seconds of compiling and of running."""

    verdict: str
    reason: str = ""
    compiling: float = 0.0
    running: float = 0.0

    @property
    def failed(self) -> bool:
        return self.verdict in {"wrong", "crash"}


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise Wrong(message)


def _kind(value: Any) -> str:
    return str(value.dtype) if isinstance(value, np.ndarray | np.generic) else type(value).__name__


def check_point(program: Program, function: Callable[..., Any], both: Callable[..., Any], number: int) -> Any:
    """The gradient at a point, after everything that must hold of it."""
    args = program.points[number]
    before, expected = copied(args), function(*copied(args))
    value, gradient = both(*args)
    _expect(bool(value == expected), f"value {value!r}, but the function gives {expected!r}")
    _expect(_kind(value) == _kind(expected), f"value is {_kind(value)}, but the function gives {_kind(expected)}")
    _expect(all(map(np.array_equal, before, args)), "the caller's arrays have changed")
    for slope, found in zip(program.slopes[number], gradient, strict=True):
        arg = args[slope.position]
        _expect(np.shape(found) == np.shape(arg), f"argument {slope.position}: shape {np.shape(found)}")
        _expect(isinstance(found, float) or _kind(found) == _kind(arg), f"argument {slope.position}: {_kind(found)}")
        terms = np.asarray(found) * slope.direction
        bound = TOLERANCE[slope.exact] * (1 + abs(expected) + np.sum(np.abs(terms)))
        message = f"argument {slope.position} at point {number}: slope {np.sum(terms)}, should be {slope.value}"
        _expect(bool(abs(np.sum(terms) - slope.value) <= bound), message)
    return gradient


def check_program(program: Program) -> tuple[float, float]:
    """Everything that must hold of a program's derivative; the seconds of compiling and of running."""
    start = time.process_time()
    function = program.function()
    both = symgrad.value_and_grad(function, argnums=program.argnums)
    both.source(*program.points[0])
    compiled = time.process_time()
    wanted = [check_point(program, function, both, number) for number in range(len(program.points))]
    ran = time.process_time()
    if len(program.body) % 3 == 0:
        alone = symgrad.grad(function, argnums=program.argnums)(*program.points[0])
        _expect(symgrad.verification.difference(alone, wanted[0]) < 1e-9, "grad and value_and_grad differ")
    return compiled - start, ran - compiled


def check_curvature(program: Program) -> tuple[float, float]:
    """Products of Hessians with the directions of the slopes; the seconds of compiling and of running."""
    start = time.process_time()
    function, compiling = program.function(), 0.0
    for place, position in enumerate(program.argnums):
        product = symgrad.hvp(function, argnums=position)
        gradient = symgrad.grad(function, argnums=position)
        moment = time.process_time()
        for source in product.source, gradient.source:
            direction = _kind_of(program.points[0][position], program.slopes[0][place].direction)
            source(*program.points[0], *([direction] if source is product.source else []))
        compiling += time.process_time() - moment
        for args, slopes in zip(program.points, program.slopes, strict=True):
            check_product(product, gradient, args, slopes[place].position, slopes[place].direction)
    return compiling, time.process_time() - start - compiling


def check_product(
    product: Callable[..., Any], gradient: Callable[..., Any], args: Sequence[Any], position: int, direction: Any
) -> None:
    """What differences of the gradient along a direction tell of it, if they agree."""
    terms = np.asarray(product(*args, _kind_of(args[position], direction))) * direction
    along = certain_slope(lambda *moved: float(np.sum(gradient(*moved) * direction)), args, position, direction)
    if along is None:
        return
    bound = SECOND_TOLERANCE * (1 + abs(along) + np.sum(np.abs(terms)))
    message = f"argument {position}: product {np.sum(terms)}, should be {along}"
    _expect(bool(abs(np.sum(terms) - along) <= bound), message)


def _kind_of(arg: Any, direction: Any) -> Any:
    """The direction as a number or an array, like the argument."""
    return direction if isinstance(arg, np.ndarray) else type(arg)(direction)


def outcome(program: Program, check: Check = check_program, seconds: float = PATIENCE) -> Outcome:
    """What becomes of a program within the patience of its caller."""
    try:
        with patience(seconds), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            return Outcome("right", "", *check(program))
    except Wrong as error:
        return Outcome("wrong", str(error))
    except InternalError as error:
        return Outcome("crash", f"InternalError: {error.reason}")
    except SymgradError as error:
        return Outcome("refused", error.reason.split("\n")[0])
    except CRASHES as error:
        return Outcome("crash", f"{type(error).__name__}: {error}")


CHECKS: dict[int, Check] = {1: check_program, 2: check_curvature}
"""What is checked of derivatives of each order."""


def programs(seeds: range) -> Iterator[tuple[int, Program]]:
    """The programs of seeds; a few seeds have none."""
    for seed in seeds:
        made = generate(random.Random(seed))
        if made is not None:
            yield seed, made


class Cut(ast.NodeTransformer):
    """A tree with a node of a number replaced by nothing or by a part of itself."""

    def __init__(self, number: int, part: str) -> None:
        self.number, self.part, self.count = number, part, 0

    def visit(self, node: ast.AST) -> Any:
        self.count += 1
        if self.count == self.number and isinstance(node, ast.stmt if self.part in {"", "body"} else ast.BinOp):
            return getattr(node, self.part, node) if self.part else None
        self.generic_visit(node)
        if hasattr(node, "body") and node.body == []:
            node.body = [ast.Pass()]
        return node


def shorter(body: str) -> Iterator[str]:
    """A program less a statement each, the last first; then less its header; then less an operand."""
    nodes = sum(1 for _ in ast.walk(ast.parse(body)))
    for part in ("", "body", "left", "right"):
        for number in range(nodes, 2, -1):
            text = ast.unparse(ast.fix_missing_locations(Cut(number, part).visit(ast.parse(body))))
            if len(text) < len(body):
                yield text


def reduced(program: Program, found: Outcome, check: Check = check_program, seconds: float = 120.0) -> Program:
    """The program with statements deleted while it fails in the same way, as long as there is time."""
    deadline = time.perf_counter() + seconds
    progress = True
    while progress:
        progress = False
        for body in shorter(program.body):
            if time.perf_counter() > deadline:
                return program
            candidate = _candidate(body, program)
            if candidate is not None and _alike(outcome(candidate, check), found):
                program, progress = candidate, True
                break
    return program


def _candidate(body: str, program: Program) -> Program | None:
    try:
        return None if _careless(body) else judged(body, program.points, program.argnums)
    except (SyntaxError, *CRASHES):
        return None


def _careless(body: str) -> bool:
    """Whether a program has names that nothing defines, or statements that cannot be reached."""
    tree = ast.parse(body)
    nodes = list(ast.walk(tree))
    loaded = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    defined = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    defined |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    blocks = [block for node in nodes for block in (getattr(node, "body", []), getattr(node, "orelse", []))]
    ends = (ast.Return, ast.Break, ast.Continue)
    late = any(isinstance(end, ends) for block in blocks if isinstance(block, list) for end in block[:-1])
    return late or not loaded <= defined | HELPERS | vars(builtins).keys()


def _alike(one: Outcome, other: Outcome) -> bool:
    return one.verdict == other.verdict and (one.verdict == "wrong" or _general(one.reason) == _general(other.reason))


def _general(reason: str) -> str:
    """A reason without the names and numbers of the program."""
    return re.sub(r"['`\"][^'`\"]*['`\"]|\d+", "_", reason)[:100]


FEATURES = {
    "loops": r"^ +(for|while) ",
    "while": r"^ +while ",
    "branches": r"^ +if ",
    "jumps": r"^ +(break|continue)$",
    "early returns": r"^ {8,}return ",
    "for-else or elif": r"^ +elif |^( +)else:",
    "stores": r"^ +[^=(]*\] \S?\S?= |\.fill\(|np\.(add\.at|copyto|fill_diagonal)|out=",
    "augmented": r"^ +\S+ \S\S?= ",
    "views": r"^ +\w+ = \w+(\[[^]]*:[^]]*\]|\.T|\.reshape\(-1\))$",
    "containers": r"\.(append|pop|extend|update|values|items)\(| = [\[{]",
    "objects": r"(Account|Savings|State|Pair)\(",
    "closures": r"lambda|^ +def ",
    "nested blocks": r"^ {12,}\S",
}


@dataclass
class Summary:
    """Counts of a run; the smallest program is printed of each wrong one, and of the first crash of a kind."""

    verdicts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    statements: int = 0
    slow: list[tuple[float, int]] = field(default_factory=list)
    compiling: float = 0.0
    running: float = 0.0

    def add(self, seed: int, program: Program, found: Outcome, check: Check = check_program) -> None:
        self.verdicts[found.verdict] += 1
        self.compiling, self.running = self.compiling + found.compiling, self.running + found.running
        self.slow = sorted([*self.slow, (found.compiling, seed)], reverse=True)[:10]
        self.statements += sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(program.body))) - 1
        self.features.update(name for name, sign in FEATURES.items() if re.search(sign, program.body, re.MULTILINE))
        if found.verdict == "refused":
            self.refusals[_general(found.reason)] += 1
        if found.verdict == "crash":
            self.crashes[_general(found.reason)] += 1
        if found.verdict == "wrong" or (found.failed and self.crashes[_general(found.reason)] == 1):
            small = reduced(program, found, check)
            last = outcome(small, check)
            reason = last.reason or found.reason
            print(f"seed {seed}: {found.verdict}: {reason}\n{small.source}", flush=True)  # noqa: T201

    def join(self, other: Summary) -> None:
        """Count what another run has found, too."""
        for mine, more in zip(self._counters(), other._counters(), strict=True):
            mine.update(more)
        self.statements += other.statements
        self.slow = sorted([*self.slow, *other.slow], reverse=True)[:10]
        self.compiling, self.running = self.compiling + other.compiling, self.running + other.running

    def _counters(self) -> tuple[Counter[str], ...]:
        return self.verdicts, self.refusals, self.crashes, self.features

    def __str__(self) -> str:
        total = max(self.verdicts.total(), 1)
        shares = ", ".join(f"{name} {100 * self.features[name] / total:.0f} %" for name in FEATURES)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.most_common())
        refused = [f"{count:6} refused: {reason}" for reason, count in self.refusals.most_common()]
        crashed = [f"{count:6} crash: {reason}" for reason, count in self.crashes.most_common()]
        late = [f"{seconds:.1f} s (seed {seed})" for seconds, seed in self.slow if seconds > SLOW]
        return "\n".join(
            [
                f"{total} programs of {self.statements / total:.1f} statements: {shares}",
                f"{counts}; refused {100 * self.refusals.total() / total:.1f} %",
                *refused,
                *crashed,
                f"slow to compile: {', '.join(late) or 'none'}; compiling took {self.compiling:.0f} s in all",
                f"the derivatives ran for {self.running:.1f} s",
            ]
        )


def summarised(seeds: range, check: Check = check_program) -> Summary:
    """What becomes of the programs of some seeds."""
    summary = Summary()
    for seed, program in programs(seeds):
        summary.add(seed, program, outcome(program, check), check)
    return summary


@pytest.fixture(scope="session")
def tallies(tmp_path_factory):
    """A directory that the workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "structured"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.mark.parametrize("part", range(PARTS))
def test_gradients_of_random_structured_programs(part, tallies):
    many = PROGRAMS // PARTS
    refusals: list[str] = []
    for seed, program in programs(range(many * part, many * (part + 1))):
        found = outcome(program)
        assert not found.failed, f"seed {seed}: {found.verdict}: {found.reason}\n{program.source}"
        refusals += [found.reason] * (found.verdict == "refused")
    unfinished = tallies / f"{part}.part"
    unfinished.write_text(json.dumps(refusals))
    unfinished.rename(tallies / f"{part}.json")
    check_refusals(sorted(tallies.glob("*.json")))


@pytest.mark.parametrize("part", range(PARTS))
def test_second_derivatives_of_random_structured_programs(part):
    many = SECOND // PARTS
    for seed, program in programs(range(many * part, many * (part + 1))):
        found = outcome(program, check_curvature, 3 * PATIENCE)  # it compiles derivatives of every argument
        assert not found.failed, f"seed {seed}: {found.verdict}: {found.reason}\n{program.source}"


def check_refusals(files: Sequence[Path]) -> None:
    """That few programs are refused, once all parts have been counted."""
    reasons = Counter(_general(reason) for file in files for reason in json.loads(file.read_text()))
    if len(files) == PARTS:
        assert reasons.total() < REFUSED_SHARE * PROGRAMS, reasons.most_common()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--order", type=int, choices=CHECKS, default=1)
    chosen = parser.parse_args()
    start, summary = time.perf_counter(), Summary()
    last = chosen.seed + chosen.programs
    parts = [range(first, min(first + PART, last)) for first in range(chosen.seed, last, PART)]
    with multiprocessing.Pool(chosen.jobs, maxtasksperchild=1) as pool:
        counted = functools.partial(summarised, check=CHECKS[chosen.order])
        for part in pool.imap_unordered(counted, parts, chunksize=1):
            summary.join(part)
    print(summary)  # noqa: T201
    print(f"{time.perf_counter() - start:.0f} s in all, {chosen.jobs} at a time")  # noqa: T201


if __name__ == "__main__":
    main()
