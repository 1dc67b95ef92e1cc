"""Grains that sink in water: the law of drag depends on how fast they are."""

import numpy as np

ARGNUMS = ("diameters", "density", "log_viscosity")
ANALYTIC = False
WATER = 1.0


def drag_coefficient(reynolds):
    if reynolds < 1:
        drag = 24 / reynolds
    elif reynolds < 10:
        drag = 24 / reynolds * (1 + 0.15 * reynolds**0.687)
    else:
        drag = 1.2 + 20 / (reynolds + 5)
    return drag


def loss(diameters, density, log_viscosity, dt, steps, depths):
    viscosity = np.exp(log_viscosity)
    total = 0.0
    for k in range(len(diameters)):
        d = diameters[k]
        v = 0.05
        depth = 0.0
        for _ in range(steps):
            drag = drag_coefficient(WATER * v * d / viscosity)
            v += dt * ((density - WATER) / density - 0.75 * drag * WATER * v**2 / (density * d))
            depth += dt * v
        total += (depth - depths[k]) ** 2
    return total / len(diameters)


def arguments(rng, scale=1):
    n = 3 * scale
    diameters = np.linspace(0.2, 1.6, n) + 0.01 * rng.normal(size=n)
    return diameters, 2.6, -3.2, 0.1, 10 * scale, scale * rng.uniform(0.1, 0.5, size=n)
