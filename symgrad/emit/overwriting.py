"""Overwriting: when a statement may change an array in place, rather than a copy of it.

Nobody may read the old contents later: not by a name, nor through a view, nor through what a loop or a branch gives.
What is read of them still, and can be computed now, gets a name first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from symgrad.emit.memory import is_block, is_new, is_transposed
from symgrad.emit.ownership import memories, sources
from symgrad.emit.printing import parse_template, to_source
from symgrad.ir.code import Code

if TYPE_CHECKING:
    from symgrad.emit.statements import Statements


def overwritten(body: Statements, code: Code) -> Code | None:
    """The array that a statement may change in place, rather than a copy of it."""
    if not is_block(code) or not code.template.startswith("_ = fresh(_0)"):
        return None
    array = code.operands[0]
    if array not in body.named or not (array in body.owned or (array in body.order and is_new(array))):
        return None
    late = [operand for operand in _late(code) if reads(body, operand, array)]
    waiting = [reader for reader in body.life.readers_after(array, code) if reader not in late]
    read = (*late, *waiting)
    if array in read or not all(_is_ready(body, operand) for operand in read) or is_seen(body, array, code):
        return None
    for operand in read:
        if operand not in body.named:
            _keep(body, operand, code)
    return array


def _late(code: Code) -> list[Code]:
    """The operands that a block reads after its first statement has changed its array."""
    names = {
        node.id
        for statement in parse_template(code.template)[2:]
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }
    return [operand for place, operand in enumerate(code.operands) if f"_{place}" in names]


def is_seen(body: Statements, array: Code, code: Code) -> bool:
    """Whether something that may be in the memory of an array is read after ``code``, but for what that gives."""
    others = [other for other in body.life.consumers if other != array and _may_be_shared(body, other, code)]
    late = [other for other in others if any(_is_late(body, r, code) for r in body.life.readers_after(other, code))]
    read = [other for other in late if other in body.named]
    memory = sources(body, array) if read else set()
    shared = any(not memory.isdisjoint(sources(body, other)) for other in read)
    return shared or any(reads(body, other, array) for other in _read_late(body, array, code))


def _read_late(body: Statements, array: Code, code: Code) -> Iterator[Code]:
    """What is written inside of a region, though it belongs to one around it, and is read after ``code``."""
    for other in body.imports:
        if other != array and other not in body.named and body.life.readers_after(other, code):
            yield other


def _is_late(body: Statements, reader: Code, code: Code) -> bool:
    """Whether a reader itself comes after a statement, and not only what reads what a suite gives."""
    return reader not in body.suites.by_code or body.life.computed(reader) > body.life.places[code]


def _may_be_shared(body: Statements, code: Code, at: Code) -> bool:
    """Whether a value, which is none of what a suite gives, may be in the memory of another one."""
    suite = body.suites.bound.get(code)
    if suite is not None:
        return suite.code != at
    return not (code in body.copied or code in body.suites.scalars or is_new(code))


def reads(body: Statements, code: Code, array: Code) -> bool:
    """Whether the value of an expression, where it stands, depends on what an array holds then."""
    seen: set[Code] = set()
    pending = [code]
    while pending:
        code = pending.pop()
        if code == array:
            return True
        if code not in seen and not _is_computed(body, code):
            seen.add(code)
            pending += code.operands
    return False


def _is_computed(body: Statements, code: Code) -> bool:
    """Whether a value has a name, and memory of its own."""
    return code in body.named and (is_new(code) or code in body.suites.scalars or code in body.copied)


def _is_ready(body: Statements, code: Code) -> bool:
    """Whether a value can be computed now, so that it no longer depends on an array that changes."""
    own = (is_new(code) and not is_block(code)) or code in body.suites.scalars or code in body.copied
    if code in body.named or not (own or code.template.startswith("_0[")):
        return own and code in body.named
    return all(_is_known(body, operand) for operand in code.operands)


def _is_known(body: Statements, code: Code) -> bool:
    if code in body.named or code in body.outside:
        return True
    hidden = is_block(code) or code.template.startswith("@")
    return not hidden and all(_is_known(body, operand) for operand in code.operands)


def _keep(body: Statements, code: Code, block: Code) -> None:
    """Name what is read of an array before a block changes that; a view is copied."""
    if is_new(code) or code in body.suites.scalars:
        body.assign_before(code, block)
        return
    name = body.names.of(code)
    value = copied_array(body, body.expression(code), code)
    body.lines.append(to_source(ast.Assign([ast.Name(name, ast.Store())], value)))
    body.named[code] = name
    body.copied.add(code)


def copied_array(body: Statements, value: ast.expr, code: Code) -> ast.expr:
    """A copy with its elements in the same order, by which NumPy sums them, too."""
    if not is_transposed(code, body.starts):
        return ast.Call(ast.Attribute(value, "copy", ast.Load()), [], [])
    numpy = ast.Name(body.names.modules["np"], ast.Load())
    return ast.Call(ast.Attribute(numpy, "copy", ast.Load()), [value], [])


def change(body: Statements, code: Code, array: Code) -> None:
    """The statements of a block on the array itself."""
    name = body.named[array]
    _, *statements = parse_template(code.template)
    body.lines += [to_source(body.fill(s, code, name)) for s in statements]
    body.named[code] = name
    body.changed |= {code, *memories(body, array)}
    body.owned.add(code)
    body.origins[code] = {array}
