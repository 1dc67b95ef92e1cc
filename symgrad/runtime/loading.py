"""From generated source to the text of a module, and from that text to a function.

The module is for reading, for the disk cache and for tracebacks. It is compiled, but never run as a whole: only the
code object of its one function is taken, and the names it uses are bound from ``SYMGRAD``, the literal at its top.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

from symgrad.errors import InternalError
from symgrad.ir.signature import Capture, Generated, OpaqueArg, Request, spell, spell_signature, type_text
from symgrad.runtime.binding import Binding, Scope
from symgrad.runtime.cache import sealed, versions
from symgrad.runtime.guard import Guard, make_guard
from symgrad.runtime.identity import digest, value_text
from symgrad.runtime.signature import describe

_START = "\nSYMGRAD = "
_END = "\n}\n"


@dataclass(frozen=True)
class Header:
    """What a stored module says of itself, as literals.

    ``bindings`` are the meanings of its global names, ``dependencies`` the captured values and their texts;
    ``parameter`` and ``guard`` (first line and count, from the ``def``) are what was added to the source; ``apart`` are
    pairs of arrays that must not share memory.
    """

    name: str
    function: str
    request: str
    signature: str
    dependencies: tuple[tuple[tuple[str, ...], str, str], ...]
    bindings: tuple[tuple[str, Binding], ...]
    parameter: str
    guard: tuple[int, int]
    apart: tuple[tuple[str, str], ...]


def module_text(generated: Generated, request: Request, scope: Scope, identity: str) -> str:
    """The module for one specialisation."""
    tree = ast.parse(generated.source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    guard = make_guard(generated, tree, scope)
    source, header = _guarded(generated, tree, guard, scope, (identity, repr(request)))
    fields = "".join(f"    {key!r}: {_spread(value)},\n" for key, value in vars(header).items())
    imports = "".join(f"import {name} as {alias}\n" for name, alias in generated.imports)
    title = f"{request.transform} of {scope.function.__module__}.{scope.function.__qualname__}"
    head = f'"""{title}, written by symgrad.\n\n{versions()}. An edited copy is not used.\n"""\n\n{imports}'
    return sealed(f"{head}{_START}{{\n{fields}}}\n\n\n{source}")


def _guarded(
    generated: Generated, tree: ast.FunctionDef, guard: Guard, scope: Scope, owner: tuple[str, str]
) -> tuple[str, Header]:
    lines = generated.source.rstrip("\n").split("\n")
    first = tree.body[0]
    if first.lineno == tree.lineno:
        raise InternalError(f"the generated function {generated.name} stands on one line")
    after = first.end_lineno if ast.get_docstring(tree) is not None else first.lineno - 1
    assert after is not None
    margin = " " * first.col_offset
    parameter = f"{guard.parameter}, " if tree.args.posonlyargs else f"{guard.parameter}, /, "
    lines[tree.lineno - 1] = lines[tree.lineno - 1].replace("(", f"({parameter}", 1)
    lines[after:after] = [margin + line for line in guard.lines]
    imports: tuple[tuple[str, Binding], ...] = tuple((alias, ("import", name)) for name, alias in generated.imports)
    header = Header(
        generated.name, *owner, spell_signature(generated.signature), _dependencies(generated, scope),
        imports + guard.bindings, parameter, (after, len(guard.lines)), generated.apart,
    )  # fmt: skip
    return "\n".join(lines) + "\n", header


def _spread(value: object) -> str:
    """A literal, a long tuple with one item to a line."""
    text = repr(value)
    if not isinstance(value, tuple) or len(text) < 100:
        return text
    return "(\n" + "".join(f"        {item!r},\n" for item in value) + "    )"


def _dependencies(generated: Generated, scope: Scope) -> tuple[tuple[tuple[str, ...], str, str], ...]:
    """Path, what is known of it, and text of every captured value."""
    known = ((item.path, _knowledge(item)) for item in generated.captures)
    return tuple((path, what, _dependency(scope, path, what)) for path, what in known)


def _knowledge(capture: Capture) -> str:
    """What a specialisation knows of a captured value: itself, its type with all parts, or its class only."""
    if capture.local is None:
        return "value"
    return "class" if isinstance(capture.arg, OpaqueArg) else "type"


def _dependency(scope: Scope, path: tuple[str, ...], what: str) -> str:
    value = scope.value(path)
    match what:
        case "value":
            return value_text(value)
        case "class":
            return type_text(type(value))
    return spell(describe(value, f"the captured {'.'.join(path[1::2])}"))


def read_header(text: str) -> Header:
    """The header of a stored module."""
    start = text.index(_START) + len(_START)
    fields = ast.literal_eval(text[start : text.index(_END, start) + 2])
    return Header(**fields)


def plain_source(text: str, header: Header) -> str:
    """The generated function as the compiler wrote it, without guard and added parameter."""
    lines = text[text.index(_END) + len(_END) :].lstrip("\n").split("\n")
    start, count = header.guard
    del lines[start : start + count]
    return "\n".join(lines).replace(f"({header.parameter}", "(", 1)


def guard_of(text: str, header: Header) -> str:
    """The function with its guard only: it tells whether a specialisation is for a call."""
    lines = text[text.index(_END) + len(_END) :].lstrip("\n").split("\n")
    return "\n".join([*lines[: sum(header.guard)], "    return True", ""])


def fits(
    function: FunctionType, specialisation: Specialisation, args: Sequence[object], named: Mapping[str, object]
) -> bool:
    """Whether the guard of a specialisation, loaded as ``function``, lets a call pass."""
    header = specialisation.header
    code = _code_of(guard_of(specialisation.text, header), f"<symgrad guard of {header.name}>", header.name)
    test = FunctionType(code, function.__globals__, function.__name__, function.__defaults__)
    test.__kwdefaults__ = function.__kwdefaults__
    return bool(test(SimpleNamespace(__miss__=lambda *_, **__: False), *args, **named))


def depends_on_same(header: Header, scope: Scope) -> bool:
    """Whether every captured value is what it was when the module was compiled."""
    try:
        return all(_dependency(scope, path, what) == text for path, what, text in header.dependencies)
    except (AttributeError, LookupError, TypeError, ValueError):
        return False


@dataclass(frozen=True)
class Specialisation:
    """One loaded module: its text, what it says of itself, its code and the meanings of its global names."""

    text: str
    header: Header
    code: CodeType
    namespace: dict[str, Any]

    @property
    def source(self) -> str:
        return plain_source(self.text, self.header)


def load(text: str, filename: str | None, scope: Scope, position: int) -> Specialisation:
    """A specialisation, ready to run; ``filename`` is where the text is on disk, if it is."""
    header = read_header(text)
    if filename is None:
        filename = f"<symgrad {header.name} {digest(text)[:12]}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    code = _code_of(text, filename, header.name)
    meanings = dict(header.bindings)
    namespace = {name: position if what == ("position",) else scope.bind(what) for name, what in meanings.items()}
    namespace["__builtins__"] = __builtins__
    namespace["__name__"] = f"symgrad.generated.{header.name}"
    return Specialisation(text, header, code, namespace)


@functools.lru_cache(maxsize=512)
def _code_of(text: str, filename: str, name: str) -> CodeType:
    module = compile(text, filename, "exec", dont_inherit=True)
    return next(item for item in module.co_consts if isinstance(item, CodeType) and item.co_name == name)


def make_function(specialisation: Specialisation, template: FunctionType) -> FunctionType:
    """A function with a specialisation's code and the default values of ``template``."""
    function = FunctionType(specialisation.code, specialisation.namespace, template.__name__, template.__defaults__)
    function.__kwdefaults__ = template.__kwdefaults__
    return function
