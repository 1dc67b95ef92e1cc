"""Cheaper spellings of the user's own values, where the values themselves are not returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgrad.ir.code import Code
from symgrad.ir.program import ONCE, Value

POWERS = {"_0 ** 2": 2, "_0 ** 3": 3}


def with_products(values: Sequence[Value]) -> list[Value]:
    """Squares and cubes of numbers as products, which are cheaper and differ by rounding only."""
    scalars = {value.code for value in values if not value.tensor.rank}
    known: dict[Code, Code] = {}
    for value in values:
        _rewrite(value.code, scalars, known)
    return [replace(value, code=known[value.code]) for value in values]


def _rewrite(root: Code, scalars: set[Code], known: dict[Code, Code]) -> None:
    stack = [root]
    while stack:
        code = stack[-1]
        missing = [operand for operand in code.operands if operand not in known]
        if code in known or not missing:
            stack.pop()
            known.setdefault(code, _product(code, tuple(known[operand] for operand in code.operands), scalars))
        stack += missing


def _product(code: Code, operands: tuple[Code, ...], scalars: set[Code]) -> Code:
    if code.operands and code.operands[-1].template.startswith(ONCE):
        return code
    power = POWERS.get(code.template)
    if power is None or code not in scalars:
        same = all(old is new for old, new in zip(code.operands, operands, strict=True))
        return code if same else replace(code, operands=operands)
    factors = " * ".join(f"_{k}" for k in range(power))
    return replace(code, template=factors, operands=operands * power)
