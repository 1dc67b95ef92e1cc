"""Running the examples as a user does: in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script: str, *flags: str | Path) -> str:
    """What ``examples/script`` prints; it must succeed, draw no progress bar (this is no terminal) and not warn."""
    command = [sys.executable, EXAMPLES / script, *flags]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the tests share the cores
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=alone)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\d%\||/s\]|Warning", done.stderr), f"a progress bar or a warning: {done.stderr}"
    return done.stdout


def result(output: str) -> str:
    """What the last line of the output gives as the example's result."""
    last = output.strip().splitlines()[-1]
    assert last.startswith("result: "), f"the last line is no result: {last}"
    return last.removeprefix("result: ")
