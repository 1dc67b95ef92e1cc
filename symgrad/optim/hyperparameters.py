"""Checks of hyperparameters, which are kept as Python floats: a NumPy float64 would widen float32 parameters."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from symgrad.errors import ArgumentError

Rate = float | Callable[[int], float]
"""A learning rate, or a function that gives it for the number of updates made before."""


def at_least_zero(owner: str, name: str, value: Any) -> float:
    """The value as a finite float that is not negative; ArgumentError (a TypeError) or ValueError otherwise."""
    number = as_float(owner, name, value)
    if not 0 <= number < float("inf"):
        raise ValueError(f"{owner}: {name} is {value}; it has to be finite and not negative")
    return number


def positive(owner: str, name: str, value: Any) -> float:
    """The value as a finite float greater than zero."""
    if at_least_zero(owner, name, value) == 0:
        raise ValueError(f"{owner}: {name} is {value}; it has to be greater than zero")
    return float(value)


def fraction(owner: str, name: str, value: Any) -> float:
    """The value as a float that is at least zero and less than one."""
    if at_least_zero(owner, name, value) >= 1:
        raise ValueError(f"{owner}: {name} is {value}; it has to be at least zero and less than one")
    return float(value)


def count(owner: str, name: str, value: Any) -> int:
    """The value as a whole number greater than zero."""
    number = positive(owner, name, value)
    if number != int(number):
        raise ValueError(f"{owner}: {name} is {value}; it has to be a whole number")
    return int(number)


def as_rate(owner: str, name: str, value: Any) -> Rate:
    """A learning rate that is not negative, or a schedule as it is."""
    return value if callable(value) else at_least_zero(owner, name, value)


def as_float(owner: str, name: str, value: Any) -> float:
    """The value of a real number, Python's or NumPy's."""
    if not isinstance(value, Real):
        raise ArgumentError(f"{owner}: {name} is a {type(value).__qualname__}", remedy="pass a number")
    return float(value)
