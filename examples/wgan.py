"""A Wasserstein GAN with gradient penalty: a derivative inside of the loss that is differentiated.

Two networks play against each other (Arjovsky et al. 2017, Gulrajani et al. 2017). A critic learns to give real points
higher scores than generated ones, a generator learns to move its points to where the scores are high. The critic's
advantage estimates how far the two distributions are apart, provided that its slope is nowhere far from one. That is
what the gradient penalty is for: in the critic's loss

    mean score of generated - mean score of real + strength * mean (|slope of the score| - 1)²

the slope is itself a derivative, of the score with respect to the point. The program says so in the same place as the
formula: ``symgrad.grad`` inside of the loss. The gradient of that loss, with respect to the weights, needs second
derivatives of the network; symgrad derives them as formulas, and writes one function in NumPy for all of it.

The real points are eight clouds on a circle. The classic failure is to generate some of the clouds only.

    python examples/wgan.py                    # 3000 steps of the generator, 15,000 of the critic
    python examples/wgan.py --strength 10      # a stricter penalty
    python examples/wgan.py --short            # a few seconds: the points have begun to move to the circle
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import trange

import symgrad
from symgrad import optim

FIGURE = Path(__file__).parent / "out" / "wgan.png"
CLOUDS, RADIUS, SPREAD = 8, 2.0, 0.1
NOISE = 2  # coordinates of the noise that the generator makes points of
CRITIC_STEPS = 5  # for one of the generator
SAMPLE = 2000  # points that are compared and drawn

Params = list[tuple[np.ndarray, np.ndarray]]


# The two players, and what they want


def network(params, x):
    """A multilayer perceptron with tanh units; a row of ``x`` is a point."""
    for W, b in params[:-1]:
        x = np.tanh(x @ W + b)
    W, b = params[-1]
    return x @ W + b


def total_score(critic, points):
    """Its gradient with respect to the points has the slope of each point's score as its row."""
    return np.sum(network(critic, points))


def gradient_penalty(critic, points):
    slopes = symgrad.grad(total_score, argnums="points")(critic, points)
    norms = np.sqrt(np.sum(slopes**2, axis=1))
    return np.mean((norms - 1) ** 2)


def critic_loss(critic, real, generated, between, strength):
    advantage = np.mean(network(critic, real)) - np.mean(network(critic, generated))
    return strength * gradient_penalty(critic, between) - advantage


def generator_loss(generator, critic, noise):
    return -np.mean(network(critic, network(generator, noise)))


critic_gradient = symgrad.value_and_grad(critic_loss)
generator_gradient = symgrad.value_and_grad(generator_loss)
score_slopes = symgrad.grad(total_score, argnums="points")


# Data


def centres() -> np.ndarray:
    angles = 2 * np.pi * np.arange(CLOUDS) / CLOUDS
    return RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])


def clouds(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points of eight normal distributions around a circle."""
    return centres()[rng.integers(0, CLOUDS, count)] + SPREAD * rng.normal(size=(count, 2))


def points_between(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """On the line from a real point to a generated one: that is where the critic's slope has to be one."""
    part = rng.uniform(size=(len(real), 1))
    return part * real + (1 - part) * generated


def initial(widths: list[int], rng: np.random.Generator) -> Params:
    """Weights of variance one over the number of inputs, zero biases."""
    return [(rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairwise(widths)]


# Training


@dataclass
class Game:
    """The players, and per step of the generator: the critic's loss, and how steep its scores are."""

    generator: Params
    critic: Params
    losses: list[float] = field(default_factory=list)
    slopes: list[float] = field(default_factory=list)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return network(self.generator, rng.normal(size=(count, NOISE)))


def train(game: Game, steps: int, batch: int, strength: float, rng: np.random.Generator) -> None:
    """Play: some steps of the critic, one of the generator, and again; the learning rate falls to zero."""
    critic_optimizer = optim.Adam(optim.cosine_decay(1e-3, CRITIC_STEPS * steps), beta1=0.5, beta2=0.9)
    generator_optimizer = optim.Adam(optim.cosine_decay(1e-3, steps), beta1=0.5, beta2=0.9)
    critic_state, generator_state = critic_optimizer.init(game.critic), generator_optimizer.init(game.generator)
    # disable=None: no bar where the output is not a terminal
    for _ in trange(steps, unit="step", disable=None, leave=False):
        for _ in range(CRITIC_STEPS):
            real, generated = clouds(batch, rng), game.sample(batch, rng)
            between = points_between(real, generated, rng)
            loss, gradient = critic_gradient(game.critic, real, generated, between, strength)
            game.critic, critic_state = critic_optimizer.update(gradient, critic_state, game.critic)
        _, gradient = generator_gradient(game.generator, game.critic, rng.normal(size=(batch, NOISE)))
        game.generator, generator_state = generator_optimizer.update(gradient, generator_state, game.generator)
        game.losses.append(float(loss))
        game.slopes.append(float(np.mean(np.linalg.norm(score_slopes(game.critic, between), axis=1))))


# How good the points are


def sliced_wasserstein(first: np.ndarray, second: np.ndarray, directions: int = 64) -> float:
    """The mean distance between two sets of points, each sorted along a line; the mean over lines."""
    angles = np.pi * np.arange(directions) / directions
    lines = np.stack([np.cos(angles), np.sin(angles)])
    return float(np.mean(np.abs(np.sort(first @ lines, axis=0) - np.sort(second @ lines, axis=0))))


def found_clouds(points: np.ndarray) -> tuple[float, int]:
    """The share of points within four standard deviations of a centre, and how many clouds have enough of them."""
    distances = np.linalg.norm(points[:, None] - centres(), axis=2)
    near = distances.min(axis=1) < 4 * SPREAD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=CLOUDS)
    return float(np.mean(near)), int(np.sum(counts > 0.25 * len(points) / CLOUDS))


def print_row(name: str, points: np.ndarray, real: np.ndarray) -> tuple[float, int]:
    distance, (share, number) = sliced_wasserstein(points, real), found_clouds(points)
    print(f"{name:<28}{distance:>20.4f}{share:>20.3f}{number:>17}")
    return distance, number


# The figure


def draw(game: Game, before: np.ndarray, after: np.ndarray, real: np.ndarray, path: Path) -> None:
    figure = Figure(figsize=(11, 10), layout="constrained")
    figure.suptitle("Wasserstein GAN with gradient penalty: eight clouds of points (all axes without unit)")
    (first, second), (losses, slopes) = figure.subplots(2, 2)
    draw_points(first, real, before, "Before training")
    shown = draw_scores(second, game.critic)
    draw_points(second, real, after, f"After {len(game.losses)} steps, on the critic's scores")
    figure.colorbar(shown, ax=second, label="score (up to a constant)", shrink=0.85)
    draw_curve(losses, game.losses, "critic's loss", "Critic's loss (its negative estimates the distance)")
    losses.axhline(0, color="grey", linewidth=0.8)
    draw_curve(slopes, game.slopes, "mean norm of the score's slope", "Slope between real and generated points")
    slopes.axhline(1, color="grey", linewidth=0.8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def draw_points(axes, real: np.ndarray, generated: np.ndarray, title: str) -> None:
    axes.scatter(*real.T, s=5, alpha=0.5, color="C0", label="real")
    axes.scatter(*generated.T, s=5, alpha=0.5, color="C1", label="generated")
    axes.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
    axes.set_title(title)
    axes.legend(loc="upper right", markerscale=3)


def draw_scores(axes, critic: Params):
    x, y = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-3, 3, 121))
    scores = network(critic, np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    return axes.contourf(x, y, scores - scores.mean(), levels=20, cmap="Greys", alpha=0.6)


def draw_curve(axes, values: list[float], label: str, title: str) -> None:
    axes.plot(range(1, len(values) + 1), values, linewidth=0.8)
    axes.set(xlabel="step of the generator", ylabel=label, title=title)
    axes.grid(alpha=0.3)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=3000, help="steps of the generator")
    parser.add_argument("--batch", type=int, default=64, help="points per step")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 64], help="hidden units of each layer")
    parser.add_argument("--strength", type=float, default=0.1, help="of the gradient penalty")
    parser.add_argument("--short", action="store_true", help="200 steps at most")
    parser.add_argument("--seed", type=int, default=0, help="of the points, the noise and the weights")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivatives(game: Game, rng: np.random.Generator) -> None:
    """Print the code for the critic, and compare both gradients with differences, for a few points."""
    real, generated = clouds(3, rng), game.sample(3, rng)
    example = game.critic, real, generated, points_between(real, generated, rng), 0.1
    print("The critic's loss and its gradient, second derivatives and all, as symgrad wrote them:\n")
    print(critic_gradient.source(*example))
    symgrad.check_grads(critic_loss, example)
    symgrad.check_grads(generator_loss, (game.generator, game.critic, rng.normal(size=(3, NOISE))))
    print("Differences of both losses agree with their gradients, with respect to all arguments.\n")


def main() -> None:
    chosen = options()
    rng = np.random.default_rng(chosen.seed)
    game = Game(initial([NOISE, *chosen.hidden, 2], rng), initial([2, *chosen.hidden, 1], rng))
    show_derivatives(game, rng)
    real, before = clouds(SAMPLE, rng), game.sample(SAMPLE, rng)
    steps = min(chosen.steps, 200) if chosen.short else chosen.steps
    train(game, steps, chosen.batch, chosen.strength, rng)
    after = game.sample(SAMPLE, rng)
    print(f"{'points':<28}{'sliced Wasserstein':>20}{'share near clouds':>20}{'clouds found':>17}")
    start, _ = print_row("generated, before training", before, real)
    end, number = print_row(f"generated, after {steps} steps", after, real)
    print_row("other real ones", clouds(SAMPLE, rng), real)
    draw(game, before, after, real, chosen.figure)
    print(f"\nPoints and curves: {chosen.figure}")
    print(f"result: sliced Wasserstein distance {start:.3f} -> {end:.3f}, {number} of {CLOUDS} clouds found")


if __name__ == "__main__":
    main()
