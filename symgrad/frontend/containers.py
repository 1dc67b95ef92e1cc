"""Changes of Python's containers and objects while reading: only of those that the function made itself.

A list, dict, set or object that the function made exists while reading only; a change of it is made right away.
Whatever comes from outside (an argument, a global, a default) would stay changed after the call.
"""

from __future__ import annotations

import ast
import inspect
import operator
import types
from collections.abc import Callable, Mapping

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.environment import Undecided, environment
from symgrad.frontend.frame import Frame
from symgrad.frontend.members import readable
from symgrad.frontend.special_methods import is_overloaded_in_place, overloaded_in_place
from symgrad.frontend.truth import elements
from symgrad.frontend.values import MADE, Stream, children, describe, has_values, is_dataclass_instance, is_made
from symgrad.ir.program import Value

IN_PLACE: Mapping[tuple[type, type[ast.operator]], Callable[..., object]] = {
    (list, ast.Add): operator.iadd,
    (list, ast.Mult): operator.imul,
    (dict, ast.BitOr): operator.ior,
    (set, ast.BitOr): operator.ior,
    (set, ast.BitAnd): operator.iand,
    (set, ast.Sub): operator.isub,
    (set, ast.BitXor): operator.ixor,
}
"""Augmented assignments that change the container itself."""


def changing(frame: Frame, container: object) -> None:
    """Every change of a container or object asks here first; refused unless the function made it."""
    plain = isinstance(container, list | dict | set) or is_made(container) or is_dataclass_instance(container)
    if plain and frame.reader.aliasing.is_own(container):
        _check_known(frame, container)
        return
    remedy = "make it inside of the function, or return the value"
    if isinstance(container, list | dict | set):
        name = type(container).__name__
        remedy = f"change a copy, {name}(...), or return the value"
    raise NotYetSupported(f"changing {describe(container)} that the function did not make", remedy=remedy)


def _check_known(frame: Frame, container: object) -> None:
    """Refuse changes that are not followed from branch to branch and from round to round."""
    if isinstance(container, set) and frame.builder is not frame.reader.arguments.builder:
        reason = "changing a set in a branch or a loop that is decided at run time is not supported"
        raise NotYetSupported(reason, remedy="use a list or a dict")
    others = frame.reader.aliasing.entangled(container)
    if others:
        alive = environment(frame.reader).holders
        if any(id(other) in alive for other in others):
            conflict = frame.reader.aliasing.entangler([container, *others])
            if conflict is not None:
                raise Undecided(conflict)
            reason = f"whether {describe(container)} that is changed here is another one is known at run time only"
            raise NotYetSupported(reason, remedy="change a copy of it")


def hold(container: object, item: object) -> object:
    """``item`` as it goes into ``container``, which it must not hold itself."""
    if item is container or _reaches(item, container):
        remedy = "leave the reference back out"
        raise NotYetSupported(f"{describe(container)} that holds itself is not supported", remedy=remedy)
    return item


def _reaches(item: object, container: object) -> bool:
    return any(child is container or _reaches(child, container) for child in children(item))


def static_key(frame: Frame, key: object, what: str = "an index or a key") -> object:
    """A key, an index or a slice, which has to be known while compiling."""
    key = frame.reader.captures.specialised(key)
    if has_values(key):
        raise NotYetSupported(
            f"{what} of a container is a run-time value", remedy="use one that is known while compiling, or an array"
        )
    return key


def set_item(frame: Frame, node: ast.expr, container: object, key: object, item: object) -> None:
    """``container[key] = item``."""
    key = static_key(frame, key)
    match container:
        case list() if isinstance(key, slice):
            item = _spread(frame, container, item)
        case list() | dict():
            hold(container, item)
        case _:
            raise ArgumentError(f"{describe(container)} does not support item assignment")
    changing(frame, container)
    _check_length(container)
    with frame.evaluating(node):
        container[key] = item  # type: ignore[call-overload]


def _check_length(container: object) -> None:
    """Refuse places in a list whose length is not known."""
    if isinstance(container, list):
        for held in container:
            readable(held)


def _spread(frame: Frame, container: object, items: object) -> list[object]:
    return [hold(container, item) for item in elements(frame, items)]


def delete_item(frame: Frame, node: ast.expr, container: object, key: object) -> None:
    """``del container[key]``."""
    key = static_key(frame, key)
    if not isinstance(container, list | dict):
        raise ArgumentError(f"{describe(container)} does not support item deletion")
    changing(frame, container)
    _check_length(container)
    with frame.evaluating(node):
        del container[key]  # type: ignore[arg-type]


def augmented(frame: Frame, node: ast.expr, kind: type[ast.operator], container: object, operand: object) -> object:
    """``container += operand`` and its kin where that is an operation of its own: its result, mostly the container.

    None for an operation that makes a new object, which ``binary`` does.
    """
    if is_overloaded_in_place(kind, container):
        return overloaded_in_place(frame, node, kind, container, operand)
    function = IN_PLACE.get((type(container), kind))
    if function is None:
        return None
    if kind is ast.Add:
        operand = _spread(frame, container, operand)
    elif isinstance(container, dict):
        operand = merged(frame, node, container, operand)
    else:
        operand = static_key(frame, operand, "the right-hand side")
    changing(frame, container)
    with frame.evaluating(node):
        return function(container, operand)


def merged(frame: Frame, node: ast.expr, container: object, other: object) -> dict[object, object]:
    """What goes into a dict from a dict or from pairs."""
    if isinstance(other, Value):
        raise NotYetSupported("a dict is made of an array", remedy="use pairs of keys and values")
    with frame.evaluating(node):
        found: dict[object, object] = dict(list(other) if isinstance(other, Stream) else other)  # type: ignore[call-overload]
    for key, item in found.items():
        static_key(frame, key, "a key")
        hold(container, item)
    return found


def set_attribute(frame: Frame, node: ast.expr, owner: object, name: str, item: object) -> None:
    """``owner.name = item``."""
    if isinstance(owner, Value):
        raise NotYetSupported(f"setting .{name} of an array is not supported", remedy="use reshape or astype")
    found = inspect.getattr_static(type(owner), name, None)
    if isinstance(found, property):
        if found.fset is None:
            raise ArgumentError(f"the property {name} of {describe(owner)} cannot be set")
        frame.reader.call(frame, node, found.fset, (owner, item), {})
        return
    changing(frame, owner)
    _check_plain(owner, "__setattr__")
    put_attribute(frame, node, owner, name, item)


def put_attribute(frame: Frame, node: ast.expr, owner: object, name: str, item: object) -> None:
    """``object.__setattr__(owner, name, item)``."""
    found = inspect.getattr_static(type(owner), name, None)
    if isinstance(found, types.MemberDescriptorType):
        raise NotYetSupported(f"changing {describe(owner)} with slots is not supported", remedy="leave slots out")
    if hasattr(type(found), "__set__"):
        raise NotYetSupported(f"the descriptor {name} is not supported", remedy="use a plain attribute")
    changing(frame, owner)
    hold(owner, item)
    with frame.evaluating(node):
        object.__setattr__(owner, name, item)
    if not (is_dataclass_instance(owner) and name in owner.__dataclass_fields__):  # type: ignore[attr-defined]
        object.__setattr__(owner, MADE, True)


def delete_attribute(frame: Frame, node: ast.expr, owner: object, name: str) -> None:
    """``del owner.name``."""
    if isinstance(inspect.getattr_static(type(owner), name, None), property):
        raise NotYetSupported(f"deleting the property {name} is not supported", remedy="leave it")
    changing(frame, owner)
    _check_plain(owner, "__delattr__")
    with frame.evaluating(node):
        object.__delattr__(owner, name)


def _check_plain(owner: object, method: str) -> None:
    """Refuse classes that say themselves what setting an attribute does."""
    found = inspect.getattr_static(type(owner), method)
    if found is inspect.getattr_static(object, method) or isinstance(owner, types.SimpleNamespace):
        return
    parameters = getattr(type(owner), "__dataclass_params__", None)
    if parameters is not None and parameters.frozen:
        raise DifferentiationError(f"{describe(owner)} is frozen", remedy="use dataclasses.replace")
    raise NotYetSupported(f"the {method} of {describe(owner)} is not supported", remedy="use plain attributes")
