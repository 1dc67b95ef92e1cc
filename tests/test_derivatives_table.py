"""Every row that has a derivative, in a program of its own: source text, imported, differentiated, compared."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import test_rules_arrays as arrays
import test_rules_elementwise as scalars
import test_rules_indexing as indexing
import test_rules_linalg as linalg
import test_rules_operations as operations
from differences import check_direction, check_gradient, check_like, module_of

import symgrad
from symgrad.errors import NoDerivative
from symgrad.rules import ufuncs
from symgrad.rules.methods import METHODS, PROPERTIES
from symgrad.rules.row import Refused
from symgrad.rules.table import TABLE

RANDOM = np.random.default_rng(2)
OPERATORS = {
    "abs": "abs({})",
    "add": "{} + {}",
    "and_": "{} & {}",
    "eq": "{} == {}",
    "floordiv": "{} // {}",
    "ge": "{} >= {}",
    "getitem": "{}[{}]",
    "gt": "{} > {}",
    "invert": "~{}",
    "le": "{} <= {}",
    "lshift": "{} << {}",
    "lt": "{} < {}",
    "matmul": "{} @ {}",
    "mod": "{} % {}",
    "mul": "{} * {}",
    "ne": "{} != {}",
    "neg": "-{}",
    "not_": "(not {})",
    "or_": "{} | {}",
    "pos": "+{}",
    "pow": "{} ** {}",
    "rshift": "{} >> {}",
    "sub": "{} - {}",
    "truediv": "{} / {}",
    "xor": "{} ^ {}",
}


@dataclass(frozen=True)
class Case:
    """A call of ``function``: how it is written, and with which arguments."""

    label: str
    function: Any
    template: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


class Program:
    """The source of a scalar loss of one call; float arrays and floats are parameters, and so are weights."""

    def __init__(self, case: Case) -> None:
        self.case, self.values = case, {}
        parts = [self.text(argument) for argument in case.arguments]
        named = [f"{name}={self.text(value)}" for name, value in case.keywords.items()]
        count = case.template.count("{}")
        call = case.template.format(*parts[:count]) if "{}" in case.template else case.template
        if "(...)" in call:
            call = call.replace("(...)", f"({', '.join([*parts[count:], *named])})")
        self.active = [name for name, value in self.values.items() if is_float(value)]
        self.lines = [f"r = {call}", *self._loss(call)]

    def parameter(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self.values)}"
        self.values[name] = value
        return name

    def text(self, value: Any) -> str:
        if isinstance(value, np.ndarray | np.generic):
            return self.parameter("x", value.copy())
        if isinstance(value, float) and math.isfinite(value) and self.case.label.startswith("number"):
            return self.parameter("x", value)
        if isinstance(value, list):
            return f"[{', '.join(map(self.text, value))}]"
        if isinstance(value, tuple):
            return f"({', '.join(map(self.text, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, slice):
            return f"slice({self.text(value.start)}, {self.text(value.stop)}, {self.text(value.step)})"
        if isinstance(value, float) and math.isinf(value):
            return "np.inf" if value > 0 else "-np.inf"
        if isinstance(value, type):
            return f"np.{value.__name__}" if issubclass(value, np.generic) else value.__name__
        return "Ellipsis" if value is Ellipsis else repr(value)

    def _loss(self, call: str) -> list[str]:
        with np.errstate(all="ignore"):
            result = eval(call, {"np": np, "math": math, "operator": operator, **self.values})
        terms = [self._term(text, value) for text, value in leaves("r", result)]
        if any(np.asarray(value).dtype.kind != "f" for _, value in leaves("r", result)) or not self.active:
            self.active = self.active or [self.parameter("x", 0.75)]
            terms += [f"np.sum({name} * {name})" for name in self.active]
        return [f"return {' + '.join(terms)}"]

    def _term(self, text: str, value: Any) -> str:
        shape = np.shape(value)
        weights = self.parameter("w", RANDOM.normal(size=shape) if shape else float(RANDOM.normal()))
        if np.asarray(value).dtype.kind != "f":
            return f"np.sum({weights} * {text})" if shape else f"{weights} * {text}"
        sine = "math.sin" if type(value) is float else "np.sin"
        return f"np.sum({sine}({text}) * {weights})" if shape else f"{sine}({text}) * {weights}"

    def source(self, name: str) -> str:
        body = "".join(f"    {line}\n" for line in self.lines)
        return f"def {name}({', '.join(self.values)}):\n{body}"


def leaves(text: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, tuple | list):
        for place, item in enumerate(value):
            yield from leaves(f"{text}[{place}]", item)
    else:
        yield text, value


def is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f")


def elementwise_cases() -> Iterator[Case]:
    for label, (_, name) in scalars.ROWS.items():
        if name in scalars.UNKNOWN:
            continue
        function = getattr(sys.modules[label.partition(".")[0]], name)
        points = scalars.points(name)
        template = f"np.{name}(...)" if label.startswith("numpy") else f"math.{name}(...)"
        if label.startswith("operator"):
            template = OPERATORS[name]
            yield Case(f"number {label} by name", function, f"operator.{name}(...)", points[0], {})
            function = abs if name == "abs" else function
        if not label.startswith("math"):
            columns = [np.array(column) for column in zip(*points, strict=True)]
            square = [column[: len(column) // 2 * 2].reshape(2, -1) for column in columns]
            yield Case(f"vector {label}", function, template, tuple(columns), {})
            yield Case(f"matrix {label}", function, template, tuple(square), {})
            if len(columns) == 2:
                yield Case(f"column {label}", function, template, (columns[0][:, None], columns[1]), {})
            yield Case(f"zero-dimensional {label}", function, template, tuple(np.array(p) for p in points[0]), {})
            yield Case(f"scalar {label}", function, template, tuple(np.array(p)[()] for p in points[1]), {})
        yield Case(f"number {label}", function, template, points[0], {})
        yield Case(f"number {label} at another point", function, template, points[-1], {})


def composed_cases() -> Iterator[Case]:
    for number, (function, arguments, keywords) in enumerate(scalars.COMPOSED):
        module = math if getattr(math, function.__name__, None) is function else None
        module = module or (builtins if getattr(builtins, function.__name__, None) is function else np)
        prefix = {math: "math.", builtins: "", np: "np."}[module]
        given = [value.item() if isinstance(value, np.ndarray) and not value.ndim else value for value in arguments]
        if function is np.nan_to_num:
            continue
        if function in (np.round, np.around):
            given[0] = np.array([0.131, 2.52])
        kind = "number" if module is math else "composed"
        yield Case(
            f"{kind} {function.__name__} {number}",
            function,
            f"{prefix}{function.__name__}(...)",
            tuple(given),
            keywords,
        )
    for x in (np.array([0.3, 1.02, 0.8]), 1.03, np.float64(1.03)):
        for exponent in scalars.POWERS:
            yield Case(f"power {exponent}", operator.pow, f"{{}} ** {exponent}", (x,), {})
            yield Case(f"np.power {exponent}", np.power, f"np.power({{}}, {exponent})", (x,), {})
    yield Case("float_power", np.float_power, "np.float_power(...)", (np.array([0.3, 1.2]), 2.5), {})
    yield Case(
        "float_power of arrays",
        np.float_power,
        "np.float_power(...)",
        (np.array([0.3, 1.2]), np.array([2.0, -1.0])),
        {},
    )
    yield Case("number pow", builtins.pow, "pow(...)", (1.3, 2.7), {})
    yield Case("number math.sqrt", math.sqrt, "math.sqrt(...)", (1.3,), {})
    for name in ("logical_and", "logical_or", "logical_xor"):
        yield Case(name, getattr(np, name), f"np.{name}(...)", (scalars.FLAGS, scalars.OTHER), {})
        yield Case(
            f"{name} of numbers", getattr(np, name), f"np.{name}(...)", (np.array([0.0, 1.0]), np.array([2.0, 1.0])), {}
        )
    yield Case("logical_not of numbers", np.logical_not, "np.logical_not(...)", (np.array([0.0, 1.0]),), {})
    yield Case("number not", operator.not_, "(not {})", (True,), {})
    yield Case("number truth", operator.truth, "bool({})", (True,), {})
    yield Case("nan_to_num", np.nan_to_num, "np.nan_to_num(...)", (np.array([1.5, -2.0]),), {})
    if hasattr(math, "sumprod"):
        yield Case("number sumprod", math.sumprod, "math.sumprod(...)", ([1.5, 2.0], [0.5, -1.0]), {})


def array_cases() -> Iterator[Case]:
    for number, (name, arguments, keywords) in enumerate(arrays.CASES):
        yield Case(f"np.{name} {number}", getattr(np, name), f"np.{name}(...)", arguments, keywords)


def ufunc_cases() -> Iterator[Case]:
    """Methods of ufuncs; their outer products are of the points of the ufuncs themselves."""
    for function, row in ufuncs.TABLE.items():
        ufunc, name = function.__self__, function.__name__
        label, template = f"{ufunc.__name__}.{name}", f"np.{ufunc.__name__}.{name}(...)"
        assert not isinstance(row, Refused)
        if name == "outer":
            first, second = _operands(ufunc.__name__)
            yield Case(label, function, template, (first[:2], second[:3]), {})
            yield Case(f"{label} of a matrix", function, template, (first[:2], second[:2].reshape(2, 1)), {})
            yield Case(f"{label} of a number", function, template, (first[0], second[:3]), {})
            continue
        x = np.array([[0.5, -1.25, 2.0], [1.5, 0.25, -0.75]])
        x = x > 0 if ufunc.__name__.startswith("logical") else x
        for axes in ({}, {"axis": 1}, *([{"axis": 0, "keepdims": True}, {"axis": None}] if name == "reduce" else [])):
            yield Case(f"{label} {axes}", function, template, (x,), axes)


def _operands(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays that a function of two numbers takes."""
    if name.startswith("logical"):
        return scalars.FLAGS, scalars.OTHER
    if f"numpy.{name}" not in scalars.ROWS:
        return np.array([0.5, 1.25, 2.0]), np.array([1.5, -0.25, 0.75])
    first, second = zip(*scalars.points(name), strict=True)
    return np.array(first * 2), np.array(second * 2)


def place_cases() -> Iterator[Case]:
    """Functions whose results have no fixed lengths or elements."""
    sparse = np.array([[0.0, 1.5, 0.0], [-0.5, 0.0, 2.0]])
    yield Case("nonzero", np.nonzero, "np.sum(np.nonzero(...)[1])", (sparse,), {})
    yield Case("flatnonzero", np.flatnonzero, "np.sum(np.flatnonzero(...))", (sparse > 0.0,), {})
    yield Case("method nonzero", np.ndarray.nonzero, "np.sum({}.nonzero()[0])", (sparse,), {})
    method = np.ndarray.searchsorted
    yield Case("method searchsorted", method, "{}.searchsorted(...)", (np.array([-1.0, 0.0, 1.0]), sparse + 0.1), {})
    yield Case("empty", np.empty, "np.empty((2, 3)).shape", (), {})
    yield Case("empty_like", np.empty_like, "np.empty_like({}).shape", (sparse,), {})


def linalg_cases() -> Iterator[Case]:
    for number, (x, keywords) in enumerate(linalg.NORMS):
        yield Case(f"norm {number}", np.linalg.norm, "np.linalg.norm(...)", (x,), keywords)
    for number, (name, given) in enumerate(linalg.ALGEBRA_CASES):
        function = getattr(np.linalg, name)
        yield Case(f"linalg {name} {number}", function, f"np.linalg.{name}(...)", given, {})

    a = RANDOM.normal(size=(2, 1, 3, 3)) + 3 * np.eye(3)
    for number, (left, right) in enumerate(
        [(a[0, 0], (2, 3, 2)), (a[0], (2, 3, 2)), (a, (1, 4, 3, 2)), (a[:, 0], (1, 3, 1))]
    ):
        arguments = (left, RANDOM.normal(size=right))
        yield Case(f"broadcast solve {number}", np.linalg.solve, "np.linalg.solve(...)", arguments, {})


def method_cases() -> Iterator[Case]:
    given = [*operations.METHOD_CASES, ("ptp", (), {"axis": 1})]
    for number, (name, arguments, keywords) in enumerate(given):
        function = getattr(np.ndarray, name, None)
        if function is not None:
            template = f"{{}}.{name}(...)"
            yield Case(f"method {name} {number}", function, template, (operations.x, *arguments), keywords)
    for name in ("T", "mT", "real", "imag", "shape", "ndim", "size"):
        if hasattr(np.ndarray, name):
            yield Case(f"property {name}", getattr(np.ndarray, name), f"{{}}.{name}", (operations.x,), {})
    yield Case("property dtype", np.ndarray.dtype, "{}.astype(x0.dtype)", (operations.x,), {})
    yield Case("method item", np.ndarray.item, "{}.item()", (np.array(1.25),), {})
    yield Case("method item of one element", np.ndarray.item, "{}.item()", (np.array([[1.25]]),), {})


def indexing_cases() -> Iterator[Case]:
    for shape, (number, key) in itertools.product([(5, 4), (5, 3, 4)], enumerate(indexing.KEYS)):
        yield Case(f"index {number} of {shape}", operator.getitem, "{}[{}]", (indexing.a(*shape), key), {})
    rows = np.array([0, 2, 2])
    yield Case("rows twice", operator.getitem, "{}[{}]", (indexing.a(3, 4), (rows, rows)), {})
    yield Case("matmul", operator.matmul, "{} @ {}", (indexing.a(3, 4), indexing.a(4, 2)), {})


def conversion_cases() -> Iterator[Case]:
    names = "float64 float32 float16 bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64"
    for name in names.split():
        yield Case(f"np.{name}", getattr(np, name), f"np.{name}(...)", (np.array([1.5, 2.25]),), {})
    yield Case("broadcast by conversion", np.float64, "np.float64(...)", (np.float64(1.5),), {})


SOURCES = (
    elementwise_cases,
    composed_cases,
    array_cases,
    ufunc_cases,
    place_cases,
    linalg_cases,
    method_cases,
    indexing_cases,
    conversion_cases,
)
CASES = [case for cases in SOURCES for case in cases()]
PROGRAMS = [Program(case) for case in CASES]


@pytest.fixture(scope="module")
def functions(tmp_path_factory) -> list[Callable[..., Any]]:
    """One function for each program, from a module on disk."""
    path = tmp_path_factory.mktemp("programs") / "programs_of_the_table.py"
    module = module_of(path, [program.source(f"loss_{number}") for number, program in enumerate(PROGRAMS)])
    return [getattr(module, f"loss_{number}") for number in range(len(PROGRAMS))]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{k} {case.label}" for k, case in enumerate(CASES)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_gradient(number: int, functions: list[Callable[..., Any]]) -> None:
    program, function = PROGRAMS[number], functions[number]
    args, wrt = list(program.values.values()), [list(program.values).index(name) for name in program.active]
    value, gradients = symgrad.value_and_grad(function, argnums=wrt)(*args)
    expected = function(*args)
    assert type(value) is type(expected)
    assert np.array_equal(value, expected, equal_nan=True)
    single = any(word in program.lines[0] for word in ("float32", "float16"))
    if single:
        for gradient, position in zip(gradients, wrt, strict=True):
            check_like(gradient, args[position])
        return
    check_gradient(function, gradients, args, wrt)
    check_direction(function, gradients, args, wrt)
    if number % 5 == 0:
        again = symgrad.grad(function, argnums=wrt[0])(*args)
        check_like(again, args[wrt[0]])
        np.testing.assert_allclose(again, gradients[0], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", sorted(scalars.UNKNOWN))
def test_unknown_derivatives_are_refused(name: str) -> None:
    def gamma(x):
        return math.gamma(x)

    def lgamma(x):
        return math.lgamma(x)

    with pytest.raises(NoDerivative, match="digamma"):
        symgrad.grad({"gamma": gamma, "lgamma": lgamma}[name])(1.5)


def test_every_row_has_a_case() -> None:
    tested = [case.function for case in CASES] + [getattr(math, name) for name in scalars.UNKNOWN]
    names = {getattr(np, name): name for name in dir(np) if callable(getattr(np, name, None))}
    retired = [getattr(np, name) for name in ("row_stack", "trapz") if hasattr(np, name)]
    tested += retired
    missing = [function for function, row in TABLE.items() if not isinstance(row, Refused) and function not in tested]
    assert [names.get(function, function) for function in missing] == []


def test_every_method_has_a_case() -> None:
    tested = {case.label.split()[1] for case in CASES if case.label.startswith(("method", "property"))}
    available = {name for name, row in METHODS.items() if hasattr(np.ndarray, name) and not isinstance(row, Refused)}
    assert available - tested == set()
    assert {name for name, row in PROPERTIES.items() if not isinstance(row, Refused)} & available <= tested
