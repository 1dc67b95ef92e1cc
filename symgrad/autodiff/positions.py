"""Positions along axes that are read whether or not a condition holds."""

from __future__ import annotations

from symgrad.ir.equation import refs
from symgrad.ir.sizes import Sizes
from symgrad.ir.tensor import Expr


def exists(sizes: Sizes, position: Expr, length: Expr) -> bool:
    """Whether an axis of this length is known to have a position: one that a branch reads may lie behind the end."""
    if any(ref.bounds is None for ref in refs([position])):
        return False
    return sizes.always(length - 1, position) and sizes.always(position, -length)
