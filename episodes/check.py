"""Is everything in a folder sound, and fit to learn from? `python -m episodes.check FOLDER`.

The exit code is 0 only where every file is sound and no killed writer left anything behind.
Findings (duplicates, labels that contradict what was driven, ...) are said and do not change it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from episodes import seal
from episodes.atomic import leftovers, remove, write_atomically
from episodes.check_report import as_html, as_json, in_words
from episodes.doctor import Finding, findings
from episodes.examine import Facts, examine
from episodes.folder_index import INDEX_FILE, open_index
from episodes.guard import attributes, guarded
from episodes.hdf5 import Episode, find_episodes, read_episode
from episodes.lab_format import contradiction
from scenarios.cli import LogLevel, run_command

UNSOUND = 1  # the exit code


@dataclass(frozen=True)
class Options:
    """Read every episode of a folder, or one file, and say what is wrong with it."""

    path: Annotated[Path, tyro.conf.Positional]
    """A file, or a folder of files `episode_*.h5`."""
    repair: bool = False
    """Remove temporary files of killed writers, and make the folder's index again, where there is
    one; nobody may be writing meanwhile."""
    against: Path | None = None
    """A folder that no layout may be shared with: the test split, say."""
    json: Path | None = None
    """Write what was found into this file."""
    html: Path | None = None
    """Write a page with pictures of every episode into this file."""
    log_level: LogLevel = "info"
    """How much is said while it works."""


@dataclass(frozen=True)
class Findings:
    """What was found in a folder, or of one file."""

    sound: list[Path]
    sealed: int  # of the sound ones: whose every byte is as it was written
    damaged: dict[Path, str]  # and the sentence that says how
    leftovers: list[Path]  # of writers that died; they were never episodes
    facts: list[Facts]  # of the sound ones
    denied: list[Finding]  # where a sound file says of itself what is not so

    @property
    def is_sound(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.damaged and not self.leftovers


def check(path: Path, *, repair: bool = False) -> Findings:
    """Read a file, or all episodes of a folder.

    Args:
        path: File or folder.
        repair: Remove what writers left that died, and make the index again. Damaged episodes
            stay where they are.

    Raises:
        ValueError: if there is no such file or folder, or a folder holds nothing of ours.
    """
    left = leftovers(path) if path.is_dir() else []
    found = [path]
    if path.is_dir():
        found = sorted(path.glob("episode_*.h5")) if left else find_episodes(path)
    elif not path.is_file():
        raise ValueError(f"{path}: no such file or folder, expected an episode or a folder of "
                         f"them.")
    sound, damaged, facts, denied, sealed = [], {}, [], [], 0
    for each in found:
        try:
            episode = read_episode(each)
            facts.append(examine(episode))
            denied += _denied(episode)
        except ValueError as error:
            damaged[each] = str(error)
        else:
            sound.append(each)
            sealed += seal.read_seal(each) is not None
    if repair:
        for each in left:
            remove(each)
        if (path / INDEX_FILE).exists():
            open_index(path, rebuild=True)
    return Findings(sound, sealed, damaged, [] if repair else left, facts, denied)


def _denied(episode: Episode) -> list[Finding]:
    """What a file says of itself and its content denies."""
    with guarded(episode.path) as file:
        root = attributes(file)
    found = contradiction(episode, root)
    return [Finding("contradiction", f"{episode.path}: {found[1]}", (episode.path,))] if found \
        else []


def _check_target(path: Path | None, option: str) -> None:
    """Refuse what is no place for a report, before anything is read."""
    if path is None:
        return
    if path.suffix != f".{option}":
        raise ValueError(f"--{option} {path}: must end in .{option}; nothing was read.")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise ValueError(f"--{option} {path}: expected a file in a folder that is there.")


def main(options: Options) -> None:
    """Check, say what was found, and leave with 0 only where all is sound."""
    _check_target(options.json, "json")
    _check_target(options.html, "html")
    found = check(options.path, repair=options.repair)
    others = check(options.against).facts if options.against else []
    said = [*found.denied, *findings(found.facts, others)] if found.facts else []
    for sentence in found.damaged.values():
        print(sentence)
    for path in found.leftovers:
        print(f"{path}: left by a writer that was killed, never an episode; --repair removes it.")
    print(in_words(found.facts, said))
    count = len(found.sound) + len(found.damaged)
    print(f"{len(found.sound)} of {count} episodes are sound, {found.sealed} of them sealed.")
    problems = [*found.damaged.values(), *map(str, found.leftovers)]
    if options.json:
        write_atomically(options.json, as_json(found.facts, said, problems).encode())
    if options.html:
        write_atomically(options.html, as_html(found.facts, said, problems).encode())
    sys.exit(0 if found.is_sound else UNSOUND)


if __name__ == "__main__":
    run_command(Options, main)
