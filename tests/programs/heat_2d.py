"""The heat equation on an insulated plate of varying conductivity, fitted to sensors."""

import numpy as np

ARGNUMS = ("u0", "kappa")
ANALYTIC = True


def diffuse(u, kappa, dt):
    """One explicit step; ``u`` is overwritten."""
    laplacian = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
    u[1:-1, 1:-1] += dt * kappa[1:-1, 1:-1] * laplacian
    u[0, :] = u[1, :]
    u[-1, :] = u[-2, :]
    u[:, 0] = u[:, 1]
    u[:, -1] = u[:, -2]


def loss(u0, kappa, dt, steps, rows, columns, measured):
    u = u0.copy()
    for _ in range(steps):
        diffuse(u, kappa, dt)
    return 0.5 * np.sum((u[rows, columns] - measured) ** 2)


def arguments(rng, scale=1):
    height, width, sensors = 4 + scale, 5 + scale, 4 * scale
    u0, kappa = rng.normal(size=(height, width)), rng.uniform(0.5, 1.5, size=(height, width))
    rows, columns = rng.integers(0, height, sensors), rng.integers(0, width, sensors)
    return u0, kappa, 0.15, 4 * scale, rows, columns, rng.normal(size=sensors)
