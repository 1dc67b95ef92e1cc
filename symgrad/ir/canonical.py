"""Canonical text of an index expression: equal for expressions that differ only in the names of their indices.

Indices are numbered in the order in which a fixed traversal meets them. Arguments of commutative operations are
visited in the order of their *blank* text (the text without indices); arguments with equal blank text are tried in
every order, and the least text wins. The result is the key under which equations are shared. An index that runs over
a whole axis of an entry needs no more than its number; any other is written with its size, so that ``Sum_i v[i]`` over
``v[:-1]`` is not the sum over ``v``.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

import sympy

from symgrad.ir.tensor import Entry, Expr, Index, entries, index_symbols

Token = str | Index
MOST_ORDERS = 24


@lru_cache(maxsize=65536)
def blank(expr: Expr) -> str:
    """The text of an expression with every index left out."""
    match expr:
        case Index():
            return "."
        case Entry():
            return f"{'~' if expr.negated else ''}{expr.ref.name}({','.join(map(blank, expr.indices))})"
        case _ if not expr.args:
            return str(expr)
    parts = [blank(argument) for argument in expr.args]
    return f"{type(expr).__name__}({','.join(sorted(parts) if _commutes(expr) else parts)})"


def canonical(
    expr: Expr, bound: Collection[Index] = (), same: Callable[[Expr, Expr], bool] = operator.eq
) -> tuple[str, tuple[Index, ...]]:
    """The canonical text, and the free indices in canonical order; ``same`` says which sizes are equal."""
    labels = {index: "b" if index in bound else "f" for index in index_symbols(expr)}
    labels.update({index: f"{index.size}{labels[index]}" for index in partial(expr, same)})
    text, indices = min((_numbered(order, labels) for order in _orders(expr)), key=lambda named: named[0])
    return text, tuple(index for index in indices if index not in bound)


def partial(expr: Expr, same: Callable[[Expr, Expr], bool]) -> frozenset[Index]:
    """The indices that do not run over a whole axis of an entry."""
    axes = (axis for entry in entries(expr) for axis in zip(entry.indices, entry.ref.shape, strict=True))
    return index_symbols(expr) - {index for index, size in axes if isinstance(index, Index) and same(index.size, size)}


def _commutes(expr: Expr) -> bool:
    return isinstance(expr, sympy.Add | sympy.Mul)


def _orders(expr: Expr) -> list[tuple[Token, ...]]:
    """The expression as a sequence of tokens, once for each order that ties leave open."""
    match expr:
        case Index():
            return [(expr,)]
        case Entry():
            head, children = f"{'~' if expr.negated else ''}{expr.ref.name}(", [expr.indices]
        case _ if not expr.args:
            return [(str(expr),)]
        case _:
            head = f"{type(expr).__name__}("
            children = list(_arrangements(expr.args)) if _commutes(expr) else [expr.args]
    found = (_joined(head, parts) for child in children for parts in itertools.product(*map(_orders, child)))
    return list(itertools.islice(found, MOST_ORDERS))


def _arrangements(arguments: Iterable[Expr]) -> Iterable[tuple[Expr, ...]]:
    """The orders of commuting arguments that their blank texts leave open."""
    ranked = sorted(arguments, key=blank)
    groups = [tuple(group) for _, group in itertools.groupby(ranked, key=blank)]
    permuted = [itertools.permutations(group) for group in groups]
    for choice in itertools.islice(itertools.product(*permuted), MOST_ORDERS):
        yield tuple(itertools.chain.from_iterable(choice))


def _joined(head: str, parts: Iterable[tuple[Token, ...]]) -> tuple[Token, ...]:
    tokens: list[Token] = [head]
    for part in parts:
        tokens.extend(part)
        tokens.append(",")
    tokens.append(")")
    return tuple(tokens)


def _numbered(tokens: tuple[Token, ...], labels: Mapping[Index, str]) -> tuple[str, tuple[Index, ...]]:
    numbers: dict[Index, str] = {}
    for token in tokens:
        if isinstance(token, Index) and token not in numbers:
            numbers[token] = f"{labels[token]}{len(numbers)}"
    text = "".join(numbers[token] if isinstance(token, Index) else token for token in tokens)
    return text, tuple(numbers)
