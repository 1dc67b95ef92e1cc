"""From the values of a call to the signature that a specialisation is made for."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.ir.signature import (
    Arg,
    ArrayArg,
    ContainerArg,
    NumberArg,
    OpaqueArg,
    Signature,
    StaticArg,
    is_handed_on,
    literal,
    members,
)
from symgrad.runtime.identity import definition_span, value_text

_NUMBERS = {float: "float", int: "int", complex: "complex"}
_STATIC_DATA = (type(None), bool, str, bytes, type(...), type(NotImplemented), slice, range)
_STATIC_KINDS = (
    type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, np.dtype, np.ufunc, Enum, functools.partial,
)  # fmt: skip
_KEYS = (str, int, float, bool, bytes, type(None))
_SPEC = re.compile(r"\s*(\w+)\s*(?:\[([^\[\]]*)\])?\s*")

Describe = Callable[[object, str], Arg]


def signature_of(
    parameters: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    *,
    function: Callable[..., Any] | None = None,
    specs: bool = False,
) -> Signature:
    """The signature of a call; ``specs`` lets strings such as ``"float64[n, d]"`` stand for values.

    Raises ArgumentError (a TypeError) if the call does not fit the parameters or holds an unsupported value.
    """
    values = bind(parameters, args, kwargs, function)
    read: Describe = _describe_spec if specs else describe
    return Signature(tuple(values), tuple(read(value, name) for name, value in values.items()))


def bind(
    parameters: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    function: Callable[..., Any] | None = None,
) -> dict[str, object]:
    """The value of every parameter, defaults filled in."""
    try:
        bound = parameters.bind(*args, **kwargs)
    except TypeError as error:
        raise wrong_call(parameters, str(error), function) from None
    bound.apply_defaults()
    return bound.arguments


def wrong_call(parameters: inspect.Signature, reason: str, function: Callable[..., Any] | None) -> ArgumentError:
    """The error for a call that does not fit the parameters."""
    name = getattr(function, "__name__", "function")
    span = definition_span(function) if function is not None else None
    return ArgumentError(f"{name}() {reason}", remedy=f"its parameters are {_plain(parameters)}", span=span)


def _plain(parameters: inspect.Signature) -> str:
    bare = [item.replace(annotation=inspect.Parameter.empty) for item in parameters.parameters.values()]
    return str(inspect.Signature(bare))


def describe(value: object, where: str = "the argument") -> Arg:
    """What is known of a value while compiling; ``where`` is its access text, for the error.

    >>> describe(np.ones((3, 1))), describe(2.0)
    (ArrayArg(dtype='float64', ones=(False, True), scalar=False), NumberArg(kind='float'))
    """
    cls = type(value)
    if isinstance(value, np.ndarray):
        return _describe_array(value, where)
    if isinstance(value, np.generic):
        return ArrayArg(_dtype_name(value.dtype, where), (), scalar=True)
    if (kind := _NUMBERS.get(cls)) is not None:
        return NumberArg(kind)
    if is_handed_on(cls):
        return OpaqueArg(cls)
    if cls in _STATIC_DATA or isinstance(value, _STATIC_KINDS) or _is_custom_callable(value):
        return StaticArg(value, value_text(value))
    if (container := _container(value)) is not None:
        return _describe_container(value, *container, where, describe)
    raise _unsupported(value, where)


def _is_custom_callable(value: object) -> bool:
    return callable(value) and not dataclasses.is_dataclass(value)


def _unsupported(value: object, where: str) -> ArgumentError:
    cls = type(value)
    known = next((base for base in (float, int, complex, str, tuple, list, dict) if isinstance(value, base)), None)
    remedy = f"convert it with {known.__name__}(...)" if known else "pass arrays, numbers, or containers of them"
    return ArgumentError(f"{where} is a {cls.__module__}.{cls.__qualname__}, which is not supported", remedy=remedy)


def _describe_array(value: np.ndarray[Any, Any], where: str) -> ArrayArg:
    if type(value) is not np.ndarray:
        cls = type(value)
        reason = (
            f"{where} is a {cls.__module__}.{cls.__qualname__}, a subclass of numpy.ndarray with operators of its own"
        )
        raise ArgumentError(reason, remedy="convert it with numpy.asarray(...)")
    return ArrayArg(_dtype_name(value.dtype, where), tuple(size == 1 for size in value.shape))


def _dtype_name(dtype: np.dtype[Any], where: str) -> str:
    if dtype.kind not in "biufc":
        remedy = "convert it with .astype(float)" if dtype.kind == "O" else "pass an array of numbers"
        raise ArgumentError(f"{where} has dtype {dtype}, which is not numeric", remedy=remedy)
    if not dtype.isnative:
        remedy = 'convert it with .astype(x.dtype.newbyteorder("="))'
        raise ArgumentError(f"{where} has dtype {dtype.str}, whose byte order is not the machine's", remedy=remedy)
    return dtype.name


def _container(value: object) -> tuple[str, tuple[object, ...]] | None:
    cls = type(value)
    if isinstance(value, (tuple, list)):
        if cls in (tuple, list):
            return cls.__name__, tuple(range(len(value)))
        return ("namedtuple", tuple(value._fields)) if hasattr(value, "_fields") else None
    if isinstance(value, dict):
        return ("dict", tuple(value)) if cls is dict else None
    if dataclasses.is_dataclass(value):
        return "dataclass", tuple(field.name for field in dataclasses.fields(value))
    return None


def _describe_container(value: Any, kind: str, keys: tuple[object, ...], where: str, read: Describe) -> ContainerArg:
    if kind == "dict":
        _check_keys(keys, where)
    if kind in ("namedtuple", "dataclass"):
        items = tuple(read(getattr(value, str(key)), f"{where}.{key}") for key in keys)
    else:
        items = tuple(read(value[key], f"{where}[{literal(key)}]") for key in keys)
    return ContainerArg(kind, type(value), keys, items)


def _check_keys(keys: tuple[object, ...], where: str) -> None:
    for key in keys:
        parts = key if type(key) is tuple else (key,)
        if not all(type(part) in _KEYS for part in parts):
            remedy = "use strings, numbers or tuples of them as keys"
            raise ArgumentError(f"{where} has the key {key!r}, a {type(key).__qualname__}", remedy=remedy)


def _describe_spec(value: object, where: str) -> Arg:
    if isinstance(value, str) and (arg := _spec(value)) is not None:
        return arg
    if (container := _container(value)) is not None:
        return _describe_container(value, *container, where, _describe_spec)
    return describe(value, where)


def parse_spec(text: str) -> ArrayArg | NumberArg:
    """The type that a text stands for: an array, a NumPy scalar or a Python number.

    >>> parse_spec("float64[n, 1]")
    ArrayArg(dtype='float64', ones=(False, True), scalar=False)
    >>> parse_spec("float"), parse_spec("float32").scalar
    (NumberArg(kind='float'), True)
    """
    if (arg := _spec(text)) is None:
        remedy = 'write a dtype and the sizes, as in "float64[n, d]", "float32[]", "float64", or "float"'
        raise ArgumentError(f"{text!r} does not describe an array or a number", remedy=remedy)
    return arg


def _spec(text: str) -> ArrayArg | NumberArg | None:
    found = _SPEC.fullmatch(text)
    if found is None:
        return None
    name, sizes = found.groups()
    if sizes is None and name in _NUMBERS.values():
        return NumberArg(name)
    if not _is_dtype(name):
        return None
    if sizes is None:
        return ArrayArg(name, (), scalar=True)
    axes = [axis.strip() for axis in sizes.split(",") if axis.strip()]
    if not all(axis.isidentifier() or axis.isdecimal() for axis in axes):
        return None
    return ArrayArg(name, tuple(axis == "1" for axis in axes))


def _is_dtype(name: str) -> bool:
    try:
        dtype = np.dtype(name)
    except TypeError:
        return False
    return dtype.name == name and dtype.kind in "biufc"


def sizes_of(values: Mapping[str, object], signature: Signature) -> dict[str, tuple[int, ...]]:
    """The shape of every array in a call by its access text; of an integer, which may be a length, the value."""
    found = (leaf for name, arg in signature.items() for leaf in _shapes(values[name], name, arg))
    return dict(found)


def _shapes(value: Any, access: str, arg: Arg) -> Iterator[tuple[str, tuple[int, ...]]]:
    if isinstance(arg, ArrayArg):
        is_integer = not arg.ones and np.dtype(arg.dtype).kind in "iu"
        yield access, (int(value),) if is_integer else np.shape(value)
    elif isinstance(arg, NumberArg) and arg.kind == "int":
        yield access, (value,)
    elif isinstance(arg, ContainerArg):
        by_name = arg.kind in ("namedtuple", "dataclass")
        for key, (text, item) in zip(arg.keys, members(access, arg), strict=True):
            yield from _shapes(getattr(value, str(key)) if by_name else value[key], text, item)
