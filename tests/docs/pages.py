"""Reads a page's fenced blocks and runs them as a reader would, one after the other."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
ROOMS = [path.parent.name for path in ROOT.glob("*/__init__.py")]
FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LANGUAGES = ("bash", "python", "toml", "text")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the file it is to be saved as, and its text."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return [Block(*found) for found in FENCE.findall(page.read_text(encoding="utf-8"))]


def clone(folder: Path) -> None:
    """Make a folder look like the repository's root, so that what is written stays in it."""
    for room in ROOMS:
        (folder / room).symlink_to(ROOT / room)


def run(block: Block, folder: Path) -> None:
    """Save a block that has a file name; run what is bash or Python; leave `text` alone."""
    if block.title:
        (folder / block.title).write_text(block.text, encoding="utf-8")
        return
    command = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    if block.language in command:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run([*command[block.language], block.text], cwd=folder, text=True,
                              capture_output=True, env=os.environ | {"PATH": path})
        assert done.returncode == 0, f"{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
