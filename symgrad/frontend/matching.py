"""``match``: patterns on what is known while compiling, and on containers with run-time values in them."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported, UnsupportedSyntax
from symgrad.frontend.attributes import attribute
from symgrad.frontend.frame import Frame
from symgrad.frontend.outcomes import Flow
from symgrad.frontend.reflection import sample_of
from symgrad.frontend.targets import assign
from symgrad.frontend.truth import elements, sizes_compared, truth
from symgrad.frontend.values import describe, has_values, is_number
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value

Bindings = dict[str, tuple[ast.expr, object]]
ITSELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Classes whose one positional pattern is matched with the object itself."""


def match_statement(frame: Frame, node: ast.Match, block: Callable[[Frame, Sequence[ast.stmt]], Flow]) -> Flow:
    """Execute the body of the first case that fits."""
    subject = frame.reader.evaluate(frame, node.subject)
    for case in node.cases:
        bindings: Bindings = {}
        if not matches(frame, case.pattern, subject, bindings):
            continue
        for place, item in bindings.values():
            assign(frame, place, item)
        if case.guard is None or truth(frame, case.guard, frame.reader.evaluate(frame, case.guard)):
            return block(frame, case.body)
    return block(frame, ())


def matches(frame: Frame, pattern: ast.pattern, subject: object, bindings: Bindings) -> bool:
    """Whether an object fits a pattern, whose variables go into ``bindings``."""
    with frame.at(placed(pattern)):
        match pattern:
            case ast.MatchValue(value):
                return _equal(frame, value, subject)
            case ast.MatchSingleton(value):
                return _is(subject, value)
            case ast.MatchSequence(patterns):
                return _sequence(frame, patterns, subject, bindings)
            case ast.MatchMapping():
                return _mapping(frame, pattern, subject, bindings)
            case ast.MatchClass():
                return _class(frame, pattern, subject, bindings)
            case ast.MatchAs(inner, name):
                return (inner is None or matches(frame, inner, subject, bindings)) and _bind(
                    bindings, pattern, name, subject
                )
            case ast.MatchOr(patterns):
                return any(matches(frame, inner, subject, bindings) for inner in patterns)
    raise UnsupportedSyntax(f"the pattern {type(pattern).__name__} is not supported")


def placed(pattern: ast.pattern, name: str = "_") -> ast.expr:
    """A variable at the place of a pattern, where errors are located."""
    return ast.copy_location(ast.Name(name, ast.Store()), pattern)


def _bind(bindings: Bindings, pattern: ast.pattern, name: str | None, item: object) -> bool:
    if name is not None:
        bindings[name] = placed(pattern, name), item
    return True


def _equal(frame: Frame, node: ast.expr, subject: object) -> bool:
    wanted = frame.reader.captures.specialised(frame.reader.evaluate(frame, node))
    subject = frame.reader.captures.specialised(subject)
    if isinstance(subject, Value) or isinstance(wanted, Value):
        return _numbers_equal(frame, subject, wanted)
    if has_values(subject):
        related = isinstance(wanted, type(subject)) or isinstance(subject, type(wanted))
        if not related and _compares_its_own(wanted) and _compares_its_own(subject):
            return False
        raise NotYetSupported("a container of run-time values is compared", remedy="match its items")
    with frame.evaluating(node):
        return bool(subject == wanted)


def _compares_its_own(item: object) -> bool:
    """Whether an object is equal to none of another type: its class has no ``__eq__`` written in Python."""
    equal = inspect.getattr_static(type(item), "__eq__")
    return not isinstance(equal, types.FunctionType) or equal.__code__.co_filename == "<string>"


def _numbers_equal(frame: Frame, subject: object, wanted: object) -> bool:
    decided = sizes_compared(frame, ast.Eq(), subject, wanted)
    if decided is not None:
        return decided
    if not all(isinstance(item, Value) or is_number(item) for item in (subject, wanted)):
        return False
    raise NotYetSupported("this pattern is compared with a run-time number", remedy="use if")


def _is(subject: object, wanted: object) -> bool:
    if isinstance(subject, Value) and isinstance(wanted, bool) and subject.tensor.kind is bool:
        raise NotYetSupported("this pattern is compared with a run-time condition", remedy="use if")
    return subject is wanted


def _sequence(frame: Frame, patterns: Sequence[ast.pattern], subject: object, bindings: Bindings) -> bool:
    if isinstance(subject, Value | str | bytes | bytearray):
        return False
    if not isinstance(subject, tuple | list | range):
        if isinstance(subject, Sequence):
            raise NotYetSupported(f"{describe(subject)} is not supported here", remedy="use a tuple or a list")
        return False
    items = elements(frame, subject)
    star = next((k for k, inner in enumerate(patterns) if isinstance(inner, ast.MatchStar)), None)
    if star is None:
        return len(items) == len(patterns) and all(
            matches(frame, inner, item, bindings) for inner, item in zip(patterns, items, strict=True)
        )
    after = len(patterns) - star - 1
    if len(items) < star + after:
        return False
    end = len(items) - after
    outer = zip((*patterns[:star], *patterns[star + 1 :]), (*items[:star], *items[end:]), strict=True)
    starred = patterns[star]
    assert isinstance(starred, ast.MatchStar)
    _bind(bindings, starred, starred.name, items[star:end])
    return all(matches(frame, inner, item, bindings) for inner, item in outer)


def _mapping(frame: Frame, pattern: ast.MatchMapping, subject: object, bindings: Bindings) -> bool:
    if not isinstance(subject, dict):
        if isinstance(subject, Mapping):
            raise NotYetSupported(f"{describe(subject)} is not supported here", remedy="use a dict")
        return False
    rest = dict(subject)
    for node, inner in zip(pattern.keys, pattern.patterns, strict=True):
        key = frame.reader.captures.specialised(frame.reader.evaluate(frame, node))
        if has_values(key):
            raise NotYetSupported("a run-time value as key of a dict", remedy="use a string", span=frame.span(node))
        if key not in rest or not matches(frame, inner, rest.pop(key), bindings):
            return False
    return _bind(bindings, pattern, pattern.rest, rest)


def _class(frame: Frame, pattern: ast.MatchClass, subject: object, bindings: Bindings) -> bool:
    made = frame.reader.evaluate(frame, pattern.cls)
    if not isinstance(made, type):
        raise ArgumentError(f"{describe(made)} is not a class", span=frame.span(pattern.cls))
    with frame.evaluating(pattern.cls):
        if not isinstance(sample_of(frame, subject), made):
            return False
    positional = list(pattern.patterns)
    names = getattr(made, "__match_args__", None)
    itself = names is None and len(positional) == 1 and issubclass(made, ITSELF)
    if itself and not matches(frame, positional.pop(), subject, bindings):
        return False
    if len(positional) > len(names or ()):
        raise ArgumentError(f"{made.__name__} takes {len(names or ())} positional patterns, not {len(positional)}")
    named = (*zip(names or (), positional, strict=False), *zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True))
    return all(_attribute(frame, inner, subject, name, bindings) for name, inner in named)


def _attribute(frame: Frame, pattern: ast.pattern, subject: object, name: str, bindings: Bindings) -> bool:
    place = placed(pattern)
    array = isinstance(subject, Value) and not is_python(subject.tensor.kind)
    owner = np.ndarray if array else sample_of(frame, subject)
    if inspect.getattr_static(owner, name, place) is place:
        return False
    found = attribute(frame, ast.copy_location(ast.Attribute(place, name, ast.Load()), place), subject)
    return matches(frame, pattern, found, bindings)
