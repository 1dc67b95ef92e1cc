"""Frames: the state of reading one program, and of one call inside of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType
from weakref import WeakKeyDictionary

import numpy as np

from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported, Span, SymgradError
from symgrad.frontend.aliasing import Aliasing
from symgrad.frontend.arguments import Arguments
from symgrad.frontend.captures import Captures, Path
from symgrad.frontend.environment import Conflict, Undecided
from symgrad.frontend.liveness import liveness
from symgrad.frontend.source import FunctionNode, Source
from symgrad.ir.builder import Builder
from symgrad.ir.program import Statement, Value
from symgrad.ir.tensor import Expr, Tensor

MOST_CALLS = 200
MOST_REPEATED = 3_000
"""How often statements are read once more: in each round of a loop that is written out, on each side of a branch."""
Differentiate = Callable[[Builder, Tensor, Sequence[Tensor]], Sequence[Tensor]]
"""The gradient of a number with respect to arrays that are entries."""
STATIC_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


class Unbound(ArgumentError, UnboundLocalError):
    """A variable that has no value yet: the function raises, too, unless a former round of a loop has set it."""

    def __init__(self, name: str, *, in_loop: bool) -> None:
        super().__init__(f"the variable {name} is used before it has a value")
        self.exception = "" if in_loop else f"UnboundLocalError({self.reason!r})"


class Unwieldy(NotYetSupported):
    """There are more ways through a function than anyone would read."""

    def __init__(self, span: Span | None) -> None:
        reason = "too many rounds and branches would have to be written one by one"
        super().__init__(reason, remedy="keep what loops carry and branches leave of one type and shape", span=span)


@dataclass
class Reader:
    """What all frames of one program share.

    ``run`` executes the body of a frame and returns its result; ``call`` calls a function with objects; ``evaluate``
    and ``execute`` read one expression and one statement; ``differentiate`` takes the derivatives that the program asks
    for. What is assigned to a variable of the outermost function that is ``watched`` is an array of its own;
    rules of the user's are ``rehearsed`` while they are read for what they capture. Where only ``formulas`` are wanted,
    statements are thrown away.
    A loop of at most ``written_out`` rounds is written round by round; ``rounds`` counts these.

    ``loops`` counts those whose bodies are being read, for all rounds; ``catching`` the handlers that may answer what
    is raised here.

    ``branches`` counts those whose conditions are known at run time only; of some it is known which body is ``taken``,
    since what follows is read once for each: ``taken`` tells so with the statement that is read again, and what is
    ``learned`` from that holds after the statement. ``truths`` are the conditions that hold, or not, at this place.

    ``operands`` are what was evaluated for each of the expressions and statements that are being read: like what
    variables hold, it may be changed by what is read before it is used.
    """

    builder: Builder
    arguments: Arguments
    captures: Captures
    run: Callable[[Frame], object]
    call: Callable[[Frame, ast.expr, object, Sequence[object], Mapping[str, object]], object]
    evaluate: Callable[[Frame, ast.expr], object]
    execute: Callable[[Frame, ast.stmt], object]
    differentiate: Differentiate
    filename: str = ""
    watched: frozenset[str] = frozenset()
    rehearsed: list[object] = field(default_factory=list)
    formulas: bool = False
    statements: list[Statement] = field(default_factory=list)
    identifiers: set[str] = field(default_factory=set)
    depths: WeakKeyDictionary[Value, int] = field(default_factory=WeakKeyDictionary)
    calls: dict[object, int] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    effects: int = 0
    loops: int = 0
    catching: int = 0
    branches: int = 0
    written_out: int = 0
    rounds: int = 0
    taken: Mapping[int, tuple[object, object, bool]] = field(default_factory=dict)
    learned: dict[object, dict[Expr, bool]] = field(default_factory=dict)
    truths: Mapping[Expr, bool] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    partial: set[Value] = field(default_factory=set)
    partly_read: set[tuple[int, str]] = field(default_factory=set)
    divisions: int = 0
    begun: set[ast.stmt] = field(default_factory=set)
    repeated: int = 0
    operands: list[list[object]] = field(default_factory=lambda: [[]])

    @property
    def aliasing(self) -> Aliasing:
        return self.arguments.aliasing

    @contextmanager
    def holding(self) -> Iterator[None]:
        """What is evaluated inside is held until the end."""
        self.operands.append([])
        try:
            yield
        finally:
            self.operands.pop()

    def count(self, statement: ast.stmt, span: Span | None) -> None:
        """A statement is read once, or once more."""
        self.repeated += statement in self.begun
        self.begun.add(statement)
        if self.repeated > MOST_REPEATED:
            raise Unwieldy(span)


@dataclass(frozen=True)
class Namespace:
    """Where a function finds the names that are not its own; ``path`` leads to the function from the root."""

    function: FunctionType
    path: Path | None
    root_globals: Mapping[str, object]

    def find(self, name: str) -> tuple[Path | None, object]:
        """The object behind a name and the path to it; ``KeyError`` if there is none."""
        code = self.function.__code__
        if name in code.co_freevars and self.function.__closure__:
            cell = self.function.__closure__[code.co_freevars.index(name)]
            return self.below("closure", name), _contents(cell, name)
        scope = self.function.__globals__
        return (self._variable(name), scope[name]) if name in scope else (None, vars(builtins)[name])

    def hidden(self, name: str) -> Path | None:
        """The path to the global variable that would hide a builtin of this name, where it is in reach."""
        known = self.path is not None and name not in self.function.__globals__ and hasattr(builtins, name)
        return self._variable(name) if known else None

    def _variable(self, name: str) -> Path | None:
        return ("globals", name) if self.function.__globals__ is self.root_globals else self.below("globals", name)

    def holder(self, name: str) -> tuple[object, str]:
        """What holds the variable behind a name, and under which name."""
        code = self.function.__code__
        if name in code.co_freevars and self.function.__closure__:
            return self.function.__closure__[code.co_freevars.index(name)], "cell_contents"
        return self.function.__globals__, name

    def below(self, *steps: str) -> Path | None:
        return None if self.path is None else (*self.path, *steps)


def _contents(cell: object, name: str) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:
        raise ArgumentError(f"the variable {name} of the enclosing function has no value yet") from None


@dataclass(eq=False)
class Frame:
    """One function body that is being read.

    ``outer`` is the frame of the enclosing function where the function was defined while reading; otherwise
    ``namespace`` knows the function's globals and closure. In a frame of a definition from the rules (``place``
    is given) errors are located at the user's call. ``statement`` is the one that is being read;
    ``hooks`` are called with the adjoints of variables.
    """

    reader: Reader
    source: Source
    node: FunctionNode
    variables: dict[str, object]
    outer: Frame | None = None
    namespace: Namespace | None = None
    depth: int = 0
    place: Span | None = None
    scope: bool = True
    statement: ast.stmt | None = None
    hooks: Mapping[str, object] = field(default_factory=dict)
    moment: int = 0

    @property
    def builder(self) -> Builder:
        return self.reader.builder

    def begin(self, statement: ast.stmt) -> None:
        """A statement of this frame is read: what those before it have made is there while a variable holds it."""
        self.statement = statement
        self.reader.count(statement, self.span(statement))
        if self.scope and liveness(self.node).escaping is not None:
            self.reader.aliasing.release(self.moment)

    def is_alive(self, name: str) -> bool:
        """Whether a variable may be read from the statement on that is being read."""
        read = liveness(self.node).after(self.statement) if self.scope else None
        return read is None or name in read or name.startswith("@")

    def span(self, node: ast.AST) -> Span | None:
        return self.place if self.place is not None else self.source.span(node)

    def line(self, node: ast.expr | ast.stmt) -> int | None:
        """The line of a node in the file of the function that is differentiated."""
        own = self.place is None and self.source.filename == self.reader.filename
        return node.lineno if own else None

    def locate(self, error: SymgradError, node: ast.AST) -> None:
        """Tell an error its place, unless it knows a narrower one."""
        span = self.span(node)
        if span is not None:
            error.at(span)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While this frame is read, its variables are part of the environment."""
        self.moment = self.reader.aliasing.moment if self.reader.frames else -1
        self.reader.frames.append(self)
        try:
            yield
        finally:
            self.reader.frames.pop()

    @contextmanager
    def at(self, node: ast.AST) -> Iterator[None]:
        """Errors raised inside tell the place of ``node``, unless they know a narrower one."""
        try:
            yield
        except SymgradError as error:
            self.locate(error, node)
            raise

    @contextmanager
    def evaluating(self, node: ast.AST) -> Iterator[None]:
        """What Python raises while a static expression is evaluated is the user's error."""
        try:
            yield
        except STATIC_ERRORS as error:
            if isinstance(error, SymgradError):
                raise
            reason = f"evaluating {self.source.text(node)} raises {type(error).__name__}: {error}"
            exception = f"{type(error).__name__}({str(error)!r})"
            raise DifferentiationError(reason, span=self.span(node), exception=exception) from error

    def lookup(self, name: str) -> object:
        """The object that a name stands for."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.variables:
                frame._note(name)
                return _usable(frame.variables[name], name)
            if frame.scope and name in assigned_names(frame.node):
                raise Unbound(name, in_loop=self.reader.loops > 0)
            if frame.namespace is not None:
                return frame.found(name)
            frame = frame.outer
        return getattr(builtins, name)

    def _note(self, name: str) -> None:
        """Remember that a variable is read that not every branch before, or no round of a loop, may have set."""
        item = self.variables[name]
        parts = item if isinstance(item, tuple) else (item,)
        if any(isinstance(part, Value) and part in self.reader.partial for part in parts):
            self.reader.partly_read.add((id(self), name))

    def found(self, name: str) -> object:
        namespace = self.namespace
        assert namespace is not None
        try:
            path, item = namespace.find(name)
        except KeyError:
            raise ArgumentError(f"the name {name} is not defined") from None
        if path is not None:
            self.reader.captures.reads(*namespace.holder(name))
            return self.reader.captures.capture(path, item)
        hidden = namespace.hidden(name)
        if hidden is not None:
            self.reader.captures.rely(hidden, item)
        if self.place is None and _is_data(item):
            reason = f"{name} is a variable of a function that the generated code cannot reach"
            raise NotYetSupported(reason, remedy="pass it as an argument")
        return item


def _usable(item: object, name: str) -> object:
    if isinstance(item, Conflict):
        raise Undecided(item, name)
    return item


def _is_data(item: object) -> bool:
    return isinstance(item, float | int | complex | np.ndarray | np.generic) and not isinstance(item, bool)


@lru_cache(maxsize=1024)
def assigned_names(node: FunctionNode) -> frozenset[str]:
    """The local variables of a function besides its parameters."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    found: set[str] = set()
    declared: set[str] = set()
    pending: list[ast.AST] = list(body)
    while pending:
        child = pending.pop()
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                declared.update(names)
            case ast.alias():
                found.add((child.asname or child.name).split(".")[0])
        pending.extend(ast.iter_child_nodes(child))
    return frozenset(found - declared)
