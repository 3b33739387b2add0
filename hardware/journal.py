"""What the operator knows of drives that were kept: a line of JSON each, beside their files.

An episode's file never changes once it is written. What is said of it later, the operator's
verdict, is another line at the end of `drives.jsonl`; the last one counts.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from episodes.names import parse
from scenarios import did_you_mean

FILE = "drives.jsonl"
VERDICTS = ("success", "failure", "unclear")


@dataclass(frozen=True)
class Drive:
    """One kept drive, as a list shows it; empty where nobody said anything."""

    episode: str  # the file's stem
    scenario: str = ""
    pattern: str = ""
    distance: str = ""
    instruction: str = ""
    mode: str = ""
    ended_by: str = ""
    why: str = ""
    frames: int = 0  # of the drive, which may be in several files
    dropped: int = 0  # pictures that the camera counted and nobody got
    part_of: str = ""  # a long drive's further files name its first
    verdict: str = ""  # one of VERDICTS, by the operator


class Journal:
    """The drives of one folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made before the first line."""
        self.folder = folder

    def note(self, drive: Drive) -> None:
        """Keep what is known of a drive whose file is there."""
        self._append({key: value for key, value in asdict(drive).items() if value})

    def judge(self, episode: str, verdict: str) -> None:
        """Keep the operator's verdict; the last one counts.

        Raises:
            ValueError: for another word, or an episode that is not there.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}, got {verdict!r}.")
        there = [drive.episode for drive in self.drives()]
        if episode not in there:
            raise ValueError(f"{self.folder} has no episode {episode!r}."
                             f"{did_you_mean(episode, there)}")
        self._append({"episode": episode, "verdict": verdict})

    def drives(self) -> list[Drive]:
        """All episodes of the folder, by name, with what was said of them."""
        found = {path.stem: _named(path.stem) for path in sorted(self.folder.glob("episode_*.h5"))}
        for said in self._lines():
            episode = said.get("episode")
            if episode in found:
                found[episode] = replace(found[episode], **said)
        return list(found.values())

    def _append(self, said: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / FILE).open("ab") as file:
            file.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> list[dict[str, Any]]:
        """What was said; a line that a crash cut off, or another's, is passed over."""
        path = self.folder / FILE
        if not path.is_file():
            return []
        return [said for line in path.read_bytes().splitlines() if (said := _said(line))]


def _said(line: bytes) -> dict[str, Any]:
    """What a line says, as far as it is of ours."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    kinds = {field.name: type(field.default) if field.name != "episode" else str
             for field in fields(Drive)}
    if not isinstance(said, dict):
        return {}
    return {key: value for key, value in said.items() if type(value) is kinds.get(key)}


def _named(stem: str) -> Drive:
    """What the file's name says."""
    try:
        name = parse(stem)
    except ValueError:
        return Drive(stem)
    return Drive(stem, name.scenario or "", name.pattern or "", name.distance or "")
