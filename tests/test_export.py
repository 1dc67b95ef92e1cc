"""Exported modules run without symgrad; notebooks show the source."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import symgrad

SCALE = 2.0


def loss(w, X, y):
    r = X @ w - y
    return r @ r


def scaled(w):
    return SCALE * np.sum(w**2)


def test_exported_module_needs_numpy_only(tmp_path):
    path = tmp_path / "loss_gradient.py"
    args = np.ones(2), np.arange(6.0).reshape(3, 2), np.ones(3)
    derivative = symgrad.grad(loss)
    derivative.export(path, *args)
    program = (
        "import sys, numpy as np; from loss_gradient import loss_grad;"
        "print(loss_grad(np.ones(2), np.arange(6.0).reshape(3, 2), np.ones(3)).tolist());"
        "assert not any(name.startswith(('symgrad', 'sympy')) for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(derivative(*args).tolist())


def test_captured_values_are_not_exported(tmp_path):
    with pytest.raises(symgrad.NotYetSupported, match="SCALE"):
        symgrad.grad(scaled).export(tmp_path / "scaled.py", np.ones(2))


def test_notebooks_show_the_source():
    derivative = symgrad.grad(loss)
    derivative(np.ones(2), np.ones((3, 2)), np.ones(3))
    assert "def loss_grad(w, X, y):" in derivative._repr_html_()
