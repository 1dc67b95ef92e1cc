"""The one door from syntax tree to text.

astor prints; what it would misprint is found by parsing its text back and comparing the trees, and printed by
``ast.unparse`` then. Negative constants are made unary minus first, since ``(-2) ** x`` depends on it.
"""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import astor


def to_source(tree: ast.AST) -> str:
    """Python text for a tree, on one line where it is an expression or a simple statement."""
    tree = ast.fix_missing_locations(_Canonical().visit(tree))
    text = _astor_text(tree)
    if text is not None and _same(tree, text):
        return text
    return ast.unparse(tree)


def expression_text(tree: ast.expr) -> str:
    """Python text for an expression that stands by itself, without parentheses around it."""
    if isinstance(tree, ast.Tuple):
        return to_source(tree)
    return to_source(ast.Expr(tree))


def _astor_text(tree: ast.AST) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            text = astor.to_source(tree, pretty_source="".join, pretty_string=_plain_string)
        except (AttributeError, AssertionError):
            return None
    return str(text).strip("\n")


def _plain_string(text: str, *_: object, **__: object) -> str:
    return '"' + text + '"' if '"' not in text and "\\" not in text and text.isprintable() else repr(text)


def _same(tree: ast.AST, text: str) -> bool:
    try:
        parsed = ast.parse(text)
    except SyntaxError:
        return False
    body: ast.AST = parsed
    if isinstance(tree, ast.expr) and len(parsed.body) == 1 and isinstance(parsed.body[0], ast.Expr):
        body = parsed.body[0].value
    elif isinstance(tree, ast.stmt) and len(parsed.body) == 1:
        body = parsed.body[0]
    return ast.dump(body) == ast.dump(tree)


class _Canonical(ast.NodeTransformer):
    """Negative constants as unary minus, as the parser gives them."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool) and str(node.value)[0] == "-":
            return ast.copy_location(ast.UnaryOp(ast.USub(), ast.Constant(-node.value)), node)
        return node


@lru_cache(maxsize=8192)
def parse_template(template: str) -> tuple[ast.stmt, ...]:
    """The statements of a template; an expression is one ``Expr`` statement."""
    return tuple(ast.parse(template).body)
