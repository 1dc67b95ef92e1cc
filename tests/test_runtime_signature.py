import enum
import functools
import inspect
import math
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.ir.signature import ArrayArg, ContainerArg, NumberArg, StaticArg, leaves, spell
from symgrad.runtime.signature import describe, parse_spec, signature_of

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Layer:
    W: object
    b: object


class Mode(enum.Enum):
    FAST = 1


class Sub(np.ndarray):
    pass


class MyFloat(float):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "float"),
        (1, "int"),
        (1j, "complex"),
        (np.float32(1), "float32"),
        (np.float64(1), "float64"),
        (np.bool_(True), "bool"),
        (np.zeros(()), "float64[]"),
        (np.zeros((3, 1)), "float64[*, 1]"),
        (np.zeros((0, 1), np.float32), "float32[*, 1]"),
        (np.zeros(2, bool), "bool[*]"),
        (np.zeros(2, "q"), "int64[*]"),
    ],
)
def test_numbers_and_arrays(value, text):
    assert spell(describe(value)) == text


@pytest.mark.parametrize(
    "value", [None, True, "a", b"a", int, math.sin, np.sin, math, slice(0, 2), ..., np.dtype("f4"), Mode.FAST, range(3),
              functools.partial(math.pow, 2.0), lambda x: x, [].append, np.random.default_rng]
)  # fmt: skip
def test_static_values(value):
    arg = describe(value)
    assert isinstance(arg, StaticArg)
    assert arg.value is value
    assert arg == describe(value)


def test_a_bool_is_static_and_an_int_is_a_number():
    assert describe(True) != describe(False)
    assert describe(3) == describe(4) == NumberArg("int")


def test_containers():
    value = {"layers": [Layer(np.zeros((2, 3)), None), (1.0, Point(np.zeros(1), 2.0))], 3: 1.0}
    arg = describe(value)
    assert isinstance(arg, ContainerArg)
    assert [(text, spell(item)) for text, item in leaves("p", arg)] == [
        ('p["layers"][0].W', "float64[*, *]"),
        ('p["layers"][0].b', "<NoneType None>"),
        ('p["layers"][1][0]', "float"),
        ('p["layers"][1][1].x', "float64[1]"),
        ('p["layers"][1][1].y', "float"),
        ("p[3]", "float"),
    ]


@pytest.mark.parametrize(
    ("value", "reason", "remedy"),
    [
        (np.zeros(2, object), "dtype object", "astype(float)"),
        (np.zeros(2, "U3"), "dtype <U3", "array of numbers"),
        (np.zeros(2, ">f8"), "byte order", "newbyteorder"),
        (np.zeros(2).view(Sub), "subclass of numpy.ndarray", "numpy.asarray"),
        (np.ma.zeros(2), "subclass of numpy.ndarray", "numpy.asarray"),
        (MyFloat(1), "MyFloat", "float(...)"),
        (OrderedDict(a=1.0), "OrderedDict", "dict(...)"),
        ({object(): 1.0}, "has the key", "strings"),
        (object(), "builtins.object", "arrays, numbers"),
    ],
)
def test_refused_with_the_place_and_a_remedy(value, reason, remedy):
    with pytest.raises(ArgumentError) as caught:
        describe([value], "params")
    assert caught.value.reason.startswith("params[0]")
    assert reason in caught.value.reason
    assert remedy in caught.value.remedy


def test_binding_of_every_kind_of_parameter():
    def f(a, /, b, c=2.0, *rest, d, e=None, **more):
        pass

    signature = signature_of(inspect.signature(f), (1.0, 1), {"d": True, "z": np.zeros(2)})
    assert [(name, spell(arg)) for name, arg in signature.items()] == [
        ("a", "float"), ("b", "int"), ("c", "float"), ("rest", "builtins.tuple{}"), ("d", "<bool True>"),
        ("e", "<NoneType None>"), ("more", 'builtins.dict{"z": float64[*]}'),
    ]  # fmt: skip


@pytest.mark.parametrize(("args", "kwargs"), [((1.0,), {}), ((1.0, 2.0, 3.0), {}), ((1.0,), {"z": 1.0})])
def test_wrong_calls_name_the_function_and_its_line(args, kwargs):
    def loss(x, y):
        pass

    with pytest.raises(ArgumentError, match=r"^loss\(\) ") as caught:
        signature_of(inspect.signature(loss), args, kwargs, function=loss)
    assert "def loss(x, y):" in str(caught.value)
    assert "^^^^^^^^" in str(caught.value)
    assert "(x, y)" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "arg"),
    [
        ("float64[n, d]", ArrayArg("float64", (False, False))),
        (" float32[ 1 , n] ", ArrayArg("float32", (True, False))),
        ("float64[]", ArrayArg("float64", ())),
        ("float64[3]", ArrayArg("float64", (False,))),
        ("float64", ArrayArg("float64", (), scalar=True)),
        ("float", NumberArg("float")),
        ("complex", NumberArg("complex")),
        ("int64[n]", ArrayArg("int64", (False,))),
    ],
)
def test_specs(text, arg):
    assert parse_spec(text) == arg


@pytest.mark.parametrize("text", ["", "floaty[n]", "float64[n", "float64[-1]", "zeros", "object[n]", "float64[n][m]"])
def test_wrong_specs(text):
    with pytest.raises(ArgumentError, match="does not describe"):
        parse_spec(text)
