"""The guard: statements at the head of a specialisation that turn away every call it was not made for.

Types first, as one chain of identity tests, level by level into containers; then every shape, read once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symgrad.ir.signature import ArrayArg, Capture, ContainerArg, Generated, StaticArg, literal, members
from symgrad.runtime.binding import Binding, Scope
from symgrad.runtime.identity import cell_index
from symgrad.runtime.names import Names, identifiers
from symgrad.runtime.sizes import SizeTests
from symgrad.runtime.type_tests import Place, static_tests, type_tests

_WIDTH = 108


@dataclass(frozen=True)
class Guard:
    """The parameter that a specialisation gets before its own, the guard's lines, what its global names mean."""

    parameter: str
    lines: tuple[str, ...]
    bindings: tuple[tuple[str, Binding], ...]


def make_guard(generated: Generated, tree: ast.FunctionDef, scope: Scope) -> Guard:
    """The guard of a specialisation whose source is ``tree``."""
    trees = [tree, *(ast.parse(condition) for condition in generated.conditions)]
    taken = {name for item in trees for name in identifiers(item)} | {alias for _, alias in generated.imports}
    taken.update(capture.local for capture in generated.captures if capture.local)
    names = Names(taken)
    parameter = names.fresh("derivative")
    position = names.bound("position", ("position",))
    miss = f"return {parameter}.__miss__({', '.join([position, *_passed(tree.args)])})"
    return Guard(parameter, tuple(_lines(generated, scope, names, miss)), names.bindings)


def _passed(args: ast.arguments) -> Iterator[str]:
    yield from (arg.arg for arg in (*args.posonlyargs, *args.args))
    if args.vararg:
        yield f"*{args.vararg.arg}"
    yield from (f"{arg.arg}={arg.arg}" for arg in args.kwonlyargs)
    if args.kwarg:
        yield f"**{args.kwarg.arg}"


def _lines(generated: Generated, scope: Scope, names: Names, miss: str) -> Iterator[str]:
    captures = _CaptureReader(scope, names)
    reads, tests = captures.statements(generated.captures)
    if reads:
        yield from _attempt(reads, ("AttributeError", "LookupError", "TypeError", "ValueError"), names, miss)
    places = _roots(generated)
    arrays: list[Place] = []
    while places:
        yield from _unless([*tests, *type_tests(places, names)], miss)
        arrays += [place for place in places if isinstance(place.arg, ArrayArg)]
        lines, places, fallible = _opened(places, names)
        yield from _attempt(lines, ("AttributeError",), names, miss) if fallible else lines
        tests = []
    sizes = SizeTests(arrays, generated.conditions, names)
    yield from sizes.lines
    yield from _unless([*sizes.tests, *_apart_tests(generated.apart, arrays, names)], miss)


def _apart_tests(pairs: Iterable[tuple[str, str]], arrays: list[Place], names: Names) -> Iterator[str]:
    """Tests that arrays share no memory, in spite of what they are."""
    local = {place.access: place.name for place in arrays}
    for first, second in pairs:
        yield f"not {names.bound('shares_memory', ('shares_memory',))}({local[first]}, {local[second]})"


def _roots(generated: Generated) -> list[Place]:
    arguments = [Place(name, name, arg, ("argument", i)) for i, (name, arg) in enumerate(generated.signature.items())]
    read = [(capture.local, capture) for capture in generated.captures if capture.local]
    return arguments + [Place(local, local, item.arg, ("captured", item.path)) for local, item in read]


def _opened(places: list[Place], names: Names) -> tuple[list[str], list[Place], bool]:
    """Statements that name the items of the containers among some places; the items; whether that can fail."""
    lines, inner, fallible = [], [], False
    for place in places:
        if isinstance(place.arg, ContainerArg):
            fallible |= place.arg.kind == "dataclass"
            texts = zip(members(place.name, place.arg), members(place.access, place.arg), place.arg.keys, strict=True)
            for index, ((expression, arg), (access, _), key) in enumerate(texts):
                inner.append(Place(names.fresh(f"{place.name}_{key}"), access, arg, (*place.origin, index)))
                lines.append(f"{inner[-1].name} = {expression}")
    return lines, inner, fallible and bool(lines)


class _CaptureReader:
    """Writes the statements that read what a function finds outside of its parameters."""

    def __init__(self, scope: Scope, names: Names) -> None:
        self._scope = scope
        self._names = names

    def statements(self, captures: tuple[Capture, ...]) -> tuple[list[str], list[str]]:
        """Statements that read the variables and test the compiled-in values; the tests left to make."""
        reads = [f"{item.local} = {self._read(item.path)}" for item in captures if item.local]
        parts = [self._part(item) for item in captures if item.path[-2] == "function"]
        others = (item for item in captures if not item.local and item.path[-2] != "function")
        fixed = list(dict.fromkeys(test for item in others for test in self._fixed(item)))
        if not fixed:
            return reads, parts
        unchanged = self._names.fresh("unchanged")
        return [*reads, *_folded(f"{unchanged} = (", fixed, ")")], [unchanged, *parts]

    def _part(self, capture: Capture) -> str:
        """A test, which never raises, that a part of a function is the same object."""
        expected = self._names.bound(f"expected{capture.path[-1]}", ("value", capture.path))
        return f"{self._read(capture.path)} is {expected}"

    def _fixed(self, capture: Capture) -> Iterator[str]:
        kind, name = capture.path[-2:]
        assert isinstance(capture.arg, StaticArg)
        if kind == "globals" and name not in self._scope.owner(capture.path[:-2]).__globals__:
            yield f"{literal(name)} not in {self._owner(capture.path[:-2])}.__globals__"
        else:
            yield from static_tests(self._read(capture.path), capture.arg.value, ("value", capture.path), self._names)

    def _read(self, path: tuple[str, ...]) -> str:
        kind, name = path[-2:]
        match kind:
            case "globals":
                return f"{self._owner(path[:-2])}.__globals__[{literal(name)}]"
            case "closure":
                index = cell_index(self._scope.owner(path[:-2]), name)
                return f"{self._owner(path[:-2])}.__closure__[{index}].cell_contents"
            case "attribute" | "method":
                return f"{self._inner(path[:-2])}.{name}"
            case "item":
                return f"{self._inner(path[:-2])}[{name}]"
            case "has":
                return f"{self._names.builtin('hasattr')}({self._inner(path[:-2])}, {literal(name)})"
            case "contains":
                return f"({name} in {self._inner(path[:-2])})"
            case "function":
                return f"{self._owner(path[:-2])}.{name}"
            case _:
                return name

    def _inner(self, path: tuple[str, ...]) -> str:
        return self._read(path) if path else self._names.bound("function", ("value", ()))

    def _owner(self, path: tuple[str, ...]) -> str:
        function = self._scope.owner(path)
        return self._names.bound(f"{function.__name__}_function", ("function", path))


def _attempt(lines: list[str], errors: tuple[str, ...], names: Names, miss: str) -> list[str]:
    caught = ", ".join(names.builtin(error) for error in errors)
    caught = f"({caught})" if len(errors) > 1 else caught
    return ["try:", *(f"    {line}" for line in lines), f"except {caught}:", f"    {miss}"]


def _unless(tests: list[str], miss: str) -> list[str]:
    return [*_folded("if not (", tests, "):"), f"    {miss}"] if tests else []


def _folded(start: str, tests: list[str], end: str) -> list[str]:
    """A conjunction, one line to a test where one line does not hold them all."""
    line = start + " and ".join(tests) + end
    if len(line) <= _WIDTH:
        return [line]
    first, *others = tests
    broken = [line for test in (first, *(f"and {test}" for test in others)) for line in _broken(test)]
    return [start, *(f"    {line}" for line in broken), end]


def _broken(test: str) -> list[str]:
    if len(test) <= _WIDTH:
        return [test]
    first, *others = test.split(" or ")
    return [first, *(f"    or {other}" for other in others)]
