"""The internal rate of return of a project: bisection, then one step of Newton's method from the first good guess."""

import numpy as np

ARGNUMS = ("cash", "highest")
ANALYTIC = False


def present_value(cash, rate):
    return np.sum(cash / (1 + rate) ** np.arange(len(cash)))


def slope(cash, rate):
    years = np.arange(len(cash))
    return -np.sum(years * cash / (1 + rate) ** (years + 1))


def rate_of_return(cash, highest, tolerance):
    low, high = 0.0, highest
    for _ in range(50):
        middle = (low + high) / 2
        value = present_value(cash, middle)
        if abs(value) < tolerance:
            return middle - value / slope(cash, middle)
        if value > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def loss(cash, highest, tolerance, wanted):
    return (rate_of_return(cash, highest, tolerance) - wanted) ** 2


def arguments(rng, scale=1):
    income = rng.uniform(0.6, 1.0, size=4 * scale)
    return np.concatenate([[-2.2 * scale], income]), 0.7, 0.04 * scale, 0.05
