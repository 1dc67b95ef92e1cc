"""Trees: containers of values, as derivatives see them; what counts in them are the real numbers and arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy

from symgrad.errors import ArgumentError, DifferentiationError, ShapeError
from symgrad.frontend.environment import as_it_is, is_instance
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import equal
from symgrad.frontend.merging import instance, number_or_value
from symgrad.frontend.values import Method, describe
from symgrad.ir.builder import Builder
from symgrad.ir.dependence import reached
from symgrad.ir.equation import refs
from symgrad.ir.kinds import is_floating, is_python
from symgrad.ir.program import Value
from symgrad.ir.tensor import Expr, Tensor


def mapped_values(item: Any, change: Callable[[object], object]) -> object:
    """A container with ``change`` applied to what it holds."""
    match item:
        case tuple() if type(item) is tuple or hasattr(item, "_fields"):
            return tuple.__new__(type(item), [mapped_values(child, change) for child in item])
        case list():
            return [mapped_values(child, change) for child in item]
        case dict():
            return {key: mapped_values(child, change) for key, child in item.items()}
        case _ if is_instance(item):
            return instance(item, {name: mapped_values(child, change) for name, child in vars(item).items()})
    return change(item)


def floats(item: object) -> list[Value]:
    """The real numbers and arrays in a container."""
    found: list[Value] = []
    mapped_values(item, lambda leaf: found.append(leaf) if isinstance(leaf, Value) else None)
    return [leaf for leaf in found if is_floating(leaf.tensor.kind)]


def valued(frame: Frame, item: object) -> object:
    """A container with values for its numbers."""
    return mapped_values(item, lambda leaf: number_or_value(frame.reader, leaf) or leaf)


def matched(frame: Frame, like: object, other: object, what: str) -> list[tuple[Value, Value]]:
    """The real leaves of ``like``, each with what stands for it in ``other``, a container of the same structure.

    Raises ArgumentError where the structures or the shapes differ; ``what`` is what ``other`` is called.
    """
    if isinstance(like, Value):
        return [(like, _fitting(frame, like, other, what))] if is_floating(like.tensor.kind) else []
    parts, others = _parts(like), _parts(other)
    if parts is None:
        return []
    if others is None or type(like) is not type(other) or parts.keys() != others.keys():
        raise ArgumentError(f"{what} is {describe(other)} that has not the structure of {describe(like)}")
    return [pair for key, part in parts.items() for pair in matched(frame, part, others[key], what)]


def _parts(item: Any) -> dict[object, object] | None:
    """The parts of a container; None for anything else."""
    if isinstance(item, tuple | list):
        return dict(enumerate(item))
    if isinstance(item, dict):
        return item
    return vars(item) if is_instance(item) else None


def _fitting(frame: Frame, like: Value, other: object, what: str) -> Value:
    value = number_or_value(frame.reader, other)
    if value is None or value.tensor.rank != like.tensor.rank:
        axes = "what is no number or array" if value is None else f"{value.tensor.rank} axes"
        raise ArgumentError(f"{what} has {axes} where there should be {like.tensor.rank} axes")
    try:
        for left, right in zip(like.tensor.shape, value.tensor.shape, strict=True):
            frame.builder.sizes.unify(left, right)
    except ShapeError as error:
        raise ArgumentError(f"{what} has another shape: {error.reason}") from None
    kinds = like.tensor.kind, value.tensor.kind
    if kinds[0] == kinds[1] or any(map(is_python, kinds)) or not is_floating(kinds[1]):
        return value
    node = frame.node if isinstance(frame.node, ast.Lambda) else ast.Constant(None, lineno=1, col_offset=0)
    made = frame.reader.call(frame, node, Method(value, "astype"), (kinds[0],), {})
    assert isinstance(made, Value)
    return made


def product(frame: Frame, first: Tensor, second: Tensor) -> Expr:
    """The sum of the products of entries."""
    builder = frame.builder
    exprs, common = builder.broadcast(builder.fresh(first), builder.fresh(second))
    return builder.sum(exprs[0] * exprs[1], [index for index in common if index is not None], first.kind)


def total(frame: Frame, pairs: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The sum of products over all pairs."""
    return Tensor(sympy.Add(*(product(frame, *pair) for pair in pairs)), (), float)


def independent(frame: Frame, item: object) -> object:
    """An argument with inputs of its own, equal to it, for its real numbers and arrays."""
    return mapped_values(as_it_is(item), lambda leaf: _independent(frame, leaf))


def _independent(frame: Frame, item: object) -> object:
    value = item if isinstance(item, Value) else number_or_value(frame.reader, item) if type(item) is float else None
    if value is None or not is_floating(value.tensor.kind):
        return item
    name = value.code.name or (value.code.template if value.code.template.isidentifier() else "x")
    made = Value(equal(frame.builder, value.tensor, name), value.code)
    return frame.reader.aliasing.array(made) if frame.reader.aliasing.is_array(value) else made


def tensors(values: Sequence[Value]) -> list[Tensor]:
    """What values mean now."""
    return [value.tensor for value in values]


def check_linear(builder: Builder, found: Iterable[Tensor | None], variables: Iterable[Tensor], reason: str) -> None:
    """Refuse a transpose that still depends on what was transposed."""
    depends = set(reached(builder.equations, refs([tensor.expr for tensor in found if tensor is not None])))
    if not depends.isdisjoint(refs([tensor.expr for tensor in variables])):
        raise DifferentiationError(reason, remedy="give a rule that is linear: a sum of products with it")
