"""Runs every example and tables their results.

The other scripts of this directory run one after the other, each in a process of its own, as a user would run them.
Each must succeed and end with a line ``result: ...``; the table has these lines, and how long each script took.

    python examples/run_all.py              # everything, in full
    python examples/run_all.py --short      # a few seconds for each
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

HERE = Path(__file__).parent
PREFIX = "result: "


@dataclass(frozen=True)
class Outcome:
    """What one script did: how long it took, what it found, and what went wrong, if anything did."""

    name: str
    seconds: float
    result: str
    trouble: str = ""


def scripts(directory: Path) -> list[Path]:
    """The scripts of a directory but for this one; a module without a main program is a part of others."""
    others = sorted(path for path in directory.glob("*.py") if path.name != Path(__file__).name)
    return [path for path in others if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")]


def run(script: Path, flags: Iterable[str]) -> Outcome:
    begin = time.perf_counter()
    command = [sys.executable, script, *flags]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    seconds = time.perf_counter() - begin
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode:
        return Outcome(script.name, seconds, f"FAILED with status {done.returncode}", done.stderr)
    if not last.startswith(PREFIX):
        return Outcome(script.name, seconds, "FAILED: the last line is no result", done.stdout)
    return Outcome(script.name, seconds, last.removeprefix(PREFIX))


def run_each(paths: list[Path], flags: Iterable[str]) -> list[Outcome]:
    outcomes = []
    with tqdm(total=len(paths), unit="script", disable=None, leave=False) as bar:
        for path in paths:
            bar.set_description(path.stem)
            outcomes.append(run(path, flags))
            with tqdm.external_write_mode():
                print_row(outcomes[-1], max(len(other.name) for other in paths))
            bar.update()
    return outcomes


def print_row(outcome: Outcome, width: int) -> None:
    print(f"{outcome.name:<{width}}  {outcome.seconds:7.1f} s  {outcome.result}", flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="pass --short to every script")
    parser.add_argument("--directory", type=Path, default=HERE, help="where the scripts are")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    outcomes = run_each(scripts(chosen.directory), ["--short"] if chosen.short else [])
    failed = [outcome for outcome in outcomes if outcome.trouble]
    for outcome in failed:
        print(f"\n{outcome.name}: {outcome.result}\n{outcome.trouble}", file=sys.stderr)
    total = sum(outcome.seconds for outcome in outcomes)
    print(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} examples succeeded in {total:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
