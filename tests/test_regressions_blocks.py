"""Programs with loops and branches that were once differentiated wrongly, or not at all; the smallest of each kind."""

from __future__ import annotations

import numpy as np
import pytest
from differences import differences

import symgrad
from symgrad.errors import SymgradError


def alias_of_a_loop_that_may_not_run(a, b, rate):
    q = b
    k = 0
    while k < 2 and rate < 0.05:
        b = 0.5 + q
        k += 1
    z = q
    z[k] = rate
    return q @ b + a @ a


def carried_array_that_starts_as_an_argument(x, b, rate):
    kept = b
    for _ in range(3):
        for t in x:
            if t < rate:
                kept = np.tanh(kept)
        kept[0] = rate
    return kept @ kept


def elements_that_are_read_one_by_one(x, y, rate):
    first = [y[j] for j in range(3)]
    x[1::2] -= np.mean(x / y)
    for k in range(len(x)):
        if x[k] > rate:
            last = x[k]
    return last + first[0]


def array_of_one_value_in_every_round(x, y, rate):
    if rate < 4.45:
        k = 3
        while k:
            k -= 1
            x[...] = x[-1]
            np.tanh(x, out=x)
    return x @ x + y @ y


def masked_store_in_a_branch_of_a_loop(x, y, rate):
    k = 0
    while k < 3:
        k += 1
        if rate < 0:
            continue
        y[y < 0.5] *= np.sum(x)
    return np.sum(y * y)


def lengths_that_fit_on_one_side_only(x, y, rate):
    z = x[1:] + y[1:] if rate > 0 else x + y[1:]
    return z @ z


def variable_that_a_former_round_may_have_set(x, y, rate):
    total = 0.0
    for k in range(len(x)):
        if x[k] < rate + 5:
            w = x[k]
        elif x[k] > 100:
            total += late  # noqa: F821
        total += w * y[k]
        late = 3.0  # noqa: F841
    return total


def variables_that_nobody_reads_again(x, y, rate):
    tail = x.reshape(-1, 1)
    total = tail.sum()
    while True:
        cur = x[1:]
        cur[0] = rate
        if total > -1e9:
            break
    for _ in range(3):
        if rate > 1:
            x[2] += y[0]
        x = np.tanh(x)
    return np.sum(x) + total


PROGRAMS = [
    alias_of_a_loop_that_may_not_run,
    carried_array_that_starts_as_an_argument,
    elements_that_are_read_one_by_one,
    array_of_one_value_in_every_round,
    masked_store_in_a_branch_of_a_loop,
    lengths_that_fit_on_one_side_only,
    variable_that_a_former_round_may_have_set,
    variables_that_nobody_reads_again,
]
REFUSED = {alias_of_a_loop_that_may_not_run}


def plain(function, *args):
    return function(*(arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args))


@pytest.mark.parametrize("rate", [0.02, 0.35])
@pytest.mark.parametrize("function", PROGRAMS)
def test_value_and_gradient_are_exact_or_refused(function, rate):
    args = np.array([0.3, 0.2, 0.9, 0.7]), np.array([0.45, 0.1, 0.8, 1.2]), rate
    if function in REFUSED:
        with pytest.raises(SymgradError, match="memory"):
            symgrad.grad(function)(*args)
        return
    before = [np.copy(arg) for arg in args]
    value, found = symgrad.value_and_grad(function, argnums=(0, 1))(*args)
    assert value == plain(function, *args)
    assert all(map(np.array_equal, before, args))
    for position in (0, 1):
        wanted = differences(lambda *moved: plain(function, *moved), args, position)
        np.testing.assert_allclose(found[position], wanted, rtol=1e-8, atol=1e-8)


def test_a_side_that_cannot_run_raises_as_the_function_does():
    gradient = symgrad.grad(lengths_that_fit_on_one_side_only)
    with pytest.raises(ValueError, match="lengths 4 and 3"):
        gradient(np.ones(4), np.ones(4), -1.0)
    np.testing.assert_array_equal(gradient(np.ones(4), np.ones(5), -1.0), np.full(4, 4.0))


def escapes(x, rate):
    try:
        y = x * {}["missing"] if rate > 0 else x
    except KeyError:
        y = 7 * x
    return y @ y


def test_what_a_handler_may_answer_is_not_raised():
    with pytest.raises(SymgradError):
        symgrad.grad(escapes)(np.ones(2), 1.0)


def grown(u, by):
    u += by
    return u


def copy_that_changes_and_is_the_gradient_too(y, x, rate):
    changed = grown(y.copy(), y)
    return np.sum(changed) + y @ x


def dict_that_changes_while_it_is_read(x, y, rate):
    table = {"a": x, "b": y}
    for name, item in table.items():
        last = np.tanh(item) * rate
        if name == "a":
            table["b"] = table["b"] * 3
    return np.sum(last)


def last_row_that_a_loop_leaves(x, y, rate):
    A = np.outer(x, y)
    inner = A[1:, 1:]
    for j, row in enumerate(A):  # noqa: B007
        pass
    row /= 1.5
    return np.sum(inner * inner) + rate


def slices_that_are_empty(x, y, rate):
    part = x[::2]
    part[1:-1] += part[:-2]
    return np.mean(x[[0, 2, 0]]) + y @ y


PLAIN = [
    copy_that_changes_and_is_the_gradient_too,
    dict_that_changes_while_it_is_read,
    last_row_that_a_loop_leaves,
    slices_that_are_empty,
]


@pytest.mark.parametrize("function", PLAIN)
def test_value_and_gradient_are_exact(function):
    args = np.array([0.3, 0.2, 0.9, 0.7]), np.array([0.45, 0.1, 0.8, 1.2]), 0.3
    value, found = symgrad.value_and_grad(function, argnums=(0, 1))(*args)
    assert value == plain(function, *args)
    for position in (0, 1):
        wanted = differences(lambda *moved: plain(function, *moved), args, position)
        np.testing.assert_allclose(found[position], wanted, rtol=1e-8, atol=1e-8)


def counted_in_a_branch(b, rate, W):
    if rate < 0:
        np.add.at(W, np.array([0, 2, 0]), np.maximum(b, 0.1))
    return np.sum(W)


def test_a_branch_that_counts_gives_floats():
    found = symgrad.grad(counted_in_a_branch)(np.ones(3), -1.0, np.ones((3, 3)))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [3.0, 3.0, 3.0])


def row_of_an_argument_that_a_loop_leaves(c, A):
    for item in A:
        if c > 0.26:
            break
        item[1:] += item[:-1]
    if c > 0.2:
        np.multiply(item[1:], c, out=item[1:])
    return item @ item


@pytest.mark.parametrize("c", [0.1, 0.23, 0.5])
def test_rows_of_arguments_are_not_changed(c):
    A = np.arange(6.0).reshape(2, 3)
    value, found = symgrad.value_and_grad(row_of_an_argument_that_a_loop_leaves, argnums=1)(c, A)
    np.testing.assert_array_equal(A, np.arange(6.0).reshape(2, 3))
    assert value == plain(row_of_an_argument_that_a_loop_leaves, c, A)
    wanted = differences(lambda *moved: plain(row_of_an_argument_that_a_loop_leaves, *moved), (c, A), 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8)


def view_of_a_view_in_a_loop(W, rate):
    last = W[:, -1][::-1]
    for value in last:
        if value > rate:
            last[1] = np.tanh(value)
    return np.sum(W * W)


def test_views_of_views_change_in_loops():
    args = np.linspace(0.1, 0.9, 9).reshape(3, 3), 0.4
    value, found = symgrad.value_and_grad(view_of_a_view_in_a_loop)(*args)
    assert value == plain(view_of_a_view_in_a_loop, *args)
    wanted = differences(lambda *moved: plain(view_of_a_view_in_a_loop, *moved), args, 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8)


def part_read_by_an_index(y, k):
    part = y[1:]
    return np.sum(part[k] ** 2)


def part_changed_by_an_index(y, k):
    part = y[::-1]
    part[k] = part[0] * 3
    return np.sum(y**2)


@pytest.mark.parametrize("k", [-1, 1, np.array([-1, 0])])
@pytest.mark.parametrize("function", [part_read_by_an_index, part_changed_by_an_index])
def test_negative_places_count_from_the_end_of_a_part(function, k):
    y = np.array([0.3, -0.2, 0.9, 0.7])
    wanted = differences(lambda *moved: plain(function, *moved), (y, k), 0)
    np.testing.assert_allclose(symgrad.grad(function)(y, k), wanted, rtol=1e-8, atol=1e-8)


def element_behind_the_end(x, k):
    return x[k] ** 2 if k < len(x) else np.sum(x**3)


def neighbours(x, k):
    total = 0.0
    for i in range(len(x)):
        if i + k < len(x):
            total += x[i + k] * x[i]
        else:
            total += x[i] ** 3
    return total


def diagonal_element(x, k):
    A = np.outer(x, x)
    if k < len(x):
        A *= A[k, k]
    return np.sum(A)


@pytest.mark.parametrize("k", [0, 1, 3, 4, 7])
@pytest.mark.parametrize("function", [element_behind_the_end, neighbours, diagonal_element])
def test_what_only_one_branch_reads_need_not_exist(function, k):
    x = np.array([0.3, -0.2, 0.9, 0.7])
    value, found = symgrad.value_and_grad(function)(x, k)
    assert value == function(x, k)
    wanted = differences(function, (x, k), 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8)


def row_in_either_branch(W):
    a, b = W[2], W[2]
    z = a if W[0, 0] > 0 else b
    W[1:, 1:] += 0.5
    return z @ z


def row_of_a_row_in_either_branch(W):
    a = W[2]
    b = a[:]
    z = b if W[0, 0] > 0 else a
    z[1:] *= 3
    return np.sum(W**2)


@pytest.mark.parametrize("function", [row_in_either_branch, row_of_a_row_in_either_branch])
def test_equal_views_of_both_branches_are_views(function):
    W = np.linspace(0.1, 0.9, 9).reshape(3, 3)
    value, found = symgrad.value_and_grad(function)(W)
    assert value == plain(function, W)
    np.testing.assert_allclose(found, differences(lambda W: plain(function, W), (W,), 0), rtol=1e-8, atol=1e-8)


def traced_and_carried(y):
    products, moved, step = [], y.copy(), 0
    while step < 4:
        moved += 4.0
        products.append(y @ moved)
        step += 1
    return sum(products)


def mask_in_a_while(y):
    if y[0] > 0:
        k = 0
        while k < 3:
            y[(y > 0.25) & (y < 0.8)] = 0.1
            k += 1
    return np.sum(np.sin(y))


def pieces_of_two_lengths(y):
    rows = []
    for row in np.outer(y, y)[:, 1:]:
        rows.append(row * 2)  # noqa: PERF401
    for row in np.outer(y, y):
        rows.append(np.exp(-row))  # noqa: PERF401
    if y[0] > 0:
        rows.append(np.sin(np.concatenate(rows)))
    return np.sum(rows[-1])


@pytest.mark.parametrize("function", [traced_and_carried, mask_in_a_while, pieces_of_two_lengths])
def test_loops_that_save_are_exact(function):
    y = np.array([0.3, -0.2, 0.9, 0.7])
    value, found = symgrad.value_and_grad(function)(y)
    assert value == plain(function, y)
    np.testing.assert_allclose(found, differences(lambda y: plain(function, y), (y,), 0), rtol=1e-8, atol=1e-8)


def item_after_a_loop(x, c):
    items = [x]
    k = 0
    while k < 4:
        items.append(x * k)
        k += 1
    items[-1][0] = c
    return np.sum(items[-1])


def test_items_of_a_list_that_grew_are_not_changed():
    with pytest.raises(symgrad.errors.NotYetSupported, match="an item of a list that grew"):
        symgrad.grad(item_after_a_loop)(np.ones(3), 2.0)


def negative_condition(a):
    parts = [1.1, a, a]
    rest = a * a if a * a < 0.7 else 0.7 + np.tanh(a * a - 0.7)
    for k in range(0, 6, 2):
        total = sum(parts)
        if rest >= 1.28:
            parts.append(np.tanh(rest))
        elif k != 1 and rest < 0.3:
            parts[0] = min(total, 0.8)
    return rest - sum(parts)


@pytest.mark.parametrize("a", [1.43, 0.31, 0.47, 1.09])
def test_conditions_with_a_sign_are_numbers(a):
    wanted = differences(negative_condition, (a,), 0)
    np.testing.assert_allclose(symgrad.grad(negative_condition)(a), wanted, rtol=1e-8, atol=1e-8)


def counters_that_start_alike(x):
    total, calls, k = x, 0, 0
    while k < 4:
        if k % 2 == 0:
            calls += 1
            total += x
        k += 1
    return total * calls


def test_counters_that_start_alike_are_two():
    value, found = symgrad.value_and_grad(counters_that_start_alike)(0.3)
    assert value == counters_that_start_alike(0.3)
    assert found == 6.0


def every_second_backwards(y, k):
    part = y[::-1]
    part[1::2] -= y[0]
    return np.sum(np.sin(y)) + np.sum(y[k::-1] ** 2) + np.sum(y[: -k - 1 : -2] ** 3)


def behind_a_part(y, k):
    part = y[::-2]
    part = part[:-k]
    part *= 3.0
    return np.sum(np.sin(y)) + np.sum(part**2)


def wrapped_places(y, k):
    i = np.arange(3)
    y[i - k] *= i
    return np.sum(y[i - 1] ** 2 * i) + np.sum(y[i + k] * i) + np.sum(y[i // 2] * y[(i + 1) % 3] * i)


def end_of(y, k):
    return np.sum(y[-k:] ** 2) + np.sum(y[:-k] ** 3)


@pytest.mark.parametrize("k", [1, 0, 2, 3])
@pytest.mark.parametrize("size", [7, 6])
@pytest.mark.parametrize("function", [every_second_backwards, behind_a_part, wrapped_places, end_of])
def test_places_that_arguments_tell(function, size, k):
    y = np.linspace(0.3, 1.2, size) ** 2
    value, found = symgrad.value_and_grad(function)(y, k)
    np.testing.assert_allclose(value, plain(function, y, k), rtol=1e-14)
    wanted = differences(lambda y: plain(function, y, k), (y,), 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8)


def reversed_part_times_itself(y):
    part = y[::-1]
    part[0] = 0.5
    y[1:-1] = 0.5 * y[1:-1] + 0.25 * (y[:-2] + y[2:])
    y[:-1] *= part[1:]
    return part @ y


def view_that_a_loop_carries(y):
    part = y[1:]
    j = 0
    while True:
        if y[0] > 2.7:
            break
        part[:-1] *= part[1:]
        j += 1
        if j > 3:
            break
    return np.sum(part)


def elements_until(y):
    i = 0
    while i < 6:
        if i < len(y):
            row = y[i : i + 1]
            row *= y[0]
        i += 1
    return np.sum(y**2)


def raises_in_no_round(y):
    for j in range(1, 4):
        if y[0] > 0.2 * j:
            return np.sum(y**2) * j
    i = 0
    while i < 5 and y[0] < -1:
        part = y[:2]
        np.add(part, np.ones(3), out=part)
        i += 1
    return np.mean(y)


def does_not_fit_in_a_branch(y):
    if y[0] < -1:
        first = y[:1]
        np.add(first, y[1:], out=first)
    return y @ y


def newton_on_numbers(y):
    number = np.exp(-0.64)
    for _ in range(20):
        root = number
        number = number - (number**3 + number - root) / (3 * number**2 + 1)
    return number * np.sum(y)


@pytest.mark.parametrize("size", [4, 3])
@pytest.mark.parametrize(
    "function",
    [
        reversed_part_times_itself,
        view_that_a_loop_carries,
        elements_until,
        raises_in_no_round,
        does_not_fit_in_a_branch,
        newton_on_numbers,
    ],
)
def test_value_and_gradient_of_vectors_are_exact(function, size):
    y = np.linspace(0.3, 1.2, size) ** 2
    value, found = symgrad.value_and_grad(function)(y)
    np.testing.assert_allclose(value, plain(function, y), rtol=1e-14)
    np.testing.assert_allclose(found, differences(lambda y: plain(function, y), (y,), 0), rtol=1e-8, atol=1e-8)


def row_that_a_branch_leaves(W):
    for row in W:
        if np.all(row < 1.2):
            first = row[0]
            row[1:] += row[:-1]
        else:
            row[:-1] -= 0.5
    if not first > 0.16:
        row *= row
    return np.sum(W)


def moved_or_not(W):
    if np.any(W > 0.9):
        return W[-1, 0]
    W += 0.1 * W[::-1]
    return np.sum(W)


def break_that_does_not_come(W):
    k = 0
    while k < 4:
        W[0] += np.sum(W[1:])
        for step in range(1, 4):
            last = W[0, 0] * step
        if step % 2 == 0:
            break
        k += 1
    else:
        W = np.tanh(W) * last
    return np.sum(W)


def number_of_a_branch(W):
    scale = min(np.exp(0.3), 0.8)
    scale = np.tanh(scale * (0.3 / (1.5 + scale)))
    return scale * np.sum(W)


def means_in_nested_branches(W):
    total, k = 0.5, 0
    while k < 3:
        k += 1
        if k != 2:
            mean = W.mean()
            if mean > 0.03:
                mean = 0.5 + np.tanh(mean - 0.5)
            total += mean
    return total


@pytest.mark.parametrize("scale", [0.05, 1.0, -0.2])
@pytest.mark.parametrize(
    "function",
    [row_that_a_branch_leaves, moved_or_not, break_that_does_not_come, number_of_a_branch, means_in_nested_branches],
)
def test_value_and_gradient_of_matrices_are_exact(function, scale):
    W = scale * np.linspace(0.1, 0.7, 12).reshape(4, 3)
    value, found = symgrad.value_and_grad(function)(W)
    np.testing.assert_allclose(value, plain(function, W), rtol=1e-13)
    np.testing.assert_allclose(found, differences(lambda W: plain(function, W), (W,), 0), rtol=1e-7, atol=1e-8)


def column_by_column(W):
    r = np.sin(W.T)
    r[[0, 2, 0], 0] += np.mean(r[:, -1])
    return np.sum(r)


def test_copies_keep_the_order_in_which_sums_are_made():
    rng = np.random.default_rng(5)
    for _ in range(20):
        W = rng.normal(size=(4, 3))
        assert symgrad.value_and_grad(column_by_column)(W)[0] == column_by_column(W)


def sum_before_a_change(W, rate):
    row = W[0]
    if rate > 1:
        part = row[:2]
        row[0] *= 0.9
        total = np.sum(part)
        if rate > 1.2:
            part[1:] = part[:-1]
            row[::-2] *= total
    return np.sum(W**2)


def dict_that_gets_a_key(W, rate):
    held = {"a": rate, "b": rate}
    for _ in W:
        total = sum(held.values())
        held["c"] = total
        W[0, 1] = np.tanh(total)
    return np.sum(W)


def key_that_is_read_afterwards(W, rate):
    held = {"a": rate}
    for row in W:
        held["c"] = held["a"] * np.sum(row)
        held["a"] = np.tanh(held["c"])
    return held["c"]


@pytest.mark.parametrize("rate", [1.3, 1.1, 0.4])
@pytest.mark.parametrize("function", [sum_before_a_change, dict_that_gets_a_key, key_that_is_read_afterwards])
def test_branches_and_dicts_of_matrices_are_exact(function, rate):
    W = np.linspace(0.1, 0.7, 12).reshape(4, 3)
    value, found = symgrad.value_and_grad(function, argnums=(0, 1))(W, rate)
    np.testing.assert_allclose(value, plain(function, W, rate), rtol=1e-13)
    for place in (0, 1):
        wanted = differences(lambda *moved: plain(function, *moved), (W, rate), place)
        np.testing.assert_allclose(found[place], wanted, rtol=1e-7, atol=1e-8)


def changed_by_two_loops(a, x, steps):
    for it in range(steps):
        for k in range(len(x) - 1, -1, -1):  # noqa: B007 (it is read after the loop)
            if a > 0.9 or it > 1:
                break
            x[1::2] -= a
        step = 0
        while step < 4:
            x[-2:] += 0.5
            if k < 2:
                break
            step += 1
    return np.sum(x**2)


@pytest.mark.parametrize("a", [0.3, 1.2])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_arguments_that_loops_change_one_after_the_other_stay_as_they_are(a, steps):
    x = np.linspace(0.1, 0.9, 4)
    value, _ = symgrad.value_and_grad(changed_by_two_loops)(a, x, steps)
    np.testing.assert_array_equal(x, np.linspace(0.1, 0.9, 4))
    assert value == plain(changed_by_two_loops, a, x, steps)
