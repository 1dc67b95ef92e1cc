"""All rows together: what symgrad knows of a function object."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from symgrad.rules import (
    contractions,
    creation,
    elementwise,
    indexing,
    joining,
    linalg,
    mathematics,
    places,
    reductions,
    scans,
    shapes,
    ufuncs,
)
from symgrad.rules.methods import METHODS
from symgrad.rules.refusals import refusals
from symgrad.rules.row import Algebra, Lowering, Row

LOWERINGS: dict[str, Lowering] = {
    "all": reductions.truth("all", np.all),
    "allclose": reductions.allclose,
    "amax": reductions.extremum("max", np.max),
    "amin": reductions.extremum("min", np.min),
    "any": reductions.truth("any", np.any),
    "append": joining.append,
    "argsort": places.argsort,
    "arange": creation.arange,
    "argmax": reductions.position("argmax"),
    "argmin": reductions.position("argmin"),
    "array": joining.array,
    "array_split": indexing.split,
    "asanyarray": joining.asarray,
    "asarray": joining.asarray,
    "ascontiguousarray": joining.asarray,
    "asfortranarray": joining.asarray,
    "astype": shapes.astype,
    "atleast_1d": joining.at_least(1),
    "atleast_2d": joining.at_least(2),
    "atleast_3d": joining.at_least(3),
    "average": reductions.average,
    "broadcast_arrays": shapes.broadcast_arrays,
    "broadcast_to": shapes.broadcast_to,
    "column_stack": joining.column_stack,
    "concatenate": joining.concatenate,
    "copy": shapes.identity,
    "count_nonzero": reductions.count_nonzero,
    "cross": contractions.cross,
    "cumsum": scans.cumsum,
    "diag": shapes.diag,
    "diag_indices": places.diag_indices,
    "diag_indices_from": places.diag_indices_from,
    "diagonal": shapes.diagonal,
    "digitize": places.digitize,
    "diff": reductions.diff,
    "dot": contractions.dot,
    "dsplit": indexing.split_along(2),
    "dstack": joining.dstack,
    "einsum": contractions.einsum,
    "empty": creation.filled_with(0),
    "empty_like": creation.like_with(0),
    "expand_dims": shapes.expand_dims,
    "eye": creation.eye,
    "flatnonzero": places.flatnonzero,
    "flip": shapes.flip,
    "fliplr": shapes.flip_along(1),
    "flipud": shapes.flip_along(0),
    "full": creation.full,
    "full_like": creation.full_like,
    "hsplit": indexing.split_along(1),
    "hstack": joining.hstack,
    "identity": creation.identity_matrix,
    "inner": contractions.inner,
    "ix_": places.ix,
    "kron": contractions.kron,
    "linspace": creation.linspace,
    "matmul": contractions.matmul,
    "matrix_transpose": shapes.matrix_transpose,
    "matvec": contractions.batched("ij", "j", "i"),
    "max": reductions.extremum("max", np.max),
    "mean": reductions.mean,
    "meshgrid": creation.meshgrid,
    "min": reductions.extremum("min", np.min),
    "moveaxis": shapes.moveaxis,
    "ndim": shapes.ndim_of,
    "nonzero": places.nonzero,
    "ones": creation.filled_with(1),
    "ones_like": creation.like_with(1),
    "outer": contractions.outer,
    "searchsorted": places.searchsorted,
    "pad": joining.pad,
    "prod": reductions.operation("prod", np.prod),
    "ptp": reductions.ptp,
    "ravel": shapes.ravel,
    "repeat": shapes.repeat,
    "reshape": shapes.reshape,
    "roll": shapes.roll,
    "rollaxis": shapes.rollaxis,
    "rot90": shapes.rot90,
    "row_stack": joining.vstack,
    "select": creation.select,
    "shape": shapes.shape_of,
    "size": shapes.size_of,
    "sort": places.sort,
    "split": indexing.split_even,
    "squeeze": shapes.squeeze,
    "stack": joining.stack,
    "std": reductions.std,
    "sum": reductions.sum_,
    "swapaxes": shapes.swapaxes,
    "take": indexing.take,
    "take_along_axis": indexing.take_along_axis,
    "tensordot": contractions.tensordot,
    "tile": shapes.tile,
    "trace": shapes.trace,
    "transpose": shapes.transpose,
    "trapezoid": reductions.trapezoid,
    "trapz": reductions.trapezoid,
    "tri": creation.tri,
    "tril": shapes.triangle(lower=True),
    "tril_indices": places.triangle(lower=True),
    "tril_indices_from": places.triangle_from(lower=True),
    "triu": shapes.triangle(lower=False),
    "triu_indices": places.triangle(lower=False),
    "triu_indices_from": places.triangle_from(lower=False),
    "var": reductions.var,
    "vdot": contractions.vdot,
    "vecdot": contractions.batched("k", "k", ""),
    "vecmat": contractions.batched("i", "ij", "j"),
    "vsplit": indexing.split_along(0),
    "vstack": joining.vstack,
    "where": places.where,
    "zeros": creation.filled_with(0),
    "zeros_like": creation.like_with(0),
}
"""Functions of ``numpy`` that index notation expresses."""

LINALG: dict[str, Lowering] = {
    "cross": contractions.vector_cross,
    "diagonal": shapes.matrix_diagonal,
    "matmul": contractions.matmul,
    "matrix_norm": reductions.matrix_norm,
    "matrix_transpose": shapes.matrix_transpose,
    "multi_dot": contractions.multi_dot,
    "norm": reductions.norm,
    "outer": contractions.outer,
    "tensordot": contractions.tensordot,
    "trace": shapes.matrix_trace,
    "vecdot": contractions.batched("k", "k", ""),
    "vector_norm": reductions.vector_norm,
}
"""Functions of ``numpy.linalg`` that index notation expresses."""


OPERATORS: dict[Any, Row] = {operator.matmul: Algebra(contractions.matmul), operator.getitem: Algebra(indexing.index)}


def _named(module: Any, rows: Mapping[str, Row]) -> dict[Any, Row]:
    return {getattr(module, name): row for name, row in rows.items() if hasattr(module, name)}


def _conversions() -> dict[Any, Row]:
    """``np.float32(x)`` and its kin."""
    names = "float64 float32 float16 bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64"
    types = [getattr(np, name) for name in names.split()]
    return {dtype: Algebra(functools.partial(joining.asarray, dtype=dtype)) for dtype in types}


def _table() -> dict[Any, Row]:
    lowered = _named(np, {name: Algebra(lower) for name, lower in LOWERINGS.items()})
    in_linalg = _named(np.linalg, {name: Algebra(lower) for name, lower in LINALG.items()})
    methods = _named(np.ndarray, METHODS)
    known = {
        **_conversions(),
        **methods,
        **mathematics.TABLE,
        **in_linalg,
        **_named(np.linalg, linalg.NAMES),
        **lowered,
        **OPERATORS,
        **elementwise.TABLE,
        **ufuncs.TABLE,
    }
    return {**{function: row for function, row in refusals() if function not in known}, **known}


TABLE: dict[Any, Row] = _table()
"""Every function that symgrad has a row for, by identity."""


def lookup(function: object) -> Row | None:
    """The row of a function object; None for a function that symgrad does not know.

    >>> import numpy
    >>> lookup(numpy.abs) is lookup(numpy.absolute)
    True
    >>> lookup(print)
    """
    try:
        return TABLE.get(function)
    except TypeError:
        return None
