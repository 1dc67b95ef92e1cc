"""Effects happen once, in order, in the function, in its gradient and in its value and gradient."""

# The cases are written as programs are found, not as they should be written.
# ruff: noqa: F821, PERF401, PLW0603, SIM108, T201, UP031, UP032, UP037

from __future__ import annotations

import copy
import logging
import math
import random
import sys
import time
import warnings
from collections import Counter, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from differences import check_close, differences
from real_programs import check_same, leaves

import symgrad
from symgrad.errors import NoDerivative, NotYetSupported, SymgradError

LINE = np.array([0.7, -1.3, 2.1, 0.4])
OTHER = np.array([-0.2, 0.9, 0.3, -1.6])
TRANSFORMS = [symgrad.grad, symgrad.value_and_grad]
LOG = logging.getLogger("symgrad.tests.effects")
RNG = np.random.default_rng(11)
HISTORY: list[Any] = []
STATE: dict[str, Any] = {"calls": 0, "trace": []}
SEEN: set[int] = set()
RECENT: deque[float] = deque(maxlen=3)
COUNTS: Counter[str] = Counter()
CALLS = 0
NAMES = ("a", "b")

both = pytest.mark.parametrize("transform", TRANSFORMS, ids=["grad", "value_and_grad"])


# What is written


def prints_everything(x, n):
    print("start", 1, 2.5, None, True, (1, "a"), [1.0], {"k": 2}, x.shape, x.dtype, sep="|")
    total = 0.0
    for i in range(n):
        total = total + np.sum(x**i)
        print(f"round {i}: {total:.3f}", end=";\n")
        if total > 3.0:
            print("large", total, [total, i], {"total": total})
        else:
            print("small", x)
    print("{} and {:>8.2f}".format(n, total), "%d rounds, %s" % (n, total))
    return total * total


def prints_texts(x):
    y = math.sin(x)
    message = f"y={y!r:>25} x={x:{10}.{3}f} {{}} \n'\"" + " end"
    print(message)
    print(message.upper(), str(y), repr(x), format(y, ".2e"), ", ".join([str(x), f"{y}"]))
    sys.stdout.write(f"{y}\n")
    sys.stdout.flush()
    return y * x


def prints_in_helpers(x):
    def inner(u, name):
        print(name, u)
        return u * u

    parts = [inner(x[k], NAMES[k]) for k in range(2)]
    print(*parts)
    return sum(parts) * inner(np.sum(x), "last")


def prints_before_and_after_a_change(x):
    y = x * 2.0
    print(y)
    y[0] = 5.0
    print(y)
    y *= x
    print(y, x)
    return np.sum(y)


def prints_in_a_while(x):
    y = x
    while np.sum(y * y) > 1.0:
        print("still", np.sum(y))
        if y[0] > 0.2:
            y = y * 0.5
            continue
        print("no")
        y = y * 0.7
    print("done", y)
    return np.sum(y * x)


def prints_in_a_test(x):
    def large(u):
        print("asked", u)
        return u > 1.0

    y = np.sum(x * x)
    while large(y):
        y = y * 0.5
    return y * y


def prints_and_stops(x):
    for k in range(4):
        print("item", k)
        if x[k] < 0:
            print("negative")
            break
    else:
        print("none")
    if x[0] > 0 and print("second?") is None and x[1] > 0:
        return np.sum(x)
    return np.sum(x * x)


PRINTING = [
    (prints_everything, (LINE, 3)),
    (prints_everything, (OTHER, 4)),
    (prints_texts, (0.7,)),
    (prints_in_helpers, (LINE,)),
    (prints_before_and_after_a_change, (LINE,)),
    (prints_in_a_while, (LINE,)),
    (prints_in_a_while, (OTHER,)),
    (prints_in_a_test, (LINE,)),
    (prints_and_stops, (LINE,)),
    (prints_and_stops, (abs(LINE),)),
]


@both
@pytest.mark.parametrize(("function", "args"), PRINTING, ids=lambda item: getattr(item, "__name__", ""))
def test_prints_are_those_of_the_function(function, args, transform, capsys):
    value = function(*args)
    expected = capsys.readouterr().out
    derivative = transform(function)
    for _ in range(2):
        found = derivative(*args)
        assert capsys.readouterr().out == expected
    if transform is symgrad.value_and_grad:
        check_same(found[0], value)


@pytest.mark.parametrize(("function", "args"), PRINTING, ids=lambda item: getattr(item, "__name__", ""))
def test_gradients_beside_prints(function, args, capsys):
    check_close(symgrad.grad(function)(*args), differences(lambda x: function(x, *args[1:]), [args[0]], 0), 1e-6)
    capsys.readouterr()


def logs(x, logger):
    y = np.sum(x * x)
    LOG.info("value %s of %d", y, len(x))
    if y > 1.0:
        logger.warning(f"large {y:.2f}")
    logging.getLogger("symgrad.tests.effects").error("made inside")
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("debug")
    return y * y


@both
def test_logs(transform, caplog):
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("symgrad.tests.given")
    logs(LINE, logger)
    expected = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert len(expected) == 3
    derivative = transform(logs)
    for _ in range(2):
        caplog.clear()
        derivative(LINE, logger)
        assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == expected


def warns(x):
    if x > 1.0:
        warnings.warn(f"{x} is large", RuntimeWarning, stacklevel=2)
    return x * x


@both
def test_warnings(transform):
    derivative = transform(warns)
    with pytest.warns(RuntimeWarning, match=r"^1\.5 is large$") as found:
        derivative(1.5)
    assert len(found) == 1


# Random draws


def draws_made_inside(x):
    rng = np.random.default_rng(7)
    weights = rng.uniform(size=x.shape)
    return np.sum(x * weights * rng.normal(0.5, 2.0, size=(3, 1)) + rng.random(len(x)) ** 2 * x)


def draws_that_are_equal(x):
    rng = np.random.default_rng(7)
    return np.sum(x * rng.normal(size=4) * rng.normal(size=4)) + rng.normal() * rng.normal() * x[0]


def draws_of_everything(x, rng):
    n = x.shape[0]
    y = x * rng.standard_normal(n) + rng.exponential(2.0, n) * rng.gamma(2.0, size=n)
    k = rng.integers(0, n)
    order = rng.permutation(n)
    rows = rng.choice(n, size=3, replace=False)
    mask = rng.binomial(1, 0.5, size=n)
    noise = rng.normal(np.arange(4.0), 1.0)
    cov = rng.multivariate_normal(np.zeros(2), np.eye(2), size=3)
    return y[k] ** 2 + np.sum(x[order] * np.arange(4.0)) + np.sum(x[rows]) + np.sum(mask * y * noise) * np.sum(cov)


def draws_in_branches(x, rng):
    y = x
    if rng.random() > 0.5:
        noise = rng.normal(size=x.shape)
        y = np.sin(y * noise) + noise
    else:
        print("no draw")
    if np.sum(y) > 0:
        scale = rng.uniform(1.0, 2.0)
        y = y * y * scale
    return np.sum(y * y)


def draws_in_loops(x, rng, n):
    y = x
    for k in range(n):
        noise = rng.normal(size=4)
        y = y + np.sin(y) * noise
        if rng.random() > 0.4:
            keep = rng.binomial(1, 0.7, size=4)
            y = np.tanh(y * keep) + y
        for _ in range(2):
            y = y * np.cos(rng.random() * y) + k
    return np.sum(y * y)


def draws_in_a_loop_in_a_branch(x, rng, n):
    y = x
    if x[0] > 0:
        for _ in range(n):
            y = y + 0.3 * np.sin(y) * rng.normal(size=4)
        y = y * rng.random()
    return np.sum(y * y)


def draws_in_nested_branches(x, rng):
    y = np.sum(x)
    if x[0] > 0:
        if x[1] < 0:
            y = np.sin(y * rng.normal())
        else:
            y = y * y * rng.random()
        y = y * y
    return y * rng.random()


def draws_until(x, rng):
    y = x
    while rng.random() < 0.8:
        y = np.sin(y) * 1.1 + y
    return np.sum(y)


def draws_of_the_module(x):
    noise = RNG.normal(size=4)
    return np.sum(np.sin(x * noise))


def draws_of_numpy(x):
    np.random.seed(3)
    y = x * np.random.normal(0.0, 1.0, size=4)
    y = y + np.random.rand(4) * np.random.randn(4) * np.random.uniform(1, 2, (2, 1))
    i = np.random.randint(0, 4)
    return np.sum(y) * x[i] + random.random() * random.gauss(0.0, 1.0) * x[0] * np.random.choice([1.0, 2.0])


def draws_that_are_not_used(x, rng):
    rng.normal(size=3)
    if x[0] > 0:
        rng.normal()
    for _ in range(3):
        rng.random()
    return np.sum(x * x)


DRAWING = [
    (draws_made_inside, (LINE,)),
    (draws_that_are_equal, (LINE,)),
    (draws_of_everything, (LINE, np.random.default_rng(5))),
    *((draws_in_branches, (LINE, np.random.default_rng(seed))) for seed in range(4)),
    *((draws_in_loops, (LINE, np.random.default_rng(seed), 4)) for seed in range(3)),
    (draws_in_loops, (LINE, np.random.default_rng(1), 0)),
    (draws_in_a_loop_in_a_branch, (LINE, np.random.default_rng(1), 3)),
    (draws_in_a_loop_in_a_branch, (-LINE, np.random.default_rng(1), 3)),
    *((draws_in_nested_branches, (x, np.random.default_rng(1))) for x in (LINE, OTHER, abs(LINE))),
    *((draws_until, (LINE, np.random.default_rng(seed))) for seed in range(3)),
    (draws_of_the_module, (LINE,)),
    (draws_of_numpy, (LINE,)),
    (draws_that_are_not_used, (LINE, np.random.default_rng(1))),
]


def state() -> tuple[Any, ...]:
    """Where all generators that are not arguments stand."""
    return repr(RNG.bit_generator.state), repr(np.random.get_state()), random.getstate()


def reset() -> None:
    RNG.bit_generator.state = np.random.default_rng(11).bit_generator.state
    np.random.seed(17)
    random.seed(19)


def called(function, args):
    """The result of a call on copies, and where all generators are after it."""
    reset()
    given = copy.deepcopy(args)
    result = function(*given)
    after = [repr(arg.bit_generator.state) for arg in given if isinstance(arg, np.random.Generator)]
    return result, (after, state())


@pytest.mark.parametrize(("function", "args"), DRAWING, ids=lambda item: getattr(item, "__name__", ""))
def test_draws_happen_once(function, args):
    value, after = called(function, args)
    expected = differences(lambda x: called(function, (x, *args[1:]))[0], [args[0]], 0)
    grad, value_and_grad = symgrad.grad(function), symgrad.value_and_grad(function)
    for _ in range(2):
        found, after_grad = called(grad, args)
        (own, gradient), after_both = called(value_and_grad, args)
        check_same(own, value)
        assert after_grad == after_both == after
        check_close(found, expected, 1e-6)
        check_close(gradient, expected, 1e-6)


def shifted_and_scaled(mu, sigma, rng):
    return np.sum(rng.normal(mu, sigma, size=(3, 4)) ** 2) + rng.uniform(mu[0], 5.0 * sigma) * rng.laplace(mu[1], sigma)


def scaled(mu, sigma, rng):
    y = mu
    for _ in range(3):
        y = np.sin(rng.normal(y, sigma)) + rng.exponential(sigma)
    return np.sum(y * y)


@pytest.mark.parametrize("function", [shifted_and_scaled, scaled])
def test_parameters_that_shift_and_scale(function):
    args = (LINE, 1.7, np.random.default_rng(3))
    value, after = called(function, args)
    (own, gradients), after_both = called(symgrad.value_and_grad(function, argnums=(0, 1)), args)
    check_same(own, value)
    assert after_both == after
    for place in (0, 1):
        wanted = differences(lambda *x: called(function, (*x, args[2]))[0], list(args[:2]), place)
        check_close(gradients[place], wanted, 1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.random.default_rng(0).gamma(x),
        lambda x: np.random.default_rng(0).binomial(3, x) * x,
        lambda x: np.sum(np.random.default_rng(0).choice(x * np.ones(3), size=2)),
        lambda x: np.sum(np.random.default_rng(0).permutation(x * np.ones(3))),
    ],
    ids=["gamma", "binomial", "choice", "permutation"],
)
def test_parameters_without_a_derivative_are_refused(function):
    with pytest.raises(SymgradError) as found:
        symgrad.grad(function)(0.5)
    assert found.value.span is not None
    assert "rng" in found.value.remedy


def test_shuffles_are_refused():
    def shuffled(x):
        y = x * 2.0
        np.random.default_rng(0).shuffle(y)
        return np.sum(y * x)

    with pytest.raises(NotYetSupported, match="in place"):
        symgrad.grad(shuffled)(LINE)


def test_another_generator_needs_no_new_specialisation():
    derivative = symgrad.grad(draws_that_are_not_used)
    for seed in range(4):
        derivative(LINE, np.random.default_rng(seed))
    assert len(derivative.__symgrad_derivative__.specialisations) == 1


def test_generators_have_no_gradient():
    gradient = symgrad.grad(draws_that_are_not_used, argnums=(0, 1))(LINE, np.random.default_rng(0))
    assert gradient[1] is None


# What is outside


def changes_what_is_outside(x):
    y = np.sum(x * x)
    HISTORY.append(float(y))
    HISTORY.extend([y, "text"])
    STATE["calls"] += 1
    STATE["last"] = y
    STATE["trace"].append(x)
    SEEN.add(len(x))
    RECENT.append(y)
    COUNTS.update(["call"])
    for k in range(3):
        if x[k] > 0:
            HISTORY.append(k)
    return y * y


def outside():
    return copy.deepcopy((HISTORY, STATE, SEEN, RECENT, COUNTS))


def forget_outside():
    for container in (HISTORY, STATE, SEEN, RECENT, COUNTS):
        container.clear()
    STATE.update(calls=0, trace=[])


@both
def test_outer_containers(transform):
    derivative = transform(changes_what_is_outside)
    forget_outside()
    for x in (LINE, OTHER, LINE):
        changes_what_is_outside(x)
    expected = outside()
    forget_outside()
    for x in (LINE, OTHER, LINE):
        derivative(x)
    assert repr(outside()) == repr(expected)
    assert len(derivative.__symgrad_derivative__.specialisations) == 1


def counts_calls(x):
    global CALLS
    CALLS += 1
    y = x * x
    CALLS = CALLS + 0 if False else 10
    return y


class Model:
    """A model that keeps records."""

    def __init__(self) -> None:
        self.calls = 0
        self.history: list[Any] = []
        self.last = None
        self.rng = np.random.default_rng(2)
        self.scale = 2.0

    def loss(self, x):
        self.calls += 1
        y = self.scale * np.sum(np.sin(x * self.rng.normal(size=4)))
        self.history.append(y)
        self.last = y
        return y

    def both(self, x):
        return self.loss(x) * self.loss(x)


@both
@pytest.mark.parametrize("name", ["loss", "both"])
def test_records_of_objects(name, transform):
    first, second = Model(), Model()
    derivative = transform(getattr(first, name))
    for x in (LINE, OTHER, LINE):
        derivative(x)
        getattr(second, name)(x)
    assert (first.calls, first.last) == (second.calls, second.last)
    assert first.history == second.history
    assert first.rng.random() == second.rng.random()


@both
def test_variables_of_modules_and_of_functions(transform):
    count = 0
    notes = SimpleNamespace(seen=0)

    def counting(x):
        nonlocal count
        global CALLS
        CALLS += 1
        notes.seen += 2
        return x * x

    global CALLS
    CALLS = 0
    derivative = transform(counting)
    for k in range(3):
        derivative(1.0 + k)
    assert (CALLS, notes.seen, count) == (3, 6, 0)


READ_AND_CHANGED = 3


def reads_what_it_changes(x):
    global READ_AND_CHANGED
    READ_AND_CHANGED += 1
    return x * READ_AND_CHANGED


def reads_a_list_that_it_changes(x):
    first = len(HISTORY)
    HISTORY.append(x)
    return x * first


def changes_what_it_handed_on(x):
    y = x * 2.0
    HISTORY.append(y)
    y[0] = 1.0
    return np.sum(y)


@pytest.mark.parametrize(
    ("function", "args"),
    [(reads_what_it_changes, (1.0,)), (reads_a_list_that_it_changes, (1.0,)), (changes_what_it_handed_on, (LINE,))],
)
def test_what_is_read_and_changed_is_refused(function, args):
    with pytest.raises(NotYetSupported) as found:
        symgrad.grad(function)(*args)
    assert found.value.span is not None


# Functions that are called as they are


def labels(x: "int64[n]") -> "float64[n]":
    HISTORY.append("called")
    return np.array([float(k) for k in sorted(map(int, x), key=lambda k: -k)])


def quantile(x: "int64[n]") -> float:
    return float(eval("sum(x)", {"x": x, "sum": sum}))


def uses_what_is_not_read(x, groups):
    start = time.perf_counter()
    y = np.sum(x * labels(groups)) * quantile(groups)
    HISTORY.append(time.perf_counter() - start >= 0)
    return y * y


@both
def test_functions_that_are_not_read(transform):
    groups = np.array([2, 0, 1, 1])
    forget_outside()
    value = uses_what_is_not_read(LINE, groups)
    expected = outside()
    forget_outside()
    found = transform(uses_what_is_not_read)(LINE, groups)
    assert outside() == expected
    if transform is symgrad.value_and_grad:
        check_same(found[0], value)
        found = found[1]
    check_close(found, differences(lambda x: uses_what_is_not_read(x, groups), [LINE], 0), 1e-6)


def not_annotated(x):
    return eval("x")


def test_functions_without_a_type_are_refused():
    with pytest.raises(SymgradError):
        symgrad.grad(lambda x, g: x * not_annotated(g))(1.0, 2)
    with pytest.raises(NoDerivative):
        symgrad.grad(lambda x: x * math.gamma(math.ulp(x)))(1.0)


def test_all_cases_have_arguments():
    assert all(leaves(list(args)) for _, args in (*PRINTING, *DRAWING))
