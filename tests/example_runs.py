"""Running the examples as a user does: in a process of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script: str, *flags: str | Path) -> str:
    """What ``examples/script`` prints; it must succeed, draw no progress bar (this is no terminal) and not warn."""
    command = [sys.executable, EXAMPLES / script, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\d%\||/s\]|Warning", done.stderr), f"a progress bar or a warning: {done.stderr}"
    return done.stdout


def result(output: str) -> str:
    """What the last line of the output gives as the example's result."""
    last = output.strip().splitlines()[-1]
    assert last.startswith("result: "), f"the last line is no result: {last}"
    return last.removeprefix("result: ")
