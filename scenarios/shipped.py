"""What is shipped under a name, and what a user brings as a file: told apart in one place."""

from __future__ import annotations

import difflib
from pathlib import Path


def shipped(folder: Path, ending: str) -> list[str]:
    """The names of the files that a folder ships, without their ending."""
    return sorted(path.stem for path in folder.glob(f"*{ending}"))


def shipped_or_own(kind: str, name: str | Path, folder: Path, ending: str,
                   *words: str) -> Path:
    """The file behind a shipped name, or a user's own by its path.

    Args:
        kind: What it is, for the sentence.
        name: A name, or a path with the ending; it need not be there.
        folder: Where the shipped ones lie.
        ending: `.toml` or `.png`.
        words: What else may be said in its place, for the sentence.

    Raises:
        ValueError: for an unknown name ("Did you mean").
    """
    text, known = str(name), shipped(folder, ending)
    if text.endswith(ending):
        return Path(text)
    if text not in known:
        raise ValueError(f"Unknown {kind} {text!r}.{did_you_mean(text, known)} Expected one of "
                         f"{', '.join((*known, *words))} or a {ending[1:].upper()} file.")
    return folder / f"{text}{ending}"


def did_you_mean(word: str, words: list[str]) -> str:
    """` Did you mean 'x'?`, or nothing where no word is near."""
    near = difflib.get_close_matches(word, words, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
