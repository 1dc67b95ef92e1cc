"""Himmelblau's function: four minima, and the paths that four methods take down to them.

f(x, y) = (x² + y - 11)² + (x + y² - 7)² has four minima, all of height zero, and between them four saddles and one
maximum. It is a classic for looking at how optimizers move. Here

* ``symgrad.grad`` derives the gradient, and ``symgrad.verify`` proves that it is the one that calculus gives,
* three optimizers of ``symgrad.optim`` walk down by it from several starts,
* Newton's method does the same with second derivatives, from ``symgrad.hvp``: it needs few steps, but it looks for a
  place where the gradient vanishes, and that may be a saddle.

    python examples/himmelblau.py                # twelve starts, 500 steps
    python examples/himmelblau.py --starts 30    # more of them
    python examples/himmelblau.py --short        # fewer steps
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "himmelblau.png"
EDGE = 5.5  # the figure shows the square from -EDGE to EDGE
NEAR = 1e-3

# To six decimals; the first is exact.
MINIMA = np.array([[3, 2], [-2.805118, 3.131313], [-3.779310, -3.283186], [3.584428, -1.848127]])

Paths = list[np.ndarray]


# The function, and its derivatives in closed form


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def closed_gradient(p):
    x, y = p
    a, b = x**2 + y - 11, x + y**2 - 7
    return np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])


def closed_hessian_product(p, v):
    x, y = p
    H = np.array([[12 * x**2 + 4 * y - 42, 4 * (x + y)], [4 * (x + y), 12 * y**2 + 4 * x - 26]])
    return H @ v


gradient = symgrad.grad(himmelblau)
hessian_product = symgrad.hvp(himmelblau)


# Ways down


def optimizer_path(optimizer: optim.Optimizer, start: np.ndarray, steps: int) -> np.ndarray:
    """The points that an optimizer of ``symgrad.optim`` visits."""
    p, state = start, optimizer.init(start)
    path = [p]
    for _ in range(steps):
        _, p, state = optimizer.minimize(himmelblau, p, state=state)
        path.append(p)
    return np.array(path)


def hessian(p: np.ndarray) -> np.ndarray:
    """The Hessian, column by column: its product with each unit vector."""
    return np.stack([hessian_product(p, unit) for unit in np.eye(len(p))], axis=1)


def newton_path(start: np.ndarray, steps: int) -> np.ndarray:
    """Newton's method, as it is in the book: no line search, and nothing that keeps it from saddles."""
    path = [start]
    for _ in range(steps):
        p = path[-1]
        path.append(p - np.linalg.solve(hessian(p), gradient(p)))
    return np.array(path)


def ways_down() -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    optimizers = {
        "gradient descent": optim.GradientDescent(0.01),
        "momentum": optim.Momentum(0.005, momentum=0.7),
        "Adam": optim.Adam(0.1),
    }
    ways = {
        name: lambda start, steps, optimizer=optimizer: optimizer_path(optimizer, start, steps)
        for name, optimizer in optimizers.items()
    }
    return {**ways, "Newton": newton_path}


def descend(starts: np.ndarray, steps: int) -> dict[str, Paths]:
    """The paths of every way down from every start."""
    ways = ways_down()
    paths: dict[str, Paths] = {name: [] for name in ways}
    with tqdm(total=len(ways) * len(starts), unit="path", disable=None, leave=False) as bar:
        for name, way in ways.items():
            for start in starts:
                paths[name].append(way(start, steps))
                bar.update()
    return paths


# Where they end


def place(p: np.ndarray) -> str:
    """What kind of place a point is: the Hessian's eigenvalues tell minima, saddles and maxima apart."""
    if np.linalg.norm(gradient(p)) > NEAR:
        return "still moving"
    upward = np.count_nonzero(np.linalg.eigvalsh(hessian(p)) > 0)
    return ("maximum", "saddle", "minimum")[upward]


def ends_in_minimum(path: np.ndarray) -> bool:
    return place(path[-1]) == "minimum"


def nearest_minimum(p: np.ndarray) -> int:
    return int(np.argmin(np.linalg.norm(MINIMA - p, axis=1)))


def steps_needed(path: np.ndarray) -> int:
    """After how many steps a path stays within ``NEAR`` of its end."""
    far = np.linalg.norm(path - path[-1], axis=1) > NEAR
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


def print_table(paths: dict[str, Paths]) -> None:
    print("Where the paths end, and after how many steps:\n")
    print(f"{'start':>16}" + "".join(f"{name:>32}" for name in paths))
    for one_of_each in zip(*paths.values(), strict=True):
        x, y = one_of_each[0][0]
        print(f"({x:6.2f}, {y:6.2f})" + "".join(f"{describe(path):>32}" for path in one_of_each))
    print()


def describe(path: np.ndarray) -> str:
    x, y = path[-1]
    return f"{place(path[-1])} ({x:.2f}, {y:.2f}) in {steps_needed(path)}"


# The figure


def heights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface on a grid: the function takes arrays for x and y, too."""
    x, y = np.meshgrid(np.linspace(-EDGE, EDGE, 221), np.linspace(-EDGE, EDGE, 221))
    return x, y, himmelblau((x, y))


def draw(paths: dict[str, Paths], path: Path) -> None:
    figure = Figure(figsize=(15, 9.5), layout="constrained")
    figure.suptitle("Himmelblau's function f(x, y) = (x² + y - 11)² + (x + y² - 7)²; all coordinates without unit")
    draw_surface(figure.add_subplot(2, 3, 1, projection="3d"))
    for place_in_grid, (name, each) in zip((2, 3, 5, 6), paths.items(), strict=True):
        draw_paths(figure.add_subplot(2, 3, place_in_grid), name, each)
    draw_progress(figure.add_subplot(2, 3, 4), paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def draw_surface(axes) -> None:
    x, y, height = heights()
    axes.plot_surface(x, y, np.log10(1 + height), cmap="viridis", rcount=70, ccount=70, linewidth=0)
    axes.set(xlabel="x", ylabel="y", zlabel="log₁₀(1 + f)", title="The surface")
    axes.view_init(elev=40, azim=-60)


def draw_paths(axes, name: str, paths: Paths) -> None:
    x, y, height = heights()
    axes.contourf(x, y, np.log10(1 + height), levels=30, cmap="Greys", alpha=0.6)
    axes.contour(x, y, height, levels=[1, 5, 20, 50, 100, 180, 300, 600], colors="grey", linewidths=0.6)
    for path in paths:
        color = f"C{nearest_minimum(path[-1])}" if ends_in_minimum(path) else "black"
        axes.plot(*path.T, ".-", color=color, markersize=4, linewidth=1)
        axes.plot(*path[0], "ko", markersize=5)
    axes.scatter(*MINIMA.T, marker="*", s=220, c=[f"C{k}" for k in range(4)], edgecolor="black", zorder=3)
    axes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xlabel="x", ylabel="y", aspect="equal")
    arrived = sum(map(ends_in_minimum, paths))
    axes.set_title(f"{name}: {arrived} of {len(paths)} reach a star" + ("" if arrived == len(paths) else ", not black"))


def draw_progress(axes, paths: dict[str, Paths]) -> None:
    for name, each in paths.items():
        values = [[himmelblau(p) for p in path] for path in each if ends_in_minimum(path)]
        if values:
            axes.semilogy(np.maximum(np.median(values, axis=0), 1e-30), label=name)
    axes.set(
        xlabel="step", ylabel="f, median of the paths to minima", title="Descent", xlim=(0, 200), ylim=(1e-30, None)
    )
    axes.grid(alpha=0.3)
    axes.legend()


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--starts", type=int, default=12, help="how many random starts")
    parser.add_argument("--steps", type=int, default=500, help="steps of every method")
    parser.add_argument("--seed", type=int, default=3, help="seed of the starts")
    parser.add_argument("--short", action="store_true", help="300 steps only")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivatives(p: np.ndarray) -> None:
    print("The gradient, as symgrad wrote it:\n")
    print(gradient.source(p))
    print("Compared with calculus:", symgrad.verify(gradient, closed_gradient, p), "\n")
    print("The Hessian times a vector v:\n")
    print(hessian_product.source(p, p))
    print("Compared with calculus:", symgrad.verify(hessian_product, closed_hessian_product, p, p), "\n")


def main() -> None:
    chosen = options()
    starts = np.random.default_rng(chosen.seed).uniform(-5, 5, size=(chosen.starts, 2))
    show_derivatives(starts[0])
    paths = descend(starts, 300 if chosen.short else chosen.steps)
    print_table(paths)
    draw(paths, chosen.figure)
    print(f"Surface and paths: {chosen.figure}")
    ends = [path[-1] for each in paths.values() for path in filter(ends_in_minimum, each)]
    found = len({nearest_minimum(p) for p in ends})
    worst = max(himmelblau(p) for p in ends)
    print(
        f"result: {found} of 4 minima found; {len(ends)} of {4 * len(starts)} paths end in one, with f <= {worst:.1e}"
    )


if __name__ == "__main__":
    main()
