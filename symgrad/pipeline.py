"""The order of passes: the only module that knows all rooms.

read        source text -> program                     the meaning of the user's function
gradient    equations of the program -> adjoints       one rule, simplified as it goes
emit        adjoints and the user's code -> source     the code that is called
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sympy

from symgrad.autodiff.reverse import Rules, gradient
from symgrad.emit.gradient import Vocabulary, emit_gradient, values
from symgrad.errors import (
    DifferentiationError,
    InternalError,
    NoDerivative,
    NotYetSupported,
    ShapeError,
    SymgradError,
    UnsupportedSyntax,
)
from symgrad.frontend.frame import Unwieldy
from symgrad.frontend.reader import read
from symgrad.frontend.rows import evaluate
from symgrad.inspection.formula import Formula
from symgrad.inspection.formula import formula as write_formula
from symgrad.ir.builder import Builder, exact
from symgrad.ir.canonical import canonical
from symgrad.ir.code import Code
from symgrad.ir.depth import deep
from symgrad.ir.equation import Op
from symgrad.ir.kinds import is_floating
from symgrad.ir.program import Input, Program, Value
from symgrad.ir.shared_inputs import SharedInputs
from symgrad.ir.signature import PROGRAMS, Generated, Request, Signature
from symgrad.ir.tensor import Entry, Ref, Tensor
from symgrad.rules.functions import SCALAR_SPELLING, SPELLING
from symgrad.rules.linalg import OPERATIONS
from symgrad.simplify.cheapest import cheapest
from symgrad.simplify.normal import equal
from symgrad.verification import Verification, compare

MOST_WRITTEN_OUT = 64
"""Loops of no more rounds may be written out, where a function cannot be read with its loops."""


@dataclass(frozen=True)
class Compiled:
    """A derived function: its text, and the formulas behind it."""

    generated: Generated
    program: Program
    gradients: Mapping[str, Tensor]


def compile_derivative(
    function: Callable[..., Any],
    request: Request,
    signature: Signature,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
) -> Compiled:
    """Derive, simplify and write the derivative of ``function`` for one signature."""
    with deep():
        try:
            return _compiled(function, request, signature, sizes, 0)
        except SymgradError as error:
            if isinstance(error, InternalError | Unwieldy) or not sizes:
                raise
            with suppress(SymgradError):
                return _compiled(function, request, signature, sizes, MOST_WRITTEN_OUT)
            raise


def _compiled(
    function: Callable[..., Any],
    request: Request,
    signature: Signature,
    sizes: Mapping[str, tuple[int, ...]] | None,
    written_out: int,
) -> Compiled:
    """The derivative with loops as loops; a function that cannot be read so has its short loops ``written_out``."""
    program, structures, gradients, names = derive(function, request, signature, sizes, written_out=written_out)
    vocabulary = Vocabulary(SPELLING, SCALAR_SPELLING, OPERATIONS)
    try:
        generated = emit_gradient(program, request, signature, structures, gradients, names, vocabulary)
    except SymgradError as error:
        raise error.at(program.result_span) from None
    return Compiled(generated, program, gradients)


def formula(function: Callable[..., Any], request: Request, signature: Signature) -> Formula:
    """The derivative as equations in index notation."""
    program, _, gradients, names = derive(function, request, signature, None)
    own = {source.value.tensor.expr.ref: source.access for source in program.inputs}
    return write_formula(program.builder, gradients, {**names, **_named_refs(program), **own})


def verify(
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    request: Request,
    signature: Signature,
    closed_form: Callable[..., Any],
    args: Sequence[Any],
) -> Verification:
    """Compare a derivative with a closed form: numerically first, then by proof.

    ``args`` are positional arguments of both. What the numbers refute is not proved; what cannot be proved is tested.
    """
    tested = compare(derivative, closed_form, args)
    if tested.refuted:
        return tested
    try:
        proved = _proved(function, request, signature, closed_form)
    except (NotYetSupported, UnsupportedSyntax, NoDerivative, ShapeError):
        proved = False
    return Verification("proved", 0.0, tested.points) if proved else tested


def _proved(
    function: Callable[..., Any], request: Request, signature: Signature, closed_form: Callable[..., Any]
) -> bool:
    """Whether derivative and closed form have the same normal form, with sizes as symbols."""
    builder = SharedInputs()
    program, structures, gradients, _ = derive(function, request, signature, None, builder)
    parameters = tuple(inspect.signature(closed_form).parameters)
    renamed = Signature(parameters, signature.args)
    builder.share(dict(zip(parameters, signature.names, strict=True)))
    other = read(closed_form, renamed, {}, builder, differentiate, active=_active_names(request, renamed))
    wanted = [leaf for structure, _ in structures for leaf in _leaves(structure)]
    codes = {source.value.code: source.access for source in program.inputs}
    found = [gradients[codes[leaf.code]] for leaf in wanted if codes[leaf.code] in gradients]
    if request.transform in PROGRAMS:
        found = _tensors(program.result)
    if request.transform == "value_and_grad":
        found = [_loss(program, request), *found]
    given = _tensors(other.result)
    return len(found) == len(given) and all(
        equal(builder, mine, theirs) for mine, theirs in zip(found, given, strict=True)
    )


def _tensors(result: object) -> list[Tensor]:
    """The leaves of a closed form's result; plain numbers are constants, None is nothing."""
    if result is None:
        return []
    if isinstance(result, int | float):
        return [Tensor(exact(result), (), float)]
    if isinstance(result, Value):
        return [result.tensor]
    items = result.values() if isinstance(result, dict) else result
    assert isinstance(items, Iterable)
    return [tensor for item in items for tensor in _tensors(item)]


def derive(
    function: Callable[..., Any],
    request: Request,
    signature: Signature,
    sizes: Mapping[str, tuple[int, ...]] | None,
    builder: Builder | None = None,
    written_out: int = 0,
) -> tuple[Program, list[tuple[object, Code]], dict[str, Tensor], dict[Ref, str]]:
    """The program of a function, the differentiated arguments, and the gradient of each of their leaves."""
    builder = Builder() if builder is None else builder
    active = () if request.transform in PROGRAMS else _active_names(request, signature)
    program = read(
        function,
        signature,
        sizes or {},
        builder,
        differentiate,
        active=active,
        written_out=written_out,
        derivatives=request.variables,
    )
    if request.transform in PROGRAMS:
        return program, [], {}, {}
    loss = _loss(program, request)
    structures = [_argument(program, argnum) for argnum in _argnums(request)]
    inputs = differentiated(program, [structure for structure, _ in structures])
    rules, variables = _rules(), _variables(program)
    wrt = [source.value.tensor for source in inputs]
    found, names = gradient(builder, rules, loss, wrt, variables)
    if request.direction is not None:
        along = _along(program, structures[0][0], program.arguments[request.direction], found, builder)
        found, more = gradient(builder, rules, along, wrt, variables)
        names = {**names, **more}
    return program, structures, {s.access: g for s, g in zip(inputs, found, strict=True)}, names


def _rules() -> Rules:
    """What derivations take from other rooms."""
    return Rules(cheapest, OPERATIONS, _differential)


def _ordered(like: object, other: object) -> object:
    """A container with the keys of its dicts in the order of another one."""
    if isinstance(like, dict) and isinstance(other, dict) and like.keys() == other.keys():
        return {key: _ordered(item, other[key]) for key, item in like.items()}
    if isinstance(like, tuple | list) and isinstance(other, tuple | list) and len(like) == len(other):
        return [_ordered(item, part) for item, part in zip(like, other, strict=True)]
    return other


def differentiate(builder: Builder, target: Tensor, wrt: Sequence[Tensor]) -> Sequence[Tensor]:
    """The gradient that a program asks for."""
    return gradient(builder, _rules(), target, wrt, {})[0]


def _along(program: Program, structure: object, given: object, gradients: Sequence[Tensor], builder: Builder) -> Tensor:
    """The derivative of a function with these gradients in the direction ``given``."""
    direction = _leaves(_ordered(structure, given))
    if len(direction) != len(gradients):
        raise _located(program, "the direction has not the structure of the argument", "give one like the argument")
    total = sympy.S.Zero
    for found, leaf in zip(gradients, direction, strict=True):
        exprs, common = builder.broadcast(builder.fresh(found), leaf.tensor)
        bound = [index for index in common if index is not None]
        total += builder.sum(exprs[0] * exprs[1], bound, found.kind)
    return Tensor(total, (), float)


def _differential(builder: Builder, op: Op, result: Tensor, tangents: Sequence[Tensor | None]) -> Tensor:
    """Read a row's matrix differential with the frontend."""
    definition = OPERATIONS[op.name].differential
    assert definition is not None
    return evaluate(builder, definition, [*op.operands, result, *tangents], dict(op.params))


def _variables(program: Program) -> dict[str, str]:
    """The user's names of formulas, by canonical text."""
    inside = [value for region in program.body.regions() for value in region.values()]
    named = [(value.tensor.expr, value.code.name) for value in (*inside, *values(program))]
    return {canonical(expr)[0]: name for expr, name in named if name is not None}


def _named_refs(program: Program) -> dict[Ref, str]:
    """The user's names of arrays."""
    named = [(value.tensor.expr, value.code.name) for value in values(program)]
    return {expr.ref: name for expr, name in named if isinstance(expr, Entry) and name is not None}


def _argnums(request: Request) -> tuple[int | str, ...]:
    return request.argnums if isinstance(request.argnums, tuple) else (request.argnums,)


def _active_names(request: Request, signature: Signature) -> tuple[str, ...]:
    names = signature.names
    more = () if request.direction is None else (request.direction,)
    return (*more, *(names[min(k, len(names) - 1)] if isinstance(k, int) else k for k in _argnums(request)))


def _argument(program: Program, argnum: int | str) -> tuple[object, Code]:
    """The argument at a position, which may lie in ``*args``, or of a name; and the code that reads it."""
    if isinstance(argnum, str):
        return program.arguments[argnum], Code(argnum)
    names = [name for name, _ in zip(program.arguments, range(argnum + 1), strict=False)]
    starred = ast.parse(f"lambda {program.parameters}: 0", mode="eval").body.args.vararg  # type: ignore[attr-defined]
    if starred is None or starred.arg not in names:
        return program.arguments[names[argnum]], Code(names[argnum])
    items = program.arguments[starred.arg]
    assert isinstance(items, tuple)
    place = argnum - names.index(starred.arg)
    if place >= len(items):
        reason = f"argument {argnum}, with respect to which is differentiated, is not among the positional arguments"
        raise _located(program, reason, "pass it without its name, or choose other argnums")
    return items[place], Code(f"_0[{place}]", (Code(starred.arg),))


def _loss(program: Program, request: Request) -> Tensor:
    """The scalar that is differentiated."""
    result = program.result
    if request.has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise _located(program, "with has_aux=True the function must return (value, aux)", "return a pair")
        result = result[0]
    if isinstance(result, float) or (isinstance(result, int) and not isinstance(result, bool)):
        return Tensor(sympy.S.Zero, (), float)
    if not isinstance(result, Value):
        shown = type(result).__name__
        raise _located(
            program,
            f"the function returns a {shown}, which has no gradient",
            "return one number that depends on the arguments",
        )
    tensor = result.tensor
    if request.transform == "elementwise_grad":
        own = program.builder.fresh(tensor)
        return Tensor(program.builder.sum(own.expr, own.free, own.kind), (), own.kind)
    if tensor.rank:
        shape = ", ".join(map(str, tensor.shape))
        raise _located(
            program,
            f"the function returns an array of shape ({shape}), not a scalar",
            "reduce it, for example with np.sum",
        )
    return tensor


def _located(program: Program, reason: str, remedy: str) -> DifferentiationError:
    return DifferentiationError(reason, remedy=remedy, span=program.result_span)


def differentiated(program: Program, structures: Sequence[object]) -> list[Input]:
    """The real inputs inside the differentiated arguments."""
    codes = {value.code for structure in structures for value in _leaves(structure)}
    inputs = [
        source for source in program.inputs if source.value.code in codes and is_floating(source.value.tensor.kind)
    ]
    if not inputs:
        raise DifferentiationError(
            "no argument that is differentiated is a real number or array", remedy="check argnums"
        )
    return inputs


def _leaves(structure: object) -> list[Value]:
    match structure:
        case Value():
            return [structure]
        case dict():
            return [leaf for item in structure.values() for leaf in _leaves(item)]
        case tuple() | list():
            return [leaf for item in structure for leaf in _leaves(item)]
    return (
        [leaf for item in vars(structure).values() for leaf in _leaves(item)] if hasattr(structure, "__dict__") else []
    )
