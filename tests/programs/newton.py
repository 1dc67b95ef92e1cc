"""An orbit fitted to positions: Kepler's equation is solved by Newton's method for every time."""

import numpy as np

ARGNUMS = ("axis", "eccentricity", "period")
ANALYTIC = True
TOLERANCE = 1e-12


def eccentric_anomaly(M, e):
    E = M + e * np.sin(M)
    f = E - e * np.sin(E) - M
    while abs(f) > TOLERANCE:
        E = E - f / (1 - e * np.cos(E))
        f = E - e * np.sin(E) - M
    return E


def loss(axis, eccentricity, period, times, positions):
    total = 0.0
    for k in range(len(times)):
        E = eccentric_anomaly(2 * np.pi * times[k] / period, eccentricity)
        x = axis * (np.cos(E) - eccentricity)
        y = axis * np.sqrt(1 - eccentricity**2) * np.sin(E)
        total += (x - positions[k, 0]) ** 2 + (y - positions[k, 1]) ** 2
    return total / len(times)


def arguments(rng, scale=1):
    times = np.sort(rng.uniform(0.3, 4, size=5 * scale))
    return 1.3, float(rng.uniform(0.3, 0.6)), 5.0, times, rng.normal(size=(5 * scale, 2))
