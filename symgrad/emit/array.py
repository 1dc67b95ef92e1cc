"""Spelled arrays: NumPy code together with the index of each of its axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from symgrad.ir.code import Code
from symgrad.ir.kinds import common_kind, is_floating, is_python
from symgrad.ir.tensor import Index, Kind

Layout = tuple[Index | None, ...]


@dataclass(frozen=True)
class Array:
    """``code`` evaluates to an array whose axis ``k`` runs over ``layout[k]`` (None: an axis of length one).

    ``kept`` is the same reduction with ``keepdims=True``, where there is one.
    """

    code: Code
    layout: Layout
    kind: Kind
    kept: Array | None = None

    @property
    def support(self) -> frozenset[Index]:
        return frozenset(index for index in self.layout if index is not None)


def apply(template: str, arrays: Iterable[Array], target: tuple[Index, ...], kind: Kind | None = None) -> Array:
    """An elementwise operation on arrays that broadcast against each other, as axes of ``target``."""
    operands = [aligned(array, target) for array in arrays]
    rank = max(len(operand.layout) for operand in operands)
    layout: list[Index | None] = [None] * rank
    for operand in operands:
        for axis, index in enumerate(reversed(operand.layout), 1):
            layout[-axis] = layout[-axis] if index is None else index
    code = Code(template, tuple(operand.code for operand in operands))
    return Array(code, tuple(layout), common_kind(o.kind for o in operands) if kind is None else kind)


def floating(array: Array) -> Array:
    """The same numbers as floats: brackets and integers do not mix with floats as numbers do."""
    if is_floating(array.kind) or (not array.code.operands and "." in array.code.template):
        return array
    if not array.code.operands and array.code.template.lstrip("-").isdigit():
        return replace(array, code=Code(f"{array.code.template}.0"), kind=float)
    kind = np.dtype(float) if array.layout or not is_python(array.kind) else float
    return replace(array, code=Code("1.0 * _0", (array.code,)), kind=kind, kept=None)


def whole(array: Array, kind: Kind) -> Array:
    """The same numbers as integers of a dtype: NumPy's functions that round give floats."""
    if not is_floating(array.kind):
        return array
    dtype = np.dtype(kind)
    name = "int" if dtype == np.dtype(int) else f"np.{dtype.name}"
    if not array.layout and name == "int":
        return replace(array, code=Code("int(_0)", (array.code,)), kind=int, kept=None)
    text = f"_0.astype({name})" if array.layout else f"{name}(_0)"
    return replace(array, code=Code(text, (array.code,)), kind=dtype, kept=None)


def is_narrow(kind: Kind, wide: Kind) -> bool:
    """Whether arithmetic in a dtype can overflow where it does not in ``wide``: integers, brackets, shorter floats."""
    if is_python(kind):
        return False
    dtype = np.dtype(kind)
    return dtype.kind in "biu" or dtype.itemsize < np.dtype(wide).itemsize


def widened(array: Array, wide: Kind) -> Array:
    """The same numbers in a dtype of the derivative's own."""
    name = f"np.{np.dtype(wide).name}"
    if not array.layout:
        return replace(array, code=Code("float(_0)", (array.code,)), kind=float, kept=None)
    return replace(array, code=Code(f"_0.astype({name})", (array.code,)), kind=np.dtype(wide), kept=None)


def aligned(array: Array, target: tuple[Index, ...]) -> Array:
    """The array with its axes in the order of ``target``, length one where the target has more, from the last axis."""
    support = array.support
    first = next((k for k, index in enumerate(target) if index in support), len(target))
    return arranged(array, tuple(index if index in support else None for index in target[first:]))


def arranged(array: Array, layout: Layout) -> Array:
    """The array with exactly these axes."""
    if array.layout == layout:
        return array
    if array.kept is not None and array.kept.layout == layout:
        return array.kept
    wanted = tuple(index for index in layout if index is not None)
    present = tuple(index for index in array.layout if index is not None)
    if present != wanted:
        array = _permuted(array, wanted)
    return array if array.layout == layout else _stretched(array, layout)


def _permuted(array: Array, wanted: tuple[Index, ...]) -> Array:
    gaps = tuple(index for index in array.layout if index is None)
    order = [array.layout.index(index) for index in wanted]
    rest = [axis for axis, index in enumerate(array.layout) if index is None]
    axes = rest + order
    if axes == list(reversed(range(len(axes)))):
        template = "_0.T"
    elif len(axes) > 2 and axes[:-2] == list(range(len(axes) - 2)):
        template = "_0.swapaxes(-1, -2)"
    else:
        template = f"_0.transpose({', '.join(map(str, axes))})"
    return replace(array, code=Code(template, (array.code,)), layout=gaps + wanted, kept=None)


def _stretched(array: Array, layout: Layout) -> Array:
    """Drop and insert axes of length one; the other axes are in order already."""
    parts: list[str] = []
    old = list(array.layout)
    for index in layout:
        if index is not None:
            while old and old[0] is None:
                old.pop(0)
                parts.append("0")
            old.pop(0)
            parts.append(":")
        elif old and old[0] is None:
            old.pop(0)
            parts.append(":")
        else:
            parts.append("None")
    parts += ["0"] * len(old)
    while parts and parts[-1] == ":":
        parts.pop()
    code = Code(f"_0[{', '.join(parts)}]", (array.code,)) if parts else array.code
    return replace(array, code=code, layout=layout, kept=None)
