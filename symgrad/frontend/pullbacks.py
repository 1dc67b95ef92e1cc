"""What the gradient function of a ``custom_gradient`` returns, read from its source.

The user's function ends in ``return value, gradient``; ``gradient`` is a nested function or a lambda. Where it returns
a tuple display, an entry that is ``None`` means no gradient for that argument.
"""

from __future__ import annotations

import ast


def gradient_places(function: ast.AST, count: int) -> tuple[bool, ...] | None:
    """For each argument whether it gets a gradient; None if the gradient comes alone, not in a tuple."""
    results = [_results(function, gradient) for gradient in _gradients(function)]
    found = [result for group in results for result in group]
    tuples = [result for result in found if isinstance(result, ast.Tuple)]
    if tuples and len(tuples) == len(found) and all(len(result.elts) == count for result in tuples):
        return tuple(any(not _is_none(result.elts[place]) for result in tuples) for place in range(count))
    return None if count == 1 else (True,) * count


def _gradients(function: ast.AST) -> list[ast.expr]:
    """The second parts of the pairs that the function returns."""
    if isinstance(function, ast.Lambda):
        pairs: list[ast.expr | None] = [function.body]
    else:
        pairs = [node.value for node in _own_nodes(function) if isinstance(node, ast.Return)]
    return [pair.elts[1] for pair in pairs if isinstance(pair, ast.Tuple) and len(pair.elts) == 2]


def _results(function: ast.AST, gradient: ast.expr) -> list[ast.expr | None]:
    """What a gradient function returns: the body of a lambda, the returns of a nested function of that name."""
    if isinstance(gradient, ast.Lambda):
        return [gradient.body]
    name = gradient.id if isinstance(gradient, ast.Name) else None
    definitions = [node for node in _own_nodes(function) if isinstance(node, ast.FunctionDef) and node.name == name]
    return [node.value for inner in definitions for node in _own_nodes(inner) if isinstance(node, ast.Return)]


def _own_nodes(function: ast.AST) -> list[ast.AST]:
    """The nodes of a body, nested functions as single nodes."""
    found: list[ast.AST] = []
    pending = list(getattr(function, "body", []))
    while pending:
        node = pending.pop(0)
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
