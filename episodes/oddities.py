"""Why an episode is not converted: what no format can take, and what one format cannot."""

from __future__ import annotations

import numpy as np

from envs.interface import COMMAND_LIMIT
from episodes.formats import LeftOut, Target
from episodes.hdf5 import Episode
from scenarios import names

MOST_TEXT = {"scenario": 100, "pattern": 100, "distance": 100, "instruction": 2000, "name": 2000,
             "copy_of": 2000, "layout": 100}  # characters
LARGEST_ROOT = 2**63 - 1  # that all formats hold
ROOM = 1e-3  # of a command beyond its limit: files have rounded numbers


def odd(episode: Episode, any_scenario: bool) -> LeftOut | None:
    """What no format can take; None for an episode that all can."""
    where = place_of(episode)
    if not len(episode.decision_frames):
        return LeftOut("empty", f"{where}: holds no decision, expected one or more.")
    if episode.scenario not in names() and not any_scenario:
        return LeftOut("scenario", f"{where}: scenario is {episode.scenario!r}, expected one of "
                                   f"{', '.join(names())}; --any-scenario takes others.")
    if not episode.instruction:
        return LeftOut("instruction", f"{where}: has no instruction, nor has its scenario; give "
                                      f"one by --instruction.")
    for name, most in MOST_TEXT.items():
        text = getattr(episode, name) or ""
        if len(text) > most or "\0" in text or not _encodes(text):
            return LeftOut("text", f"{where}: {name} is {text[:40]!r}, expected text of at most "
                                   f"{most} characters.")
    if episode.seed_root is not None and not 0 <= episode.seed_root <= LARGEST_ROOT:
        return LeftOut("seed", f"{where}: seed_root is {episode.seed_root}, expected a whole "
                               f"number from 0 to {LARGEST_ROOT}.")
    return too_fast(episode)


def too_fast(episode: Episode) -> LeftOut | None:
    """A command beyond its limit; None where there is none."""
    commands = np.abs(episode.commands)
    if commands.max(initial=0.0) <= COMMAND_LIMIT + ROOM:
        return None
    frame = int(commands.max(axis=1).argmax())
    return LeftOut("range", f"{place_of(episode)}: actions are "
                            f"{_rounded(episode.commands[frame])} in frame {frame}, expected each "
                            f"within +-{COMMAND_LIMIT}.")


def _encodes(text: str) -> bool:
    """Whether it is text at all: half of a pair of surrogates is none."""
    return text == text.encode("utf-8", "replace").decode("utf-8")


def misfit(episode: Episode, first: Episode | None, form: Target) -> LeftOut | None:
    """What a format cannot take, or not beside the first episode that it took."""
    where, own = place_of(episode), episode.images.shape[1:3]
    turns = np.flatnonzero(episode.commands[episode.decision_frames, 2])
    if form.plane and len(turns):
        return LeftOut("turn", f"{where}: turns in decision {turns[0]}, which actions of two "
                               f"numbers cannot say; expected an angular_z of 0.")
    if first is None or not form.alike:
        return None
    if own != first.images.shape[1:3]:
        return LeftOut("size", f"{where}: pictures are {_by(own)}, expected "
                               f"{_by(first.images.shape[1:3])} as in the first episode.")
    if episode.source != first.source:
        return LeftOut("source", f"{where}: is {episode.source}, expected {first.source} as the "
                                 f"first episode; convert each into a folder of its own.")
    return None


def place_of(episode: Episode) -> str:
    """The file, and which of its episodes where it has several."""
    return f"{episode.path}: {episode.place}" if episode.place else f"{episode.path}"


def _rounded(command: np.ndarray) -> str:
    return f"[{', '.join(f'{value:.4g}' for value in command)}]"


def _by(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
