"""What the README says runs, and what it shows is what is generated.

Blocks marked ``python`` are one program; the block marked ``py`` is what the program prints.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def test_program_prints_what_is_shown(tmp_path: Path) -> None:
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks("python")), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (shown,) = blocks("py")
    assert done.stdout.strip() == shown.strip()


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.findall("TODO|<!--", README.read_text(encoding="utf-8"))
