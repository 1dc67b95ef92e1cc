"""Cumulative operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.errors import ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import result_kind
from symgrad.ir.tensor import Tensor
from symgrad.rules.arguments import axis_number, unused
from symgrad.rules.convert import cast_to, tensor_of
from symgrad.rules.row import Operation
from symgrad.rules.shapes import flipped, ravel


def cumsum(builder: Builder, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
    """``np.cumsum``."""
    unused(out=out)
    tensor = tensor_of(builder, a)
    if axis is None:
        tensor, axis = ravel(builder, tensor), 0
    if not tensor.rank:
        raise ShapeError("a number has no axis along which to add")
    tensor = tensor if dtype is None else cast_to(builder, tensor, dtype)
    kind = result_kind(np.cumsum, ((tensor.kind, tensor.rank),))
    return _summed(builder, tensor, axis_number(axis, tensor.rank), kind)


def _summed(builder: Builder, tensor: Tensor, axis: int, kind: Any) -> Tensor:
    if tensor.indices[axis] is None:
        return Tensor(tensor.expr, tensor.indices, kind)
    return builder.op("cumsum", [builder.fresh(tensor)], tensor.shape, kind, (("axis", axis),))


def pulled_cumsum(
    builder: Builder, cotangent: Tensor, operands: Sequence[Tensor], axis: int
) -> tuple[Tensor | None, ...]:
    """The cotangent of a cumulative sum: summed from the end."""
    del operands
    turned = flipped(builder, cotangent, axis)
    return (flipped(builder, _summed(builder, turned, axis, cotangent.kind), axis),)


OPERATIONS: dict[str, Operation] = {
    "cumsum": Operation(lambda axis: f"np.cumsum(_0, axis={axis})", transpose=pulled_cumsum)
}
