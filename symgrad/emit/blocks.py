"""Loops and branches as suites: the user's from the program's statements, derived ones from their equations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sympy

from symgrad.emit.array import Array, Layout
from symgrad.emit.formulas import FormulaSuite
from symgrad.emit.suites import BranchSuite, LoopSuite, Suite, leaf
from symgrad.errors import InternalError
from symgrad.ir.code import Code
from symgrad.ir.equation import Branch, Equation, Loop, Output, Role
from symgrad.ir.program import Choose, Define, Derive, Effect, Region, Repeat, Value
from symgrad.ir.tensor import Entry, Index, Ref

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller


def spell_output(speller: Speller, equation: Equation, output: Output) -> Array:
    """What comes out of a block."""
    suite = speller.blocks.get(output.block)
    if suite is None:
        suite = speller.blocks[output.block] = _derived(speller, output.block)
    if isinstance(suite, LoopSuite) and output.role in {Role.STATES, Role.TRACE}:
        first, *rest = equation.indices
        axes = suite.axes(output.place, tuple(rest))
        return Array(suite.stacked(output.role, output.place), (first, *_layout(axes, rest)), equation.ref.kind)
    if isinstance(suite, LoopSuite) and output.role is Role.ROUNDS:
        return Array(suite.rounds, (), int)
    if isinstance(suite, BranchSuite) and isinstance(output.place, Ref):
        return Array(suite.kept(output.place), equation.indices, equation.ref.kind)
    assert isinstance(output.place, int)
    assert not isinstance(suite, FormulaSuite)
    code = suite.outputs[output.place]
    if equation.ref in speller.names:
        speller.hints.setdefault(code, speller.names[equation.ref])
    like = suite.loop.carried if isinstance(suite, LoopSuite) else suite.branch.bodies[0].results
    return Array(code, _layout(like[output.place].indices, equation.indices), equation.ref.kind)


def _layout(axes: Iterable[Index | None], indices: Iterable[Index]) -> Layout:
    """The axes of a whole array, those of length one among them."""
    named = iter(indices)
    return tuple(None if axis is None else next(named) for axis in axes)


def add_statements(speller: Speller, region: Region) -> tuple[Code, ...]:
    """Make suites for the blocks of the user's; gives the codes of effects, in order."""
    effects: list[Code] = []
    speller.codes |= {value.code for value in region.values()}
    speller.codes |= {statement.code for statement in region.statements if isinstance(statement, Effect)}
    speller.suites.scalars |= {value.code for value in region.values() if _is_element(value)}
    for statement in region.statements:
        match statement:
            case Effect(code):
                effects.append(code)
                speller.sequence.append(code)
            case Repeat():
                effects += _repeat(speller, statement)
            case Choose():
                effects += _choose(speller, statement)
            case Define(value):
                speller.sequence.append(value.code)
            case Derive(value):
                _enter(speller, FormulaSuite(Code(f"@formula{value.code.template}"), speller, statement))
    return tuple(effects)


def _is_element(value: Value) -> bool:
    """Whether a value is one element, read by an index."""
    template = value.code.template
    return not value.tensor.rank and template.startswith("_0[") and "..." not in template


def _repeat(speller: Speller, repeat: Repeat) -> list[Code]:
    loop = speller.builder.own[repeat.block].definition
    assert isinstance(loop, Loop)
    inner = speller.inside(loop.body.builder, repeat.body.values())
    _count(inner, loop.counter.ref, repeat)
    inner.counting.add(repeat.number.code)
    speller.heads[loop.counter.ref] = repeat
    suite = LoopSuite(
        Code(f"@loop{repeat.block.serial}"),
        loop,
        speller,
        inner,
        repeat.number.code,
        repeat.head,
        tuple(value.code for value in repeat.carried),
        repeat.outputs,
        repeat,
    )
    suite.trace(repeat.traced)
    _carry(inner, loop, suite.carried)
    suite.effects = add_statements(inner, repeat.body)
    if repeat.test is not None and loop.test is not None:
        tester = speller.inside(loop.test.builder, repeat.test[0].values())
        _carry(tester, loop, suite.carried)
        add_statements(tester, repeat.test[0])
        suite.tester = tester
    speller.blocks[repeat.block] = suite
    speller.codes |= {traced.code for traced in repeat.traced}
    _enter(speller, suite)
    return [suite.code] if suite.effects else []


def _enter(speller: Speller, suite: Suite) -> None:
    speller.suites.add(suite)
    speller.codes |= set(suite.outputs)
    speller.sequence.append(suite.code)


def _carry(inner: Speller, loop: Loop, leaves: Iterable[Code]) -> None:
    for tensor, code in zip(loop.carried, leaves, strict=True):
        assert isinstance(tensor.expr, Entry)
        inner.arrays.setdefault(tensor.expr.ref, Array(code, tensor.indices, tensor.kind))
        inner.known.input_axes[tensor.expr.ref] = tensor.free


def _count(inner: Speller, counter: Ref, repeat: Repeat) -> None:
    """The number of the round, in terms of the user's count."""
    code, expr = repeat.number.code, repeat.number.tensor.expr
    inner.known.counted[inner.builder.sizes.find(expr)] = code
    entry = Entry(counter)
    step = sympy.expand(expr).coeff(entry)
    start = sympy.expand(expr - step * entry)
    number = code
    if start != 0:
        number = Code("_0 - _1", (number, inner.size(start)))
    if step != 1:
        number = Code("_0 // _1", (number, inner.size(step)))
    inner.arrays[counter] = Array(number, (), int)
    inner.known.input_axes[counter] = ()


def _choose(speller: Speller, choose: Choose) -> list[Code]:
    branch = speller.builder.own[choose.block].definition
    assert isinstance(branch, Branch)
    first, second = (
        speller.inside(body.builder, region.values()) for body, region in zip(branch.bodies, choose.bodies, strict=True)
    )
    suite = BranchSuite(Code(f"@if{choose.block.serial}"), branch, speller, (first, second), choose.outputs, choose)
    effects = [add_statements(inner, region) for inner, region in zip(suite.inner, choose.bodies, strict=True)]
    suite.effects = (effects[0], effects[1])
    speller.blocks[choose.block] = suite
    _enter(speller, suite)
    return [suite.code] if any(suite.effects) else []


def _derived(speller: Speller, block: Ref) -> Suite:
    """A suite for a block without statements of the user's."""
    definition = speller.builder.own[block].definition
    if isinstance(definition, Loop):
        return _derived_loop(speller, block, definition)
    if isinstance(definition, Branch):
        first, second = (speller.inside(body.builder) for body in definition.bodies)
        outputs = tuple(leaf() for _ in definition.bodies[0].results)
        made = BranchSuite(Code(f"@if{block.serial}.{leaf().template}"), definition, speller, (first, second), outputs)
        speller.suites.add(made)
        return made
    raise InternalError(f"{block.name} is no block")


def _derived_loop(speller: Speller, block: Ref, loop: Loop) -> Suite:
    inner = speller.inside(loop.body.builder)
    counter, head = _head(speller, inner, loop)
    carried = tuple(leaf() for _ in loop.carried)
    outputs = tuple(leaf() for _ in loop.carried)
    for code, tensor in zip(carried, loop.carried, strict=True):
        named = [speller.names[entry.ref] for entry in tensor.expr.atoms(Entry) if entry.ref in speller.names]
        speller.hints.update(dict.fromkeys([code], named[0]) if named else {})
    suite = LoopSuite(
        Code(f"@loop{block.serial}.{leaf().template}"), loop, speller, inner, counter, head, carried, outputs
    )
    _carry(inner, loop, carried)
    if loop.test is not None:
        suite.tester = speller.inside(loop.test.builder)
        _carry(suite.tester, loop, carried)
    speller.suites.add(suite)
    return suite


def _head(speller: Speller, inner: Speller, loop: Loop) -> tuple[Code, Code | None]:
    """What counts the rounds of a derived loop, and the range: the user's, where its bounds are known here."""
    repeat = speller.heads.get(loop.counter.ref)
    head = None if repeat is None or loop.rounds.atoms(Entry) else repeat.head
    if repeat is not None and head is not None and not _is_local(head, speller):
        _count(inner, loop.counter.ref, repeat)
        inner.counting.add(repeat.number.code)
        return repeat.number.code, Code("reversed(_0)", (head,)) if loop.backward else head
    code = leaf(None if repeat is None else repeat.number.code.name)
    inner.arrays[loop.counter.ref] = Array(code, (), int)
    inner.known.input_axes[loop.counter.ref] = ()
    inner.counting.add(code)
    rounds = loop.limit if loop.ends_itself else loop.rounds
    if rounds is None:
        return code, None
    head = Code("range(_0)", (speller.size(rounds),))
    return code, Code("reversed(_0)", (head,)) if loop.backward else head


def _is_local(code: Code, speller: Speller) -> bool:
    """Whether code reads what is not to be read here."""
    pending, seen = [code], {code}
    while pending:
        part = pending.pop()
        if part.template.startswith("@") and part not in speller.counting:
            return True
        pending += [operand for operand in part.operands if operand not in seen]
        seen.update(part.operands)
    return False
