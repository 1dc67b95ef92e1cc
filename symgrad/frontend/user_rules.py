"""Functions with a rule of the user's: their value is one operation, whose pullback is read where it is needed."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NoDerivative, NotYetSupported, SymgradError
from symgrad.frontend.code_writer import Template, spelling
from symgrad.frontend.environment import as_it_is
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import equal, lifted, number
from symgrad.frontend.trees import check_linear, floats, mapped_values, product, tensors
from symgrad.frontend.values import Shape, describe, is_number, leaves
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.functions import RULE, mark
from symgrad.ir.kinds import common_kind, is_floating
from symgrad.ir.program import Effect, Value
from symgrad.ir.tensor import Entry, Expr, Kind, Tensor
from symgrad.rules.arguments import size
from symgrad.rules.custom import BLACK_BOX, RULED

_serial = itertools.count()
Arguments = Sequence[object]


def rule_of(function: Any) -> Any:
    """The rule of a function; None if it has none."""
    found = mark(function, RULE)
    rules = getattr(sys.modules.get("symgrad.runtime.rules"), "REGISTERED", {})
    return rules.get(function) if found is None and isinstance(function, Hashable) else found


def call_by_rule(
    frame: Frame, node: ast.expr, function: Any, rule: Any, args: Arguments, keywords: Mapping[str, object]
) -> object:
    """The value of a call; what it is differentiated by is its ``Ruled``."""
    if keywords:
        reason = "a function with a rule of its own takes no arguments by name"
        raise NotYetSupported(reason, remedy="pass them in order")
    given = tuple(map(as_it_is, args))
    _reach(frame, function, rule)
    result, shared = (
        (_called(frame, node, function, rule, given), []) if rule.black_box else _read(frame, node, rule, args)
    )
    made = ruled(frame, Ruled(frame, node, rule, given, result))
    for leaf in floats(made):
        frame.reader.aliasing.may_share(leaf, shared)
    return made


def _read(frame: Frame, node: ast.expr, rule: Any, args: Arguments) -> tuple[object, list[Value]]:
    """The value of a function that can be read, and the arguments whose memory it may be."""
    copies = [as_it_is(argument) for argument in args]
    before = [leaf.tensor for leaf in leaves(tuple(copies))]
    result = frame.reader.call(frame, node, rule.value, copies, {})
    inside, aliasing = leaves(tuple(copies)), frame.reader.aliasing
    if any(leaf.tensor != tensor for leaf, tensor in zip(inside, before, strict=True)):
        reason = "a function with a rule of its own changes its argument"
        raise NotYetSupported(reason, remedy="let it change a copy")
    own = [leaf for leaf in leaves(result) if aliasing.is_array(leaf)]
    pairs = zip(leaves(tuple(args)), inside, strict=True)
    return result, [arg for arg, copy in pairs if any(aliasing.overlap(copy, leaf) for leaf in own)]


def _reach(frame: Frame, function: object, rule: Any) -> None:
    """The functions of a rule are reached through the function that it belongs to."""
    captures = frame.reader.captures
    path = captures.path(function)
    if path is not None and mark(function, RULE) is not None:
        for name in ("value", "vjp", "jvp", "differential"):
            if getattr(rule, name, None) is not None:
                captures.know((*path, "attribute", "__symgrad_rule__", "attribute", name), getattr(rule, name))


def ruled(frame: Frame, call: Ruled) -> object:
    """The result of a call, cut off from what it was computed from."""
    operands = [leaf.tensor for leaf in floats(call.args)]
    made = {}
    _rehearse(frame, call, operands)
    for place, leaf in enumerate(floats(call.result)):
        own, params = leaf.tensor, (("call", call), ("result", place))
        tensor = frame.builder.op(RULED, [own, *operands], own.shape, own.kind, params)
        made[id(leaf)] = Value(tensor, leaf.code)
    return mapped_values(call.result, lambda leaf: made.get(id(leaf), leaf))


def _rehearse(frame: Frame, call: Ruled, operands: Sequence[Tensor]) -> None:
    """Read the rule for nothing: what it captures becomes an input of the program. Whether it fails counts later.

    A rule that calls its own function is read once.
    """
    key, rehearsed = getattr(call.rule, "pair", call.rule), frame.reader.rehearsed
    if call.rule is None or any(key is other for other in rehearsed):
        return
    scratch = frame.builder.scratch()
    rehearsed.append(key)
    for place, leaf in enumerate(floats(call.result)):
        with suppress(SymgradError):
            call.pull(scratch, scratch.carried("u", leaf.tensor.shape, leaf.tensor.kind), operands, place)
    rehearsed.pop()


@dataclass(frozen=True, eq=False)
class Again:
    """The rule of a function under ``checkpoint`` that is made while reading."""

    value: object
    again: bool = True
    black_box: bool = False


@dataclass(frozen=True, eq=False)
class Pair:
    """The rule of a function under ``custom_gradient``, which gives ``(value, gradient)``."""

    pair: object
    again: bool = False


@dataclass(frozen=True, eq=False)
class Ruled:
    """One call of a function with a rule."""

    frame: Frame
    node: ast.expr
    rule: Any
    args: tuple[object, ...]
    result: object
    hook: Code | None = None
    serial: int = field(default_factory=_serial.__next__)

    def __repr__(self) -> str:
        return f"ruled {self.serial}"

    @property
    def is_constant(self) -> bool:
        """Whether the value counts as a constant, as that of ``stop_gradient`` does."""
        if self.rule is None or isinstance(self.rule, Pair) or self.rule.again or self.rule.black_box:
            return False
        return self.rule.vjp is None and self.rule.jvp is None and self.rule.differential is None

    def pull(self, builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], result: int) -> list[Tensor | None]:
        """The cotangents of the operands, of which ``result``, the value's part, has one."""
        if self.hook is not None:
            return [
                builder.op(BLACK_BOX, [cotangent], cotangent.shape, cotangent.kind, (("text", self.hook.template),))
            ]
        frame = self._frame(builder)
        with frame.at(self.node):
            found = self._pulled(frame, cotangent, operands, result)
        if any(isinstance(statement, Effect) for statement in frame.reader.statements):
            reason = "a rule that is read as formulas has an effect"
            raise NotYetSupported(reason, remedy="use custom_gradient, which is called", span=frame.span(self.node))
        return found

    def _frame(self, builder: Builder) -> Frame:
        reader = replace(self.frame.reader, builder=builder, statements=[], truths={}, taken={}, frames=[self.frame])
        reader.formulas = True
        return replace(self.frame, reader=reader)

    def _pulled(self, frame: Frame, cotangent: Tensor, operands: Sequence[Tensor], result: int) -> list[Tensor | None]:
        rule = self.rule
        if rule.again:
            return self._again(frame, cotangent, operands, result)
        args = self._arguments([Value(o, Code(f"operand_{k}")) for k, o in enumerate(operands)])
        if isinstance(rule, Pair):
            return self._arranged(self._by_pair(frame, args, self._cotangents(cotangent, result)))
        if rule.vjp is not None:
            given = self._cotangents(cotangent, result)
            return self._arranged(frame.reader.call(frame, self.node, rule.vjp, (given, *args), {}))
        if rule.jvp is None and rule.differential is None:
            if rule.black_box:
                name = getattr(rule.value, "__name__", "the function")
                raise NoDerivative(f"{name} is a black box without a derivative", remedy="give its vjp or its jvp")
            return [None] * len(operands)
        return self._transposed(frame, cotangent, operands, args, result)

    def _by_pair(self, frame: Frame, args: tuple[object, ...], cotangent: object) -> object:
        """What the gradient function of a ``custom_gradient`` gives."""
        pair = frame.reader.call(frame, self.node, self.rule.pair, args, {})
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise DifferentiationError("a function under custom_gradient returns (value, gradient)")
        return frame.reader.call(frame, self.node, pair[1], (cotangent,), {})

    def pull_twice(
        self, builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], number: int
    ) -> Sequence[Tensor | None]:
        """The cotangents of operands and of the first cotangent, of which one gradient has a cotangent itself."""
        frame = self._frame(builder)
        leaves = [argument for argument in self.args if isinstance(argument, Value)]
        real = [place for place, leaf in enumerate(leaves) if is_floating(leaf.tensor.kind)]
        fresh = {place: equal(builder, operands[place], "x") for place in real if operands[place].expr.atoms(Entry)}
        if operands[-1].expr.atoms(Entry):
            fresh[len(leaves)] = equal(builder, operands[-1], "u")
        values = [Value(fresh.get(place, operand), Code(f"operand_{place}")) for place, operand in enumerate(operands)]
        with frame.at(self.node):
            args = self._arguments([values[place] for place in real])
            found = self._arranged(self._by_pair(frame, args, values[-1]))[real.index(number)]
            if found is None:
                return [None] * len(operands)
            loss = Tensor(product(frame, found, cotangent), (), float)
            made = dict(zip(fresh, frame.reader.differentiate(builder, loss, list(fresh.values())), strict=True))
        return [made.get(place) for place in range(len(operands))]

    def _arguments(self, leaves: Sequence[Value]) -> tuple[object, ...]:
        """The arguments with other values for their numbers and arrays."""
        fresh = {id(old): new for old, new in zip(floats(self.args), leaves, strict=True)}
        return tuple(mapped_values(argument, lambda leaf: fresh.get(id(leaf), leaf)) for argument in self.args)

    def _cotangents(self, cotangent: Tensor, result: int) -> object:
        """A cotangent of the whole value: zero but for one part."""
        parts = floats(self.result)
        given = {id(part): Tensor(sympy.S.Zero, part.tensor.indices, part.tensor.kind) for part in parts}
        given[id(parts[result])] = cotangent
        return mapped_values(
            self.result, lambda leaf: Value(given[id(leaf)], Code("cotangent")) if id(leaf) in given else leaf
        )

    def _arranged(self, gradients: object) -> list[Tensor | None]:
        """A gradient for each operand, from one for each argument."""
        count = len(self.args)
        parts = gradients if isinstance(gradients, tuple | list) else (gradients,)
        if len(parts) != count:
            reason = f"the rule gives {len(parts)} gradients for {count} arguments"
            raise DifferentiationError(reason, remedy="return a tuple with a gradient, or None, for each argument")
        found: list[Tensor | None] = []
        for argument, part in zip(self.args, parts, strict=True):
            leaves = floats(argument)
            own = [None] * len(leaves) if part is None else [self._tensor(p) for p in _flat(part)]
            if len(own) != len(leaves):
                raise DifferentiationError("a gradient has not the structure of its argument")
            found += [_shaped(self.frame.builder, leaf, tensor) for leaf, tensor in zip(leaves, own, strict=True)]
        return found

    def _tensor(self, item: object) -> Tensor | None:
        if item is None or isinstance(item, Value):
            return None if item is None else item.tensor
        if is_number(item):
            return number(self.frame.builder, item)
        raise DifferentiationError(f"the rule gives {describe(item)} as a gradient")

    def _transposed(
        self, frame: Frame, cotangent: Tensor, operands: Sequence[Tensor], args: tuple[object, ...], result: int
    ) -> list[Tensor | None]:
        """The tangent is linear in the tangents: its transpose."""
        builder = frame.builder
        tangents = [builder.carried("d", operand.shape, operand.kind) for operand in operands]
        given = self._arguments([Value(t, Code(f"tangent_{k}")) for k, t in enumerate(tangents)])
        if self.rule.jvp is not None:
            pair = frame.reader.call(frame, self.node, self.rule.jvp, (args, given), {})
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise DifferentiationError("a jvp rule returns (value, tangent)")
            tangent = pair[1]
        else:
            moving = [part for old, part in zip(self.args, given, strict=True) if floats(old)]
            tangent = frame.reader.call(frame, self.node, self.rule.differential, (*args, *moving), {})
        parts = [leaf.tensor for leaf in floats(tangent)]
        if not parts:
            return [None] * len(operands)
        loss = product(frame, parts[result], cotangent)
        found = frame.reader.differentiate(builder, Tensor(loss, (), float), tangents)
        check_linear(builder, found, tangents, "the tangent that this rule gives is not linear in its tangents")
        return list(found)

    def _again(self, frame: Frame, cotangent: Tensor, operands: Sequence[Tensor], result: int) -> list[Tensor | None]:
        """The value is computed again, from copies of the arguments that are not known to be equal to them."""
        builder = frame.builder
        same = [builder.op("again", [o], o.shape, o.kind, (("call", self),), k) for k, o in enumerate(operands)]
        values = [Value(equal(builder, tensor, "x"), Code(f"operand_{k}")) for k, tensor in enumerate(same)]
        ends = tensors(values)
        value = frame.reader.call(frame, self.node, self.rule.value, self._arguments(values), {})
        loss = product(frame, floats(value)[result].tensor, cotangent)
        return list(frame.reader.differentiate(builder, Tensor(loss, (), float), ends))


def _flat(item: object) -> list[object]:
    found: list[object] = []
    mapped_values(item, found.append)
    return found


def _shaped(builder: Builder, like: Value, tensor: Tensor | None) -> Tensor | None:
    """A gradient of the shape of its argument; a number stands for all entries."""
    if tensor is None:
        return None
    if tensor.rank == like.tensor.rank:
        for left, right in zip(tensor.shape, like.tensor.shape, strict=True):
            builder.sizes.unify(left, right)
        return tensor
    if tensor.rank:
        raise DifferentiationError(f"a gradient has {tensor.rank} axes, its argument {like.tensor.rank}")
    return Tensor(tensor.expr, like.tensor.indices, like.tensor.kind)


def hooked_value(frame: Frame, node: ast.expr, value: Value, hook: Any) -> Value:
    """A value whose adjoint goes through a function of the user's, which the generated code calls."""
    local = frame.reader.captures.opaque(hook, getattr(hook, "__name__", "hook"))
    text = f"{local.template}({'fresh(_0)' if value.tensor.rank else '_0'})"
    made = ruled(frame, Ruled(frame, node, None, (value,), value, Code(text)))
    assert isinstance(made, Value)
    return made


def _called(frame: Frame, node: ast.expr, function: Any, rule: Any, args: Arguments) -> Value:
    """A black box is called by the generated code."""
    template = Template()
    called = spelling(function) or _name(frame, node, function)
    text = f"{called}({template.arguments(args, {})})"
    values = [argument for argument in args if isinstance(argument, Value)]
    if len(template.operands) != len(values):
        raise NotYetSupported("a black box takes arrays and numbers, no containers", remedy="pass them one by one")
    shape, kind = _type(frame, node, rule, args)
    operands = [lifted(frame, value, node).tensor for value in values]
    tensor = frame.builder.op(BLACK_BOX, operands, shape, kind, (("text", text),))
    return Value(tensor, template.code(text, frame.line(node)))


def _name(frame: Frame, node: ast.expr, function: Any) -> str:
    """The name under which the generated code calls a function, also one that is reached through modules."""
    captures = frame.reader.captures
    steps = _dotted(node.func) if isinstance(node, ast.Call) else []
    if captures.path(function) is None and steps and frame.namespace is not None:
        path, _ = frame.namespace.find(steps[0])
        if path is not None:
            captures.know((*path, *(part for step in steps[1:] for part in ("attribute", step))), function)
    return captures.opaque(function, getattr(function, "__name__", "function")).template


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return [*inner, node.attr] if inner else []
    return [node.id] if isinstance(node, ast.Name) else []


def _type(frame: Frame, node: ast.expr, rule: Any, args: Arguments) -> tuple[Sequence[Expr], Kind]:
    """The shape of what a black box gives, and its dtype: that of the arguments."""
    leaves = floats(tuple(args))
    kind = np.dtype(common_kind([leaf.tensor.kind for leaf in leaves]) if leaves else float)
    shape = rule.shape
    if shape is None:
        first = next((leaf.tensor for leaf in leaves if leaf.tensor.rank), None)
        return (() if first is None else first.shape), kind
    found = shape if isinstance(shape, tuple) else frame.reader.call(frame, node, shape, args, {})
    if not isinstance(found, tuple | list | Shape):
        raise ArgumentError(f"shape gives {describe(found)}", remedy="return a tuple of lengths")
    return [size(frame.builder, part.tensor if isinstance(part, Value) else part) for part in found], kind
