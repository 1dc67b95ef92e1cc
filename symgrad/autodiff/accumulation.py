"""Accumulation: a running total goes through the blocks that add to it.

``dx = dx + b``, where ``b`` comes out of a branch, is a branch that gives ``dx`` with what its body adds; where ``b``
is a total of a loop inside, that loop starts with ``dx``. So no round makes an array of the size of ``dx``, and what is
put at a few positions is added at these positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

import sympy

from symgrad.ir.builder import Builder
from symgrad.ir.equation import Body, Branch, Loop, Output, refs, uses
from symgrad.ir.tensor import Entry, Expr, Ref, Tensor, index_symbols, substitute


@dataclass(frozen=True)
class Accumulation:
    """In one body: ``contributions`` are what blocks give as parts of adjoints, ``readers`` in how many equations and
    terms of results each is read.
    """

    builder: Builder
    contributions: Set[Ref]
    readers: Counter[Ref]

    def added(self, running: Expr, total: Expr) -> Expr:
        """``running + total``, with the running total led once through each block that gives terms of the other."""
        order = list(self.builder.own)
        terms = [term for term in sympy.Add.make_args(total) if self._is_contribution(term, running)]
        terms.sort(key=lambda term: order.index(term.ref), reverse=True)
        through = {self._output(term).block: term for term in terms}
        rest = total - sympy.Add(*through.values())
        for term in reversed(through.values()):
            running = self._through(running, term)
        return running + rest

    def _is_contribution(self, term: Expr, running: Expr) -> bool:
        """Whether a term is all of what a block of this body gives, for this only and over the same axes."""
        if not isinstance(term, Entry) or term.ref not in self.contributions or term.ref not in self.builder.own:
            return False
        alone = self.readers[term.ref] == 1 and self.builder.is_whole(term)
        return alone and set(term.indices) == index_symbols(running)

    def _through(self, running: Expr, term: Entry) -> Entry:
        output = self._output(term)
        assert isinstance(output.place, int)
        equation = self.builder.own[output.block]
        block = equation.definition
        if isinstance(block, Loop):
            start = _at(running, term, block.initial[output.place])
            made: Loop | Branch = replace(block, initial=_replaced(block.initial, output.place, start))
        else:
            assert isinstance(block, Branch)
            first, second = (self._inside(body, running, term, output.place) for body in block.bodies)
            made = replace(block, bodies=(first, second))
        self.builder.own[output.block] = replace(equation, definition=made)
        return term

    def _output(self, term: Entry) -> Output:
        output = self.builder.own[term.ref].definition
        assert isinstance(output, Output)
        return output

    def _inside(self, body: Body, running: Expr, term: Entry, place: int) -> Body:
        inner = accumulation(body.builder, self.contributions, (result.expr for result in body.results))
        result = body.results[place]
        grown = Tensor(inner.added(_at(running, term, result).expr, result.expr), result.indices, result.kind)
        return Body(body.builder, _replaced(body.results, place, grown))


def accumulation(builder: Builder, contributions: Set[Ref], results: Iterable[Expr]) -> Accumulation:
    """What is accumulated in a body that has these results."""
    terms = (term for result in results for term in sympy.Add.make_args(result))
    readers = Counter(ref for term in terms for ref in refs([term]))
    readers.update(used for equation in builder.own.values() for used in uses(equation))
    return Accumulation(builder, contributions, readers)


def _at(running: Expr, term: Entry, like: Tensor) -> Tensor:
    """A running total over the axes of another tensor, which the term has in this order."""
    return Tensor(substitute(running, dict(zip(term.indices, like.free, strict=True))), like.indices, like.kind)


def _replaced(tensors: Sequence[Tensor], place: int, by: Tensor) -> tuple[Tensor, ...]:
    return (*tensors[:place], by, *tensors[place + 1 :])
