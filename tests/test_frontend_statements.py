"""Statements and Python's own objects: match, with, try, del, nonlocal, containers, classes, builtins."""

from __future__ import annotations

import abc
import contextlib
import copy
import dataclasses
import enum
import functools
import itertools
import math
import operator
import types
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from reading import check, program_of, refused, underlined

import symgrad
from symgrad.errors import ArgumentError, DifferentiationError, NotYetSupported, SymgradError

X = np.array([[0.3, -1.2, 0.7], [2.0, 0.4, -0.1]])
V = np.array([0.5, -0.25, 1.5])

count = 3
rate = 0.3
outer_dict = {"a": 1.0}


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Pair(NamedTuple):
    first: Any
    second: Any = 2.0

    def product(self) -> Any:
        return self.first * self.second


@dataclasses.dataclass
class Layer:
    W: Any
    name: str = "dense"


@pytest.fixture
def v() -> np.ndarray[Any, Any]:
    return V.copy()


# match


def named(x: Any, kind: Any) -> Any:  # noqa: C901, PLR0912
    match kind:
        case "square" | "power":
            return x**2
        case Color.RED:
            return 3 * x
        case None:
            return x
        case True:
            return -x
        case int(n) if n > 5:
            return n * x
        case int() | float() as k:
            return x / k
        case ("scaled", k, *rest):
            return k * x + sum(rest)
        case {"a": a, "b": [b, _], **others}:
            return a * x + b + len(others)
        case Layer(W, name="dense"):
            return W * x
        case Pair(first, second=second):
            return first * second * x
        case [Layer(W=w) as layer, Pair(a)]:
            return w * a * x + len(layer.name)
        case str(text):
            return x + len(text)
        case _:
            return 7 * x


KINDS: list[Any] = [
    "square",
    "power",
    Color.RED,
    Color.BLUE,
    None,
    True,
    ("scaled", 2.0),
    ("scaled", 2.0, 1.0, 3.0),
    ("other", 2.0),
    {"a": 2.0, "b": [1.0, 2.0], "c": 4.0},
    {"a": 2.0, "b": [1.0]},
    Layer(2.5),
    Layer(2.5, "sparse"),
    Pair(3.0, 0.5),
    [Layer(0.5), Pair(2.0)],
    "text",
]


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_match(kind: Any) -> None:
    check(named, V, kind)


def shaped(x: Any) -> Any:
    match x.shape:
        case (n,):
            return x * n
        case (2, m):
            return x[:, 0] * m
        case (n, m):
            return x[0] * n


def test_match_of_shapes_and_arrays() -> None:
    check(shaped, V)
    check(shaped, X)
    check(shaped, np.ones((4, 3)))

    def typed(x: Any) -> Any:
        match x:
            case [_, *_]:
                return x
            case float(y):
                return y * 2
            case np.ndarray(ndim=1) as y:
                return y * 3
            case np.ndarray(shape=(n, _)):
                return x * n
        return None

    check(typed, 0.5)
    check(typed, V)
    check(typed, X)


def test_match_of_captured_integers() -> None:
    def function(x: Any) -> Any:
        match count:
            case 2:
                return x
            case 3:
                return x * x

    captures = check(function, V).captures
    assert [capture.local for capture in captures if capture.path == ("globals", "count")] == ["count", None]


def test_match_binds_nothing_before_it_fits() -> None:
    def function(x: Any) -> Any:
        a = 1.0
        match (x, 2.0 * x, 0):
            case (a, _, 1):
                a = 0.0 * a
            case (_, b, *_) if b.ndim == 2:
                a = b
            case (_, _, *c):
                a = a + len(c)
        return a * x

    check(function, V)


def chosen(s: float, n: int, pair: Any) -> Any:
    match (n, pair, s):
        case ("none", _, _):
            return s
        case (0 | 1, _, u) if u > 0:
            y = u * u
        case (0, (a, 2), _) | (1, (a, 3), _):
            y = a * s
        case (k, [a, *_], _) if k > 5 and a > 0:
            y = k * s * a
        case _:
            y = 3.0 * s
    return y * s


@pytest.mark.parametrize("n", [0, 1, 2, 7])
@pytest.mark.parametrize("s", [0.7, -0.7])
def test_match_of_run_time_numbers(s: float, n: int) -> None:
    error = refused(NotYetSupported, chosen, s, n, (2, 2))
    assert underlined(error).startswith("(0, (a, 2), _) | ")
    assert error.remedy == "use if"
    differentiated(chosen_simply, s, n, (2.0, 2.0))
    differentiated(chosen_simply, s, n, (-2.0, 2.0))


def chosen_simply(s: float, n: int, pair: Any) -> Any:
    match (n, pair, s):
        case ("none", _, _):
            return s
        case (0 | 1, _, u) if u > 0:
            y = u * u
        case (0, (a, _), _):
            y = a * s
        case (k, [a, *_], _) if k > 5 and a > 0:
            y = k * s * a
        case _:
            y = 3.0 * s
    return y * s


def differentiated(function: Any, s: float, *args: Any) -> None:
    """Compare the derivative with respect to a number with differences."""
    found = symgrad.grad(function)(s, *args)
    wanted = (function(s + 1e-6, *args) - function(s - 1e-6, *args)) / 2e-6
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


# with


def contexts(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"), np.printoptions(precision=3):
        y = np.log(x * x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = y / x
    with contextlib.nullcontext(), contextlib.nullcontext(2.0) as scale, contextlib.nullcontext(enter_result=y) as z:
        return z * scale


quiet = np.errstate(all="ignore")


def test_with() -> None:
    check(contexts, V)

    def function(x: Any) -> Any:
        with quiet:
            return np.sqrt(x)

    check(function, np.abs(V))


def suppressing(x: Any) -> Any:
    with contextlib.suppress(ValueError):
        x = x * 2
    return x


def reading_file(x: Any) -> Any:
    with open("name") as file:  # noqa: PTH123
        return x * float(file.read())


def calling(x: Any) -> Any:
    with np.errstate(all="call", call=print):
        return np.log(x)


def recording(x: Any) -> Any:
    with warnings.catch_warnings(record=True) as found:
        y = np.log(x)
    return y * len(found)


@contextlib.contextmanager
def own_context() -> Any:
    yield 1.0


def own_manager(x: Any) -> Any:
    with own_context() as scale:
        return x * scale


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (suppressing, "contextlib.suppress(ValueError)"),
        (reading_file, 'open("name")'),
        (calling, 'np.errstate(all="call", call=print)'),
        (recording, "warnings.catch_warnings(record=True)"),
        (own_manager, "own_context()"),
    ],
)
def test_contexts_that_are_refused(function: Any, text: str) -> None:
    error = refused(NotYetSupported, function, V)
    assert underlined(error) == text
    assert error.remedy


# try


def tried(x: Any, table: Any) -> Any:
    steps = []
    try:
        scale = table["scale"]
    except KeyError as error:
        steps.append(str(error))
        scale = 2.0
    else:
        steps.append("else")
    finally:
        steps.append("finally")
    try:
        y = 1 / x
    except (ZeroDivisionError, FloatingPointError) as error:
        raise ValueError("zero") from error
    finally:
        steps.append("done")
    return y * scale * len(steps)


def test_try() -> None:
    check(tried, V, {"scale": 3.0})
    check(tried, V, {"other": 3.0})

    def returning(x: Any) -> Any:
        found = []
        try:
            return found, x * 2
        finally:
            found.append(x)

    check(returning, V)


def handled(x: Any) -> Any:
    try:
        y = 1 / x
    except ZeroDivisionError:
        y = 0.0
    return y


def sometimes_raising(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        if x.ndim == 2:
            return x
        raise


def overriding(x: Any) -> Any:
    try:
        return x * 2
    finally:
        return x  # noqa: B012, SIM107


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (handled, "ZeroDivisionError"),
        (sometimes_raising, "np.linalg.LinAlgError"),
        (overriding, "return x  # noqa: B012, SIM107"),
    ],
)
def test_try_statements_that_are_refused(function: Any, text: str) -> None:
    error = refused(NotYetSupported, function, np.eye(2))
    assert underlined(error).startswith(text.split("  #", maxsplit=1)[0])
    assert error.remedy


def test_what_a_body_raises_while_compiling() -> None:
    def function(x: Any) -> Any:
        try:
            return x * {}["missing"]
        except KeyError:
            raise ValueError("no") from None

    assert "KeyError" in refused(DifferentiationError, function, V).reason


# del, nonlocal, global


def test_del() -> None:
    def function(x: Any) -> Any:
        y, z = x * 2, x * 3
        items, table, item = [y, z, y], {"a": y, "b": z}, Layer(z)
        del items[0], table["a"], items[-1:]
        del (y, [z])
        item.extra = x
        del item.extra
        return items, table, hasattr(item, "extra")

    check(function, V)


def deleted(x: Any) -> Any:
    y = x * 2
    del y
    return y  # noqa: F821


def deleted_parameter(rate: Any) -> Any:
    y = rate * 2
    del rate
    return y * rate  # noqa: F821


def deleted_twice(x: Any) -> Any:
    del x
    del x  # noqa: F821


def deleted_element(x: Any) -> Any:
    del x[0]
    return x


@pytest.mark.parametrize(
    ("function", "text"),
    [(deleted, "y"), (deleted_parameter, "rate"), (deleted_twice, "x"), (deleted_element, "x[0]")],
)
def test_deleted_variables(function: Any, text: str) -> None:
    assert underlined(refused(ArgumentError, function, V)) == text


def test_nonlocal() -> None:
    def function(x: Any) -> Any:
        total, calls = x * 0.5, 0

        def add(y: Any) -> Any:
            nonlocal total, calls

            def counted() -> None:
                nonlocal calls
                calls += 1

            counted()
            total = total + y
            return [total * k for k in range(2)]

        add(x)
        add(2 * x)
        return total, calls, add(x)

    check(function, V)


def test_variables_of_functions_that_have_returned() -> None:
    calls = 0

    def function(x: Any) -> Any:
        nonlocal calls
        calls = 1
        return x * calls

    error = refused(NotYetSupported, function, V)
    assert underlined(error) == "calls"
    assert error.remedy


# containers


def test_lists() -> None:
    def function(x: Any) -> Any:
        items = [x]
        other = items
        items.append(x * 2)
        items.extend((x + 1, k * x) for k in range(2))
        items.extend(x[:2])
        items.insert(0, "first")
        items[1] = x * x
        items[2:4] = [x - 1]
        items += [3.0, x]
        items *= 2
        last, first = items.pop(), items.pop(0)
        del items[1]
        items.reverse()
        names = ["b", "aa", "c"]
        names.sort()
        names.sort(key=len, reverse=True)
        names.remove("b")
        copied = items.copy()
        items.clear()
        return other, copied, last, first, names, names.index("c"), other is items

    check(function, V)


def test_dicts() -> None:
    def function(x: Any, **options: Any) -> Any:
        table: dict[str, Any] = {}
        table["a"] = x
        table.update({"b": x * 2}, c=x * 3)
        table.update([("d", x * 4)])
        table.setdefault("e", []).append(x)
        table.setdefault("a", None)
        table |= {"f": x + 1}
        scale = options.pop("scale", 2.0)
        removed = table.pop("b") * scale
        key, value = table.popitem()
        for name, item in table.items():
            table[name] = (item, 1)
        options.clear()
        other = dict(table, g=x)
        return table, other, removed, key, value, options, dict.fromkeys("ab", x), sum(d for d in (1.0, 2.0))

    check(function, V, scale=3.0)
    check(function, V)


def test_sets() -> None:
    def function(x: Any) -> Any:
        seen = {1, 2}
        seen.add(3)
        seen.discard(1)
        seen.update({5}, [6])
        seen -= {6}
        return x * len(seen | {9}) if 5 in seen else x

    check(function, V)


def test_objects() -> None:
    def function(x: Any) -> Any:
        layer = Layer(x)
        same = layer
        layer.W = x * 2
        layer.calls = 1
        layer.calls = layer.calls + 1
        setattr(layer, "extra", [x])  # noqa: B010
        layer.extra.append(x)
        space = types.SimpleNamespace(a=x, b=1.0)
        space.a = space.a * 3
        return same.W * layer.calls + sum(layer.extra) + space.a * space.b

    check(function, V)


def argument_item(x: Any) -> Any:
    table = {"x": x}
    return argument_changed(table["x"], outer_dict)


def argument_changed(x: Any, table: Any) -> Any:
    table.update(a=x)
    return x


def default_changed(x: Any, found: Any = []) -> Any:  # noqa: B006
    found.append(x)
    return sum(found)


def holds_itself(x: Any) -> Any:
    items = [x]
    items.append([items])
    return x


def run_time_index(x: Any) -> Any:
    items = [x, x]
    items[x.shape[0]] = x
    return x


def searched(x: Any) -> Any:
    return [x, x * 2].index(x)


def slot_changed(x: Any) -> Any:
    item = Slotted(x)
    item.x = x
    return x


class Settings:
    rate = 1.0


settings = Settings()


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (argument_item, "table.update"),
        (default_changed, "found.append"),
        (holds_itself, "items.append([items])"),
        (run_time_index, "items[x.shape[0]]"),
        (slot_changed, "item.x"),
        (searched, "[x, x * 2].index(x)"),
    ],
)
def test_changes_that_are_refused(function: Any, text: str) -> None:
    error = refused(NotYetSupported, function, V)
    assert underlined(error) == text
    assert error.remedy


# classes


class Shape:
    sides = 1.5

    def __init__(self, size: Any, *, name: str = "shape") -> None:
        self.size = size
        self.name = name
        self.calls = 0

    @property
    def area(self) -> Any:
        return self.size * self.sides

    @area.setter
    def area(self, value: Any) -> None:
        self.size = value / self.sides

    @functools.cached_property
    def doubled(self) -> Any:
        return 2 * self.size

    @classmethod
    def unit(cls, scale: Any) -> Any:
        return cls(scale, name=cls.__name__)

    @staticmethod
    def half(x: Any) -> Any:
        return x / 2

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.area * x

    def perimeter(self) -> Any:
        return self.size

    def __len__(self) -> int:
        return 4

    def __getitem__(self, key: int) -> Any:
        return self.size[key]


class Square(Shape):
    sides = 2.5

    def __init__(self, size: Any) -> None:
        super().__init__(size * 2, name="square")
        self.parts: list[Any] = []

    @property
    def area(self) -> Any:
        return super().area + rate

    @classmethod
    def unit(cls, scale: Any) -> Any:
        made = cls(scale)
        made.parts.append(super().half(scale))
        return made

    def perimeter(self) -> Any:
        self.parts.append(super().perimeter())
        return super().perimeter() * self.sides + super(Square, self).perimeter()  # noqa: UP008


class Loss(abc.ABC):
    @abc.abstractmethod
    def value(self, x: Any) -> Any: ...

    def __call__(self, x: Any) -> Any:
        return self.value(x).sum()


class Squared(Loss):
    def value(self, x: Any) -> Any:
        return x**2


@dataclasses.dataclass(frozen=True)
class Point:
    x: Any
    y: Any
    scale: dataclasses.InitVar[float] = 2.0
    norm: Any = dataclasses.field(init=False, default=None)
    tags: list[Any] = dataclasses.field(default_factory=list)
    label: str = dataclasses.field(default="p", kw_only=True)

    def __post_init__(self, scale: float) -> None:
        object.__setattr__(self, "norm", scale * (self.x * self.x + self.y * self.y))
        self.tags.append(scale)


@dataclasses.dataclass(slots=True)
class Slotted:
    x: Any
    y: float = 2.0


@dataclasses.dataclass
class Written:
    x: Any
    y: Any = 1.0

    def __init__(self, x: Any) -> None:
        self.x = self.y = x


def geometry(v: Any) -> Any:
    shape, square, unit = Shape(v), Square(v * v), Square.unit(v)
    shape.area = shape.area * 2
    found = shape(v) + square(v) + square(v) * shape.half(v) + Shape.half(v) * Shape.sides
    found = found + square.perimeter() + shape.doubled + shape.doubled + unit.parts[0]
    assert isinstance(square, Shape)
    assert type(square) is Square
    assert (square.calls, shape.calls, len(square.parts), square.name, len(shape)) == (2, 1, 1, "square", 4)
    return found, unit.size, shape[0], type(square).sides * v, Shape.unit(v).name


def test_classes() -> None:
    check(geometry, V)
    check(lambda v: Squared()(v) + Loss.__call__(Squared(), v), V)


def test_dataclasses() -> None:
    def function(x: Any) -> Any:
        point = Point(x, x * 2, 3.0, label="q")
        other = dataclasses.replace(Slotted(x * 2), y=3.0)
        written = Written(x * 3)
        return point.norm, point.tags, point.label, Point(x, 1.0).norm, other.x * other.y, written.x + written.y

    check(function, V)
    assert "frozen" in refused(DifferentiationError, frozen, V).reason


def frozen(x: Any) -> Any:
    point = Point(x, x)
    point.x = x
    return x


def test_namedtuples() -> None:
    def function(x: Any) -> Any:
        pair = Pair(x)._replace(second=x * 2)
        return pair.product(), pair._asdict(), pair._fields, pair.index is not None

    check(function, V)


class Slots:
    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x


class New:
    def __new__(cls, x: Any) -> Any:
        return x


class Counted(type):
    def __call__(cls, *args: Any) -> Any:
        return args


class Meta(metaclass=Counted):
    pass


@pytest.mark.parametrize("made", [Slots, New, Meta, Loss])
def test_classes_that_are_refused(made: Any) -> None:
    error = refused(NotYetSupported, lambda x: made(x) * x, V)
    assert error.remedy


class Vector:
    def __init__(self, x: Any, y: Any) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Vector):
            return NotImplemented
        return Vector(self.x + other.x, self.y + other.y)

    def __radd__(self, other: Any) -> Any:
        return self if other == 0 else NotImplemented

    def __mul__(self, factor: Any) -> Any:
        return Vector(self.x * factor, self.y * factor)

    def __rmul__(self, factor: Any) -> Any:
        return self * factor

    def __neg__(self) -> Any:
        return self * -1.0

    def __matmul__(self, other: Any) -> Any:
        return self.x * other.x + self.y * other.y

    def __lt__(self, other: Any) -> bool:
        return len(str(other)) > 2

    def __imul__(self, factor: Any) -> Any:
        self.x = self.x * factor
        return self


def vectors(s: float, t: float) -> Any:
    a, b = Vector(s, t), Vector(t, 2.0)
    total = sum([a, b, 2.0 * a], 0) + -b * 3.0
    total += a
    same = total
    same *= 0.5
    assert a < 1.5
    assert a != b
    return total @ b, 1.5 > a  # noqa: SIM300


def test_operators_of_objects() -> None:
    check(vectors, 0.3, -0.4)
    assert "not defined" in refused(ArgumentError, lambda x: Vector(x, x) + x, 0.3).reason
    assert "is a Vector" in refused(ArgumentError, lambda x: Vector(x, x) - x, 0.3).reason
    assert refused(NotYetSupported, lambda x: x * Vector(1.0, 2.0), V).remedy


def test_enums() -> None:
    check(lambda x: x * len(Color("red").value) + len(Color.BLUE.name), V)


# builtins


def totals(x: Any, s: float, t: float) -> Any:
    parts = [s, t, 2.0]
    table = {"a": s, "b": t}
    return [
        sum(parts),
        sum(parts, 1.0),
        sum(table.values()),
        sum((x, x * 2)),
        sum([[s], [t]], []),  # noqa: RUF017
        sum(k * s for k in range(3)),
        abs(s),
        max(s, t, 0.5),
        min(parts),
        max(table.values()),
        max([], default=s),
        max(parts, default=0.0),
        max(["a", "bbb"], key=len),
        max((2, s), (1, t), key=lambda pair: pair[0])[1],
        min(range(3), key=lambda k: -k),
        max(x.shape),
        float(s),
        int(s * 10),
        round(s),
        round(s, 1),
        divmod(s, 0.2),
        pow(s, 2),
        bool(s),
        math.prod(part for part in parts),
        len(x) * s,
    ]


def test_numbers() -> None:
    check(totals, V, 0.7, -1.2)


def selections(x: Any, s: float) -> Any:
    pairs = [(2, s), (1, x)]
    return [
        sorted(pairs, key=lambda pair: pair[0]),
        sorted(pairs, key=operator.itemgetter(0), reverse=True),
        sorted({"b": 1, "a": 2}),
        sorted([3, 1, 2], reverse=True),
        any(k > 2 for k in (1, 2)),
        all([]),
        any([s > 0, False]),
        all(item < 1 for item in (s, 2 * s, 3 * s)),
        any([s > 0, True]),
        any(x > 1),
        operator.attrgetter("W")(Layer(s)),
        operator.itemgetter(0, 2)([s, x, 1.0]),
    ]


def test_selections() -> None:
    check(selections, V, 0.4)
    check(selections, V, -0.4)


def iterators(x: Any, s: float) -> Any:
    rows = iter([x, s, 2 * s])
    head = next(rows)
    once = zip((1, 2), (s, x), strict=True)
    grown = [s]
    late = (k * factor for k in grown)  # noqa: F821
    factor = 3.0  # noqa: F841
    grown.append(2 * s)
    first, *rest = map(lambda a, b: a * b, (s, 2.0), (x, x))
    return [
        head,
        list(rows),
        list(rows),
        next(rows, None),
        list(once),
        list(once),
        list(late),
        (first, rest),
        list(filter(None, [0, 1, ""])),
        list(filter(lambda k: k % 2, range(5))),
        [k * item for k, item in enumerate([x, s], start=1)],
        list(reversed([s, x])),
        list(itertools.chain([s], (x,))),
        list(itertools.chain.from_iterable([[s], [x]])),
        list(itertools.accumulate([s, 2 * s, 3 * s])),
        list(itertools.accumulate([s, 2 * s], lambda a, b: a * b, initial=1.0)),
        list(itertools.product([s, 1.0], repeat=2)),
        list(itertools.islice(itertools.count(1), 2, 6, 2)),
        list(zip(itertools.count(), [s, x])),
        list(itertools.pairwise([s, 2 * s, x])),
        list(itertools.zip_longest([s, x], [1.0], fillvalue=s)),
        list(itertools.repeat(x, 2)),
        list(itertools.combinations([s, x, 1.0], 2)),
        list(itertools.starmap(lambda a, b: a * b, [(s, x), (x, x)])),
        list(itertools.takewhile(lambda k: k < 2, range(5))),
        list(itertools.islice(itertools.cycle([s, x]), 3)),
        functools.reduce(lambda a, b: a * b, (k * s for k in (1, 2)), x),
        [x[place] for place in np.ndindex(x.shape)],
        [k * item for (k,), item in np.ndenumerate(x)],
        [list(pair) for pair in zip([x, s], [s, x])],  # noqa: B905
    ]


def test_iterators() -> None:
    check(iterators, V, 0.4)


def test_copies() -> None:
    def function(x: Any) -> Any:
        items = [x]
        other, same = copy.copy(items), list(items)
        other.append(x * 2)
        same.append(x * 3)
        return items, other, same, copy.copy(x), items + [x], items[:1]  # noqa: RUF005

    check(function, V)


def test_strings() -> None:
    def function(x: Any, mode: str = "mean") -> Any:
        names = "{}-{:02d}".format(mode, 3) + "%s" % mode + f"{x.ndim:d}{mode!r}"  # noqa: UP031, UP032
        return x * len(names), names, ",".join(name.upper() for name in ("a", mode)), str(3.0), repr([1, "a"])

    check(function, V)


def sorted_numbers(x: Any) -> Any:
    return sorted([x[0], x[1]])


def key_of_numbers(x: Any) -> Any:
    return max([x, 2 * x], key=np.sum)


def set_of_numbers(x: Any) -> Any:
    return len({1.0}.union(set([x[0], x[0]])))  # noqa: C405


def identity(x: Any) -> Any:
    return x * id(x)


def endless(x: Any) -> Any:
    return sum(k for k in itertools.count())


def run_time_key(x: Any) -> Any:
    return {1.0: x}.get(x[0], x)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (sorted_numbers, "sorted([x[0], x[1]])"),
        (key_of_numbers, "max([x, 2 * x], key=np.sum)"),
        (set_of_numbers, "set([x[0], x[0]])"),
        (identity, "id(x)"),
        (endless, "(k for k in itertools.count())"),
        (run_time_key, "{1.0: x}.get(x[0], x)"),
    ],
)
def test_calls_that_are_refused(function: Any, text: str) -> None:
    error = refused(NotYetSupported, function, V)
    assert underlined(error) == text
    assert error.remedy


def test_iterators_are_read_once_and_in_order() -> None:
    def strict(x: Any) -> Any:
        return [a * b for a, b in zip([x], [1, 2], strict=True)]

    assert "different lengths" in refused(DifferentiationError, strict, V).reason
    assert "next takes an iterator" in refused(ArgumentError, lambda x: next([x]), V).reason


# branches and loops of run-time values


class Counter:
    def __init__(self, x: Any) -> None:
        self.x = x
        self.calls = 0

    def bump(self, by: Any) -> None:
        self.x = self.x * by
        self.calls += 1

    def __bool__(self) -> bool:
        return self.x > 0


def changed_in_branches(s: float) -> Any:
    counter, nested = Counter(s), ((Counter(s),),)
    bump, held = counter.bump, [Counter(s).bump]
    if s > 0:
        bump(3.0)
        held[0](2.0)
    else:
        counter.x = counter.x * s
        nested[0][0].bump(s)
    held[0](2.0)
    return counter.x * s + nested[0][0].x


def changed_in_loops(s: float, n: int, v: Any) -> Any:
    counter, given = Counter(s), iter([s, 2 * s, 3 * s, 4 * s, 5 * s])
    total = 0.0
    for _ in range(n):
        counter.bump(s)
    for weight in v:
        total = total + next(given) * weight
    return counter.x + total


def changed_in_frames_that_have_returned(s: float) -> Any:
    def outermost() -> Any:
        t = s

        def middle() -> Any:
            def inner() -> Any:
                nonlocal t
                t = t * 2.0
                return t

            return inner

        return middle()

    double = outermost()
    if s > 0:
        double()
    return double()


def left_early(s: float, kind: str) -> Any:
    parts = [s]
    with np.errstate(all="ignore"):
        match kind:
            case "a" if s > 0:
                parts.append(s * s)
                return sum(parts)
        y = s * 3
    if Counter(s):
        parts.append(y)
        return sum(parts)
    parts.extend([s, y * y])
    return sum(parts)


@pytest.mark.parametrize("s", [0.7, -0.7])
def test_objects_in_branches_and_loops(s: float) -> None:
    differentiated(changed_in_branches, s)
    differentiated(changed_in_loops, s, 3, V)
    differentiated(changed_in_frames_that_have_returned, s)
    differentiated(left_early, s, "a")
    differentiated(left_early, s, "b")


def raised_in_a_branch(s: float) -> Any:
    table: dict[str, Any] = {}
    positive = s > 0
    try:
        y = s * table["missing"] if positive else s
    except KeyError:
        y = 7 * s
    return y


def key_of_a_branch(s: float) -> Any:
    table = {"a": 1.0}
    if s > 0:
        table["b"] = s
    return 2 * s if "b" in table else s


def length_of_a_branch(s: float) -> Any:
    parts = [s]
    if s > 0:
        parts.append(s)
    return s * len(parts)


def truth_of_a_branch(s: float) -> Any:
    parts: list[Any] = []
    if s > 0:
        parts.append(s)
    return 2 * s if parts else s


def type_of_a_branch(s: float) -> Any:
    counter = Counter(s)
    if s > 0:
        counter.calls = None  # type: ignore[assignment]
    return s if counter.calls is None else 2 * s


def set_of_a_branch(s: float) -> Any:
    seen = {1}
    if s > 0:
        seen.add(2)
    return s * len(seen)


def iterator_of_a_branch(s: float) -> Any:
    given = iter([s, 2 * s])
    if s > 0:
        next(given)
    return next(given)


@pytest.mark.parametrize(
    "function",
    [
        raised_in_a_branch,
        set_of_a_branch,
        iterator_of_a_branch,
    ],
)
def test_what_no_value_expresses_is_refused(function: Any) -> None:
    assert refused(SymgradError, function, 0.7).span is not None


@pytest.mark.parametrize("function", [key_of_a_branch, length_of_a_branch, truth_of_a_branch, type_of_a_branch])
def test_what_follows_is_read_for_each_body(function: Any) -> None:
    for s in (0.7, -0.7):
        differentiated(function, s)


def whole(x: Any, kind: str) -> Any:
    model = Square(x)
    history = []
    with np.errstate(all="ignore"):
        for name in ("a", "b"):
            match kind, name:
                case "sum", "a":
                    history.append(model(x).sum())
                case _, "a" | "b":
                    history += [float(max(x[0], 0.2)) ** 2]
    try:
        total = sum(history)
    finally:
        del history
    return total


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_gradients(kind: str) -> None:
    found = symgrad.grad(whole)(V, kind)
    steps = 1e-6 * np.eye(3)
    wanted = [(whole(V + step, kind) - whole(V - step, kind)) / 2e-6 for step in steps]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_integers_and_rounding_are_flat() -> None:
    assert symgrad.grad(lambda s: int(s * 10) * s)(0.75) == 7.0
    assert symgrad.grad(lambda s: round(s, 1) * s)(0.75) == 0.8
    assert symgrad.grad(lambda s: s * divmod(s, 0.5)[0])(0.75) == 1.0


def test_refusals_are_errors_of_symgrad() -> None:
    assert isinstance(refused(SymgradError, holds_itself, V), SymgradError)
    assert program_of(geometry, V).captures
