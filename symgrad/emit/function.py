"""The text of a derived function: parameters, docstring, statements, return."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from symgrad.emit.compound import indented
from symgrad.emit.names import Names
from symgrad.emit.printing import to_source
from symgrad.emit.statements import Statements
from symgrad.emit.suites import Suites
from symgrad.emit.unpack import unpackings
from symgrad.ir.code import Code

MODULES = {"np": "numpy", "math": "math", "scipy": "scipy.special"}


@dataclass(frozen=True)
class Text:
    """A function's source, and the modules it uses under their aliases."""

    source: str
    imports: tuple[tuple[str, str], ...]


def write_function(
    name: str,
    parameters: str,
    docstring: str,
    results: Iterable[Code],
    arrange: str,
    reserved: Iterable[str],
    variables: Iterable[str],
    captured: Iterable[str],
    hints: dict[Code, str],
    vectors: Mapping[Code, int],
    suites: Suites,
    sequence: Sequence[Code],
    forced: Sequence[Code],
) -> Text:
    """Source of a function that returns ``arrange`` (a template) of the results.

    ``variables`` are names that stand in the text (parameters, the user's variables), those of ``captured`` values
    among them; ``reserved`` are all names that the code of the user mentions; ``vectors`` are float64 arguments with
    their known lengths; ``sequence`` is the order of the statements, of which ``forced`` are computed in any case.
    """
    present = set(variables)
    modules = {alias: _free_alias(alias, module, present) for alias, module in MODULES.items()}
    roots = list(results)
    suites.settle([*roots, *forced])
    names = Names(set(reserved), {*_parameter_names(parameters), *captured}, hints, modules)
    statements = Statements(names, suites, forced=set(forced))
    order = statements.count([*roots, *forced], sequence)
    for unpacking in unpackings(order, vectors, roots):
        statements.unpack(unpacking)
    statements.write(order)
    result = Code(arrange, tuple(roots))
    statements.shorten(result)
    body = [*statements.lines, to_source(ast.Return(statements.expression(result)))]
    source = "\n".join([f"def {name}({parameters}):", *_indented(docstring), *indented(body)]) + "\n"
    return Text(source, _imports(source, modules))


def _indented(docstring: str) -> list[str]:
    lines = f'"""{docstring}"""'.split("\n")
    return [f"    {line}" if line else "" for line in lines]


def _parameter_names(parameters: str) -> set[str]:
    tree = ast.parse(f"lambda {parameters}: 0", mode="eval").body
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _free_alias(alias: str, module: str, present: set[str]) -> str:
    candidates = [alias, module.partition(".")[0], *(f"{alias}_{k}" for k in range(1, len(present) + 2))]
    return next(name for name in candidates if name not in present)


def _imports(source: str, modules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return tuple((MODULES[alias], name) for alias, name in modules.items() if name in used)
