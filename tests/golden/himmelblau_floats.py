"""Himmelblau's function of two Python floats."""

ARGNUMS = (0, 1)


def loss(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def closed_form(x, y):
    a = x * x + y - 11
    b = x + y * y - 7
    return 4 * x * a + 2 * b, 2 * a + 4 * y * b


def example(rng):
    return 1.25, -0.75
