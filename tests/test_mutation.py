"""Arrays changed in place as programs do: each kind of store by each kind of statement, and the idioms of the field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from differences import module_of
from real_programs import Case, Table, check_or_refused

REFUSED: set[str] = set()

REFUSED_STORES: set[str] = set()


class Key(NamedTuple):
    """A subscript, with an array that fits in its place and one that broadcasts there."""

    text: str
    array: str
    broadcast: str = ""


VECTOR_KEYS = [
    Key("2", "g[1]"),
    Key("-1", "g[0]"),
    Key("1:4", "g[:3]", "g[:1]"),
    Key("-2:", "g[:2]", "g[2:3]"),
    Key("::2", "g[:3]", "g[1:2]"),
    Key("::-1", "g", "g[4:]"),
    Key("3:0:-1", "g[1:4]", "g[:1]"),
    Key("...", "g", "g[3:4]"),
    Key("None, 1:3", "g[:2]", "g[None, :1]"),
    Key("[0, 3, 2]", "g[2:]", "g[:1]"),
    Key("np.array([3, 0, 3])", "g[2:]", "g[:1]"),
    Key("g > 0.0", "g[g > 0.0]", "g[:1]"),
    Key("y > 1.5", "g[y > 1.5]", "g[4:]"),
    Key("n", "g[n - 1]"),
    Key("n:", "g[n:]", "g[n : n + 1]"),
    Key("n : n + 2", "g[:2]", "g[1:2]"),
    Key("np.argmax(g)", "g[n]"),
]

MATRIX_KEYS = [
    Key("1, 2", "g[2, 1]"),
    Key("1", "g[0]", "g[0, :1]"),
    Key(":, 1", "g[:, 0]", "g[2, 2:]"),
    Key("1:3, ::2", "g[:2, :2]", "g[0, 1:]"),
    Key("::-1, 1:", "g[:, :2]", "g[:, :1]"),
    Key("..., 0", "g[:, 2]", "g[1, 1:2]"),
    Key("1:, None, 2", "g[1:, :1]", "g[3, :1]"),
    Key("[0, 2], [1, 1]", "g[0, :2]", "g[2, 2:]"),
    Key("[3, 0]", "g[1:3]", "g[1]"),
    Key("[[0], [2]], [0, 1]", "g[:2, :2]", "g[3, 1:]"),
    Key("1:3, [2, 0]", "g[:2, 1:]", "g[0, :2]"),
    Key("g < 0.0", "g[g < 0.0]", "g[3, :1]"),
    Key("g[:, 0] > 0.0", "g[g[:, 0] > 0.0]", "g[1]"),
    Key("n, 1:", "g[n - 1, :2]", "g[0, :1]"),
    Key("n", "g[n - 1]", "g[n, :1]"),
]

ASSIGNMENTS = ["=", "+=", "-=", "*=", "/=", "**="]
GATHERED = ("2", "[", "np.", "g >", "g <", "1, 2")

HEADER = """
def {name}(x, g, s, n):
    {start}
"""

BODIES = {
    "after": """
    {statement}
    return np.sum(g * y * y)
""",
    "both": """
    z = y * x
    {statement}
    return np.sum(g * y * y * z)
""",
    "view": """
    {statement}
    return np.sum(g * base[0] * base[1])
""",
}


class Store(NamedTuple):
    """A function with one store, and what it is called in a report."""

    name: str
    text: str
    is_matrix: bool
    dtype: type


def statement_of(key: Key, operator: str, kind: str) -> str:
    """The text of a store of a scalar, of an array or of an array that broadcasts."""
    value = "s" if kind == "scalar" else key.broadcast if kind == "broadcast" and key.broadcast else key.array
    if operator.startswith("np."):
        return f"{operator}(y, ({key.text}), {value})"
    return f"y[{key.text}] {operator} {value}"


def store_of(number: int, key: Key, operator: str, *, is_matrix: bool, dtype: type = np.float64) -> Store:
    """The kinds of value and the uses around the store take turns."""
    usage = ("after", "both", "view")[number % 3]
    kind = ("array", "scalar", "broadcast", "array")[number // 3 % 4]
    start = "base = np.stack((x, 1.0 + x * x))\n    y = base[1]" if usage == "view" else "y = 1.0 + x * x"
    body = BODIES[usage].format(statement=statement_of(key, operator, kind))
    text = HEADER.format(name=f"store_{number}", start=start).rstrip("\n") + body
    return Store(f"[{key.text}] {operator}{'' if dtype is np.float64 else ' float32'}", text, is_matrix, dtype)


def all_stores() -> Iterator[Store]:
    """Each key by each statement in double precision, and each key by one of them in single precision."""
    numbers = itertools.count()
    for is_matrix, keys in ((False, VECTOR_KEYS), (True, MATRIX_KEYS)):
        for position, key in enumerate(keys):
            for operator in ASSIGNMENTS:
                yield store_of(next(numbers), key, operator, is_matrix=is_matrix)
            operator = ASSIGNMENTS[position % len(ASSIGNMENTS)]
            yield store_of(next(numbers), key, operator, is_matrix=is_matrix, dtype=np.float32)
            if key.text.startswith(GATHERED):
                operator = ("np.add.at", "np.subtract.at")[position % 2]
                yield store_of(next(numbers), key, operator, is_matrix=is_matrix)


def points_of(store: Store) -> list[tuple]:
    """Two points of the same sizes: other signs, another index."""
    shape = (4, 3) if store.is_matrix else (5,)
    random = np.random.default_rng(5)
    return [
        (
            random.uniform(0.3, 1.4, shape).astype(store.dtype),
            (random.uniform(0.4, 1.2, shape) * np.resize(signs, shape)).astype(store.dtype),
            s,
            n,
        )
        for signs, s, n in (([1, -1, 1, 1, -1], 1.3, 1), ([-1, -1, 1], 0.7, 3 - store.is_matrix))
    ]


STORES = {("matrix " if store.is_matrix else "vector ") + store.name: store for store in all_stores()}


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The functions of all stores, in a file."""
    return module_of(tmp_path_factory.mktemp("mutation") / "stores.py", [store.text for store in STORES.values()])


@pytest.mark.parametrize("name", STORES)
def test_store_is_exact_or_refused(name, written):
    store = STORES[name]
    function = getattr(written, store.text.split("(")[0].removeprefix("\ndef "))
    check_or_refused(name, Case(function, points_of(store)), REFUSED_STORES, is_brief=True)


CASES = Table()
case = CASES.by_name(
    {
        "x": np.array([0.7, -1.3, 2.1, 0.4, -0.5]),
        "y": np.array([1.1, 0.6, -0.8, 1.9, 0.3]),
        "A": np.array([[0.5, -1.2, 0.3], [1.4, 0.8, -0.6], [-0.9, 0.2, 1.1]]),
        "b": np.array([0.9, -0.4, 1.3]),
        "s": 1.7,
        "n": 2,
        "labels": np.array([2, 0, 2]),
        "flags": np.array([True, False, True, True, False]),
    },
    {
        "x": np.array([-0.2, 0.9, 0.3, -1.6, 1.2]),
        "y": np.array([0.4, -1.5, 1.2, 0.7, -0.9]),
        "A": np.array([[-0.3, 0.6, 1.2], [0.1, -1.1, 0.9], [0.7, 1.3, -0.4]]),
        "b": np.array([-0.7, 1.6, 0.2]),
        "s": -0.4,
        "n": 0,
        "labels": np.array([1, 1, 0]),
        "flags": np.array([False, True, True, False, False]),
    },
)

W = np.array([1.0, 2.0, 3.0, 5.0, -4.0])
W33 = np.array([[1.0, -2.0, 3.0], [5.0, 7.0, -4.0], [6.0, 0.5, 9.0]])


# Buffers that are filled


@case
def filled_piece_by_piece(x):
    y = np.empty(5)
    y[0] = x[0] * x[1]
    y[1:3] = np.sin(x[1:3])
    y[3:] = x[:2] * x[3:]
    return np.sum(W * y * y)


@case
def filled_like_another(x):
    y, z, u = np.zeros_like(x), np.ones_like(x), np.full_like(x, 2.0)
    y[1:] = x[:-1]
    z[::2] *= x[::2]
    u[-1] = x[0]
    return np.sum(W * (y + u) * z * u)


@case
def filled_by_a_loop(x):
    y = np.zeros(5)
    for i in range(5):
        y[i] = x[i] * x[i - 1] + i
    return np.sum(W * y * y)


@case
def table_filled_by_two_loops(A, b):
    table = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            table[i, j] = A[j, i] * b[i] + b[j]
    return np.sum(W33 * table * table)


@case
def recurrence(x, s):
    y = np.zeros(6)
    y[0] = s
    for i in range(5):
        y[i + 1] = y[i] * x[i] + np.sin(y[i])
    return np.sum(y * y)


@case
def recurrence_backwards(x):
    y = x.copy()
    for i in range(3, -1, -1):
        y[i] += y[i + 1] * x[i]
    return np.sum(W * y * y)


@case
def written_and_never_read(x):
    y = np.zeros(5)
    y[:] = np.exp(x)
    y[2] = 7.0
    return np.sum(W * x * x)


@case
def overwritten_before_it_is_read(x):
    y = np.exp(x)
    y[:] = x * x
    y[1:] = y[:-1] * x[1:]
    return np.sum(W * y)


@case
def used_before_only(x):
    y = x * x
    before = np.sum(W * y * y)
    y[2:] = 0.0
    y *= 5.0
    return before


@case
def used_before_and_after(x):
    y = x * x
    before = np.sum(W * y * y)
    y[2:] *= x[:3]
    after = np.sum(y * y * y)
    y /= 1.0 + y * y
    return before * after + np.sum(y)


@case
def stored_constants(x):
    y = x * x
    y[1:3] = 1.0
    y[0] = 2
    y[-1] = W[0]
    return np.sum(W * y * y)


@case
def rows_from_a_list(x, s):
    table = np.zeros((3, 5))
    for i, row in enumerate([x, x * s, np.sin(x)]):
        table[i] = row
        table[i, 0] = s * i
    return np.sum(W * table * table)


# Idioms


@case
def explicit_heat_equation(x):
    u = x.copy()
    for _ in range(4):
        u[1:-1] += 0.2 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u[0], u[-1] = u[1], u[-2]
    return np.sum(W * u * u)


@case
def sweep_in_place(x):
    u = x.copy()
    for _ in range(2):
        for i in range(1, 4):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] * u[i])
    return np.sum(W * u * u)


@case
def relaxation_in_two_dimensions(A):
    u = np.zeros((5, 5))
    u[1:-1, 1:-1] = A
    u[0], u[:, -1] = 1.0, A[0, 0]
    for _ in range(3):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] * u[1:-1, 2:])
    return np.sum(u * u)


@case
def elimination(A, b):
    U, c = A + 4.0 * np.eye(3), b.copy()
    for k in range(2):
        for i in range(k + 1, 3):
            factor = U[i, k] / U[k, k]
            U[i, k:] -= factor * U[k, k:]
            c[i] -= factor * c[k]
    for k in range(2, -1, -1):
        c[k] = (c[k] - U[k, k + 1 :] @ c[k + 1 :]) / U[k, k]
    return np.sum(c * c)


@case
def updates_of_rank_one(A, b):
    B = A.copy()
    for _ in range(2):
        B -= np.outer(b, B @ b) * 0.3
    return np.sum(W33 * B * B)


@case
def relu_by_a_mask(x):
    y = x * 2.0
    y[y < 0] = 0.0
    return np.sum(W * y * y)


@case
def leaky_relu_by_a_mask(x, s):
    y = x * 2.0
    y[y < 0] *= s
    return np.sum(W * y * y)


@case
def clipped_by_masks(x, s):
    y = x * x
    y[y > 1.0] = 1.0
    y[y < 0.2] = s * 0.2
    return np.sum(W * y * y)


@case
def given_mask(x, flags):
    y = x * x
    y[flags] = x[flags] - 1.0
    y[~flags] **= 3
    return np.sum(W * y * y)


@case
def mask_of_rows(A):
    B = A.copy()
    is_high = A.sum(axis=1) > 0.0
    B[is_high] *= 2.0
    B[~is_high, 0] += A[0, 0]
    return np.sum(W33 * B * B)


@case
def scores_minus_one_hot(A, labels):
    p = np.exp(A)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(3), labels] -= 1.0
    return np.sum(W33 * p * p)


@case
def one_hot_table(A, labels):
    hot = np.zeros((3, 3))
    hot[np.arange(3), labels] = 1.0
    return np.sum(hot * A * A)


@case
def shifted_by_its_largest(A):
    B = A.copy()
    B -= B.max(axis=1, keepdims=True)
    np.exp(B, out=B)
    B /= B.sum(axis=1, keepdims=True)
    return np.sum(W33 * B * B)


@case
def normalised_in_place(x):
    y = x.copy()
    y -= y.mean()
    y /= np.sqrt(np.sum(y * y))
    return np.sum(W * y * y * y)


@case
def histogram_of_weights(x):
    bins = np.zeros(3)
    np.add.at(bins, np.array([0, 2, 0, 1, 2]), x * x)
    return np.sum(bins * bins * bins)


@case
def scattered_to_rows(x, labels):
    table = np.ones((3, 5))
    np.add.at(table, labels, x)
    np.subtract.at(table, (labels, labels + 1), x[:3] * x[2:])
    return np.sum(W * table * table)


@case
def symmetric_assembly(A):
    K = np.zeros((3, 3))
    for i in range(3):
        for j in range(i):
            K[i, j] = K[j, i] = A[i, j] * A[j, i]
        K[i, i] += A[i, i]
    return np.sum(W33 * K * K)


@case
def assembly_of_elements(x, s):
    K = np.zeros((6, 6))
    for e in range(5):
        nodes = [e, e + 1]
        K[np.ix_(nodes, nodes)] += x[e] * np.array([[1.0, -1.0], [-1.0, 2.0]]) * s
    return np.sum(K * K) + K[2, 2] * K[2, 3]


@case
def triangle_of_a_matrix(A, x):
    B = A.copy()
    B[np.triu_indices(3)] = np.append(x, 1.0)
    B[np.diag_indices(3)] += A[0] * A[1]
    return np.sum(W33 * B * B)


@case
def kernel_with_jitter(b):
    K = np.exp(-((b[:, None] - b[None, :]) ** 2))
    K[np.diag_indices_from(K)] += 0.1 + b * b
    return np.sum(W33 * K * K)


@case
def running_mean(x):
    mean, m2 = 0.0, 0.0
    for k, v in enumerate(x):
        delta = v - mean
        mean += delta / (k + 1)
        m2 += delta * (v - mean)
    return m2 * mean


@case
def cumulative_sum_by_hand(x):
    y = x.copy()
    for i in range(1, 5):
        y[i] += y[i - 1]
    return np.sum(W * y * y)


@case
def momentum_in_place(x):
    w, velocity = x.copy(), np.zeros_like(x)
    for _ in range(4):
        velocity *= 0.9
        velocity -= 0.1 * (w**3 - W)
        w += velocity
    return np.sum(w * w)


@case
def queue_of_states(x, s):
    window = np.zeros(3)
    total = 0.0
    for v in x:
        window[:-1] = window[1:]
        window[-1] = v * s
        total += window[0] * window[2] + window[1]
    return total


@case
def list_entries_are_updated(x, s):
    weights = [x * 1.0, x * x]
    for k in range(2):
        weights[k] -= s * weights[k] ** 2
    weights[0][1:] *= 2.0
    return np.sum(W * weights[0] * weights[1])


@case
def dict_entries_are_updated(x, s):
    params = {"w": x * 1.0, "b": s}
    for key in params:
        params[key] *= 2.0
    params["w"][0] += params["b"]
    params["b"] -= s * s
    return np.sum(W * params["w"] ** 2) * params["b"]


# Statements


@case
def matrix_product_in_place(A):
    B = A.copy()
    B @= A
    B[0] @= A
    return np.sum(W33 * B * B)


@case
def powers_in_place(x, s):
    y = 1.0 + x * x
    y **= 2
    y[:2] **= s
    y[2:] **= x[:3]
    return np.sum(W * y)


@case
def remainder_in_place(x):
    y = x * 3.0
    y %= 1.1
    y[3:] //= 0.25
    return np.sum(W * y * x * y)


@case
def integer_arrays_are_counted(x):
    counts = np.zeros(5, dtype=int)
    counts[x > 0] += 1
    counts[1:] += counts[:-1]
    counts[0] -= 2
    return np.sum(counts * x * x)


@case
def boolean_arrays_are_combined(x):
    keep = x > 0
    keep |= x < -1.0
    keep[0] = False
    keep &= np.array([True, True, True, False, True])
    keep ^= x > 1.0
    return np.sum(np.where(keep, x * x, W * x))


@case
def index_arrays_are_changed(x):
    order = np.arange(5)
    order[1:3] = order[3:]
    order[0] += 2
    return np.sum(W * x[order] ** 2)


@case
def single_precision_buffer_in_double(x):
    y = np.zeros(5, dtype=np.float32)
    y[:] = 2.0
    z = y * x
    y[0] = 3.0
    return np.sum(W * z * z * y)


@case
def store_in_a_slot_of_a_view(A, n):
    B = A.copy()
    row = B[n]
    row[1] = A[0, 0] * A[n, 2]
    row[n:] *= 2.0
    return np.sum(W33 * B * B)


@case
def store_where_the_largest_is(x, s):
    y = x.copy()
    y[np.argmax(y)] = s
    y[np.argmin(x)] *= s
    return np.sum(W * y * y)


@case
def store_at_sorted_places(x):
    y = x * x
    y[np.argsort(x)[:2]] = x[:2]
    return np.sum(W * y * y)


@case
def store_where_nonzero(x):
    y = x * x
    y[np.nonzero(x < 0)[0]] = 0.5
    y[np.where(x > 1.0)] *= 3.0
    y[np.flatnonzero(x > 0)] += 1.0
    return np.sum(W * y * y)


@case
def store_with_new_axes(A, b):
    B = A.copy()
    B[:, None, 1] = b[:, None]
    B[None, 0] += b
    B[..., -1] = b * b
    return np.sum(W33 * B * B)


@case
def store_of_length_one(x, A):
    B, y = A.copy(), x.copy()
    B[1:2] = x[:3]
    y[2:3] = x[:1] * x[1:2]
    B[:, :1] += B[:1, :1]
    return np.sum(W33 * B * B) + np.sum(W * y * y)


@case
def store_of_nothing(x):
    y = x * x
    y[2:2] = 3.0
    y[5:] *= 4.0
    y[np.zeros(5, dtype=bool)] = 7.0
    return np.sum(W * y * y)


# Functions that write


@case
def fill_diagonal(A, s):
    B = A.copy()
    np.fill_diagonal(B, s)
    C = A * A
    np.fill_diagonal(C, A[0])
    return np.sum(W33 * B * B * C)


@case
def copyto(x, s):
    y, z = np.empty(5), x * x
    np.copyto(y, x)
    np.copyto(z, s)
    z[1:] += y[:-1]
    return np.sum(W * y * z * z)


@case
def copyto_where(x, y):
    z = x * x
    np.copyto(z, y * 2.0, where=x > y)
    return np.sum(W * z * z)


@case
def put(x, s):
    y, z = x * x, x * 1.0
    np.put(y, [0, 3], x[1:3])
    np.put(z, [4, 1], s)
    return np.sum(W * y * y * z)


@case
def put_along_axis(A):
    B = A.copy()
    places = np.argmax(A, axis=1, keepdims=True)
    np.put_along_axis(B, places, A[:, :1] * A[:, 1:2], axis=1)
    return np.sum(W33 * B * B)


@case
def place_and_putmask(x):
    y, z = x * x, x * 1.0
    np.place(y, x > 0, [2.0, 3.0])
    np.putmask(z, x > 0, x * x)
    return np.sum(W * y * z * z)


@case
def fill_and_sort(x, s):
    y, z = np.empty(5), x.copy()
    y.fill(s)
    z.sort()
    y[1:] *= z[1:]
    return np.sum(W * y * z * z)


@case
def out_of_elementwise_functions(x, y):
    z = np.empty(5)
    np.multiply(x, y, out=z)
    np.exp(z, out=z)
    np.maximum(z, 1.0, out=z)
    np.subtract(z, x, out=z)
    return np.sum(W * z * z)


@case
def out_of_clip_and_negative(x):
    y = x * 2.0
    np.clip(y, -1.0, 1.5, out=y)
    np.negative(y, out=y)
    y.clip(-1.2, 0.7, out=y)
    return np.sum(W * y * x)


@case
def out_of_reductions(A):
    r, c = np.empty(3), np.empty(3)
    np.sum(A * A, axis=0, out=r)
    A.mean(axis=1, out=c)
    return np.sum(r * r * c)


@case
def out_of_products(A, b):
    B, c = np.empty((3, 3)), np.empty(3)
    np.matmul(A, A, out=B)
    np.dot(B, b, out=c)
    return np.sum(W33 * B * B) + np.sum(c * c)


@case
def out_of_cumsum(x):
    y = x * x
    np.cumsum(y, out=y)
    return np.sum(W * y * y)


@case
def divide_where(x, y):
    quotient = np.divide(x, y, out=np.zeros_like(x), where=y > 0)
    return np.sum(W * quotient * quotient)


@case
def log_where(x):
    found = np.full(5, -1.0)
    np.log(x, out=found, where=x > 0)
    return np.sum(W * found * found)


@case
def products_at(x, s):
    y = x * x + 1.0
    np.multiply.at(y, [0, 1, 0], s)
    np.add.at(y, [1, 1, 1], x[:3])
    np.subtract.at(y, [4, 4], x[0] * x[1])
    return np.sum(W * y * y)


@case
def views_that_are_written(A):
    B = A.copy()
    B.T[0] += A[0]
    B[::-1][0] *= 2.0
    B.reshape(-1)[4] = A[0, 0] * A[2, 2]
    B.flat[-1] = A[1, 1] ** 2
    return np.sum(W33 * B * B)


@case
def helper_that_writes(x, s):
    def scale(v, by):
        v *= by
        v[0] += by

    y = x.copy()
    scale(y, s)
    scale(y[2:], s * s)
    return np.sum(W * y * y)


@case
def argument_itself(x, A, s):
    x += 1.0
    x[1:] *= x[:-1]
    A[0] = A[1] * s
    A -= A.mean()
    return np.sum(W * x * x) * np.sum(W33 * A * A)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_exact_or_refused(name):
    check_or_refused(name, CASES[name], REFUSED)


def test_refusals_are_cases():
    assert set(CASES) >= REFUSED
    assert set(STORES) >= REFUSED_STORES
