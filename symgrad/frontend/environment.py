"""Environments: all that a program can change while it is read, as it was at some moment.

A branch is read once for each of its bodies, a loop until it is known what it carries; both start again from where they
began, and compare what was changed. A *cell* is a place that holds an object: a variable of a frame, an item of a
container, an attribute of an object, the contents of an array.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symgrad.errors import NotYetSupported
from symgrad.frontend.values import (
    Bound,
    Closure,
    Derived,
    Growing,
    Method,
    Pullback,
    Run,
    Stream,
    Super,
    is_dataclass_instance,
    is_made,
)
from symgrad.ir.program import Value

if TYPE_CHECKING:
    from symgrad.frontend.frame import Reader
    from symgrad.ir.builder import Builder


@dataclass(frozen=True, eq=False)
class Division:
    """A branch: its condition, the body that it stands in, and how many branches and statements were read before."""

    node: ast.AST
    condition: Value
    builder: Builder
    number: int
    statements: int

    @property
    def place(self) -> object:
        """What tells whether a branch that is read again is this one."""
        position = getattr(self.node, "lineno", 0), getattr(self.node, "col_offset", 0)
        return type(self.node), position, self.condition.code.template


class Conflict:
    """What a cell holds where branches disagree in a way that no value expresses: nobody may read it.

    It is no dataclass, for these are containers to those who look for values.
    """

    def __init__(self, reason: str, division: Division | None = None) -> None:
        self.reason = reason
        self.division = division


class Undecided(NotYetSupported):
    """What is read here is a ``conflict``: it depends on the branch that was taken before."""

    def __init__(self, conflict: Conflict, name: str = "") -> None:
        super().__init__(
            f"{name}: {conflict.reason}" if name else conflict.reason,
            remedy="give it a value of one type and shape before and in every branch",
        )
        self.conflict = conflict


class Missing:
    """What a cell holds that does not exist."""


MISSING = Missing()
Cell = tuple[int, str, Any]
"""Holder, kind of place, name or key of the place."""


@dataclass(frozen=True)
class Contents:
    """What an array holds."""

    value: Value


@dataclass
class Environment:
    """The cells of a moment, and their holders."""

    cells: dict[Cell, object] = field(default_factory=dict)
    holders: dict[int, object] = field(default_factory=dict)
    _items: dict[int, dict[Any, object]] = field(default_factory=dict)

    def value(self, value: Value) -> Value:
        """An array as it was."""
        contents = self.cells.get((id(value), "contents", ""))
        return contents.value if isinstance(contents, Contents) else value

    def items(self, holder: Any) -> Any:
        """What a list, a dict (by key) or an object (by name) held."""
        if id(holder) not in self.holders:
            return holder if isinstance(holder, list | dict) else vars(holder)
        if not self._items:
            for (owner, kind, name), held in self.cells.items():
                if kind in {"item", "attribute"}:
                    self._items.setdefault(owner, {})[name] = held
        found = self._items.get(id(holder), {})
        return list(found.values()) if isinstance(holder, list) else found


def environment(reader: Reader, *, bases: bool = True, alive: bool = False) -> Environment:
    """All cells as they are now, the arrays among them that only views reach.

    Where only what is ``alive`` is asked for, variables are left out that are not read any more.
    """
    found = Environment()
    pending: list[object] = [*reader.frames, *itertools.chain(*reader.operands)]
    while pending:
        item = pending.pop()
        if id(item) in found.holders:
            continue
        children = [cell for cell in _cells(item) if not alive or _is_alive(item, cell)]
        if children or isinstance(item, list | dict):
            found.holders[id(item)] = item
        for kind, name, held in children:
            found.cells[id(item), kind, name] = held
            if not isinstance(held, Contents):
                pending.append(held)
        if bases and isinstance(item, Value):
            pending.extend(reader.aliasing.bases(item))
        pending.extend(_parts(item))
    return found


def held(reader: Reader) -> set[Value]:
    """The values that variables hold, directly or in containers, if they may be read later; those from outside."""
    found = environment(reader, bases=False, alive=True)
    return reader.arguments.captured | {holder for holder in found.holders.values() if isinstance(holder, Value)}


def _cells(item: object) -> Iterator[tuple[str, Any, object]]:
    """The cells of one object."""
    if isinstance(item, Value):
        yield "contents", "", Contents(item.now)
    elif _is_frame(item):
        for name, held in item.variables.items():  # type: ignore[attr-defined]
            yield "variable", name, held
    elif isinstance(item, list):
        for position, held in enumerate(item):
            yield "item", position, held
        yield "length", "", len(item)
    elif isinstance(item, dict):
        for key, held in item.items():
            yield "item", key, held
    elif is_instance(item):
        for name, held in vars(item).items():
            yield "attribute", name, held
    elif isinstance(item, Stream):
        yield "position", "", item.position


def _is_alive(item: object, cell: tuple[str, Any, object]) -> bool:
    """Whether a cell is no variable, or one that may still be read."""
    return cell[0] != "variable" or item.is_alive(cell[1])  # type: ignore[attr-defined]


def _is_frame(item: object) -> bool:
    return hasattr(item, "variables") and hasattr(item, "reader")


def is_instance(item: object) -> bool:
    """Whether an object was made while reading: its attributes are plain."""
    made = is_dataclass_instance(item) and type(item).__module__.split(".")[0] != "symgrad"
    return is_made(item) or (made and hasattr(item, "__dict__"))


def _parts(item: object) -> Iterable[object]:
    """What is reached through objects that do not change."""
    if isinstance(item, tuple):
        return item
    if isinstance(item, Closure):
        return (item.frame, *item.defaults, *item.keyword_defaults.values())
    if isinstance(item, Bound | Derived | Pullback | Super):
        return item.parts
    if isinstance(item, Method):
        return (item.value,)
    if isinstance(item, Run):
        return item.arrays
    if isinstance(item, Growing):
        return (item.token,)
    return (item.outer,) if _is_frame(item) else ()  # type: ignore[attr-defined]


def restore(env: Environment) -> None:
    """Make all cells what they were."""
    by_holder: dict[int, list[tuple[str, Any, object]]] = {key: [] for key in env.holders}
    for (holder, kind, name), held in env.cells.items():
        by_holder[holder].append((kind, name, held))
    for key, cells in by_holder.items():
        _restore(env.holders[key], cells)


def _restore(holder: Any, cells: list[tuple[str, Any, object]]) -> None:
    if isinstance(holder, Value):
        ((_, _, contents),) = cells
        assert isinstance(contents, Contents)
        holder.become(contents.value.tensor, contents.value.code)
    elif _is_frame(holder):
        holder.variables.clear()
        holder.variables.update({name: held for _, name, held in cells})
    elif isinstance(holder, Stream):
        position: Any = cells[0][2]
        holder.position = position
    elif isinstance(holder, list):
        holder[:] = [held for kind, _, held in cells if kind == "item"]
    elif isinstance(holder, dict):
        holder.clear()
        holder.update({name: held for _, name, held in cells})
    else:
        vars(holder).clear()
        vars(holder).update({name: held for _, name, held in cells})


def put(env: Environment, cell: Cell, item: object) -> None:
    """Give one cell another object."""
    holder: Any = env.holders[cell[0]]
    _, kind, name = cell
    if kind == "contents":
        assert isinstance(item, Contents)
        holder.become(item.value.tensor, item.value.code)
    elif kind == "variable":
        _set(holder.variables, name, item)
    elif kind == "item" and isinstance(holder, dict):
        _set(holder, name, item)
    elif kind == "item":
        holder[name:] = [item, *holder[name + 1 :]]
    elif kind == "length" and isinstance(item, Conflict):
        holder[:] = [item]
    elif kind == "attribute":
        _set(vars(holder), name, item)


def _set(names: dict[Any, object], name: Any, item: object) -> None:
    if isinstance(item, Missing):
        names.pop(name, None)
    else:
        names[name] = item


def changes(before: Environment, after: Environment) -> dict[Cell, tuple[object, object]]:
    """The cells of holders that were there before, which hold something else: what they held, and hold."""
    found = {}
    for cell in {**before.cells, **after.cells}:
        if cell[0] in before.holders and cell[0] in after.holders:
            old, new = before.cells.get(cell, MISSING), after.cells.get(cell, MISSING)
            if not _is_same(old, new):
                found[cell] = (old, new)
    return found


def _is_same(old: object, new: object) -> bool:
    if isinstance(old, Contents) and isinstance(new, Contents):
        return old.value.tensor == new.value.tensor and old.value.code == new.value.code
    return old is new or (type(old) is type(new) and isinstance(old, int | float | str) and old == new)


def as_it_is(item: Any) -> Any:
    """Containers and values as they are now, apart from what changes later."""
    match item:
        case Value():
            return item.now
        case tuple() if type(item) is tuple or hasattr(item, "_fields"):
            return tuple.__new__(type(item), [as_it_is(part) for part in item])
        case list():
            return [as_it_is(part) for part in item]
        case dict():
            return {key: as_it_is(part) for key, part in item.items()}
        case _ if is_instance(item):
            made = object.__new__(type(item))
            for name, part in vars(item).items():
                object.__setattr__(made, name, as_it_is(part))
            return made
    return item
