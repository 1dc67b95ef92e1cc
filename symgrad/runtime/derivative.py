"""A derived function: its specialisations, and what happens when none of them fits a call."""

from __future__ import annotations

import contextlib
import html
import inspect
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn, Protocol

import numpy as np

from symgrad.errors import DifferentiationError, InternalError, NotYetSupported
from symgrad.ir.functions import DERIVATIVE, parameters_of
from symgrad.ir.signature import Arg, Generated, NumberArg, Request, Signature, StaticArg, spell_signature
from symgrad.runtime import store
from symgrad.runtime.binding import Scope
from symgrad.runtime.cache import Entry, entry_key
from symgrad.runtime.calling import MISSING, Anchor, Call
from symgrad.runtime.identity import callable_text, definition_span
from symgrad.runtime.loading import Specialisation, depends_on_same, fits, load, module_text, read_header
from symgrad.runtime.pickling import Frozen, freeze, thaw
from symgrad.runtime.signature import bind, describe, signature_of, sizes_of, wrong_call

_CHAINED = 8


class Compiled(Protocol):
    """What the compiler returns; the runtime looks at nothing but the generated function."""

    @property
    def generated(self) -> Generated: ...


class Compiler(Protocol):
    """The way to the compiler, which is imported when it is needed. Pickled by name."""

    def compile_derivative(
        self,
        function: Callable[..., Any],
        request: Request,
        signature: Signature,
        sizes: Mapping[str, tuple[int, ...]] | None,
    ) -> Compiled: ...

    def formula(self, function: Callable[..., Any], request: Request, signature: Signature) -> Any: ...


class _Lock:
    """One lock for all compiling: a compilation may ask for another derivative's. Free in a forked child."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.held = threading.RLock()


_COMPILING = _Lock()


class Derivative:
    """A transform of a function, specialised to each signature that it is called with.

    ``function`` and ``request`` say what it is, ``call`` is what the user calls, ``compiled`` holds what the compiler
    returned, by position in ``specialisations`` (nothing for those that were loaded).
    """

    def __init__(
        self, function: Callable[..., Any], request: Request, compiler: Compiler, shipped: tuple[str, ...] = ()
    ) -> None:
        self.function = function
        self.request = request
        self.parameters = parameters_of(function)
        self.specialisations: list[Specialisation] = []
        self.compiled: dict[int, Compiled] = {}
        self._compiler = compiler
        self._shipped = shipped
        self._functions: list[FunctionType] = []
        self._signatures: list[Signature] = []
        self._positions: dict[str, list[int]] = {}
        self._looked_up: set[tuple[str | int, ...]] = set()
        self._anchor = Anchor(self.miss, self)
        self._strict = Anchor(self._refuse, self)
        attributes = {
            DERIVATIVE: self,
            "source": self.source,
            "formula": self.formula,
            "export": self.export,
            "_repr_html_": self._repr_html_,
        }
        self._call = Call(function, self.parameters, attributes)
        self.call = self._call.bound(self._anchor)

    @cached_property
    def identity(self) -> str:
        """The text that tells the function apart in every process."""
        return callable_text(self.function)

    def miss(self, position: int, /, *args: Any, **kwargs: Any) -> Any:
        """Answers a call that the specialisation at ``position`` does not fit: by a later one, or by a new one."""
        if any(type(value) is np.memmap for value in (*args, *kwargs.values())):
            args, kwargs = tuple(map(_loaded, args)), {name: _loaded(value) for name, value in kwargs.items()}
            if self._functions:
                return self._functions[0](self._anchor, *args, **kwargs)
        if position + 1 < min(len(self._functions), _CHAINED):
            return self._functions[position + 1](self._anchor, *args, **kwargs)
        self._check_given(args, kwargs)
        signature = signature_of(self.parameters, args, kwargs, function=self.function)
        spelled = spell_signature(signature)
        found = self._later(spelled, position)
        anchor = self._anchor
        if found is None:
            with _COMPILING.held:
                found = self._later(spelled, position)
                if found is None:
                    found = self._look_up(signature, spelled)
                if found is None:
                    values = bind(self.parameters, args, kwargs, self.function)
                    found = self._compile(signature, spelled, sizes_of(values, signature))
                    anchor = self._strict
        return self._functions[found](anchor, *args, **kwargs)

    def _check_given(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        names = [name for name, item in self.parameters.parameters.items() if item.kind is not item.VAR_POSITIONAL]
        given = [*zip(names, args, strict=False), *kwargs.items()]
        missing = [repr(name) for name, value in given if value is MISSING]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            reason = f"missing {len(missing)} required argument{plural}: {', '.join(missing)}"
            raise wrong_call(self.parameters, reason, self.function)

    def _refuse(self, position: int, /, *_args: object, **_kwargs: object) -> NoReturn:
        header = self.specialisations[position].header
        if header.apart:
            pairs = " or ".join(f"{first} and {second}" for first, second in header.apart)
            reason = f"{self.function.__name__} changes an array in place that shares its memory with another: {pairs}"
            remedy = f"pass a copy: {header.apart[0][1]}.copy()"
            raise DifferentiationError(reason, remedy=remedy, span=definition_span(self.function))
        raise InternalError(f"{header.name} does not accept the call that it was compiled for: {header.signature}")

    def _later(self, spelled: str, position: int) -> int | None:
        return next((item for item in self._positions.get(spelled, ()) if item > position), None)

    def _look_up(self, signature: Signature, spelled: str) -> int | None:
        """Loads the stored specialisations for a signature that depend on nothing that has changed since."""
        wanted: tuple[str | int, ...] = (spelled, *_callables(signature))
        if wanted in self._looked_up:
            return None
        self._looked_up.add(wanted)
        first = len(self._functions)
        shipped = [Entry(None, text) for text in self._shipped]
        for entries in itertools.chain([shipped], store.find(self._key(spelled))):
            for entry in entries:
                self._load(entry, signature, spelled)
            if len(self._functions) > first:
                return first
        return None

    def _key(self, spelled: str) -> str:
        return entry_key(self.identity, repr(self.request), spelled)

    def _load(self, entry: Entry, signature: Signature, spelled: str) -> None:
        header = read_header(entry.text)
        scope = Scope(self.function, signature)
        own = (self.identity, repr(self.request), spelled)
        if (header.function, header.request, header.signature) == own and depends_on_same(header, scope):
            with contextlib.suppress(AttributeError, ImportError, LookupError):  # a module that is not installed
                self._add(entry, scope, spelled)

    def _add(self, entry: Entry, scope: Scope, spelled: str) -> int:
        position = len(self._functions)
        self._signatures.append(scope.signature)
        loaded = load(entry.text, entry.path, scope, position)
        self.specialisations.append(loaded)
        self._functions.append(self._call.variant(loaded))
        self._positions.setdefault(spelled, []).append(position)
        if position == 0:
            self._call.adopt(loaded)
        return position

    def _compile(self, signature: Signature, spelled: str, sizes: Mapping[str, tuple[int, ...]] | None) -> int:
        compiled = self._compiler.compile_derivative(self.function, self.request, signature, sizes)
        scope = Scope(self.function, signature)
        text = module_text(compiled.generated, self.request, scope, self.identity)
        entry = store.keep(self._key(spelled), compiled.generated.name, text)
        position = self._add(entry, scope, spelled)
        self.compiled[position] = compiled
        return position

    def specialised(self, *args: object, **kwargs: object) -> int:
        """The position of the specialisation for these arguments or specs; without any, of the last one."""
        if not args and not kwargs and self.specialisations:
            return len(self.specialisations) - 1
        signature, sizes = self.signature(*args, **kwargs)
        spelled = spell_signature(signature)
        with _COMPILING.held:
            if spelled not in self._positions:
                self._look_up(signature, spelled)
            known = self._positions.get(spelled, ())
            if sizes is not None:
                known = [
                    item for item in known if fits(self._functions[item], self.specialisations[item], args, kwargs)
                ]
            return known[0] if known else self._compile(signature, spelled, sizes)

    def signature(self, *args: object, **kwargs: object) -> tuple[Signature, dict[str, tuple[int, ...]] | None]:
        """The signature of arguments or specs, with the sizes of arguments; without any, of Python floats."""
        if not args and not kwargs:
            return self._scalars(), None
        signature = signature_of(self.parameters, args, kwargs, function=self.function, specs=True)
        values = bind(self.parameters, args, kwargs, self.function)
        if all(
            describe(value, name) == arg for (name, arg), value in zip(signature.items(), values.values(), strict=True)
        ):
            return signature, sizes_of(values, signature)
        return signature, None

    def _scalars(self) -> Signature:
        items = self.parameters.parameters.items()
        return Signature(tuple(self.parameters.parameters), tuple(_scalar(name, item) for name, item in items))

    def source(self, *args: object, **kwargs: object) -> str:
        """The generated source for the signature of these arguments, or of specs such as ``"float64[n, d]"``.

        Without arguments: the last one compiled, else for Python floats.
        """
        return self.specialisations[self.specialised(*args, **kwargs)].source

    def formula(self, *args: object, **kwargs: object) -> Any:
        """The derivative as expressions in index notation, for the same arguments as ``source``."""
        if not args and not kwargs and self._signatures:
            return self._compiler.formula(self.function, self.request, self._signatures[-1])
        return self._compiler.formula(self.function, self.request, self.signature(*args, **kwargs)[0])

    def export(self, path: str | os.PathLike[str], *args: object, **kwargs: object) -> None:
        """Writes a module that imports NumPy only, with the derivative for the same arguments as ``source``.

        Raises NotYetSupported for a function that reads captured values.
        """
        signature, sizes = self.signature(*args, **kwargs)
        generated = self._compiler.compile_derivative(self.function, self.request, signature, sizes).generated
        read = [capture.local for capture in generated.captures if capture.local is not None]
        if read:
            raise NotYetSupported(
                f"{generated.name} reads {', '.join(read)}, which an exported module does not have",
                remedy="make it a parameter",
            )
        imports = [
            f"import {module}" + (f" as {alias}" if alias != module else "") for module, alias in generated.imports
        ]
        text = "\n".join(['"""Written by symgrad."""', "", *imports, "", "", generated.source])
        Path(path).write_text(text, encoding="utf-8")

    def _repr_html_(self) -> str:
        return f"<pre><code>{html.escape(self.source())}</code></pre>"

    def __reduce__(self) -> tuple[Any, ...]:
        texts = tuple(item.text for item in self.specialisations)
        return rebuild, (freeze(self.function), self.request, self._compiler, texts)


def _loaded(value: Any) -> Any:
    """An array in a file as an ordinary array of the same memory."""
    return value.view(np.ndarray) if type(value) is np.memmap else value


def _callables(signature: Signature) -> Iterator[int]:
    """The identities of functions among the arguments: a new one of the same code needs no compiling."""
    return (id(arg.value) for _, arg in signature.leaves() if isinstance(arg, StaticArg) and callable(arg.value))


def _scalar(name: str, parameter: inspect.Parameter) -> Arg:
    match parameter.kind:
        case parameter.VAR_POSITIONAL:
            return describe((), name)
        case parameter.VAR_KEYWORD:
            return describe({}, name)
        case _:
            return NumberArg("float") if parameter.default is parameter.empty else describe(parameter.default, name)


def rebuild(frozen: Frozen, request: Request, compiler: Compiler, texts: tuple[str, ...]) -> Derivative:
    """A derivative from a pickle."""
    return Derivative(thaw(frozen), request, compiler, texts)
