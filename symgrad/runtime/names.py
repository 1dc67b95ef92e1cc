"""Names for generated code that mean nothing else anywhere in it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from keyword import iskeyword

from symgrad.runtime.binding import Binding


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every identifier in a syntax tree, whatever its role (and short strings that are none)."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


class Names:
    """Gives out identifiers that are not taken, and remembers what the global ones are bound to."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._bound: dict[Binding, str] = {}

    def fresh(self, wish: str) -> str:
        """The identifier wished for, or one like it with a number."""
        base = "".join(char if char.isidentifier() or char.isdecimal() else "_" for char in wish).strip("_")
        base = base if base.isidentifier() else f"value_{base}"
        name, count = base, 1
        while name in self._taken or iskeyword(name):
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def bound(self, wish: str, binding: Binding) -> str:
        """A global name for what ``binding`` describes; the same one each time."""
        if binding not in self._bound:
            self._bound[binding] = self.fresh(wish)
        return self._bound[binding]

    def builtin(self, name: str) -> str:
        """A global name for one of Python's builtins, safe from a user's variable of that name."""
        return self.bound(name, ("builtin", name))

    @property
    def bindings(self) -> tuple[tuple[str, Binding], ...]:
        return tuple((name, binding) for binding, name in self._bound.items())
