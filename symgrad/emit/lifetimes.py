"""Lifetimes: until when an array is read, and so when it may be overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from symgrad.emit.memory import is_new
from symgrad.ir.code import Code

FOREVER = 1 << 60


@dataclass
class Lifetimes:
    """Where the codes of one region are read.

    ``consumers`` are the codes that read a code; ``kept`` outlive the region; ``places`` are positions in the order of
    statements; ``is_statement`` tells what is computed where it stands, and not where it is read; ``scalars`` are
    single elements of arrays, which are no views.
    """

    consumers: Mapping[Code, list[Code]]
    kept: Set[Code]
    places: Mapping[Code, int] = field(default_factory=dict)
    is_statement: Callable[[Code], bool] = lambda _: True
    scalars: Set[Code] = frozenset()
    _computed: dict[Code, int] = field(default_factory=dict)
    _read: dict[Code, int] = field(default_factory=dict)

    def ends_at(self, array: Code, code: Code) -> bool:
        """Whether nothing after the statement of ``code`` reads the memory of ``array``, ``code`` itself apart."""
        return array not in self.kept and not self.readers_after(array, code)

    def readers_after(self, array: Code, code: Code) -> list[Code]:
        """What reads the memory of ``array`` later than where ``code`` stands; the array itself if it is kept."""
        if array in self.kept:
            return [array]
        place = self.places[code]
        readers = self.consumers.get(array, ())
        return [reader for reader in readers if reader != code and self._until(reader) > place]

    def _until(self, reader: Code) -> int:
        """Until when a reader of an array needs the array's memory."""
        own = is_new(reader) or reader in self.scalars
        return max(self.computed(reader), -1 if own else self.read(reader))

    def computed(self, code: Code) -> int:
        """The place at which a code is computed, the last if it is so several times."""
        if code not in self._computed:
            if self.is_statement(code):
                self._computed[code] = self.places[code]
            elif code in self.kept:
                self._computed[code] = FOREVER
            else:
                readers = self.consumers.get(code, ())
                self._computed[code] = max((self.computed(reader) for reader in readers), default=-1)
        return self._computed[code]

    def read(self, code: Code) -> int:
        """The last place at which the memory of a code is read."""
        if code not in self._read:
            self._read[code] = FOREVER if code in self.kept else -1
            readers = self.consumers.get(code, ())
            self._read[code] = max([self._read[code], *(self._until(reader) for reader in readers)])
        return self._read[code]
