"""Regions: reading a body of a branch or of a loop apart from what is around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from symgrad.errors import SymgradError
from symgrad.frontend.frame import Reader
from symgrad.ir.builder import Builder
from symgrad.ir.program import Region, Statement


@dataclass
class Reading:
    """The equations and statements of one body."""

    builder: Builder
    statements: list[Statement] = field(default_factory=list)

    @property
    def region(self) -> Region:
        return Region(tuple(self.statements))


@contextmanager
def region(reader: Reader, reading: Reading | None = None) -> Iterator[Reading]:
    """What is read inside belongs to a body of its own, or to one that was begun before."""
    outer = reader.builder, reader.statements
    inside = Reading(reader.builder.child()) if reading is None else reading
    reader.builder, reader.statements = inside.builder, inside.statements
    try:
        yield inside
    except SymgradError as error:
        error.__cause__ = None  # whether this is raised is known at run time only: no handler answers it
        raise
    finally:
        reader.builder, reader.statements = outer
