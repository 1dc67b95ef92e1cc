"""Iteration: what a loop runs over, as a number of rounds and what each round gets."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.attributes import item
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.late import Late, drawn_late, has
from symgrad.frontend.members import readable
from symgrad.frontend.merging import leaf
from symgrad.frontend.runs import at, joined, length_of
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import elements, sizes_equal, truth
from symgrad.frontend.values import Run, Stream
from symgrad.ir.code import Code
from symgrad.ir.program import Value
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Entry, Expr, Tensor
from symgrad.rules.arguments import size
from symgrad.rules.creation import count_between

FEW = 6
"""A range of no more numbers, known while compiling, is written out."""


@dataclass(frozen=True)
class Iteration:
    """``rounds`` times; ``at`` gives what a round gets, by its number from 0; ``length`` is the code of ``rounds``.

    The loop counts ``start + step * number``, over ``head``; the count of a loop over a ``range`` is what a round gets.
    """

    rounds: Expr
    length: Code
    at: Callable[[Value], object]
    head: Code | None = None
    start: Expr = sympy.S.Zero
    step: Expr = sympy.S.One
    counts: bool = False

    def count(self, counter: Entry, hint: str | None) -> Value:
        """What the loop counts."""
        return Value(Tensor(self.start + self.step * counter, (), int), leaf(hint or "k"))

    def element(self, count: Value) -> object:
        """What a round gets."""
        if self.counts:
            return count
        number = sympy.expand((count.tensor.expr - self.start) / self.step)
        code = count.code if self.start == 0 else Code(f"_0 - {self.start}", (count.code,))
        return self.at(count if self.start == 0 else Value(Tensor(number, (), int), code))

    def rest(self) -> Iteration:
        """All rounds but the first."""

        def at(number: Value) -> object:
            return self.at(Value(Tensor(number.tensor.expr + 1, (), int), Code("_0 + 1", (number.code,))))

        head, length = Code("_0[1:]", (self.range,)), Code("_0 - 1", (self.length,))
        return Iteration(self.rounds - 1, length, at, head, self.start + self.step, self.step, self.counts)

    @property
    def is_static(self) -> bool:
        """Whether this is a range of numbers that are known while compiling."""
        return self.counts and all(part.is_Integer for part in (self.rounds, self.start, self.step))

    @property
    def range(self) -> Code:
        """The range of the count."""
        return Code("range(_0)", (self.length,)) if self.head is None else self.head


def iteration(frame: Frame, node: ast.expr) -> Iteration | list[object]:
    """What a ``for`` runs over; a list where the elements are known while compiling."""
    if isinstance(node, ast.GeneratorExp) and _is_plain(node):
        return _generated(frame, node)
    called = _builtin(frame, node)
    if called is None and _is_view(node):
        return _view(frame, node)
    if called is None:
        return over(frame, node, frame.reader.evaluate(frame, node))
    assert isinstance(node, ast.Call)
    if called is range:
        return _range(frame, node, [frame.reader.evaluate(frame, argument) for argument in node.args])
    if called is map:
        return _over_map(frame, node)
    inner = [iteration(frame, argument) for argument in node.args[: 1 if called is enumerate else None]]
    if called is enumerate:
        start = [frame.reader.evaluate(frame, a) for a in (*node.args[1:], *(k.value for k in node.keywords))]
        return _enumerated(inner[0], start[0] if start else 0)
    if called is reversed:
        return _reversed(inner[0])
    strict = any(truth(frame, keyword.value, frame.reader.evaluate(frame, keyword.value)) for keyword in node.keywords)
    return _zipped(frame, node, inner, strict=strict)


def _is_view(node: ast.expr) -> TypeGuard[ast.Call]:
    """Whether this looks like a view of a dict."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"items", "values"}


def _view(frame: Frame, node: ast.Call) -> Iteration | list[object]:
    """The items of a dict as they are when it is their turn: a round may change those of later ones."""
    assert isinstance(node.func, ast.Attribute)
    owner = frame.reader.evaluate(frame, node.func.value)
    if not isinstance(owner, dict) or node.args or node.keywords:
        return over(frame, node, frame.reader.evaluate(frame, node))
    frame.variables[f"@{node.lineno}_{node.col_offset}"] = owner
    keys, pairs = list(owner), node.func.attr == "items"
    return Late(
        lambda place: place < len(keys),
        lambda place: (keys[place], owner[keys[place]]) if pairs else owner[keys[place]],
    )


def _over_map(frame: Frame, node: ast.Call) -> Iteration | list[object]:
    """``map(function, *iterables)``, whose items are computed when it is their turn."""
    if len(node.args) < 2 or node.keywords:
        return over(frame, node, frame.reader.evaluate(frame, node))
    function = frame.reader.evaluate(frame, node.args[0])
    rows = _zipped(frame, node, [iteration(frame, argument) for argument in node.args[1:]], strict=False)
    return _mapped(rows, lambda row: frame.reader.call(frame, node, function, row, {}))  # type: ignore[arg-type]


def _is_plain(node: ast.GeneratorExp) -> bool:
    """Whether a generator expression has one loop and no test."""
    return len(node.generators) == 1 and not node.generators[0].ifs and not node.generators[0].is_async


def _generated(frame: Frame, node: ast.GeneratorExp) -> Iteration | list[object]:
    """A generator expression, whose items are computed when it is their turn."""
    (loop,) = node.generators

    def element(item: object) -> object:
        inner = scoped(frame)
        with inner.open():
            assign(inner, loop.target, item)
            return frame.reader.evaluate(inner, node.elt)

    return _mapped(iteration(frame, loop.iter), element)


def scoped(frame: Frame) -> Frame:
    """The scope of a comprehension."""
    return replace(frame, variables={}, outer=frame, namespace=None, scope=False)


def _mapped(inner: Iteration | list[object], function: Callable[[object], object]) -> Iteration | list[object]:
    if isinstance(inner, list):
        return Late(lambda place: has(inner, place), lambda place: function(readable(inner[place])))
    return Iteration(inner.rounds, inner.length, lambda number: function(inner.at(number)))


def _builtin(frame: Frame, node: ast.expr) -> object:
    """``range``, ``enumerate``, ``map``, ``zip`` or ``reversed`` where it is called plainly."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if any(isinstance(argument, ast.Starred) for argument in node.args) or not node.args:
        return None
    if any(keyword.arg not in {"start", "strict"} for keyword in node.keywords):
        return None
    known = {"range": range, "enumerate": enumerate, "map": map, "zip": zip, "reversed": reversed}
    wanted = known.get(node.func.id)
    return wanted if wanted is not None and frame.lookup(node.func.id) is getattr(builtins, node.func.id) else None


def over(frame: Frame, node: ast.expr, container: object) -> Iteration | list[object]:
    """An array row by row, or a container; a hidden variable holds it while the loop is read."""
    frame.variables[f"@{node.lineno}_{node.col_offset}"] = container
    if isinstance(container, list) and any(isinstance(held, Run) for held in container):
        return _over_run(frame, joined(frame, container, node), frame.line(node))
    if isinstance(container, Stream):
        return drawn_late(frame, node, container, anywhere=isinstance(node, ast.Call | ast.GeneratorExp))
    if not isinstance(container, Value):
        with frame.at(node):
            found = elements(frame, container)
        return container if isinstance(container, list) else found  # what is appended meanwhile comes, too
    if not container.tensor.rank:
        raise ArgumentError(
            "a number cannot be iterated", remedy="give an array, a tuple or a list", span=frame.span(node)
        )
    rows = frame.builder.sizes.find(container.tensor.shape[0])
    length = Code(str(rows)) if rows.is_Integer else Code("len(_0)", (container.code,))
    line = frame.line(node)
    return Iteration(rows, length, lambda number: item(frame, container, number, line))


def _over_run(frame: Frame, run: Run, line: int | None) -> Iteration:
    """A list that grew in a loop."""
    return Iteration(run.rounds, length_of(run), lambda number: at(frame, run, _place(number), line))


def _place(number: Value) -> object:
    return int(number.tensor.expr) if number.tensor.expr.is_Integer else number


def _range(frame: Frame, node: ast.Call, bounds: Sequence[object]) -> Iteration | list[object]:
    if not any(isinstance(bound, Value) for bound in bounds):
        with frame.evaluating(node):
            return _static(range(*bounds))  # type: ignore[call-overload]
    template = Template()
    head = template.code(f"range({template.arguments(bounds, {})})", frame.line(node))
    lowered = [bound.tensor if isinstance(bound, Value) else bound for bound in bounds]
    with frame.at(node):
        sizes = [size(frame.builder, bound) for bound in lowered]
        start, stop = (sympy.S.Zero, sizes[0]) if len(sizes) == 1 else sizes[:2]
        step = sizes[2] if len(sizes) == 3 else sympy.S.One
        if not step.is_Integer and not runs(step):
            step = sympy.Integer(frame.builder.sizes.specialise(step))
        if not step.is_Integer or step == 0:
            raise NotYetSupported("the step of this range is not known while compiling", remedy="write it as a number")
        rounds = _rounds(frame, start, stop, step)
    first = bounds[0] if len(bounds) > 1 else 0
    return Iteration(rounds, Code("len(_0)", (head,)), _counted(first, start, step), head, start, step, True)


def _static(numbers: range) -> Iteration | list[object]:
    """Few numbers one by one; many as a loop."""
    if len(numbers) <= FEW:
        return list(numbers)
    start, step = sympy.Integer(numbers.start), sympy.Integer(numbers.step)
    head, length = Code(str(numbers)), Code(str(len(numbers)))
    return Iteration(sympy.Integer(len(numbers)), length, _counted(numbers.start, start, step), head, start, step, True)


def _counted(first: object, start: Expr, step: Expr) -> Callable[[Value], object]:
    """``start + step * number``."""

    def at(number: Value) -> object:
        tensor = Tensor(start + step * number.tensor.expr, (), int)
        if tensor.expr.is_Integer:
            return int(tensor.expr)
        template = Template()
        text = number_text = template.operand(number.code)
        if step != 1:
            text = f"{step} * {number_text}"
        if start != 0:
            text = f"{template.place(first)} + {text}"
        return Value(tensor, number.code if text == number_text else template.code(text))

    return at


def _rounds(frame: Frame, start: Expr, stop: Expr, step: Expr) -> Expr:
    sizes = frame.builder.sizes
    distance = sympy.expand(sizes.find(stop - start) * (1 if step > 0 else -1))
    if not sizes.at_least(distance, sympy.S.Zero):
        return sympy.S.Zero
    count = count_between(sympy.S.Zero, distance, abs(step))
    assert count is not None
    return count


def _enumerated(inner: Iteration | list[object], start: object) -> Iteration | list[object]:
    if not isinstance(start, int) or isinstance(start, bool):
        raise NotYetSupported("the start of enumerate is not known while compiling", remedy="write it as a number")
    if isinstance(inner, list):
        return Late(lambda place: has(inner, place), lambda place: (place + start, readable(inner[place])))
    count = _counted(start, sympy.Integer(start), sympy.S.One)
    return Iteration(inner.rounds, inner.length, lambda number: (count(number), inner.at(number)))


def _reversed(inner: Iteration | list[object]) -> Iteration | list[object]:
    if isinstance(inner, list):
        count = len(inner)
        return Late(lambda place: place < count, lambda place: readable(inner[count - 1 - place]))

    def at(number: Value) -> object:
        tensor = Tensor(inner.rounds - 1 - number.tensor.expr, (), int)
        return inner.at(Value(tensor, Code("_0 - 1 - _1", (inner.length, number.code))))

    if not inner.counts:
        return Iteration(inner.rounds, inner.length, at)
    last = sympy.expand(inner.start + inner.step * (inner.rounds - 1))
    return Iteration(inner.rounds, inner.length, at, Code("_0[::-1]", (inner.range,)), last, -inner.step, True)


class Unequal(DifferentiationError, ValueError):
    """What ``zip`` says of unequal lengths where they have to be the same."""


def _zipped(
    frame: Frame, node: ast.expr, inner: Sequence[Iteration | list[object]], *, strict: bool
) -> Iteration | list[object]:
    if any(isinstance(part, list) for part in inner):
        items = [part if isinstance(part, list) else late(frame, part) for part in inner]

        def has_all(place: int) -> bool:
            found = [has(part, place) for part in items] if strict else []
            if any(found) and not all(found):
                raise Unequal("zip() has arguments of different lengths", span=frame.span(node))
            return all(found) if strict else all(has(part, place) for part in items)

        return Late(has_all, lambda place: tuple(readable(part[place]) for part in items))
    parts = [part for part in inner if isinstance(part, Iteration)]
    if strict:
        for part in parts[1:]:
            if not sizes_equal(frame.builder.sizes, parts[0].rounds, part.rounds):
                raise Unequal("zip() has arguments of different lengths", span=frame.span(node))
    shortest = parts[0]
    with frame.at(node):
        for part in parts[1:]:
            if frame.builder.sizes.smaller(shortest.rounds, part.rounds) != shortest.rounds:
                shortest = part
    return Iteration(shortest.rounds, shortest.length, lambda number: tuple(part.at(number) for part in parts))


def written_out(frame: Frame, loop: Iteration, count: int | None = None) -> list[object]:
    """What the first rounds get, or all, one by one; all are compiled for their number."""
    items = late(frame, loop, count)
    return [items[place] for place in range(len(items))]


def late(frame: Frame, loop: Iteration, count: int | None = None) -> Late:
    """What the rounds get, each when it is its turn."""
    number = frame.builder.sizes.specialise(loop.rounds) if count is None else count
    return Late(
        lambda place: place < number,
        lambda place: loop.at(Value(Tensor(sympy.Integer(place), (), int), Code(str(place)))),
    )
