"""Conditions on sizes as Python text for the guard."""

from __future__ import annotations

from sympy.printing.str import StrPrinter

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
            places.setdefault(tensor.expr, source.access if tensor.kind is int else f"int({source.access})")
    return places


class _Python(StrPrinter):
    """Integer expressions as Python text, size symbols by their places."""

    def __init__(self, places: dict[Expr, str]) -> None:
        super().__init__()
        self.places = places

    def _print_Symbol(self, expr: Expr) -> str:
        return self.places[expr]

    def _print_Max(self, expr: Expr) -> str:
        return f"max({', '.join(map(self.doprint, expr.args))})"

    def _print_Min(self, expr: Expr) -> str:
        return f"min({', '.join(map(self.doprint, expr.args))})"

    def _print_Maximum(self, expr: Expr) -> str:
        return self._print_Max(expr)

    def _print_Minimum(self, expr: Expr) -> str:
        return self._print_Min(expr)

    def _print_Rational(self, expr: Expr) -> str:
        return f"{expr.p} / {expr.q}"

    def _print_Modulo(self, expr: Expr) -> str:
        return f"(({self.doprint(expr.args[0])}) % ({self.doprint(expr.args[1])}))"

    def _print_Wrapped(self, expr: Expr) -> str:
        return self._print_Modulo(expr)

    def _print_FloorDivide(self, expr: Expr) -> str:
        return f"(({self.doprint(expr.args[0])}) // ({self.doprint(expr.args[1])}))"


def _text(size: Expr, places: dict[Expr, str]) -> str:
    return str(_Python(places).doprint(size))
