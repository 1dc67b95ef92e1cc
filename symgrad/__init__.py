"""symgrad: derivatives of NumPy functions, as readable NumPy source."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgrad.api import (
    CacheInfo,
    Verification,
    VerificationFailed,
    cache_info,
    check_grads,
    clear_cache,
    custom_gradient,
    elementwise_grad,
    grad,
    gradients,
    hvp,
    jvp,
    value_and_grad,
    verify,
    vjp,
)
from symgrad.custom import (
    checkpoint,
    custom_jvp,
    custom_vjp,
    hooked,
    primitive,
    register_differential,
    stop_gradient,
)
from symgrad.errors import (
    ArgumentError,
    DifferentiationError,
    InternalError,
    NoDerivative,
    NotYetSupported,
    ShapeError,
    SourceNotAvailable,
    SymgradError,
    SymgradWarning,
    UnsupportedSyntax,
)

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "CacheInfo",
    "DifferentiationError",
    "InternalError",
    "NoDerivative",
    "NotYetSupported",
    "ShapeError",
    "SourceNotAvailable",
    "SymgradError",
    "SymgradWarning",
    "UnsupportedSyntax",
    "Verification",
    "VerificationFailed",
    "cache_info",
    "check_grads",
    "checkpoint",
    "clear_cache",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "elementwise_grad",
    "grad",
    "gradients",
    "hooked",
    "hvp",
    "jvp",
    "optim",
    "primitive",
    "register_differential",
    "stop_gradient",
    "value_and_grad",
    "verify",
    "vjp",
]

if TYPE_CHECKING:
    from symgrad import optim
else:

    def __getattr__(name: str) -> Any:
        """``symgrad.optim``, imported when it is asked for: not every derivative is for training."""
        if name == "optim":
            return import_module("symgrad.optim")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
