"""The methods of ufuncs: ``outer``, ``reduce``, ``accumulate``. (``at`` changes an array: it is a store.)"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import NotYetSupported
from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Tensor
from symgrad.rules import elementwise, reductions, scans
from symgrad.rules.arguments import unused
from symgrad.rules.convert import tensor_of
from symgrad.rules.row import Algebra, Composed, Lowering, Refused, Row
from symgrad.rules.row import elementwise as applied

REDUCTIONS: dict[np.ufunc, Lowering] = {
    np.add: reductions.sum_,
    np.logical_and: reductions.truth("all", np.all),
    np.logical_or: reductions.truth("any", np.any),
    np.maximum: reductions.extremum("max", np.max),
    np.minimum: reductions.extremum("min", np.min),
    np.multiply: reductions.operation("prod", np.prod),
}
"""What reduces an array by a ufunc."""


def outer(row: Row) -> Lowering:
    """``ufunc.outer``: the function of all pairs, the axes of the first array before those of the second."""

    def lower(builder: Builder, A: Any, B: Any, /, **options: Any) -> Any:
        unused(**options)
        first, second = builder.fresh(tensor_of(builder, A)), tensor_of(builder, B)
        spread = Tensor(first.expr, (*first.indices, *(None,) * second.rank), first.kind)
        if isinstance(row, Algebra):
            return row.lower(builder, spread, second)
        assert not isinstance(row, Composed | Refused)
        return applied(builder, row, spread, second)

    return lower


def reduce(lower: Lowering) -> Lowering:
    """``ufunc.reduce``: like the function of NumPy, along the first axis if none is given."""

    def lowering(
        builder: Builder,
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        unused(dtype=dtype, out=out, initial=initial)
        return lower(builder, array, axis=axis, keepdims=keepdims, where=where)

    return lowering


def accumulate(builder: Builder, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Tensor:
    """``np.add.accumulate``: a cumulative sum, along the first axis if none is given."""
    if axis is None:
        raise NotYetSupported("accumulate without an axis is not supported", remedy="give an axis")
    return scans.cumsum(builder, array, axis, dtype, out)


def _outers() -> dict[Any, Row]:
    """Of all functions of two numbers that have a rule."""
    known = [(ufunc, row) for ufunc, row in elementwise.TABLE.items() if isinstance(ufunc, np.ufunc)]
    return {ufunc.outer: Algebra(outer(row)) for ufunc, row in known if (ufunc.nin, ufunc.nout) == (2, 1)}


TABLE: dict[Any, Row] = {
    **_outers(),
    **{ufunc.reduce: Algebra(reduce(lower)) for ufunc, lower in REDUCTIONS.items()},
    np.add.accumulate: Algebra(accumulate),
}
"""Methods of ufuncs, bound to them; they are equal, not the same, each time they are read."""
