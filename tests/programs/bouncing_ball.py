"""A ball that falls through air and bounces: its height and energy at the end."""

import numpy as np

ARGNUMS = ("height", "mass", "restitution")
ANALYTIC = False
GRAVITY = 9.81


class Ball:
    """A ball on the ground's own axis."""

    drag = 0.02

    def __init__(self, mass, restitution, dt):
        self.mass = mass
        self.restitution = restitution
        self.dt = dt

    def force(self, v):
        return -self.mass * GRAVITY - self.drag * v * np.abs(v)

    def step(self, y, v):
        v = v + self.dt * self.force(v) / self.mass
        y = y + self.dt * v
        if y < 0:
            y = -self.restitution * y
            v = -self.restitution * v
        return y, v

    def energy(self, y, v):
        return self.mass * (GRAVITY * y + v**2 / 2)


def loss(height, mass, restitution, dt, steps, wanted):
    ball = Ball(mass, restitution, dt)
    y, v = height, 0.0
    for _ in range(steps):
        y, v = ball.step(y, v)
    return (y - wanted) ** 2 + 0.1 * ball.energy(y, v)


def arguments(rng, scale=1):
    return float(rng.uniform(0.9, 1.1)), 0.4, 0.8, 0.02, 40 * scale, 0.5
