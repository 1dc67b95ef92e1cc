"""The roughness of series against their weighted moving averages, collected in lists."""

import numpy as np

ARGNUMS = ("series", "weights")
ANALYTIC = True


def smooth(series, weights):
    width = len(weights)
    rows = []
    for t in range(width, len(series) + 1):
        window = series[t - width : t]
        rows.append(weights @ window / np.sum(weights))
    return np.stack(rows)


def loss(series, weights):
    trend = smooth(series, weights)
    late = series[len(weights) - 1 :]
    errors = [np.sum((late[t] - trend[t]) ** 2) for t in range(len(trend))]
    steps = np.array([np.sqrt(1 + np.sum((trend[t + 1] - trend[t]) ** 2)) for t in range(len(trend) - 1)])
    return sum(errors) / len(errors) + np.mean(steps)


def arguments(rng, scale=1):
    return np.cumsum(rng.normal(size=(8 * scale, 2 + scale)), axis=0), rng.uniform(0.5, 1.5, size=2 + scale)
