"""Parts of an array that are stored into the same array: as NumPy does it, or refused where NumPy reads too late."""

from __future__ import annotations

import numpy as np
import pytest
from differences import differences
from random_oracle import defined

import symgrad
from symgrad.errors import DifferentiationError

VECTOR = np.array([0.5, -0.3, 0.7, 0.2, -0.8, -1.1])
MATRIX = np.array(
    [[0.5, -0.3, 0.7, -0.6], [-0.2, -0.8, -1.1, 0.9], [-0.45, -1.2, -0.15, -0.35], [-0.2, -0.3, -0.4, 0.5]]
)

EXACT_VECTORS = [
    "x[1:] = x[:-1]",
    "x[:-1] = x[1:]",
    "x[::-1] = x",
    "x[:] = x[::-1]",
    "x[::2] = x[1::2]",
    "x[::-2] = x[1::2]",
    "x[...] = x",
    "x[1:] = x[:1]",
    "x[0] = x[1]",
    "x[:2], x[2:4] = x[2:4], x[:2]",
    "x[[0, 2, 4]] = x[:3]",
    "x[x > 0] = x[0]",
    "x[x > 0] = x[:1]",
    "x[::2] += x[:3]",
    "x[::2] = x[:3].copy()",
    "x[::2] = 1.0 * x[:3]",
    "x[:2] = x[2::2]",
    "np.copyto(x[1:], x[:-1])",
    "np.copyto(x, x[::-1], where=x > 0)",
    "np.put(x, [1, 2, 3], x[:3])",
    "np.putmask(x, x > 0, x[::-1])",
    "np.add(x[:-1], x[1:], out=x[1:])",
    "np.concatenate([x[3:] * 1.0, x[:3] * 1.0], out=x)",
]
EXACT_MATRICES = [
    "x[:, 1] = x[:, 0]",
    "x[0, :] = x[1, :]",
    "x[0] = x[-1]",
    "x[1:] = x[:-1]",
    "x[:] = x.T",
    "x[...] = x[0]",
    "x.T[0] = x[:, 1]",
    "x[:, 0] = x.T[1]",
    "x[0, ::-1] = x[0]",
    "x[0, ::2] = x[1, 1::2]",
    "x[[0, 1]] = x[[1, 0]]",
    "x[1:, 0] = x[0, 1:]",
    "x[-1, 1:-1] = x[1:-1, -1]",
    "np.fill_diagonal(x, x[0, 0])",
    "for i in range(len(x)): x[i + 1:, i] = x[i, i + 1:]",
    "for i in range(3): x[i] = x[i + 1]",
    "for row in x: row[:] = x[0]",
]
REFUSED_VECTORS = [
    "x[::2] = x[:3]",
    "x[:3] = x[::2]",
    "x[1::2] = x[:3]",
    "x[x > 0] = x[:3]",
    "part = x[::2]; part[:] = x[:3]",
    "part = x[:3]; x[::2] = part",
    "x.flat[1:4] = x[:3]",
    "np.copyto(x[::2], x[:3])",
    "np.place(x, x > 0, x[:3])",
    "np.concatenate([x[3:], x[:3]], out=x)",
]
REFUSED_MATRICES = [
    "x[1] = x[:, -1]",
    "x[:, 1] = x[1]",
    "x.T[0] = x[0]",
    "x[0] = x.T[0]",
    "x[0, ::2] = x[0, :2]",
    "x[1] = np.diagonal(x)",
    "np.fill_diagonal(x, np.diagonal(x)[::-1])",
    "for i in range(3): x[:, i] = x[i]",
    "for row in x: row[:] = x[:, 0]",
]


def program(statement):
    total = "np.sum(np.sin(x) * np.cos(np.arange(x.shape[-1])))"
    return defined(f"import numpy as np\n\ndef program(x):\n    {statement}\n    return {total}\n")


@pytest.mark.parametrize(
    ("statement", "start"), [*((text, VECTOR) for text in EXACT_VECTORS), *((text, MATRIX) for text in EXACT_MATRICES)]
)
def test_stores_are_those_of_numpy(statement, start):
    function = program(statement)
    value, gradient = symgrad.value_and_grad(function)(start)
    assert value == pytest.approx(function(start.copy()), rel=1e-14)
    np.testing.assert_allclose(gradient, differences(lambda x: function(x.copy()), (start,), 0), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("statement", "start"),
    [*((text, VECTOR) for text in REFUSED_VECTORS), *((text, MATRIX) for text in REFUSED_MATRICES)],
)
def test_what_numpy_reads_too_late_is_refused(statement, start):
    with pytest.raises(DifferentiationError, match="NumPy may overwrite it before it is read") as error:
        symgrad.grad(program(statement))(start)
    assert error.value.span is not None
    assert ".copy()" in error.value.remedy
