"""What a derived function returns: gradients with the shape, dtype and structure of the arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from symgrad.emit.array import Array, arranged, floating
from symgrad.emit.memory import base, is_new
from symgrad.errors import NotYetSupported
from symgrad.ir.code import Code
from symgrad.ir.kinds import is_python
from symgrad.ir.program import Input, Opaque, Value
from symgrad.ir.tensor import Kind, Tensor

if TYPE_CHECKING:
    from symgrad.emit.speller import Speller


@dataclass
class Results:
    """Finishes gradients; ``given`` are codes that are already part of the result and may not be returned twice."""

    speller: Speller
    given: set[Code]

    def gradient(self, source: Input, gradient: Tensor) -> Code:
        """Code for the gradient with respect to one input: all axes, its dtype, memory of its own."""
        tensor = source.value.tensor
        if gradient.expr == 0:
            return self._zeros(source)
        array = self._filled(self._number(self.speller.tensor(gradient)), gradient, source)
        code = _cast(array.code, array.kind, tensor.kind, tensor.rank)
        if tensor.rank and (base(code) in self.given or not self._is_own(base(code))):
            code = Code("_0.copy()", (code,))
        self.given.add(base(code))
        return code

    def _is_own(self, code: Code) -> bool:
        """Whether nothing but the derivative holds an array: it is new, or comes out of a derived loop or branch."""
        suite = self.speller.suites.bound.get(code)
        return is_new(code) if suite is None else suite.is_derived and suite.makes(code)

    def _number(self, array: Array) -> Array:
        """An integer as a float; an array of brackets is cast with the others."""
        return array if array.layout else floating(array)

    def _zeros(self, source: Input) -> Code:
        if is_python(source.value.tensor.kind):
            return Code("0.0")
        if not source.value.tensor.rank:
            return Code(f"np.{np.dtype(source.value.tensor.kind).name}(0)")
        return Code(f"np.zeros(_0.shape{_dtype(source.value.tensor.kind)})", (source.value.code,))

    def _filled(self, array: Array, gradient: Tensor, source: Input) -> Array:
        """Broadcast to the input's shape where the formula lacks an index."""
        if array.support == frozenset(gradient.free) and (array.layout or not gradient.indices):
            return arranged(array, gradient.indices)
        shape = source.value.code
        if not array.layout:
            one = gradient.expr == 1
            template = (
                f"np.ones(_0.shape{_dtype(gradient.kind)})" if one else f"np.full(_0.shape, _1{_dtype(gradient.kind)})"
            )
            operands = (shape,) if one else (shape, array.code)
            return Array(Code(template, operands), gradient.indices, gradient.kind)
        present = arranged(array, tuple(i if i in array.support else None for i in gradient.indices))
        code = Code("np.broadcast_to(_0, _1.shape).copy()", (present.code, shape))
        return Array(code, gradient.indices, array.kind)


def _dtype(kind: Kind) -> str:
    name = np.dtype(kind).name
    return "" if name == "float64" else f", dtype=np.{name}"


def _cast(code: Code, have: Kind, want: Kind, rank: int) -> Code:
    if is_python(want):
        return code if is_python(have) else Code("float(_0)", (code,))
    if is_python(have):
        return code if rank else Code(f"np.{np.dtype(want).name}(_0)", (code,))
    return code if have == want else Code(f"_0.astype(np.{np.dtype(want).name})", (code,))


def nested(
    structure: object,
    leaf: Callable[[Value | Opaque], Code],
    access: Code | None,
    classes: Mapping[type, Code] = MappingProxyType({}),
) -> Code:
    """Code that builds a container of the same structure.

    ``access`` reads a container of this structure, for its type; where there is none, ``classes`` tell what has it.
    """
    if isinstance(structure, Value | Opaque):
        return leaf(structure)
    if isinstance(structure, dict):
        items = [nested(item, leaf, _step(access, f"_0[{key!r}]"), classes) for key, item in structure.items()]
        return Code(f"{{{', '.join(f'{key!r}: _{k}' for k, key in enumerate(structure))}}}", tuple(items))
    if isinstance(structure, tuple | list) and not hasattr(structure, "_fields"):
        items = [nested(item, leaf, _step(access, f"_0[{k}]"), classes) for k, item in enumerate(structure)]
        places = ", ".join(f"_{k}" for k in range(len(items)))
        return Code(
            f"[{places}]" if isinstance(structure, list) else f"({places}{',' if len(items) == 1 else ''})",
            tuple(items),
        )
    names = _fields(structure)
    if names is None:
        return Code(repr(structure))
    access = classes.get(type(structure)) if access is None else access
    if access is None:
        reason = f"the result holds a {type(structure).__name__}, which the generated code cannot make"
        raise NotYetSupported(reason, remedy="return a tuple or a dict")
    items = [nested(getattr(structure, name), leaf, _step(access, f"_0.{name}"), classes) for name in names]
    places = ", ".join(f"{name}=_{k}" for k, name in enumerate(names, 1))
    return Code(f"type(_0)({places})", (access, *items))


def _step(access: Code | None, template: str) -> Code | None:
    return None if access is None else Code(template, (access,))


def containers(structure: object, access: Code) -> Iterator[tuple[type, Code]]:
    """Named tuples and dataclasses inside of an argument, with the code that reads them."""
    if isinstance(structure, dict):
        for key, item in structure.items():
            yield from containers(item, Code(f"_0[{key!r}]", (access,)))
    elif isinstance(structure, tuple | list) and not hasattr(structure, "_fields"):
        for place, item in enumerate(structure):
            yield from containers(item, Code(f"_0[{place}]", (access,)))
    elif not isinstance(structure, Value | Opaque) and (names := _fields(structure)) is not None:
        yield type(structure), access
        for name in names:
            yield from containers(getattr(structure, name), Code(f"_0.{name}", (access,)))


def _fields(structure: object) -> tuple[str, ...] | None:
    """The field names of a namedtuple or a dataclass."""
    if isinstance(structure, tuple):
        return tuple(structure._fields)  # type: ignore[attr-defined]
    if dataclasses.is_dataclass(structure):
        return tuple(field.name for field in dataclasses.fields(structure))
    return None
