"""Guards: brackets that are zero where another factor has a pole, ``[s != 0] * x / s``.

The product is zero there for the program, which selects with ``np.where``; as numbers, zero times infinity is NaN. So
a bracket stays with the factors that it guards: what it tests, they divide by, or take the logarithm of.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Map, Sum, uses
from symgrad.ir.tensor import BOOLEAN, Entry, Expr, Ref, factors


def is_guard(builder: Builder, bracket: Entry, product: Iterable[Expr]) -> bool:
    """Whether a bracket tests what one of these factors is singular in."""
    poles = _poles(builder, product)
    return bool(poles) and not _formulas(builder, [bracket]).isdisjoint(_formulas(builder, poles))


def is_bracket(expr: Expr) -> bool:
    """Whether an expression is a condition."""
    return isinstance(expr, Entry) and expr.ref.kind in BOOLEAN


def is_finite(builder: Builder, base: Expr, exponent: Expr) -> bool:
    """Whether a factor cannot be singular just where a bracket is zero."""
    if not factors(base):
        return True
    if _is_pole(exponent):
        return False
    definitions = (builder.definition(entry.ref) for entry in factors(base))
    return all(_is_total(builder, each.body) for each in definitions if isinstance(each, Map))


def _is_pole(exponent: Expr) -> bool:
    return not (exponent.is_Integer and exponent > 0)


def _is_total(builder: Builder, body: Expr) -> bool:
    if _is_arithmetic(body):
        return all(is_finite(builder, *part.as_base_exp()) for part in _operands(body))
    return bool(getattr(type(body), "is_total", False)) or isinstance(body, sympy.tanh | sympy.sin | sympy.cos)


def _is_arithmetic(body: Expr) -> bool:
    return isinstance(body, sympy.Add | sympy.Mul)


def _operands(body: Expr) -> list[Expr]:
    """The symbols and powers in a formula."""
    return [part for part in sympy.preorder_traversal(body) if not part.is_number and (part.is_Symbol or part.is_Pow)]


def _poles(builder: Builder, product: Iterable[Expr]) -> list[Expr]:
    """What is divided by, or has a function with poles, in factors, in their formulas, and in sums over axes."""
    found: list[Expr] = []
    seen: set[Ref] = set()
    pending = list(product)
    while pending:
        base, exponent = pending.pop().as_base_exp()
        if factors(base) and _is_pole(exponent):
            found.append(base)
            continue
        for ref in {entry.ref for entry in factors(base) if not is_bracket(entry)} - seen:
            seen.add(ref)
            definition = builder.definition(ref)
            if isinstance(definition, Sum) or (isinstance(definition, Map) and _is_arithmetic(definition.body)):
                pending += _operands(definition.body)
            elif isinstance(definition, Map) and not _is_total(builder, definition.body):
                found.append(definition.body)
    return found


def _formulas(builder: Builder, expressions: Iterable[Expr]) -> set[Ref]:
    """What expressions are formulas of, entry by entry; of conditions, what they are conditions on."""
    found: set[Ref] = set()
    pending = [entry.ref for expr in expressions for entry in expr.atoms(Entry)]
    while pending:
        ref = pending.pop()
        equation = builder.equations.get(ref)
        if ref not in found and equation is not None and (ref.kind in BOOLEAN or isinstance(equation.definition, Map)):
            pending += uses(equation)
        found.add(ref)
    return found
