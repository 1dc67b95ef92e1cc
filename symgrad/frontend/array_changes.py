"""Functions and methods that change an array in place: ``np.add.at``, ``np.fill_diagonal``, ``x.fill``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from symgrad.errors import ArgumentError, NotYetSupported, ShapeError
from symgrad.frontend import definitions
from symgrad.frontend.attributes import attribute, lowered, subscript
from symgrad.frontend.code_writer import Template
from symgrad.frontend.frame import Frame
from symgrad.frontend.inlining import inline_definition
from symgrad.frontend.lifting import lifted
from symgrad.frontend.stores import changed, check_apart, set_part
from symgrad.frontend.values import describe
from symgrad.ir.program import Value
from symgrad.ir.tensor import BOOLEAN, Tensor
from symgrad.rules.creation import where as choice
from symgrad.rules.functions import Modulo
from symgrad.rules.indexing import along_axis, index
from symgrad.rules.row import Refused
from symgrad.rules.shapes import broadcast_to, ravel
from symgrad.rules.stores import distinct, increment, repeats, store
from symgrad.rules.table import lookup

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Change = Callable[[Frame, ast.expr, Arguments, Keywords], object]
SIGNS: Mapping[np.ufunc, int] = {np.add: 1, np.subtract: -1}


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
    def change(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
        if len(args) != 3 or ufunc.nin != 2 or keywords:
            raise ArgumentError(f"np.{ufunc.__name__}.at takes an array, indices and values")
        array, value = _array(args[0]), lifted(frame, args[2], node)
        if ufunc in SIGNS:
            _increment_at(frame, node, ufunc, array, args[1], value)
        elif not distinct(args[1]) and repeats(lowered(frame, args[1])):
            _repeated_at(frame, node, ufunc, array, args[1], value)
        else:
            part = subscript(frame, node, array, args[1])
            set_part(frame, node, array, args[1], frame.reader.call(frame, node, ufunc, (part, value), {}))

    return change


def _repeated_at(frame: Frame, node: ast.expr, ufunc: np.ufunc, array: Value, key: object, value: Value) -> None:
    """One place after the other."""
    parts = [lifted(frame, part, node) for part in (key if isinstance(key, tuple) else (key,))]
    if len(parts) > 2 or any(part.tensor.rank != 1 or part.tensor.kind in BOOLEAN for part in parts):
        reason = f"np.{ufunc.__name__}.at of these indices is not supported yet"
        raise NotYetSupported(reason, remedy="give one list of indices for each axis")
    definition = definitions.at if len(parts) == 1 else definitions.at_pairs
    inline_definition(frame, node, definition, (array, *parts, value, ufunc), {})


def _increment_at(frame: Frame, node: ast.expr, ufunc: np.ufunc, array: Value, key: object, value: Value) -> None:
    template = Template()
    template.operand(array.code)
    places = f"{template.place(key)}, {template.operand(value.code)}"
    signed = Tensor(SIGNS[ufunc] * value.tensor.expr, value.tensor.indices, value.tensor.kind)
    tensor = increment(frame.builder, array.tensor, lowered(frame, key), signed, distinct=distinct(key))
    text = f"_ = fresh(_0)\nnp.{ufunc.__name__}.at(_, {places})"
    changed(frame, array, tensor, template.code(text, frame.line(node)))


def _fill_diagonal(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or keywords:
        raise NotYetSupported("np.fill_diagonal with wrap= is not supported", remedy="leave it out")
    array, value = _array(args[0]), lifted(frame, args[1], node)
    check_apart(frame, array, value)
    if array.tensor.rank != 2:
        raise NotYetSupported("np.fill_diagonal of other than matrices is not supported", remedy="store by an index")
    sizes = frame.builder.sizes
    place = frame.builder.index(sizes.smaller(*array.tensor.shape))
    along = Tensor(place, (place,), np.dtype(int))
    tensor = store(frame.builder, array.tensor, (along, along), _along_diagonal(frame, value.tensor, along))
    template = Template()
    template.operand(array.code)
    text = f"_ = fresh(_0)\nnp.fill_diagonal(_, {template.operand(value.code)})"
    changed(frame, array, tensor, template.code(text, frame.line(node)))


def _along_diagonal(frame: Frame, value: Tensor, along: Tensor) -> Tensor:
    """What goes to the diagonal: NumPy leaves out what is too much, and repeats what is too short."""
    sizes = frame.builder.sizes
    if value.rank != 1 or sizes.same(value.shape[0], along.shape[0]):
        return value
    lengths = sizes.specialise(value.shape[0]), sizes.specialise(along.shape[0])
    if lengths[0] == 1:
        return value
    if not lengths[0]:
        raise ShapeError("there is nothing to fill the diagonal with")
    if lengths[0] < lengths[1]:
        turn = frame.builder.map(Modulo(along.expr, sympy.Integer(lengths[0])), np.dtype(int), "k")
        along = Tensor(turn, along.indices, along.kind)
    return index(frame.builder, value, (along,))


def _copyto(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or not keywords.keys() <= {"where"}:
        raise NotYetSupported("np.copyto takes two arrays and where=", remedy="store by an index")
    where = keywords.get("where", True)
    copied(frame, node, _array(args[0]), lifted(frame, args[1], node), None if where is True else where)


def copied(frame: Frame, node: ast.expr, array: Value, value: Value, where: object) -> None:
    """``array[...] = value`` where a mask holds, if one is given."""
    if where is None:
        set_part(frame, node, array, Ellipsis, value)
        return
    mask, builder = lifted(frame, where, node), frame.builder
    tensor = broadcast_to(builder, choice(builder, mask.tensor, value.tensor, array.tensor), _lengths(array))
    template = Template()
    template.operand(array.code)
    text = f"_ = fresh(_0)\nnp.copyto(_, {template.operand(value.code)}, where={template.operand(mask.code)})"
    stored = Tensor(tensor.expr, tensor.indices, array.tensor.kind)
    changed(frame, array, stored, template.code(text, frame.line(node)))


def _lengths(array: Value) -> tuple[Tensor, ...]:
    return tuple(Tensor(length, (), int) for length in array.tensor.shape)


def _put(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 3 or keywords:
        raise NotYetSupported("np.put with mode= is not supported", remedy="store by an index")
    array, value = _array(args[0]), lifted(frame, args[2], node)
    place = index(frame.builder, ravel(frame.builder, array.tensor), lowered(frame, args[1]))
    _check_enough(frame, value, place)
    flat = array if array.tensor.rank == 1 else attribute(frame, _named(node, "flat"), array)
    set_part(frame, node, flat, args[1], args[2])


def _check_enough(frame: Frame, value: Value, place: Tensor) -> None:
    """NumPy repeats what is too short."""
    shapes = value.tensor.shape, place.shape
    if value.tensor.rank and not (len(shapes[0]) == len(shapes[1]) and all(map(frame.builder.sizes.same, *shapes))):
        raise NotYetSupported("values that are repeated are not supported", remedy="give as many values as places")


def _named(node: ast.expr, name: str) -> ast.Attribute:
    return ast.copy_location(ast.Attribute(ast.copy_location(ast.Constant(0), node), name, ast.Load()), node)


def _putmask(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 3 or keywords:
        raise ArgumentError("np.putmask takes an array, a mask and values")
    array, value = _array(args[0]), lifted(frame, args[2], node)
    _check_enough(frame, value, array.tensor)
    copied(frame, node, array, value, args[1])


def _place(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 3 or keywords:
        raise ArgumentError("np.place takes an array, a mask and values")
    value = lifted(frame, args[2], node)
    check_apart(frame, _array(args[0]), value)
    inline_definition(frame, node, definitions.place, (*args[:2], value), {})


def _put_along_axis(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) not in {3, 4} or not keywords.keys() <= {"axis"}:
        raise ArgumentError("np.put_along_axis takes an array, indices, values and an axis")
    axis: Any = args[3] if len(args) == 4 else keywords.get("axis", -1)
    array, value, places = _array(args[0]), lifted(frame, args[2], node), lifted(frame, args[1], node)
    if axis is None or places.tensor.rank != array.tensor.rank:
        raise NotYetSupported("np.put_along_axis without an axis is not supported", remedy="store by an index")
    key = along_axis(frame.builder, array.tensor, places.tensor, axis)
    tensor = store(frame.builder, array.tensor, key, value.tensor)
    template = Template()
    template.operand(array.code)
    inner = f"{template.operand(places.code)}, {template.operand(value.code)}, {axis}"
    code = template.code(f"_ = fresh(_0)\nnp.put_along_axis(_, {inner})", frame.line(node))
    changed(frame, array, tensor, code)


def _sort(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    array = _array(args[0])
    row = lookup(np.sort)
    if row is None or isinstance(row, Refused):
        raise NotYetSupported(".sort() is not supported yet", remedy="sort outside of the function")
    set_part(frame, node, array, Ellipsis, frame.reader.call(frame, node, np.sort, args, keywords))


def _fill(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> None:
    if len(args) != 2 or keywords:
        raise ArgumentError("fill takes one value")
    set_part(frame, node, _array(args[0]), Ellipsis, args[1])


def _refused(name: str, remedy: str) -> Change:
    def change(*_: object) -> None:
        raise NotYetSupported(f"{name} changes an array in a way that is not supported yet", remedy=remedy)

    return change


FUNCTIONS: Mapping[Any, Change] = {
    np.fill_diagonal: _fill_diagonal,
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.put_along_axis: _put_along_axis,
}
METHODS_IN_PLACE: Mapping[str, Change] = {
    "fill": _fill,
    "put": _put,
    "sort": _sort,
    "partition": _refused(".partition()", "use np.partition"),
    "resize": _refused(".resize()", "use np.resize"),
    "itemset": _refused(".itemset()", "store by an index"),
}
