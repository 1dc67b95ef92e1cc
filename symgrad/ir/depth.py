"""Depth: long expressions and chains of calls nest deeper than Python's default limit of recursion allows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEEPEST = 20_000


@contextmanager
def deep() -> Iterator[None]:
    """Inside, functions may call each other deeper than usual."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
