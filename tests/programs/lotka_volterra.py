"""Predators and prey by the classical Runge-Kutta method, fitted to observed populations."""

import numpy as np

ARGNUMS = ("params", "start")
ANALYTIC = True


def rates(state, params):
    prey, predators = state
    alpha, beta, delta, gamma = params
    return np.array([alpha * prey - beta * prey * predators, delta * prey * predators - gamma * predators])


def rk4(f, y, params, dt):
    k1 = f(y, params)
    k2 = f(y + dt / 2 * k1, params)
    k3 = f(y + dt / 2 * k2, params)
    k4 = f(y + dt * k3, params)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def loss(params, start, dt, observed):
    y = start
    total = 0.0
    for k in range(len(observed)):
        y = rk4(rates, y, params, dt)
        total += np.sum((y - observed[k]) ** 2)
    return total / len(observed)


def arguments(rng, scale=1):
    params = np.array([1.1, 0.4, 0.2, 0.6]) * (1 + 0.1 * rng.normal(size=4))
    start = np.array([3.0, 1.5]) + 0.2 * rng.normal(size=2)
    return params, start, 0.1, np.array([4.0, 2.0]) + 0.3 * rng.normal(size=(8 * scale, 2))
