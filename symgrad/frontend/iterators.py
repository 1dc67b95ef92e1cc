"""Iterators: ``zip``, ``map``, ``itertools`` and their kin give their items one after the other, and once."""

from __future__ import annotations

import ast
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, NotYetSupported
from symgrad.frontend.attributes import item
from symgrad.frontend.containers import static_key
from symgrad.frontend.frame import Frame
from symgrad.frontend.operators import binary
from symgrad.frontend.streams import drawn, stream
from symgrad.frontend.truth import elements, truth
from symgrad.frontend.values import Stream, describe
from symgrad.ir.program import Value

Arguments = Sequence[object]
Keywords = Mapping[str, object]
Handler = Callable[[Frame, ast.expr, Arguments, Keywords], object]


def native(function: Callable[..., Iterable[Any]], *, iterables: int | None = None) -> Handler:
    """A function of iterables that does not look at the items: the first ``iterables`` arguments, or all.

    What else it takes has to be known while compiling, except for ``fillvalue``.
    """

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        count = len(args) if iterables is None else iterables
        rest = [static_key(frame, argument, "an argument") for argument in args[count:]]
        named = {
            name: value if name == "fillvalue" else static_key(frame, value, f"the argument {name}")
            for name, value in keywords.items()
        }

        def items() -> Iterator[object]:
            yield from function(*(drawn(frame, argument) for argument in args[:count]), *rest, **named)

        return stream(frame, node, items())

    return handler


def _map(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) < 2 or keywords:
        raise ArgumentError("map takes a function and iterables")
    rows = zip(*(drawn(frame, argument) for argument in args[1:]), strict=False)
    return stream(frame, node, (frame.reader.call(frame, node, args[0], row, {}) for row in rows))


def _starmap(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 2 or keywords:
        raise ArgumentError("starmap takes a function and an iterable")
    rows = (elements(frame, row) for row in drawn(frame, args[1]))
    return stream(frame, node, (frame.reader.call(frame, node, args[0], row, {}) for row in rows))


def selecting(function: Callable[..., Iterator[object]]) -> Handler:
    """``filter`` and its kin, which ask whether a function of an item is true."""

    def handler(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
        if len(args) != 2 or keywords:
            raise ArgumentError(f"{function.__name__} takes a function and an iterable")

        def holds(item: object) -> bool:
            kept = args[0] is None or args[0] is bool
            return truth(frame, node, item if kept else frame.reader.call(frame, node, args[0], (item,), {}))

        return stream(frame, node, function(holds, drawn(frame, args[1])))

    return handler


def _reduce(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) not in {2, 3} or keywords:
        raise ArgumentError("reduce takes a function, an iterable and a first value")
    items = itertools.chain(args[2:], drawn(frame, args[1]))
    with frame.evaluating(node):
        return functools.reduce(lambda left, right: frame.reader.call(frame, node, args[0], (left, right), {}), items)


def _accumulate(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if not 1 <= len(args) <= 2 or not keywords.keys() <= {"func", "initial"}:
        raise ArgumentError("accumulate takes an iterable, a function and the argument initial")
    function = args[1] if len(args) == 2 else keywords.get("func")

    def step(left: object, right: object) -> object:
        if function is None:
            return binary(frame, node, ast.Add, left, right)
        return frame.reader.call(frame, node, function, (left, right), {})

    first: Any = keywords.get("initial")
    return stream(frame, node, itertools.accumulate(drawn(frame, args[0]), step, initial=first))


def _repeat(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if not args or keywords.keys() - {"times"}:
        raise ArgumentError("repeat takes an object and a number of times")
    times = [static_key(frame, argument, "the number of times") for argument in (*args[1:], *keywords.values())]
    with frame.evaluating(node):
        return stream(frame, node, itertools.repeat(args[0], *times))


def _reversed(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or keywords or isinstance(args[0], Stream | set | frozenset):
        raise ArgumentError("reversed takes a sequence")
    items = (item for sequence in args for item in reversed(elements(frame, sequence)))
    return stream(frame, node, items)


def _iter(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) != 1 or keywords:
        raise NotYetSupported("iter with a function is not supported", remedy="write a loop")
    return args[0] if isinstance(args[0], Stream) else stream(frame, node, drawn(frame, args[0]))


def _next(_frame: Frame, _node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    if len(args) not in {1, 2} or keywords or not isinstance(args[0], Stream):
        raise ArgumentError(f"next takes an iterator, not {describe(args[0]) if args else 'nothing'}")
    end = object()
    found = next(args[0], args[1] if len(args) == 2 else end)
    if found is end:
        raise ArgumentError("the iterator has no more items", remedy="give next a default value")
    return found


def _indices(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``np.ndindex(*shape)``."""
    if keywords:
        raise ArgumentError("ndindex takes lengths only")
    shape = args[0] if len(args) == 1 and isinstance(args[0], tuple | list) else args
    with frame.evaluating(node):
        return stream(frame, node, np.ndindex(*(_length(frame, length) for length in shape)))


def _length(frame: Frame, length: Any) -> int:
    """A length that is compiled in."""
    length = frame.reader.captures.specialised(length)
    if isinstance(length, Value) and not length.tensor.rank and length.tensor.kind is int:
        return frame.builder.sizes.specialise(length.tensor.expr)
    return operator.index(length)


def _enumerated(frame: Frame, node: ast.expr, args: Arguments, keywords: Keywords) -> object:
    """``np.ndenumerate(array)``."""
    if len(args) != 1 or keywords or not isinstance(args[0], Value):
        raise ArgumentError("ndenumerate takes an array")
    array, line = args[0], frame.line(node)
    lengths = [frame.builder.sizes.specialise(length) for length in array.tensor.shape]
    return stream(frame, node, ((place, item(frame, array, place, line)) for place in np.ndindex(*lengths)))


_ALL = (zip, itertools.chain, itertools.product, itertools.pairwise, itertools.zip_longest)
_FIRST = (enumerate, itertools.islice, itertools.cycle, itertools.combinations, itertools.permutations)
ITERATORS: Mapping[Any, Handler] = {
    **{function: native(function) for function in _ALL},
    **{function: native(function, iterables=1) for function in _FIRST},
    itertools.combinations_with_replacement: native(itertools.combinations_with_replacement, iterables=1),
    itertools.count: native(itertools.count, iterables=0),
    itertools.chain.from_iterable: lambda frame, node, args, keywords: native(itertools.chain)(
        frame, node, elements(frame, args[0]), keywords
    ),
    **{function: selecting(function) for function in (filter, itertools.takewhile, itertools.dropwhile)},
    itertools.filterfalse: selecting(itertools.filterfalse),
    itertools.starmap: _starmap,
    itertools.accumulate: _accumulate,
    itertools.repeat: _repeat,
    map: _map,
    functools.reduce: _reduce,
    reversed: _reversed,
    iter: _iter,
    next: _next,
    np.ndindex: _indices,
    np.ndenumerate: _enumerated,
}
"""Handlers of functions that make iterators or read them."""
