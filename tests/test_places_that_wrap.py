"""Places that a run tells, and that may count from the end: of parts of arrays, and of what is computed from them."""

from __future__ import annotations

import numpy as np
import pytest
from differences import differences

import symgrad

Y = np.array([0.5, 0.7, 0.9, 1.3])


def of_a_part(y, k):
    return y[1:][k - 1] ** 2


def of_a_function_of_a_part(y, k):
    return np.sin(y[1:])[k - 1] ** 2


def into_a_part(y, k):
    u = y[1:]
    u[k - 1] = 3.0 * y[0]
    return np.sum(np.sin(y))


def into_the_front(y, k):
    u = y[:2]
    u[k - 1] = np.mean(y)
    return np.sum(np.sin(y))


def into_a_copy(y, k):
    u = y[:2].copy()
    u[k - 1] = np.mean(y)
    return np.sum(np.sin(u)) + np.sum(y)


def of_every_second(y, k):
    return y[::2][k - 1] ** 2


def of_the_reversed(y, k):
    return y[::-1][k - 1] ** 2


def of_a_function_of_the_reversed(y, k):
    return np.sin(y[::-1])[k - 2] ** 2 * y[k]


def added_to_a_part(y, k):
    u = y[2:]
    u[k - 1] += np.mean(y)
    return np.sum(np.sin(y))


def of_the_front_of_a_function(y, k):
    u = np.sin(y)[:2]
    return u[k - 1] * y[k]


def of_joined_arrays(y, k):
    return np.concatenate([y, y[:1]])[k - 1] * y[0]


def of_a_rolled_array(y, k):
    return np.roll(y, 1)[k - 1] * y[0]


def of_differences(y, k):
    return np.diff(y)[k - 1] * y[0]


def of_a_difference_of_parts(y, k):
    return (y[1:] - y[:-1])[k - 1] ** 2


def of_an_appended_array(y, k):
    return np.append(y, y[0] ** 2)[k - 1] * y[0]


def of_a_cumulative_sum(y, k):
    return np.cumsum(y)[:2][k - 1] * y[0]


def of_repeated_elements(y, k):
    return np.repeat(y, 2)[k - 1] * y[0]


def of_an_outer_product(y, k):
    return np.outer(y, y[:3])[k - 1, k - 2] * y[0]


def of_a_square(y, k):
    return y.reshape(2, 2)[k - 1, k - 1] * y[0]


def of_a_padded_array(y, k):
    return np.pad(y, 1)[k - 1] * y[0] + np.pad(y, 1)[k - 2]


def of_a_counter(y, k):
    s = 0.0
    for i in range(3):
        s = s + y[1:][i - 1] * np.sin(y[:2])[i - 2 if i > 0 else 0]
    return s


def at_places_that_are_computed(y, k):
    u = np.tanh(y[:3])
    idx = np.array([0, 1, 2]) - k
    return np.sum(u[idx] * y[1:])


def of_the_front_of_the_reversed(y, k):
    return np.flip(np.sin(y))[:2][k - 1] * y[0]


def of_a_range(y, k):
    return y[0] * np.arange(4.0)[k - 1]


def of_a_range_times_an_array(y, k):
    return np.sum(y * np.arange(4.0)[k - 1])


def of_the_identity(y, k):
    return (np.eye(4) @ y)[k - 1] * np.eye(4)[k - 1, 2] * y[2]


def of_a_triangle(y, k):
    return np.tri(4)[k - 1] @ y * y[0]


def of_a_diagonal(y, k):
    return np.sin(np.diag(y))[k - 1, k - 1] * y[0]


def of_even_steps(y, k):
    return np.linspace(0.0, 1.0, 4)[k - 1] * y[0] ** 2


def of_a_wide_product(y, k):
    return (y[:, None] * y[None, :3])[k - 1, k - 1]


def into_a_function_of_a_part(y, k):
    u = np.sin(y[1:])
    u[k - 1] = y[0] ** 2
    return np.sum(u * y[:3])


def added_to_a_function_of_a_part(y, k):
    u = np.sin(y[1:])
    u[k - 1] += y[0] ** 2
    return np.sum(u**2 * y[:3])


def of_a_function_in_a_loop(y, k):
    s = 0.0
    for i in range(3):
        u = np.sin(y[1:])
        s = s + u[i - 1] * u[i - k]
    return s


def into_the_front_in_a_loop(y, k):
    for i in range(3):
        v = y[:3]
        v[i - 1] = np.sin(v[i - 2]) * y[3]
    return np.sum(y**2)


def times_a_part_in_a_loop(y, k):
    for i in range(3):
        v = y[1:]
        v[i - 1] *= np.sin(v[i - 2]) * y[0]
    return np.sum(y**2)


def at_computed_places_of_a_part(y, k):
    idx = np.array([0, 1, -1])
    return np.sum(np.sin(y[1:])[idx - k] * y[:3])


def at_fixed_places_of_the_front(y, k):
    idx = np.array([0, 1, -1])
    return np.sum(np.sin(y[:3])[idx] * y[1:])


def into_computed_places_of_the_front(y, k):
    idx = np.array([0, 1, -1]) - k
    u = y[:3]
    u[idx] = np.cos(y[1:])
    return np.sum(y**2)


def added_at_computed_places(y, k):
    idx = np.array([0, 1, -1]) - k
    u = y[1:]
    np.add.at(u, idx, np.cos(y[:3]))
    return np.sum(y**2)


def of_a_row_of_a_product(y, k):
    return np.max(np.outer(y[:3], y[1:])[k - 1]) * y[k - 2]


def of_a_column_of_a_product(y, k):
    return np.sum(np.outer(y[:3], y[1:])[:, k - 1] ** 2) * y[k - 2]


def into_a_row_of_a_part(y, k):
    M = np.outer(y, y)
    M[1:, :2][k - 1] = y[:2] * M[0, 0]
    return np.sum(M**2)


def into_a_part_of_a_product(y, k):
    M = np.outer(y, y)[:3, 1:]
    M[k - 1, k - 1] = y[k - 1]
    return np.sum(M**2)


def into_neighbours_of_a_part(y, k):
    reversed_ones, part = y[::-2], y[1:]
    reversed_ones[-1] *= 0.7
    part[np.arange(2) + k] += 0.5 * y[0]
    return np.sum(np.sin(y))


def of_a_part_in_itself(y, k):
    part = y[1:]
    part[1:] += part[k - 1] if k < len(part) else np.sum(part[k:])
    return np.sum(np.sin(y))


def of_every_element_twice(y, k):
    A = np.outer(y, np.sin(y))
    W = np.outer(y, y)
    for j in range(len(y)):
        W[:, 0] = np.maximum(A[j // 2], 0.1)
    for j in range(2):
        W[j] = W[:, j // 2] * A[j // 2 - k]
    return np.sum(W**2)


def of_the_largest_of_a_part(y, k):
    found = 0.0
    for row in np.outer(y, y)[1:, 1:]:
        found = found * row[np.argmin(row) - k] + row[np.argmax(row)]
    return found


def of_the_first_backwards(y, k):
    part = y[:2]
    part.fill(np.sum(y[1::-1]))
    part[1:] += part[:-1]
    return np.sum(part[k::-1] ** 2) * np.sum(np.sin(y)[k + 2 :: -1])


PROGRAMS = [
    of_a_part,
    of_a_function_of_a_part,
    into_a_part,
    into_the_front,
    into_a_copy,
    of_every_second,
    of_the_reversed,
    of_a_function_of_the_reversed,
    added_to_a_part,
    of_the_front_of_a_function,
    of_joined_arrays,
    of_a_rolled_array,
    of_differences,
    of_a_difference_of_parts,
    of_an_appended_array,
    of_a_cumulative_sum,
    of_repeated_elements,
    of_an_outer_product,
    of_a_square,
    of_a_padded_array,
    of_a_counter,
    at_places_that_are_computed,
    of_the_front_of_the_reversed,
    of_a_range,
    of_a_range_times_an_array,
    of_the_identity,
    of_a_triangle,
    of_a_diagonal,
    of_even_steps,
    of_a_wide_product,
    into_a_function_of_a_part,
    added_to_a_function_of_a_part,
    of_a_function_in_a_loop,
    into_the_front_in_a_loop,
    times_a_part_in_a_loop,
    at_computed_places_of_a_part,
    at_fixed_places_of_the_front,
    into_computed_places_of_the_front,
    added_at_computed_places,
    of_a_row_of_a_product,
    of_a_column_of_a_product,
    into_a_row_of_a_part,
    into_a_part_of_a_product,
    into_neighbours_of_a_part,
    of_a_part_in_itself,
    of_every_element_twice,
    of_the_largest_of_a_part,
    of_the_first_backwards,
]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("k", [0, 1])
def test_places_count_from_the_end_of_what_they_are_in(function, k):
    value, gradient = symgrad.value_and_grad(function)(Y, k)
    assert value == pytest.approx(function(Y.copy(), k), rel=1e-14)
    np.testing.assert_allclose(gradient, differences(lambda y: function(y.copy(), k), (Y,), 0), rtol=1e-7, atol=1e-8)


def test_a_place_that_a_later_line_makes_known_still_counts_from_the_end():
    def loss(y, k):
        z = y[2:]
        z[k - 1] *= 0.1
        for _ in range(k):
            z = z * 1.0
        return np.sum(y * y)

    y = np.array([0.3, 0.4, 0.5, -0.6])
    for k in (0, 1, 2):
        wanted = 2 * y
        wanted[2:][k - 1] *= 0.01
        np.testing.assert_allclose(symgrad.grad(loss)(y, k), wanted, rtol=1e-14)
