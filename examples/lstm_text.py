"""An LSTM that learns to write nursery rhymes, character by character.

The network is a plain NumPy loop over time: at each character a cell updates its states and says how likely each
character is to come next. symgrad differentiates the loop as it is and writes another one that runs backwards through
time; the program prints it. Training is Adam with the gradient clipped by its global norm, and a sample shows now and
then what the network has learned: first letters, then words, then verses.

The text is so short that the network ends up knowing it nearly by heart. What it needs per character, in bits, is
compared with what counting letters, pairs or triples of letters would give.

    python examples/lstm_text.py
    python examples/lstm_text.py --text book.txt --steps 20000 --units 128     # a text of your own
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import symgrad
from symgrad import optim

HERE = Path(__file__).parent
TEXT = HERE / "data" / "rhymes.txt"
FIGURE = HERE / "out" / "lstm_text.png"
STREAMS, WINDOW = 16, 32  # places of the text that are read at once, and characters that a gradient looks back
LARGEST_NORM = 0.5  # of a gradient

Params = dict[str, np.ndarray]


# The network and its loss


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cell(params, x, h, c):
    """The states ``h`` and ``c`` after the characters ``x``, a row per stream: input, forget and output gate."""
    i, f, o, g = np.split(params["Wx"][x] + h @ params["Wh"] + params["b"], 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def log_probabilities(params, h):
    """Of each character to be the next one."""
    z = h @ params["Wy"] + params["by"]
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(params, h, c, text):
    """Mean cross entropy (nats) of each character of ``text``, a column per stream, given those before; the states."""
    total = 0.0
    for t in range(len(text) - 1):
        h, c = cell(params, text[t], h, c)
        logp = log_probabilities(params, h)
        total -= np.mean(logp[np.arange(len(logp)), text[t + 1]])
    return total / (len(text) - 1), (h, c)


# The states come out beside the value: the next window of text goes on from them.
loss_and_gradient = symgrad.value_and_grad(loss, has_aux=True)


def initial(characters: int, units: int, rng: np.random.Generator) -> Params:
    """Random weights; biases of zero, of one for the forget gates, which are to remember at first."""
    b = np.zeros(4 * units)
    b[units : 2 * units] = 1
    return {
        "Wx": 0.1 * rng.normal(size=(characters, 4 * units)),
        "Wh": rng.normal(size=(units, 4 * units)) / np.sqrt(units),
        "b": b,
        "Wy": rng.normal(size=(units, characters)) / np.sqrt(units),
        "by": np.zeros(characters),
    }


# The text


@dataclass(frozen=True)
class Text:
    """A text, its characters in order, and the text as their numbers."""

    characters: str
    codes: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Text:
        text = path.read_text(encoding="utf-8")
        characters = "".join(sorted(set(text)))
        return cls(characters, np.array([characters.index(character) for character in text]))

    def spelled(self, codes: list[int]) -> str:
        return "".join(self.characters[code] for code in codes)

    def windows(self) -> Iterator[tuple[bool, np.ndarray]]:
        """Stretches of the text for ever, a column per stream, and whether the streams start anew."""
        length = (len(self.codes) - 1) // STREAMS
        streams = np.column_stack([self.codes[k * length : (k + 1) * length + 1] for k in range(STREAMS)])
        while True:
            for start in range(0, length - WINDOW + 1, WINDOW):
                yield start == 0, streams[start : start + WINDOW + 1]

    def bits_by_counting(self, before: int) -> float:
        """Bits per character if only ``before`` characters before it are known, and all counts of the text are."""
        codes = self.codes.tolist()
        places = range(before, len(codes))
        contexts = Counter(tuple(codes[k - before : k]) for k in places)
        wholes = Counter(tuple(codes[k - before : k + 1]) for k in places)
        return -sum(n * np.log2(n / contexts[whole[:-1]]) for whole, n in wholes.items()) / len(places)


# Training and writing


@dataclass
class Training:
    """What training has come to: the bits per character and the gradient's norm at each step."""

    params: Params
    bits: list[float]
    norms: list[float]


def train(text: Text, params: Params, steps: int, report: int, rng: np.random.Generator) -> Training:
    """Adam, from a rate that falls to zero; a row and a sample every ``report`` steps."""
    optimizer = optim.Adam(optim.cosine_decay(0.01, steps))
    training, state = Training(params, [], []), optimizer.init(params)
    windows = text.windows()
    # disable=None: no bar where the output is not a terminal
    for step in tqdm(range(1, steps + 1), unit="step", disable=None, leave=False):
        anew, window = next(windows)
        if anew:
            h = c = np.zeros((STREAMS, len(params["Wh"])))
        (value, (h, c)), gradient = loss_and_gradient(training.params, h, c, window)
        gradient, norm = optim.clip_by_global_norm(gradient, LARGEST_NORM)
        training.params, state = optimizer.update(gradient, state, training.params, in_place=True)
        training.bits.append(value / np.log(2))
        training.norms.append(norm)
        if step % report == 0:
            print_progress(text, training, rng)
    return training


def sample(params: Params, text: Text, length: int, rng: np.random.Generator) -> str:
    """What the network writes, character by character, drawn by its probabilities squared: likely ones gain."""
    h = c = np.zeros((1, len(params["Wh"])))
    codes = [int(text.codes[0])]
    while len(codes) < length:
        h, c = cell(params, codes[-1:], h, c)
        p = np.exp(2 * log_probabilities(params, h)[0])
        codes.append(int(rng.choice(len(p), p=p / p.sum())))
    return text.spelled(codes)


def one_line(written: str) -> str:
    return " / ".join(line for line in written.splitlines() if line)


def recent(values: list[float]) -> float:
    """The mean over the last ten steps, which is once through the rhymes."""
    return float(np.mean(values[-10:]))


def print_progress(text: Text, training: Training, rng: np.random.Generator) -> None:
    written = one_line(sample(training.params, text, 65, rng))
    with tqdm.external_write_mode():
        print(
            f"{len(training.bits):>6}{recent(training.bits):>9.3f}{recent(training.norms):>8.2f}  {written}", flush=True
        )


# The figure


def draw(training: Training, counted: dict[str, float], path: Path) -> None:
    """Bits per character and the gradient's norm at each step."""
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.5, 1))
    steps = range(1, len(training.bits) + 1)
    upper.plot(steps, training.bits, linewidth=1, label="LSTM")
    for k, (name, bits) in enumerate(counted.items(), start=1):
        upper.axhline(bits, color=f"C{k}", linestyle="--", linewidth=1, label=f"{name}: {bits:.2f}")
    upper.set(ylabel="loss (bits per character)", ylim=(0, None), title="An LSTM learns nursery rhymes")
    upper.legend()
    lower.semilogy(steps, training.norms, linewidth=0.8)
    lower.axhline(LARGEST_NORM, color="black", linewidth=1, label="clipped to this")
    lower.set(xlabel="step", ylabel="norm of the gradient", title="The gradient's global norm, before clipping")
    lower.legend()
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


# The program


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="An LSTM that learns to write nursery rhymes, character by character.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--text", type=Path, default=TEXT, help=f"at least {STREAMS * WINDOW + 1} characters")
    parser.add_argument("--units", type=int, default=64, help="hidden units")
    parser.add_argument("--steps", type=int, default=1200, help="steps of training")
    parser.add_argument("--short", action="store_true", help="at most 250 steps")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the samples")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save the figure")
    return parser.parse_args()


def show_derivative(params: Params, text: Text) -> None:
    h = np.zeros((STREAMS, len(params["Wh"])))
    _, window = next(text.windows())
    print("The loss and its gradient, as symgrad wrote them: a loop through the text, and one back.\n")
    print(loss_and_gradient.source(params, h, h, window))


def count(text: Text) -> dict[str, float]:
    """Bits per character of simpler models, by what they go by."""
    counted = {f"any of {len(text.characters)} characters": float(np.log2(len(text.characters)))}
    known = ("frequencies of characters", "one character before", "two characters before")
    return counted | {name: text.bits_by_counting(before) for before, name in enumerate(known)}


def main() -> None:
    chosen = options()
    rng = np.random.default_rng(chosen.seed)
    text = Text.read(chosen.text)
    params = initial(len(text.characters), chosen.units, rng)
    show_derivative(params, text)
    counted = count(text)
    print(f"{chosen.text.name}: {len(text.codes):,} characters. Bits per character, by counting:\n")
    for name, bits in counted.items():
        print(f"{name:>28}{bits:>8.3f}")
    steps = min(chosen.steps, 250) if chosen.short else chosen.steps
    print(f"\n{'step':>6}{'bits':>9}{'norm':>8}  a sample")
    training = train(text, params, steps, max(1, steps // 10), rng)
    draw(training, counted, chosen.figure)
    clipped = sum(norm > LARGEST_NORM for norm in training.norms)
    print(f"\n{clipped} of {steps} gradients were clipped. The network writes:\n")
    written = sample(training.params, text, 400, rng)
    print(written)
    print(f"\nLoss and norms: {chosen.figure}")
    print(f"result: {recent(training.bits):.3f} bits per character after {steps} steps; {one_line(written[:70])}")


if __name__ == "__main__":
    main()
