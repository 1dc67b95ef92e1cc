"""Bodies that attract each other, by the leapfrog method: the distance from where they were seen."""

import numpy as np

ARGNUMS = ("x", "v", "masses")
ANALYTIC = True
SOFTENING = 0.1


def accelerations(x, masses):
    d = x[None, :, :] - x[:, None, :]
    r2 = np.sum(d**2, axis=2) + SOFTENING**2
    return np.sum(masses[None, :, None] * d / r2[:, :, None] ** 1.5, axis=1)


def loss(x, v, masses, dt, steps, seen):
    x = x.copy()
    v = v.copy()
    a = accelerations(x, masses)
    for _ in range(steps):
        v += 0.5 * dt * a
        x += dt * v
        a = accelerations(x, masses)
        v += 0.5 * dt * a
    return np.sum((x - seen) ** 2) / len(masses)


def arguments(rng, scale=1):
    n = 3 * scale
    angles = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    x = n * ring / 2 + 0.2 * rng.normal(size=(n, 3))
    v = 0.3 * rng.normal(size=(n, 3))
    return x, v, rng.uniform(0.5, 1.5, size=n), 0.05, 6 * scale, x + 0.5 * rng.normal(size=(n, 3))
