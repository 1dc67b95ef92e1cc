"""Programs: a function after it was read, and what is derived from it.

A program keeps two views of one computation. Its *values* are the user's own expressions (as ``Code``), each with its
meaning in index notation (as ``Tensor``); its builder holds the equations that the meanings refer to. Passes work on
equations; what is written at the end is the user's code wherever a value of the user's is needed.

Statements stand in a ``Region``, the body of a function, of a branch or of a loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symgrad.errors import Span
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.equation import Role
from symgrad.ir.signature import Capture
from symgrad.ir.tensor import Ref, Tensor

FILL = "@fill"
"""The template of the code of an array that is written from its formula."""
ONCE = "@once"
"""How the template of the last operand of code begins that is computed once, where it stands."""


SERIALS = itertools.count()


@dataclass(eq=False)
class Value:
    """A run-time value: what it means, and how the user writes it.

    While a program is read, a value stands for one object of the user's, and what it means changes where the program
    changes the array in place. Statements hold what it was: its ``now``. ``serial`` tells which was made first.
    """

    tensor: Tensor
    code: Code
    serial: int = field(default_factory=SERIALS.__next__, init=False, repr=False)

    @property
    def now(self) -> Value:
        """The value as it is."""
        return Value(self.tensor, self.code)

    def become(self, tensor: Tensor, code: Code) -> None:
        """From now on, mean something else."""
        self.tensor, self.code = tensor, code


@dataclass(eq=False)
class Opaque:
    """An object of the run that is no number and no array: a text, a logger, a generator of random numbers.

    ``made`` is its class.
    """

    made: type
    code: Code


@dataclass(frozen=True)
class Input:
    """An array or number that comes from outside.

    ``access`` is the Python text that reads it (``X``, ``params["W"]``, ``lam``); ``argument`` is the name of the
    parameter that holds it, None for a captured value.
    """

    access: str
    value: Value
    argument: str | None


@dataclass(frozen=True)
class Define:
    """``variable = value``: an assignment of the user's; ``variable`` is None for a value without a name."""

    value: Value
    variable: str | None
    span: Span | None


@dataclass(frozen=True)
class Effect:
    """Something that happens, once, where it stands: a call of ``print``, a draw of random numbers."""

    code: Code


@dataclass(frozen=True, eq=False)
class Traced:
    """Values of all rounds of a loop as an array of the user's: what they are in a round, and the code of the array.

    ``place`` is a position among what is carried, or what is traced.
    """

    role: Role
    place: int | Ref
    value: Value
    code: Code


@dataclass(frozen=True, eq=False)
class Repeat:
    """A loop of the user's, the code of the equation ``block``.

    ``head`` is the ``range`` over which ``number``, the user's count, runs; None for a loop that only a test ends.
    ``carried`` are the values with which a round starts, ``results`` those it leaves, ``outputs`` the code of what is
    left after the last.
    """

    block: Ref
    head: Code | None
    number: Value
    carried: tuple[Value, ...]
    initial: tuple[Value, ...]
    results: tuple[Value, ...]
    outputs: tuple[Code, ...]
    body: Region
    test: tuple[Region, Value] | None = None
    stop: Value | None = None
    traced: tuple[Traced, ...] = ()


@dataclass(frozen=True, eq=False)
class Choose:
    """A branch of the user's, the code of the equation ``block``."""

    block: Ref
    condition: Value
    bodies: tuple[Region, Region]
    results: tuple[tuple[Value, ...], tuple[Value, ...]]
    outputs: tuple[Code, ...]


@dataclass(frozen=True, eq=False)
class Derive:
    """A part of a derivative that the program itself takes: ``formula``, in the shape and dtype of ``like``.

    ``value`` is what it means, and the code that stands for it.
    """

    value: Value
    like: Value
    formula: Tensor


Statement = Define | Effect | Repeat | Choose | Derive


@dataclass(frozen=True)
class Region:
    """Statements in order."""

    statements: tuple[Statement, ...]

    def values(self) -> Iterator[Value]:
        """The values that are defined here, in order, without those of blocks inside."""
        for statement in self.statements:
            if isinstance(statement, Define | Derive):
                yield statement.value

    @property
    def has_effects(self) -> bool:
        """Whether something happens here besides computing."""
        return any(isinstance(statement, Effect) for region in self.regions() for statement in region.statements)

    def regions(self) -> Iterator[Region]:
        """This region and all inside of it."""
        yield self
        for statement in self.statements:
            match statement:
                case Repeat(body=body, test=test):
                    yield from body.regions()
                    yield from () if test is None else test[0].regions()
                case Choose(bodies=bodies):
                    yield from bodies[0].regions()
                    yield from bodies[1].regions()


@dataclass(frozen=True)
class Program:
    """A function in index notation.

    ``parameters`` is the text of the parameter list; ``arguments`` maps each parameter to its nested containers of
    values and static objects; ``result`` is what the function returns, nested likewise; ``changed`` are the inputs, by
    access text, that the function changes in place; ``identifiers`` are all names that the user's code mentions, which
    generated names must avoid.
    """

    name: str
    parameters: str
    builder: Builder
    inputs: tuple[Input, ...]
    changed: frozenset[str]
    arguments: Mapping[str, object]
    body: Region
    result: object
    result_span: Span | None
    captures: tuple[Capture, ...]
    identifiers: frozenset[str]
