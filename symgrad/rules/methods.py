"""Methods and properties of arrays, with NumPy's signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ShapeError
from symgrad.ir.builder import Builder
from symgrad.ir.kinds import is_python
from symgrad.ir.tensor import Tensor
from symgrad.rules import contractions, elementwise, indexing, places, reductions, scans, shapes
from symgrad.rules.arguments import only, unused
from symgrad.rules.row import Algebra, Refused, Row


def _of_axes(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A method that takes its sequence as one argument or as several: ``x.reshape(2, 3)``."""

    def lower(builder: Builder, a: Tensor, *values: Any, **kwargs: Any) -> Tensor:
        if len(values) == 1 and (values[0] is None or isinstance(values[0], tuple | list)):
            return function(builder, a, values[0], **kwargs)
        return function(builder, a, values or None, **kwargs)

    return lower


def _item(_: Builder, a: Tensor, *args: Any) -> Tensor:
    unused(index=args or None)
    if a.free:
        raise ShapeError("only an array of one element can be converted to a number")
    kind = {"f": float, "b": bool}.get(np.dtype(a.kind).kind, int)
    return Tensor(a.expr, (), kind)


def _nested(builder: Builder, a: Tensor) -> Any:
    if a.rank == 0:
        return a if is_python(a.kind) else _item(builder, a)
    number = builder.sizes.specialise(a.shape[0])
    return [_nested(builder, indexing.index(builder, a, k)) for k in range(number)]


def _extremum(name: str, function: Any) -> Callable[..., Tensor]:
    return reductions.extremum(name, function)


def _diagonal(builder: Builder, a: Tensor, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    return shapes.diagonal(builder, a, offset, axis1, axis2)


def _clip(builder: Builder, a: Tensor, min: Any = None, max: Any = None, out: Any = None) -> Tensor:  # noqa: A002
    return elementwise.clip(builder, a, min, max, out)


def _astype(
    builder: Builder,
    a: Tensor,
    dtype: Any,
    order: Any = "K",
    casting: Any = "unsafe",
    subok: Any = True,
    copy: Any = True,
) -> Tensor:
    del copy
    only(("K", "C", "unsafe", True), order=order, casting=casting, subok=subok)
    return shapes.astype(builder, a, dtype)


def _dtype(builder: Builder, a: Tensor) -> Any:
    del builder
    return np.dtype(a.kind)


def _imag(builder: Builder, a: Tensor) -> Tensor:
    del builder
    return Tensor(sympy.S.Zero, a.indices, a.kind)


_MUTATES = "it changes the array in place, which is not supported yet"
_ORDER = "the order of elements is not supported yet"
_BYTES = "it looks at the memory of an array, which has no derivative"

METHODS: dict[str, Row] = {
    "all": Algebra(reductions.truth("all", np.all)),
    "any": Algebra(reductions.truth("any", np.any)),
    "argmax": Algebra(reductions.position("argmax")),
    "argmin": Algebra(reductions.position("argmin")),
    "argpartition": Refused(_ORDER),
    "argsort": Algebra(places.argsort),
    "astype": Algebra(_astype),
    "byteswap": Refused(_BYTES),
    "choose": Refused("ndarray.choose is not supported yet", "use np.where"),
    "clip": Algebra(_clip),
    "compress": Refused("the length of the result depends on values", "use np.where"),
    "conj": Algebra(shapes.identity),
    "conjugate": Algebra(shapes.identity),
    "copy": Algebra(shapes.identity),
    "cumprod": Refused("cumprod is not supported yet"),
    "cumsum": Algebra(scans.cumsum),
    "diagonal": Algebra(_diagonal),
    "dot": Algebra(contractions.dot),
    "dump": Refused(_BYTES),
    "dumps": Refused(_BYTES),
    "fill": Refused(_MUTATES, "use np.full"),
    "flatten": Algebra(shapes.ravel),
    "getfield": Refused(_BYTES),
    "is_integer": Refused("a test of a number's type has no derivative"),
    "item": Algebra(_item),
    "max": Algebra(_extremum("max", np.max)),
    "mean": Algebra(reductions.mean),
    "min": Algebra(_extremum("min", np.min)),
    "newbyteorder": Refused(_BYTES),
    "nonzero": Algebra(places.nonzero),
    "partition": Refused(_MUTATES),
    "prod": Algebra(reductions.operation("prod", np.prod)),
    "ptp": Algebra(reductions.ptp),
    "put": Refused(_MUTATES),
    "ravel": Algebra(shapes.ravel),
    "repeat": Algebra(shapes.repeat),
    "reshape": Algebra(_of_axes(shapes.reshape)),
    "resize": Refused(_MUTATES, "use reshape"),
    "round": Algebra(elementwise.round_to),
    "searchsorted": Algebra(places.searchsorted),
    "setfield": Refused(_MUTATES),
    "setflags": Refused(_MUTATES),
    "sort": Refused(_MUTATES),
    "squeeze": Algebra(shapes.squeeze),
    "std": Algebra(reductions.std),
    "sum": Algebra(reductions.sum_),
    "swapaxes": Algebra(shapes.swapaxes),
    "take": Algebra(indexing.take),
    "to_device": Refused(_BYTES),
    "tobytes": Refused(_BYTES),
    "tofile": Refused(_BYTES),
    "tolist": Algebra(_nested),
    "tostring": Refused(_BYTES),
    "trace": Algebra(shapes.trace),
    "transpose": Algebra(_of_axes(shapes.transpose)),
    "var": Algebra(reductions.var),
    "view": Refused(_BYTES),
}
"""Methods by name; the array is the first argument."""


PROPERTIES: dict[str, Row] = {
    "T": Algebra(shapes.transpose),
    "base": Refused(_BYTES),
    "ctypes": Refused(_BYTES),
    "data": Refused(_BYTES),
    "device": Refused(_BYTES),
    "dtype": Algebra(_dtype),
    "flags": Refused(_BYTES),
    "flat": Refused("an iterator over the elements is not supported yet", "use ravel()"),
    "imag": Algebra(_imag),
    "itemset": Refused(_MUTATES),
    "itemsize": Refused(_BYTES),
    "mT": Algebra(shapes.matrix_transpose),
    "nbytes": Refused(_BYTES),
    "ndim": Algebra(shapes.ndim_of),
    "real": Algebra(shapes.identity),
    "shape": Algebra(shapes.shape_of),
    "size": Algebra(shapes.size_of),
    "strides": Refused(_BYTES),
}
"""Attributes that are not called, by name; the array is the only argument."""

METHODS.update(PROPERTIES)
