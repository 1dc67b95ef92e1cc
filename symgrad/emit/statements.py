"""From codes to statements: what gets a name, in which order, and which name.

A code that is used more than once gets a name, and so does every value that the user named. Names are the user's;
names for adjoints come as hints (``dW``); no name collides with another one or with a name the user's code mentions.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symgrad.emit.memory import is_new, is_view
from symgrad.emit.printing import parse_template, to_source
from symgrad.emit.unpack import Unpacking
from symgrad.ir.code import Code

WIDTH = 100


@dataclass
class Statements:
    """Writes statements; ``reserved`` are names the user's code mentions, ``taken`` those that stand in the text."""

    reserved: set[str]
    taken: set[str]
    hints: Mapping[Code, str]
    modules: Mapping[str, str]
    uses: Counter[Code] = field(default_factory=Counter)
    named: dict[Code, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def count(self, roots: Iterable[Code]) -> list[Code]:
        """Count the uses of every code reachable from the roots; returns them, operands first."""
        order: dict[Code, None] = {}
        for root in roots:
            self.uses[root] += 1
            self._visit(root, order)
        for code in order:
            self.uses.update(code.operands)
        return list(order)

    def write(self, order: Iterable[Code]) -> None:
        """A statement for every code of the order that gets a name."""
        for code in order:
            if self._wants_name(code):
                self._assign(code)

    def unpack(self, unpacking: Unpacking) -> None:
        """One statement that names all elements of a vector."""
        known = {element: element for element in self.uses}
        codes = [known[element] for element in unpacking.elements]
        names = [self._user_name(code.name) if code.name else self._new_name(_hint(code)) for code in codes]
        self.named.update(zip(codes, names, strict=True))
        value = to_source(self.expression(unpacking.vector)) + (".tolist()" if unpacking.plain else "")
        line = next((code.line for code in codes if code.line is not None), None)
        text = f"{', '.join(names)}{',' if len(names) == 1 else ''} = {value}"
        self.lines.append(text if line is None else f"{text}  # line {line}")

    def expression(self, code: Code) -> ast.expr:
        """The code as an expression over names."""
        if code in self.named:
            return ast.Name(self.named[code], ast.Load())
        if not code.operands and code.template.isidentifier():
            return ast.Name(code.template, ast.Load())
        (statement,) = parse_template(code.template)
        filled = self._fill(statement, code)
        assert isinstance(filled, ast.Expr)
        return filled.value

    def _visit(self, root: Code, order: dict[Code, None]) -> None:
        stack: list[tuple[Code, bool]] = [(root, False)]
        while stack:
            code, done = stack.pop()
            if done:
                order.setdefault(code)
            elif code not in order:
                stack.append((code, True))
                stack.extend((operand, False) for operand in reversed(code.operands))

    def _wants_name(self, code: Code) -> bool:
        if code in self.named or not code.operands:
            return False
        return is_block(code) or code.name is not None or (self.uses[code] > 1 and not trivial(code))

    def _assign(self, code: Code) -> None:
        name = (
            self._user_name(code.name) if code.name is not None else self._new_name(self.hints.get(code) or _hint(code))
        )
        if is_block(code):
            self.lines += [to_source(self._fill(s, code, name)) for s in parse_template(code.template)]
        else:
            self._statement(code, name)
        self.named[code] = name

    def _statement(self, code: Code, name: str) -> None:
        """An assignment; while its line is long, the largest operand gets a name first."""
        while True:
            text = to_source(ast.Assign([ast.Name(name, ast.Store())], self.expression(code)))
            part = self._largest_part(code) if len(text) > WIDTH else None
            if part is None:
                break
            self._assign(part)
        self.lines.append(text if code.line is None else f"{text}  # line {code.line}")

    def _largest_part(self, code: Code) -> Code | None:
        inner = [operand for operand in code.operands if operand not in self.named and not trivial(operand)]
        return max(inner, key=lambda operand: len(to_source(self.expression(operand))), default=None)

    def shorten(self, code: Code) -> None:
        """Name operands of a returned expression until it fits on a line."""
        code = code.operands[0] if code.template == "_0" else code
        while len(to_source(ast.Return(self.expression(code)))) > WIDTH:
            part = self._largest_part(code)
            if part is None:
                return
            self._assign(part)

    def _user_name(self, variable: str) -> str:
        return self._free(variable, self.taken)

    def _new_name(self, hint: str) -> str:
        return self._free(hint, self.taken | self.reserved)

    def _free(self, hint: str, avoid: set[str]) -> str:
        name, count = hint, 0
        while name in avoid or name in self.modules.values():
            count += 1
            name = f"{hint}_{count}"
        self.taken.add(name)
        return name

    def _fill(self, tree: ast.stmt, code: Code, target: str = "_") -> ast.AST:
        operands = {f"_{k}": operand for k, operand in enumerate(code.operands)}
        filled: ast.AST = _Filler(self, operands, target).visit(copy.deepcopy(tree))
        return filled


class _Filler(ast.NodeTransformer):
    """Puts operands for placeholders and module aliases for modules."""

    def __init__(self, statements: Statements, operands: Mapping[str, Code], target: str) -> None:
        self.statements, self.operands, self.target = statements, operands, target

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.operands:
            return self.statements.expression(self.operands[node.id])
        if node.id == "_":
            return ast.Name(self.target, node.ctx)
        return ast.Name(self.statements.modules.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == "fresh":
            return self._fresh(node.args[0])
        if isinstance(node.func, ast.Name) and node.func.id == "float" and "float" in self.statements.taken:
            value = self.visit(node.args[0])
            return ast.Call(ast.Attribute(value, "item", ast.Load()), [], [])
        visited = self.generic_visit(node)
        assert isinstance(visited, ast.expr)
        return visited

    def _fresh(self, argument: ast.expr) -> ast.expr:
        """An array that nobody else holds: the operand's value if it was computed for this use, else a copy."""
        assert isinstance(argument, ast.Name)
        code = self.operands[argument.id]
        value = self.statements.expression(code)
        if self.statements.uses[code] == 1 and code not in self.statements.named and is_new(code):
            return value
        return ast.Call(ast.Attribute(value, "copy", ast.Load()), [], [])


def _hint(code: Code) -> str:
    """A name for a value that nobody named: ``p_0`` for ``p[0]``."""
    if is_element(code) and code.operands[0].template.isidentifier():
        digits = "".join(c if c.isdigit() else "_" for c in code.template[3:-1]).strip("_")
        return f"{code.operands[0].template}_{digits}"
    return "t"


def is_block(code: Code) -> bool:
    """Whether a template is a statement or several, which define ``_``."""
    return code.template.startswith("_ = ")


def trivial(code: Code) -> bool:
    """Whether a code is as cheap as a name: a constant, a length, a transpose or a view of a name."""
    if not code.operands:
        return True
    cheap = (is_view(code) and not is_element(code)) or code.template.startswith("_0.shape")
    return cheap and all(trivial(operand) for operand in code.operands)


def is_element(code: Code) -> bool:
    """Whether a code reads one element of an array at literal positions."""
    return code.template.startswith("_0[") and set(code.template[3:-1]) <= set("0123456789-, ")
