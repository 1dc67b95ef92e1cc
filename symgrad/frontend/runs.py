"""Runs: items of lists that loops have appended, read as parts of the arrays in which they lie."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import sympy

from symgrad.errors import ArgumentError, NotYetSupported, ShapeError
from symgrad.frontend.attributes import item, size
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import lifted
from symgrad.frontend.members import readable
from symgrad.frontend.values import Form, Growing, Lists, Run, Stack, describe, has_runs
from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_python
from symgrad.ir.program import Value
from symgrad.ir.sizes import runs
from symgrad.ir.tensor import Tensor
from symgrad.rules.arguments import size as as_size
from symgrad.rules.convert import array_kind, concatenated, stacked
from symgrad.rules.creation import full

MOST_WRITTEN_OUT = 64


def at(frame: Frame, run: Run, place: object, line: int | None) -> object:
    """The item at a place of a run."""
    return _at(frame, run.form, place, line)


def _at(frame: Frame, form: Form, place: object, line: int | None) -> object:
    if isinstance(form, tuple):
        return tuple.__new__(type(form), [_at(frame, part, place, line) for part in form])
    if isinstance(form, Lists):
        made = _listed(frame, form, place, line)
        frame.reader.aliasing.foreign(made)
        return made
    found = item(frame, form.array, place, line)
    if not is_python(form.kind):
        return found
    assert isinstance(form.kind, type)
    return Value(Tensor(found.tensor.expr, (), form.kind), Code(f"{form.kind.__name__}(_0)", (found.code,), line=line))


def _listed(frame: Frame, form: Lists, place: object, line: int | None) -> list[object]:
    """An item that is a list."""
    if form.rounds is None:
        return [_at(frame, part, place, line) for part in form.parts]
    return [Run(_cut(frame, form.parts[0], place, line), form.rounds)]


def _cut(frame: Frame, form: Form, key: object, line: int | None) -> Form:
    """The same part of all arrays of a form."""
    match form:
        case Stack():
            return Stack(item(frame, form.array, key, line), form.kind)
        case Lists():
            return Lists(tuple(_cut(frame, part, key, line) for part in form.parts), form.rounds)
    return tuple.__new__(type(form), [_cut(frame, part, key, line) for part in form])


def length_of(run: Run) -> Code:
    """The code of the number of items."""
    return Code(str(run.rounds)) if run.rounds.is_Integer else Code("len(_0)", (run.arrays[0].code,))


def expanded(frame: Frame, items: Sequence[object], line: int | None = None) -> list[object]:
    """The items of a list one by one; it is compiled for their number."""
    found: list[object] = []
    for held in items:
        if not isinstance(held, Run):
            found.append(readable(held))
            continue
        count = frame.builder.sizes.value(frame.builder.sizes.find(held.rounds))
        if count is None or count > MOST_WRITTEN_OUT:
            readable(held)
        frame.builder.sizes.specialise(held.rounds)
        found += [at(frame, held, place, line) for place in range(count or 0)]
    return found


def joined(frame: Frame, items: Sequence[object], node: ast.expr) -> Run:
    """A list as one run, which is not empty; its items cannot be changed through it."""
    if len(items) == 1 and isinstance(items[0], Run):
        if not runs(items[0].rounds):
            frame.builder.sizes.positive(items[0].rounds)
        return items[0]
    parts: list[Value | list[Value]] = []
    kinds = []
    for held in items:
        if isinstance(held, Run):
            if not isinstance(held.form, Stack):
                readable(held)
                raise AssertionError
            parts.append(held.form.array)
            kinds.append(held.form.kind)
            continue
        value = lifted(frame, readable(held), node)
        kinds.append(value.tensor.kind)
        if parts and isinstance(parts[-1], list):
            parts[-1].append(value)
        else:
            parts.append([value])
    if len({array_kind(kind) for kind in kinds if not is_python(kind)}) > 1 or len(set(map(is_python, kinds))) > 1:
        kinds = [array_kind(common_kind(kinds))]
    try:
        return _concatenated(frame, parts, kinds[-1], frame.line(node))
    except ShapeError as error:
        error.exception = ""  # a list may hold arrays of any shapes
        raise


def _concatenated(frame: Frame, parts: Sequence[Value | list[Value]], kind: object, line: int | None) -> Run:
    template = Template()
    code = template.code(f"np.concatenate({template.place(tuple(parts))})", line)
    tensors = []
    for part in parts:
        if isinstance(part, Value):
            tensors.append(part.tensor)
        else:
            tensors.append(stacked(frame.builder, [value.tensor for value in part], 0))
    tensor = frame.builder.define(concatenated(frame.builder, tensors, 0))
    array, aliasing = Value(tensor, code), frame.reader.aliasing
    aliasing.freeze(array, "this changes an item of a list that grew in a loop")
    aliasing.may_share(array, list(parts))
    return Run(Stack(array, kind), frame.builder.sizes.find(tensor.shape[0]))  # type: ignore[arg-type]


def repeated(frame: Frame, node: ast.expr, items: list[object] | tuple[object, ...], count: Value) -> object:
    """``[0.0] * len(x)``: numbers as an array, unless loops are written out; else few items one by one."""
    sizes, times = frame.builder.sizes, count.tensor.expr
    if not runs(times) and not sizes.at_least(times, sympy.S.Zero):
        return type(items)()
    known = sizes.value(sizes.find(times))
    plain = isinstance(items, list) and len(items) == 1 and _is_scalar(items[0])
    if known is not None and known * len(items) <= (frame.reader.written_out if plain else MOST_WRITTEN_OUT):
        return items * sizes.specialise(times)
    if plain:
        value = lifted(frame, items[0], node)
        tensor = frame.builder.define(full(frame.builder, (count.tensor,), value.tensor))
        code = Code("np.full(_0, _1)", (count.code, value.code), line=frame.line(node))
        return [Run(Stack(Value(tensor, code), value.tensor.kind), sizes.find(times))]
    reason = "a list that is repeated as often as only the run knows is not supported"
    raise NotYetSupported(reason, remedy="append its items in a loop, or use np.full or np.tile")


def _is_scalar(item: object) -> bool:
    if isinstance(item, Value):
        return not item.tensor.rank
    return type(item) in {float, int}


def arrayed(frame: Frame, thing: object, node: ast.expr) -> object:
    """An argument of NumPy, lists that grew in loops as the arrays that NumPy makes of them, if it can."""
    if isinstance(thing, list) and any(isinstance(held, Run) for held in thing):
        try:
            return as_array(frame, thing, node)
        except ShapeError:
            return expanded(frame, thing, frame.line(node))
    if isinstance(thing, list) and has_runs(thing):
        return [arrayed(frame, held, node) for held in thing]
    if type(thing) is tuple and has_runs(thing):
        return tuple(arrayed(frame, held, node) for held in thing)
    return thing


def as_array(frame: Frame, items: Sequence[object], node: ast.expr) -> Value:
    """The array that NumPy makes of a list; it shares no memory with the items."""
    array = _array(frame, joined(frame, items, node).form, frame.line(node))
    return Value(array.tensor, array.code)


def _array(frame: Frame, form: Form, line: int | None) -> Value:
    """The items of a form as an array; those of tuples and lists lie along its second axis."""
    if isinstance(form, Stack):
        return form.array
    if isinstance(form, Lists) and form.rounds is not None:
        return _array(frame, form.parts[0], line)
    parts = [_array(frame, part, line) for part in (form.parts if isinstance(form, Lists) else form)]
    template = Template()
    code = template.code(f"np.stack({template.place(tuple(parts))}, axis=1)", line)
    return Value(frame.builder.define(stacked(frame.builder, [part.tensor for part in parts], 1)), code)


def summands(frame: Frame, items: Sequence[object], node: ast.expr) -> Value:
    """A list whose items are added one after the other: numbers of Python's in a list of Python's."""
    run = joined(frame, items, node)
    found = as_array(frame, [run], node)
    if found.tensor.rank == 1 and len(items) > 1:
        return Value(found.tensor, _listed_code(frame, items, node))
    if isinstance(run.form, Stack) and is_python(run.form.kind):
        return Value(found.tensor, Code("_0.tolist()", (found.code,)))
    return found


def _listed_code(frame: Frame, items: Sequence[object], node: ast.expr) -> Code:
    """A list of numbers item by item, each of its own type: there may be none of a loop's."""
    template, texts = Template(), []
    for held in items:
        if isinstance(held, Run) and isinstance(held.form, Stack):
            text = f"*{template.operand(held.form.array.code)}"
            texts.append(f"{text}.tolist()" if is_python(held.form.kind) else text)
        else:
            texts.append(template.operand(lifted(frame, readable(held), node).code))
    return template.code(f"[{', '.join(texts)}]", frame.line(node))


def length(frame: Frame, items: Sequence[object], line: int | None) -> object:
    """``len`` of a list."""
    template, fixed, total = Template(), 0, sympy.S.Zero
    texts = []
    for held in items:
        if isinstance(held, Run):
            total += held.rounds
            texts.append(template.operand(length_of(held)))
        elif isinstance(held, Growing):
            raise _changing()
        else:
            readable(held)
            fixed += 1
    found: Any = size(frame, sympy.expand(total + fixed), Code(""))
    texts += [str(fixed)] if fixed else []
    return found if isinstance(found, int) else Value(found.tensor, template.code(" + ".join(texts), line))


def _changing() -> NotYetSupported:
    reason = "the items that earlier rounds of this loop have appended are read"
    return NotYetSupported(reason, remedy="read the last one, [-1], or fill an array by index")


def part_of(frame: Frame, node: ast.expr, items: Sequence[object], key: object) -> object:
    """``items[key]`` of a list that grew, or grows, in a loop."""
    key = frame.reader.captures.specialised(key)
    line = frame.line(node)
    if any(isinstance(held, Growing) for held in items):
        return _recent(frame, items, key)
    if isinstance(key, slice):
        return _slice(frame, node, items, key)
    if isinstance(key, int):
        known = items if key >= 0 else items[::-1]
        place = key if key >= 0 else -1 - key
        before = next(number for number, held in enumerate(known) if isinstance(held, Run))
        if place < before:
            return readable(known[place])
        first = known[before]
        assert isinstance(first, Run)
        place -= before
        reached = not runs(first.rounds) and frame.builder.sizes.at_least(first.rounds, sympy.Integer(place + 1))
        if len(known) == before + 1 or reached:
            return at(frame, first, place if key >= 0 else -1 - place, line)
    elif not isinstance(key, Value):
        raise ArgumentError(f"a list is indexed by {describe(key)}")
    return at(frame, joined(frame, items, node), key, line)


def _slice(frame: Frame, node: ast.expr, items: Sequence[object], key: slice) -> list[object]:
    """``items[a:b]``: a list again."""
    whole = joined(frame, items, node)
    made = Run(_cut(frame, whole.form, key, frame.line(node)), whole.rounds)
    rounds = frame.builder.sizes.find(made.arrays[0].tensor.shape[0])
    return [] if rounds == 0 else [Run(made.form, rounds)]


def _recent(frame: Frame, items: Sequence[object], key: object) -> object:
    """An item of a list that grows in the loop that is read: one of the last."""
    growing = next(held for held in items if isinstance(held, Growing))
    place = items.index(growing)
    added = len(items) - place - 1
    back: int | None = None
    if isinstance(key, int):
        back = -key if key < 0 else None
        if 0 <= key < place:
            return readable(items[key])
    elif isinstance(key, Value) and not key.tensor.rank:
        distance = sympy.expand(growing.count + added - as_size(frame.builder, key.tensor))
        back = int(distance) if distance.is_Integer else None
    if back is None or back < 1:
        raise _changing()
    return readable(items[-back]) if back <= added else growing.recent(back - added)


def at_least_one(frame: Frame, items: Sequence[object]) -> bool:
    """Whether a list has an item."""
    if any(not isinstance(held, Run | Growing) for held in items):
        return True
    for held in items:
        if isinstance(held, Growing):
            raise _changing()
        assert isinstance(held, Run)
        if frame.builder.sizes.at_least(held.rounds, sympy.S.One):
            return True
    return False
