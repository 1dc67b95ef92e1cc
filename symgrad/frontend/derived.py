"""Derivatives inside of a function: what ``symgrad.grad`` gives is read, and differentiated where it is called.

The function is read on inputs of its own, which are equal to the arguments, so that only what it does with them counts.
The derivatives are formulas over the same equations: they can be differentiated again.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.environment import as_it_is, is_instance
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import equal
from symgrad.frontend.merging import instance, number_or_value
from symgrad.frontend.source import parameter_names
from symgrad.frontend.values import Bound, Closure, Derived, Pullback, describe
from symgrad.ir.code import Code
from symgrad.ir.equation import needed, refs
from symgrad.ir.kinds import is_floating
from symgrad.ir.program import Derive, Value
from symgrad.ir.tensor import Entry, Expr, Tensor

_serial = itertools.count()
Arguments = Sequence[object]
Keywords = Mapping[str, object]


def call_derived(
    frame: Frame, node: ast.expr, derived: Derived | Pullback, args: Arguments, keywords: Keywords
) -> object:
    """The result of a call of a derivative, or of a pullback."""
    if isinstance(derived, Pullback):
        return _pulled_back(frame, derived, args)
    args, direction = (args[:-1], args[-1]) if derived.transform == "hvp" and args else (args, None)
    single = not isinstance(derived.argnums, tuple)
    argnums = derived.argnums if isinstance(derived.argnums, tuple) else (derived.argnums,)
    places = [_place(derived.function, argnum, args, keywords) for argnum in argnums]
    given: dict[int | str, object] = dict([*enumerate(args), *keywords.items()])
    inputs = {place: independent(frame, given[place]) for place in places}
    given = {place: inputs[place] if place in inputs else as_it_is(item) for place, item in given.items()}
    arranged = [given[k] for k in range(len(args))], {name: given[name] for name in keywords}
    result = frame.reader.call(frame, node, derived.function, *arranged)
    value, aux = _split(result) if derived.has_aux else (result, None)
    loss = _summed(frame, value) if derived.transform == "elementwise_grad" else _scalar(value)
    found = _gradient(frame, loss, [inputs[place] for place in places], [] if direction is None else [direction])
    slopes = found[0] if single else tuple(found)
    if derived.transform != "value_and_grad":
        return (slopes, aux) if derived.has_aux else slopes
    return ((value, aux) if derived.has_aux else value), slopes


def vjp(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``vjp(f, *primals)``: the value, and the pullback of cotangents."""
    if not args or keywords:
        raise ArgumentError("vjp takes a function and its arguments")
    inputs = tuple(independent(frame, primal) for primal in args[1:])
    result = frame.reader.call(frame, node, args[0], inputs, {})
    return result, Pullback(result, inputs)


def _pulled_back(frame: Frame, pullback: Pullback, args: Arguments) -> object:
    """The gradients with respect to the primals, for a cotangent of the result."""
    if len(args) != 1:
        raise ArgumentError("a pullback takes the cotangent of the result")
    loss = _paired(frame, pullback.result, args[0])
    return tuple(_gradient(frame, loss, pullback.inputs))


def jvp(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``jvp(f, primals, tangents)``: the value and its derivative along the tangents.

    The pullback of a cotangent is linear in it: its own transpose is the derivative along a tangent.
    """
    function, primals, tangents = args if len(args) == 3 else (*args, *keywords.values())
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list) or len(primals) != len(tangents):
        raise ArgumentError("primals and tangents are tuples of one length", remedy="jvp(f, (x,), (v,))")
    inputs = [independent(frame, primal) for primal in primals]
    result = frame.reader.call(frame, node, function, inputs, {})
    leaves = floats(result)
    cotangents = [frame.builder.input("u", leaf.tensor.shape, leaf.tensor.kind) for leaf in leaves]
    loss = sympy.Add(*(product(frame, leaf.tensor, u) for leaf, u in zip(leaves, cotangents, strict=True)))
    ends = [leaf for item in inputs for leaf in floats(item)]
    along = [_tensor(frame, leaf) for item in tangents for leaf in floats(_valued(frame, item))]
    if len(ends) != len(along):
        raise ArgumentError("the tangents have not the structure of the primals")
    slopes = frame.reader.differentiate(frame.builder, Tensor(loss, (), float), [leaf.tensor for leaf in ends])
    linear = sympy.Add(*(product(frame, slope, tangent) for slope, tangent in zip(slopes, along, strict=True)))
    found = frame.reader.differentiate(frame.builder, Tensor(linear, (), float), cotangents)
    made = {id(leaf): _derived(frame, leaf, formula) for leaf, formula in zip(leaves, found, strict=True)}
    return result, mapped_values(result, lambda leaf: made.get(id(leaf), 0.0))


def between(frame: Frame, ys: Sequence[str], xs: Sequence[str]) -> list[object]:
    """The derivatives of the sum of some variables of a function with respect to others, as they are at its end.

    None for a variable on which the others do not depend.
    """
    targets = [leaf for name in ys for leaf in floats(_valued(frame, _variable(frame, name)))]
    sources = [_variable(frame, name) for name in xs]
    for name, source in zip(xs, sources, strict=True):
        if not floats(source) or not all(isinstance(leaf.tensor.expr, Entry) for leaf in floats(source)):
            reason = f"{name} is no real variable that is assigned to outside of loops"
            raise DifferentiationError(reason, remedy="assign it in the body of the function")
    loss = _summed(frame, targets)
    reached = needed(frame.builder.equations, refs([loss.expr]))
    found = _gradient(frame, loss, sources)
    connected = [[leaf for leaf in floats(source) if refs([leaf.tensor.expr])[0] in reached] for source in sources]
    return [slope if part else None for slope, part in zip(found, connected, strict=True)]


def _variable(frame: Frame, name: str) -> object:
    if name not in frame.variables:
        known = ", ".join(variable for variable in frame.variables if variable.isidentifier())
        raise DifferentiationError(
            f"the function has no variable {name} at its end", remedy=f"its variables are {known}"
        )
    return frame.variables[name]


def independent(frame: Frame, item: object) -> object:
    """An argument with inputs of its own for its real numbers and arrays."""
    return mapped_values(as_it_is(item), lambda leaf: _independent(frame, leaf))


def _independent(frame: Frame, item: object) -> object:
    value = item if isinstance(item, Value) else number_or_value(frame.reader, item) if type(item) is float else None
    if value is None or not is_floating(value.tensor.kind):
        return item
    name = value.code.name or (value.code.template if value.code.template.isidentifier() else "x")
    made = Value(equal(frame.builder, value.tensor, name), value.code)
    return frame.reader.aliasing.array(made) if frame.reader.aliasing.is_array(value) else made


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


def _valued(frame: Frame, item: object) -> object:
    """A container with values for its numbers."""
    return mapped_values(item, lambda leaf: number_or_value(frame.reader, leaf) or leaf)


def _place(function: object, argnum: int | str, args: Arguments, keywords: Keywords) -> int | str:
    """The position or the keyword under which an argument was given."""
    names = _parameters(function)
    if isinstance(argnum, str):
        place: int | str = argnum if argnum in keywords or argnum not in names else names.index(argnum)
    else:
        place = argnum if argnum >= 0 else argnum + (len(names) or len(args))
        place = names[place] if len(args) <= place < len(names) else place
    if place in keywords or (isinstance(place, int) and 0 <= place < len(args)):
        return place
    raise DifferentiationError(f"argument {argnum!r} of the derivative is not given here", remedy="pass it")


def _parameters(function: object) -> list[str]:
    if isinstance(function, Closure):
        return list(parameter_names(function.node.args))
    if isinstance(function, Derived):
        return _parameters(function.function)
    if isinstance(function, Bound):
        return _parameters(function.function)[len(function.args) :]
    return list(inspect.signature(function).parameters) if callable(function) else []


def _split(result: object) -> tuple[object, object]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise DifferentiationError("with has_aux=True the function must return (value, aux)", remedy="return a pair")
    return result


def _scalar(value: object) -> Tensor:
    if isinstance(value, int | float):
        return Tensor(sympy.S.Zero, (), float)
    if not isinstance(value, Value) or value.tensor.rank:
        shown = "an array" if isinstance(value, Value) else describe(value)
        raise DifferentiationError(f"the function returns {shown}, not a number", remedy="reduce it with np.sum")
    return value.tensor


def _summed(frame: Frame, value: object) -> Tensor:
    tensors = [frame.builder.fresh(leaf.tensor) for leaf in floats(value)]
    return Tensor(sympy.Add(*(frame.builder.sum(t.expr, t.free, t.kind) for t in tensors)), (), float)


def _paired(frame: Frame, first: object, second: object) -> Tensor:
    """The inner product of two containers of one structure."""
    ones, others = floats(first), floats(_valued(frame, second))
    if len(ones) != len(others):
        raise ArgumentError("the cotangent has not the structure of the value")
    pairs = zip(ones, others, strict=True)
    return Tensor(sympy.Add(*(product(frame, one.tensor, other.tensor) for one, other in pairs)), (), float)


def product(frame: Frame, first: Tensor, second: Tensor) -> Expr:
    """The sum of the products of entries."""
    builder = frame.builder
    if first.rank != second.rank:
        raise ArgumentError(f"an array of {second.rank} axes stands for a derivative of {first.rank} axes")
    exprs, common = builder.broadcast(builder.fresh(first), builder.fresh(second))
    return builder.sum(exprs[0] * exprs[1], [index for index in common if index is not None], first.kind)


def _tensor(frame: Frame, value: Value) -> Tensor:
    return frame.builder.define(value.tensor, value.code.name or "v")


def _gradient(frame: Frame, loss: Tensor, wrt: Sequence[object], directions: Sequence[object] = ()) -> list[object]:
    """The gradient in the structure of each argument; None for what is no real number.

    With a direction for an argument: the gradient of the product of the gradient and the direction.
    """
    inputs = [leaf for item in wrt for leaf in floats(item)]
    if not inputs:
        reason = "no argument that is differentiated is a real number or array"
        raise DifferentiationError(reason, remedy="check argnums")
    tensors = [leaf.tensor for leaf in inputs]
    formulas = frame.reader.differentiate(frame.builder, loss, tensors)
    along = [leaf.tensor for item in directions for leaf in floats(_valued(frame, item))]
    if along:
        if len(along) != len(tensors):
            raise DifferentiationError("the direction has not the structure of the argument", remedy="give one like it")
        product = sympy.Add(*(product(frame, one, other) for one, other in zip(formulas, along, strict=True)))
        formulas = frame.reader.differentiate(frame.builder, Tensor(product, (), float), tensors)
    made = {id(leaf): _derived(frame, leaf, formula) for leaf, formula in zip(inputs, formulas, strict=True)}
    return [mapped_values(item, lambda leaf: made.get(id(leaf))) for item in wrt]


def _derived(frame: Frame, like: Value, formula: Tensor) -> Value:
    """A derivative as a value of the program: a formula, written where it is read."""
    name = like.code.name or (like.code.template if like.code.template.isidentifier() else None)
    own = Tensor(formula.expr, formula.indices, like.tensor.kind)
    meaning = equal(frame.builder, own, "d") if isinstance(own.expr, Entry) else frame.builder.define(own, "d")
    value = Value(meaning, Code(f"@d{next(_serial)}", (), None if name is None else f"d{name}"))
    frame.reader.statements.append(Derive(value.now, like.now, own))
    return frame.reader.aliasing.array(value) if like.tensor.rank else value


def transformed(transform: str, args: Arguments, keywords: Keywords) -> object:
    """``symgrad.grad(f)`` and its like, called inside of a function."""
    names = ("function", "argnums")
    given = {**dict(zip(names, args, strict=False)), **keywords}
    function, argnums = given.get("function"), given.get("argnums", 0)
    has_aux = given.get("has_aux", False)
    if function is None:
        raise NotYetSupported(f"symgrad.{transform} as a decorator inside of a function", remedy="pass the function")
    if isinstance(argnums, list):
        argnums = tuple(argnums)
    if not isinstance(argnums, int | str | tuple) or not isinstance(has_aux, bool):
        raise ArgumentError("argnums and has_aux must be known while compiling")
    return Derived(transform, function, argnums, has_aux)
