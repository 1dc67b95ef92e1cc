"""Outcomes: where control goes after a statement; each may be known while compiling, or at run time."""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.errors import Span
from symgrad.frontend.environment import MISSING
from symgrad.ir.program import Value

Truth = bool | Value


@dataclass(frozen=True)
class Flow:
    """Whether the function has ``returned`` (``item``), the loop has ``stopped`` (break), its round is over
    (``skipped``).
    """

    returned: Truth = False
    stopped: Truth = False
    skipped: Truth = False
    item: object = MISSING
    span: Span | None = None

    @property
    def ends(self) -> bool:
        """Whether what follows is not reached."""
        return True in (self.returned, self.stopped, self.skipped)

    @property
    def goes_on(self) -> bool:
        """Whether what follows is reached in any case."""
        return (self.returned, self.stopped, self.skipped) == (False, False, False)


ON = Flow()
BREAK = Flow(stopped=True)
CONTINUE = Flow(skipped=True)
