"""Keeping: what cannot be computed again, a draw or what a call gave, comes out of the branch where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symgrad.autodiff.recording import define_early
from symgrad.errors import NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.equation import Equation, Map, Output, Role, is_repeatable, refs, uses
from symgrad.ir.tensor import Entry, Expr, Ref


def keep(outer: Builder, block: Ref, body: Builder, inner: Builder, results: Iterable[Expr]) -> None:
    """Let ``inner``, the reversed ``body`` of a branch, read what the body has made once."""
    keeper = _Keeper(outer, block, body, inner)
    for ref in refs(results):
        keeper.settle(ref)


@dataclass
class _Keeper:
    outer: Builder
    block: Ref
    body: Builder
    inner: Builder
    _settled: set[Ref] = field(default_factory=set)

    def settle(self, ref: Ref) -> None:
        """Take a value out of the branch, or settle what it is computed from."""
        pending = [ref]
        while pending:
            ref = pending.pop()
            if ref in self._settled or ref not in self.inner.own:
                continue
            self._settled.add(ref)
            equation = self.inner.own[ref]
            if self._is_forward(equation) and not is_repeatable(self.inner.equations, equation):
                self._keep(equation)
            else:
                pending += uses(equation)

    def _is_forward(self, equation: Equation) -> bool:
        """Whether the body computes this, or could."""
        output = equation.definition
        return equation.ref in self.body.own or (isinstance(output, Output) and output.block in self.body.own)

    def _keep(self, equation: Equation) -> None:
        ref = equation.ref
        if any(used in self.body.own for used in refs(ref.shape)):
            raise NotYetSupported(
                f"the derivative needs {ref.name}, which cannot be computed again, and whose shape is known in a "
                "branch only",
                remedy="compute it before the branch",
            )
        self.body.own.setdefault(ref, equation)
        kept = self.outer.output(self.block, Role.TRACE, ref, ref.shape, ref.kind)
        assert isinstance(kept.expr, Entry)
        define_early(self.inner, Equation(ref, equation.indices, Map(Entry(kept.expr.ref, equation.indices))))
