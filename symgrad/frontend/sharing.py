"""Sharing: which results of functions read the memory of an argument, and which are arrays of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.frame import Frame
from symgrad.frontend.lifting import bounded
from symgrad.frontend.strides import Strides
from symgrad.frontend.values import mapped
from symgrad.ir.builder import Builder
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Value
from symgrad.ir.tensor import Expr, Tensor
from symgrad.rules.shapes import reshaped
from symgrad.rules.stores import store

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Lower = Callable[..., Any]

CONVERSIONS = frozenset({"asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "array", "astype"})
ITSELF = frozenset({"conj", "conjugate", "real", "round", "around"})
"""Functions, and methods of the same names, that give an array of real numbers (or of integers) itself."""
AT_LEAST = {"atleast_1d": 1, "atleast_2d": 2, "atleast_3d": 3}
READ_ONLY = frozenset({"diag", "diagonal", "broadcast_to"})
MOVED = frozenset(
    {"T", "mT", "transpose", "matrix_transpose", "swapaxes", "moveaxis", "rollaxis", "squeeze", "expand_dims"}
    | {"flip", "fliplr", "flipud", "rot90", "split", "array_split", "hsplit", "vsplit", "dsplit", *READ_ONLY}
)
"""Functions whose results are views, wherever the elements lie."""
RESHAPED = frozenset({"reshape", "ravel"})
UNKNOWN = frozenset({"broadcast_arrays", "meshgrid", "matrix_power", "diff", "nan_to_num", "item", "getitem"})
"""Functions that give an argument, or a view of it, for some arguments."""
ZERO_AXES = frozenset(
    {"array", "asarray", "asanyarray", "where", "select", "full", "zeros", "ones", "empty"}
    | {"zeros_like", "ones_like", "full_like", "empty_like", "broadcast_to"}
)
"""Functions that give an array even where it has no axes, from whatever they get."""
KEPT = frozenset({"copy", "astype", "reshape", *MOVED, *CONVERSIONS})
"""Functions that give an array without axes for an array without axes."""
ROW_BY_ROW = frozenset({"zeros", "ones", "full", "empty", "eye", "identity", "flatten", "outer"})


@dataclass(frozen=True)
class Made:
    """A call that has given ``value``."""

    frame: Frame
    name: str | None
    args: Arguments
    keywords: Keywords
    value: Value
    lower: Lower | None = None
    part: int | None = None

    @property
    def aliasing(self) -> Aliasing:
        return self.frame.reader.aliasing

    @property
    def base(self) -> object:
        """The array that a view reads."""
        place = 1 if self.name == "einsum" else 0
        return self.args[place] if len(self.args) > place else None


def called(code: Code) -> str | None:
    """The name of what a code calls; None for an operator, ``?`` for a function that the code cannot name."""
    while re.fullmatch(r"_0\[\d+\]", code.template):
        code = code.operands[0]
    found = re.match(r"(?:np\.linalg\.|np\.|math\.|_0\.|)([a-zA-Z]\w*)(?:\(|$)", code.template)
    if found is not None:
        return found.group(1)
    return "?" if code.template.startswith("_0(") else None


def shared(made: Made) -> Value:
    """The result of a call: an argument itself, a view of it, or an array of its own."""
    aliasing, base, name, value = made.aliasing, made.base, made.name, made.value
    if name == "?" or name in UNKNOWN:
        return aliasing.may_share(value, (list(made.args), dict(made.keywords)))
    if not isinstance(base, Value) or not aliasing.is_array(base):
        return _new(made)
    if is_itself(made, base):
        return base
    if name in AT_LEAST and len(made.args) > 1:
        return aliasing.may_share(value, list(made.args))
    if name in RESHAPED:
        return _reshaped(made, base)
    if name == "diag" and base.tensor.rank == 1:
        return _new(made)
    if name in MOVED or name in AT_LEAST or (name == "einsum" and _reads_one(made)):
        return _view(made, base)
    if name in CONVERSIONS and not _copies(made, base):
        return aliasing.may_share(value, base)
    return _new(made)


def is_itself(made: Made, base: Value) -> bool:
    """Whether a call gives its argument."""
    name, value = made.name, made.value
    if base.tensor.kind != value.tensor.kind:
        return False
    if name in AT_LEAST:
        return len(made.args) == 1 and base.tensor.rank >= AT_LEAST[name]
    if name in ITSELF:
        is_integer = np.dtype(base.tensor.kind).kind in "iu"
        is_method = made.value.code.template.startswith("_0.")
        return is_integer if name in {"round", "around"} else is_method or name == "real"
    if name in CONVERSIONS:
        return base.tensor.rank == value.tensor.rank and not _copies(made, base) and _lies(made, base)
    return made.lower is not None and value.code.template.startswith("np.") and name in SCALAR_TYPES


SCALAR_TYPES = frozenset({"float64", "float32", "float16", "int64", "int32", "int16", "int8"})


def _copies(made: Made, base: Value) -> bool:
    """Whether a conversion makes a new array."""
    if base.tensor.kind != made.value.tensor.kind:
        return True
    if made.name == "array":
        return made.keywords.get("copy", True) is True
    if made.name == "astype":
        return made.keywords.get("copy", True) is True
    if made.name == "asfortranarray" and base.tensor.rank == 2:
        return made.aliasing.layout(base) == "C" and _is_long(made, base)
    return made.keywords.get("copy") is True


def _lies(made: Made, base: Value) -> bool:
    """Whether the elements of an array lie as a conversion wants them."""
    layout = made.aliasing.layout(base)
    if made.name == "ascontiguousarray" or made.keywords.get("order") == "C":
        return layout == "C" and base.tensor.rank > 0
    if made.name == "asfortranarray":
        return layout == "F" or (layout == "C" and base.tensor.rank == 1)
    return made.keywords.get("order") in {None, "K", "A"} and not made.keywords.get("ndmin")


def _new(made: Made) -> Value:
    """An array of its own."""
    aliasing, base, value = made.aliasing, made.base, made.value
    if value.tensor.rank == 0 and not is_python(value.tensor.kind):
        of_array = isinstance(base, Value) and aliasing.is_array(base) and made.name in KEPT
        is_array = made.name in ZERO_AXES or of_array or (made.name == "copy" and value.code.template[:3] == "np.")
        return aliasing.array(value) if is_array else value
    is_copy = made.name == "copy" and value.code.template.startswith("_0.")
    if value.tensor.rank <= 1 or is_copy or made.name in ROW_BY_ROW or _is_elementwise(made):
        aliasing.lie(value, "C")
    return value


def _is_elementwise(made: Made) -> bool:
    """Whether the result takes the layout of arrays that lie row by row."""
    if made.name not in {None, "array", "copy", "astype", "zeros_like", "ones_like", "full_like", "empty_like"}:
        return False
    arrays = [argument for argument in made.args if isinstance(argument, Value) and argument.tensor.rank]
    return bool(arrays) and all(
        array.tensor.rank == made.value.tensor.rank and made.aliasing.layout(array) == "C" for array in arrays
    )


def _is_long(made: Made, array: Value) -> bool:
    """Whether all axes are longer than one, which the guard asks again."""
    sizes = made.frame.builder.sizes
    return all(sizes.at_least(length, sympy.Integer(2)) for length in array.tensor.shape)


def _reads_one(made: Made) -> bool:
    """Whether an ``einsum`` moves the axes of one array only."""
    text = made.args[0]
    if not isinstance(text, str) or len(made.args) != 2 or "->" not in text or "." in text:
        return False
    before, _, after = text.replace(" ", "").partition("->")
    return set(before) == set(after)


def _reshaped(made: Made, base: Value) -> Value:
    """A view where the elements lie in the order that is read, a copy where they do not; not known otherwise."""
    order, layout = _order(made), made.aliasing.layout(base)
    if made.value.tensor.rank == 0 or base.tensor.rank == 0 or (base.tensor.rank == 1 and layout == "C"):
        layout = order
    if made.keywords.get("copy") is True or layout is None or order not in {"C", "F"}:
        return made.aliasing.may_share(made.value, base)
    if layout == order:
        view = _view(made, base)
        return made.aliasing.lie(view, "C") if order == "C" or view.tensor.rank <= 1 else view
    if made.value.tensor.rank == 1 and base.tensor.rank == 2 and _is_long(made, base):
        return made.aliasing.lie(made.value, "C")
    return made.aliasing.may_share(made.value, base)


def _order(made: Made) -> str:
    """The order in which a reshape reads the elements."""
    given = made.args[1] if made.name == "ravel" and len(made.args) > 1 else made.keywords.get("order", "C")
    return str(given)


def _view(made: Made, base: Value) -> Value:
    """A view, read again where its base changes, and written into its base where it does."""
    frame, aliasing, value = made.frame, made.aliasing, made.value
    code = value.code
    if not value.tensor.rank and not aliasing.is_array(base):
        return value
    aliasing.array(value)

    def again() -> Value:
        tensor = bounded(frame.builder, _applied(made, base.tensor))
        return Value(tensor, _over(code, base.code))

    def back(new: Value) -> Value:
        tensor = _written(made, base, new)
        text = _text(code).replace("\0", "_")
        operands = (base.code, *_operands(code)[1:], new.code)
        block = Code(f"_ = fresh(_0)\n{text}[...] = _{len(operands) - 1}", operands)
        if made.name in RESHAPED:
            block = Code("_ = fresh(_0)\n_[...] = _1.reshape(_.shape)", (base.code, new.code))
            if _order(made) == "F":
                block = Code("_ = fresh(_0)\n_.T[...] = _1.reshape(_.T.shape)", (base.code, new.code))
        return Value(frame.builder.define(tensor), replace(block, name=base.code.name))

    if aliasing.layout(base) in {"C", "F"} and base.tensor.rank <= 2 and made.name in {"T", "transpose", "swapaxes"}:
        aliasing.lie(value, {"C": "F", "F": "C"}[aliasing.layout(base) or ""] if base.tensor.rank == 2 else "C")
    return aliasing.view(value, base, again, None if is_read_only(made) else back, _strides(made, base))


def _strides(made: Made, base: Value) -> Strides | None:
    """How the elements of a view of ``base`` lie; None where that is not known."""
    strides = made.aliasing.strides(base)
    if made.name in RESHAPED and made.value.tensor.rank == base.tensor.rank == 1:
        return strides
    is_reversed = made.name in {"T", "transpose"} and len(made.args) == 1 and not made.keywords
    return strides[::-1] if strides is not None and is_reversed else None


def flat(made: Made) -> Value:
    """``x.flat``: what is written into it goes to the array, wherever its elements lie."""
    assert isinstance(made.base, Value)
    return made.aliasing.one_by_one(_view(made, made.base))


def is_read_only(made: Made) -> bool:
    """Whether NumPy refuses to write into a view."""
    return made.name in READ_ONLY


def _operands(code: Code) -> tuple[Code, ...]:
    return _operands(code.operands[0]) if re.fullmatch(r"_0\[\d+\]", code.template) else code.operands


def _text(code: Code) -> str:
    """The text of a view in which ``\\0`` stands for its base."""
    if re.fullmatch(r"_0\[\d+\]", code.template):
        return _text(code.operands[0]) + code.template[2:]
    return re.sub(r"\b_0\b", "\0", code.template)


def _over(code: Code, base: Code) -> Code:
    """The code of a view of another base."""
    if re.fullmatch(r"_0\[\d+\]", code.template):
        return replace(code, operands=(_over(code.operands[0], base),))
    return replace(code, operands=(base, *code.operands[1:]))


def _applied(made: Made, tensor: Tensor) -> Tensor:
    """What the call gives for another array."""
    place = 1 if made.name == "einsum" else 0
    args = [tensor if k == place else _lowered(argument) for k, argument in enumerate(made.args)]
    assert made.lower is not None
    result = made.lower(made.frame.builder, *args, **{key: _lowered(item) for key, item in made.keywords.items()})
    found = result if made.part is None else result[made.part]
    assert isinstance(found, Tensor)
    return found


def _lowered(item: object) -> object:
    return mapped(item, lambda leaf: leaf.tensor if isinstance(leaf, Value) else leaf)


def _written(made: Made, base: Value, new: Value) -> Tensor:
    """The base after its view has new contents."""
    builder = made.frame.builder
    if made.name in RESHAPED:
        if _order(made) == "F":
            turned = Tensor(new.tensor.expr, new.tensor.indices[::-1], new.tensor.kind)
            back = reshaped(builder, turned, base.tensor.shape[::-1])
            return Tensor(back.expr, back.indices[::-1], back.kind)
        return reshaped(builder, new.tensor, base.tensor.shape)
    places = _places(made, base)
    moved = _moved(builder, base, new.tensor, places)
    if moved is not None:
        return moved
    slices = _slices(base, places)
    return store(builder, base.tensor, tuple(places) if slices is None else slices, new.tensor)


def _places(made: Made, base: Value) -> list[Tensor]:
    """Where along each axis of the base the elements of a view are."""
    zero = sympy.S.Zero
    return [
        _applied(made, Tensor(zero if index is None else index, base.tensor.indices, np.dtype(int)))
        for index in base.tensor.indices
    ]


def _moved(builder: Builder, base: Value, new: Tensor, places: Sequence[Tensor]) -> Tensor | None:
    """The base where each element of it is one of the view's: the view at other indices. None for other views."""
    own: dict[int, Expr] = {}
    for axis, place in zip(base.tensor.indices, places, strict=True):
        if axis is None:
            continue
        found = _affine(place)
        if found is None or found[0] in own or not builder.sizes.same(place.shape[found[0]], axis.size):
            return None
        position, start, slope = found
        if slope == 1 and start == 0:
            own[position] = axis
        elif slope == -1 and sympy.expand(start - axis.size + 1) == 0:
            own[position] = start - axis
        else:
            return None
    wanted = [None if index is None else own.get(position) for position, index in enumerate(new.indices)]
    if any(index is not None and place is None for index, place in zip(new.indices, wanted, strict=True)):
        return None
    return Tensor(builder.rename(new, wanted), base.tensor.indices, new.kind)


def _affine(place: Tensor) -> tuple[int, Expr, Expr] | None:
    """The axis of a view along which an axis of its base is read, the first place, and the step."""
    free = [position for position, index in enumerate(place.indices) if index is not None and place.expr.has(index)]
    if len(free) != 1:
        return None
    index = place.indices[free[0]]
    slope = sympy.expand(place.expr).coeff(index)
    start = sympy.expand(place.expr - slope * index)
    return (free[0], start, slope) if slope.is_Integer and not start.has(index) else None


def _slices(base: Value, places: Sequence[Tensor]) -> tuple[slice, ...] | None:
    """A key of slices for a view whose axes stand as those of its base do; None for other views."""
    key: list[slice] = []
    for position, (axis, place) in enumerate(zip(base.tensor.indices, places, strict=True)):
        found = _affine(place)
        if place.rank != base.tensor.rank or axis is None or found is None or found[0] != position or found[2] != 1:
            return None
        start = Tensor(found[1], (), int)
        key.append(slice(start, Tensor(found[1] + place.shape[position], (), int)))
    return tuple(key)
