"""The transforms: from a function to its derivative."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType, MethodType
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from symgrad.errors import DifferentiationError
from symgrad.ir.functions import CUSTOM, DERIVATIVE, is_marked, mark, parameters_of
from symgrad.ir.signature import Arg, NumberArg, Request, Signature, leaves
from symgrad.runtime import cache, store
from symgrad.runtime.cache import CacheInfo, cache_info
from symgrad.runtime.derivative import Compiled, Derivative
from symgrad.runtime.forwarding import advertised, directional, forwarded, pulling_back, pushing_forward, with_direction
from symgrad.runtime.rules import rule_of
from symgrad.runtime.signature import describe
from symgrad.verification import Verification, VerificationFailed, check_direction, check_first_order, directions

__all__ = [
    "CacheInfo",
    "Verification",
    "VerificationFailed",
    "cache_info",
    "check_grads",
    "clear_cache",
    "custom_gradient",
    "elementwise_grad",
    "grad",
    "gradients",
    "hvp",
    "jvp",
    "value_and_grad",
    "verify",
    "vjp",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Function = Callable[..., Any]


class Derived(Protocol):
    """What a transform returns: called like the function, with the generated source and formula to look at."""

    __name__: str
    __wrapped__: _Function

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The generated source for arguments, or for specs such as ``"float64[n, d]"``."""

    def formula(self, *args: Any, **kwargs: Any) -> Any:
        """The derivative as expressions in index notation."""

    def export(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Write a module that imports NumPy only."""


_Argnums = int | str | Iterable[int | str]


class Compiler:
    """The compiler, imported with SymPy when something has to be compiled."""

    @staticmethod
    def compile_derivative(
        function: _Function, request: Request, signature: Signature, sizes: Mapping[str, tuple[int, ...]] | None
    ) -> Compiled:
        """The derivative's source for a signature."""
        from symgrad import pipeline

        return pipeline.compile_derivative(function, request, signature, sizes)

    @staticmethod
    def formula(function: _Function, request: Request, signature: Signature) -> Any:
        """The derivative's formula for a signature."""
        from symgrad import pipeline

        return pipeline.formula(function, request, signature)


@overload
def grad(function: _Function, argnums: _Argnums = 0, *, has_aux: bool = False) -> Derived: ...
@overload
def grad(*, argnums: _Argnums = 0, has_aux: bool = False) -> Callable[[_Function], Derived]: ...
def grad(function: _Function | None = None, argnums: _Argnums = 0, *, has_aux: bool = False) -> Any:
    """The gradient of a scalar function of NumPy arrays and numbers.

    ``argnums`` is the position or name of the argument to differentiate with respect to, or a sequence of them (then
    the result is a tuple). The gradient has the shape, dtype and structure of the argument. With ``has_aux`` the
    function returns ``(value, aux)`` and the result is ``(gradient, aux)``. Also works as a decorator.

    Raises DifferentiationError for an argument that does not exist; the first call with arguments of new types
    compiles, and raises SymgradError, with the place in the source, where the function cannot be differentiated.

    >>> grad(lambda x, y: x * x * y, argnums="y")(3.0, 1.0)
    9.0
    """
    return _transform("grad", function, argnums, has_aux)


@overload
def value_and_grad(function: _Function, argnums: _Argnums = 0, *, has_aux: bool = False) -> Derived: ...
@overload
def value_and_grad(*, argnums: _Argnums = 0, has_aux: bool = False) -> Callable[[_Function], Derived]: ...
def value_and_grad(function: _Function | None = None, argnums: _Argnums = 0, *, has_aux: bool = False) -> Any:
    """Value and gradient of a scalar function: ``(value, gradient)``, or ``((value, aux), gradient)`` with ``has_aux``.

    The value is bit for bit what the function returns. Arguments and errors as for ``grad``.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    return _transform("value_and_grad", function, argnums, has_aux)


def hvp(function: _Function, argnums: int | str = 0) -> Derived:
    """The Hessian of a scalar function times a vector: a function of ``(*args, v)``.

    ``v`` has the structure of the argument that ``argnums`` names, and so has the result. The Hessian is not formed:
    the gradient is derived as formulas, and then the gradient of its product with ``v``. Optional arguments go by
    keyword.

    >>> hvp(lambda x: x * x * x)(2.0, 1.0)
    12.0
    """
    function = _differentiable(function, "hvp")
    parameters = advertised(function).parameters
    position = _position(function, parameters, argnums)
    directed, direction = with_direction(function)
    name = [*parameters][position] if isinstance(position, int) else position
    request = Request("hvp", _positions(directed, name), direction=direction)
    return Derivative(directed, request, Compiler).call  # type: ignore[return-value]


def elementwise_grad(function: _Function, argnums: _Argnums = 0) -> Derived:
    """The gradient of the sum of a function's results: the derivative, for a function that works element by element.

    The result has the shape of the argument. ``argnums`` as for ``grad``.

    >>> import numpy as np
    >>> elementwise_grad(lambda x: np.tanh(x))(np.zeros(3))
    array([1., 1., 1.])
    """
    return _transform("elementwise_grad", function, argnums, False)  # type: ignore[no-any-return]


def gradients(function: _Function, ys: str | Sequence[str], xs: str | Sequence[str]) -> Derived:
    """Derivatives between named variables inside of a function: of the sum of ``ys`` with respect to each of ``xs``.

    Variables count as they are at the end of the function; parameters are variables, too. The result is a list with
    the shape of each of ``xs`` (one array if ``xs`` is one name), None where nothing of ``ys`` depends on it.
    (TensorFlow's ``tf.gradients``.)

    >>> def chain(x, w1, w2):
    ...     y1 = x * w1
    ...     y2 = y1 * w2
    ...     return y2
    >>> gradients(chain, "y2", ["y1", "w1", "x"])(2.0, 3.0, 5.0)
    [5.0, 10.0, 15.0]
    """
    wanted = (ys,) if isinstance(ys, str) else tuple(ys), (xs,) if isinstance(xs, str) else tuple(xs)
    request = Request("gradients" if not isinstance(xs, str) else "derivative", (), False, wanted)
    return Derivative(_differentiable(function, "gradients"), request, Compiler).call  # type: ignore[return-value]


def vjp(function: _Function, *primals: Any) -> tuple[Any, _Function]:
    """The value at ``primals``, and the pullback: a function from a cotangent to a tuple, one gradient per primal.

    The cotangent has the shape and structure of the value. The pullback is a derivative like others (``source``);
    it computes from the primals what it needs: there is no tape.

    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    derivative = _pullback(_differentiable(function, "vjp"), len(primals))
    copies = [copy.deepcopy(primal) for primal in primals]
    return function(*map(copy.deepcopy, primals)), functools.partial(derivative, *copies)


@functools.lru_cache(maxsize=256)
def _pullback(function: _Function, count: int) -> Derived:
    return Derivative(pulling_back(function, vjp, count), Request("evaluate", ()), Compiler).call  # type: ignore[return-value]


def jvp(function: _Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value at ``primals``, and its derivative along ``tangents``, which have their shapes.

    Derived as formulas: the pullback is linear in the cotangent, and the derivative along a tangent is its transpose.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    primals, tangents = tuple(primals), tuple(tangents)
    if len(primals) != len(tangents):
        raise DifferentiationError("there are not as many tangents as primals", remedy="jvp(f, (x,), (v,))")
    value, along = _pushforward(_differentiable(function, "jvp"), len(primals))(*primals, *tangents)
    return value, along


@functools.lru_cache(maxsize=256)
def _pushforward(function: _Function, count: int) -> Derived:
    return Derivative(pushing_forward(function, jvp, count), Request("evaluate", ()), Compiler).call  # type: ignore[return-value]


def _transform(transform: str, function: _Function | None, argnums: _Argnums, has_aux: bool) -> Any:
    if function is None:
        return functools.partial(_transform, transform, argnums=argnums, has_aux=has_aux)
    function = _differentiable(function, transform)
    request = Request(transform, _positions(function, argnums), has_aux)
    return Derivative(function, request, Compiler).call


def _differentiable(function: object, transform: str) -> _Function:
    """A function written in Python, from what the user gave."""
    if isinstance(function, functools.partial) or is_marked(function) or rule_of(function) is not None:
        return forwarded(function)  # type: ignore[arg-type]
    if isinstance(function, (FunctionType, MethodType)):
        return function
    if isinstance(call := getattr(function, "__call__", None), MethodType):  # noqa: B004
        return call
    reason = f"{transform} needs a function written in Python, not {function!r}"
    raise DifferentiationError(reason, remedy="wrap it: lambda x: ...")


def _positions(function: _Function, argnums: _Argnums) -> int | str | tuple[int | str, ...]:
    parameters = parameters_of(function).parameters
    if isinstance(argnums, (int, str)):
        return _position(function, parameters, argnums)
    found = tuple(_position(function, parameters, item) for item in argnums)
    if not found or len(set(found)) < len(found):
        raise DifferentiationError(f"argnums={argnums!r} names no argument, or one twice")
    return found


def _position(function: _Function, parameters: Mapping[str, inspect.Parameter], argnum: int | str) -> int | str:
    """A position counted from the front, or the name of a parameter that has no position of its own."""
    positional = [name for name, item in parameters.items() if item.kind <= item.POSITIONAL_OR_KEYWORD]
    variadic = any(item.kind is item.VAR_POSITIONAL for item in parameters.values())
    if isinstance(argnum, str) and argnum in parameters:
        return positional.index(argnum) if argnum in positional else argnum
    if isinstance(argnum, int) and not isinstance(argnum, bool):
        if argnum < 0 and not variadic:
            argnum += len(positional)
        if argnum >= 0 and (variadic or argnum < len(positional)):
            return argnum
    reason = f"{function.__name__}() has no argument {argnum!r} to differentiate with respect to"
    raise DifferentiationError(reason, remedy=f"its parameters are {', '.join(parameters)}")


def custom_gradient(function: Callable[_P, tuple[_T, _Function]]) -> Callable[_P, _T]:
    """A function with a gradient of its own: ``function`` returns ``(value, gradient)``.

    ``gradient(upstream)`` gives the gradients for the arguments, as a tuple if there are several, None for an argument
    without. A plain call returns the value only.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda upstream: max(-1.0, min(1.0, upstream))
    >>> clipped(3.0)
    3.0
    """

    @functools.wraps(function)
    def plain(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return function(*args, **kwargs)[0]

    setattr(plain, CUSTOM, function)
    return plain


def check_grads(
    function: _Function,
    args: Sequence[Any],
    *,
    order: int = 2,
    modes: Sequence[str] = ("forward", "reverse"),
    tolerance: float = 1e-6,
) -> None:
    """Checks a scalar function's derivatives, with respect to every argument of floats, up to an order.

    The gradient (``"reverse"``) is compared with differences of the function, the derivative along a random direction
    (``"forward"``) with the gradient; for the next order the derivative along a direction is such a function itself.
    Raises VerificationFailed (an AssertionError), which names the worst entry.

    >>> check_grads(lambda x, y: x * x * y, (3.0, 2.0))
    """
    if order < 1 or not modes or not set(modes) <= {"forward", "reverse"}:
        raise DifferentiationError(f"order={order!r}, modes={modes!r}", remedy='order=2, modes=("forward", "reverse")')
    wrt = [position for position, arg in enumerate(args) if _has_floats(describe(arg, f"argument {position}"))]
    if not wrt:
        raise DifferentiationError("no argument holds a float", remedy="pass floats, or arrays of them")
    gradient = grad(function, argnums=wrt)(*args)
    if "reverse" in modes:
        check_first_order(function, gradient, args, wrt, tolerance)
    tangents = directions(args)
    if "forward" in modes:
        check_direction(jvp(function, args, tangents)[1], gradient, [tangents[k] for k in wrt], tolerance)
    if order > 1:
        along = directional(_differentiable(function, "check_grads"), jvp, len(args))
        check_grads(along, (*args, *tangents), order=order - 1, modes=modes, tolerance=tolerance)


def _has_floats(arg: Arg) -> bool:
    kinds = [leaf.kind if isinstance(leaf, NumberArg) else getattr(leaf, "dtype", "") for _, leaf in leaves("x", arg)]
    return any(kind.startswith("float") for kind in kinds)


def verify(derivative: _Function, closed_form: _Function, *args: Any) -> Verification:
    """Compares a derivative with a closed form: proved for every size, refuted by a counterexample, or tested.

    ``args`` say for which types, and where the numerical comparison starts; both functions are called with them.

    >>> verify(grad(lambda x: x * x * x), lambda x: 3 * x * x, 2.0).status
    'proved'
    """
    found: Derivative | None = mark(derivative, DERIVATIVE)
    if found is None:
        raise DifferentiationError(
            f"{derivative!r} is not a derivative", remedy="pass what grad or value_and_grad returned"
        )
    from symgrad import pipeline

    signature, _ = found.signature(*args)
    return pipeline.verify(found.function, derivative, found.request, signature, closed_form, args)


def clear_cache() -> int:
    """Forgets the compiled specialisations that are on disk and in memory; how many files there were."""
    store.forget()
    return cache.clear()
