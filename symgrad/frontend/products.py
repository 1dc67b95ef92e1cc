"""Products with Jacobians inside of a function: ``vjp`` and ``jvp``."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.derived import derived_value, slopes
from symgrad.frontend.environment import as_it_is
from symgrad.frontend.frame import Frame
from symgrad.frontend.trees import check_linear, floats, independent, mapped_values, matched, tensors, total
from symgrad.frontend.values import Pullback, has_runs
from symgrad.ir.equation import needed, refs
from symgrad.ir.program import Region, Statement, Value
from symgrad.ir.tensor import Tensor

Arguments = Sequence[object]
Keywords = Mapping[str, object]


def vjp(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``vjp(f, *primals)``: the value, and the pullback of cotangents."""
    if not args or keywords:
        raise ArgumentError("vjp takes a function and its arguments")
    inputs = tuple(independent(frame, primal) for primal in args[1:])
    before, length = tuple(map(as_it_is, inputs)), len(frame.reader.statements)
    value = frame.reader.call(frame, node, args[0], inputs, {})
    kept = before if _has_effects(frame.reader.statements[length:]) else ()
    return value, Pullback(args[0], tuple(map(as_it_is, args[1:])), kept, as_it_is(value), frame.builder)


def _has_effects(statements: Sequence[Statement]) -> bool:
    return Region(tuple(statements)).has_effects


def pulled_back(frame: Frame, node: ast.expr, pullback: Pullback, args: Arguments) -> object:
    """The gradients with respect to the primals, for a cotangent of the value.

    The function is read again, where the pullback is called: the value that ``vjp`` gave may have been used meanwhile.
    One with effects is not, since these happen once.
    """
    if len(args) != 1:
        raise ArgumentError("a pullback takes the cotangent of the value")
    given, result = _read(frame, node, pullback)
    pairs = matched(frame, _plain(result), args[0], "the cotangent")
    if pullback.inputs and _depends(frame, [cotangent for _, cotangent in pairs], given):
        reason = "this cotangent depends on the value of a function with effects"
        raise NotYetSupported(reason, remedy="take the effects out of the function")
    loss = total(frame, ((value.tensor, cotangent.tensor) for value, cotangent in pairs))
    return tuple(slopes(frame, loss, given))


def _read(frame: Frame, node: ast.expr, pullback: Pullback) -> tuple[tuple[object, ...], object]:
    """Inputs of the function, and its value at them."""
    if pullback.inputs:
        if pullback.builder is not frame.builder:
            reason = "a pullback of a function with effects is called in a loop or a branch"
            raise NotYetSupported(reason, remedy="take the effects out of the function")
        return pullback.inputs, pullback.result
    inputs = tuple(independent(frame, primal) for primal in pullback.primals)
    given = tuple(map(as_it_is, inputs))
    reader = replace(frame.reader, statements=[], formulas=True)
    return given, reader.call(replace(frame, reader=reader), node, pullback.function, inputs, {})


def _depends(frame: Frame, values: Sequence[Value], inputs: Sequence[object]) -> bool:
    reached = set(needed(frame.builder.equations, refs([value.tensor.expr for value in values])))
    return any(not reached.isdisjoint(refs([leaf.tensor.expr])) for item in inputs for leaf in floats(item))


def jvp(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``jvp(f, primals, tangents)``: the value and its derivative along the tangents.

    The pullback of a cotangent is linear in it: its own transpose is the derivative along a tangent.
    """
    function, primals, given = args if len(args) == 3 else (*args, *keywords.values())
    if not isinstance(primals, tuple | list) or not isinstance(given, tuple | list) or len(primals) != len(given):
        raise ArgumentError("primals and tangents are tuples of one length", remedy="jvp(f, (x,), (v,))")
    inputs = [independent(frame, primal) for primal in primals]
    pairs = [
        pair for item, other in zip(inputs, given, strict=True) for pair in matched(frame, item, other, "a tangent")
    ]
    ends, along = [value.tensor for value, _ in pairs], [frame.builder.define(t.tensor, "v") for _, t in pairs]
    result = _plain(frame.reader.call(frame, node, function, inputs, {}))
    leaves = floats(result)
    formulas = pushed_forward(frame, tensors(leaves), ends, along)
    made = {id(leaf): derived_value(frame, leaf, formula) for leaf, formula in zip(leaves, formulas, strict=True)}
    return result, mapped_values(result, lambda leaf: made.get(id(leaf), 0.0))


def pushed_forward(
    frame: Frame, results: Sequence[Tensor], ends: Sequence[Tensor], along: Sequence[Tensor]
) -> Sequence[Tensor]:
    """The derivatives of results along tangents of the inputs."""
    differentiate, builder = frame.reader.differentiate, frame.builder
    cotangents = [builder.carried("u", result.shape, result.kind) for result in results]
    loss = total(frame, zip(results, cotangents, strict=True))
    found = differentiate(builder, loss, ends)
    tangents = differentiate(builder, total(frame, zip(found, along, strict=True)), cotangents)
    check_linear(builder, tangents, cotangents, "a pullback that is taken here is not linear in its cotangent")
    return tangents


def _plain(result: object) -> object:
    """A result without lists that grew in loops."""
    if has_runs(result):
        reason = "a list that a loop fills has no tangent or cotangent yet"
        raise NotYetSupported(reason, remedy="return np.array(...) of it")
    return result
