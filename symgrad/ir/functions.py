"""Functions as they were made: what symgrad has noted on them, and the parameters that their code has.

``functools.wraps`` copies notes and names the wrapped function: neither says anything of the wrapper, whose code is
what is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

DERIVATIVE = "__symgrad_derivative__"
CUSTOM = "__symgrad_custom_gradient__"
RULE = "__symgrad_rule__"


def mark(value: object, name: str) -> Any:
    """What is noted on a function, a method or an object; None if nothing is. No code of the object's runs."""
    found = _held(value, name)
    if found is None:
        return None
    return None if _held(_held(value, "__wrapped__"), name) is found else found


def _held(value: object, name: str) -> Any:
    return inspect.getattr_static(value.__func__ if isinstance(value, MethodType) else value, name, None)


def is_marked(value: object) -> bool:
    """Whether a function is a derivative, or has a derivative of its own: a call of it is not read as its code."""
    return any(mark(value, name) is not None for name in (DERIVATIVE, CUSTOM, RULE))


def parameters_of(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a function, of a wrapper its own."""
    own = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(own, FunctionType) or vars(own).keys().isdisjoint(("__wrapped__", "__signature__")):
        return inspect.signature(function)
    if is_marked(own):
        return inspect.signature(function)
    bare = FunctionType(own.__code__, own.__globals__, own.__name__, own.__defaults__, own.__closure__)
    bare.__kwdefaults__ = own.__kwdefaults__
    return inspect.signature(MethodType(bare, function.__self__) if isinstance(function, MethodType) else bare)
