"""The callable that a user gets: a method bound to an ``Anchor``, which costs what a plain function costs.

Its function starts as a stub that misses, and takes the code of the first specialisation that is loaded.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from symgrad.runtime.loading import Specialisation

_ANNOTATIONS = "__annotate__" if sys.version_info >= (3, 14) else "__annotations__"
_COPIED = ("__name__", "__qualname__", "__module__", "__doc__", "__type_params__", _ANNOTATIONS)


class Missing:
    """Stands for a parameter without default that a call did not give; no guard lets it through."""

    def __repr__(self) -> str:
        return "<required>"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Anchor:
    """What a derived function is bound to: where its guard turns to, and what pickle finds it by.

    All its attributes have dunder names, because a method is pickled and copied by its function's name.
    """

    def __init__(self, miss: Callable[..., Any], owner: Any) -> None:
        self.__miss__ = miss
        self.__owner__ = owner

    def __getattr__(self, name: str) -> Any:
        owner = self.__dict__.get("__owner__")
        if owner is None or name != owner.call.__name__:
            raise AttributeError(name)
        return owner.call

    def __repr__(self) -> str:
        return f"symgrad.{self.__owner__.request.transform}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _anchor_of, (self.__owner__,)

    def __deepcopy__(self, memo: object) -> Anchor:
        return self


def _anchor_of(owner: Any) -> Anchor:
    anchor: Anchor = owner.call.__self__
    return anchor


def _stub(derivative: Anchor, /, *args: object, **kwargs: object) -> object:
    return derivative.__miss__(-1, *args, **kwargs)


class Call:
    """The function under ``d``, and how each specialisation is made into a function with the same parameters."""

    def __init__(self, function: Callable[..., Any], parameters: inspect.Signature, attributes: dict[str, Any]) -> None:
        self._namespace: dict[str, Any] = {}
        self._name = function.__name__
        self._defaults = _positional_defaults(parameters)
        self._kwdefaults = _keyword_defaults(parameters)
        self.function = FunctionType(_stub.__code__, self._namespace, self._name)
        for name in _COPIED:
            if hasattr(function, name):
                setattr(self.function, name, getattr(function, name))
        vars(self.function).update(attributes, __wrapped__=function, __signature__=_with_anchor(parameters))

    def bound(self, anchor: Anchor) -> MethodType:
        return MethodType(self.function, anchor)

    def adopt(self, specialisation: Specialisation) -> None:
        """Makes the function run a specialisation; once, since other ones have global names of their own."""
        self._namespace.update(specialisation.namespace)
        self.function.__defaults__ = self._defaults
        self.function.__kwdefaults__ = self._kwdefaults
        self.function.__code__ = specialisation.code

    def variant(self, specialisation: Specialisation) -> FunctionType:
        """A function that runs a specialisation."""
        function = FunctionType(specialisation.code, specialisation.namespace, self._name, self._defaults)
        function.__kwdefaults__ = self._kwdefaults
        return function


def _default(parameter: inspect.Parameter) -> object:
    return MISSING if parameter.default is parameter.empty else parameter.default


def _positional_defaults(parameters: inspect.Signature) -> tuple[object, ...]:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(_default(item) for item in parameters.parameters.values() if item.kind in positional)


def _keyword_defaults(parameters: inspect.Signature) -> dict[str, object]:
    named = parameters.parameters.items()
    return {name: _default(item) for name, item in named if item.kind is item.KEYWORD_ONLY}


def _with_anchor(parameters: inspect.Signature) -> inspect.Signature:
    """The parameters with one before them, which ``inspect.signature`` drops for a bound method."""
    name = "derivative"
    while name in parameters.parameters:
        name += "_"
    first = inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY)
    return parameters.replace(parameters=[first, *parameters.parameters.values()])
