"""The expressions and assignments of random structured programs, and the helpers that they call.

Slots: an upper-case letter is a variable of a kind (``S`` scalar, ``V`` vector, ``M`` matrix, ``I`` integer, ``P``
integer array, ``L`` list of scalars, ``W`` list of vectors, ``D`` dict of scalars, ``E`` dict of vectors, ``F``
function of a scalar, ``O`` account, ``Q`` state), a lower-case letter an expression (``b`` condition, ``k`` mask,
``i`` integer), ``N`` a new name, ``C`` a new counter, ``t1`` a number near the values of ``s1``. Slots of one number
are filled alike.
"""

from __future__ import annotations

PRELUDE = """\
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

RATE = 0.3
ENDS = np.array([0, 2, 0])
Pair = namedtuple("Pair", "left right")


@dataclass
class State:
    pos: np.ndarray
    vel: np.ndarray
    time: float = 0.0

    def kick(self, force):
        self.vel = self.vel + 0.1 * force
        self.time += 0.1

    def drift(self):
        self.pos += 0.1 * self.vel
        return self


class Account:
    rate = 0.2

    def __init__(self, total):
        self.total = total
        self.calls = 0

    def add(self, amount):
        self.calls += 1
        self.total += amount
        return self.total

    def scaled(self, by):
        return self.total * by * self.rate

    @property
    def half(self):
        return 0.5 * self.total


class Savings(Account):
    rate = 0.4

    def add(self, amount):
        if amount > 0.5:
            amount = 0.5 + np.tanh(amount - 0.5)
        return super().add(amount)


def set_ends(u, value):
    u[0] = value
    u[-1] = -value


def grow(u, by):
    u += by
    return u


def tail(u):
    return u[1:]


def halves(u):
    middle = len(u) // 2
    return u[:middle], u[middle:]


def smooth(u, turns=2):
    for _ in range(turns):
        u[1:-1] = 0.5 * u[1:-1] + 0.25 * (u[:-2] + u[2:])


def saturated(t, limit=0.7):
    if t < limit:
        return t
    return limit + np.tanh(t - limit)


def extremes(s, t):
    if s > t:
        return s, t
    return t, s


def first_above(u, level):
    for i in range(len(u)):
        if u[i] > level:
            return u[i]
    return level


def cumulated(u):
    out = np.zeros_like(u)
    total = 0.0
    for i, t in enumerate(u):
        total = total + t
        out[i] = total
    return out


def power(t, n):
    return 1.0 if n == 0 else t * power(t, n - 1)


def horner(coefficients, t):
    value = 0.0
    for c in coefficients[::-1]:
        value = value * t + c
    return value


def squashed(u, scale=RATE):
    return scale * np.tanh(u / scale)
"""

SCALARS = """
{S}
{V}[0]
{V}[-1]
{V}[{i}]
{M}[0, -1]
{M}[{i}, {i}]
np.sum({v})
{v}.sum()
np.mean({v})
{m}.mean()
np.sum({m} * {m}) / {m}.size
0.3 * ({v} @ {v})
np.dot({v}, {v}) / len({V})
np.tanh({s})
np.sin({s})
np.cos({s})
np.sqrt(1.0 + {s1} ** 2)
np.exp(-({s} ** 2))
np.exp(0.3 * np.tanh({s}))
{s} + {s}
{s} - {s}
{s} * {s}
{s} * {s} + {s}
{s} / (1.5 + {s} ** 2)
0.5 * {s}
-{s}
{s} ** 2
1 - {s}
abs({s})
max({s}, {s})
min({s}, 0.8)
np.maximum({s}, 0.2)
{s} if {b} else {s}
float(np.sum({v}))
{L}[-1]
sum({L})
sum(t * t for t in {L})
sum(t * {s} for t in {V})
len({L}) * {s}
{D}["a"]
{D}["a"] * {D}["b"]
{O}.total
{O}.half
{O}.scaled({s})
{F}({s})
{F}({F}({s}))
(lambda t: t * {s})({s})
0.5 * {i} * {s}
saturated({s})
power({s}, 3)
first_above({V}, 0.4)
squashed({s})
{V1}[{I1}] if {I1} < len({V1}) else {s}
{V1}[{I1} + 1] * {V1}[{I1}] if {I1} + 1 < len({V1}) else {s}
np.sum({V}[{i}:])
np.sum({V1}[{I1}::-1] ** 2)
"""

VECTORS = """
{V}
{v} + {v}
{v} - {v}
{v} * {v}
{v} * {v} + {v}
{v} / (1.5 + {v} ** 2)
{s} * {v}
{v} + {s}
1 - {v}
np.tanh({v})
np.sin({v})
np.cos({v})
np.exp(-({v} ** 2))
np.sqrt(1.0 + {v1} * {v1})
{m} @ {v}
{v} @ {m}
{m}.T @ {v}
np.tanh({m} @ {v} + {v})
{m}.sum(axis=0)
np.mean({m}, axis=1)
{M}[0]
{M}[:, -1]
{M}[{i}]
{v}[::-1]
{V1}[1:] - {V1}[:-1]
np.where({k}, {v}, {v})
np.where({V1} > 0.3, {V1}, 0.1 * {V1})
np.maximum({v}, 0.1)
np.minimum({v}, {v})
np.abs({v})
np.concatenate([{v}, {v}])
np.concatenate([{V1}[1:], {V1}[:1]])
{M}.reshape(-1)
np.array([{s}, {s}, {s}])
{V}.copy()
np.ones(len({V})) * {s}
np.zeros_like({V})
{V}[{P}]
{V}[ENDS]
np.array([t * {s} for t in {V}])
np.array([saturated(t) for t in {V}])
{W}[0]
{E}["a"]
{Q}.pos
{Q}.vel * {s}
cumulated({v})
squashed({v})
{V}[np.arange(3) - 1]
{V}[np.arange(2) + {i}]
{V1}[(np.arange(len({V1})) + 1) % len({V1})]
{V}[::-2]
{v}[1::-1]
"""

MATRICES = """
{M}
{m} + {m}
{m} * {m}
{m} - {v}
0.3 * ({m} @ {m})
{m}.T
{m} @ {m}.T
np.outer({v}, {v})
{V}[:, None] * {V}[None, :]
np.tanh({m})
np.sin({m})
{s} * {m}
np.stack([{v}, {v}, {v}])
np.eye(len({V})) * {s}
{M}.copy()
np.zeros_like({M})
np.zeros((3, len({V})))
np.where({M1} > 0.3, {M1}, {s})
np.maximum({m}, {s})
np.array([row * {s} for row in {M}])
"""

INTEGERS = """
0
1
2
-1
{I}
{I}
{I}
{I} - 1
{I} // 2
len({V}) - 1
{M}.shape[0] - 1
"""

CONDITIONS = """
{s1} > {t1}
{s1} > {t1}
{s1} < {t1}
{s1} >= {t1}
{s1} > {t1} and {s2} < {t2}
{s1} > {t1} or {s2} > {t2}
not {s1} > {t1}
-0.6 < {s1} < {t1}
{s} > {s}
{I} % 2 == 0
{I} > 1
{I} == 0
{I} != 1 and {s1} < {t1}
len({L}) < 4
{I} + 1 < len({V})
{I1} < len({V1}) and {V1}[{I1}] > 0.3
np.any({V} > 0.9)
np.all({V} < 1.2)
"""

MASKS = """
{V} > 0.3
{V1} < {V2}
({V1} > -0.5) & ({V1} < 0.9)
~({V} > 0.1)
"""

ASSIGNMENTS = """
{N1} = {s}
{N1} = {s}
{N1} = {v}
{N1} = {v}
{N1} = {m}
{S1} = {S1} + {s}
{S1} = 0.5 * {S1} + {s}
{S1} = np.tanh({S1} * {s})
{S1} = {s}
{S1} += {s}
{S1} += {s}
{S1} *= {s}
{S1} -= 0.5 * {s}
{S1} /= 1.5
{V1} = {v}
{V1} = 0.5 * {V1} + {v}
{V1} = np.tanh({V1} + {v})
{M1} = np.sin({M1}) + {m}
{N1}, {N2} = {s}, {v}
{S1}, {S2} = {S2}, {S1}
{S1}, {N1} = {s}, {S1}
{N1} = {N2} = {s}
{N1} = {s} if {b} else {s}
{N1} = {v} if {b} else {v}
{N1} = ({N2} := {s}) * {s}
{N1}: float = {s}
{N1} = 2
{N1} = 0.0
{N1} = {i}
"""

RESULTS = """
{S}
{S} * {S}
np.sum({V})
{V} @ {V}
np.mean({V} * {V})
np.sum({M})
np.sum({M} * {M}) / {M}.size
np.sum(np.sin({V}))
sum({L})
np.sum({W}[-1])
{D}["b"]
np.sum({E}["b"])
{O}.total
np.sum({Q}.pos * {Q}.vel)
"""

NAMES = """
z h w e p0 q r v m out mask n dW dx np_ grad loss total acc y_hat g s0 best cur prev err res buf col f1 f2 left right
state item z1 z2 q1 q2 r1 r2 u1 u2 v1 v2 m1 m2 h1 h2 e1 e2 t1 t2
"""
COUNTERS = ["i", "j", "k", "step", "it", "j1", "j2", "k1", "k2", "i1", "i2"]


def lines(table: str) -> list[str]:
    """The rows of a table of one row a line; statements of a row are separated by semicolons."""
    return table.strip().split("\n")


def blocks(table: str) -> list[str]:
    """The rows of a table of rows between blank lines."""
    return table.strip().split("\n\n")


EXPRESSIONS = {
    "s": lines(SCALARS),
    "v": lines(VECTORS),
    "m": lines(MATRICES),
    "i": lines(INTEGERS),
    "b": lines(CONDITIONS),
    "k": lines(MASKS),
}
ASSIGNMENT_ROWS, RESULT_ROWS = lines(ASSIGNMENTS), lines(RESULTS)
