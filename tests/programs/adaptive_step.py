"""The oscillator of van der Pol, by Heun's method with adaptive steps: some are accepted, some are rejected."""

import numpy as np

ARGNUMS = ("start", "damping", "end")
ANALYTIC = False


def rates(y, damping):
    return np.array([y[1], damping * (1 - y[0] ** 2) * y[1] - y[0]])


def integrate(y, damping, end, tolerance):
    t = 0.0
    h = 0.5
    while end - t > 1e-10:
        h = min(h, end - t)
        k1 = rates(y, damping)
        k2 = rates(y + h * k1, damping)
        error = h / 2 * np.sqrt(np.mean((k2 - k1) ** 2))
        if error <= tolerance:
            t += h
            y = y + h / 2 * (k1 + k2)
        h *= min(2.0, max(0.3, 0.8 * np.sqrt(tolerance / error)))
    return y


def loss(start, damping, end, tolerance, wanted):
    return np.sum((integrate(start, damping, end, tolerance) - wanted) ** 2)


def arguments(rng, scale=1):
    start = np.array([1.5, -0.5]) + 0.1 * rng.normal(size=2)
    return start, 1.2, 1.5 * scale, 0.03, rng.normal(size=2)
