"""Names for values: the user's, or ones that fit; none that the user's code mentions for anything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from symgrad.emit.memory import is_element
from symgrad.ir.code import Code


@dataclass
class Names:
    """Names of one function: ``reserved`` are those the user's code mentions, ``taken`` those that stand in the
    text.
    """

    reserved: set[str]
    taken: set[str]
    hints: dict[Code, str]
    modules: Mapping[str, str]
    counters: set[str] = field(default_factory=set)

    def of(self, code: Code) -> str:
        """A free name for a value: the user's, or one that fits."""
        if code.name is not None:
            return self.free(code.name, self.taken)
        return self.new(self.hints.get(code) or _hint(code))

    def counter(self, code: Code, visible: Collection[str]) -> str:
        """A name for what counts rounds: one that counted those of another loop will do."""
        hint = code.name or "k"
        if hint in self.counters and hint not in visible:
            return hint
        name = self.of(code)
        self.counters.add(name)
        return name

    def new(self, hint: str) -> str:
        """A name that the user's code does not mention."""
        return self.free(hint, self.taken | self.reserved)

    def free(self, hint: str, avoid: set[str]) -> str:
        """The hint, or the hint with a number."""
        name, count = hint, 0
        while name in avoid or name in self.modules.values():
            count += 1
            name = f"{hint}_{count}"
        self.taken.add(name)
        return name


def _hint(code: Code) -> str:
    """A name for a value that nobody named: ``p_0`` for ``p[0]``."""
    if is_element(code) and code.operands[0].template.isidentifier():
        digits = "".join(c if c.isdigit() else "_" for c in code.template[3:-1]).strip("_")
        return f"{code.operands[0].template}_{digits}"
    return "t"
