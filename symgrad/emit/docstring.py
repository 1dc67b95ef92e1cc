"""The docstring of a generated function: what it is, of what, for which signature."""

from __future__ import annotations

from symgrad.ir.program import Program
from symgrad.ir.signature import Arg, ArrayArg, NumberArg, Request, Signature

TRANSFORMS = {
    "grad": "Gradient",
    "value_and_grad": "Value and gradient",
    "elementwise_grad": "Gradient of the sum",
    "hvp": "Hessian-vector product",
}


def docstring(program: Program, request: Request, signature: Signature) -> str:
    """Two or more lines of text."""
    wrt = request.argnums if isinstance(request.argnums, tuple) else (request.argnums,)
    names = ", ".join(signature.names[k] if isinstance(k, int) and k < len(signature.names) else str(k) for k in wrt)
    head = f"{program.name} with its derivatives written out."
    if request.transform in TRANSFORMS:
        head = f"{TRANSFORMS[request.transform]} of {program.name} with respect to {names}."
    types = ", ".join(f"{access}: {_type(arg)}" for access, arg in signature.leaves() if _type(arg))
    return f"{head}\n\n{types}\n" if types else head


def _type(arg: Arg) -> str:
    match arg:
        case ArrayArg(dtype, _, True):
            return dtype
        case ArrayArg(dtype, ones):
            return f"{dtype}[{', '.join('1' if one else ':' for one in ones)}]"
        case NumberArg(kind):
            return kind
    return ""
