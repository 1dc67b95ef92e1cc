"""Ownership: whose memory a value is, through loops and branches. What a region owns it may change in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from symgrad.emit.memory import base, is_new, is_spread
from symgrad.emit.suites import BranchSuite, LoopSuite
from symgrad.ir.code import Code

if TYPE_CHECKING:
    from symgrad.emit.compound import BranchText, LoopText
    from symgrad.emit.statements import Statements


def is_fresh(body: Statements, code: Code, owned: Iterable[Code]) -> bool:
    """Whether the memory of a value is new in a region, or belongs to what the region owns."""
    if is_spread(code):
        return False
    holder = base(code)
    if holder in owned:
        return True
    if holder in body.outside or holder in body.leaves:
        return False
    suite = body.suites.bound.get(holder)
    if suite is not None and suite.code not in body.inner:
        return False
    if isinstance(suite, LoopSuite) and holder in suite.outputs:
        place, loop = suite.outputs.index(holder), cast("LoopText", body.inner[suite.code])
        return is_fresh(body, suite.initial[place], owned) and place in loop.fresh_places()
    if isinstance(suite, BranchSuite):
        branch = cast("BranchText", body.inner[suite.code])
        pair = zip(branch.bodies, suite.results[suite.outputs.index(holder)], strict=True)
        return all(is_fresh(inner, part, owned) for inner, part in pair)
    return is_new(holder)


def is_apart(body: Statements, results: Mapping[int, Code], place: int) -> bool:
    """Whether one of the results of a region shares no memory with another one."""
    own = sources(body, results[place])
    return all(own.isdisjoint(sources(body, code)) for other, code in results.items() if other != place)


def sources(body: Statements, code: Code) -> set[Code]:
    """The values of a region, or of those around it, whose memory a value may be; none for a single element."""
    found: set[Code] = set()
    if code in body.suites.scalars:
        return found
    for holder in memories(body, code):
        suite = body.suites.bound.get(holder)
        found.add(holder)
        if suite is None or suite.code not in body.inner:
            continue
        if isinstance(suite, LoopSuite) and holder in suite.outputs:
            found |= _left(cast("LoopText", body.inner[suite.code]), suite.outputs.index(holder))
        elif isinstance(suite, BranchSuite):
            branch = cast("BranchText", body.inner[suite.code])
            pair = zip(branch.bodies, suite.results[suite.outputs.index(holder)], strict=True)
            found = found.union(*(sources(inner, part) for inner, part in pair))
    return found


def _left(loop: LoopText, place: int) -> set[Code]:
    """What a loop leaves in a place may be the memory of these: what it or others start with, what a round makes."""
    suite, found, places, pending = loop.suite, set[Code](), set[int](), [place]
    while pending:
        place = pending.pop()
        if place not in places:
            places.add(place)
            inside = sources(loop.body, suite.results[place])
            pending += [other for other in suite.results if suite.carried[other] in inside]
            found |= sources(loop.outer, suite.initial[place]) | (inside - set(suite.carried))
    return found


def memories(body: Statements, code: Code) -> set[Code]:
    """The codes whose memory a value may be."""
    found: set[Code] = set()
    pending = [code]
    while pending:
        item = base(pending.pop())
        if item not in found:
            found.add(item)
            pending += body.origins.get(item, ())
    return found
