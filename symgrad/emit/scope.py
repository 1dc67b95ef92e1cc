"""Scopes: the names of values, inside of loops and branches and around them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Set
from dataclasses import dataclass, field

from symgrad.ir.code import Code


@dataclass
class Scope(MutableMapping[Code, str]):
    """The names of one region; of those around it only what the region is known to read: ``outside``, and leaves.

    Anything else is computed inside, even where an equal value has a name outside: that one may have changed by then.
    """

    outside: Set[Code] = frozenset()
    parent: Scope | None = None
    own: dict[Code, str] = field(default_factory=dict)

    def inside(self, outside: Set[Code]) -> Scope:
        """The scope of a region inside."""
        return Scope(outside, self)

    def __getitem__(self, code: Code) -> str:
        if code in self.own:
            return self.own[code]
        if self.parent is None or not (code in self.outside or code.template.startswith("@")):
            raise KeyError(code)
        return self.parent[code]

    def __setitem__(self, code: Code, name: str) -> None:
        self.own[code] = name

    def __delitem__(self, code: Code) -> None:
        del self.own[code]

    def __iter__(self) -> Iterator[Code]:
        yield from self.own
        if self.parent is not None:
            yield from (code for code in self.parent if code not in self.own and code in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def all_names(self) -> set[str]:
        """Every name of this region and of those around it."""
        return set(self.own.values()) | (set() if self.parent is None else self.parent.all_names())
