"""Construction: namedtuples and plain dataclasses made from run-time values."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from symgrad.errors import NotYetSupported
from symgrad.frontend.binding import bind
from symgrad.frontend.frame import Frame
from symgrad.frontend.values import describe


def construct(frame: Frame, made: type, args: Sequence[object], keywords: Mapping[str, object]) -> object:
    """``made(*args, **keywords)`` without running its code."""
    frame.reader.aliasing.held((tuple(args), tuple(keywords.values())))
    if issubclass(made, tuple) and hasattr(made, "_fields") and made.__new__ is not tuple.__new__:
        defaults = getattr(made, "_field_defaults", {})
        bound = bind(made.__name__, _parameters(made._fields), args, keywords, defaults)
        return tuple.__new__(made, [bound[name] for name in made._fields])
    if dataclasses.is_dataclass(made) and not hasattr(made, "__post_init__") and _is_generated(made):
        return _dataclass(made, args, keywords)
    raise NotYetSupported(
        f"making {describe(made)} {made.__name__} is not supported", remedy="use a tuple, a dict or a dataclass"
    )


def _is_generated(made: type) -> bool:
    """Whether a dataclass has the ``__init__`` that the decorator writes."""
    init: Any = made.__init__  # type: ignore[misc]
    return bool(init.__code__.co_filename == "<string>") and all(
        field.init and field.default_factory is dataclasses.MISSING for field in dataclasses.fields(made)
    )


def _dataclass(made: type, args: Sequence[object], keywords: Mapping[str, object]) -> object:
    fields = dataclasses.fields(made)
    defaults = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    bound = bind(made.__name__, _parameters(tuple(field.name for field in fields)), args, keywords, defaults)
    item: object = object.__new__(made)
    for name, value in bound.items():
        object.__setattr__(item, name, value)
    return item


def _parameters(names: tuple[str, ...]) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
