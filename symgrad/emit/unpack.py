"""Elements of a short vector, read at once: ``x, y = p``.

Where only sums and products of numbers follow, the elements become Python floats (``p.tolist()``), which compute twice
as fast as NumPy's and differ in nothing but the exceptions of division and powers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symgrad.ir.code import Code

POLYNOMIAL = re.compile(r"(?!.*\*\*)[-+*\d._ ()]+")
"""Templates of sums and products of operands and numbers."""


@dataclass(frozen=True)
class Unpacking:
    """``elements`` are the codes of ``vector[0], vector[1], ...``, all of them; ``plain``: Python floats will do."""

    vector: Code
    elements: tuple[Code, ...]
    plain: bool


def unpackings(order: Iterable[Code], lengths: Mapping[Code, int], returned: Iterable[Code]) -> list[Unpacking]:
    """The vectors whose elements are all read, one by one; ``lengths`` are those of float64 vectors."""
    codes = list(order)
    found = []
    for vector, length in lengths.items():
        elements = tuple(Code(f"_0[{k}]", (vector,)) for k in range(length))
        if all(element in codes for element in elements):
            found.append(Unpacking(vector, elements, _plain(codes, elements, set(returned))))
    return found


def _plain(codes: list[Code], elements: tuple[Code, ...], returned: set[Code]) -> bool:
    """Whether everything that is computed from the elements, up to arrays, is a polynomial."""
    tainted = set(elements)
    for code in codes:
        touched = any(operand in tainted for operand in code.operands)
        if touched and POLYNOMIAL.fullmatch(code.template) and not _reads_array(code, tainted):
            tainted.add(code)
        elif touched and not code.template.startswith("np.array("):
            return False
    return not tainted & returned


def _reads_array(code: Code, tainted: set[Code]) -> bool:
    """Whether another operand is more than a literal number."""
    return any(operand not in tainted and not _is_literal(operand) for operand in code.operands)


def _is_literal(code: Code) -> bool:
    return not code.operands and code.template.replace(".", "").replace("-", "").replace("e", "").isdigit()
