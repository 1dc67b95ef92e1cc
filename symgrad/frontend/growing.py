"""Lists that get one more item in every round of a loop: after the loop, a run of items that lie in arrays.

While a round is read, the list holds a ``Growing`` in place of what earlier rounds have appended. Its last items can be
read: they are carried like variables.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import sympy

from symgrad.frontend.environment import Cell, Conflict, Environment
from symgrad.frontend.frame import Frame, Reader
from symgrad.frontend.merging import leaf, number_or_value
from symgrad.frontend.slots import Param, Unfixed
from symgrad.frontend.values import Form, Growing, Lists, Run, Stack, leaves
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Equation, Map, Role
from symgrad.ir.program import Traced, Value
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Entry, Expr, Ref, Tensor, substitute

REMEDY = "append one item of a fixed shape in every round, or fill an array by index"
MOST_STATIC = 64


@dataclass(eq=False)
class Growth:
    """A list, ``items``, that grows in a loop, and had ``before`` of them; ``item`` is what the last reading appended.

    ``memory`` is that of the item, ``kin`` are carried values and arrays from outside that may share it.
    """

    items: list[object]
    before: int
    name: str | None
    item: object = None
    wanted: set[int] = field(default_factory=set)
    recent: dict[int, object] = field(default_factory=dict)
    memory: frozenset[int] = frozenset()
    kin: dict[int, Param | Value] = field(default_factory=dict)
    began_with: list[Value] = field(default_factory=list)

    def start(self, reader: Reader, number: Expr, made: dict[Param, Value]) -> None:
        """The list as a round begins."""
        token = reader.aliasing.array(Value(Tensor(sympy.S.Zero, (), float), Code("@items")))
        kin = [made.get(part) if isinstance(part, Param) else part for part in self.kin.values()]
        reader.aliasing.start(token)
        reader.aliasing.may_share(token, [value for value in kin if value is not None])
        self.items.append(Growing(self._recent, self.before + number, token))

    def _recent(self, back: int) -> object:
        if back > self.before:
            raise Unfixed("what this loop has appended is read before it is there", remedy=REMEDY)
        self.wanted.add(back)
        return self.recent.get(back, self.items[self.before - back])

    def end(self, reader: Reader, after: Environment, made: dict[Param, Value]) -> None:
        """Remember what the round has appended, and which arrays may share its memory."""
        aliasing = reader.aliasing
        self.item = appended(self.items, after, self.before + 1)
        arrays = [value for value in leaves(self.item) if aliasing.is_array(value)]
        self.memory = frozenset().union(*map(aliasing.memory, arrays))
        started = {value: param for param, value in made.items() if aliasing.is_array(value)}
        shared = [param for value, param in started.items() if aliasing.memory(value) & self.memory]
        self.began_with = [param.origin for param in shared if isinstance(param.origin, Value)]

    def first(self, back: int) -> object:
        """One of the last items before the loop."""
        return self.items[self.before - back]

    def last(self, back: int) -> object:
        """What a round leaves as one of the last items."""
        if back == 1:
            return self.item
        self.wanted.add(back - 1)
        return self.recent.get(back - 1, self.first(back - 1))

    def meet(self, reader: Reader, candidates: Iterable[tuple[Param | Value, object]]) -> bool:
        """Find what may share memory with the item at the end of a round; whether that is news."""
        known, aliasing = len(self.kin), reader.aliasing
        for part, held in candidates:
            if isinstance(held, Value) and aliasing.is_array(held) and aliasing.memory(held) & self.memory:
                self.kin[id(part)] = part
        return len(self.kin) > known


@dataclass
class Growths:
    """The lists that grow in one loop; ``before`` is what holds before it."""

    reader: Reader
    before: Environment
    lists: dict[int, Growth] = field(default_factory=dict)

    def expect(self, node: ast.For | ast.While) -> bool:
        """Take the lists that the text of a loop appends to for lists that grow; whether there are."""
        functions = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
        owners = [part.value for part in functions if isinstance(part, ast.Attribute) and part.attr == "append"]
        names = {owner.id for owner in owners if isinstance(owner, ast.Name)}
        for (_, kind, name), held in self.before.cells.items():
            if kind == "variable" and name in names and isinstance(held, list):
                self.lists[id(held)] = Growth(held, len(held), name)
        return bool(self.lists)

    def start(self, number: Expr, made: dict[Param, Value]) -> None:
        """A round begins."""
        for growth in self.lists.values():
            growth.start(self.reader, number, made)

    def end(self, after: Environment, made: dict[Param, Value]) -> None:
        """A round ends."""
        for growth in self.lists.values():
            growth.end(self.reader, after, made)

    def is_new(self, cell: Cell) -> bool:
        """Whether a cell is there since a list has grown."""
        is_list = isinstance(self.before.holders[cell[0]], list)
        return is_list and (cell[1] == "length" or (cell[1] == "item" and cell not in self.before.cells))

    def grow(self, cell: Cell, after: Environment) -> bool:
        """A list gets longer in this loop; whether that is news."""
        if cell[0] in self.lists:
            return False
        items = self.before.holders[cell[0]]
        assert isinstance(items, list)
        appended(items, after, len(items))
        names = [known[2] for known, held in self.before.cells.items() if held is items and known[1] == "variable"]
        self.lists[cell[0]] = Growth(items, len(items), names[0].lstrip("@") if names else None)
        return True

    def wanted(self) -> Iterator[tuple[Cell, Growth]]:
        """The last items of lists that are read in the loop."""
        for key, growth in self.lists.items():
            for back in list(growth.wanted):
                yield (key, "recent", back), growth

    def meet(self, carried: Iterable[Param]) -> bool:
        """Find arrays that may share memory with items of lists; whether that is news."""
        outside = [held for held in self.before.holders.values() if isinstance(held, Value)]
        candidates: list[tuple[Param | Value, object]] = [(param, param.left) for param in carried]
        candidates += [(held, held) for held in outside]
        return any([growth.meet(self.reader, candidates) for growth in self.lists.values()])  # noqa: C419 (all of them)

    def finish(self, grown: Iterable[tuple[Growth, Run]], outputs: dict[Param, Value]) -> None:
        """Lists get what the loop has appended; a change of an item is refused."""
        aliasing = self.reader.aliasing
        for growth, run in grown:
            growth.items.append(run)
            kin = [outputs.get(part) if isinstance(part, Param) else part for part in growth.kin.values()]
            for array in run.arrays:
                aliasing.freeze(array, "this changes an item of a list that grew in a loop")
                aliasing.may_share(array, [*(value for value in kin if value is not None), *growth.began_with])


def appended(items: list[object], after: Environment, place: int) -> object:
    """The one item that a round has appended, at a place."""
    held = after.items(items)
    if len(held) != place + 1 or isinstance(held[place], Conflict):
        raise Unfixed("a list changes its length in this loop", remedy=REMEDY)
    return held[place]


@dataclass
class Ending:
    """Makes the runs of lists, after a loop; ``traced`` is what the statement has to save of every round.

    ``after`` is what holds after a round; ``kept`` are the lists, by ``id``, that are there outside of it.
    """

    frame: Frame
    inner: Builder
    block: Ref
    rounds: Expr
    carried: list[Param]
    after: Environment
    kept: frozenset[int]
    traced: list[Traced] = field(default_factory=list)

    def run(self, growth: Growth) -> Run:
        """What a list got in all rounds; a few items that are known while compiling are written one by one."""
        if self.rounds.is_Integer and self.rounds <= MOST_STATIC and is_counted(growth.item, self.inner):
            raise Unfixed("a loop appends what is known while compiling", remedy=REMEDY)
        return Run(self._form(growth.item, growth.name), self.rounds)

    def _form(self, item: object, name: str | None) -> Form:
        if isinstance(item, tuple):
            return tuple.__new__(type(item), [self._form(part, None) for part in item])
        if isinstance(item, list):
            return self._lists(item)
        value = number_or_value(self.frame.reader, item)
        if value is None:
            raise Unfixed("a loop appends to a list what is neither a number nor an array", remedy=REMEDY)
        if any(map(runs, value.tensor.shape)):
            raise Unfixed("a loop appends arrays whose shape is not the same in every round", remedy=REMEDY)
        place = next((place for place, param in enumerate(self.carried) if param.left is item), None)
        array = self._trace(value, name) if place is None else self._states(place, name)
        return Stack(array, value.tensor.kind)

    def _lists(self, item: list[object]) -> Form:
        """Lists that rounds have made."""
        if id(item) in self.kept:
            raise Unfixed("a loop appends a list that it also keeps", remedy="append a copy of the list")
        held = self.after.items(item)
        if not any(isinstance(part, Run) for part in held):
            return Lists(tuple(self._form(part, None) for part in held))
        if len(held) > 1 or runs(held[0].rounds):
            raise Unfixed("a loop appends lists whose length is not the same in every round", remedy=REMEDY)
        return Lists((self._run(held[0].form),), held[0].rounds)

    def _run(self, form: Form) -> Form:
        """What a list in a round is made of."""
        match form:
            case Stack():
                array = form.array
                return Stack(self._trace(Value(_without_ones(self.inner, array.tensor), array.code), None), form.kind)
            case Lists():
                return Lists(tuple(map(self._run, form.parts)), form.rounds)
        return tuple.__new__(type(form), list(map(self._run, form)))

    def _trace(self, value: Value, name: str | None) -> Value:
        """The values of all rounds."""
        tensor, kind = value.tensor, np.dtype(value.tensor.kind)
        ref = own_ref(self.inner, tensor, name or "item")
        builder = self.frame.builder
        found = builder.output(self.block, Role.TRACE, ref, (self.rounds, *tensor.shape), tensor.kind)
        code = leaf(name)
        self.traced.append(Traced(Role.TRACE, ref, value.now, code))
        return Value(Tensor(found.expr, found.indices, kind), code)

    def _states(self, place: int, name: str | None) -> Value:
        """The values of all rounds of something that is carried: its states but the first."""
        builder, param = self.frame.builder, self.carried[place]
        shape = (self.rounds + 1, *param.tensor.shape)
        states = builder.output(self.block, Role.STATES, place, shape, param.kind)
        first, *rest = states.indices
        assert first is not None
        known = [part for part in self.traced if part.role is Role.STATES and part.place == place]
        code = known[0].code if known else leaf(name)
        if not known:
            self.traced.append(Traced(Role.STATES, place, Value(param.tensor, param.code), code))
        index = builder.index(self.rounds)
        expr = substitute(states.expr, {first: index + 1})
        return Value(Tensor(expr, (index, *rest), np.dtype(param.kind)), Code("_0[1:]", (code,), name))


def _without_ones(builder: Builder, tensor: Tensor) -> Tensor:
    """A tensor in which an axis of length one has no index."""
    ones = [index for index in tensor.free if builder.sizes.is_one(index.size)]
    indices = tuple(None if index in ones else index for index in tensor.indices)
    return Tensor(substitute(tensor.expr, dict.fromkeys(ones, sympy.S.Zero)), indices, tensor.kind)


def own_ref(builder: Builder, tensor: Tensor, name: str) -> Ref:
    """A value of a body as an equation of its own."""
    entry = builder.define(tensor, name).expr
    if isinstance(entry, Entry) and entry.indices == tensor.free and not entry.negated and builder.is_whole(entry):
        known: Ref = entry.ref
        if known in builder.own:
            return known
    ref = Ref(builder.name(name), tuple(index.size for index in tensor.free), tensor.kind)
    builder.own[ref] = Equation(ref, tensor.free, Map(tensor.expr))
    return ref


def is_counted(item: object, builder: Builder) -> bool:
    """Whether an item depends on nothing but the numbers of rounds of loops whose rounds are known while compiling."""
    if isinstance(item, tuple | list):
        return all(is_counted(part, builder) for part in item)
    return not isinstance(item, Run) and _is_counted(item, builder)


def _is_counted(item: object, builder: Builder) -> bool:
    if not isinstance(item, Value):
        return True
    entries = [symbol for symbol in item.tensor.expr.free_symbols if not symbol.is_number]
    return not item.tensor.rank and all(_is_counter(symbol, builder) for symbol in entries)


def _is_counter(symbol: Expr, builder: Builder) -> bool:
    bounds = symbol.ref.bounds if isinstance(symbol, Entry) else None
    return bounds is not None and symbol.ref not in builder.equations and bool(bounds[1].is_Integer)
