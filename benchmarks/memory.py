"""What a gradient of a loop keeps: the most memory of a call, in states of the loop."""

from __future__ import annotations

import tracemalloc

import numpy as np

import symgrad

SIZE = 1_000


def linear(x, a):
    """Ten thousand steps that are linear in the state: nothing of a step has to be kept."""
    for _ in range(10_000):
        x = 0.5 * x + a * np.roll(x, 1)
    return np.sum(x)


def diffusion(x):
    """The same in place."""
    u = x.copy()
    for _ in range(10_000):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def nonlinear(x):
    """A thousand steps that are not: one state of each is kept."""
    for _ in range(1_000):
        x = np.sin(x)
    return np.sum(x)


def peak(function, args):
    """The most memory that a warm call holds, in states."""
    derivative = symgrad.grad(function)
    derivative(*args)
    tracemalloc.start()
    derivative(*args)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / (8 * SIZE)


def main() -> None:
    x = np.linspace(0.0, 1.0, SIZE)
    for function, args in ((linear, (x, 0.3)), (diffusion, (x,)), (nonlinear, (x,))):
        print(f"{function.__name__:10} {peak(function, args):8.1f} states")


if __name__ == "__main__":
    main()
