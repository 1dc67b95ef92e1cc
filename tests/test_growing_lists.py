"""Comprehensions over arrays, and lists that grow in loops: exact for every number of rounds."""

import numpy as np
import pytest

import symgrad

RNG = np.random.default_rng(5)


def states(W, x, h):
    hs = []
    for t in range(len(x)):
        h = np.tanh(W @ h + x[t])
        hs.append(h)
    return np.sum(np.stack(hs) ** 2) + hs[-1][0]


def outputs(W, x, h):
    ys = []
    for row in x:
        h = np.tanh(W @ h + row)
        ys.append(h @ W)
    return np.mean(ys) + np.sum(ys[0])


def last_item(W, x, h):
    hs = [h]
    for row in x:
        hs.append(np.tanh(W @ hs[-1] + row))
    return np.sum(hs[-1] ** 2) + np.mean(hs[1])


def recurrence(W, x, h):
    c = [h[0], h[1]]
    for i in range(2, len(x) + 2):
        c.append(c[i - 1] * W[0, 0] + c[i - 2] * x[i - 2, 0])
    return c[-1]


def pairs(W, x, h):
    found = []
    c = h
    for row in x:
        h = np.tanh(W @ h)
        c = c * h + row
        found.append((h, c))
    return sum(np.sum(a * b) for a, b in found)


def python_numbers(W, x, h):
    losses = []
    for row in x:
        h = np.tanh(W @ h + row)
        losses.append(float(np.sum(h**2)))
    return sum(losses) / len(losses)


def in_a_dict(W, x, h):
    history = {"loss": [], "h": []}
    for row in x:
        history["loss"].append(np.sum(row**2 * h))
        history["h"].append(W @ row)
    return np.mean(history["loss"]) + np.sum(np.array(history["h"])[-1])


def by_while(W, x, h):
    found, k = [], 0
    while k < len(x):
        found.append(np.sum(x[k] * h))
        k += 1
    return max(found) + sum(found) + np.sum(W)


def until(W, x, h):
    found = []
    for row in x:
        found.append(np.sum(row * h))
        if found[-1] > 1.0:
            break
    return np.mean(found) + W[0, 0]


def backwards(W, x, h):
    found = [np.sum(np.sin(W @ row)) for row in x]
    total = 0.0
    for i in range(len(found) - 1, -1, -1):
        total = total * h[0] + found[i]
    return total + sum(found[1:]) + np.dot(found, found)


def rows_joined(W, x, h):
    rows = [(row * h)[None, :] for row in x]
    joined = np.concatenate(rows)
    joined[0] *= 2.0
    return np.sum(joined**3) + np.sum(np.hstack([W @ row for row in x]) ** 2)


def of_a_generator(W, x, h):
    return sum(np.sum((W @ row) ** 2) for row in x) * np.sum(h)


def of_nested_generators(W, x, h):
    return sum(x[i, j] ** 2 * h[j] for i in range(len(x)) for j in range(len(h))) + W[0, 0]


def of_some(W, x, h):
    return sum(v**2 for v in x[:, 0] if v > 0) + sum([u * u for u in h if u > 0]) + W[0, 0]


def matrix(W, x, h):
    kernel = np.array([[np.sum(W @ a * b) for b in x] for a in x])
    return np.sum(kernel**2) + h[0]


def rows_of_rows(W, x, h):
    rows = []
    for a in x:
        row = []
        for b in x:
            row.append(np.exp(-np.sum((a - b) ** 2)))  # noqa: PERF401
        rows.append(row)
    K = np.array(rows)
    return np.sum(K * K[::-1] * W[0, 0]) + rows[0][-1] * sum(rows[-1]) + h @ h


def lists_of_pairs(W, x, h):
    pairs, numbers = [], []
    for a in x:
        pairs.append([W[0] @ a, np.sin(a[0])])
        numbers.append((a @ a, np.cos(h @ a)))
    P, Q = np.array(pairs), np.array(numbers)
    return P[:, 0] @ P[:, 1] + sum(p * q for p, q in pairs) * pairs[-1][1] + Q[0] @ Q[-1]


def zipped(W, x, h):
    ys = [W @ row for row in x]
    return sum(np.sum(y * row) for y, row in zip(ys, x, strict=True)) / len(ys) + np.max([y @ h for y in ys])


def extremes(W, x, h):
    if any(v > 10 for v in h):
        return np.sum(W)
    return max(np.sum(row * h) for row in x) + min([np.sum(row**2) for row in x])


def item_changes_later(W, x, h):
    found = []
    g = h.copy()
    for row in x:
        g[0] += 1.0
        g = g * row
        found.append(g)
    return np.sum(np.stack(found) ** 2) + np.sum(W)


def same_item_again(W, x, h):
    found = []
    g = h.copy()
    for row in x:
        g += row
        found.append(g)
    return np.sum(np.stack(found) ** 2) + np.sum(W)


def copies(W, x, h):
    found = []
    g = h.copy()
    for row in x:
        g[0] += row[0]
        found.append(g.copy() * g)
    return np.sum(np.stack(found) ** 2) + np.sum(W)


def known_numbers(W, x, h):
    places = [2 * i for i in range(10)]
    return sum(h[k % 3] * x[0, k // 9] for k in places if k != 4) + places[-1] * W[0, 0]


PROGRAMS = [value for value in globals().values() if getattr(value, "__module__", None) == __name__]


def difference(function, args, place):
    found = np.zeros_like(args[place])
    for entry in np.ndindex(found.shape):
        for sign in (1, -1):
            moved = [arg.copy() for arg in args]
            moved[place][entry] += sign * 1e-5
            found[entry] += sign * function(*moved) / 2e-5
    return found


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_list_that_grows(function):
    derivative = symgrad.value_and_grad(function, (0, 1, 2))
    for rounds in (4, 7, 2, 1):
        args = [RNG.normal(size=(3, 3)), RNG.normal(size=(rounds, 3)), RNG.normal(size=3)]
        value, gradients = derivative(*(arg.copy() for arg in args))
        assert value == function(*(arg.copy() for arg in args))
        for place, gradient in enumerate(gradients):
            np.testing.assert_allclose(gradient, difference(function, args, place), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "function", [states, last_item, recurrence, matrix, rows_of_rows, of_a_generator], ids=lambda f: f.__name__
)
def test_one_function_for_all_lengths(function):
    derivative = symgrad.grad(function)
    sources = {derivative.source(np.eye(3), np.ones((rounds, 3)), np.ones(3)) for rounds in (5, 40, 90)}
    assert len(sources) == 1


def list_that_is_kept(x, h):
    rows, row = [], []
    for a in x:
        row.append(a @ h)
        rows.append(row)
    return sum(rows[1])


def list_that_changes_afterwards(x, h):
    rows = []
    for a in x:
        rows.append([a @ h, 1.0])  # noqa: PERF401
    rows[-1][0] *= 3.0
    return rows[-1][0] * rows[0][0]


@pytest.mark.parametrize(
    ("function", "reason"),
    [(list_that_is_kept, "a list that it also keeps"), (list_that_changes_afterwards, "changing a list")],
)
def test_lists_in_lists_are_exact_or_refused(function, reason):
    x, h = RNG.normal(size=(5, 3)), RNG.normal(size=3)
    value, found = symgrad.value_and_grad(function)(x, h)
    assert value == function(x, h)
    np.testing.assert_allclose(found, difference(function, (x, h), 0), rtol=1e-5, atol=1e-6)
    with pytest.raises(symgrad.NotYetSupported, match=reason):
        symgrad.grad(function)(RNG.normal(size=(90, 3)), h)


def changed_afterwards(x, h):
    found = []
    for row in x:
        h = h * row
        found.append(h)
    h[0] = 3.0
    return np.sum(np.stack(found))


def item_changed(x, h):
    found = [row * h for row in x]
    found[0][1] = 2.0
    return np.sum(np.stack(found))


@pytest.mark.parametrize("function", [changed_afterwards, item_changed], ids=lambda function: function.__name__)
def test_change_of_an_item_is_refused_or_exact(function):
    args = [RNG.normal(size=(4, 3)), RNG.normal(size=3)]
    try:
        gradient = symgrad.grad(function)(*(arg.copy() for arg in args))
    except symgrad.SymgradError:
        return
    np.testing.assert_allclose(gradient, difference(function, args, 0), rtol=1e-5, atol=1e-6)


def several_a_round(x):
    found = []
    for row in x:
        found.append(row[0])
        found.append(row[1])
    return np.sum(np.array(found))


def attention(x):
    seen = []
    for row in x:
        seen.append(row)
        mixed = np.tanh(sum(seen))
    return np.sum(mixed)


@pytest.mark.parametrize("function", [several_a_round, attention], ids=lambda function: function.__name__)
def test_other_lists_are_written_out(function):
    x = RNG.normal(size=(4, 2))
    gradient = symgrad.grad(function)(x)
    np.testing.assert_allclose(gradient, difference(function, [x], 0), rtol=1e-5, atol=1e-6)
    with pytest.raises(symgrad.SymgradError) as caught:
        symgrad.grad(function)(RNG.normal(size=(200, 2)))
    assert caught.value.span is not None


def list_that_a_tuple_keeps(x, h):
    rows, last = [], ([0.0, 0.0], 0.0)
    for a in x:
        row = [a @ h, 1.0]
        last = (row, 2.0)
        rows.append(row)
    last[0][0] = 5.0
    return rows[-1][0] * rows[0][0]


def test_lists_that_tuples_keep_are_exact_or_refused():
    x, h = RNG.normal(size=(5, 3)), RNG.normal(size=3)
    value, found = symgrad.value_and_grad(list_that_a_tuple_keeps)(x, h)
    assert value == list_that_a_tuple_keeps(x, h)
    np.testing.assert_allclose(found, difference(list_that_a_tuple_keeps, (x, h), 0), rtol=1e-5, atol=1e-6)
    with pytest.raises(symgrad.NotYetSupported, match="a list that it also keeps"):
        symgrad.grad(list_that_a_tuple_keeps)(RNG.normal(size=(90, 3)), h)


def test_a_list_of_rows_and_of_a_shorter_array():
    def loss(b, a, w):
        items = [row * a for row in w]
        if a > 0.5:
            items.append(b[::-2])
            for item in items:
                a += 0.1 * np.sum(item)
            return a + np.sum(np.concatenate(items))
        return a * np.sum(items[-1])

    derivative, b, w = symgrad.grad(loss, argnums=1), np.array([1.0, 2.0, 3.0]), np.arange(12.0).reshape(4, 3)
    for a in (0.3, 0.9):
        try:
            found = derivative(b, a, w)
        except symgrad.SymgradError:
            continue
        assert found == pytest.approx((loss(b, a + 1e-6, w) - loss(b, a - 1e-6, w)) / 2e-6)
