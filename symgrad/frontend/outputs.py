"""``out=`` and ``where=``: results of functions that go into arrays which exist."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.array_changes import copied
from symgrad.frontend.frame import Frame
from symgrad.frontend.known import signature_of
from symgrad.frontend.lifting import lifted
from symgrad.frontend.stores import check_apart
from symgrad.frontend.values import describe, leaves
from symgrad.ir.program import Value
from symgrad.rules.row import Algebra, Row

Arguments = Sequence[object]
Keywords = Mapping[str, object]
PIECEWISE: tuple[Callable[..., object], ...] = (np.concatenate, np.stack)


def directed(
    function: Callable[..., object] | None, row: Row | None, args: Arguments, keywords: Keywords
) -> tuple[Arguments, Keywords]:
    """A call with ``out`` as a keyword, even where it is given by position; ``out=None`` is left out."""
    place = _place(function, row)
    if place is not None and len(args) == place + 1:
        args, keywords = args[:place], {**keywords, "out": args[place]}
    target = keywords.get("out", ...)
    if isinstance(target, tuple) and len(target) == 1:
        (target,) = target
    keywords = {name: item for name, item in keywords.items() if name != "out"}
    return args, keywords if target is ... or target is None else {**keywords, "out": target}


def _place(function: object, row: Row | None) -> int | None:
    """Where ``out`` stands among the arguments."""
    if isinstance(function, np.ufunc):
        return function.nin if function.nout == 1 else None
    if isinstance(row, Algebra):
        parameters = list(signature_of(row.lower).parameters.values())[1:]
        names = [known.name for known in parameters if known.kind is known.POSITIONAL_OR_KEYWORD]
        is_plain = not any(known.kind is known.VAR_POSITIONAL for known in parameters)
        return names.index("out") if is_plain and "out" in names else None
    return None


def check_pieces(frame: Frame, function: Callable[..., object], args: Arguments, target: object) -> None:
    """Functions that write one array after the other must not read later what they have overwritten."""
    if function in PIECEWISE and isinstance(target, Value):
        for part in leaves(args):
            check_apart(frame, target, part)


def into(
    frame: Frame, node: ast.expr, call: Callable[[Keywords], object], keywords: Keywords, *, is_elementwise: bool
) -> object:
    """A call with ``out=``: the result, where ``where`` holds, goes into an array that exists."""
    target, where = keywords["out"], keywords.get("where", True)
    if not isinstance(target, Value) or not frame.reader.aliasing.is_array(target):
        raise ArgumentError(f"out= is {describe(target)}, where an array is expected")
    if where is not True and not is_elementwise:
        raise NotYetSupported("where= of this function is not supported", remedy="use np.where")
    result = lifted(frame, call({name: item for name, item in keywords.items() if name not in {"out", "where"}}), node)
    if not np.can_cast(np.dtype(result.tensor.kind), np.dtype(target.tensor.kind), "same_kind"):
        kinds = f"{np.dtype(result.tensor.kind)} does not fit into an array of {np.dtype(target.tensor.kind)}"
        raise ArgumentError(f"out=: {kinds}", remedy="give an array of floats")
    if result.tensor.rank > target.tensor.rank:
        raise ArgumentError("out= has too few axes")
    copied(frame, node, target, result, None if where is True else where)
    return target
