"""Conditions on sizes as Python text for the guard."""

from __future__ import annotations

from symgrad.ir.kinds import is_floating
from symgrad.ir.program import Program
from symgrad.ir.tensor import Entry, Expr


def condition_texts(program: Program) -> tuple[str, ...]:
    """What must hold of the sizes of a call besides its signature."""
    places = _places(program)
    conditions = program.builder.sizes.conditions
    texts = (
        f"{_text(condition.left, places)} {'==' if condition.equal else '!='} {_text(condition.right, places)}"
        for condition in conditions
    )
    return tuple(dict.fromkeys(texts))


def _places(program: Program) -> dict[Expr, str]:
    """Python text for every size symbol."""
    places: dict[Expr, str] = {}
    for source in program.inputs:
        tensor = source.value.tensor
        for axis, index in enumerate(tensor.indices):
            if index is not None:
                places.setdefault(index.size, f"{source.access}.shape[{axis}]")
        if isinstance(tensor.expr, Entry) and not tensor.indices and not is_floating(tensor.kind):
            places.setdefault(tensor.expr, source.access)
    return places


def _text(size: Expr, places: dict[Expr, str]) -> str:
    symbols = sorted(size.free_symbols, key=str)
    named = {symbol: places[symbol] for symbol in symbols}
    text = str(size)
    for symbol in sorted(symbols, key=lambda s: -len(str(s))):
        text = text.replace(str(symbol), named[symbol])
    return text
