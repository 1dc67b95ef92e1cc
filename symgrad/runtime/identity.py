"""What tells functions and values of different processes apart, and how a captured value is reached.

Texts made here are stable: the same function and the same data give the same text in every process, wherever the
function stands in its file. They are keys of the disk cache, and are made without parsing anything.
"""

from __future__ import annotations

import ast
import builtins
import functools
import hashlib
import linecache
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from symgrad.errors import Span
from symgrad.ir.functions import CUSTOM, DERIVATIVE, mark
from symgrad.ir.signature import HOLDERS
from symgrad.runtime.rules import rule_of

_PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...), type(NotImplemented))


def digest(text: str) -> str:
    """Half a SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def underlying(function: object) -> FunctionType:
    """The user's own Python function behind a derivative, a bound method or a custom gradient."""
    while True:
        if (derivative := mark(function, DERIVATIVE)) is not None:
            function = derivative.function
        elif (custom := mark(function, CUSTOM)) is not None:
            function = custom
        elif isinstance(function, MethodType):
            function = function.__func__
        elif isinstance(function, FunctionType):
            return function
        else:
            raise TypeError(f"{function!r} is not a Python function")


def resolve(function: Callable[..., Any], path: tuple[str, ...], arguments: Mapping[str, object]) -> object:
    """The value at a capture's path; LookupError, AttributeError or ValueError where there is none."""
    value: object = function
    for kind, name in zip(path[::2], path[1::2], strict=True):
        value = _step(value, kind, name, arguments)
    return value


def _step(value: object, kind: str, name: str, arguments: Mapping[str, object]) -> object:
    match kind:
        case "globals":
            names = underlying(value).__globals__
            return names[name] if name in names else vars(builtins)[name]
        case "closure":
            return (underlying(value).__closure__ or ())[cell_index(value, name)].cell_contents
        case "attribute":
            return getattr(value, name)
        case "item":
            return value[ast.literal_eval(name)]  # type: ignore[index]
        case "method":
            return _own_method(value, name)
        case "has":
            return hasattr(value, name)
        case "contains":
            return ast.literal_eval(name) in value  # type: ignore[operator]
        case "function":
            return getattr(underlying(value), name)
        case "arguments":
            return arguments[name]
        case _:
            raise LookupError(f"a capture's path has no step {kind!r}")


def _own_method(value: object, name: str) -> MethodType:
    """A method that is bound to the object, or to its class; not another one's that was set on it."""
    method = getattr(value, name)
    if not isinstance(method, MethodType) or not (method.__self__ is value or method.__self__ is type(value)):
        raise LookupError(f"{name} is not a method of the object's own")
    return method


def cell_index(function: object, name: str) -> int:
    """Which of a function's closure cells holds the variable ``name``."""
    return underlying(function).__code__.co_freevars.index(name)


def value_text(value: object) -> str:
    """A text that is equal for equal values: data by its value, functions and classes by their source."""
    if isinstance(value, Enum):
        return f"{class_text(type(value))}.{value.name}"
    if type(value) in _PLAIN:
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, (tuple, list, set, frozenset, dict)):
        return _collection_text(value)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return f"ndarray {value.shape} {value_text(value.tolist())}"
    if isinstance(value, (np.ndarray, np.generic)):
        data = np.asarray(value)
        return f"{type(value).__name__} {data.dtype.str} {data.shape} {hashlib.sha256(data.tobytes()).hexdigest()[:32]}"
    if isinstance(value, np.dtype):
        return f"dtype {value.str}"
    if isinstance(value, CodeType):
        return f"code {digest(code_text(value))}"
    if isinstance(value, HOLDERS):
        return f"{class_text(type(value))}({', '.join(map(value_text, value))})"
    return callable_text(value)


def contents(value: Any) -> object:
    """What a container holds, in its order and with all types, to be compared with what it holds later."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        value = value.items()
    if isinstance(value, np.ndarray):
        return value.shape, [contents(item) for item in value.flat]
    if isinstance(value, (tuple, list, *HOLDERS)):
        return type(value), [contents(item) for item in value]
    return type(value), repr(value) if isinstance(value, (float, complex)) else value


def _collection_text(value: object) -> str:
    if isinstance(value, dict):
        texts = [f"{value_text(key)}: {value_text(item)}" for key, item in value.items()]
    elif isinstance(value, (tuple, list)):
        texts = [value_text(item) for item in value]
    else:
        assert isinstance(value, (set, frozenset))
        texts = sorted(value_text(item) for item in value)
    return f"{class_text(type(value))}({', '.join(texts)})"


def callable_text(value: object) -> str:
    """The text of a function, class, module or other object."""
    if (derivative := mark(value, DERIVATIVE)) is not None:
        return f"{derivative.request} of {callable_text(derivative.function)}"
    if (custom := mark(value, CUSTOM)) is not None:
        return f"custom gradient {callable_text(custom)}"
    if (rule := rule_of(value)) is not None:
        own = (rule.value, rule.vjp, rule.jvp, rule.differential, rule.shape)
        return f"rule {rule.again} {rule.black_box} {' '.join(_part_text(part, value) for part in own)}"
    match value:
        case FunctionType():
            return function_text(value)
        case MethodType():
            return f"method of {class_text(type(value.__self__))}: {callable_text(value.__func__)}"
        case ModuleType():
            return f"module {value.__name__} {getattr(value, '__version__', '')}".rstrip()
        case type():
            return class_text(value)
        case BuiltinFunctionType() | np.ufunc():
            return f"{getattr(value, '__module__', None) or 'numpy'}.{value.__name__}"
        case functools.partial():
            return f"partial {callable_text(value.func)} {value_text(value.args)} {value_text(value.keywords)}"
        case _:
            return f"object of {class_text(type(value))}"


def _part_text(part: object, owner: object) -> str:
    """The text of a part of a rule; the function itself by its name, since a rule may call it."""
    return f"{getattr(owner, '__name__', '')} itself" if part is owner else value_text(part)


def class_text(cls: type) -> str:
    """A class by name, and by the code of its own methods if it is written in Python."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    codes = [code_text(item.__code__) for _, item in sorted(vars(cls).items()) if isinstance(item, FunctionType)]
    if not codes:
        return f"class {name}"
    bases = " ".join(base.__qualname__ for base in cls.__mro__)
    return f"class {name} {digest(' '.join([bases, *codes]))}"


def function_text(function: FunctionType) -> str:
    """A function by name, and by a digest of its code, source and default values."""
    defaults = value_text((function.__defaults__, function.__kwdefaults__))
    body = "\n".join((code_text(function.__code__), "".join(source_lines(function)), defaults))
    return f"function {function.__module__}.{function.__qualname__} {digest(body)}"


def code_text(code: CodeType) -> str:
    """A code object without file name and line numbers."""
    constants = [code_text(item) if isinstance(item, CodeType) else value_text(item) for item in code.co_consts]
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return repr((code.co_name, counts, names, code.co_code, constants))


def source_lines(function: FunctionType) -> list[str]:
    """The lines of the file that a function's code comes from; empty where there is no file."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    return lines[code.co_firstlineno - 1 : last_line(code)]


def last_line(code: CodeType) -> int:
    """The last line that a code object, or one inside of it, has an instruction on."""
    return max(_last_lines(code))


def _last_lines(code: CodeType) -> Iterator[int]:
    yield code.co_firstlineno
    yield from (end for _, end, _, _ in code.co_positions() if end is not None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _last_lines(constant)


def definition_span(function: Callable[..., Any]) -> Span | None:
    """Where a function's ``def`` or ``lambda`` stands."""
    own = underlying(function)
    first = own.__code__.co_firstlineno
    word = "lambda" if own.__name__ == "<lambda>" else f"def {own.__name__}"
    for line, text in enumerate(source_lines(own), first):
        if (column := text.find(word)) >= 0:
            return Span(own.__code__.co_filename, line, column, line, column + len(word), text.rstrip("\n"))
    return None
