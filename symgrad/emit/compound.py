"""Compound statements: loops and branches as text.

What a loop carries has one name inside and after it; so has what a branch results in. A value takes such a name as
soon as nobody reads what had it before; else it moves there at the end.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symgrad.emit.formulas import FormulaSuite, FormulaText
from symgrad.emit.memory import is_new
from symgrad.emit.overwriting import copied_array, is_seen, reads
from symgrad.emit.ownership import is_apart, is_fresh, memories, sources
from symgrad.emit.printing import expression_text, to_source
from symgrad.emit.stacks import Stacks
from symgrad.emit.suites import BranchSuite, LoopSuite, Suite
from symgrad.ir.code import Code

if TYPE_CHECKING:
    from symgrad.emit.statements import Statements


def compound(outer: Statements, suite: Suite) -> LoopText | BranchText | FormulaText:
    """The writer of a suite."""
    if isinstance(suite, FormulaSuite):
        return FormulaText(outer, suite)
    return LoopText(outer, suite) if isinstance(suite, LoopSuite) else BranchText(outer, suite)


@dataclass
class LoopText:
    """Writes a loop: what it starts with, the header, a round, what it leaves."""

    outer: Statements
    suite: LoopSuite
    body: Statements = field(init=False)
    tests: Statements = field(init=False)
    stacks: Stacks = field(init=False)

    def __post_init__(self) -> None:
        suite = self.suite
        self._suggest()
        leaves = {*suite.carried, suite.counter, suite.rounds, *suite.stacks}
        for place, initial in suite.initial.items():
            self.outer.starts[suite.carried[place]] = [initial]
            self.outer.starts[suite.outputs[place]] = [initial, suite.results[place]]
        self.stacks = Stacks(self.outer, suite)
        self.body = self.outer.inside(suite.inner.outside, leaves)
        self.body.results = _gathered((suite.results[place], suite.carried[place]) for place in suite.results)
        self.body.forced = {*suite.effects, *([] if suite.stop is None else [suite.stop])}
        stores = [*self.stacks.early, *self.stacks.late]
        self.body.count([*stores, *suite.roots], [*self.stacks.early, *suite.inner.sequence])
        tester = suite.inner if suite.tester is None else suite.tester
        self.tests = self.outer.inside(tester.outside, leaves)
        self.tests.count([] if suite.test is None else [suite.test], () if suite.tester is None else tester.sequence)

    def _suggest(self) -> None:
        """What the loop starts with may be called after what it carries."""
        hints = self.outer.names.hints
        for place, initial in self.suite.initial.items():
            carried = self.suite.carried[place]
            name = carried.name or hints.get(carried)
            if name is not None and initial.name is None and initial.operands:
                hints.setdefault(initial, name)

    def needs(self) -> list[tuple[Code, int]]:
        """What is read of the surroundings, and how often: what a round reads, is read again."""
        inside = [code for code in (*self.body.imports, *self.tests.imports) if code not in self.body.leaves]
        once = [
            *self.suite.initial.values(),
            *self.stacks.needs,
            *([] if self.suite.head is None else [self.suite.head]),
        ]
        return [*((code, 1) for code in once), *((code, 2) for code in inside)]

    def write(self) -> None:
        """All statements of the loop."""
        suite, outer = self.suite, self.outer
        named = {place: self._name(place) for place in suite.results}
        for writer in (self.body, self.tests):
            writer.named.update({suite.carried[place]: name for place, name in named.items()})
        counter = outer.names.counter(suite.counter, outer.named.all_names()) if self._is_counted() else None
        if counter is not None:
            self.body.named[suite.counter] = self.tests.named[suite.counter] = counter
        self.body.owned |= {suite.carried[place] for place in self.fresh_places()}
        self.stacks.name(named)
        self.tests.write(self.tests.order)
        self.body.write(self.body.order)
        self._start(named)
        self.stacks.start(counter)
        outer.lines += self._header(counter)
        outer.lines += indented([*self._round(counter)] or ["pass"])
        outer.named.update({suite.outputs[place]: name for place, name in named.items()})
        self.stacks.finish(named, counter)

    def _is_counted(self) -> bool:
        suite = self.suite
        return suite.head is not None or suite.counted or suite.counter in self.body.order

    def _name(self, place: int) -> str:
        """The name of what is carried: that of what it starts as, if it is read no more."""
        outer, initial = self.outer, self.suite.initial[place]
        name = outer.named.get(initial)
        free = initial not in outer.leaves or initial in outer.results.get(self.suite.outputs[place], ())
        if name is not None and free and self._is_single(initial) and self._dies(initial):
            return name
        return outer.names.of(self.suite.carried[place])

    def _is_single(self, initial: Code) -> bool:
        """Whether one carried value only starts as this."""
        return list(self.suite.initial.values()).count(initial) == 1

    def _dies(self, initial: Code) -> bool:
        """Whether nobody reads what the loop starts with, but the loop as its start."""
        outer, code = self.outer, self.suite.code
        inside = any(reads(outer, read, initial) for read in (*self.body.imports, *self.tests.imports))
        ends = initial in outer.order and not inside and outer.life.ends_at(initial, code)
        return ends and not is_seen(outer, initial, code)

    def _start(self, named: dict[int, str]) -> None:
        """What is carried at first; memory of its own for what changes in place."""
        outer = self.outer
        for place, name in named.items():
            initial, changes, own = self.suite.initial[place], self._changes(place), self._owns(place)
            value = outer.expression(initial)
            if changes and not own and (initial in outer.named or not is_new(initial)):
                value = copied_array(outer, value, initial)
            if not (isinstance(value, ast.Name) and value.id == name):
                outer.lines.append(to_source(ast.Assign([ast.Name(name, ast.Store())], value)))
            if changes and own:
                outer.changed |= {initial, *memories(outer, initial)}
        for place in named:
            self._give(place)

    def _changes(self, place: int) -> bool:
        return self.suite.carried[place] in self.body.changed

    def _owns(self, place: int) -> bool:
        """Whether what is carried starts in memory that nothing else needs."""
        initial = self.suite.initial[place]
        return self._is_single(initial) and self._dies(initial) and (is_new(initial) or initial in self.outer.owned)

    def _give(self, place: int) -> None:
        """What the loop leaves may be changed in place, if all that it may be the memory of was the loop's own."""
        carried, outer = self.suite.carried, self.outer
        memory = sources(self.body, self.suite.results[place])
        origins = {place, *(other for other in self.suite.results if carried[other] in memory)}
        if carried[place] in self.body.owned and all(self._changes(k) or self._owns(k) for k in origins):
            outer.owned.add(self.suite.outputs[place])
            outer.origins[self.suite.outputs[place]] = {self.suite.initial[k] for k in origins if self._owns(k)}

    def fresh_places(self) -> set[int]:
        """The places of carried arrays whose memory nothing else holds, in every round."""
        suite = self.suite
        places = set(suite.results)
        while True:
            kept = {place for place in places if self._is_fresh(suite.results[place], places)}
            kept = {place for place in kept if is_apart(self.body, suite.results, place)}
            if kept == places:
                return places
            places = kept

    def _is_fresh(self, code: Code, places: set[int]) -> bool:
        if code in self.suite.carried:
            return self.suite.carried.index(code) in places
        return is_fresh(self.body, code, {self.suite.carried[place] for place in places})

    def _header(self, counter: str | None) -> list[str]:
        suite = self.suite
        if suite.head is not None:
            return [f"for {counter} in {expression_text(self.outer.expression(suite.head))}:"]
        if suite.test is None or self.tests.lines:
            return ["while True:"]
        return [f"while {expression_text(self.tests.expression(suite.test))}:"]

    def _round(self, counter: str | None) -> Iterable[str]:
        suite = self.suite
        if suite.test is not None and self.tests.lines:
            yield from self.tests.lines
            yield f"if not ({expression_text(self.tests.expression(suite.test))}):"
            yield "    break"
        yield from self.body.lines
        yield from self.body.moves()
        if suite.head is None and counter is not None:
            yield f"{counter} += 1"
        if suite.stop is not None:
            yield f"if {expression_text(self.body.expression(suite.stop))}:"
            yield "    break"


@dataclass
class BranchText:
    """Writes a branch."""

    outer: Statements
    suite: BranchSuite
    bodies: tuple[Statements, Statements] = field(init=False)

    def __post_init__(self) -> None:
        first, second = (self._body(side) for side in (0, 1))
        self.bodies = (first, second)
        self.outer.starts.update({self.suite.outputs[place]: [*pair] for place, pair in self.suite.results.items()})

    def _body(self, side: int) -> Statements:
        suite = self.suite
        body = self.outer.inside(suite.inner[side].outside, set())
        body.results = _gathered((pair[side], suite.outputs[place]) for place, pair in suite.results.items())
        body.forced = set(suite.effects[side])
        body.count(suite.roots(side), suite.inner[side].sequence)
        return body

    def needs(self) -> list[tuple[Code, int]]:
        """What is read of the surroundings, and how often."""
        assert self.suite.condition is not None
        inside = [code for body in self.bodies for code in body.imports]
        return [(self.suite.condition, 1), *((code, 1) for code in inside)]

    def write(self) -> None:
        """All statements of the branch."""
        outer, suite = self.outer, self.suite
        assert suite.condition is not None
        condition = outer.expression(suite.condition)
        for place, leaf in enumerate(suite.outputs):
            if place in suite.results:
                outer.named[leaf] = self._name(place)
        dying = {code for body in self.bodies for code in body.imports if self._dies(code)}
        for body in self.bodies:
            body.named.update({leaf: outer.named[leaf] for leaf in suite.outputs if leaf in outer.named})
            body.owned |= {code for code in dying if is_new(code) or code in outer.owned}
            body.write(body.order)
            outer.changed |= body.changed.union(*(memories(outer, code) for code in body.changed))
        self._own()
        first, second = ([*body.lines, *body.moves()] for body in self.bodies)
        outer.lines += _branch(condition, first, second)

    def _dies(self, code: Code) -> bool:
        outer, place = self.outer, self.suite.code
        return code in outer.order and outer.life.ends_at(code, place) and not is_seen(outer, code, place)

    def _name(self, place: int) -> str:
        """The name of a result: that of what a body leaves as it was, or what it is in the end, if that is free."""
        for side, code in enumerate(self.suite.results[place]):
            taken = [pair[side] for other, pair in self.suite.results.items() if other != place]
            name = self.outer.named.get(code)
            given = [self.outer.named.get(leaf) for leaf in self.suite.outputs[:place]]
            free = code in self.bodies[side].imports and code not in taken and name not in given
            if name is not None and free and self._dies(code):
                return name
        return self._result(place) or self.outer.names.of(self.suite.outputs[place])

    def _result(self, place: int) -> str | None:
        """The name that a result has in the end, if nobody reads what has it now."""
        outer, output = self.outer, self.suite.outputs[place]
        given = [outer.named.get(leaf) for leaf in self.suite.outputs[:place]]
        for name in (outer.named[leaf] for leaf in outer.results.get(output, ())):
            holders = [code for code in outer.holders(name) if code != output]
            ended = all(outer.life.ends_at(holder, self.suite.code) for holder in holders)
            if ended and name not in given and not outer.is_mentioned(name, self.suite.code):
                return name
        return None

    def _own(self) -> None:
        """Results in memory of their own may be changed in place."""
        for place, pair in self.suite.results.items():
            sides = [{k: found[side] for k, found in self.suite.results.items()} for side in (0, 1)]
            bodies = list(zip(self.bodies, sides, strict=True))
            if all(is_fresh(body, own[place], body.owned) and is_apart(body, own, place) for body, own in bodies):
                self.outer.owned.add(self.suite.outputs[place])
                self.outer.origins[self.suite.outputs[place]] = self._memory(pair)

    def _memory(self, pair: tuple[Code, Code]) -> set[Code]:
        """What a result may be the memory of, in the region around."""
        return set().union(*(memories(body, code) for body, code in zip(self.bodies, pair, strict=True)))


def _gathered(pairs: Iterable[tuple[Code, Code]]) -> dict[Code, list[Code]]:
    """The leaves that each code becomes."""
    found: dict[Code, list[Code]] = {}
    for code, leaf in pairs:
        found.setdefault(code, []).append(leaf)
    return found


def indented(lines: Iterable[str]) -> list[str]:
    """Lines of a body."""
    return [f"    {line}" for text in lines for line in text.split("\n")]


def _branch(condition: ast.expr, first: list[str], second: list[str]) -> list[str]:
    text = expression_text(condition)
    if not first and not second:
        return []
    if not first:
        return [f"if not ({text}):", *indented(second)]
    if not second:
        return [f"if {text}:", *indented(first)]
    if second[0].startswith("if ") and all(line.startswith((" ", "el")) for line in second[1:]):
        return [f"if {text}:", *indented(first), f"el{second[0]}", *second[1:]]
    return [f"if {text}:", *indented(first), "else:", *indented(second)]
