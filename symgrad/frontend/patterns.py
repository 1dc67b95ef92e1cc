"""Patterns of ``match``: what they fit, and what they bind.

Structure is known while compiling. A run-time number fits a value where the two are equal, which is a condition.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported, UnsupportedSyntax
from symgrad.frontend.attributes import attribute
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import lacks
from symgrad.frontend.operators import binary, comparison
from symgrad.frontend.reflection import sample_of
from symgrad.frontend.special_methods import written
from symgrad.frontend.truth import elements, sizes_compared
from symgrad.frontend.values import describe, has_values, is_number
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value

ITSELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Classes whose one positional pattern is matched with the object itself."""


@dataclass
class Fit:
    """The variables that a pattern binds, and the run-time conditions under which it fits."""

    bindings: dict[str, tuple[ast.expr, object]] = field(default_factory=dict)
    conditions: list[Value] = field(default_factory=list)

    def condition(self, frame: Frame, node: ast.expr) -> Value:
        """All conditions as one."""
        return _joined(frame, node, ast.BitAnd, self.conditions)


def _joined(frame: Frame, node: ast.expr, kind: type[ast.operator], conditions: Sequence[object]) -> Value:
    found = functools.reduce(lambda left, right: binary(frame, node, kind, left, right), conditions)
    assert isinstance(found, Value)
    return found


def matches(frame: Frame, pattern: ast.pattern, subject: object, fit: Fit) -> bool:
    """Whether an object fits a pattern, if the conditions hold that go into ``fit``."""
    with frame.at(placed(pattern)):
        match pattern:
            case ast.MatchValue(value):
                return _equal(frame, value, subject, fit)
            case ast.MatchSingleton(value):
                return _is(frame, placed(pattern), subject, value, fit)
            case ast.MatchSequence(patterns):
                return _sequence(frame, patterns, subject, fit)
            case ast.MatchMapping():
                return _mapping(frame, pattern, subject, fit)
            case ast.MatchClass():
                return _class(frame, pattern, subject, fit)
            case ast.MatchAs(inner, name):
                return (inner is None or matches(frame, inner, subject, fit)) and _bind(fit, pattern, name, subject)
            case ast.MatchOr(patterns):
                return _alternatives(frame, patterns, subject, fit)
    raise UnsupportedSyntax(f"the pattern {type(pattern).__name__} is not supported")


def placed(pattern: ast.pattern, name: str = "_") -> ast.expr:
    """A variable at the place of a pattern, where errors are located."""
    return ast.copy_location(ast.Name(name, ast.Store()), pattern)


def _bind(fit: Fit, pattern: ast.pattern, name: str | None, item: object) -> bool:
    if name is not None:
        fit.bindings[name] = placed(pattern, name), item
    return True


def _alternatives(frame: Frame, patterns: Sequence[ast.pattern], subject: object, fit: Fit) -> bool:
    """One of several patterns."""
    open_ones: list[Value] = []
    for pattern in patterns:
        inner = Fit()
        if not matches(frame, pattern, subject, inner):
            continue
        if not open_ones and not inner.conditions:
            fit.bindings.update(inner.bindings)
            return True
        if inner.bindings:
            reason = "which of these patterns gives the variables is not known while compiling"
            raise NotYetSupported(reason, remedy="use if")
        open_ones.append(inner.condition(frame, placed(pattern)))
    if open_ones:
        fit.conditions.append(_joined(frame, placed(patterns[0]), ast.BitOr, open_ones))
    return bool(open_ones)


def _equal(frame: Frame, node: ast.expr, subject: object, fit: Fit) -> bool:
    wanted = frame.reader.captures.specialised(frame.reader.evaluate(frame, node))
    subject = frame.reader.captures.specialised(subject)
    if isinstance(subject, Value) or isinstance(wanted, Value):
        return _numbers_equal(frame, node, subject, wanted, fit)
    if has_values(subject):
        related = isinstance(wanted, type(subject)) or isinstance(subject, type(wanted))
        if not related and not written(wanted, "__eq__") and not written(subject, "__eq__"):
            return False
        raise NotYetSupported("a container of run-time values is compared", remedy="match its items")
    with frame.evaluating(node):
        return bool(subject == wanted)


def _numbers_equal(frame: Frame, node: ast.expr, subject: object, wanted: object, fit: Fit) -> bool:
    """A comparison with a run-time number is a condition."""
    decided = sizes_compared(frame, ast.Eq(), subject, wanted)
    if decided is not None:
        return decided
    if not all(isinstance(item, Value) or is_number(item) for item in (subject, wanted)):
        return False
    found = comparison(frame, node, ast.Eq, subject, wanted)
    if not isinstance(found, Value) or found.tensor.rank:
        raise NotYetSupported("an array is compared with this pattern", remedy="use if, with .all() or .any()")
    fit.conditions.append(found)
    return True


def _is(frame: Frame, node: ast.expr, subject: object, wanted: object, fit: Fit) -> bool:
    if isinstance(subject, Value) and isinstance(wanted, bool) and subject.tensor.kind is bool:
        return _numbers_equal(frame, node, subject, wanted, fit)
    return subject is wanted


def _sequence(frame: Frame, patterns: Sequence[ast.pattern], subject: object, fit: Fit) -> bool:
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
            matches(frame, inner, item, fit) for inner, item in zip(patterns, items, strict=True)
        )
    after = len(patterns) - star - 1
    if len(items) < star + after:
        return False
    end = len(items) - after
    outer = zip((*patterns[:star], *patterns[star + 1 :]), (*items[:star], *items[end:]), strict=True)
    starred = patterns[star]
    assert isinstance(starred, ast.MatchStar)
    _bind(fit, starred, starred.name, items[star:end])
    return all(matches(frame, inner, item, fit) for inner, item in outer)


def _mapping(frame: Frame, pattern: ast.MatchMapping, subject: object, fit: Fit) -> bool:
    if not isinstance(subject, dict):
        if isinstance(subject, Mapping):
            raise NotYetSupported(f"{describe(subject)} is not supported here", remedy="use a dict")
        return False
    rest = dict(subject)
    for node, inner in zip(pattern.keys, pattern.patterns, strict=True):
        key = frame.reader.captures.specialised(frame.reader.evaluate(frame, node))
        if has_values(key):
            raise NotYetSupported("a run-time value as key of a dict", remedy="use a string", span=frame.span(node))
        if key not in rest or not matches(frame, inner, rest.pop(key), fit):
            return False
    return _bind(fit, pattern, pattern.rest, rest)


def _class(frame: Frame, pattern: ast.MatchClass, subject: object, fit: Fit) -> bool:
    made = frame.reader.evaluate(frame, pattern.cls)
    if not isinstance(made, type):
        raise ArgumentError(f"{describe(made)} is not a class", span=frame.span(pattern.cls))
    with frame.evaluating(pattern.cls):
        if not isinstance(sample_of(frame, subject), made):
            return False
    positional = list(pattern.patterns)
    names = getattr(made, "__match_args__", None)
    itself = names is None and len(positional) == 1 and issubclass(made, ITSELF)
    if itself and not matches(frame, positional.pop(), subject, fit):
        return False
    if len(positional) > len(names or ()):
        raise ArgumentError(f"{made.__name__} takes {len(names or ())} positional patterns, not {len(positional)}")
    named = (*zip(names or (), positional, strict=False), *zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True))
    return all(_attribute(frame, inner, subject, name, fit) for name, inner in named)


def _attribute(frame: Frame, pattern: ast.pattern, subject: object, name: str, fit: Fit) -> bool:
    place = placed(pattern)
    array = isinstance(subject, Value) and not is_python(subject.tensor.kind)
    owner = np.ndarray if array else sample_of(frame, subject)
    if inspect.getattr_static(owner, name, place) is place:
        lacks(frame, owner, name)
        return False
    found = attribute(frame, ast.copy_location(ast.Attribute(place, name, ast.Load()), place), subject)
    return matches(frame, pattern, found, fit)
