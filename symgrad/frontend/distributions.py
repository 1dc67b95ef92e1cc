"""Distributions: what the methods of generators of random numbers take, and the types of what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symgrad.ir.tensor import Kind


@dataclass(frozen=True)
class Distribution:
    """Parameters with values for which it exists, in the order of the method; how loc and scale make the numbers."""

    parameters: Mapping[str, float]
    formula: str = ""


SHIFTED, SCALED, BETWEEN = "loc + scale * z", "scale * z", "low + (high - low) * z"
DISTRIBUTIONS: Mapping[str, Distribution] = {
    **{name: Distribution({"loc": 0.0, "scale": 1.0}, SHIFTED) for name in ("normal", "laplace", "gumbel", "logistic")},
    **{name: Distribution({"scale": 1.0}, SCALED) for name in ("exponential", "rayleigh")},
    **{
        name: Distribution({})
        for name in ("random", "random_sample", "standard_normal", "standard_exponential", "standard_cauchy")
    },
    **{name: Distribution({"a": 2.0}) for name in ("pareto", "power", "weibull", "zipf")},
    **{name: Distribution({"p": 0.5}) for name in ("geometric", "logseries")},
    **{name: Distribution({"n": 2, "p": 0.5}) for name in ("binomial", "negative_binomial")},
    **{name: Distribution({"df": 3.0}) for name in ("chisquare", "standard_t")},
    "uniform": Distribution({"low": 0.0, "high": 1.0}, BETWEEN),
    "poisson": Distribution({"lam": 1.0}),
    "gamma": Distribution({"shape": 1.0, "scale": 1.0}),
    "standard_gamma": Distribution({"shape": 1.0}),
    "beta": Distribution({"a": 1.0, "b": 1.0}),
    "f": Distribution({"dfnum": 2.0, "dfden": 2.0}),
    "noncentral_chisquare": Distribution({"df": 2.0, "nonc": 1.0}),
    "noncentral_f": Distribution({"dfnum": 2.0, "dfden": 2.0, "nonc": 1.0}),
    "hypergeometric": Distribution({"ngood": 2, "nbad": 2, "nsample": 2}),
    "lognormal": Distribution({"mean": 0.0, "sigma": 1.0}),
    "triangular": Distribution({"left": 0.0, "mode": 1.0, "right": 2.0}),
    "vonmises": Distribution({"mu": 0.0, "kappa": 1.0}),
    "wald": Distribution({"mean": 1.0, "scale": 1.0}),
    "integers": Distribution({"low": 1, "high": 3}),
    "randint": Distribution({"low": 1, "high": 3}),
}
OTHERS: Mapping[str, tuple[str, ...]] = {
    "random": ("dtype", "out"),
    "standard_normal": ("dtype", "out"),
    "standard_exponential": ("dtype", "method", "out"),
    "standard_gamma": ("dtype", "out"),
    "integers": ("dtype", "endpoint"),
    "randint": ("dtype",),
}
"""What comes after ``size``."""
PYTHON: Mapping[str, Sequence[float]] = {
    **dict.fromkeys(("random",), ()),
    **dict.fromkeys(("uniform", "gauss", "normalvariate", "lognormvariate", "betavariate", "gammavariate"), (1.0, 2.0)),
    **dict.fromkeys(("expovariate", "paretovariate"), (1.0,)),
    **dict.fromkeys(("randint", "randrange"), (1, 3)),
    "getrandbits": (3,),
}
"""Methods of Python's own generators, with arguments that they take."""


@lru_cache(maxsize=512)
def kind_of(source: type, name: str, is_number: bool, options: tuple[tuple[str, object], ...]) -> Kind:
    """The dtype of a draw, or the type of a number."""
    values = DISTRIBUTIONS[name].parameters.values()
    number = getattr(_generator(source), name)(*values, **dict(options), **({} if is_number else {"size": 1}))
    return type(number) if type(number) in {float, int} else np.dtype(number.dtype)


def number_kind(source: type) -> Kind:
    """The type of one number that ``choice`` gives."""
    number = _generator(source).choice(3)
    return int if type(number) is int else np.dtype(number.dtype)


def _generator(source: type) -> Any:
    """A generator of the compiler's own."""
    return np.random.default_rng(0) if issubclass(source, np.random.Generator) else np.random.RandomState(0)
