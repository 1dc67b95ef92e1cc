import enum
import math
import threading
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest
from fake_pipeline import FakePipeline

import symgrad
from symgrad.errors import ArgumentError, InternalError
from symgrad.ir.signature import Capture, StaticArg
from symgrad.runtime.signature import describe

Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "x y")
A = np.zeros((3, 4))
POINT = Point(1.0, 2.0)


@dataclass
class Layer:
    W: object
    b: object = field(default=0.0)


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


@pytest.fixture
def fake(monkeypatch, tmp_path):
    monkeypatch.setenv("SYMGRAD_CACHE", "off")
    symgrad.clear_cache()
    return FakePipeline(body="return x").install(monkeypatch)


def one(x):
    return x


def same_dtype_other_object():
    dtype = np.dtype("f8", metadata={"a": 1})
    assert dtype is not np.dtype("f8")
    return np.zeros((2, 2), dtype)


@pytest.mark.parametrize(
    ("first", "same", "different"),
    [
        (A, np.ones((7, 2)), [A[0], A[:, :1], A[:1], A.astype("f4"), [1.0], None, "s", 1.0, A.astype(int)]),
        (A[:1], np.ones((1, 9)), [A, A[:1, :1], A[0]]),
        (A, same_dtype_other_object(), [A[0]]),
        (np.zeros(2, "l"), np.zeros(3, "q"), [np.zeros(2, "i4"), np.zeros(2)]),
        (np.zeros(()), np.ones(()), [1.0, np.float64(1), np.zeros(1)]),
        (1.0, math.nan, [1, True, np.float64(1), np.zeros(()), 1j]),
        (1, 10**40, [True, 1.0, np.int64(1)]),
        (np.float32(1), np.float32(2), [np.float64(1), 1.0, np.zeros((), "f4")]),
        (None, None, [0.0, False, "None"]),
        (True, True, [False, 1, 1.0, np.True_]),
        ("a", "ab"[:1], ["b", b"a", None]),
        (math.sin, math.sin, [math.cos, np.sin, None]),
        (np.sin, np.sin, [np.cos]),
        (float, float, [int]),
        (math, math, [np]),
        (slice(0, 2), slice(0, 2), [slice(0, 3), slice(0.0, 2), None]),
        (range(2), range(2), [range(3)]),
        (..., ..., [None]),
        (np.dtype("f4"), np.dtype("float32"), [np.dtype("f8"), np.float32, A]),
        (POINT._asdict, POINT._asdict, [Point(1.0, 2.0)._replace, A, None]),
        (Mode.FAST, Mode.FAST, [Mode.SLOW, 1]),
        ((1.0, A), (2.0, A + 1), [[1.0, A], (1.0,), (1.0, A, A), (A, 1.0), (1.0, A[0]), Point(1.0, A), ()]),
        ([A, None], [A, None], [[A, 1.0], (A, None), [A], [None, None], []]),
        ((), (), [[], (1.0,), {}]),
        ({"a": 1.0, "b": A}, {"a": 2.0, "b": A}, [{"b": A, "a": 2.0}, {"a": 1.0}, {"a": 1.0, "c": A}]),
        ({1: 1.0}, {1: 2.0}, [{True: 1.0}, {1.0: 1.0}, {"1": 1.0}]),
        (Point(1.0, 2.0), Point(3.0, 4.0), [Other(1.0, 2.0), (1.0, 2.0), Point(1.0, 2)]),
        (Layer(A), Layer(A, 1.0), [Layer(A, 1), Layer(None), A]),
        ({"l": [Layer((1.0, A))]}, {"l": [Layer((2.0, A))]}, [{"l": [Layer((2.0, 1.0))]}, {"l": [Layer((1.0,))]}]),
    ],
)  # fmt: skip
def test_same_type_runs_and_any_other_compiles(fake, first, same, different):
    d = symgrad.grad(one)
    assert d(first) is first
    assert d(same) is same
    assert len(fake.compiled) == 1
    for count, value in enumerate(different, 2):
        assert d(value) is value
        assert len(fake.compiled) == count
    for value in [first, same, *different]:
        assert d(value) is value
    assert len(fake.compiled) == 1 + len(different)


def test_a_dataclass_without_its_attribute_is_turned_away(fake):
    d, broken = symgrad.grad(one), Layer(A)
    d(Layer(A))
    del broken.W
    with pytest.raises(AttributeError, match="'W'"):
        d(broken)


def test_unsupported_values_after_the_first_specialisation(fake):
    d = symgrad.grad(one)
    d(A)
    with pytest.raises(ArgumentError, match="byte order"):
        d(A.astype(">f8"))
    with pytest.raises(ArgumentError, match="subclass"):
        d(np.ma.zeros(2))


def test_every_kind_of_parameter_is_passed_through(fake):
    def f(a, /, b, c=2.0, *rest, d, e=None, **more):
        pass

    fake.body = "return a, b, c, rest, d, e, more"
    d = symgrad.grad(f, argnums="d")
    calls = [
        (((1.0, 2.0), {"d": 3.0}), (1.0, 2.0, 2.0, (), 3.0, None, {})),
        (((1, 2), {"d": 3}), (1, 2, 2.0, (), 3, None, {})),
        (((1.0,), {"b": 1.0, "d": 1.0, "e": "x", "derivative": 5.0, "position": 1.0}),
         (1.0, 1.0, 2.0, (), 1.0, "x", {"derivative": 5.0, "position": 1.0})),
        (((1.0, 1.0, 1.0, 8.0, 9), {"d": A}), (1.0, 1.0, 1.0, (8.0, 9), A, None, {})),
    ]  # fmt: skip
    for _ in range(2):
        for (args, kwargs), wanted in calls:
            assert d(*args, **kwargs) == wanted
    assert len(fake.compiled) == len(calls)


def test_wrong_calls_before_and_after_compiling(fake):
    def f(x, y, *, k):
        pass

    fake.body = "return x, y, k"
    d = symgrad.grad(f)
    for _ in range(2):
        for args, kwargs in [((), {}), ((1.0,), {"k": 1.0}), ((1.0, 1.0), {}), ((), {"y": 1.0, "k": 1.0})]:
            with pytest.raises(ArgumentError, match=r"f\(\) missing"):
                d(*args, **kwargs)
        for args, kwargs in [((1.0, 1.0, 1.0), {"k": 1.0}), ((1.0, 1.0), {"k": 1.0, "z": 1.0})]:
            with pytest.raises(TypeError, match=r"f\(\)|f_grad\(\)"):
                d(*args, **kwargs)
        assert d(1.0, k=2.0, y=3.0) == (1.0, 3.0, 2.0)


def test_names_never_collide(fake):
    names = "derivative position ndarray type float64 float len tuple dict repr unchanged x_0 x_1 AttributeError shape"

    def f(x, derivative, position, ndarray, type, float64, float, len, tuple, dict, repr, unchanged, x_0, x_1):  # noqa: A002
        pass

    fake.body = f"AttributeError = shape = 1\nx_2 = [{', '.join(names.split())}]\nreturn x"
    fake.conditions = ("x.shape[0] == x_0.shape[0]",)
    d = symgrad.grad(f)
    args = (A, *[1.0] * 8, {"a": (1.0,)}, 2.0, 3.0, A, A)
    assert d(*args) is A
    assert d(*args) is A
    assert len(fake.compiled) == 1
    assert d(A[:2], *args[1:-2], A[:2], A) is not A
    assert len(fake.compiled) == 1


def test_conditions_decide_between_specialisations_of_one_signature(fake):
    def f(x, y):
        pass

    d = symgrad.grad(f)
    square, wide = (np.ones((3, 3)), np.ones((3, 3))), (np.ones((3, 5)), np.ones((5, 3)))
    fake.body, fake.conditions = "return 'equal'", ("x.shape == y.shape", "x.shape[0] == y.shape[0]")
    assert d(*square) == "equal"
    fake.body, fake.conditions = "return 'other'", ("x.shape[1] == y.shape[0]",)
    assert d(*wide) == "other"
    assert [d(*args) for args in (square, wide, square)] == ["equal", "other", "equal"]
    assert len(fake.compiled) == 2


def test_a_specialisation_that_refuses_its_own_call_is_an_internal_error(fake):
    fake.conditions = ("x.shape[0] == 99",)
    with pytest.raises(InternalError, match="does not accept the call"):
        symgrad.grad(one)(A)


def test_many_specialisations(fake):
    d = symgrad.grad(one)
    values = [np.zeros((2,) * rank, dtype) for rank in range(10) for dtype in ("f4", "f8", "i4", "i8")]
    for _ in range(2):
        assert all(d(value) is value for value in values)
    assert len(fake.compiled) == len(values)


def test_sizes_of_the_compiling_call(fake):
    d = symgrad.grad(one)
    d({"W": A, "l": [Layer(A[0])], "s": 1.0})
    assert fake.compiled[0][1] == {'x["W"]': (3, 4), 'x["l"][0].W': (4,)}


scale, flag = 2.0, "sum"


def helper(x):
    return x


def reads_globals(x):
    return helper(x) * scale if flag else math.sin(abs(x))


def test_captured_globals_are_read_at_each_call_and_compiled_in_ones_guarded(fake, monkeypatch):
    def capture(name, local=None):
        value = globals()[name]
        return Capture(("globals", name), describe(value) if local else StaticArg(value, name), local)

    fake.captures = (capture("scale", "scale"), capture("helper"), capture("flag"), capture("math"),
                     Capture(("globals", "abs"), StaticArg(abs, "abs"), None))  # fmt: skip
    fake.body = "return x, scale"
    d = symgrad.grad(reads_globals)
    assert d(1.0) == (1.0, 2.0)
    monkeypatch.setitem(globals(), "scale", 3.0)
    assert d(1.0) == (1.0, 3.0)
    assert len(fake.compiled) == 1
    changes = [
        ("scale", A),
        ("scale", 3.0),
        ("flag", "mean"),
        ("helper", lambda x: x),
        ("math", np),
        ("abs", math.fabs),
    ]
    for count, (name, value) in enumerate(changes):
        monkeypatch.setitem(globals(), name, value)
        fake.captures = tuple(
            capture(item.path[1], item.local) if item.path[1] in globals() else item for item in fake.captures
        )
        assert d(1.0)[1] is globals()["scale"]
        assert len(fake.compiled) == [2, 2, 3, 4, 5, 6][count]


def test_captured_cells_containers_and_attributes(fake):
    k, config = {"a": [A]}, Layer(2.0)

    def f(x):
        return k, config

    fake.captures = (
        Capture(("closure", "k"), describe(k), "k"),
        Capture(("closure", "config", "attribute", "W"), describe(2.0), "w"),
        Capture(("closure", "config"), StaticArg(config, "config"), None),
    )
    fake.body = "return k, w"
    fake.conditions = ('k["a"][0].shape[0] == 3',)
    d = symgrad.grad(f)
    assert d(1.0) == (k, 2.0)
    config.W, k = 5.0, {"a": [A + 1]}
    assert d(1.0) == (k, 5.0)
    assert len(fake.compiled) == 1
    del config.W
    with pytest.raises(AttributeError):
        d(1.0)


numbers = {"sizes": (2, 3.0)}


def test_captured_items_and_defaults(fake, monkeypatch):
    def callee(x, y=4.0):
        return x

    def f(x):
        return callee(x)

    fake.captures = (
        Capture(("globals", "numbers", "item", "'sizes'", "item", "1"), describe(3.0), "size"),
        Capture(("globals", "numbers", "item", "'sizes'", "item", "0"), StaticArg(2, "2"), None),
        Capture(("closure", "callee", "attribute", "__defaults__", "item", "0"), describe(4.0), "y"),
    )
    fake.body = "return size, y"
    d = symgrad.grad(f)
    assert d(1.0) == (3.0, 4.0)
    monkeypatch.setitem(numbers, "sizes", (2, 5.0))
    callee.__defaults__ = (6.0,)
    assert d(1.0) == (5.0, 6.0)
    assert len(fake.compiled) == 1
    callee.__defaults__ = None
    with pytest.raises(TypeError):
        d(1.0)


def test_a_captured_attribute_of_self(fake):
    class Model:
        scale = 2.0

        def loss(self, x):
            return x * self.scale

    model = Model()
    fake.captures = (Capture(("attribute", "__self__", "attribute", "scale"), describe(2.0), "scale"),)
    fake.body = "return x * scale"
    d = symgrad.grad(model.loss)
    assert d(3.0) == 6.0
    model.scale = 3.0
    assert d(3.0) == 9.0
    assert len(fake.compiled) == 1


def test_a_captured_cell_of_a_callee_and_of_an_argument(fake):
    def outer(k):
        return lambda x: x * k

    inner = outer(3.0)

    def f(x, activation):
        return inner(x)

    fake.captures = (
        Capture(("closure", "inner"), StaticArg(inner, "inner"), None),
        Capture(("closure", "inner", "closure", "k"), describe(3.0), "k"),
        Capture(("arguments", "activation", "closure", "k"), describe(3.0), "k_2"),
    )
    fake.body = "return k, k_2"
    d = symgrad.grad(f)
    first, second = outer(4.0), outer(5.0)
    assert d(1.0, first) == (3.0, 4.0)
    assert d(1.0, second) == (3.0, 5.0)
    assert [d(1.0, first), d(1.0, second)] == [(3.0, 4.0), (3.0, 5.0)]
    assert len(fake.compiled) == 1


def test_threads_compile_once(fake):
    d = symgrad.grad(one)
    barrier, results = threading.Barrier(8), []

    def work():
        barrier.wait()
        results.extend(d(value) is value for value in (A, 1.0, A[0]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 24
    assert len(fake.compiled) == 3
