"""Programs that were once differentiated wrongly, or not at all: what conditions, totals and places have in common."""

from __future__ import annotations

import linecache

import numpy as np
import pytest
from differences import differences

import symgrad
from symgrad.errors import NotYetSupported, UnsupportedSyntax

ENDS = np.array([0, 2, 0])


def plain(function, *args):
    return function(*(np.copy(arg) if isinstance(arg, np.ndarray) else arg for arg in args))


def check(function, args, argnums):
    """Value, gradients and arguments of a program are what they should be."""
    given = [np.copy(arg) if isinstance(arg, np.ndarray) else arg for arg in args]
    value, found = symgrad.value_and_grad(function, argnums=argnums)(*given)
    np.testing.assert_allclose(value, plain(function, *args), rtol=1e-13)
    for given_one, arg in zip(given, args, strict=True):
        np.testing.assert_array_equal(given_one, arg)
    for place, derivative in zip(argnums, found, strict=True):
        wanted = differences(lambda *moved: plain(function, *moved), args, place)
        np.testing.assert_allclose(derivative, wanted, rtol=1e-7, atol=1e-8)


def mean_in_a_condition(c, x):
    result = 0.9
    if c > 0.19:
        if np.mean(np.tanh(x) + c) < 2.28:
            c = c * c
        result = c
    return result


def product_in_a_condition(c, x):
    result = 0.9
    if c > 0.19:
        if (x[0] + c) * x[1] < 0.3:
            c = c * c
        result = c * np.sum(x)
    return result


def whole_number_of_a_product(c, x):
    result = 0.9
    if c > 0.19:
        result = np.sum(x) * int(10 * c * (c + x[0])) + np.floor(3 * c * (x[0] + x[1])) * c
    return result


def counters_in_a_condition(c, x):
    for i in range(3):
        for j in range(3):
            if c > 0.1:
                if (i + 1) * (j + 2) < 5:
                    c = c * x[0]
                c = c + 0.01 * x[1]
    return c


@pytest.mark.parametrize("c", [0.12, 0.43, 1.73, 2.61])
@pytest.mark.parametrize(
    "function",
    [mean_in_a_condition, product_in_a_condition, whole_number_of_a_product, counters_in_a_condition],
)
def test_what_a_condition_compares_are_numbers(function, c):
    check(function, (c, np.array([0.3, 0.85, -0.2])), (0, 1))


def filled_with_an_element(y, k):
    if k <= 1:
        y.fill(abs(np.exp(np.tanh(y[k] if k < len(y) else 0.3))))
    return np.sum(np.sin(y))


def element_before_a_change(b, c):
    if c > 0.75 or np.dot(b, b) > 3.99:
        for k, first in enumerate(b):
            np.sin(np.cumsum(b) * b, out=b)
            if k < len(b) and b[k] > 0.3:  # noqa: PLR1736 (it has changed)
                continue
            b[0] = -np.exp(np.tanh(first))
    return np.mean(b)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_name_is_read_before_it_changes(length):
    x = np.linspace(0.2, 0.9, length)
    check(filled_with_an_element, (x, 1), (0,))
    check(filled_with_an_element, (x, 2), (0,))
    check(element_before_a_change, (x, 0.8), (0,))
    check(element_before_a_change, (-x, 0.8), (0,))


def grows_by_what_was_computed_before(y, n):
    for i in range(n):
        slope = np.sin(y)
        if i > 1:
            y = y + slope
    return y


def grows_in_an_inner_loop(y, n):
    for _ in range(n):
        slope = np.sin(y)
        for _ in range(2):
            y = y + slope
    return y


def grows_by_a_difference(x, n):
    for i in range(n):
        slope = np.roll(x, 1) - x
        if i > 0:
            x = x + 0.1 * slope
    return np.sum(x**2)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_sum_that_depends_on_itself_is_none(n):
    check(grows_by_what_was_computed_before, (0.7, n), (0,))
    check(grows_in_an_inner_loop, (0.7, n), (0,))
    check(grows_by_a_difference, (np.array([0.6, 0.4, 0.2]), n), (0,))


def stores_in_nested_branches(y, s):
    y = y.copy()
    for k in range(len(y)):
        if k != 1:  # noqa: SIM102 (one in the other)
            if s > 0.1:
                y[k] *= s
    return np.sum(y) ** 2


def products_in_nested_branches(y, s):
    y = y.copy()
    for k in range(len(y)):
        if k != 1:
            if k != 2:
                y[0] *= 3.0 * s
            elif s > 0:
                y[k] = y[k - 1] ** 2
    return np.sum(y) ** 2


@pytest.mark.parametrize("function", [stores_in_nested_branches, products_in_nested_branches])
def test_stores_in_nested_branches_are_differentiated_twice(function):
    y, v, h = np.array([0.6, 0.4, 0.2]), np.array([0.3, -0.7, 0.5]), 1e-5
    gradient = symgrad.grad(function)
    wanted = (gradient(y + h * v, 0.7) - gradient(y - h * v, 0.7)) / (2 * h)
    np.testing.assert_allclose(symgrad.hvp(function)(y, 0.7, v), wanted, rtol=1e-8, atol=1e-9)


def function_of_what_a_branch_reads(a, b):
    total = 0.0
    for t in b:
        if t > 0.3:
            level = np.tanh(a)
            if level > 0.48:
                continue
            total -= level * t
        else:
            total += np.tanh(a)
    return total


def method_that_branches(rate, steps):
    total = 0.0
    for _ in range(steps):
        if rate > 0.2:
            amount = np.tanh(rate)
            if amount > 0.5:
                amount = 0.5 + np.tanh(amount - 0.5)
            total += amount
    return total


def two_results_of_one_block(a, x):
    total = 0.0
    for i in range(len(x)):
        b = a + x[i]
        c = a - 2
        if x[i] > 0.3:  # noqa: SIM108 (a branch of statements)
            total = np.tanh(total) + a * b * x[i] * c
        else:
            total = total * a * b
        if x[i] * a > 0.1:
            total += np.sin(b * c)
            for _ in range(i):
                total = total * c * b * a + 0.1
    return total


@pytest.mark.parametrize("a", [0.1, 0.3, 0.9])
def test_totals_go_through_branches_once(a):
    check(two_results_of_one_block, (a, np.array([0.1, 0.5, 0.2, 0.8])), (0, 1))
    check(function_of_what_a_branch_reads, (a, np.array([0.1, 0.5, 0.2, 0.8])), (0, 1))
    check(method_that_branches, (a, 3), (0,))


def neighbours_that_are_arrays_of_places(x):
    y = x + np.tanh(x[(np.arange(len(x)) + 1) % len(x)])
    return np.sum(np.sin(y))


def array_that_is_added_to_places_of_itself(x):
    np.add(x, np.tanh(x[ENDS]), out=x)
    return np.sum(np.sin(x))


@pytest.mark.parametrize("function", [neighbours_that_are_arrays_of_places, array_that_is_added_to_places_of_itself])
def test_an_adjoint_is_read_before_it_changes(function):
    check(function, (np.array([0.4, -0.3, 0.9]),), (0,))


def row_of_a_store(W, b, k):
    W[::2] = b
    return np.sum(W[k - 1] ** 2)


def two_places(x, c, k):
    x[k] = c
    x[k - 2] *= 3 * c
    return np.sum(x**2) + x[k] * x[k - 1]


def two_numbers(x, i, j):
    x[i] = np.sum(x) ** 2
    return x[j] * x[i]


@pytest.mark.parametrize("k", [-1, 0, 1])
@pytest.mark.parametrize("rows", [3, 4])
def test_places_that_count_from_the_end_of_a_store(k, rows):
    check(row_of_a_store, (np.linspace(-1, 1, rows * 2).reshape(rows, 2), np.array([0.3, 0.8]), k), (0, 1))


def neighbour_but_one(x, k):
    return x[k] ** 2 * x[k - 2]


@pytest.mark.parametrize("length", [2, 3, 4])
@pytest.mark.parametrize("k", [-1, 0, 1])
def test_places_that_are_the_same_one(k, length):
    if k - 2 >= -length:
        check(two_places, (np.linspace(0.2, 0.9, length), 1.3, k), (0, 1))
        check(neighbour_but_one, (np.linspace(0.2, 0.9, length), k), (0,))
    for other in (-2, -1, 0, 1):
        check(two_numbers, (np.linspace(0.2, 0.9, length), k, other), (0,))


def recurrence_that_wraps(x, c):
    for k in range(len(x)):
        x[k] = c * x[k] + x[k - 2] * x[k - 1]
    return np.sum(x)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_recurrences_that_wrap(length):
    check(recurrence_that_wraps, (np.linspace(0.2, 0.9, length), 0.7), (0, 1))


def power_of_a_number(x, steps):
    q = 0.6
    for k in range(4):
        for _ in range(k, 4):
            q *= q
        if q > 0.52:
            break
    return np.sum(x) * (1 + q)


def test_long_numbers_are_floats():
    check(power_of_a_number, (np.array([0.3, 0.4]), 2), (0,))


def store_of_what_a_branch_gives(b, c, rate):
    if c < 0.63:
        pass
    else:
        rate *= c
    tail = b[1:]
    b[ENDS] = np.array([np.maximum(rate, 0.2), rate, c])
    return tail @ tail


@pytest.mark.parametrize("c", [0.3, 0.8])
def test_long_lines_of_a_branch_are_split(c):
    check(store_of_what_a_branch_gives, (np.linspace(0.1, 0.7, 4), c, 0.4), (0, 1, 2))
    check(store_of_what_a_branch_gives, (np.linspace(0.1, 0.7, 4), c, 0.4), (1,))


def test_results_of_nested_branches_are_walked_once():
    names = [f"v{k}" for k in range(8)]
    lines = [f"    {name} = x * {k + 1}" for k, name in enumerate(names)]
    for depth in range(14):
        pad = "    " * (depth + 1)
        lines.append(f"{pad}if x > 0.{depth + 10}:")
        lines += [f"{pad}    {name} = {name} * x" for name in names]
    lines.append(f"    return {' + '.join(names)}")
    namespace: dict[str, object] = {}
    source = "\n".join(["def nested(x):", *lines])
    linecache.cache["<nested>"] = len(source), None, source.splitlines(keepends=True), "<nested>"
    exec(compile(source, "<nested>", "exec"), namespace)
    nested = namespace["nested"]
    assert callable(nested)
    wanted = (nested(0.7 + 1e-6) - nested(0.7 - 1e-6)) / 2e-6
    np.testing.assert_allclose(symgrad.grad(nested)(0.7), wanted, rtol=1e-7)


def kinds_that_change(x, steps, limit):
    held = 0.0
    for i in range(steps):
        for j in range(steps):
            for k in range(steps):
                for m in range(steps):
                    if x[i] > limit and x[j] > x[k]:
                        held = x
                    elif x[m] < limit:
                        held = [held, x]
                    if x[k] * x[m] > x[j]:
                        held = (held, held)
    return np.sum(x)


def test_too_many_ways_through_a_function_are_refused():
    with pytest.raises(NotYetSupported):
        symgrad.grad(kinds_that_change)(np.linspace(0.1, 0.8, 8), 8, 0.5)


def trace_of_a_part(A):
    total = 0.0
    for i in range(min(A.shape)):
        total += A[i, i] ** 2
    return total


def first_ones(x, k):
    total = 0.0
    for i in range(min(len(x), k)):
        total += x[i] ** 2
    return total + np.sum(x[: max(len(x) - 1, 1)] ** 2)


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (3, 3), (1, 2)])
def test_the_smaller_of_two_lengths(shape):
    check(trace_of_a_part, (np.linspace(-1, 1, shape[0] * shape[1]).reshape(shape),), (0,))
    check(first_ones, (np.linspace(0.2, 0.9, shape[0]), shape[1]), (0,))


def part_and_its_rounds(x, k):
    total = np.sum(x[k:] ** 2)
    for i in range(k):
        total += np.sin(x[i])
    return total * x[k]


@pytest.mark.parametrize("k", [np.int64(-1), np.int64(1), np.uint8(1), np.int32(-2), 2, 0])
def test_integers_of_numpy_are_bounds(k):
    check(part_and_its_rounds, (np.array([0.3, 0.5, 0.8]), k), (0,))


def repeated_numbers(x):
    return np.sum(x * np.array([2.0] * len(x)))


def repeated_element(x):
    return np.sum(x * np.array([x[0]] * len(x)))


def repeated_and_changed(x):
    y = [0.0] * len(x)
    z = [None] * len(x)
    for i in range(len(x)):
        y[i] = x[i] ** 2
        z[i] = y[i] * x[i - 1]
    return sum(y) * sum(z)


def repeated_by_an_argument(x, n):
    return np.sum(np.array([x[0], x[1]] * n)) + np.sum(np.array((1.0, 2.0) * n)) * x[1]


@pytest.mark.parametrize("length", [2, 3, 40])
def test_lists_are_repeated(length):
    x = np.linspace(0.2, 0.9, length)
    for function in (repeated_numbers, repeated_element, repeated_and_changed):
        check(function, (x,), (0,))
    for n in (0, 2, 5):
        check(repeated_by_an_argument, (x, n), (0,))


def test_many_items_are_not_repeated_as_an_array():
    with pytest.raises(NotYetSupported, match="repeated"):
        symgrad.grad(lambda x: np.sum(np.array([x[0], x[1]] * len(x))))(np.linspace(0.2, 0.9, 100))


def part_of_what_is_left(x, a, steps):
    for _ in range(steps):
        part = x[:2]
        x[0] *= a
        x = np.tanh(x[:, None] * x[None, :] @ x)
    return part @ part


def values_that_change_places(b, q):
    for k in range(3):
        q, b[[0, 2, 0]] = b[k], q
    return np.sum(np.sin(b)) + q


def test_what_a_round_leaves_is_a_part_of_an_array():
    check(part_of_what_is_left, (np.linspace(0.2, 0.9, 4), 0.7, 3), (0, 1))
    check(values_that_change_places, (np.linspace(0.2, 0.9, 4), 0.7), (0, 1))


def halves_of_an_array(y):
    middle = len(y) // 2
    first, second = y[:middle], y[middle:]
    first[0] = second[0]
    twice = np.concatenate([y, y])
    np.tanh(second, out=second)
    if np.any(twice > 0.9):
        np.sin(first, out=first)
    second[0] = second[-1]
    return np.sum(np.sin(first)) + y[-1]


@pytest.mark.parametrize("length", [3, 4, 6])
def test_the_same_store_inside_and_around_of_a_branch(length):
    for last in (0.7, 1.2):
        check(halves_of_an_array, (np.linspace(0.1, last, length),), (0,))


def popped_while_it_is_read(y):
    items = [t * 1.0 for t in y]
    for t in items:
        if t >= 0.58:
            items.pop()
    return t


def test_a_list_that_gets_shorter_while_it_is_read():
    for y in (np.array([0.7, 0.3, 0.2, 0.1]), np.array([0.1, 0.3, 0.2, 0.1])):
        try:
            value = symgrad.value_and_grad(popped_while_it_is_read)(y)[0]
        except NotYetSupported:
            continue
        assert value == popped_while_it_is_read(y)


def squares_of_a_counter(x, c):
    total = 0.0
    y = c * x
    for i in range(3):
        y[i**2 - 1] += x[i] * c
        total += y[i**2 - 1] * x[min(i, 1) - 1]
    return total + np.sum(y**2)


def test_the_least_place_of_a_square_is_not_the_last():
    check(squares_of_a_counter, (np.linspace(0.2, 0.9, 5), 0.7), (0, 1))


def count_that_a_test_computes_too(x, rate):
    y = rate * x
    for k in range(len(x)):
        y[k] = np.sin(y[k]) * y[k - 1]
        if (x[k + 1] if k + 1 < len(x) else rate) < 0.15:
            break
    return np.sum(y)


def test_rounds_are_counted_before_a_test_computes_the_same():
    for last in (0.1, 0.9):
        check(count_that_a_test_computes_too, (np.array([0.4, 0.7, last, 0.5]), 0.7), (0, 1))


def without_an_end(x):
    total, j = x[0], 0
    if total > 5:
        while j < 4:
            total = total + np.sum(x)
    return total


def test_a_loop_that_nothing_ends():
    with pytest.raises(UnsupportedSyntax, match="nothing ends this loop"):
        symgrad.grad(without_an_end)(np.array([0.4, 0.7]))


def first_few(x, count):
    return np.sum(x[: count.sum()] ** 2) + np.sum(np.zeros(count.item()) + x[0])


def test_lengths_in_arrays():
    x = np.array([0.4, 0.7, 0.9])
    for count in (np.array(2), np.int64(2)):
        np.testing.assert_allclose(symgrad.grad(first_few)(x, count), [0.8 + 2, 1.4, 0.0])
    np.testing.assert_allclose(symgrad.grad(first_few)(x, np.array(3)), [0.8 + 3, 1.4, 1.8])
    for count in (np.array([2]), np.array([[2]])):
        with pytest.raises(NotYetSupported, match="computed from the elements of arrays"):
            symgrad.grad(first_few)(x, count)


def element_of_a_diagonal(A):
    return np.tanh(np.diag(A))[2]


def element_of_a_trace(A):
    return np.sum(np.tanh(np.einsum("ii->i", A))[1:] * np.exp(np.diagonal(A))[:-1]) + np.sin(np.diag(A))[-1] ** 2


def element_of_a_diagonal_of_three(A):
    B = np.tanh(A[:, :, None] * A[:, None, :])
    return np.exp(np.einsum("iii->i", B))[1]


@pytest.mark.parametrize(
    "function", [element_of_a_diagonal, element_of_a_trace, element_of_a_diagonal_of_three], ids=lambda f: f.__name__
)
def test_places_that_other_places_tell(function):
    check(function, (np.linspace(-0.6, 0.9, 9).reshape(3, 3),), (0,))


def diagonals_that_repeat(A, v):
    np.fill_diagonal(A, np.sin(v))
    for _ in range(2):
        np.fill_diagonal(A, A[0, 0] * v)
    return np.sum(A**2 * np.arange(A.size).reshape(A.shape))


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_a_diagonal_takes_values_in_turn(shape, length):
    matrix = np.linspace(-0.6, 0.9, int(np.prod(shape))).reshape(shape)
    check(diagonals_that_repeat, (matrix, np.linspace(0.3, 1.1, length)), (0, 1))


def rows_of_a_transposed_array(A, x):
    columns = np.sin(A.T)
    for row, t in zip(columns, x, strict=True):
        row[0] = t
    if x[0] > 0.1:
        columns[:, -1] *= x
    return np.sum(columns)


def test_sums_of_copies_are_in_the_order_of_the_original():
    for seed in range(20):
        numbers = np.random.default_rng(seed)
        A, x = numbers.normal(size=(7, 7)), numbers.normal(size=7)
        value, _ = symgrad.value_and_grad(rows_of_a_transposed_array)(A, x)
        assert value == rows_of_a_transposed_array(A.copy(), x.copy())
    check(rows_of_a_transposed_array, (A, x), (0, 1))


def span_of_any_numpy(x):
    return x.ptp() if hasattr(x, "ptp") else np.max(x) - np.min(x)


def test_methods_that_numpy_has_no_more_are_not_there():
    x = np.array([0.5, 2.0, -1.0])
    assert symgrad.grad(span_of_any_numpy)(x).tolist() == [0.0, 1.0, -1.0]
    if not hasattr(x, "ptp"):
        with pytest.raises(symgrad.SymgradError, match="no attribute ptp"):
            symgrad.grad(lambda x: x.ptp())(x)
