from __future__ import annotations

import dataclasses
import functools
import linecache
import math
import types
from typing import Any, NamedTuple

import numpy as np
import pytest
from differences import check_gradient
from reading import check, program_of

import symgrad
from symgrad.ir.signature import ArrayArg, ContainerArg, NumberArg

X = np.array([[0.3, -1.2, 0.7], [2.0, 0.4, -0.1]])
W = np.array([[1.5, 0.2], [-0.3, 0.9], [0.8, -1.1]])
V = np.array([0.5, -0.25])

lam = 0.25
steps = 3
weights = np.array([1.0, -2.0, 0.5])
config = types.SimpleNamespace(scale=2.5, name="l2", table=[1.0, 2.0], nested=types.SimpleNamespace(shift=np.ones(2)))
params = {"W": W, "names": ["a"], "rates": (0.1, 0.2)}
activations = {"relu": lambda x: np.maximum(x, 0.0), "tanh": np.tanh}
axis = 1


class Layer(NamedTuple):
    W: Any
    b: Any


@dataclasses.dataclass
class Model:
    W: Any
    b: Any
    activation: str = "tanh"

    def __call__(self, x: Any) -> Any:
        return activations[self.activation](self.scores(x))

    def scores(self, x: Any) -> Any:
        return x @ self.W + self.b

    @property
    def norm(self) -> Any:
        return np.sum(self.W * self.W)

    @staticmethod
    def double(x: Any) -> Any:
        return 2 * x

    @classmethod
    def zero(cls) -> Any:
        return 0.0


def softmax(z: Any, axis: int = 1) -> Any:
    """Rows that sum to one."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def loss(x: Any, w: Any) -> Any:
    z = x @ w
    p = softmax(z)
    return -np.mean(np.log(p[:, 0])) + lam * np.sum(w**2)


def test_statements() -> None:
    program = check(loss, X, W)
    named = [statement for statement in program.body.statements if statement.variable is not None]
    assert [(statement.variable, statement.value.code.name) for statement in named] == [(v, v) for v in "zep"]
    assert program.parameters == "x, w"
    softmax_path = ("globals", "softmax")
    assert [capture.path for capture in program.captures] == [
        ("function", "__code__"),
        softmax_path,
        (*softmax_path, "function", "__code__"),
        (*softmax_path, "function", "__defaults__"),
        ("globals", "lam"),
    ]
    assert program.captures[-1].local == "lam"
    assert program.captures[-1].arg == NumberArg("float")
    assert {"x", "w", "z", "p", "e", "lam", "np"} <= program.identifiers


def unpacking(x: Any, v: Any) -> Any:
    a, b = v
    (c, *rest), d = (a, b, a * b), x.shape
    first, second = d
    t: float = a + b
    i = j = t * c
    i += 1.0
    del_ = [i, j, *rest]
    x0, *_ = x
    return {"a": a, "rows": x0, "sizes": (first * a, second), "more": del_}


def test_unpacking() -> None:
    check(unpacking, X, V)


def flow(x: Any, flag: bool = True, mode: str = "mean", scale: Any = None) -> Any:
    assert x.ndim == 2, f"expected a matrix, not {x.ndim} axes"
    assert x.shape[0] == 2
    assert x.shape == (2, 3)
    if scale is None:
        scale = 2.0
    elif mode == "never":
        raise ValueError("never")
    total = 0.0
    for k in range(4):
        if k == 2:
            continue
        if k == 3:
            break
        total = total + k * x.sum()
    else:
        total = None
    for name, value in {"a": x, "b": -x}.items():
        total = total + value.max() if name == "b" else total
    import math as m  # noqa: PLC0415

    from numpy import tanh  # noqa: PLC0415

    if flag and mode in {"mean", "sum"}:
        return getattr(np, mode)(tanh(x)) * scale + total * m.pi
    return total


def test_static_flow() -> None:
    check(flow, X)
    check(flow, X, mode="sum", scale=3.0)
    check(flow, X, False)


def updates(x: Any, v: Any) -> Any:
    z = x + 1.0
    z += 2.0
    z *= x
    s = v.sum()
    s += 1
    s **= 2
    z -= s
    n = 0
    n += 1
    t = (x,)
    t += (z,)
    return z, s, n, t


def test_augmented_assignment() -> None:
    check(updates, X, V)


def closures(x: Any, k: float) -> Any:
    factor = 2.0

    def scaled(y: Any, *, by: float = 3.0) -> Any:
        return y * by * factor * k

    compose = lambda f, g: lambda y: f(g(y))  # noqa: E731
    factor = 5.0
    return compose(scaled, np.sin)(x) + scaled(x, by=0.5)


def test_closures_bind_late() -> None:
    check(closures, X, 0.7)


def factorial(n: int, x: Any) -> Any:
    return 1.0 if n == 0 else n * x * factorial(n - 1, x)


def variadic(*args: Any, **kwargs: Any) -> Any:
    return sum(args) * kwargs["c"] + kwargs.get("d", 1.0)


def wrapper_of(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return 2 * function(*args, **kwargs)

    return wrapper


@wrapper_of
def doubled(x: Any, *, k: float = 1.5) -> Any:
    return np.sum(x) * k


@functools.cache
def cached(x: Any) -> Any:
    return x * x


def test_inlined_calls() -> None:
    check(lambda x: factorial(5, x), 0.9)
    check(lambda x: variadic(x, 2 * x, c=x, d=3.0), 0.9)
    check(variadic, 1.0, 2.0, c=0.5)
    check(lambda x: doubled(x) + doubled(x, k=0.5), X)
    check(doubled, X, k=0.25)
    check(lambda x: cached(x) + 1, 0.3)
    check(lambda x, w: functools.partial(softmax, axis=0)(x @ w), X, W)


half = functools.partial(np.multiply, 0.5)
scaled_by_lam = functools.partial(lambda k, x: k * x, lam)


def test_captured_partials() -> None:
    check(lambda x: half(x) + scaled_by_lam(x), X)


def test_deep_chains_and_long_functions() -> None:
    functions: list[Any] = [lambda x: x * 1.01]
    for _ in range(39):
        functions.append(lambda x, f=functions[-1]: f(x) + 0.5)
    program = program_of(functions[-1], X)
    assert program.result is not None


def test_captures() -> None:
    shift = np.array([1.0, 2.0, 3.0])
    rate = 0.5

    def function(x: Any) -> Any:
        y = x * weights * config.scale + shift * rate
        return np.sum(y, axis=axis) + config.table[1] + config.nested.shift @ params["W"].T[0, :2] * params["rates"][0]

    program = check(function, X)
    found = {capture.path: (capture.local, type(capture.arg)) for capture in program.captures}
    assert found["globals", "weights"] == ("weights", ArrayArg)
    assert found["closure", "shift"] == ("shift", ArrayArg)
    assert found["globals", "config", "attribute", "scale"] == ("scale", NumberArg)
    assert found["globals", "params"] == ("params", ContainerArg)
    axes = [capture for capture in program.captures if capture.path == ("globals", "axis")]
    assert [capture.local for capture in axes] == ["axis", None]


def test_captured_functions_are_compiled_in() -> None:
    program = check(lambda x: activations["relu"](softmax(x)), X)
    found = {capture.path: capture.local for capture in program.captures}
    assert found["globals", "softmax"] is None


def test_captured_integers_are_compiled_in_where_they_must_be_known() -> None:
    def function(x: Any) -> Any:
        parts = [k * x for k in range(steps)] + [x] * steps
        last = steps - 1
        best = parts[last] if steps > 2 else parts[0]
        return functools.reduce(np.add, parts) + best / steps

    captures = program_of(function, X).captures
    assert [capture.local for capture in captures if capture.path == ("globals", "steps")] == ["steps", None]


def test_lists_over_captured_integers_are_compiled_for_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def function(x: Any) -> Any:
        first, *others = [np.sin(k * x) for k in range(steps)]
        return np.sum(functools.reduce(np.multiply, others, first + 1.0))

    derivative = symgrad.value_and_grad(function)
    for number in (3, 5, 3):
        monkeypatch.setitem(globals(), "steps", number)
        value, gradient = derivative(X)
        assert value == function(X)
        check_gradient(function, (gradient,), [X], [0])


def test_walrus_in_a_comprehension() -> None:
    check(lambda x: ([(y := k * x) for k in range(3)], y), X)


def test_capture_names_are_free() -> None:
    def function(x: Any) -> Any:
        scale = 2.0 * x
        return scale * config.scale

    program = check(function, X)
    assert [capture.local for capture in program.captures if capture.local] == ["config_scale"]


def test_containers() -> None:
    def function(p: Any, q: Any, layers: Any) -> Any:
        h = q[0] @ p["W"]
        for layer in layers:
            h = np.tanh(h @ layer.W + layer.b)
        return Layer(h, q[1]), {**p, "h": h}

    program = check(function, {"W": W, 0: 1.0}, [X, 2.0], (Layer(np.eye(2), V), Layer(W.T @ W, 0.5)))
    accesses = [item.access for item in program.inputs]
    assert accesses == ['p["W"]', "p[0]", "q[0]", "q[1]", "layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]
    assert program.inputs[0].argument == "p"


def test_dataclasses() -> None:
    def function(model: Any, x: Any) -> Any:
        again = Model(model.W * 2, b=model.b)
        return np.sum(model(x)) + model.norm + model.double(model.b).sum() + Model.zero() + again.scores(x).sum()

    program = check(function, Model(W, V), X)
    assert [item.access for item in program.inputs] == ["model.W", "model.b", "x"]


class Regression:
    def __init__(self) -> None:
        self.rate = 0.3
        self.center = np.ones(3)

    def loss(self, x: Any) -> Any:
        return np.sum((x - self.center) ** 2) * self.rate + self.penalty(x)

    def penalty(self, x: Any) -> Any:
        return self.rate * np.abs(x).sum()


regression = Regression()


def test_methods() -> None:
    program = check(regression.loss, X)
    assert ("attribute", "__self__", "attribute", "rate") in [capture.path for capture in program.captures]
    assert program.parameters == "x"
    check(lambda x: 2 * regression.loss(x), X)


def test_integers_that_are_differentiated_are_floats() -> None:
    program = program_of(lambda n, x: n * x.sum(), 3, np.arange(3), active=("n", "x"))
    assert program.inputs[0].value.tensor.kind is float
    assert program.inputs[1].value.tensor.kind == np.float64


def test_parameters_keep_their_defaults() -> None:
    def function(a: float, /, b: float = lam, *args: Any, c: Any = None, **kwargs: Any) -> Any:
        return a * b

    assert check(function, 2.0).parameters == "a, /, b=0.25, *args, c=None, **kwargs"


def test_axes_of_length_one_are_static() -> None:
    program = check(lambda x: x / x.shape[0] * x.shape[1], np.ones((1, 3)))
    assert program.result.tensor.rank == 2


def test_repeated_reading_is_deterministic() -> None:
    first, second = program_of(loss, X, W), program_of(loss, X, W)
    assert first.result.code == second.result.code
    assert str(first.result.tensor) == str(second.result.tensor)
    assert list(map(str, first.builder.equations)) == list(map(str, second.builder.equations))


@pytest.mark.parametrize("count", [100, 400])
def test_many_statements(count: int) -> None:
    lines = ["def long(x):\n", "    y0 = x * 0.5\n"]
    lines += [f"    y{k} = np.sin(y{k - 1}) * y{max(k - 2, 0)} + {k}.0\n" for k in range(1, count)]
    text = "".join([*lines, f"    return y{count - 1}\n"])
    linecache.cache["<long>"] = len(text), None, text.splitlines(keepends=True), "<long>"
    scope: dict[str, Any] = {"np": np, "math": math}
    exec(compile(text, "<long>", "exec"), scope)
    check(scope["long"], 0.3)
