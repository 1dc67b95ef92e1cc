"""What the README says runs, and what it shows is what is generated.

Blocks marked ``python`` are one program; the blocks marked ``py`` (generated code) and ``text`` (an error) are what it
prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def test_program_prints_what_is_shown(tmp_path: Path) -> None:
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks("python")), encoding="utf-8")
    environment = {**os.environ, "SYMGRAD_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    shown = "\n".join([*blocks("py"), *blocks("text")])
    assert done.stdout.replace(str(program), "readme.py").strip() == shown.strip()


def test_nothing_is_left_to_fill_in() -> None:
    for document in DOCUMENTS:
        assert not re.findall("TODO|<!--", document.read_text(encoding="utf-8")), document.name


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_decision_is_listed() -> None:
    records = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\(([^)]+)\)", (records / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in records.glob("[0-9]*.md"))
