"""symgrad: derivatives of NumPy functions, as readable NumPy source."""

from symgrad.api import (
    CacheInfo,
    Verification,
    VerificationFailed,
    cache_info,
    check_grads,
    clear_cache,
    custom_gradient,
    grad,
    hvp,
    value_and_grad,
    verify,
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
    "clear_cache",
    "custom_gradient",
    "grad",
    "hvp",
    "value_and_grad",
    "verify",
]
