"""Random structured NumPy programs: branches, loops, mutation, views, containers, closures, objects.

A program is written line by line. A candidate is kept if the whole program so far, with a probe where the next
statement will stand, runs at its points: without an error, a near tie of a comparison or a value of immoderate size,
and so that the probe is met. Hence blocks are reached, loops end, and what the derivative should be is known: from the
complex step of the watched program and from differences of the program itself, which have to agree.
"""

from __future__ import annotations

import ast
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from random_blocks import GROUPS, JUMP_ROWS, LOOP_ROWS, RETURN_ROWS, USES
from random_instrumented import FAILURES, Probe, Stage, copied, kind
from random_oracle import Program, judged, stage
from random_statements import COUNTERS, EXPRESSIONS, NAMES, RESULT_ROWS

SIZES = ({"n": 4, "d": 3}, {"n": 4, "d": 3}, {"n": 6, "d": 4}, {"n": 3, "d": 3})
FLOATS = {"x": "n", "y": "n", "b": "d", "A": "nn", "W": "nd", "a": "", "c": "", "rate": ""}
INTEGERS = ("steps", "mode", "idx")
SLOT = re.compile(r"\{([a-zA-Z])(\d?)\}")
ATOM = re.compile(r"[\w.]+(\[[^][]*\])?(\([^()]*\))?")
LARGEST_RESULT, LONGEST, DEEPEST, MOST_RETURNS = 1000.0, 25, 3, 2
LEAVES = {"s": "S", "v": "V", "m": "M"}


class Unfillable(Exception):
    """No variable of the kind that a row wants."""


@dataclass
class Writer:
    """Writes one program."""

    rng: random.Random
    parameters: list[str]
    points: list[tuple[Any, ...]]
    stage: Stage
    lines: list[str] = field(default_factory=list)
    trailers: list[str] = field(default_factory=list)
    depth: int = 0
    loops: int = 0
    stable: dict[str, list[Any]] = field(default_factory=dict)
    pool: dict[str, list[str]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    visits: int = 0
    shape: Any = None

    def source(self, extra: Sequence[str]) -> str:
        """The program so far with some lines more."""
        head = f"def program({', '.join(self.parameters)}):"
        return "\n".join([head, *(f"    {line}" for line in [*self.lines, *extra, *self.trailers])])

    def indented(self, lines: Sequence[str], more: int = 0) -> list[str]:
        """Lines at the depth of the hole."""
        return [f"{'    ' * (self.depth + more)}{line}" for line in lines]

    def run(self, extra: Sequence[str], probe: Any = None) -> list[Any] | None:
        """The results at all points; None if one fails."""
        try:
            function = self.stage.define(self.source(extra), probe)
            results = []
            for args in self.points:
                if isinstance(probe, Probe):
                    probe.start()
                results.append(function(*copied(args)))
        except (*FAILURES, SyntaxError):
            return None
        return results

    def accepted(self, lines: Sequence[str], inner: int = 0) -> bool:
        """Append lines, if the program runs with them; with ``inner`` they open a block and the hole is in it."""
        new = self.indented(lines)
        probe = Probe()
        if self.run([*new, *self.indented(["probe_(locals())"], inner)], probe) is None or not any(probe.visits):
            return False
        if _decides(lines) and sum(probe.visits) == self.visits and self.rng.random() < 0.85:
            return False
        stable = {name: shapes for name, shapes in probe.stable().items() if name not in self.hidden}
        if self.depth + inner and not all(_same(shapes, stable.get(name)) for name, shapes in self.stable.items()):
            return False
        self.lines += new
        self.visits = sum(probe.visits)
        self._know(stable)
        return True

    def _know(self, stable: dict[str, list[Any]]) -> None:
        text = self.source([])
        self.stable, self.pool = stable, {}
        for name in sorted(stable, key=lambda name: (text.rfind(name), name)):
            letter = next(shape[0] for shape in stable[name] if shape)
            self.pool.setdefault(letter, []).append(name)

    def statement(self) -> bool:
        """Append a statement, if one of some trials is valid."""
        return any(self._tried() for _ in range(40))

    def _tried(self) -> bool:
        chance = self.rng.random()
        if chance < 0.2 and self.depth < DEEPEST and len(self.lines) < LONGEST - 3:
            return self.compound()
        if chance < 0.3 and self.loops:
            return self.simple(self.rng.choice(JUMP_ROWS))
        if chance > 0.97 and sum("return" in line for line in self.lines) < MOST_RETURNS:
            return self.simple(self.rng.choice(RETURN_ROWS))
        held = [letter for letter in USES if letter in self.pool]
        if held and chance > 0.85:
            return self.simple(self.rng.choice(USES[self.rng.choice(held)]))
        weights = [often[1] if self.loops else often[0] for _, *often in GROUPS]
        (group,) = self.rng.choices([rows for rows, *_ in GROUPS], weights)
        return self.simple(self.rng.choice(group))

    def simple(self, row: str) -> bool:
        """Append a row's statements, if they are valid and not too many."""
        lines = self.filled(row)
        return bool(lines) and len(self.lines) + len(lines) <= LONGEST and self.accepted(lines)

    def compound(self) -> bool:
        """Append a branch or a loop."""
        before = (list(self.lines), self.stable, self.pool, self.visits)
        written = self._branch() if self.rng.random() < 0.45 else self._loop()
        if written and self.accepted([]):
            return True
        self.lines, self.stable, self.pool, self.visits = before
        return False

    def _branch(self) -> bool:
        """Append a branch; what only some of its blocks define is not used afterwards."""
        outer, start = (self.stable, self.pool, self.visits), len(self.lines)
        if not self._block(self.filled("if {b}:\n    ...")):
            return False
        ends = [set(self.stable)]
        for lines, often in ((self._elif, 0.3), (lambda: ["else:", "    ..."], 0.6)):
            self.stable, self.pool, self.visits = outer
            if self.rng.random() < often and self._block(lines()):
                ends.append(set(self.stable))
        complete = self.lines[start:].count(self.indented(["else:"])[0]) == 1
        assigned = {node.id for node in ast.walk(ast.parse(self.source([]))) if isinstance(node, ast.Name)}
        sure = set.intersection(*ends) if complete else set()
        self.hidden |= assigned - sure - set(outer[0])
        return True

    def _elif(self) -> list[str]:
        """The header of an ``elif``, with a condition for the points that come there."""
        if not self.accepted(["else:"], 1):
            return []
        self.depth += 1
        lines = self.filled("if {b}:\n    ...")
        self.depth -= 1
        self.lines.pop()
        return [f"el{lines[0]}", *lines[1:]] if lines else []

    def _loop(self) -> bool:
        start, outer = len(self.lines), (self.stable, self.pool, self.visits)
        lines = self.filled(self.rng.choice(LOOP_ROWS))
        looped = not any(line.startswith("with") for line in lines)
        self.loops += looped
        written = self._block(lines)
        self.loops -= looped
        inside = set(re.findall(r"^ *(\w+)\b.* = ", "\n".join(self.lines[start + 1 :]), re.MULTILINE)) - set(outer[0])
        self.hidden |= {name for name in sorted(inside) if self.rng.random() < 0.6}
        if written and any(line.endswith("break") for line in self.lines[start:]) and self.rng.random() < 0.5:
            self.stable, self.pool, self.visits = outer
            self._block(["else:", "    ..."])
        return written

    def _block(self, lines: list[str]) -> bool:
        """Append lines with statements in place of the dots; whether they are valid."""
        if not lines:
            return False
        place = lines.index("    ...")
        trailer = self.indented(lines[place + 1 :])
        before, self.trailers = self.trailers, [*trailer, *self.trailers]
        opened = self.accepted(lines[:place], 1)
        if opened:
            self.depth += 1
            count, start = self.rng.choice((1, 2, 2, 3, 4)), len(self.lines)
            for _ in range(count):
                self.statement()
            if len(self.lines) == start:
                self.lines += self.indented(["pass"])
            self.depth -= 1
            self.lines += trailer
        self.trailers = before
        return opened

    def result(self) -> bool:
        """Append the return statement, a scalar of the last variables; whether there is one."""
        for _ in range(100):
            count = self.rng.choice((3, 4, 5, 6))
            lines = self.filled("return " + self.rng.choice((" + ", " - ", " + 0.5 * ")).join(self._terms(count)))
            results = self.run(lines) if lines else None
            if results and all(kind(value) == "S" and 1e-3 < abs(value) < LARGEST_RESULT for value in results):
                self.lines += lines
                return True
        return False

    def _terms(self, count: int) -> list[str]:
        """Rows that can be filled, mostly different ones."""
        rows = [row for row in RESULT_ROWS if all(letter in self.pool for letter, _ in SLOT.findall(row))]
        return [f"({row})" for row in self.rng.sample(rows or ["1.0"], min(count, len(rows) or 1))]

    def filled(self, row: str) -> list[str]:
        """The lines of a row with its slots filled; none if that is not possible."""
        self.shape = None
        try:
            text = self._filled(row, 0)
        except Unfillable:
            return []
        return ast.unparse(ast.parse(text)).split("\n")

    def _filled(self, row: str, level: int) -> str:
        known: dict[str, str] = {}

        def slot(match: re.Match[str]) -> str:
            letter, number = match.groups()
            if number and letter + number in known:
                return known[letter + number]
            for _ in range(4):
                piece = self._piece(letter, level, known.get(f"s{number}", ""), known)
                if not (number and letter == "S" and piece in known.values()):
                    known[letter + number] = piece
                    return piece
            raise Unfillable

        return SLOT.sub(slot, row)

    def _piece(self, letter: str, level: int, compared: str, known: dict[str, str]) -> str:
        if letter == "N":
            return self._new(NAMES.split(), known, often=0.95 if self.depth == 0 else 1.0)
        if letter == "C":
            return self._new(COUNTERS, known, often=0.5)
        if letter == "t":
            return self._threshold(compared or known["S1"])
        return self._variable(letter) if letter.isupper() else self._expression(letter, level)

    def _new(self, names: Sequence[str], known: dict[str, str], often: float) -> str:
        """A name, as often as told one that has not occurred; never one of an open block's header."""
        used = {*re.findall(r"\w+", self.source([])), *known.values()}
        if self.rng.random() > often:
            headers = [line for line in self.lines if line.endswith(":")]
            used = {*re.findall(r"\w+", "\n".join([*headers, *self.trailers])), *known.values()}
        return self.rng.choice([name for name in names if name not in used] or [*names])

    def _variable(self, letter: str) -> str:
        """A variable, mostly a recent one; mostly of the shape of the row's first vector."""
        names = self.pool.get(letter, [])
        if letter == "V" and self.shape and self.rng.random() < 0.9:
            names = [name for name in names if self.stable[name] == self.shape]
        if not names:
            raise Unfillable
        name = names[-1 - int(min(self.rng.expovariate(0.35), len(names) - 1))]
        if letter == "V" and not self.shape:
            self.shape = self.stable[name]
        return name

    def _expression(self, letter: str, level: int) -> str:
        if letter == "s" and ((level == 3 and "S" not in self.pool) or self.rng.random() < 0.08):
            return f"{self.rng.uniform(0.2, 1.6):.1f}"
        if LEAVES.get(letter) in self.pool and self.rng.random() < (0.4, 0.65, 0.9, 1.0)[level]:
            return self._variable(LEAVES[letter])
        text = self._filled(self.rng.choice(EXPRESSIONS[letter]), min(level + 1, 3))
        return text if ATOM.fullmatch(text) else f"({text})"

    def _threshold(self, source: str) -> str:
        """A number between the values that an expression has at the hole, or beside the only one."""
        values: list[float] = []
        known = not self.stable.keys().isdisjoint(re.findall(r"\w+", source))
        if not known or self.run(self.indented([f"probe_({source})"]), values.append) is None or not values:
            raise Unfillable
        if any(np.ndim(value) for value in values):
            raise Unfillable
        ordered = sorted(map(float, values))
        middles = [(low + high) / 2 for low, high in itertools.pairwise(ordered) if high - low > 0.1]
        middle = self.rng.choice(middles) if middles else ordered[0] + self.rng.choice((-0.5, 0.5))
        return f"{middle:.2f}"


def _decides(lines: Sequence[str]) -> bool:
    """Whether lines open a branch or may jump, so that fewer visits come behind them."""
    return bool(lines) and lines[0].startswith(("if ", "elif "))


def _same(before: list[Any], after: list[Any] | None) -> bool:
    """Whether a variable keeps its kind and shape, where both are known."""
    return after is not None and all(
        one is None or other is None or one == other for one, other in zip(before, after, strict=True)
    )


def arguments(names: Sequence[str], sizes: dict[str, int], numbers: np.random.Generator) -> tuple[Any, ...]:
    """Values of the parameters at a point."""
    integers = {"steps": int(numbers.integers(0, 4)), "mode": int(numbers.integers(0, 2))}
    integers["idx"] = numbers.integers(0, 3, 3)
    made = {
        name: numbers.normal(size=[sizes[axis] for axis in axes]) if axes else float(numbers.uniform(-0.5, 1.5))
        for name, axes in FLOATS.items()
    }
    return tuple({**integers, **made}[name] for name in names)


def generate(rng: random.Random) -> Program | None:
    """A program of 5 to 25 lines; None where no result was found or its slopes are in doubt at most points."""
    names = rng.sample([*FLOATS], rng.randint(1, 4)) + [name for name in INTEGERS if rng.random() < 0.3]
    numbers = np.random.default_rng(rng.randrange(2**32))
    points = [arguments(names, sizes, numbers) for sizes in SIZES]
    target = min(rng.randint(4, LONGEST - 1), rng.randint(4, LONGEST - 1))
    with np.errstate(all="ignore"):
        writer = Writer(rng, names, points, stage(float))
        writer.accepted([])
        while len(writer.lines) < target and writer.statement():
            pass
        if not writer.result():
            return None
        chosen = tuple(k for k, name in enumerate(names) if name in FLOATS and rng.random() < 0.8)
        return judged(writer.source([]), points, chosen or (0,))
