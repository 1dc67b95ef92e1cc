"""Derivatives inside of a function: what ``symgrad.grad`` gives is read, and differentiated where it is called.

The function is read on inputs of its own, which are equal to the arguments, so that only what it does with them counts.
The derivatives are formulas over the same equations: they can be differentiated again.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence

import sympy

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported
from symgrad.frontend.environment import Contents, Environment, as_it_is, changes, environment, put
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import equal
from symgrad.frontend.source import parameter_names
from symgrad.frontend.trees import floats, independent, mapped_values, matched, tensors, total, valued
from symgrad.frontend.values import Bound, Closure, Derived, describe, has_values
from symgrad.ir.code import Code
from symgrad.ir.equation import needed, refs
from symgrad.ir.functions import parameters_of
from symgrad.ir.program import Derive, Value
from symgrad.ir.tensor import Entry, Tensor

_serial = itertools.count()
Arguments = Sequence[object]
Keywords = Mapping[str, object]


def call_derived(frame: Frame, node: ast.expr, derived: Derived, args: Arguments, keywords: Keywords) -> object:
    """The result of a call of a derivative."""
    args, direction = (args[:-1], args[-1]) if derived.transform == "hvp" and args else (args, None)
    single = not isinstance(derived.argnums, tuple)
    argnums = derived.argnums if isinstance(derived.argnums, tuple) else (derived.argnums,)
    places = [_place(derived.function, argnum, args, keywords) for argnum in argnums]
    given: dict[int | str, object] = dict([*enumerate(args), *keywords.items()])
    inputs = {place: independent(frame, given[place]) for place in places}
    wrt = [as_it_is(inputs[place]) for place in places]
    given = {place: inputs[place] if place in inputs else as_it_is(item) for place, item in given.items()}
    arranged = [given[k] for k in range(len(args))], {name: given[name] for name in keywords}
    before = environment(frame.reader)
    result = frame.reader.call(frame, node, derived.function, *arranged)
    _give_back(frame, before)
    value, aux = _split(result) if derived.has_aux else (result, None)
    loss = _summed(frame, value) if derived.transform == "elementwise_grad" else _scalar(value)
    found = slopes(frame, loss, wrt, [] if direction is None else [direction])
    gradient = found[0] if single else tuple(found)
    if derived.transform != "value_and_grad":
        return (gradient, aux) if derived.has_aux else gradient
    return ((value, aux) if derived.has_aux else value), gradient


def _give_back(frame: Frame, before: Environment) -> None:
    """A derivative leaves the arrays of others as they were."""
    for cell, (old, _) in changes(before, environment(frame.reader)).items():
        if isinstance(old, Contents):
            put(before, cell, old)


def between(frame: Frame, ys: Sequence[str], xs: Sequence[str]) -> list[object]:
    """The derivatives of the sum of some variables of a function with respect to others, as they are at its end.

    None for a variable on which the others do not depend.
    """
    targets = [leaf for name in ys for leaf in floats(valued(frame, _variable(frame, name)))]
    sources = [_variable(frame, name) for name in xs]
    for name, source in zip(xs, sources, strict=True):
        if not floats(source) or not all(isinstance(leaf.tensor.expr, Entry) for leaf in floats(source)):
            reason = f"{name} is no real variable that is assigned to outside of loops"
            raise DifferentiationError(reason, remedy="assign it in the body of the function")
    loss = _summed(frame, targets)
    reached = needed(frame.builder.equations, refs([loss.expr]))
    found = slopes(frame, loss, sources)
    connected = [[leaf for leaf in floats(source) if refs([leaf.tensor.expr])[0] in reached] for source in sources]
    return [slope if part else None for slope, part in zip(found, connected, strict=True)]


def _variable(frame: Frame, name: str) -> object:
    if name not in frame.variables:
        known = ", ".join(variable for variable in frame.variables if variable.isidentifier())
        raise DifferentiationError(
            f"the function has no variable {name} at its end", remedy=f"its variables are {known}"
        )
    return frame.variables[name]


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
    return list(parameters_of(function).parameters) if callable(function) else []


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


def slopes(frame: Frame, loss: Tensor, wrt: Sequence[object], directions: Sequence[object] = ()) -> list[object]:
    """The gradient in the structure of each argument; None for what is no real number.

    With a direction for an argument: the gradient of the product of the gradient and the direction.
    """
    inputs = [leaf for item in wrt for leaf in floats(item)]
    if not inputs:
        reason = "no argument that is differentiated is a real number or array"
        raise DifferentiationError(reason, remedy="check argnums")
    ends = tensors(inputs)
    formulas = frame.reader.differentiate(frame.builder, loss, ends)
    if directions:
        pairs = [pair for two in zip(wrt, directions, strict=True) for pair in matched(frame, *two, "the direction")]
        along = total(frame, zip(formulas, (given.tensor for _, given in pairs), strict=True))
        formulas = frame.reader.differentiate(frame.builder, along, ends)
    made = {id(leaf): derived_value(frame, leaf, formula) for leaf, formula in zip(inputs, formulas, strict=True)}
    return [mapped_values(item, lambda leaf: made.get(id(leaf))) for item in wrt]


def derived_value(frame: Frame, like: Value, formula: Tensor) -> Value:
    """A derivative as a value of the program: a formula, written where it is read."""
    name = like.code.name or (like.code.template if like.code.template.isidentifier() else None)
    own = Tensor(formula.expr, formula.indices, like.tensor.kind)
    meaning = equal(frame.builder, own, "d") if isinstance(own.expr, Entry) else frame.builder.define(own, "d")
    value = Value(meaning, Code(f"@d{next(_serial)}", (), None if name is None else f"d{name}"))
    frame.reader.statements.append(Derive(value.now, like.now, own))
    return frame.reader.aliasing.array(value) if like.tensor.rank else value


def transformed(frame: Frame, transform: str, args: Arguments, keywords: Keywords) -> object:
    """``symgrad.grad(f)`` and its like, called inside of a function."""
    names = ("function", "argnums")
    given = {**dict(zip(names, args, strict=False)), **keywords}
    function, has_aux = given.get("function"), given.get("has_aux", False)
    argnums = frame.reader.captures.specialised(given.get("argnums", 0))
    if function is None:
        raise NotYetSupported(f"symgrad.{transform} as a decorator inside of a function", remedy="pass the function")
    if isinstance(argnums, list):
        argnums = tuple(argnums)
    known = isinstance(argnums, int | str) or (isinstance(argnums, tuple) and not has_values(argnums))
    if not known or not isinstance(has_aux, bool):
        raise ArgumentError("argnums and has_aux must be known while compiling")
    return Derived(transform, function, argnums, has_aux)  # type: ignore[arg-type]
