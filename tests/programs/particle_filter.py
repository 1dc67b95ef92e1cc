"""The negative log-likelihood of a stochastic volatility model by a particle filter with given draws."""

import numpy as np

ARGNUMS = ("persistence", "log_sigma", "log_scale")
ANALYTIC = True


def log_sum_exp(x):
    m = x.max()
    return m + np.log(np.sum(np.exp(x - m)))


def loss(persistence, log_sigma, log_scale, returns, start, noise, ancestors, every):
    sigma = np.exp(log_sigma)
    n = len(start)
    x = sigma / np.sqrt(1 - persistence**2) * start
    log_w = np.full(n, -np.log(n))
    total = 0.0
    for t, r in enumerate(returns):
        x = persistence * x + sigma * noise[t]
        log_variance = 2 * log_scale + x
        log_w = log_w - 0.5 * (np.log(2 * np.pi) + log_variance + r**2 * np.exp(-log_variance))
        evidence = log_sum_exp(log_w)
        total += evidence
        log_w = log_w - evidence
        if t % every == every - 1:
            x = x[ancestors[t]]
            log_w = np.full(n, -np.log(n))
    return -total


def arguments(rng, scale=1):
    steps, n = 6 * scale, 5 * scale
    draws = rng.normal(size=n), rng.normal(size=(steps, n)), rng.integers(0, n, size=(steps, n))
    return 0.8, -0.7, float(rng.normal(0, 0.2)), rng.normal(size=steps), *draws, 3
