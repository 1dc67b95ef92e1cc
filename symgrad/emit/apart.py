"""Arguments that must not share memory: a function that changes one of them in place would change both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from symgrad.ir.program import Program
from symgrad.ir.signature import Arg, ArrayArg, Request, Signature, leaves


def apart(program: Program, request: Request, signature: Signature) -> tuple[tuple[str, str], ...]:
    """Pairs of arrays, by access text, one of which the function changes; a direction is not given to the function."""
    parameters = [(name, arg) for name, arg in signature.items() if name != request.direction]
    captured = [(capture.local, capture.arg) for capture in program.captures if capture.local is not None]
    arrays = [access for name, arg in (*parameters, *captured) for access in _arrays(name, arg)]
    pairs = itertools.combinations(arrays, 2)
    return tuple(pair for pair in pairs if not program.changed.isdisjoint(pair)) if program.changed else ()


def _arrays(name: str, arg: Arg) -> Iterator[str]:
    yield from (access for access, leaf in leaves(name, arg) if isinstance(leaf, ArrayArg) and not leaf.scalar)
