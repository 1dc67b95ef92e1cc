"""The derivative as formulas: SymPy equations in index notation, and their LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy

from symgrad.errors import InternalError, NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.equation import Branch, Equation, Loop, Map, Op, Sum, uses
from symgrad.ir.tensor import Delta, Entry, Expr, Index, Ref, Tensor, index_symbols

LETTERS = "ijklmnpqrstuvwxyz"


@dataclass(frozen=True)
class Formula:
    """Equations that define the derivative, the gradients last.

    ``equations`` are ``sympy.Eq`` between ``sympy.Indexed`` objects; sums are ``sympy.Sum``.
    """

    equations: tuple[sympy.Eq, ...]

    def latex(self) -> str:
        """LaTeX of all equations, one per line, aligned at the equality signs."""
        lines = (f"{sympy.latex(eq.lhs)} &= {sympy.latex(eq.rhs)}" for eq in self.equations)
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        return "\n".join(f"{eq.lhs} = {eq.rhs}" for eq in self.equations)


def formula(builder: Builder, gradients: Mapping[str, Tensor], names: Mapping[Ref, str]) -> Formula:
    """The equations that gradients depend on; ``names`` are the user's and the adjoints' names of refs."""
    writer = _Writer(builder, names)
    inner = [writer.equation(equation) for equation in _needed(builder, gradients.values())]
    outer = [writer.gradient(access, tensor) for access, tensor in gradients.items()]
    return Formula(tuple(inner + outer))


def _needed(builder: Builder, tensors: Iterable[Tensor]) -> list[Equation]:
    wanted = {entry.ref for tensor in tensors for entry in tensor.expr.atoms(Entry)}
    for ref, equation in reversed(list(builder.equations.items())):
        if ref in wanted:
            wanted |= set(uses(equation))
    found = [equation for ref, equation in builder.equations.items() if ref in wanted]
    if any(isinstance(equation.definition, Loop | Branch) for equation in found):
        raise NotYetSupported("the formula of a loop or a branch is not supported yet", remedy="read d.source()")
    return found


@dataclass(frozen=True)
class _Writer:
    """Translates entries to SymPy's indexed objects, with letters for indices."""

    builder: Builder
    names: Mapping[Ref, str]

    def equation(self, equation: Equation) -> sympy.Eq:
        bound = equation.definition.bound if isinstance(equation.definition, Sum) else ()
        letters = _letters([*equation.indices, *bound])
        return sympy.Eq(self._entry(equation.entry, letters), self._right(equation, letters), evaluate=False)

    def gradient(self, access: str, tensor: Tensor) -> sympy.Eq:
        letters = _letters([*tensor.free, *sorted(index_symbols(tensor.expr) - set(tensor.free), key=str)])
        base = sympy.IndexedBase(f"d{access}") if tensor.free else sympy.Symbol(f"d{access}")
        left = base[tuple(letters[index] for index in tensor.free)] if tensor.free else base
        return sympy.Eq(left, self._expr(tensor.expr, letters), evaluate=False)

    def _right(self, equation: Equation, letters: Mapping[Index, sympy.Symbol]) -> Expr:
        match equation.definition:
            case Map(body):
                return self._expr(body, letters)
            case Sum(bound, body):
                limits = [(letters[index], 0, self.builder.sizes.find(index.size) - 1) for index in bound]
                return sympy.Sum(self._expr(body, letters), *limits)
            case Op(name, operands):
                arrays = [self._array(operand) for operand in operands]
                applied = sympy.Function(name)(*arrays)
                return (
                    applied
                    if not equation.indices
                    else sympy.Function(name)(*arrays, *map(letters.get, equation.indices))
                )
        raise InternalError(f"{equation.ref.name} has no formula")

    def _array(self, operand: Tensor) -> Expr:
        return self._expr(operand.expr, _letters([*operand.free]))

    def _expr(self, expr: Expr, letters: Mapping[Index, sympy.Symbol]) -> Expr:
        changes: dict[Expr, Expr] = {entry: self._entry(entry, letters) for entry in expr.atoms(Entry)}
        changes |= letters
        written = expr.xreplace(changes)
        return written.replace(lambda e: isinstance(e, Delta), lambda e: sympy.KroneckerDelta(*e.args[:2]))

    def _entry(self, entry: Entry, letters: Mapping[Index, sympy.Symbol]) -> Expr:
        name = self.names.get(entry.ref, entry.ref.name)
        if not entry.indices:
            return sympy.Symbol(name)
        indexed = sympy.IndexedBase(name)[tuple(self._expr(index, letters) for index in entry.indices)]
        return 1 - indexed if entry.negated else indexed


def _letters(indices: Iterable[Index]) -> dict[Index, sympy.Symbol]:
    return {index: sympy.Symbol(LETTERS[k % len(LETTERS)], integer=True) for k, index in enumerate(indices)}
