"""Exponential smoothing with a trend (Holt): the weighted squares of its forecasts' errors."""

import numpy as np

ARGNUMS = ("alpha", "beta", "series")
ANALYTIC = True


def loss(alpha, beta, series, weights, discount):
    level = series[0]
    trend = series[1] - series[0]
    total = 0.0
    for age, (y, w) in enumerate(zip(series[1:], weights[1:], strict=True)):
        forecast = level + trend
        error = y - forecast
        total += w * discount**age * error**2
        level = forecast + alpha * error
        trend = trend + alpha * beta * error
    return total / np.sum(weights)


def arguments(rng, scale=1):
    n = 7 * scale
    return 0.4, 0.3, np.arange(n) * 0.5 + rng.normal(size=n), rng.uniform(0.5, 1, size=n), 0.95
