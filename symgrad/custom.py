"""Derivatives of the user's own, besides ``custom_gradient``."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from symgrad.errors import DifferentiationError
from symgrad.ir.functions import RULE
from symgrad.runtime.forwarding import HOOKS, hooking
from symgrad.runtime.rules import REGISTERED, Rule

__all__ = ["checkpoint", "custom_jvp", "custom_vjp", "hooked", "primitive", "register_differential", "stop_gradient"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Function = Callable[..., Any]


def custom_vjp(function: Callable[_P, _T]) -> Any:
    """A function with a pullback of its own (JAX's ``custom_vjp``), which its method ``defvjp`` defines.

    ``defvjp(forward, backward)``: ``forward(*args)`` gives ``(value, residuals)``, ``backward(residuals, cotangent)`` a
    tuple with a gradient for each argument, None for one without. Both are read as formulas, so that derivatives of any
    order exist.

    >>> import numpy as np, symgrad
    >>> @custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda residuals, u: (np.clip(u, -1, 1),))
    >>> symgrad.grad(lambda x: 5 * clipped(x))(3.0)
    1.0
    """
    made: Any = _wrapped(function)

    def defvjp(forward: _Function, backward: _Function) -> None:
        """Define the derivative."""

        def vjp(cotangent: Any, *args: Any) -> Any:
            return backward(forward(*args)[1], cotangent)

        setattr(made, RULE, Rule(function, vjp=vjp))

    made.defvjp = defvjp
    return made


def custom_jvp(function: Callable[_P, _T]) -> Any:
    """A function with a tangent of its own (JAX's ``custom_jvp``), which its method ``defjvp`` defines.

    ``defjvp(rule)``: ``rule(primals, tangents)`` gives ``(value, tangent)``, the tangent linear in the tangents; also
    as a decorator. The pullback is the transpose.

    >>> import numpy as np, symgrad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.defjvp
    ... def tangent(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return log1pexp(x), (1 - 1 / (1 + np.exp(x))) * dx
    >>> symgrad.grad(log1pexp)(0.0)
    0.5
    """
    made: Any = _wrapped(function)

    def defjvp(rule: _Function) -> _Function:
        """Define the derivative."""
        setattr(made, RULE, Rule(function, jvp=rule))
        return rule

    made.defjvp = defjvp
    return made


def register_differential(function: _Function, rule: _Function) -> None:
    """The matrix differential of a function that is not yours: ``rule(*args, *tangents)``, linear in the tangents.

    Gradients and tangents are both derived from it. The result must have the shape of the first array argument, unless
    the function is a ``primitive`` with a ``shape``.

    >>> import numpy as np, scipy.special, symgrad
    >>> register_differential(scipy.special.erfcx, lambda x, dx: (2 * x * scipy.special.erfcx(x) - 2 / np.pi**0.5) * dx)
    >>> round(symgrad.grad(lambda x: scipy.special.erfcx(x))(0.0), 4)
    -1.1284
    """
    REGISTERED[function] = Rule(function, differential=rule, black_box=True)


def primitive(
    function: _Function | None = None,
    *,
    vjp: _Function | None = None,
    jvp: _Function | None = None,
    shape: _Function | tuple[int, ...] | None = None,
) -> Any:
    """A black box (C, FORTRAN, a solver): called by the generated code, never looked into. Also as a decorator.

    ``vjp(cotangent, *args)`` gives the gradient, or a tuple of one for each argument (None for one without);
    ``jvp(primals, tangents)`` gives ``(value, tangent)``. They may call primitives. ``shape`` is the shape of the
    value, or a function of the arguments that gives it; by default that of the first array. The value is an array of
    its own: where the function gives memory of an argument, it is copied. Raises
    ValueError for a value of another shape.

    >>> import numpy as np, symgrad
    >>> cube = primitive(lambda x: x * x * x, vjp=lambda u, x: 3 * x**2 * u)
    >>> symgrad.grad(lambda x: np.sum(cube(x)))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    if function is None:
        return functools.partial(primitive, vjp=vjp, jvp=jvp, shape=shape)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        arrays = [item for item in (*args, *kwargs.values()) if isinstance(item, np.ndarray)]
        first = arrays[0].shape if arrays else ()
        wanted = shape(*args) if callable(shape) else first if shape is None else shape
        if np.shape(result) != tuple(wanted):
            reason = f"{function.__name__} gives an array of shape {np.shape(result)}, not {tuple(wanted)}"
            raise ValueError(f"{reason}: tell primitive its shape")
        shares = isinstance(result, np.ndarray) and any(np.may_share_memory(result, array) for array in arrays)
        return result.copy() if shares else result

    setattr(called, RULE, Rule(function, vjp=vjp, jvp=jvp, black_box=True, shape=shape))
    return called


def _wrapped(function: Callable[_P, _T]) -> Callable[_P, _T]:
    @functools.wraps(function)
    def plain(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return function(*args, **kwargs)

    return plain


def stop_gradient(x: _T) -> _T:
    """``x`` itself, as a constant for every derivative.

    >>> import numpy as np, symgrad
    >>> symgrad.grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return x


setattr(stop_gradient, RULE, Rule(lambda x: x))


def checkpoint(function: Any) -> Any:
    """The function, of which the reverse of a loop saves the arguments only: what else it needs is computed again.

    In straight code it is computed again, too, but nothing is freed before the derivative returns.

    ``for k in checkpoint(range(n))`` is a loop of which a derivative saves every ``sqrt(n)``-th round only, and
    computes the others again, segment by segment: memory for about ``2 sqrt(n)`` rounds in place of ``n``, for one more
    run of the loop.

    >>> import numpy as np, symgrad
    >>> symgrad.grad(lambda x: np.sum(checkpoint(lambda z: np.tanh(np.sin(z)))(x)))(np.zeros(2))
    array([1., 1.])
    """
    if isinstance(function, range):
        return function
    made = _wrapped(function)
    setattr(made, RULE, Rule(function, again=True))
    return made


def hooked(function: _Function, **hooks: _Function) -> _Function:
    """The function, with hooks for the adjoints of its variables: ``hooked(loss, z=lambda dz: np.clip(dz, -1, 1))``.

    A derivative calls a hook with the adjoint of what is assigned to the variable, and goes on with what the hook
    returns; a hook without ``return`` only looks at it. The calls stand in the generated code. Raises
    DifferentiationError for a hook that is not callable.

    >>> import numpy as np, symgrad
    >>> def loss(x):
    ...     z = 10 * x
    ...     return z * z
    >>> symgrad.grad(hooked(loss, z=lambda dz: min(dz, 1.0)))(3.0)
    10.0
    """
    base = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(base, "__code__", None)
    known = set() if code is None else set(_assigned(code))
    for name, hook in hooks.items():
        if not callable(hook):
            raise DifferentiationError(f"the hook for {name} is not callable", remedy="give a function of the adjoint")
        if name not in known and not hasattr(function, HOOKS):
            reason = f"the hook for {name} has nothing to look at: {base.__name__} does not assign {name}"
            raise DifferentiationError(reason, remedy="name a variable that the function assigns")
    return hooking(function, {name: functools.partial(_adjoint, hook) for name, hook in hooks.items()})


def _assigned(code: CodeType) -> Iterator[str]:
    """The variables that a function assigns."""
    for step in dis.get_instructions(code):
        if step.opname.startswith(("STORE_FAST", "STORE_DEREF")):
            yield from step.argval if isinstance(step.argval, tuple) else (step.argval,)


def _adjoint(hook: _Function, adjoint: Any) -> Any:
    """What a hook returns; the adjoint itself where it returns nothing."""
    found = hook(adjoint)
    return adjoint if found is None else found
