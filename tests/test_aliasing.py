"""Aliases, views and copies, where the wrong derivative is the easy one: all are exact, or refused where they stand."""

# The cases are written as their traps are met, not as they should be written.
# ruff: noqa: B008, B023, E731, PLW2901, RET504, RUF005

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from real_programs import Table, check_or_refused

REFUSED = {
    "gather_is_a_copy",
    "subscript_of_a_gather_does_not",
}

CASES = Table()
case = CASES.by_name(
    {
        "x": np.array([0.7, -1.3, 2.1, 0.4]),
        "y": np.array([1.1, 0.6, -0.8, 1.9]),
        "A": np.array([[0.5, -1.2, 0.3], [1.4, 0.8, -0.6], [-0.9, 0.2, 1.1]]),
        "s": 1.7,
        "t": -0.6,
    },
    {
        "x": np.array([-0.2, 0.9, 0.3, -1.6]),
        "y": np.array([0.4, -1.5, 1.2, 0.7]),
        "A": np.array([[-0.3, 0.6, 1.2], [0.1, -1.1, 0.9], [0.7, 1.3, -0.4]]),
        "s": -0.4,
        "t": 0.8,
    },
)

W = np.array([1.0, 2.0, 3.0, 5.0])
W33 = np.array([[1.0, -2.0, 3.0], [5.0, 7.0, -4.0], [6.0, 0.5, 9.0]])
TWICE = np.array([1, 3, 1])
BUFFER = np.zeros(4)


@dataclass
class Holder:
    """Something with an array in it."""

    v: Any
    calls: int = 0

    def scale(self, by):
        """Changes the array itself."""
        self.v *= by
        return self.v

    def rebind(self, by):
        """Makes another array."""
        self.v = self.v * by
        return self.v


def double(v):
    """Changes its argument, and returns it."""
    v *= 2.0
    return v


def doubled(v):
    """Leaves its argument alone: the name is bound again."""
    v = v * 2.0
    return v


def tail(v):
    """A view."""
    return v[1:]


def scratch(v, buffer=np.zeros(4)):
    """Returns the same array from every call."""
    buffer[:] = v
    return buffer


def in_module_buffer(v):
    """Writes into an array of the module."""
    BUFFER[:] = v
    return BUFFER


# Names of one array


@case
def second_name_is_updated(x):
    y = x.copy()
    z = y
    z += x * x
    return np.sum(W * y * y)


@case
def first_name_is_updated(x):
    y = x.copy()
    z = y
    y *= x
    return np.sum(W * z * y)


@case
def third_name_is_updated(x):
    y = x * 1.0
    z = u = y
    u -= 0.5 * x
    z *= x
    return np.sum(W * y * z * u)


@case
def name_bound_again_leaves_the_alias(x):
    y = x.copy()
    z = y
    y = y + x
    z *= 3.0
    return np.sum(W * y * z)


@case
def name_bound_again_then_updated(x):
    y = x.copy()
    z = y
    z = z * x
    z += y
    y += 1.0
    return np.sum(W * y * z)


@case
def updated_argument(x):
    x *= x
    x += 1.0
    return np.sum(W * x * x)


@case
def alias_of_an_argument(x):
    y = x
    y += 1.0
    return np.sum(W * x * y)


@case
def argument_updated_by_another(x, y):
    x += y
    y *= x
    return np.sum(W * x * y)


@case
def floats_are_never_aliased(s, t):
    a = s
    b = a
    b += t
    b *= b
    return a * b


@case
def entry_is_a_scalar(x):
    y = x.copy()
    a = y[0]
    a += 5.0
    return a * y[0] + y[1]


@case
def entry_survives_the_array(x):
    y = x.copy()
    a = y[0]
    y[0] = 3.0 * y[1]
    y += 1.0
    return a * a * y[0]


@case
def sum_is_a_scalar(x):
    a = np.sum(x * x)
    b = a
    b += 1.0
    return a * b * b


@case
def array_without_axes_is_an_array(x):
    a = np.array(x[0])
    b = a
    b += x[1]
    return float(a * b * x[2])


@case
def copies_break_the_alias(x):
    y = x.copy()
    z, u, v = y.copy(), np.copy(y), np.array(y)
    y *= 2.0
    z += y
    u += z
    return np.sum(W * y * z * u * v)


@case
def copies_of_the_copy_module(x):
    parts = [x * 1.0, x * 2.0]
    shallow, deep = copy.copy(parts), copy.deepcopy(parts)
    parts[0] += x
    shallow[1] *= x
    return np.sum(W * parts[0] * parts[1] * deep[0] * deep[1])


@case
def swapped_names(x, y):
    a, b = x.copy(), y.copy()
    c = a
    a, b = b, a
    a += 1.0
    b *= c
    return np.sum(W * a * a * b * c)


@case
def one_array_unpacked_twice(x):
    y = x.copy()
    a, b = y, y
    a += x
    b *= 2.0
    return np.sum(W * a * b)


@case
def chained_assignment_of_names(x):
    a = b = x * 2.0
    a += x * x
    b[0] = 1.0
    return np.sum(W * a * b)


@case
def walrus_names_the_array(x):
    y = x.copy()
    (z := y)[1:] *= 2.0
    z += 1.0
    return np.sum(W * y * y)


@case
def alias_after_del(x):
    y = x.copy()
    z = y
    del y
    z += x
    return np.sum(W * z * z)


@case
def identity_is_known(x):
    y = x.copy()
    z = y
    u = y[:]
    if z is y and u is not y:
        z += x
    else:
        z *= 5.0
    return np.sum(W * y * u)


@case
def alias_by_a_condition(x, s):
    y = x.copy()
    z = y if s > 0 else x * 2.0
    z += 1.0
    return np.sum(W * y * y * z)


@case
def alias_in_a_branch(x, s):
    y = x.copy()
    z = np.ones(4)
    if s > 0:
        z = y
    z *= x
    return np.sum(W * y * z)


@case
def alias_by_or(x):
    given = None
    y = x.copy()
    z = given or y[1:]
    z += 1.0
    return np.sum(W * y * y)


# Lists, dicts, tuples, attributes


@case
def one_array_twice_in_a_list(x):
    y = x.copy()
    parts = [y, y]
    parts[0] += x
    return np.sum(W * parts[1] * y)


@case
def list_times_a_number(x):
    rows = [np.zeros(4)] * 3
    rows[0] += x
    rows[1] += x * x
    return np.sum(W * rows[0] * rows[1] * rows[2])


@case
def list_by_a_comprehension(x):
    rows = [np.zeros(4) for _ in range(3)]
    rows[0] += x
    rows[1] += x * x
    return np.sum(W * (rows[0] + 2.0) * (rows[1] + 1.0) * (rows[2] + 1.0))


@case
def entry_of_a_list_bound_again(x):
    y = x.copy()
    parts = [y, y]
    parts[0] = parts[0] + x
    y *= 2.0
    return np.sum(W * parts[0] * parts[1])


@case
def two_names_of_a_list(x):
    parts = [x * 1.0]
    others = parts
    others.append(x * x)
    others[0] = x + 1.0
    return np.sum(W * parts[0] * parts[-1]) * len(parts)


@case
def list_extended_in_place_or_not(x):
    parts = [x * 1.0]
    others = parts
    others += [x * x]
    others = others + [x + 3.0]
    return np.sum(W * parts[-1] * others[-1]) * len(parts)


@case
def shallow_copy_of_a_list(x):
    parts = [x * 1.0, x * 2.0]
    others = parts[:]
    others[0] += 1.0
    others[1] = x * x
    others.append(x)
    return np.sum(W * parts[0] * parts[1] * others[1]) * len(parts)


@case
def slices_of_lists_and_arrays(x):
    y = x.copy()
    parts = [y[0], y[1]]
    listed, viewed = parts[:], y[:]
    listed[0] = 5.0 * y[2]
    viewed[1] = 7.0 * y[2]
    return parts[0] * parts[1] * listed[0] * y[1]


@case
def tuple_of_arrays_is_updated(x):
    y = x.copy()
    pair = (y, x * 2.0)
    pair[0][1:] *= x[1:]
    pair[1][...] = y
    y += 1.0
    return np.sum(W * pair[0] * pair[1])


@case
def dict_of_arrays_is_updated(x):
    y = x.copy()
    found = {"a": y, "b": y}
    found["a"] *= x
    found["b"] += 1.0
    return np.sum(W * y * found["a"])


@case
def dict_defaults_are_aliases(x):
    y = x.copy()
    found = {}
    z = found.setdefault("a", y)
    z += x
    u = found.get("a")
    u *= 2.0
    return np.sum(W * y * found.pop("a"))


@case
def values_of_a_shallow_copy(x):
    found = {"a": x * 1.0, "b": x * x}
    other = dict(found)
    for value in other.values():
        value *= 2.0
    other["b"] = x
    return np.sum(W * found["a"] * found["b"] * other["b"])


@case
def items_bound_again_in_a_loop(x):
    found = {"a": x * 1.0, "b": x * x}
    for name, value in found.items():
        value = value * 3.0
        if name == "a":
            value += 1.0
    return np.sum(W * found["a"] * found["b"])


@case
def attribute_is_updated(x):
    y = x.copy()
    holder = Holder(y)
    holder.v += x
    return np.sum(W * y * holder.v)


@case
def attribute_is_bound_again(x):
    y = x.copy()
    holder = Holder(y)
    holder.v = holder.v + x
    holder.v += 1.0
    return np.sum(W * y * holder.v)


@case
def methods_update_or_bind_again(x):
    y = x.copy()
    first, second = Holder(y), Holder(y)
    z = first.scale(2.0)
    u = second.rebind(3.0)
    z += 1.0
    u += 1.0
    return np.sum(W * y * first.v * second.v)


@case
def two_names_of_an_object(x):
    first = Holder(x * 1.0)
    second = first
    second.v = x * x
    second.v += 1.0
    second.calls += 2
    return np.sum(W * first.v * first.v) * first.calls


@case
def namespace_shares_its_array(x):
    y = x.copy()
    state = SimpleNamespace(a=y, b=y)
    state.a *= 2.0
    state.b = state.b[1:]
    state.b += 1.0
    return np.sum(W * y * state.a)


@case
def arrays_from_lists_are_copies(x):
    y = x.copy()
    table, stacked = np.array([y, y]), np.stack([y, x])
    joined = np.concatenate([y])
    y *= 2.0
    return np.sum(W * table[0] * table[1] * stacked[0] * joined * y)


@case
def appended_reference_changes_later(x):
    history = []
    y = x.copy()
    for _ in range(3):
        y += x * x
        history.append(y)
    return np.sum(W * history[0] * history[1] * history[2])


@case
def appended_copy_does_not(x):
    history = []
    y = x.copy()
    for _ in range(3):
        y += x * x
        history.append(y.copy())
    return np.sum(W * history[0] * history[1] * history[2])


@case
def arrays_of_two_lists_in_step(x):
    parts, others = [x * 1.0, x * 2.0], [x * x, x + 1.0]
    for a, b in zip(parts, others, strict=True):
        a += b
        b *= a
    return np.sum(W * parts[0] * parts[1] + others[0] * others[1])


@case
def list_grows_while_it_is_read(x):
    parts = [x * 1.0, x + 1.0]
    total = 0.0
    for part in parts:
        total = total + np.sum(W * part * part)
        if len(parts) < 4:
            parts.append(part * 0.5)
    return total


@case
def appended_part_is_still_the_list_s(x):
    parts = [x * 1.0]
    last = parts[-1]
    parts.append(last)
    last += x
    parts.append(parts.pop(0))
    return np.sum(W * parts[0] * parts[1])


# Functions


@case
def helper_changes_its_argument(x):
    y = x.copy()
    double(y)
    return np.sum(W * y * x)


@case
def helper_binds_its_argument_again(x):
    y = x.copy()
    z = doubled(y)
    z += 1.0
    return np.sum(W * y * y * z)


@case
def helper_returns_its_argument(x):
    y = x.copy()
    z = double(y)
    z += x
    return np.sum(W * y * y)


@case
def helper_returns_a_view(x):
    y = x.copy()
    tail(y)[0] = x[3] * x[3]
    z = tail(tail(y))
    z *= 3.0
    return np.sum(W * y * y)


@case
def helper_has_no_hold_on_floats(s, t):
    u = s * t
    v = double(u)
    return u * v * v


@case
def helper_gets_one_array_twice(x):
    def scale(a, b):
        a *= 2.0
        b += a
        return np.sum(W * a * b)

    y = x.copy()
    return scale(y, y) + np.sum(y)


@case
def default_is_an_alias(x):
    total = np.zeros(4)

    def add(v, into=total):
        into += v
        return into

    add(x)
    last = add(x * x)
    last *= 2.0
    return np.sum(W * total * total)


@case
def default_is_one_array_for_all_calls(x):
    first = scratch(x)
    second = scratch(x * x + 1.0)
    return np.sum(W * first * second)


@case
def buffer_of_the_module(x):
    first = in_module_buffer(x)
    kept = first.copy()
    in_module_buffer(x * x + 1.0)
    return np.sum(W * first * kept)


@case
def closure_sees_the_update(x):
    y = x.copy()

    def squares():
        return np.sum(W * y * y)

    before = squares()
    y += x * x
    return before * squares()


@case
def closure_sees_the_new_array(x):
    y = x.copy()
    squares = lambda: np.sum(W * y * y)
    before = squares()
    y = y * x + 1.0
    return before + squares()


@case
def closure_updates(x):
    y = x.copy()

    def store(i, v):
        y[i] = v

    store(0, x[1] * x[2])
    store(-1, y[0] * y[0])
    return np.sum(W * y * y)


@case
def closure_binds_again(x):
    y = x.copy()
    z = y

    def step():
        nonlocal y
        y = y * x
        y += 1.0

    step()
    z *= 2.0
    step()
    return np.sum(W * y * z)


@case
def lambdas_of_a_loop_share_its_variable(x):
    readers = []
    for part in (x * 1.0, x * x, x + 2.0):
        readers.append(lambda: np.sum(W * part * part))
    part += 1.0
    return readers[0]() * readers[1]() + readers[2]()


@case
def partial_holds_the_array(x):
    y = x.copy()
    product = functools.partial(np.multiply, y)
    y += x * x
    return np.sum(W * product(x))


@case
def starred_arguments_are_aliases(x):
    def bump(*arrays, **named):
        arrays[0][...] += named["by"]
        named["by"] *= 3.0

    y, z = x.copy(), x * x
    bump(y, z, by=z)
    return np.sum(W * y * z)


@case
def operand_is_changed_by_the_next(x):
    y = x.copy()
    return np.sum(W * (y + double(y)) * x)


@case
def operand_is_computed_before_the_next(x):
    y = x.copy()
    return np.sum(W * (y * 1.0 + double(y)) * x)


@case
def arguments_are_read_in_order(x):
    y = x.copy()
    first, second, third = y.sum(), double(y).sum(), y.sum()
    return first * second * third


@case
def finally_changes_what_is_returned(x):
    def squared(v):
        try:
            return v
        finally:
            v += 1.0

    y = x.copy()
    return np.sum(W * squared(y) * y)


@case
def generator_reads_late(x):
    y = x.copy()
    terms = (w * y[0] for w in (1.0, 2.0, 3.0))
    y *= x
    return sum(terms)


# Views


@case
def slice_is_a_view(x):
    y = x.copy()
    z = y[1:]
    z += x[0]
    return np.sum(W * y * y)


@case
def view_sees_the_base_change(x):
    y = x.copy()
    z = y[::2]
    y *= x
    y[2] = 4.0 * x[3]
    return np.sum(z * z * z)


@case
def views_of_views(x):
    y = x.copy()
    z = y[1:]
    u = z[:2]
    u[::-1] *= x[:2]
    z[1] = u[0] * 2.0
    return np.sum(W * y * y)


@case
def overlapping_views(x):
    y = x.copy()
    left, right = y[:-1], y[1:]
    left += x[0]
    right *= left
    return np.sum(W * y * y) + np.sum(left * right)


@case
def view_of_an_array_that_is_replaced(x):
    y = x.copy()
    z = y[1:]
    y = y * 2.0
    z += 1.0
    return np.sum(W * y * y) * np.sum(z * z)


@case
def whole_slices_are_views(x):
    y = x.copy()
    z, u, v = y[:], y[...], y[()]
    z += x
    u *= x
    v -= 0.5
    return np.sum(W * y * y)


@case
def subscript_of_a_slice_writes_through(x):
    y = x.copy()
    y[1:][0] = x[2] * x[3]
    y[::-1][:2][1] += x[0]
    return np.sum(W * y * y)


@case
def subscript_of_a_gather_does_not(x):
    y = x.copy()
    y[[1, 2]][0] = x[2] * x[3]
    y[[0, 3]][:] += 7.0
    y[y > 0.5][:1] *= 3.0
    return np.sum(W * y * y)


@case
def gather_is_a_copy(x):
    y = x.copy()
    z, u = y[TWICE], y[y > -9.0]
    z *= 2.0
    y += x * x
    u += y
    return np.sum(W * y * u) + np.sum(z * z * z)


@case
def gather_is_updated_itself(x):
    y = x.copy()
    y[[1, 2]] *= x[:2]
    y[y < -9.0] = 0.0
    return np.sum(W * y * y)


@case
def row_is_a_view(A):
    B = A.copy()
    row = B[0]
    row += B[1]
    B[0, 2] = 5.0 * A[2, 2]
    return np.sum(W33 * B * B) + np.sum(row**3)


@case
def gathered_row_is_not(A):
    B = A.copy()
    row, same = B[[0]], B[0]
    B *= 2.0
    row += same
    return np.sum(W33 * B * B) + np.sum(row**3)


@case
def column_is_a_view(A):
    B = A.copy()
    column = B[:, 1]
    column *= B[:, 0]
    B[1] = A[2]
    return np.sum(W33 * B * B) * column[1]


@case
def transpose_is_written_through(A):
    B = A.copy()
    B.T[0] = A[1] * A[2]
    C = B.T
    C += A
    C[1:, 0] *= 2.0
    return np.sum(W33 * B * B)


@case
def matrix_plus_its_own_transpose(A):
    B = A.copy()
    B += B.T
    B *= B.T[::-1]
    return np.sum(W33 * B * B)


@case
def reshape_is_a_view(x):
    y = x.copy()
    table = y.reshape(2, 2)
    table[0] *= table[1]
    table.T[1] += x[0]
    return np.sum(W * y * y)


@case
def reshape_of_a_transpose_is_a_copy(A):
    B = A.copy()
    line = B.T.reshape(-1)
    line[0] = 5.0 * A[1, 1]
    line += B.ravel()
    B *= 2.0
    return np.sum(W33 * B * B) * np.sum(line * line)


@case
def ravel_is_a_view_and_flatten_is_not(A):
    B = A.copy()
    B.ravel()[1:3] = A[2, :2] * 3.0
    B.flatten()[4:] = 0.0
    np.ravel(B)[-1] *= A[0, 0]
    line = B.ravel()
    line += 0.5
    return np.sum(W33 * B * B)


@case
def ravel_of_a_transpose_is_a_copy(A):
    B = A.copy()
    B.T.ravel()[:4] = 0.0
    B.T.ravel(order="F")[0] *= 4.0
    return np.sum(W33 * B * B)


@case
def flat_is_written_through(A):
    B = A.copy()
    B.flat[1] = A[2, 2] * A[0, 0]
    B.flat[::4] *= 2.0
    B.T.flat[1] += A[1, 1]
    return np.sum(W33 * B * B)


@case
def diagonal_sees_the_base_change(A):
    B = A.copy()
    diagonal = np.diagonal(B)
    B[1, 1] = A[0, 2] * 3.0
    np.fill_diagonal(B[1:], A[0, :2] * 2.0)
    return np.sum(W33 * B * B) + np.sum(diagonal**3)


@case
def diagonal_by_einsum_is_writable(A):
    B = A.copy()
    np.einsum("ii->i", B)[:] = A[0] * A[1]
    return np.sum(W33 * B * B)


@case
def diag_of_a_matrix_and_of_a_vector(A):
    B = A.copy()
    C = np.diag(B[0])
    B[0] = 7.0
    D = np.diag(np.diag(B))
    B += 1.0
    return np.sum(W33 * B * C * D)


@case
def asarray_is_an_alias_and_array_is_not(x):
    y = x.copy()
    z, u = np.asarray(y), np.array(y)
    v = np.asarray(y, dtype=np.float64)
    z += x
    v *= 2.0
    u += y
    return np.sum(W * y * u)


@case
def other_conversions_that_are_aliases(x):
    y = x.copy()
    z, u, v = np.asanyarray(y), np.ascontiguousarray(y), np.atleast_1d(y)
    z += x
    u *= 2.0
    v[0] = x[1] * x[2]
    y.astype(float, copy=False)[1] = x[3]
    return np.sum(W * y * y)


@case
def astype_is_a_copy(x):
    y = x.copy()
    z = y.astype(float)
    z += 1.0
    y *= z
    return np.sum(W * y * z)


@case
def sign_in_front_is_a_copy(x):
    y = x.copy()
    z, u = +y, abs(y)
    y += x
    z *= y
    u -= y
    return np.sum(W * y * z * u)


@case
def functions_that_return_copies(x):
    y = x.copy()
    z, u, v = np.roll(y, 1), y.clip(-9.0, 9.0), np.where(y > -9.0, y, 0.0)
    w = y.take([0, 1, 2, 3])
    y *= 2.0
    z += 1.0
    u += y
    return np.sum(W * y * z * u * v * w)


@case
def functions_that_return_views(A):
    B = A.copy()
    np.swapaxes(B, 0, 1)[0] *= 2.0
    np.moveaxis(B, 0, 1)[1] += A[0]
    np.flip(B)[0, 0] = A[0, 1] * A[1, 0]
    np.expand_dims(B, 0)[0, 1] *= 3.0
    np.squeeze(B[None])[2] -= 1.0
    np.transpose(B)[2, 1] += A[0, 0]
    return np.sum(W33 * B * B)


@case
def real_is_the_array(x):
    y = x.copy()
    z, u = np.real(y), y.real
    z += x
    u *= 2.0
    return np.sum(W * y * y)


@case
def parts_of_a_split_are_views(x):
    y = x.copy()
    first, second = np.split(y, 2)
    first *= second
    second += first
    return np.sum(W * y * y)


@case
def unpacked_rows_are_views(A):
    a, b, c = B = A.copy()
    a += b
    c *= a
    a = b * 2.0
    a += 1.0
    return np.sum(W33 * B * B) + np.sum(a)


@case
def starred_rows_are_views(A):
    B = A.copy()
    first, *rest = B
    rest[0] += first
    rest[1] = rest[1] * 2.0
    rest[1] += 1.0
    return np.sum(W33 * B * B) * rest[1][0]


@case
def rows_of_a_list_are_views(A):
    B = A.copy()
    rows = list(B)
    rows[0], rows[1] = rows[1], rows[0]
    rows[0] *= 2.0
    rows[2] = rows[2] + 1.0
    return np.sum(W33 * B * B) + np.sum(rows[2])


@case
def broadcast_view_sees_the_change(x):
    y = x.copy()
    table = np.broadcast_to(y, (3, 4))
    column = y[:, None]
    y += x * x
    column[1] = 2.0 * x[0]
    return np.sum(table * table * W) + np.sum(column)


# Stores that overlap, swaps, order


@case
def shifted_up(x):
    y = x.copy()
    y[1:] = y[:-1]
    return np.sum(W * y * y)


@case
def shifted_down_and_added(x):
    y = x.copy()
    y[:-1] += y[1:]
    y[1:] *= y[:-1]
    return np.sum(W * y * y)


@case
def reversed_into_itself(x):
    y = x.copy()
    y[:] = y[::-1]
    y[1:] += y[:0:-1]
    return np.sum(W * y * y)


@case
def overlapping_out(x):
    y = x.copy()
    np.add(y[:-1], y[1:], out=y[1:])
    np.multiply(y[1:], y[:-1], y[:-1])
    return np.sum(W * y * y)


@case
def entries_are_swapped(x):
    y = x.copy()
    y[0], y[1] = y[1], y[0]
    y[2], y[3] = y[3] * y[2], y[2]
    return np.sum(W * y * y)


@case
def halves_are_not_swapped(x):
    y = x.copy()
    y[:2], y[2:] = y[2:], y[:2]
    return np.sum(W * y * y)


@case
def rows_are_not_swapped(A):
    B = A.copy()
    B[0], B[1] = B[1], B[0]
    return np.sum(W33 * B * B)


@case
def rows_are_swapped_by_a_list(A):
    B = A.copy()
    B[[0, 1]] = B[[1, 0]]
    B[:, [0, 2]] = B[:, [2, 0]]
    return np.sum(W33 * B * B)


@case
def rows_are_swapped_by_copies(A):
    B = A.copy()
    B[0], B[2] = B[2].copy(), B[0].copy()
    kept = B[1].copy()
    B[1] = B[0]
    B[0] = kept
    return np.sum(W33 * B * B)


@case
def names_of_rows_are_swapped(A):
    B = A.copy()
    a, b = B[0], B[1]
    a, b = b, a
    a *= 2.0
    b += a
    return np.sum(W33 * B * B)


@case
def targets_are_stored_from_left_to_right(x):
    y = x.copy()
    i = 0
    i, y[i] = 2, x[3] * x[0]
    y[i] = i = 3
    return np.sum(W * y * y) * i


@case
def symmetric_store(A):
    B = A.copy()
    for i in range(3):
        B[i:, i] = B[i, i:] = A[i, i:] * A[i:, i]
    return np.sum(W33 * B * B)


@case
def store_copies_its_value(A):
    B = np.zeros((3, 3))
    v = A[0] * 2.0
    B[0] = v
    B[1] = B[0]
    v += 1.0
    B[0] *= v
    return np.sum(W33 * B * B)


@case
def assignment_to_a_slice_or_to_a_name(x):
    y = x.copy()
    z = y
    y[:] = y * x
    y = y + 1.0
    y[:] = y * 2.0
    return np.sum(W * y * z * z)


@case
def store_broadcasts(A):
    B = A.copy()
    B[:] = A[0]
    B[1:] += A[:2, :1]
    B[:, 0] = A[1, 1]
    return np.sum(W33 * B * B)


@case
def all_is_overwritten(x):
    y = x.copy()
    z = y * y
    y[...] = 0.0
    y += x
    y[:] = z[0]
    return np.sum(W * y * y * z)


@case
def indices_twice_are_added_once(x):
    y = x.copy()
    y[TWICE] += x[:3] * x[1:]
    y[TWICE] *= 2.0
    return np.sum(W * y * y)


@case
def indices_twice_are_added_twice(x):
    y = x.copy()
    np.add.at(y, TWICE, x[:3] * x[1:])
    np.multiply.at(y, TWICE, 2.0)
    return np.sum(W * y * y)


@case
def last_of_equal_indices_wins(x):
    y = x.copy()
    y[[0, 0, 2]] = x[1:] * x[1:]
    return np.sum(W * y * y)


@case
def mask_is_older_than_the_change(x):
    y = x.copy()
    positive = y > 0
    y -= 5.0
    y[positive] = x[positive] * 2.0
    y[~positive] *= 3.0
    return np.sum(W * y * y)


@case
def mask_is_updated_in_place(x):
    is_high = x > 0.5
    is_low = is_high
    is_low[0] = True
    is_low[1] = False
    return np.sum(W * np.where(is_high, x * x, x))


@case
def integer_buffer_cuts(x, s):
    counts = np.zeros(4, dtype=int)
    counts[:] = 3.0 * x
    counts[1] = s
    return np.sum(counts * x)


# Arrays that functions write into


@case
def result_of_out_is_the_array(x):
    y = x.copy()
    z = np.add(y, x, out=y)
    z *= x
    return np.sum(W * y * z)


@case
def out_by_position(x):
    y, z = x.copy(), np.empty(4)
    np.multiply(y, x, z)
    np.exp(y, y)
    np.subtract(y[1:], z[1:], y[1:])
    return np.sum(W * y * z)


@case
def out_is_a_view(A):
    B = A.copy()
    np.multiply(A[0], A[1], out=B[:, 2])
    np.exp(B[1], out=B[1])
    np.sum(A, axis=0, out=B[0])
    return np.sum(W33 * B * B)


@case
def out_of_reductions_and_products(A):
    B, c = A.copy(), np.empty(3)
    d = c
    A.sum(axis=0, out=c)
    np.dot(A, A, out=B)
    np.cumsum(d * B[0], out=d)
    return np.sum(W33 * B * B) + np.sum(c * d)


@case
def out_where(x):
    y = x.copy()
    z = np.multiply(y, 2.0, out=y, where=x > 0)
    z += 1.0
    return np.sum(W * y * y)


@case
def functions_that_write(x):
    y = x.copy()
    np.copyto(y, x * x)
    np.put(y, [0, 2], x[:2])
    np.putmask(y, x > 0.5, y * 2.0)
    np.copyto(y[1:], x[:-1], where=x[1:] < 0)
    return np.sum(W * y * y)


@case
def methods_that_write(x):
    y, z = x.copy(), x * x
    v = z[:2]
    y.sort()
    v.fill(x[0] * x[1])
    z.put([3], y[0])
    return np.sum(W * y * z)


@case
def sorted_view(x):
    y = x.copy()
    y[1:].sort()
    z = y[:2]
    z[::-1].sort()
    return np.sum(W * y * y)


# What the derivative needs is overwritten


@case
def factor_is_overwritten(x):
    e = np.exp(x)
    p = e * x
    e *= 2.0
    e[0] = 0.0
    return np.sum(W * p * e)


@case
def argument_of_a_function_is_overwritten(x):
    y = x * x
    z = np.sin(y)
    y[:] = 1.0
    y += z
    return np.sum(W * y * z)


@case
def result_is_overwritten_in_place(x):
    y = x * 0.5
    np.exp(y, out=y)
    np.sin(y, out=y)
    y *= y
    return np.sum(W * y)


@case
def entries_are_overwritten_by_products(x):
    y = x.copy()
    y[0] = y[0] * y[1]
    y[1] = y[0] * y[1]
    y[0] *= y[0] * y[2]
    return np.sum(W * y * y)


@case
def index_is_overwritten(x):
    i = np.array([0, 1, 2, 3])
    y = x[i] * x
    i[:] = i[::-1]
    i[0] = 1
    return np.sum(W * y * x[i])


@case
def divided_by_its_own_sum(x):
    y = np.exp(x)
    y /= y.sum()
    y /= y[0]
    return np.sum(W * y * y)


# Loops


@case
def rows_are_updated_by_a_loop(A):
    B = A.copy()
    for row in B:
        row += A[0]
        row[0] *= 2.0
    return np.sum(W33 * B * B)


@case
def rows_bound_again_are_not(A):
    B = A.copy()
    for row in B:
        row = row + A[0]
        row *= 2.0
    return np.sum(W33 * B * B) + np.sum(row)


@case
def entries_are_not_updated_by_a_loop(x):
    y = x.copy()
    total = 0.0
    for v in y:
        v += 1.0
        total += v * v
    return np.sum(W * y * y) * total


@case
def columns_are_updated_by_a_loop(A):
    B = A.copy()
    for j, column in enumerate(B.T):
        column *= A[j, 0]
        column[j] = A[0, j]
    return np.sum(W33 * B * B)


@case
def rows_of_two_arrays_in_step(A):
    B, C = A.copy(), A * A
    for b, c in zip(B, C[::-1], strict=True):
        b += c
        c *= b
    return np.sum(W33 * B * C)


@case
def row_of_the_loop_is_used_after_it(A):
    B = A.copy()
    for row in B:
        row *= 2.0
    row += A[0] * A[1]
    return np.sum(W33 * B * B)


@case
def view_taken_inside_is_used_after(x):
    y = x.copy()
    for i in range(3):
        pair = y[i : i + 2]
        pair *= x[i]
    pair += 1.0
    return np.sum(W * y * y)


@case
def carried_value_and_its_alias(x):
    y = x.copy()
    previous = y
    for _ in range(3):
        y += 0.5 * previous * x
    return np.sum(W * y * previous)


@case
def carried_value_and_its_copy(x):
    y = x.copy()
    previous = y.copy()
    for _ in range(3):
        y += 0.5 * previous * x
    return np.sum(W * y * previous)


@case
def carried_value_is_bound_again(x):
    y = x.copy()
    previous = y
    for _ in range(3):
        y = y + 0.5 * previous * x
    y *= 2.0
    return np.sum(W * y * previous)


@case
def previous_is_an_alias_each_time(x):
    y = x.copy()
    total = 0.0
    for _ in range(3):
        previous = y
        y *= x
        total += np.sum(W * (y - previous) + y * previous)
    return total


@case
def two_buffers_change_places(x):
    old, new = x.copy(), np.zeros(4)
    for _ in range(3):
        new[1:-1] = old[1:-1] + 0.3 * (old[2:] - old[1:-1]) * old[:-2]
        new[0] = old[-1]
        old, new = new, old
    return np.sum(W * old * old + new)


@case
def names_change_places_and_are_updated(x):
    a, b = x.copy(), x * x
    for _ in range(3):
        a += 0.5 * b
        a, b = b, a
        b *= 0.9
    return np.sum(W * a * b)


@case
def one_buffer_for_all_steps(x):
    flux, y = np.empty(3), x.copy()
    states = []
    for _ in range(3):
        np.subtract(y[1:], y[:-1], out=flux)
        flux *= flux
        y[1:] += 0.1 * flux
        states.append(flux)
    return np.sum(W * y * y) + np.sum(states[0] * states[2])


@case
def entries_change_while_they_are_read(x):
    y = x.copy()
    total = 0.0
    for v in y:
        y[1:] += v
        total += v * v
    return total


@case
def last_entry_gathers_the_others(x):
    y = x.copy()
    for i, v in enumerate(y):
        y[-1] += v * i
    return np.sum(W * y * y)


@case
def rows_are_written_from_the_row_before(A):
    B = A.copy()
    for i in range(1, 3):
        B[i] += B[i - 1] * A[0]
        above = B[i - 1]
        above -= B[i]
    return np.sum(W33 * B * B)


@case
def rows_of_a_list_are_changed_by_name(x):
    rows = [x * 1.0, x * 2.0, x * 3.0]
    best = rows[0]
    for row in rows:
        if row[0] > best[0]:
            best = row
    best += 1.0
    return np.sum(W * rows[0] * rows[1] * rows[2])


@case
def condition_of_while_is_a_view(x):
    y = x.copy()
    first = y[:1]
    steps = 0
    while first[0] < 3.0:
        y += 1.0 + 0.1 * x * x
        steps += 1
    return np.sum(W * y * y) * steps


@case
def branches_update_different_entries(x, s):
    y = x.copy()
    z = y[1:3]
    if s > 0:
        y[1] = s * y[0]
    else:
        z *= s
    z += y[0]
    return np.sum(W * y * y)


@case
def update_is_conditional_and_the_name_is_not(x, s):
    y = x.copy()
    z = y
    if s > 0:
        y = y * 2.0
    else:
        y *= 2.0
    z += 1.0
    return np.sum(W * y * z)


@case
def early_return_of_an_alias(x, s):
    def pick(v):
        if s > 0:
            return v
        return v.copy()

    y = x.copy()
    z = pick(y)
    z += 1.0
    return np.sum(W * y * z)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_exact_or_refused(name):
    check_or_refused(name, CASES[name], REFUSED)


def test_refusals_are_cases():
    assert set(CASES) >= REFUSED
