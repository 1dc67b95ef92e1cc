"""Names of users never collide with names of the compiler's, and the same source gives the same bytes."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import os
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
from differences import check_close, expected_gradient

import symgrad

REQUIRED = """
np numpy mask n dW out symgrad t t_1 dz math type float ndarray derivative e z _ _0 grad
"""
OTHERS = """
t_2 _1 __ p dx dy d_x x_1 dt shape self args kwargs int bool len abs max min sum range list dict tuple value
value_and_grad gradient result np_1 xp where exp i j k s m T self_ guard call key cache cls new Ellipsis True_
object print isinstance getattr function compile exec eval float64 dtype copy id hash
"""
AWKWARD = [*REQUIRED.split(), *OTHERS.split()]
TEMPLATES = {
    "parameter": """
        def loss({name}, other):
            return N.sum(N.tanh({name}) * other + N.exp({name} * other))
    """,
    "second parameter": """
        def loss(x, {name}):
            r = N.exp(x) * {name}
            return N.sum(r / N.sum(r, axis=0)) + N.sum(r * r) + N.max({name})
    """,
    "variable": """
        def loss(x, y):
            {name} = N.exp(x) * y
            r = {name} / (1 + {name})
            return N.sum(r * r) + N.sum(N.where(r > 0.5, {name}, x)) + N.sum(N.maximum({name}, 0.5))
    """,
    "rebound variable": """
        def loss(x, y):
            {name} = N.tanh(x)
            {name} = {name} * y + N.tanh(y)
            {name} += x
            return N.sum({name} * {name} * y)
    """,
    "rebound parameter": """
        def loss({name}, y):
            {name} = N.tanh({name}) * y
            {name} = {name} @ {name}.T
            return N.sum(N.sin({name}))
    """,
    "inlined": """
        def scaled({name}, y):
            t = N.tanh({name}) * y
            return t + {name}

        def loss(x, y):
            t = scaled(x, y)
            {name} = scaled(y, t)
            return N.sum(t * {name})
    """,
    "global": """
        {name} = N.array([0.5, 1.5, 2.5])

        def loss(x, y):
            return N.sum(N.tanh(x * {name}) * y * {name})
    """,
    "closure": """
        def make():
            {name} = 1.75

            def loss(x, y):
                return N.sum(N.tanh(x * {name}) ** 2 * y) / {name}

            return loss

        loss = make()
    """,
    "function": """
        def {name}(x, y):
            t = N.tanh(x) * y
            return N.sum(t * t)

        loss = {name}
    """,
    "inlined function": """
        def {name}(x):
            return N.tanh(x) * x

        def loss(x, y):
            return N.sum({name}(x) * {name}(y))
    """,
    "keyword and default": """
        def loss(x, y, *, {name}=2.0):
            return N.sum(N.exp(x) * y * {name}) / {name}
    """,
}


def written(path: Any, text: str) -> Any:
    path.write_text("import numpy as N\n" + textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(name: str, tmp_path: Any) -> None:
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    rng = np.random.default_rng(len(name))
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)) ** 2 + 0.5
    for number, (label, template) in enumerate(TEMPLATES.items()):
        if name not in REQUIRED.split() and (number + AWKWARD.index(name)) % 5:
            continue
        module = written(tmp_path / f"names_{number}.py", template.format(name=name))
        value, gradients = symgrad.value_and_grad(module.loss, argnums=(0, 1))(x, y)
        assert value == module.loss(x, y), label
        for position, gradient in enumerate(gradients):
            check_close(gradient, *expected_gradient(module.loss, (x, y), position))


NUMBERS = """
    import math
    from math import exp

    def loss({name}, y):
        r = math.sqrt({name} * y) + exp({name})
        return math.log(r) * max({name}, y) + abs({name}) * math.hypot({name}, y) ** y
"""


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_of_numbers(name: str, tmp_path: Any) -> None:
    if name in ("math", "exp", "max", "abs"):
        pytest.skip("the program itself needs the name")
    module = written(tmp_path / "numbers.py", NUMBERS.format(name=name))
    value, gradients = symgrad.value_and_grad(module.loss, argnums=(0, 1))(1.25, 2.5)
    assert value == module.loss(1.25, 2.5)
    for position, gradient in enumerate(gradients):
        assert type(gradient) is float
        check_close(gradient, *expected_gradient(module.loss, (1.25, 2.5), position))


def test_every_awkward_name_at_once(tmp_path: Any) -> None:
    names = [name for name in AWKWARD if name != "sum"]
    lines = [f"    {name} = N.tanh({before} * x) + y" for before, name in zip(["x", *names], names, strict=False)]
    module = written(
        tmp_path / "many.py", "\n".join(["def loss(x, y):", *lines, f"    return N.sum({' * '.join(names[-4:])})"])
    )
    x, y = np.random.default_rng(0).normal(size=(2, 3))
    for position, gradient in enumerate(symgrad.grad(module.loss, argnums=(0, 1))(x, y)):
        check_close(gradient, *expected_gradient(module.loss, (x, y), position))


ALIASES = """
    import numpy
    import numpy as {name}
    from numpy import exp as e, sum as total
    import math as m

    def loss(x, y):
        np = e(x) * y
        return {name}.sum(np * {name}.tanh(np)) + total(numpy.sin(np)) * m.pi
"""


@pytest.mark.parametrize("name", ["xp", "mask", "t", "jnp", "n", "dx", "math", "_0", "self", "out", "np_"])
def test_numpy_by_other_names(name: str, tmp_path: Any) -> None:
    module = written(tmp_path / "aliases.py", ALIASES.format(name=name))
    x, y = np.random.default_rng(0).normal(size=(2, 3))
    for position, gradient in enumerate(symgrad.grad(module.loss, argnums=(0, 1))(x, y)):
        check_close(gradient, *expected_gradient(module.loss, (x, y), position))


def test_numpy_without_its_usual_name(tmp_path: Any) -> None:
    text = """
        from numpy import exp, tanh
        from numpy.linalg import norm

        np = 3.0

        def loss(x, y):
            return norm(exp(x) * tanh(y)) * np
    """
    module = written(tmp_path / "without.py", text)
    x, y = np.random.default_rng(0).normal(size=(2, 3))
    for position, gradient in enumerate(symgrad.grad(module.loss, argnums=(0, 1))(x, y)):
        check_close(gradient, *expected_gradient(module.loss, (x, y), position))


def test_builtins_that_a_module_replaces(tmp_path: Any) -> None:
    text = """
        def abs(x):
            return x * x

        def max(x, y):
            return x + y

        def float(x):
            return x * 3.0

        def loss(x, y):
            return abs(x) * max(x, y) + float(x)
    """
    module = written(tmp_path / "replaced.py", text)
    assert symgrad.grad(module.loss, argnums=(0, 1))(2.0, 3.0) == (3 * 4 + 2 * 2 * 3 + 3.0, 4.0)


def test_source_of_a_user_who_calls_a_variable_np_is_complete(tmp_path: Any) -> None:
    module = written(tmp_path / "complete.py", TEMPLATES["variable"].format(name="np"))
    x, y = np.random.default_rng(0).normal(size=(2, 3))
    derivative = symgrad.grad(module.loss)
    namespace: dict[str, Any] = {"N": np, "numpy": np}
    assert derivative.source(x, y).count("def ") == 1
    exec(derivative.source(x, y), namespace)
    function = next(item for name, item in namespace.items() if name.startswith("loss"))
    assert np.array_equal(function(x, y), derivative(x, y))


PROGRAM = """
import sys

import numpy as np

import symgrad
from programs import *  # noqa

rng = np.random.default_rng(0)
W, b, X, Y = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]]
texts = [
    symgrad.grad(softmax, argnums=("W", "b")).source(W, b, X, Y),
    symgrad.value_and_grad(of_dict).source({"W": W, "b": b}, X),
    symgrad.grad(himmelblau, argnums=(0, 1)).source(1.0, 2.0),
    symgrad.grad(linear, argnums=(0, 1)).source(X.T @ X, X[0], X),
    symgrad.value_and_grad(pieces).source(X),
]
sys.stdout.write("\\n".join(texts))
"""
PROGRAMS = """
import numpy as np


def softmax(W, b, X, Y):
    z = X @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(Y * np.log(p), axis=1))


def of_dict(p, X):
    h = np.tanh(X @ p["W"] + p["b"])
    return np.sum(h * h * p["b"]) + np.sum(np.maximum(h, 0) / (1 + h * h))


def himmelblau(x, y):
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def linear(A, b, X):
    x = np.linalg.solve(A, b)
    return x @ x + np.linalg.slogdet(A)[1] + np.sum(np.linalg.inv(A) * np.outer(b, x)) + np.sum(X @ A @ X.T)


def pieces(x):
    a, b = x[1:], x[:-1]
    parts = np.concatenate([a * b, a + b, a / (2 + b * b)])
    chosen = np.where(parts > 0, np.sin(parts), np.cos(parts))
    return np.sum(chosen) + np.linalg.norm(x) + np.std(x) + np.max(a) * np.min(b)
"""


def source_bytes(path: Any, seed: str) -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "SYMGRAD_CACHE_DIR": str(path / f"cache{seed}")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), *sys.path]))
    script = [sys.executable, str(path / "print_sources.py")]
    return subprocess.run(script, capture_output=True, check=True, env=environment, cwd=path, timeout=120).stdout


def test_the_same_source_gives_the_same_bytes(tmp_path: Any) -> None:
    (tmp_path / "programs.py").write_text(PROGRAMS)
    (tmp_path / "print_sources.py").write_text(PROGRAM)
    found = [source_bytes(tmp_path, seed) for seed in ("0", "1", "4242")]
    assert found[0].count(b"def ") == 5
    assert found[0] == found[1] == found[2]


def test_the_same_source_gives_the_same_bytes_in_one_process(tmp_path: Any) -> None:
    texts = []
    for copy in range(2):
        module = written(tmp_path / f"copy_{copy}.py", PROGRAMS)
        x = np.ones((4, 3))
        texts.append(symgrad.value_and_grad(module.pieces).source(x))
        symgrad.grad(module.himmelblau)(1.0, 2.0)
    assert texts[0] == texts[1]


def test_names_of_the_generated_code_are_not_builtins() -> None:
    def loss(x):
        t = np.exp(x)
        return np.sum(t / (1 + t) ** 2)

    code = compile(symgrad.grad(loss).source(np.ones(3)), "text", "exec").co_consts[0]
    assert not set(code.co_varnames) & set(vars(builtins))
