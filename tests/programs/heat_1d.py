"""The heat equation on a rod, by explicit steps in place: initial temperature and diffusivity from a measurement."""

import numpy as np

ARGNUMS = ("u0", "alpha")
ANALYTIC = True


def loss(u0, alpha, dt, dx, steps, measured):
    u = u0.copy()
    a = alpha * dt / dx**2
    for _ in range(steps):
        u[1:-1] += a * (u[2:] - 2 * u[1:-1] + u[:-2])
    return dx * np.sum((u - measured) ** 2)


def arguments(rng, scale=1):
    n = 8 * scale
    dx = 1 / n
    return rng.normal(size=n), 0.7, 0.3 * dx**2, dx, 5 * scale, rng.normal(size=n)
