"""A gradient as source text: from a program and the adjoints of its inputs to ``Generated``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from symgrad.emit.apart import apart
from symgrad.emit.blocks import add_statements
from symgrad.emit.conditions import condition_texts
from symgrad.emit.docstring import docstring
from symgrad.emit.function import write_function
from symgrad.emit.known import gather
from symgrad.emit.respell import with_products
from symgrad.emit.result import Results, containers, nested
from symgrad.emit.speller import Speller
from symgrad.ir.code import Code
from symgrad.ir.equation import Branch, Loop, needed, refs, uses
from symgrad.ir.program import Define, Input, Opaque, Program, Value
from symgrad.ir.signature import PROGRAMS, Generated, Request, Signature
from symgrad.ir.tensor import Ref, Tensor
from symgrad.rules.row import Operation

LONGEST_UNPACKED = 8


@dataclass(frozen=True)
class Vocabulary:
    """What the emitter takes from the rules: how functions of arrays, of Python numbers, and operations are spelled."""

    spelling: Mapping[type, str]
    scalars: Mapping[type, str]
    operations: Mapping[str, Operation]


def emit_gradient(
    program: Program,
    request: Request,
    signature: Signature,
    structures: Sequence[tuple[object, Code]],
    gradients: Mapping[str, Tensor],
    names: Mapping[Ref, str],
    vocabulary: Vocabulary,
) -> Generated:
    """Source of the derived function; ``structures`` are the differentiated arguments with their code,
    ``gradients`` are given by access text."""
    returned = request.transform in {"value_and_grad", *PROGRAMS} or request.has_aux
    known = gather(program, _spelled(program, returned))
    speller = Speller(program.builder, vocabulary.spelling, vocabulary.scalars, vocabulary.operations, known, names)
    effects = add_statements(speller, program.body)
    _spell_in_order(speller, gradients.values())
    leaves = _leaves(speller, program, gradients)
    parts = [_gradient_code(structure, access, program.inputs, leaves) for structure, access in structures]
    roots, arrange = _arranged(program, request, parts)
    name = f"{_function_name(program)}_{request.transform}"
    text = write_function(
        name,
        program.parameters,
        docstring(program, request, signature),
        roots,
        arrange,
        program.identifiers,
        _variables(program),
        _captured(program),
        speller.hints,
        {} if returned else _vectors(program),
        speller.suites,
        speller.sequence,
        effects,
    )
    conditions, pairs = condition_texts(program), apart(program, request, signature)
    return Generated(name, text.source, text.imports, signature, conditions, program.captures, pairs)


def _leaves(speller: Speller, program: Program, gradients: Mapping[str, Tensor]) -> dict[str, Code]:
    """The gradients as code by access text, called after what they belong to."""
    sources = {source.access: source for source in program.inputs}
    results = Results(speller, set())
    leaves = {access: results.gradient(sources[access], tensor) for access, tensor in gradients.items()}
    for access, code in leaves.items():
        speller.hints.setdefault(code, f"d{_identifier(access)}")
    return leaves


def _spelled(program: Program, returned: bool) -> list[Value]:
    """The user's values; in cheaper spellings, where none is returned and no loop or branch reads them."""
    straight = all(isinstance(statement, Define) for statement in program.body.statements)
    return with_products(values(program)) if straight and not returned else values(program)


def _spell_in_order(speller: Speller, gradients: Iterable[Tensor]) -> None:
    """Write what gradients need from the first equation to the last, so that a long program needs no deep recursion.

    What reads a placeholder (the cotangent of a pullback that was transposed) is left: only parts of it are asked for.
    """
    unknown = {ref: eq for ref, eq in speller.builder.own.items() if speller.known.array(ref) is None}
    wanted = needed(unknown, refs(gradient.expr for gradient in gradients))
    left: set[Ref] = set()
    for ref, equation in unknown.items():
        if any(used in left or _is_placeholder(speller, used) for used in uses(equation)):
            left.add(ref)
        elif ref in wanted and not isinstance(equation.definition, Loop | Branch):
            speller.array(ref)


def _is_placeholder(speller: Speller, ref: Ref) -> bool:
    return ref not in speller.builder.equations and speller.known.array(ref) is None


def values(program: Program) -> list[Value]:
    """The values of the user's statements, in order, and the result's."""
    return [*program.body.values(), *_result_values(program.result)]


def _result_values(result: object) -> list[Value]:
    if isinstance(result, Value):
        return [result]
    items: Collection[object] = (
        result.values() if isinstance(result, dict) else result if isinstance(result, tuple | list) else ()
    )
    return [value for item in items for value in _result_values(item)]


def _gradient_code(structure: object, access: Code, inputs: Iterable[Input], leaves: Mapping[str, Code]) -> Code:
    by_code = {source.value.code: source.access for source in inputs}

    def leaf(value: Value | Opaque) -> Code:
        return leaves.get(by_code.get(value.code, ""), Code("None"))

    return nested(structure, leaf, access)


def _arranged(program: Program, request: Request, parts: list[Code]) -> tuple[list[Code], str]:
    """The results in a row, and the template of the returned expression."""
    if request.transform in PROGRAMS:
        whole = program.result[0] if request.transform == "derivative" else program.result  # type: ignore[index]
        return [nested(whole, _value_code, None, _classes(program))], "_0"
    single = not isinstance(request.argnums, tuple)
    places = [f"_{k}" for k in range(len(parts))]
    gradient = places[0] if single else f"({', '.join(places)}{',' if len(places) == 1 else ''})"
    outcome = program.result
    if request.transform in {"grad", "hvp", "elementwise_grad"} and not request.has_aux:
        return parts, gradient
    pair = outcome if request.has_aux and isinstance(outcome, tuple) else (outcome,)
    wanted = pair if request.transform == "value_and_grad" else pair[1:]
    extra = [nested(item, _value_code, None, _classes(program)) for item in wanted]
    names = [f"_{len(parts) + k}" for k in range(len(extra))]
    if request.transform == "grad":
        return [*parts, *extra], f"({gradient}, {names[0]})"
    first = f"({', '.join(names)})" if request.has_aux else names[0]
    return [*parts, *extra], f"({first}, {gradient})"


def _classes(program: Program) -> dict[type, Code]:
    """Where arguments have named tuples and dataclasses."""
    found = [pair for name, item in program.arguments.items() for pair in containers(item, Code(name))]
    return dict(reversed(found))


def _value_code(value: Value | Opaque) -> Code:
    return value.code


def _vectors(program: Program) -> dict[Code, int]:
    """Arguments that are float64 vectors of a known length."""
    found = {}
    for source in program.inputs:
        tensor = source.value.tensor
        if tensor.rank == 1 and tensor.kind == np.dtype(float) and not source.value.code.operands:
            size = program.builder.sizes.find(tensor.shape[0])
            if size.is_Integer and size <= LONGEST_UNPACKED:
                found[source.value.code] = int(size)
    return found


def _function_name(program: Program) -> str:
    return program.name if program.name.isidentifier() else "function"


def _identifier(access: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in access).strip("_").replace("__", "_")


def _variables(program: Program) -> set[str]:
    """Names that stand in the text: parameters, the user's variables, captured values."""
    tree = ast.parse(f"lambda {program.parameters}: 0", mode="eval").body
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {value.code.name for value in values(program) if value.code.name is not None}
    return names | _captured(program)


def _captured(program: Program) -> set[str]:
    """The names of captured values."""
    return {capture.local for capture in program.captures if capture.local is not None}
