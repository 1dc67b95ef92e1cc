"""Ridge regression, and the derivative with respect to its weight."""

ARGNUMS = ("w", "strength")


def loss(w, X, y, strength):
    r = X @ w - y
    return r @ r / len(y) + strength * w @ w


def closed_form(w, X, y, strength):
    return 2 * X.T @ (X @ w - y) / len(y) + 2 * strength * w, w @ w


def example(rng):
    return rng.normal(size=3), rng.normal(size=(7, 3)), rng.normal(size=7), 0.3
