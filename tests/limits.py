"""How much work a computation is, counted in calls, for machines differ in speed; and a stop for one without an end."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

PATIENCE = 60.0
"""Processor seconds after which a computation of less than one is taken not to come to an end."""


def calls(computation: Callable[[], object]) -> int:
    """How often a computation calls a function written in Python."""
    count = 0

    def see(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        computation()
    finally:
        sys.setprofile(before)
    return count


class Late(BaseException):
    """A computation does not come to an end; nothing between it and its caller may take this for an error."""


def _expire(*_: object) -> None:
    raise Late("the computation does not come to an end")


@contextlib.contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """A computation that is stopped by Late, where the system has a timer of processor time."""
    if not hasattr(signal, "SIGPROF"):
        yield
        return
    before = signal.signal(signal.SIGPROF, _expire)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
