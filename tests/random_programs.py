"""Random straight-line NumPy programs, written statement by statement while they run.

A row of a table is a piece of source with operands ``{a}``, ``{b}``, ``{c}`` and new names ``{u}``, ``{v}``. A
statement is kept if it runs at every point of the program (two of the same sizes, one of other sizes), if its values
stay of moderate size, and if the guard of its row holds, which keeps kinks and poles at a distance. So a program is
valid by construction, and what its derivative should be is known from differences.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PRELUDE = '''\
import math
from dataclasses import dataclass

import numpy as np
from numpy import tanh as th

SCALE = 0.75
IDX = np.array([1, 0, 1])
CONFIG = {"power": 2, "rate": 0.3}


def relu(u):
    return np.maximum(u, 0.0)


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


def softmax(u):
    e = np.exp(u - np.max(u, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def standardised(u, eps=1e-3):
    centred = u - u.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)


def affine(u, v, by=SCALE):
    """Two values at once."""
    w = u * v
    return w + by, w - by * u


def spd(u):
    return u @ u.T + 3.0 * np.eye(u.shape[0])


def twice(g, u):
    return g(g(u))


def build(RATE, LEVELS):
    def shifted(u):
        t = u + RATE
        return t * LEVELS[0]

    def program({parameters}):
{body}

    return program


program = build(0.4, (1.5, -0.5))
'''

# source | guard
ELEMENTWISE = """
{a} + {b}
{a} - {b}
{a} * {b}
{a} * {b}
{a} / {b}|abs(b) > .2
{a} + {b} * {c}
{a} * {b} - {c}
{a} * {b} * {c} * {a}
{a} * {b} / ({c} * {c} + 1.0)
({a} + {b}) * ({a} - {b})
{a} - {b} + {c} - {a} * {b}
-{a}
2.0 * {a}
{a} / 3
1 - {a}
1 / {a}|abs(a) > .2
{a} ** 2
{a} ** 3|abs(a) < 4
{a} ** -1|abs(a) > .2
{a} ** 0.5|a > .1
{a} ** -1.5|a > .2
{a} ** CONFIG["power"]
{a} ** {b}|(a > .2) & (a < 4) & (abs(b) < 4)
2.0 ** {a}|abs(a) < 4
np.exp({a})|a < 3
np.exp(-{a} ** 2)
np.exp({a} + {b})|a + b < 3
np.log({a})|a > .1
np.log({a} * {b})|(a > .1) & (b > .1)
np.log({a} / {b})|(a > .1) & (b > .1)
np.log(1 + np.exp({a}))|a < 20
np.log1p({a} ** 2)
np.log1p(np.exp(-{a}))|a > -20
np.sqrt({a})|a > .1
np.sqrt({a} ** 2 + {b} ** 2)|a ** 2 + b ** 2 > .01
np.sqrt({a} * {a} + 1)
np.tanh({a})
th({a})
np.sin({a})
np.cos({a})
np.arctan({a})
np.sinh({a})|abs(a) < 3
np.cosh({a})|abs(a) < 3
np.expm1({a})|a < 3
np.square({a})
np.reciprocal({a})|abs(a) > .2
np.negative({a})
np.abs({a})|abs(a) > .05
abs({a})|abs(a) > .05
np.abs({a}) ** 1.5|abs(a) > .05
np.sign({a}) * {b}|abs(a) > .05
np.maximum({a}, {b})|abs(a - b) > .05
np.maximum({a}, 0)|abs(a) > .05
np.maximum(0.5, {a})|abs(a - .5) > .05
np.minimum({a}, {b})|abs(a - b) > .05
np.minimum({a}, 1.0)|abs(a - 1) > .05
np.clip({a}, -1.0, 1.0)|abs(abs(a) - 1) > .05
{a}.clip(0, None)|abs(a) > .05
np.where({a} > 0, {b}, {c})|abs(a) > .05
np.where({a} > {b}, {a}, {b})|abs(a - b) > .05
np.where({a} > 0, {a}, 0.1 * {a})|abs(a) > .05
np.where({a} < 0.2, {b} * {c}, 0.0)|abs(a - .2) > .05
{a} * ({a} > 0)|abs(a) > .05
np.hypot({a}, {b})|a ** 2 + b ** 2 > .01
np.arctan2({a}, {b})|a ** 2 + b ** 2 > .05
np.logaddexp({a}, {b})
np.multiply({a}, {b})
np.subtract({a}, {b})
np.true_divide({a}, {b})|abs(b) > .2
np.add({a}, 0.5)
{a} * (1 - {a})
-{a} * np.log({a}) - (1 - {a}) * np.log(1 - {a})|(a > .05) & (a < .95)
1 / (1 + np.exp(-{a}))|a > -20
np.exp({a}) / (1 + np.exp({a}))|a < 3
{a} / (1 + np.abs({a}))|abs(a) > .05
0.5 * {a} * (1 + np.tanh(0.8 * ({a} + 0.04 * {a} ** 3)))
relu({a})|abs(a) > .05
sigmoid({a})
sigmoid({a}) * sigmoid(-{b})
shifted({a})
twice(shifted, {a})
twice(np.tanh, {a})
affine({a}, {b})[1]
affine({a}, {b}, by=0.2)[0] * affine({b}, {c})[1]
(lambda t: t * t + {a})({b})
np.add(*affine({a}, {b}))
{a} * CONFIG["rate"] + SCALE
"""

REDUCTIONS = """
{a}.sum()
np.sum({a}, axis=0)
np.sum({a}, axis=-1, keepdims=True)
{a}.sum(axis=1)
{a}.sum(axis=(0, 1))
np.sum({a} * {b}, axis=-1)
np.sum({a} / {b}, axis=0)|abs(b) > .2
{a}.mean()
np.mean({a}, axis=0)
{a}.mean(axis=-1, keepdims=True)
np.mean({a} ** 2, axis=0, keepdims=True)
np.var({a})
{a}.var(axis=0)
{a}.var(axis=-1, keepdims=True)
{a}.std(axis=0)|a.std(axis=0) > .1
np.std({a}, axis=-1, keepdims=True, ddof=1)|a.std(axis=-1) > .1
np.max({a})|gap(a, None) > .02
{a}.max(axis=0)|gap(a, 0) > .02
{a}.max(axis=-1, keepdims=True)|gap(a, -1) > .02
np.min({a}, axis=-1)|gap(-a, -1) > .02
np.prod({a}, axis=-1)|abs(a) > .1
np.linalg.norm({a})|abs(a) > .01
np.linalg.norm({a}, axis=-1)|abs(a) > .01
np.linalg.norm({a}, axis=0, keepdims=True)|abs(a) > .01
np.linalg.norm({a}, 1)|(a.ndim == 1) & (abs(a) > .05)
np.average({a}, axis=0)
np.log(np.sum(np.exp({a}), axis=-1))|a < 3
np.log(np.exp({a}).sum(axis=0, keepdims=True))|a < 3
np.trace({a})
np.trace({a} @ {b})
np.diff({a})
np.average({a}, weights={b})|abs(b.sum()) > .3
"""

PRODUCTS = """
{a} @ {b}
{a} @ {b} + {c}
{a} @ {b} @ {c}
{a}.T @ {b}
{a} @ {b}.T
{a} @ {a}.T
{a}.T @ {a}
{a}.dot({b})
np.dot({a}, {b})
np.matmul({a}, {b})
np.outer({a}, {b})
np.inner({a}, {b})
np.tensordot({a}, {b}, axes=1)
np.tensordot({a}, {b}, axes=([0], [0]))
np.einsum("ij,jk->ik", {a}, {b})
np.einsum("ij,ij->i", {a}, {b})
np.einsum("ij,ij", {a}, {b})
np.einsum("ij->ji", {a})
np.einsum("ii->i", {a})
np.einsum("i,j->ij", {a}, {b})
np.einsum("i,ij,j->", {a}, {b}, {c})
np.einsum("ijk,j->ik", {a}, {b})
np.einsum("...j,j->...", {a}, {b})
np.einsum("bij,bjk->bik", {a}, {b})
np.einsum("ij,kj->ik", {a}, {b}) / 3
np.linalg.inv(spd({a}))
np.linalg.inv(spd({a})) @ {b}
np.linalg.solve(spd({a}), {b})
np.linalg.det(spd({a}) / 4)
np.linalg.slogdet(spd({a}))[1]
"""

SHAPES = """
{a}.T
np.transpose({a})
{a}.transpose(1, 0)
np.transpose({a}, (2, 0, 1))
np.swapaxes({a}, 0, -1)
np.moveaxis({a}, 0, -1)
{a}.reshape(-1)
{a}.ravel()
{a}.reshape(-1, 1)
{a}.reshape(1, -1)
{a}.reshape(({a}).shape[0], -1)
{a}[1:]
{a}[:-1]
{a}[1:] - {a}[:-1]
{a}[::-1]
{a}[::2]
{a}[-2::-1]
{a}[0]
{a}[-1]
{a}[:, 0]
{a}[:, 1:]
{a}[..., -1]
{a}[..., ::-1]
{a}[None]
{a}[:, None]
{a}[..., None]
{a}[None, :, None]
{a}[0, 1]
{a}[1:, ::-1]
{a}[IDX]
{a}[:, IDX]
{a}[[0, 0, 1]]
{a}[labels]
{a}[np.arange(len({a})), labels]
np.take({a}, IDX, axis=-1)
np.concatenate([{a}, {b}])
np.concatenate(({a}, {b}, {a}), axis=-1)
np.stack([{a}, {b}])
np.stack(({a}, {b}), axis=-1)
np.hstack([{a}, {b}])
np.vstack([{a}, {b}])
np.array([{a}, {b}, 1.5])
np.flip({a})
np.flip({a}, axis=-1)
np.roll({a}, 1, axis=0)
np.squeeze({a})
np.expand_dims({a}, 1)
np.broadcast_to({a}, ({b}).shape)
np.diag({a})
np.tril({a})
np.repeat({a}, 2, axis=0)
np.tile({a}, 2)
np.full_like({a}, 0.5) * {b}
np.zeros_like({a}) + {b}
np.pad({a}, 1)
{a}.astype(float)
{a}.copy()
"""

IDIOMS = """
{u} = np.exp({a} - {a}.max(axis=-1, keepdims=True)); {v} = {u} / {u}.sum(axis=-1, keepdims=True)
{u} = np.exp({a}); {v} = {u} / {u}.sum()|a < 3
{u} = np.exp({a}) / np.exp({a}).sum(axis=-1, keepdims=True); {v} = {b} * np.log({u})|a < 3
{u} = {a} - {a}.mean(axis=0); {v} = {u} / {u}.std(axis=0)|a.std(axis=0) > .1
{u} = {a} / np.linalg.norm({a}, axis=-1, keepdims=True)|abs(a) > .05
{u} = {a} / np.sqrt(np.sum({a} * {a}))|abs(a) > .05
{u} = {a} / {a}.sum(axis=0)|abs(a.sum(axis=0)) > .3
{u} = {a} / (1 + {b}); {v} = {b} / (1 + {b})|abs(1 + b) > .2
{u} = {a} / ({a} + {b})|abs(a + b) > .2
{u}, {v} = {a} + {b}, {a} * {b}
({u}, {v}), w0 = ({a}, {b} * 2.0), {a}
{u}, *{v} = {a}, {b}
{u}, {v} = affine({a}, {b})
{u} = {v} = {a} * {b}
{u}: float = {a} * 1.5
{u} = softmax({a})|gap(a, -1) > .02
{u} = softmax({a}) * softmax({b})|(gap(a, -1) > .02) & (gap(b, -1) > .02)
{u} = standardised({a})|abs(a.std(axis=-1)) > .1
{u} = standardised({a}, eps=0.1) * {b} + {c}
{u} = {a} * {b} * {c}; {v} = {u} * {a} * {b} * {c} / ({u} * {u} + 1.0)
{u} = 1 / (1 + np.exp(-{a})); {v} = {b} * np.log({u}) + (1 - {b}) * np.log(1 - {u})|abs(a) < 10
{u} = 1 / (1 + np.exp(-{a})); {v} = {u} * (1 - {u})|abs(a) < 10
{u} = np.tanh({a}); {v} = {b} * (1 - {u} ** 2)
{u} = {a} @ {b}; {v} = {u} / np.sqrt({a}.shape[-1])
{u} = np.exp({a}) @ {b}; {v} = {u} / np.exp({a}).sum(axis=-1, keepdims=True)|a < 3
{u} = ({a} - {b}) ** 2; {v} = np.exp(-{u} / (2 * SCALE ** 2))
{u} = {a}[:, None] - {b}[None, :]; {v} = ({u} ** 2).sum(axis=-1)
{u} = np.maximum({a}, 0); {v} = {u} / (1 + {u})|abs(a) > .05
{u} = {a} * 2.0; {u} = {u} + {b}; {u} = {u} * {u}
{u} = [{a}, {b}]; {v} = {u}[0] * {u}[1]
{u} = {"first": {a}, "second": {b}}; {v} = {u}["first"] - {u}["second"]
{u} = {a}.shape[0]; {v} = {b} / {u}
"""

SCALARS = """
{a}|a.ndim == 0
{a}.sum()
np.sum({a})
np.mean({a})
({a} ** 2).sum()
np.sum({a} * {b})
0.5 * np.sum({a} ** 2)
np.mean(np.square({a} - {b}))
-np.mean(np.sum({a} * {b}, axis=-1))
np.sum(np.tanh({a}))
np.sum({a}) * np.sum({b})
np.sum({a}) / (1 + np.sum({b} ** 2))
np.sqrt(np.sum({a} ** 2) + 1)
np.log(np.sum(np.exp({a})))|a < 3
np.linalg.norm({a})|abs(a) > .01
{a} @ {b} @ {c}|(a.ndim == 1) & (c.ndim == 1)
"""

OPERANDS = ("({0} * {1})", "({0} + {1})", "({0} - {1})", "(0.5 * {0})", "(1 - {0})", "{0}.T", "np.tanh({0})", "(-{0})")
NAMES = [
    "z",
    "h",
    "w",
    "e",
    "p0",
    "q",
    "r",
    "t",
    "k",
    "m",
    "out",
    "mask",
    "n",
    "dW",
    "dx",
    "np_",
    "grad",
    "loss",
    "total",
    "acc",
    "y_hat",
    "g",
    "s0",
]
SIZES = ({"n": 4, "d": 3, "k": 2}, {"n": 4, "d": 3, "k": 2}, {"n": 6, "d": 5, "k": 3})
ARRAYS = {"x": "d", "y": "n", "b": "k", "A": "nd", "W": "dk", "M": "dd", "row": "1d", "col": "n1", "T": "ndk", "v": "d"}
LARGEST, MOST_ELEMENTS = 60.0, 400


Row = tuple[str, str]


def _rows(table: str) -> list[Row]:
    lines = (line.partition("|") for line in table.strip().split("\n"))
    return [(source, f"({guard or True}) & (a.ndim > 0)" if "axis" in source else guard) for source, _, guard in lines]


GROUPS = [(_rows(ELEMENTWISE), 10), (_rows(REDUCTIONS), 3), (_rows(PRODUCTS), 3), (_rows(SHAPES), 4)]
IDIOM_ROWS, SCALAR_ROWS = _rows(IDIOMS), _rows(SCALARS)
NOT_ANALYTIC = re.compile(r"\b(abs|sign|clip|hypot|arctan2|logaddexp|norm|var|std|slogdet|astype)\(")
FAILURES = (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, np.linalg.LinAlgError)


@dataclass
class Program:
    """A program's source, the arguments at its points, what to differentiate, whether complex steps work."""

    source: str
    points: list[tuple[Any, ...]]
    argnums: tuple[int, ...]
    analytic: bool

    def function(self) -> Callable[..., Any]:
        """The function, defined anew, with its source where ``inspect`` finds it."""
        return defined(self.source)


_serial = itertools.count()


def defined(source: str) -> Callable[..., Any]:
    """Execute a program's source, registered in ``linecache``."""
    filename = f"<random program {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": "random_program"}
    exec(compile(source, filename, "exec"), namespace)
    return namespace["program"]


def gap(a: np.ndarray, axis: int | None) -> Any:
    """The distance between the two largest elements along an axis."""
    flat = np.ravel(a) if axis is None else np.moveaxis(np.asarray(a), axis, -1)
    ordered = np.sort(flat, axis=-1)
    return ordered[..., -1] - ordered[..., -2] if ordered.shape[-1] > 1 else np.ones(ordered.shape[:-1])


@dataclass
class Writer:
    """Writes one program; ``spaces`` are the variables at each point."""

    rng: random.Random
    spaces: list[dict[str, Any]]
    pool: list[str]
    lines: list[str] = field(default_factory=list)

    def statement(self) -> None:
        """Append a statement, if one of some trials is valid."""
        for _ in range(200):
            if self.rng.random() < 0.2:
                source, guard = self._filled(*self.rng.choice(IDIOM_ROWS))
            else:
                (rows,) = self.rng.choices([rows for rows, _ in GROUPS], [weight for _, weight in GROUPS])
                source, guard = self._filled(*self.rng.choice(rows))
                source = f"{self.rng.choice(NAMES)} = {source}"
            if self.accepted(source, guard):
                return

    def result(self) -> bool:
        """Append the return statement, a scalar of the last variables; whether there is one."""
        terms = []
        for _ in range(300):
            source, guard = self._filled(*self.rng.choice(SCALAR_ROWS))
            if all(_is_scalar(source, guard, space) for space in self.spaces):
                terms.append(source)
                if len(terms) > 2 or self.rng.random() < 0.5:
                    break
        operator = self.rng.choice((" + ", " - ", " * "))
        result = operator.join(f"({term})" for term in terms) if len(terms) > 1 else "".join(terms)
        self.lines.append(f"return {result}")
        return bool(terms) and all(_is_scalar(result, "", space) for space in self.spaces)

    def accepted(self, source: str, guard: str = "") -> bool:
        """Append a statement, if it is valid."""
        after = [dict(space) for space in self.spaces]
        try:
            for space in after:
                if guard and not np.all(eval(guard, space)):
                    return False
                exec(source, space)
        except FAILURES:
            return False
        new = [name for name in _stored(source) if _is_float(after[0].get(name))]
        if not all(_moderate(space[name]) for space in after for name in new):
            return False
        self.spaces = after
        self.lines += source.split("; ")
        self.pool = [name for name in self.pool if name not in _stored(source)] + new
        return True

    def _filled(self, source: str, guard: str) -> Row:
        operands = {name: self._operand() for name in "abc"}
        names = dict(zip("uv", self.rng.sample(NAMES, 2), strict=True))
        text = re.sub(r"\{([abcuv])\}", lambda match: {**operands, **names}[match[1]], source)
        return text, re.sub(r"\b([abc])\b", lambda match: f"np.asarray({operands[match[1]]})", guard)

    def _operand(self) -> str:
        """A variable, mostly a recent one, or an expression of one."""
        name = self.pool[-1 - int(min(self.rng.expovariate(0.4), len(self.pool) - 1))]
        if self.rng.random() < 0.75:
            return name
        return self.rng.choice(OPERANDS).format(name, self.rng.choice(self.pool))


def _stored(source: str) -> list[str]:
    """The names that a statement assigns, in order."""
    statements = ast.parse(source).body
    stored = (node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name))
    return list(dict.fromkeys(node.id for node in stored if isinstance(node.ctx, ast.Store)))


def _is_scalar(source: str, guard: str, space: dict[str, Any]) -> bool:
    try:
        if guard and not np.all(eval(guard, space)):
            return False
        value = eval(source, space)
    except FAILURES:
        return False
    return np.shape(value) == () and _is_float(value) and _moderate(value)


def _is_float(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _moderate(value: Any) -> bool:
    array = np.abs(value)
    return 0 < array.size <= MOST_ELEMENTS and array.ndim < 5 and bool(1e-3 < np.max(array) < LARGEST)


def _argument(name: str, sizes: dict[str, int], numbers: np.random.Generator) -> Any:
    positive = name in "yvb"
    match name:
        case "s" | "rate":
            return float(numbers.uniform(0.3, 1.5))
        case "labels":
            return numbers.integers(0, sizes["k"], sizes["n"])
        case "params":
            return {key: _argument(key, sizes, numbers) for key in ("W", "b", "s")}
        case "pair":
            return (_argument("x", sizes, numbers), _argument("s", sizes, numbers))
    shape = tuple(1 if axis == "1" else sizes[axis] for axis in ARRAYS[name])
    return numbers.uniform(0.3, 1.6, shape) if positive else numbers.normal(size=shape)


def generate(rng: random.Random, statements: int) -> Program | None:
    """A program of about so many statements; None where no scalar result was found."""
    names = [*rng.sample([*ARRAYS, "s", "rate", "params", "pair"], rng.randint(2, 5)), "labels"]
    numbers = np.random.default_rng(rng.randrange(2**32))
    points = [tuple(_argument(name, sizes, numbers) for name in names) for sizes in SIZES]
    with np.errstate(all="ignore"):
        space = _globals()
        spaces = [{**space, **dict(zip(names, point, strict=True))} for point in points]
        writer = Writer(rng, spaces, [name for name in names if name not in ("labels", "params", "pair")])
        _unpack(writer, names)
        for _ in range(statements):
            writer.statement()
        if not writer.result():
            return None
    chosen = tuple(position for position, name in enumerate(names) if name != "labels" and rng.random() < 0.8)
    return Program(written(names, writer.lines), points, chosen or (0,), not NOT_ANALYTIC.search("".join(writer.lines)))


def written(parameters: Sequence[str], lines: Sequence[str]) -> str:
    """The source of a module that defines the program."""
    body = "\n".join(f"        {line}" for line in lines)
    return PRELUDE.replace("{parameters}", ", ".join(parameters)).replace("{body}", body)


def _unpack(writer: Writer, names: Sequence[str]) -> None:
    if "params" in names:
        writer.accepted('Wp, bp, sp = params["W"], params["b"], params["s"]')
    if "pair" in names:
        writer.accepted("first, second = pair")
    if not writer.pool:
        writer.accepted("one = 1.0")


def _globals() -> dict[str, Any]:
    """What the program's body sees, for the trials of its statements."""
    source = PRELUDE.replace("{parameters}", "").replace("{body}", "        return shifted")
    namespace: dict[str, Any] = {"gap": gap}
    exec(source, namespace)
    namespace["shifted"] = namespace["program"]()
    return namespace
