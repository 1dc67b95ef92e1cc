"""A rational function fitted to data: numerator and denominator by Horner's rule."""

import numpy as np

ARGNUMS = ("numerator", "denominator", "x")
ANALYTIC = True


def polynomial(coeffs, x):
    p = np.zeros_like(x)
    for c in coeffs:
        p = p * x + c
    return p


def loss(numerator, denominator, x, y):
    fitted = polynomial(numerator, x) / (1 + x**2 * polynomial(denominator, x) ** 2)
    return np.mean((fitted - y) ** 2)


def arguments(rng, scale=1):
    n = 6 * scale
    x = np.linspace(-1, 1, n) + 0.05 * rng.normal(size=n)
    return rng.normal(size=2 + scale), rng.normal(size=1 + scale), x, rng.normal(size=n)
