"""Linear algebra and the other operations that are not index notation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import NotYetSupported, ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_floating, result_kind
from symgrad.ir.tensor import Tensor
from symgrad.rules import custom, differentials, scans, stores
from symgrad.rules.contractions import contracted, matrix_power
from symgrad.rules.convert import tensor_of
from symgrad.rules.joining import pulled_concatenate, pulled_stack
from symgrad.rules.row import Algebra, Operation, Refused, Row
from symgrad.rules.shapes import matrix_transpose, pulled_reshape


def _square(builder: Builder, a: Any) -> Tensor:
    """A matrix, or a batch of them, with as many rows as columns, of floats."""
    tensor = tensor_of(builder, a)
    if tensor.rank < 2:
        raise ShapeError(f"a matrix is needed here, not an array with {tensor.rank} axes")
    builder.sizes.unify(tensor.shape[-2], tensor.shape[-1])
    kind = tensor.kind if is_floating(tensor.kind) else np.dtype(float)
    return builder.fresh(Tensor(tensor.expr, tensor.indices, kind))


def inv(builder: Builder, a: Any) -> Tensor:
    """``np.linalg.inv``."""
    tensor = _square(builder, a)
    return builder.op("inv", [tensor], tensor.shape, tensor.kind)


def det(builder: Builder, a: Any) -> Tensor:
    """``np.linalg.det``."""
    tensor = _square(builder, a)
    return builder.op("det", [tensor], tensor.shape[:-2], tensor.kind)


def slogdet(builder: Builder, a: Any) -> tuple[Tensor, Tensor]:
    """``np.linalg.slogdet``: two operations, the sign (flat) and the logarithm."""
    tensor = _square(builder, a)
    sign = builder.op("slogdet.sign", [tensor], tensor.shape[:-2], tensor.kind)
    return sign, builder.op("slogdet.logabsdet", [tensor], tensor.shape[:-2], tensor.kind)


def cholesky(builder: Builder, a: Any, /, *, upper: bool = False) -> Tensor:
    """``np.linalg.cholesky``."""
    tensor = _square(builder, a)
    if upper:
        return matrix_transpose(builder, cholesky(builder, matrix_transpose(builder, tensor)))
    return builder.op("cholesky", [tensor], tensor.shape, tensor.kind)


def solve(builder: Builder, a: Any, b: Any) -> Tensor:
    """``np.linalg.solve`` for a vector, a matrix, or batches of matrices."""
    matrix, right = _square(builder, a), builder.fresh(tensor_of(builder, b))
    if right.rank == 0 or (right.rank == 1) > (matrix.rank == 2) or (right.rank > 1 and right.rank == matrix.rank - 1):
        raise NotYetSupported("solve with a batch of matrices needs a batch of matrices on the right-hand side too")
    axis = max(right.rank - 2, 0)
    builder.sizes.unify(matrix.shape[-1], right.shape[axis])
    batch = _broadcast_shape(builder, matrix.shape[:-2], right.shape[:-2] if right.rank > 1 else ())
    shape = (*batch, *right.shape[axis:])
    kind = result_kind(np.linalg.solve, ((matrix.kind, 2), (right.kind, 2)))
    return builder.op("solve", [matrix, right], shape, kind)


def _broadcast_shape(builder: Builder, first: Sequence[sympy.Expr], second: Sequence[sympy.Expr]) -> list[sympy.Expr]:
    tensors = [Tensor(sympy.S.Zero, builder.indices(shape), int) for shape in (first, second)]
    _, indices = builder.broadcast(*tensors)
    return [sympy.S.One if index is None else index.size for index in indices]


def pulled_solve(builder: Builder, cotangent: Tensor, operands: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """``B' = solve(A.T, Y')`` and ``A' = -B' Y.T``, summed over the batches that an operand was broadcast along."""
    matrix, right = operands
    result = solve(builder, matrix, right)
    to_right = solve(builder, matrix_transpose(builder, matrix), cotangent)
    columns = ["k"] if right.rank > 1 else []
    batch = [f"batch{axis}" for axis in range(result.rank - 1 - len(columns))]
    product = contracted(
        builder, (to_right, result), [[*batch, "i", *columns], [*batch, "j", *columns]], [*batch, "i", "j"]
    )
    to_matrix = Tensor(-product.expr, product.indices, product.kind)
    return _summed_to(builder, to_matrix, matrix), _summed_to(builder, builder.fresh(to_right), right)


def _summed_to(builder: Builder, tensor: Tensor, operand: Tensor) -> Tensor:
    """The sum over the axes that the operand lacks, or has with length one."""
    own = (*(None,) * (tensor.rank - operand.rank), *operand.indices)
    bound = [new for new, old in zip(tensor.indices, own, strict=True) if old is None and new is not None]
    kept = tuple(None if index in bound else index for index in tensor.indices[tensor.rank - operand.rank :])
    return Tensor(builder.sum(tensor.expr, bound, tensor.kind), kept, tensor.kind)


def _power(builder: Builder, a: Any, n: Any) -> Tensor:
    return matrix_power(builder, _square(builder, a), n, inv)


def _reduction(name: str) -> Any:
    return lambda axis: f"_0.{name}()" if axis is None else f"_0.{name}(axis={axis})"


def _reshape_spelling(rank: int) -> str:
    """``_0.reshape(_1, _2)``; the sizes are operands."""
    return f"_0.reshape({', '.join(f'_{axis + 1}' for axis in range(rank))})" if rank > 1 else "_0.ravel()"


def _joining_spelling(name: str) -> Any:
    def spelling(axis: int, count: int) -> str:
        parts = ", ".join(f"_{part}" for part in range(count))
        return f"np.{name}(({parts}{',' if count == 1 else ''}){f', axis={axis}' if axis else ''})"

    return spelling


OPERATIONS: dict[str, Operation] = {
    **custom.OPERATIONS,
    **stores.OPERATIONS,
    **scans.OPERATIONS,
    "all": Operation(_reduction("all")),
    "any": Operation(_reduction("any")),
    "argmax": Operation(_reduction("argmax")),
    "argmin": Operation(_reduction("argmin")),
    "cholesky": Operation("np.linalg.cholesky(_0)", differentials.cholesky),
    "concatenate": Operation(_joining_spelling("concatenate"), transpose=pulled_concatenate),
    "det": Operation("np.linalg.det(_0)", differentials.det),
    "inv": Operation("np.linalg.inv(_0)", differentials.inv),
    "max": Operation(_reduction("max"), differentials.extremum),
    "min": Operation(_reduction("min"), differentials.extremum),
    "prod": Operation(_reduction("prod"), differentials.prod),
    "reshape": Operation(_reshape_spelling, transpose=pulled_reshape),
    "slogdet.logabsdet": Operation("np.linalg.slogdet(_0)[1]", differentials.logabsdet),
    "slogdet.sign": Operation("np.linalg.slogdet(_0)[0]", transpose=lambda *_: (None,)),
    "solve": Operation("np.linalg.solve(_0, _1)", transpose=pulled_solve),
    "stack": Operation(_joining_spelling("stack"), transpose=pulled_stack),
}
"""The operations of the intermediate representation."""

_SPECTRUM = "the derivative of eigenvalues, singular values and their vectors is not supported yet"

NAMES: dict[str, Row] = {
    "inv": Algebra(inv),
    "det": Algebra(det),
    "slogdet": Algebra(slogdet),
    "cholesky": Algebra(cholesky),
    "solve": Algebra(solve),
    "matrix_power": Algebra(_power),
    "cond": Refused(_SPECTRUM),
    "eig": Refused(_SPECTRUM),
    "eigh": Refused(_SPECTRUM),
    "eigvals": Refused(_SPECTRUM),
    "eigvalsh": Refused(_SPECTRUM),
    "lstsq": Refused("least squares by singular values is not supported yet", "use np.linalg.solve(A.T @ A, A.T @ b)"),
    "matrix_rank": Refused("the rank of a matrix is a step function found from singular values"),
    "pinv": Refused("the pseudoinverse is not supported yet", "use np.linalg.solve(A.T @ A, A.T)"),
    "qr": Refused("the derivative of the QR decomposition is not supported yet", "use np.linalg.cholesky(A.T @ A).T"),
    "svd": Refused(_SPECTRUM),
    "svdvals": Refused(_SPECTRUM),
    "tensorinv": Refused("tensorinv is not supported yet", "reshape to a matrix and use np.linalg.inv"),
    "tensorsolve": Refused("tensorsolve is not supported yet", "reshape to matrices and use np.linalg.solve"),
}
"""Functions of ``numpy.linalg`` that are rows of this file."""
