"""Programs: a function after it was read, and what is derived from it.

A program keeps two views of one computation. Its *values* are the user's own expressions (as ``Code``), each with its
meaning in index notation (as ``Tensor``); its builder holds the equations that the meanings refer to. Passes work on
equations; what is written at the end is the user's code wherever a value of the user's is needed.

Statements stand in a ``Region``, the body of a function or (later) of a branch or a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symgrad.errors import Span
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.signature import Capture
from symgrad.ir.tensor import Tensor


@dataclass(frozen=True)
class Value:
    """A run-time value: what it means, and how the user writes it."""

    tensor: Tensor
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


Statement = Define


@dataclass(frozen=True)
class Region:
    """Statements in order."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Program:
    """A function in index notation.

    ``parameters`` is the text of the parameter list; ``arguments`` maps each parameter to its nested containers of
    values and static objects; ``result`` is what the function returns, nested likewise; ``identifiers`` are all names
    that the user's code mentions, which generated names must avoid.
    """

    name: str
    parameters: str
    builder: Builder
    inputs: tuple[Input, ...]
    arguments: Mapping[str, object]
    body: Region
    result: object
    result_span: Span | None
    captures: tuple[Capture, ...]
    identifiers: frozenset[str]
