"""Functions and methods that change an array in place: ``np.add.at``, ``np.fill_diagonal``, ``x.fill``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import lifted
from symgrad.frontend.stores import changed, lowered, set_part
from symgrad.frontend.values import describe
from symgrad.ir.program import Value
from symgrad.ir.tensor import Tensor
from symgrad.rules.row import Elementwise, elementwise
from symgrad.rules.stores import increment, store
from symgrad.rules.table import lookup

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Change = Callable[[Frame, ast.expr, Arguments, Keywords], object]


def change_of(function: Any) -> Change | None:
    """What a function does to its first argument; None for one that changes nothing."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc) and getattr(function, "__name__", "") == "at":
        return _at(owner)
    try:
        return FUNCTIONS.get(function)
    except TypeError:
        return None


def _array(item: object) -> Value:
    if not isinstance(item, Value):
        raise ArgumentError(f"{describe(item)} is changed where an array is expected")
    return item


def _at(ufunc: np.ufunc) -> Change:
    signs = {np.add: 1, np.subtract: -1}
    if ufunc not in signs:
        raise NotYetSupported(f"np.{ufunc.__name__}.at is not supported yet", remedy="use np.add.at")

    def change(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
        if len(args) != 3 or keywords:
            raise ArgumentError(f"np.{ufunc.__name__}.at takes an array, indices and values")
        array, value = _array(args[0]), lifted(frame, args[2], node)
        template = Template()
        template.operand(array.code)
        places = f"{template.place(args[1])}, {template.operand(value.code)}"
        signed = Tensor(signs[ufunc] * value.tensor.expr, value.tensor.indices, value.tensor.kind)
        tensor = increment(frame.builder, array.tensor, lowered(args[1]), signed)
        text = f"_ = fresh(_0)\nnp.{ufunc.__name__}.at(_, {places})"
        changed(frame, node, array, tensor, template.code(text, frame.line(node)))

    return change


def _fill_diagonal(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or keywords:
        raise NotYetSupported("np.fill_diagonal with wrap= is not supported", remedy="leave it out")
    array, value = _array(args[0]), lifted(frame, args[1], node)
    if array.tensor.rank != 2:
        raise NotYetSupported("np.fill_diagonal of other than matrices is not supported", remedy="store by an index")
    sizes = frame.builder.sizes
    place = frame.builder.index(sizes.smaller(*array.tensor.shape))
    along = Tensor(place, (place,), np.dtype(int))
    tensor = store(frame.builder, array.tensor, (along, along), value.tensor)
    template = Template()
    template.operand(array.code)
    text = f"_ = fresh(_0)\nnp.fill_diagonal(_, {template.operand(value.code)})"
    changed(frame, node, array, tensor, template.code(text, frame.line(node)))


def _copyto(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or not keywords.keys() <= {"where"}:
        raise NotYetSupported("np.copyto takes two arrays and where=", remedy="store by an index")
    array, value = _array(args[0]), lifted(frame, args[1], node)
    if "where" not in keywords:
        set_part(frame, node, array, Ellipsis, value)
        return
    mask = lifted(frame, keywords["where"], node)
    row = lookup(np.where)
    assert isinstance(row, Elementwise)
    tensor = elementwise(frame.builder, row, mask.tensor, value.tensor, array.tensor)
    template = Template()
    template.operand(array.code)
    text = f"_ = fresh(_0)\nnp.copyto(_, {template.operand(value.code)}, where={template.operand(mask.code)})"
    stored = Tensor(tensor.expr, tensor.indices, array.tensor.kind)
    changed(frame, node, array, stored, template.code(text, frame.line(node)))


def _put(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 3 or keywords or _array(args[0]).tensor.rank != 1:
        raise NotYetSupported("np.put of other than vectors is not supported", remedy="store by an index")
    set_part(frame, node, args[0], args[1], args[2])


def _fill(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or keywords:
        raise ArgumentError("fill takes one value")
    set_part(frame, node, _array(args[0]), Ellipsis, args[1])


def _refused(name: str, remedy: str) -> Change:
    def change(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
        raise NotYetSupported(f"{name} changes an array in a way that is not supported yet", remedy=remedy)

    return change


FUNCTIONS: Mapping[Any, Change] = {
    np.fill_diagonal: _fill_diagonal,
    np.copyto: _copyto,
    np.put: _put,
    np.place: _refused("np.place", "use a mask as index"),
    np.putmask: _refused("np.putmask", "use np.where"),
    np.put_along_axis: _refused("np.put_along_axis", "store by an index"),
}
METHODS_IN_PLACE: Mapping[str, Change] = {
    "fill": _fill,
    "put": _put,
    "sort": _refused(".sort()", "use np.sort"),
    "partition": _refused(".partition()", "use np.partition"),
    "resize": _refused(".resize()", "use np.resize"),
    "itemset": _refused(".itemset()", "store by an index"),
}
