"""Code: NumPy expressions as the user or the emitter writes them, before they are put into statements.

A ``Code`` is an operation with its operands: a *template* (Python text in which ``_0``, ``_1``, ... stand for the
operands) applied to other codes. Equal codes are the same computation, which makes sharing visible: what is used
more than once gets a name when statements are written. The user's expressions and the emitter's have this one form.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Code:
    """``template`` applied to ``operands``; ``name`` is the user's variable for it, ``line`` the user's line.

    >>> x = Code("x")
    >>> Code("np.exp(_0)", (Code("-_0", (x,)),)).operands[0].template
    '-_0'
    """

    template: str
    operands: tuple[Code, ...] = ()
    name: str | None = None
    line: int | None = None
    _hash: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.template, self.operands)))

    def __eq__(self, other: object) -> bool:
        """Equal texts of operands with equal hashes: comparing graphs that share parts takes no time for each path."""
        if self is other or not isinstance(other, Code):
            return self is other
        same = self._hash == other._hash and self.template == other.template
        return same and [part._hash for part in self.operands] == [part._hash for part in other.operands]

    def __hash__(self) -> int:
        return self._hash
