"""The part of a guard that looks at the sizes of arrays: each shape is read once."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.ir.signature import ArrayArg
from symgrad.runtime.names import Names
from symgrad.runtime.type_tests import Place


class SizeTests:
    """Tests on the sizes of the arrays at some places, written over one variable for each axis."""

    def __init__(self, places: list[Place], conditions: tuple[str, ...], names: Names) -> None:
        self._ones: dict[str, bool] = {}
        self._axes: dict[str, list[str]] = {}
        self.lines: list[str] = []
        for place in places:
            if isinstance(place.arg, ArrayArg) and place.arg.ones:
                self._read(place, place.arg.ones, names)
        rewritten = [_SizeNames(self._axes).visit(ast.parse(text, mode="eval").body) for text in conditions]
        self.tests = [*self._one_tests(rewritten), *(_bracketed(condition) for condition in rewritten)]

    def _read(self, place: Place, ones: tuple[bool, ...], names: Names) -> None:
        axes = [names.fresh(f"{place.name}_{axis}") for axis in range(len(ones))]
        self.lines.append(
            f"{', '.join(axes)} = {place.name}.shape" if len(axes) > 1 else f"({axes[0]},) = {place.name}.shape"
        )
        self._axes[ast.unparse(ast.parse(place.access, mode="eval"))] = axes
        self._ones.update(zip(axes, ones, strict=True))

    def _one_tests(self, conditions: list[ast.expr]) -> Iterator[str]:
        """``n == 1`` or ``n != 1`` for one axis of each set of axes that the conditions make equal."""
        first = self._representatives(conditions)
        seen = {(first[axis], False) for axis in self._known(conditions)}
        for axis, one in self._ones.items():
            if (first[axis], one) not in seen:
                seen.add((first[axis], one))
                yield f"{axis} {'==' if one else '!='} 1"

    def _known(self, conditions: list[ast.expr]) -> Iterator[str]:
        """The axes that a condition gives a length other than one."""
        for condition in conditions:
            match condition:
                case ast.Compare(left=ast.Name(axis), ops=[ast.Eq()], comparators=[ast.Constant(int(length))]) if (
                    axis in self._ones and length != 1
                ):
                    yield axis

    def _representatives(self, conditions: list[ast.expr]) -> dict[str, str]:
        first = {axis: axis for axis in self._ones}
        for condition in conditions:
            match condition:
                case ast.Compare(left=ast.Name(a), ops=[ast.Eq()], comparators=[ast.Name(b)]) if (
                    a in first and b in first
                ):
                    first = {axis: first[a] if root == first[b] else root for axis, root in first.items()}
        return first


class _SizeNames(ast.NodeTransformer):
    """Writes ``X.shape[0]`` as the variable that holds it."""

    def __init__(self, axes: dict[str, list[str]]) -> None:
        self._axes = axes

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(value=ast.Attribute(value=array, attr="shape"), slice=ast.Constant(value=int(axis))):
                axes = self._axes.get(ast.unparse(array), [])
                if axis < len(axes):
                    return ast.Name(axes[axis], ast.Load())
        return self.generic_visit(node)


def _bracketed(condition: ast.expr) -> str:
    text = ast.unparse(condition)
    return f"({text})" if isinstance(condition, (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)) else text
