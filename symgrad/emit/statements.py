"""From codes to statements: what gets a name, in which order, and which name.

A code that is used more than once gets a name, and so does every value that the user named. Names are the user's;
names for adjoints come as hints (``dW``); no name collides with another one or with a name the user's code mentions.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from symgrad.emit.compound import BranchText, LoopText, compound
from symgrad.emit.formulas import FormulaText
from symgrad.emit.lifetimes import Lifetimes
from symgrad.emit.memory import is_block, is_constant, is_new, trivial
from symgrad.emit.names import Names
from symgrad.emit.overwriting import change, copied_array, overwritten, reads
from symgrad.emit.printing import parse_template, to_source
from symgrad.emit.scope import Scope
from symgrad.emit.suites import Suites
from symgrad.emit.unpack import Unpacking
from symgrad.ir.code import Code

WIDTH = 100
SHORT, LONGEST = 6, 400
"""The length of a name, and of the longest text that is written inside of another."""
DO = "@do"
"""How the template of a statement without a value begins."""


@dataclass
class Statements:
    """Writes the statements of one region.

    ``outside`` are codes of the regions around it, which are named there; those that are met are ``imports``. ``owned``
    are arrays that may be changed in place once nobody reads them any more: those of this region's own, and of others;
    ``origins`` are what the results of blocks may be the memory of, ``changed`` what has been changed in place, and
    ``copied`` views that have been copied; ``starts`` are what blocks carry at first, and what they leave.
    """

    names: Names
    suites: Suites
    outside: Set[Code] = frozenset()
    named: Scope = field(default_factory=Scope)
    around: Statements | None = None
    owned: set[Code] = field(default_factory=set)
    changed: set[Code] = field(default_factory=set)
    copied: set[Code] = field(default_factory=set)
    origins: dict[Code, set[Code]] = field(default_factory=dict)
    starts: dict[Code, list[Code]] = field(default_factory=dict)
    imports: dict[Code, None] = field(default_factory=dict)
    inner: dict[Code, LoopText | BranchText | FormulaText] = field(default_factory=dict)
    leaves: Set[Code] = frozenset()
    results: Mapping[Code, list[Code]] = field(default_factory=dict)
    forced: Set[Code] = frozenset()
    uses: Counter[Code] = field(default_factory=Counter)
    order: dict[Code, None] = field(default_factory=dict)
    heavy: set[Code] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    life: Lifetimes = field(default_factory=lambda: Lifetimes({}, set()))

    def inside(self, outside: Set[Code], leaves: Set[Code]) -> Statements:
        """A writer for a region inside of this one, which binds ``leaves``."""
        around = (outside | self.outside | self.leaves) - leaves
        return Statements(
            self.names, self.suites, around, self.named.inside(around), self, leaves=leaves, starts=self.starts
        )

    def count(self, roots: Iterable[Code], sequence: Iterable[Code] = ()) -> list[Code]:
        """Order what the roots need, operands first and the user's statements as they stand, and count its uses."""
        roots = list(roots)
        reached: dict[Code, None] = {}
        for root in roots:
            self._visit(root, reached)
        for code in (*(code for code in sequence if code in reached), *roots):
            self._visit(code, self.order)
        for root in roots:
            self.uses[root] += 1
        consumers: dict[Code, list[Code]] = {}
        for code in self.order:
            for operand, weight in self.operands(code):
                self.uses[operand] += weight
                consumers.setdefault(operand, []).append(code)
        self._weigh()
        kept = {root for root in roots if not root.template.startswith(DO)}
        places = {code: k for k, code in enumerate(self.order)}
        self.life = Lifetimes(consumers, kept, places, self._is_statement, self.suites.scalars)
        return list(self.order)

    def _weigh(self) -> None:
        """Find what is too long to be written inside of anything else."""
        lengths: dict[Code, int] = {}
        for code in self.order:
            inner = (SHORT if self._wants_name(part) else lengths.get(part, SHORT) for part in code.operands)
            lengths[code] = len(code.template) + sum(inner)
            if lengths[code] > LONGEST:
                self.heavy.add(code)

    def operands(self, code: Code) -> list[tuple[Code, int]]:
        """What has to be there before a code is computed, and how often it is read."""
        if code in self.leaves:
            return []
        if code in self.suites.bound:
            return [(self.suites.bound[code].code, 0)]
        if code in self.suites.by_code:
            return self._compound(code).needs()
        return [(operand, 1) for operand in code.operands]

    def _compound(self, code: Code) -> LoopText | BranchText | FormulaText:
        if code not in self.inner:
            self.inner[code] = compound(self, self.suites.by_code[code])
        return self.inner[code]

    def _visit(self, root: Code, order: dict[Code, None]) -> None:
        stack: list[tuple[Code, bool]] = [(root, False)]
        while stack:
            code, done = stack.pop()
            if done:
                order.setdefault(code)
            elif code in self.outside:
                self.imports.setdefault(code)
            elif code not in order:
                stack.append((code, True))
                stack.extend((operand, False) for operand, _ in reversed(self.operands(code)))

    def write(self, order: Iterable[Code]) -> None:
        """A statement for every code of the order that gets a name, and every suite."""
        for code in order:
            if code in self.suites.by_code:
                self.inner[code].write()
            elif code.template.startswith(DO):
                self._do(code)
            elif self._wants_name(code):
                self.assign(code)

    def _do(self, code: Code) -> None:
        """A statement that gives nothing."""
        (statement,) = parse_template(code.template.partition(" ")[2])
        self.lines.append(to_source(self.fill(statement, code)))

    def moves(self) -> list[str]:
        """What has to be copied to the names that the region's results have outside."""
        pairs = [(self.named[leaf], code) for code, leaves in self.results.items() for leaf in leaves]
        wanted = [(name, self.expression(code)) for name, code in pairs if self.named.get(code) != name]
        read = {node.id for _, value in wanted for node in ast.walk(value) if isinstance(node, ast.Name)}
        if len(wanted) > 1 and read & {name for name, _ in wanted}:
            targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name, _ in wanted]
            values: list[ast.expr] = [value for _, value in wanted]
            return [to_source(ast.Assign([ast.Tuple(targets, ast.Store())], ast.Tuple(values, ast.Load())))]
        return [to_source(ast.Assign([ast.Name(name, ast.Store())], value)) for name, value in wanted]

    def unpack(self, unpacking: Unpacking) -> None:
        """One statement that names all elements of a vector."""
        known = {element: element for element in self.uses}
        codes = [known[element] for element in unpacking.elements]
        names = [self.names.of(code) for code in codes]
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
        value = self.expression(unpacking.vector)
        if unpacking.plain:
            value = ast.Call(ast.Attribute(value, "tolist", ast.Load()), [], [])
        target: ast.expr = ast.Tuple(targets, ast.Store()) if len(targets) > 1 else ast.List(targets, ast.Store())
        line = next((code.line for code in codes if code.line is not None), None)
        self.named.update(zip(codes, names, strict=True))
        text = to_source(ast.Assign([target], value))
        self.lines.append(text if line is None else f"{text}  # line {line}")

    def expression(self, code: Code) -> ast.expr:
        """The code as an expression over names."""
        if code in self.named:
            return ast.Name(self.named[code], ast.Load())
        if code in self.outside and self.around is not None:
            return self.around.expression(code)
        if not code.operands and code.template.isidentifier():
            return ast.Name(code.template, ast.Load())
        (statement,) = parse_template(code.template)
        filled = self.fill(statement, code)
        assert isinstance(filled, ast.Expr)
        return filled.value

    def _is_statement(self, code: Code) -> bool:
        written = code in self.suites.by_code or code.template.startswith(DO) or code in self.named
        return written or self._wants_name(code)

    def _wants_name(self, code: Code) -> bool:
        if code in self.named or code in self.suites.bound:
            return False
        if code in self.outside or code in self.leaves or code.template.startswith(("@", "reversed(")):
            return False
        if code in self.results or code in self.forced:
            several = len(self.results.get(code, ())) > 1 and is_constant(code)
            return bool(code.operands) and not several
        if not code.operands:
            return False
        shared = self.uses[code] > 1 and not trivial(code)
        return is_block(code) or code.name is not None or shared or code in self.heavy

    def assign(self, code: Code) -> None:
        """A statement that gives a code its name."""
        over = overwritten(self, code)
        if over is not None:
            change(self, code, over)
            return
        name = self._target(code, code)
        if is_block(code):
            self.lines += [to_source(self.fill(s, code, name)) for s in parse_template(code.template)]
            self.named[code] = name
        else:
            self._statement(code, name)

    def assign_before(self, code: Code, block: Code) -> None:
        """A statement that gives a code its name, before a block is written that changes what the code reads."""
        self._statement(code, self._target(code, block))

    def _target(self, code: Code, at: Code) -> str:
        """The name that a code gets as ``at`` is written: that of what it replaces, if that is read no more."""
        for leaf in self.results.get(code, ()) if at not in self.outside else ():
            name = self.named[leaf]
            free = all(self._may_replace(at, holder) for holder in (*self.holders(name), leaf))
            if free and not self.is_mentioned(name, at):
                return name
        return self.names.of(code)

    def holders(self, name: str) -> list[Code]:
        """What has a name now, and is read in this region or kept."""
        return [code for code in (*self.life.consumers, *self.life.kept) if self.named.get(code) == name]

    def is_mentioned(self, name: str, code: Code) -> bool:
        """Whether a name stands in what is written here, though it belongs to a region around: later than ``code``,
        or where several statements compute that.
        """
        inlined = [other for other in self.imports if other not in self.named]
        late = [other for other in inlined if self.life.readers_after(other, code)]
        parts = (*late, *(code.operands if is_block(code) else ()))
        nodes = (node for part in parts for node in ast.walk(self.expression(part)))
        return any(isinstance(node, ast.Name) and node.id == name for node in nodes)

    def _may_replace(self, code: Code, holder: Code) -> bool:
        """Whether a value may take the name of another one: nobody reads that later, nor do several statements here."""
        again = is_block(code) and any(reads(self, operand, holder) for operand in code.operands)
        return not again and self.life.ends_at(holder, code)

    def _statement(self, code: Code, name: str) -> None:
        """An assignment; while its line is long, the largest operand gets a name first."""
        while True:
            text = to_source(ast.Assign([ast.Name(name, ast.Store())], self.expression(code)))
            part = self._largest_part(code) if len(text) > WIDTH else None
            if part is None:
                break
            self.assign(part)
        self.lines.append(text if code.line is None else f"{text}  # line {code.line}")
        self.named[code] = name

    def _largest_part(self, code: Code) -> Code | None:
        """The operand with the longest text; none of what belongs to a region around, where its operands are known."""
        if code in self.outside:
            return None
        inner = [operand for operand in code.operands if operand not in self.named and not trivial(operand)]
        return max(inner, key=lambda operand: len(to_source(self.expression(operand))), default=None)

    def shorten(self, code: Code) -> None:
        """Name operands of a returned expression until it fits on a line."""
        code = code.operands[0] if code.template == "_0" else code
        while len(to_source(ast.Return(self.expression(code)))) > WIDTH:
            part = self._largest_part(code)
            if part is None:
                return
            self.assign(part)

    def fill(self, tree: ast.stmt, code: Code, target: str = "_") -> ast.AST:
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
        return ast.Name(self.statements.names.modules.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == "fresh":
            return self._fresh(node.args[0])
        if isinstance(node.func, ast.Name) and node.func.id == "float" and "float" in self.statements.names.taken:
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
        return copied_array(self.statements, value, code)
