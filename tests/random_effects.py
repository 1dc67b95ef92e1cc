"""Random programs in which calls change what the expressions around them read: elements, views, variables, items.

Four inner functions with effects, and statements whose operands, tests and items call them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

HEAD = """
def program(b, c, M):
    k, s = 1, 0.0
    v, w = b[:3], b[1:]
    d, o = {'x': b[0]}, [b[1], b]
"""

EFFECTS = """
b[0] = t; return b[1]
b[k] *= t; return t
nonlocal c; c = c + t; return c
nonlocal s; s = s * 0.5 + t; return b[-1]
M[k] = t; return M[0, 0]
o[0] *= t; return o[0]
o[1][0] = t; return t
d['x'] += t; return t * 2
b[:2] -= t; return b[0]
b[b > t] = t; return b[0]
v[1] = t; return b[1] * t
if t > 0: b[1] = t; return b[0]
"""

END = """
    whole = 0.1 * np.sum(np.tanh(b)) + np.tanh(c) + np.sum(np.sin(M)) + np.sin(s)
    return whole + np.sin(d['x']) + np.cos(o[0]) + np.sum(np.cos(w))
"""

CALLED = "eghq"
NUMBERS = ("b[0]", "b[k]", "b[-1]", "c", "b[k-1]", "v[0]", "M[0, 1]", "M[k, 0]", "d['x']", "o[0]", "w[0]")
ARRAYS = ("b", "v", "w", "M[k]", "M[:, 0]", "o[1]")
VARIABLES = ("b", "v", "w", "c", "M", "s", "d['x']", "o[0]")
PLACES = ("0", "1", "-1", "k", "k-1", ":2", "1:", "::2", "[0, 1]", "[1, 1]", "[0, 2]", ":", "...")
ITERABLES = ("b", "v", "[c, b[0]]", "M[0]")


class Writer:
    """Writes one program; the same for the same random numbers."""

    def __init__(self, choice: random.Random) -> None:
        self.choice = choice

    def one(self, items: Sequence[str]) -> str:
        return self.choice.choice(items)

    def number(self, depth: int = 0) -> str:
        """An expression for a number."""
        kind = self.choice.random()
        if depth > 2 or kind < 0.35:
            return self.one(NUMBERS)
        if kind < 0.75:
            return f"{self.one(CALLED)}({self.number(depth + 1)})"
        first, second, third, last = (self.number(depth + 1) for _ in range(4))
        if kind < 0.9:
            return f"({first} {self.one('+-*')} {second})"
        forms = (f"max({first}, {second})", f"({first} if {second} < {third} else {last})", f"np.sin({first})")
        lists = (f"[{first}, {second}, {third}][1]", f"sum([{first}, {second}])", f"np.sum({self.vector(depth + 1)})")
        return self.one((*forms, *lists))

    def vector(self, depth: int) -> str:
        """An expression for an array."""
        first, second = self.number(depth + 1), self.number(depth + 1)
        return self.one(("b", "v", "w", "M[0]", "M[:, k]", "o[1]", f"({first} * b)", f"np.array([{first}, {second}])"))

    def statement(self, depth: int) -> list[str]:
        """One statement, with its block."""
        simple = (self._store, self._update, self._exchange, self._view, self._total)
        nested = (self._branch, self._chain, self._rounds, self._while, self._items, self._mapped)
        chosen: Callable[[int], list[str]] = self.choice.choice((*simple, *simple, *(nested if depth < 3 else ())))
        return chosen(depth)

    def block(self, head: str, depth: int, *first: str) -> list[str]:
        inside = [*first, *self.statement(depth + 1)]
        return [head, *(f"    {line}" for line in inside)]

    def _store(self, _: int) -> list[str]:
        return [f"{self.one(ARRAYS)}[{self.one(PLACES)}] {self.one(('+=', '-=', '*=', '='))} {self.number()}"]

    def _update(self, _: int) -> list[str]:
        return [f"{self.one(VARIABLES)} {self.one(('+=', '-=', '*='))} {self.number()}"]

    def _exchange(self, _: int) -> list[str]:
        return [f"b[0], b[k] = {self.number()}, {self.number()}"]

    def _view(self, _: int) -> list[str]:
        return [f"w = {self.one(('b[:2]', 'b[::-1]', 'M[k]', 'v', 'b * 1', 'b.copy()'))}"]

    def _total(self, _: int) -> list[str]:
        items = f"{self.one(CALLED)}(t) for t in {self.one(ITERABLES)}"
        return [f"s += {self.one((self.number(), f'sum({items})', f'max({items})', f'[{items}][1]'))}"]

    def _branch(self, depth: int) -> list[str]:
        return self.block(f"if {self.number()} < {self.number()}:", depth)

    def _chain(self, depth: int) -> list[str]:
        return self.block(f"if {self.number()} < {self.number()} < {self.number()}:", depth)

    def _rounds(self, depth: int) -> list[str]:
        return [*self.block(f"for k in range({self.one(('2', '3', 'len(b)'))}):", depth), "k = 1"]

    def _while(self, depth: int) -> list[str]:
        return ["n = 0", *self.block(f"while n < 2 and {self.number()} < 5:", depth, "n += 1")]

    def _items(self, depth: int) -> list[str]:
        item = self.one((f"t * {self.number()}", self.number(), "e(t)", "g(t) + t"))
        return self.block(f"for t in ({item} for t in {self.one((*ITERABLES, 'range(2)'))}):", depth)

    def _mapped(self, depth: int) -> list[str]:
        return self.block(f"for t in map({self.one(CALLED)}, {self.one(ITERABLES)}):", depth)


def program(seed: int) -> str:
    """The source of a function of a vector, a number and a matrix."""
    writer = Writer(random.Random(seed))
    lines = [HEAD.strip()]
    for name in CALLED:
        effect = writer.one(EFFECTS.strip().splitlines())
        body = effect.split("; ")
        lines += [f"    def {name}(t):", *(f"        {line}" for line in body)]
    for _ in range(writer.choice.randint(2, 6)):
        lines += [f"    {line}" for line in writer.statement(1)]
    return "\n".join([*lines, END.strip("\n")]) + "\n"
