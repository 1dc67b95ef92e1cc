"""Reverse mode: one rule.

For an equation ``A[I] := Sum_J body`` the adjoint of every entry ``B[K]`` in the body grows by
``Sum_{(I+J)-K} Abar[I] * d body / d B[K]``. SymPy differentiates the body as a scalar formula. That covers products of
matrices, broadcasting, reductions, transposes, traces and norms. For an operation the matrix differential is read, and
transposed by the same rule. (Laue, Mitterreiter, Giesen: Computing Higher Order Derivatives of Matrix and Tensor
Expressions, NeurIPS 2018.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy

from symgrad.autodiff.activity import Scopes, active_scopes
from symgrad.autodiff.branches import pull_back_branch
from symgrad.autodiff.loops import pull_back_loop
from symgrad.autodiff.partials import partials
from symgrad.errors import DifferentiationError
from symgrad.ir.builder import Builder
from symgrad.ir.canonical import canonical
from symgrad.ir.equation import Branch, Equation, Loop, Map, Op, Output, Sum, refs
from symgrad.ir.tensor import Delta, Entry, Expr, Index, Ref, Tensor, factors, index_symbols, substitute
from symgrad.rules.row import Operation

MOST_FACTORS = 4
LONGEST = 10

Simplify = Callable[[Builder, Expr], Expr]
Differential = Callable[[Builder, Op, Tensor, Sequence[Tensor | None]], Tensor]


@dataclass(frozen=True)
class Rules:
    """What the derivation takes from other rooms: cheaper forms, rows of operations, their differentials as tensors."""

    simplify: Simplify
    operations: dict[str, Operation]
    differential: Differential


@dataclass
class Reverse:
    """The adjoints of one derivation; ``scopes`` gives every active ref the indices its adjoint is written in.

    ``contributions`` are parts of adjoints that come out of blocks.
    """

    builder: Builder
    rules: Rules
    scopes: Scopes
    variables: Mapping[str, str] = field(default_factory=dict)
    names: dict[Ref, str] = field(default_factory=dict)
    adjoints: dict[Ref, list[Expr]] = field(default_factory=dict)
    contributions: set[Ref] = field(default_factory=set)

    def seed(self, target: Tensor, cotangent: Expr) -> None:
        """Let the result have this adjoint, over the target's free indices."""
        self.builder.read |= set(refs((target.expr,)))
        for entry in self._active(target.expr):
            self._add(entry, cotangent * target.expr.diff(entry), target.free)

    def run(self) -> None:
        """Visit the equations from the last to the first."""
        for equation in reversed([eq for ref, eq in self.builder.own.items() if ref in self.scopes]):
            if isinstance(equation.definition, Loop):
                pull_back_loop(self, equation.ref, equation.definition)
            elif isinstance(equation.definition, Branch):
                pull_back_branch(self, equation.ref, equation.definition)
            elif equation.ref in self.adjoints and not isinstance(equation.definition, Output):
                cotangent = self.adjoint(equation.ref)
                self._name(cotangent, equation.entry)
                self._pull_back(equation, cotangent)

    def inside(self, builder: Builder, scopes: Scopes) -> Reverse:
        """The derivation inside of a block."""
        return Reverse(builder, self.rules, scopes, self.variables, self.names, contributions=self.contributions)

    def adjoint(self, ref: Ref) -> Expr:
        """The sum of all contributions, in its cheapest form."""
        found = self.rules.simplify(self.builder, sympy.Add(*self.adjoints.get(ref, ())))
        if found.has(sympy.nan, sympy.zoo):
            raise DifferentiationError(
                f"the derivative with respect to {ref.name} is undefined for every argument",
                remedy="look for a quotient or a power that is zero whatever the arguments are",
            )
        return found

    def _pull_back(self, equation: Equation, cotangent: Expr) -> None:
        if cotangent == 0:
            return
        match equation.definition:
            case Map(body):
                self._map(equation, body, cotangent)
            case Sum(bound, body):
                contraction = body.is_Mul and len([part for part in body.args if index_symbols(part)]) > 1
                shared = self._shared(equation, cotangent, 2 if contraction else 1)
                self._name(shared, equation.entry)
                for entry in self._active(body):
                    self._add(entry, shared * body.diff(entry), equation.indices + bound)
            case Op():
                self._operation(equation, equation.definition, self._shared(equation, cotangent, 2))

    def _map(self, equation: Equation, body: Expr, cotangent: Expr) -> None:
        """Through the function first, so that ``e/e`` cancels before anything is named, then through its argument."""
        if not (body.is_Add or body.is_Mul):
            for argument, partial in partials(self.builder, body, equation.entry):
                inner = self.rules.simplify(self.builder, cotangent * partial)
                self._algebra(equation, argument, inner, sympy.Add.make_args(argument))
        else:
            self._algebra(equation, body, cotangent, (*sympy.Add.make_args(body), equation.entry))

    def _algebra(self, equation: Equation, body: Expr, cotangent: Expr, named: Sequence[Expr]) -> None:
        """Through a polynomial; ``named`` are what the cotangent belongs to, the best name last."""
        active = self._active(body)
        shared = self._shared(equation, cotangent, len(active))
        for part in named:
            self._name(shared, part)
        for entry in active:
            self._add(entry, shared * body.diff(entry), equation.indices)

    def _operation(self, equation: Equation, op: Op, cotangent: Expr) -> None:
        row = self.rules.operations[op.name]
        if cotangent.has(Delta):
            cotangent = self.builder.map(cotangent, equation.ref.kind, "d")
        result = Tensor(equation.entry, op.axes, equation.ref.kind)
        given = Tensor(cotangent, op.axes, equation.ref.kind)
        if row.transpose is not None:
            cotangents = row.transpose(self.builder, given, op.operands, **dict(op.params))
            for operand, found in zip(op.operands, cotangents, strict=True):
                if found is not None:
                    self.push(operand, self.builder.rename(found, operand.indices))
            return
        tangents = [self._tangent(operand) for operand in op.operands]
        differential = self.rules.differential(self.builder, op, result, tangents)
        inner = Reverse(self.builder, self.rules, active_scopes(self.builder, [t for t in tangents if t is not None]))
        inner.seed(differential, self.builder.rename(given, differential.indices))
        inner.run()
        for operand, tangent in zip(op.operands, tangents, strict=True):
            if tangent is not None:
                self.push(operand, substitute(inner.adjoint(tangent.expr.ref), _renaming(tangent, operand)))

    def push(self, operand: Tensor, cotangent: Expr) -> None:
        """Give an operand, any formula, its cotangent over its own indices."""
        for entry in self._active(operand.expr):
            self._add(entry, cotangent * operand.expr.diff(entry), operand.free)

    def _tangent(self, operand: Tensor) -> Tensor | None:
        if not self._active(operand.expr):
            return None
        return self.builder.input("d", operand.shape, operand.kind)

    def _active(self, expr: Expr) -> list[Entry]:
        return [entry for entry in factors(expr) if entry.ref in self.scopes]

    def _add(self, entry: Entry, term: Expr, scope: Sequence[Index]) -> None:
        contribution = self._at_axes(entry, self.rules.simplify(self.builder, term), scope)
        self.adjoints.setdefault(entry.ref, []).append(contribution)

    def _at_axes(self, entry: Entry, term: Expr, scope: Sequence[Index]) -> Expr:
        """Rename the entry's indices to its axes, tie the others by deltas, and sum over what is left."""
        axes = self.scopes[entry.ref]
        renames: dict[Index, Expr] = {}
        tied: list[tuple[Index, Expr]] = []
        for axis, position in zip(axes, entry.indices, strict=True):
            plain = isinstance(position, Index) and position in scope and position not in renames
            if plain and self.builder.sizes.same(position.size, axis.size):
                renames[position] = axis
            else:
                tied.append((axis, position))
        rest = {index: self.builder.index(index.size) for index in scope if index not in renames}
        renames.update(rest)
        deltas = [Delta(axis, substitute(position, renames), axis.size) for axis, position in tied]
        return self.builder.sum(sympy.Mul(substitute(term, renames), *deltas), rest.values(), entry.ref.kind)

    def _shared(self, equation: Equation, cotangent: Expr, count: int) -> Expr:
        """Name a cotangent that is used more than once, unless it is a product of few factors (these may cancel).

        One that has grown long is named in any case, so that the work stays linear in the length of the program.
        """
        costly = cotangent.has(sympy.Add) or len(factors(cotangent)) > MOST_FACTORS
        wanted = (costly and count > 1) or _length(cotangent) > LONGEST
        if not wanted or not index_symbols(cotangent) <= set(equation.indices):
            return cotangent
        return self.builder.map(cotangent, equation.ref.kind, "d")

    def _name(self, adjoint: Expr, of: Expr) -> None:
        """Call an adjoint that has an equation after the user's variable that it belongs to."""
        variable = self.variables.get(canonical(of)[0]) if isinstance(adjoint, Entry) else None
        if variable is not None:
            self.names[adjoint.ref] = f"d{variable}"


def _length(expr: Expr) -> int:
    """The number of factors in all terms."""
    return sum(_length(part) for part in expr.args) if expr.is_Add or expr.is_Mul else 1


def _renaming(tangent: Tensor, operand: Tensor) -> dict[Index, Expr]:
    return {
        old: new
        for old, new in zip(tangent.indices, operand.indices, strict=True)
        if old is not None and new is not None
    }


def gradient(
    builder: Builder, rules: Rules, target: Tensor, wrt: Sequence[Tensor], variables: Mapping[str, str]
) -> tuple[tuple[Tensor, ...], dict[Ref, str]]:
    """The gradient of a scalar with respect to inputs, over the inputs' indices, and names for adjoints.

    ``variables`` are the user's names of formulas by canonical text: the adjoint of ``z`` is called ``dz``.
    """
    reverse = Reverse(builder, rules, active_scopes(builder, wrt), variables)
    reverse.seed(target, sympy.S.One)
    reverse.run()
    return tuple(_result(reverse, tensor) for tensor in wrt), reverse.names


def _result(reverse: Reverse, tensor: Tensor) -> Tensor:
    assert isinstance(tensor.expr, Entry)
    return Tensor(reverse.adjoint(tensor.expr.ref), tensor.indices, tensor.kind)
