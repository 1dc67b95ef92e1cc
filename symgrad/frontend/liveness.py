"""Liveness: which variables of a function may be read later.

The usual backward analysis over its statements (Aho, Lam, Sethi, Ullman: Compilers, 9.2.5). What an inner function or
a generator reads may be read at any time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from symgrad.frontend.source import FunctionNode

Names = frozenset[str]
NONE: Names = frozenset()
DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
LOOKING = frozenset({"locals", "vars", "eval", "exec", "dir", "super"})
"""Functions that may read any variable."""


class Rewritten(ast.While):
    """A loop that stands for one of the user's, its ``origin``."""

    def __init__(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], origin: ast.stmt) -> None:
        super().__init__(test, body, orelse)
        self.origin = origin


@dataclass(frozen=True)
class Exits:
    """What is read where control goes: ``after`` a statement, after ``break`` and ``continue``, and ``anywhere``."""

    after: Names = NONE
    stop: Names = NONE
    skip: Names = NONE
    anywhere: Names = NONE


@dataclass(frozen=True)
class Liveness:
    """The variables that may be read after a statement, and at the beginning of a round of a loop, by ``id``.

    ``escaping`` are read by what is called later; None where any variable may be read at any time. ``names`` are the
    user's: others belong to rewritten loops.
    """

    node: FunctionNode
    escaping: Names | None
    names: Names
    later: dict[int, Names] = field(default_factory=dict)
    heads: dict[int, Names] = field(default_factory=dict)

    def after(self, statement: ast.stmt | None) -> Names | None:
        """What may be read from the moment on at which a statement is being executed; None for everything."""
        if statement is None or self.escaping is None or id(statement) not in self.later:
            return None
        return self.later[id(statement)] | reads(statement) | self.escaping

    def is_carried(self, loop: ast.stmt, name: str) -> bool:
        """Whether a variable that a loop sets may be read by a later round, or after the loop."""
        loop = loop.origin if isinstance(loop, Rewritten) else loop
        if self.escaping is None or id(loop) not in self.heads or name not in self.names:
            return True
        return name in self.heads[id(loop)] or name in self.escaping


@lru_cache(maxsize=256)
def liveness(node: FunctionNode) -> Liveness:
    """The liveness of the variables of one function."""
    parts = list(ast.walk(node))
    is_seen = any(_sees(part) for part in parts) or isinstance(node, ast.Lambda)
    declared = {name for part in parts if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names}
    inner = [part for part in parts if isinstance(part, DEFERRED) and part is not node]
    read = {part.id for outer in inner for part in ast.walk(outer) if isinstance(part, ast.Name)}
    names = frozenset(part.id for part in parts if isinstance(part, ast.Name))
    found = Liveness(node, None if is_seen else frozenset(declared | read), names)
    if not isinstance(node, ast.Lambda):
        _block(found, node.body, Exits())
    return found


def _sees(node: ast.AST) -> bool:
    """Whether a part of a function may read any variable, or runs after what is returned was computed."""
    return (isinstance(node, ast.Name) and node.id in LOOKING) or (isinstance(node, ast.Try) and bool(node.finalbody))


@lru_cache(maxsize=4096)
def reads(node: ast.AST) -> Names:
    """The variables that a statement or an expression may read."""
    return frozenset(_reads(node))


def _reads(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            yield part.target.id
        elif isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store):
            yield part.id


def _read(*nodes: ast.AST | None) -> Names:
    return NONE.union(*(reads(node) for node in nodes if node is not None))


def _block(found: Liveness, statements: Sequence[ast.stmt], exits: Exits) -> Names:
    """What may be read from the beginning of a block on."""
    after = exits.after
    for statement in reversed(statements):
        found.later[id(statement)] = after | exits.anywhere | found.later.get(id(statement), NONE)
        after = _statement(found, statement, replace(exits, after=after)) | exits.anywhere
    return after


def _statement(found: Liveness, node: ast.stmt, exits: Exits) -> Names:
    """What may be read from before a statement on."""
    match node:
        case ast.Return() | ast.Raise():
            return reads(node)
        case ast.Break():
            return exits.stop
        case ast.Continue():
            return exits.skip
        case ast.Assign(targets, value):
            return (exits.after - _set(targets)) | _read(value, *_places(targets))
        case ast.If(test, body, orelse):
            return _read(test) | _block(found, body, exits) | _block(found, orelse, exits)
        case ast.For() | ast.While():
            return _loop(found, node, exits)
        case ast.With(items, body):
            return _read(*items) | _block(found, body, exits)
        case ast.Match(subject, cases):
            inside = [_block(found, case.body, exits) | _read(case.pattern, case.guard) for case in cases]
            return _read(subject).union(exits.after, *inside)
        case ast.Try():
            return _try(found, node, exits)
    return exits.after | reads(node)


def _loop(found: Liveness, node: ast.For | ast.While, exits: Exits) -> Names:
    """The head of a loop is where a round begins, or the loop ends: its names are a fixed point."""
    targets, test = (_set([node.target]), _read(node.target)) if isinstance(node, ast.For) else (NONE, _read(node.test))
    head = _block(found, node.orelse, exits) | test
    while True:
        inner = replace(exits, after=head, stop=exits.after, skip=head)
        wider = head | (_block(found, node.body, inner) - targets)
        if wider == head:
            break
        head = wider
    found.heads[id(node)] = head | exits.anywhere
    return head | (_read(node.iter) if isinstance(node, ast.For) else NONE)


def _try(found: Liveness, node: ast.Try, exits: Exits) -> Names:
    """Any statement of the body may be the last; ``finally`` runs wherever control goes."""
    last = _block(found, node.finalbody, exits)
    anywhere = exits.anywhere | last
    for handler in node.handlers:
        anywhere |= _block(found, handler.body, replace(exits, after=last, anywhere=anywhere)) | _read(handler.type)
    inner = replace(exits, after=last, anywhere=anywhere)
    return _block(found, node.body, replace(inner, after=_block(found, node.orelse, inner)))


def _set(targets: Iterable[ast.expr]) -> Names:
    """The variables that an assignment sets for sure."""
    found: set[str] = set()
    pending = list(targets)
    while pending:
        target = pending.pop()
        if isinstance(target, ast.Name):
            found.add(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            pending += target.elts
        elif isinstance(target, ast.Starred):
            pending.append(target.value)
    return frozenset(found)


def _places(targets: Iterable[ast.expr]) -> list[ast.expr]:
    """The targets that are parts of something."""
    return [part for target in targets for part in ast.walk(target) if isinstance(part, ast.Subscript | ast.Attribute)]
