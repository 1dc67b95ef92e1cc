"""Which codes make new memory, and which may share it with an operand: what is not known to be new may be shared."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from symgrad.emit.printing import parse_template
from symgrad.ir.code import Code

VIEWS = ("_0.T", "_0[", "_0.swapaxes", "_0.transpose", "_0.reshape", "_0.ravel", "np.broadcast_to", "np.reshape")
NEW_BY_FUNCTION = frozenset(
    [
        "zeros",
        "ones",
        "full",
        "eye",
        "arange",
        "array",
        "outer",
        "dot",
        "vdot",
        "inner",
        "where",
        "concatenate",
        "stack",
        "hstack",
        "vstack",
        "column_stack",
        "einsum",
        "tensordot",
        "kron",
        "tile",
        "repeat",
        "pad",
        "roll",
        "cumsum",
        "sum",
        "mean",
        "std",
        "var",
        "prod",
        "max",
        "min",
        "amax",
        "amin",
        "append",
        "cross",
        "diff",
        "linspace",
        "zeros_like",
        "ones_like",
        "full_like",
        "tril",
        "triu",
        "clip",
        "convolve",
    ]
)
NEW_BY_METHOD = frozenset(
    [
        "sum",
        "mean",
        "std",
        "var",
        "prod",
        "max",
        "min",
        "dot",
        "copy",
        "astype",
        "round",
        "clip",
        "cumsum",
        "repeat",
        "flatten",
        "trace",
    ]
)

CONSTANT = ("np.zeros(", "np.full(")
"""Templates of new arrays that are written again rather than named: each has its own."""
CHEAP = ("_0.shape", "range(", "reversed(", "len(", *CONSTANT)
"""Templates that are written again rather than named."""


def trivial(code: Code) -> bool:
    """Whether a code is as cheap as a name: a constant, a length, a transpose or a view of a name."""
    if not code.operands:
        return True
    length = is_element(code) and code.operands[0].template.endswith(".shape")
    cheap = length or (is_view(code) and not is_element(code)) or code.template.startswith(CHEAP)
    return cheap and all(trivial(operand) for operand in code.operands)


def is_constant(code: Code) -> bool:
    """Whether a code makes an array of one number, and is written again wherever it is read."""
    return code.template.startswith(CONSTANT) and all(map(trivial, code.operands))


def is_element(code: Code) -> bool:
    """Whether a code reads one element of an array at literal positions."""
    return code.template.startswith("_0[") and set(code.template[3:-1]) <= set("0123456789-, ")


TRANSPOSING = (".T", "swapaxes", "transpose", "moveaxis", "rollaxis", "einsum", "order=", "asfortranarray", "rot90")
"""What gives arrays whose elements do not lie row by row, as functions of each element do then, too."""
BY_ROWS = (" @ ", "np.dot(", "np.outer(", "np.concatenate(", "np.stack(", "np.array(", ".reshape(", "np.sum(", ".sum(")


def is_transposed(code: Code, starts: Mapping[Code, Sequence[Code]]) -> bool:
    """Whether the elements of an array may lie in another order than row by row: a copy has to keep it.

    ``starts`` say what blocks carry and leave.
    """
    seen: set[Code] = set()
    pending = [code]
    while pending:
        code = pending.pop()
        if code in seen:
            continue
        seen.add(code)
        if any(name in code.template for name in TRANSPOSING):
            return True
        if not any(name in code.template for name in BY_ROWS):
            pending += starts.get(code, code.operands)
    return False


def is_view(code: Code) -> bool:
    """Whether a code reads memory of its first operand, or is a variable."""
    return not code.operands or code.template.startswith(VIEWS)


def base(code: Code) -> Code:
    """The code whose memory a chain of views reads."""
    while code.operands and code.template.startswith(VIEWS):
        code = code.operands[0]
    return code


def is_spread(code: Code) -> bool:
    """Whether a chain of views repeats elements: it cannot be written into."""
    while code.operands and code.template.startswith(VIEWS):
        if code.template.startswith("np.broadcast_to"):
            return True
        code = code.operands[0]
    return False


def is_block(code: Code) -> bool:
    """Whether a template is a statement or several, which define ``_``."""
    return code.template.startswith("_ = ")


def is_new(code: Code) -> bool:
    """Whether the value of a code is an array that nothing else holds."""
    return not code.template.startswith("@") and _is_new_template(code.template)


@lru_cache(maxsize=4096)
def _is_new_template(template: str) -> bool:
    if template.startswith("_ = "):
        return True
    (statement,) = parse_template(template)
    assert isinstance(statement, ast.Expr)
    match statement.value:
        case ast.BinOp() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.Call(ast.Attribute(ast.Attribute(ast.Name("np"), "linalg"))):
            return True
        case ast.Call(ast.Attribute(ast.Name("np"), name)):
            return name in NEW_BY_FUNCTION or isinstance(getattr(np, name, None), np.ufunc)
        case ast.Call(ast.Attribute(_, name)):
            return name in NEW_BY_METHOD
    return False
