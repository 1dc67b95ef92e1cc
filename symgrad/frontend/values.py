"""What the reader computes with: run-time values, and Python objects that are known while compiling.

A ``Value`` is a number or an array that exists at run time. Every other object is *static*; containers may hold both.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import sympy

from symgrad.errors import SymgradError
from symgrad.ir.code import Code
from symgrad.ir.program import Opaque, Value
from symgrad.ir.tensor import Expr, Kind

if TYPE_CHECKING:
    from symgrad.frontend.frame import Frame


class Named(float):
    """A number known while compiling that the user wrote by a name: ``np.pi``, ``2 * math.e``."""

    text: str
    expr: Expr

    @classmethod
    def of(cls, value: float, text: str, expr: Expr) -> Named:
        self = cls(value)
        self.text, self.expr = text, expr
        return self


class Shape(tuple[object, ...]):  # noqa: SLOT001 (a tuple's subclass has no room for slots of its own)
    """The lengths of an array's axes, written as the user writes them."""

    code: Code

    @classmethod
    def of(cls, sizes: Iterable[object], code: Code) -> Shape:
        self = cls(sizes)
        self.code = code
        return self


@dataclass(frozen=True, eq=False)
class Closure:
    """A ``def`` or a lambda inside of a function that is being read."""

    node: ast.FunctionDef | ast.Lambda
    frame: Frame
    defaults: tuple[object, ...]
    keyword_defaults: Mapping[str, object]

    @property
    def __name__(self) -> str:
        return self.node.name if isinstance(self.node, ast.FunctionDef) else "<lambda>"


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a run-time array, not called yet."""

    value: Value
    name: str


@dataclass(frozen=True, eq=False)
class OpaqueMethod:
    """A method of an opaque object, not called yet."""

    owner: Opaque
    name: str


@dataclass(frozen=True, eq=False)
class Bound:
    """A function with its first arguments: a method of an object, or a partial application made while reading."""

    function: object
    args: tuple[object, ...]
    keywords: Mapping[str, object]

    @property
    def parts(self) -> tuple[object, ...]:
        """What is reached through this."""
        return (self.function, *self.args, *self.keywords.values())


@dataclass(frozen=True, eq=False)
class Derived:
    """What a transform of symgrad's gives: a derivative of ``function``, not called yet."""

    transform: str
    function: object
    argnums: int | str | tuple[int | str, ...] = 0
    has_aux: bool = False

    @property
    def parts(self) -> tuple[object, ...]:
        """What is reached through this."""
        return (self.function,)


@dataclass(frozen=True, eq=False)
class Pullback:
    """What ``vjp`` gives besides the value: a function of the cotangent."""

    function: object
    primals: tuple[object, ...]
    inputs: tuple[object, ...]
    result: object
    builder: object

    @property
    def parts(self) -> tuple[object, ...]:
        """What is reached through this."""
        return (self.function, *self.primals)


@dataclass(frozen=True, eq=False)
class Super:
    """``super()``: the members that ``owner`` (an object or a class) inherits from the classes after ``after``."""

    after: type
    owner: object

    @property
    def parts(self) -> tuple[object, ...]:
        """What is reached through this."""
        return (self.owner,)


SPENT = -1
"""The position of an iterator that has no more items."""


@dataclass(eq=False)
class Stream:
    """An iterator of Python's: every item is made when it is asked for, and given once.

    ``check`` is called with the position before each item. What was given is kept, for reading it again from an
    earlier position.
    """

    source: Iterator[object]
    check: Callable[[int], None]
    given: list[object] = field(default_factory=list)
    position: int = 0
    failure: SymgradError | None = None
    comprehension: tuple[Frame, ast.GeneratorExp] | None = None

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        self.check(self.position)
        return self.draw()

    def spend(self) -> None:
        """All items are taken at once."""
        self.check(0)
        self.position = SPENT

    def draw(self) -> object:
        """The item at this position."""
        if self.position == SPENT:
            raise StopIteration
        if self.position == len(self.given):
            self.given.append(self._made())
        self.position += 1
        return self.given[self.position - 1]

    def _made(self) -> object:
        """The next item; after a failure there is none."""
        if self.failure is not None:
            raise self.failure
        try:
            return next(self.source)
        except SymgradError as error:
            self.failure = error
            raise


@dataclass(frozen=True, eq=False)
class Stack:
    """A value of each of several items of a list: an array along whose first axis they lie; ``kind`` is that of one."""

    array: Value
    kind: Kind


@dataclass(frozen=True, eq=False)
class Lists:
    """Items that are lists themselves: of these parts, one by one; or of ``rounds`` parts that are all like one."""

    parts: tuple[Form, ...]
    rounds: Expr | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """Items of a list, one after the other, whose number (``rounds``) is not known while compiling.

    A list that grows in a loop holds one in place of what the loop has appended. ``form`` is one item, a stack in place
    of each of its values.
    """

    form: Form
    rounds: Expr

    @property
    def arrays(self) -> list[Value]:
        """The arrays in which the items lie."""
        return _arrays(self.form)


def _arrays(form: Form) -> list[Value]:
    if isinstance(form, Stack):
        return [form.array]
    return [array for part in (form.parts if isinstance(form, Lists) else form) for array in _arrays(part)]


@dataclass(frozen=True, eq=False)
class Growing:
    """What a list got in earlier rounds, while a round of a loop is read.

    ``recent(1)`` is the last item, ``recent(2)`` that before it; ``count`` is the length of the list as a round begins.
    ``token`` stands for the memory of the items.
    """

    recent: Callable[[int], object]
    count: Expr
    token: Value


Form = Union[Stack, Lists, tuple["Form", ...]]  # noqa: UP007 (it names itself)


def has_runs(item: object) -> bool:
    """Whether a container holds a list that grew in a loop."""
    return isinstance(item, Run | Growing) or (isinstance(item, list | tuple) and any(map(has_runs, item)))


MADE = "__symgrad_made__"
"""The attribute that marks an object made while reading: what it holds may be run-time values."""


def is_made(item: object) -> bool:
    """Whether an object is marked as made while reading."""
    return MADE in getattr(item, "__dict__", ())


def is_dataclass_instance(item: object) -> bool:
    """Whether an object is made by a dataclass."""
    return dataclasses.is_dataclass(item) and not isinstance(item, type)


def children(item: object) -> Iterable[object]:
    """The objects that a container holds; nothing for anything else."""
    match item:
        case Value() | Opaque() | Method() | OpaqueMethod() | Closure() | Stream() | type():
            return ()
        case tuple() | list() | set() | frozenset():
            return item
        case dict():
            return item.values()
        case slice():
            return (item.start, item.stop, item.step)
        case Bound() | Derived() | Pullback() | Super():
            return item.parts
        case Run():
            return item.arrays
        case Growing():
            return (item.token,)
        case ValuesView() | ItemsView():
            return item
        case _ if is_made(item):
            return list(vars(item).values())
        case _ if is_dataclass_instance(item):
            return [getattr(item, name) for name in _stored_fields(item)]
    return ()


def _stored_fields(item: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(item) if hasattr(item, field.name)]


def has_values(item: object) -> bool:
    """Whether an object is, or holds, a run-time value."""
    return isinstance(item, Value | Opaque | Method | OpaqueMethod | Stream) or any(
        has_values(child) for child in children(item)
    )


def leaves(item: object) -> list[Value]:
    """The run-time values in an object, in order."""
    if isinstance(item, Value):
        return [item]
    if isinstance(item, Method):
        return [item.value]
    return [value for child in children(item) for value in leaves(child)]


def mapped(item: object, change: Callable[[object], object]) -> object:
    """A container with ``change`` applied to everything in it that is not itself a container."""
    match item:
        case tuple() if hasattr(item, "_fields"):
            return tuple.__new__(type(item), [mapped(child, change) for child in item])
        case tuple():
            return tuple(mapped(child, change) for child in item)
        case list():
            return [mapped(child, change) for child in item]
        case dict():
            return {key: mapped(child, change) for key, child in item.items()}
        case slice():
            return slice(*(mapped(child, change) for child in children(item)))
    return change(item)


def is_number(item: object) -> bool:
    """Whether an object is a number known while compiling."""
    return isinstance(item, bool | int | float | complex | np.number | np.bool_)


def describe(item: object) -> str:
    """``a str``, ``None``, ``a function``: what an object is, in an error."""
    if item is None or item is Ellipsis:
        return str(item)
    if isinstance(item, Value):
        return "a number" if item.tensor.rank == 0 else "an array"
    if isinstance(item, Opaque):
        return f"an object of {item.made.__name__} that only the run knows"
    name = "function" if isinstance(item, Closure | Method | Bound) or callable(item) else type(item).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


PI = Named.of(np.pi, "np.pi", sympy.pi)
E = Named.of(np.e, "np.e", sympy.E)
