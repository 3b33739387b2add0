"""More episodes out of few: `python -m episodes.augment DATA --out DIR --recipe recorded721`.

Whole layouts are held out first and stay as they are; only the others get copies. Every copy
stores what was done to it and of which file it is a copy.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
import tyro

from episodes.atomic import whole_folder
from episodes.guard import attributes, guarded
from episodes.hdf5 import Episode, events_of, find_episodes, read_episode, read_told, text_of
from episodes.hdf5_writer import Content, add_attribute, write_content
from episodes.names import EpisodeName, simulated_start
from episodes.oddities import too_fast
from episodes.operations import (
    Draft,
    Operation,
    blur,
    brightness,
    contrast,
    jitter,
    mirror,
    noise,
    speed,
    stand,
    stretch,
)
from scenarios.cli import LogLevel, run_command
from scenarios.schema import DISTANCES, PATTERNS

COPIES_FROM = 10_000_000  # seconds after the first simulated date: no original is named so
DECISION_S = 0.4  # of a copy's duration
SUMMARY = "augmentation.json"
Chances = tuple[tuple[float, Operation], ...]  # each operation and how probable it is

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How many episodes one becomes, itself included, and what may be done to its copies."""

    about: str
    factor: Callable[[Episode], int]
    chances: Callable[[Episode], Chances]


def _ten(episode: Episode) -> int:
    return 10


def _by_distance(episode: Episode) -> int:
    return {"close": 8, "medium": 5, "far": 8}.get(episode.distance or "medium", 5)


def _recorded(episode: Episode) -> Chances:
    return ((0.5, mirror), (0.8, noise), (0.3, speed), (0.2, stand))


def _distance_chances(episode: Episode) -> Chances:
    return {
        "close": ((1.0, jitter(0.05)), (1.0, stretch("lateral", 1.5)), (1.0, brightness)),
        "far": ((1.0, jitter(0.15)), (1.0, stretch("forward", 1.4)), (0.3, blur)),
    }.get(episode.distance or "", ((1.0, jitter(0.1)), (1.0, stretch("diagonal", 1.3)),
                                   (1.0, contrast)))


RECIPES = {
    "mirrored": Recipe("each episode and its mirror image", lambda _: 2,
                       lambda _: ((1.0, mirror),)),
    "recorded721": Recipe(
        "the laboratory's factor 10: 72 become 720 (its 721 counted a metadata file), without its "
        "time reversal, and with side and words mirrored, too", _ten, _recorded),
    "distance481": Recipe(
        "the laboratory's factors close 8, medium 5, far 8: its 72 become 480 (its 481 counted a "
        "statistics file), clipped, nothing on angular_z, no frame set to zero",
        _by_distance, _distance_chances),
}


@dataclass(frozen=True)
class Options:
    """Copy episodes with changes that pictures, commands and words share."""

    data: Annotated[Path, tyro.conf.Positional]
    """Folder of originals."""
    out: Path
    """Folder for `train` (originals and copies) and `held_out` (originals alone); must be new."""
    recipe: Literal["mirrored", "recorded721", "distance481"] = "mirrored"
    """Which operations, how often."""
    hold_out: float = 0.2
    """Share of the layouts that are held out, before anything is copied."""
    seed: int = 0
    """Of all chance."""
    log_level: LogLevel = "info"
    """How much is said while it works."""


def augment(options: Options) -> dict[str, Any]:
    """Hold out, copy, and return what `augmentation.json` says.

    Raises:
        ValueError: if a file is damaged or a copy itself, or the folder is in use.
    """
    if not 0 <= options.hold_out < 1:
        raise ValueError(f"hold_out must be from 0 to below 1, got {options.hold_out}.")
    if options.seed < 0:
        raise ValueError(f"seed must be at least 0, got {options.seed}.")
    paths = find_episodes(options.data)
    layouts = {path: _layout(path) for path in paths}
    held_out = _held_out(sorted(set(layouts.values())), options)
    try:
        with whole_folder(options.out) as folder:
            return _fill(folder, paths, layouts, held_out, options)
    except OSError as error:
        raise ValueError(f"{options.out}: cannot be written ({error.strerror or error}); nothing "
                         f"is left there. Free the disk, or choose another folder with --out."
                         ) from error


def _fill(out: Path, paths: list[Path], layouts: dict[Path, str], held_out: set[str],
          options: Options) -> dict[str, Any]:
    """Write all of it into a folder that nobody sees yet; returns what `augmentation.json` says."""
    recipe = RECIPES[options.recipe]
    for folder in ("train", "held_out"):
        (out / folder).mkdir()
    counts = {"layouts": len(set(layouts.values())), "originals": 0, "copies": 0, "held_out": 0}
    applied: dict[str, int] = {}
    for number, path in enumerate(paths):
        kept_out = layouts[path] in held_out
        shutil.copyfile(path, out / ("held_out" if kept_out else "train") / path.name)
        counts["held_out" if kept_out else "originals"] += 1
        if kept_out:
            continue
        episode, digest = read_episode(path), layouts[path]
        if (odd := too_fast(episode)) is not None:
            raise ValueError(f"{odd.sentence} Nothing was written.")
        for copy in range(1, recipe.factor(episode)):
            rng = np.random.default_rng([options.seed, number, copy])
            draft = _changed(episode, recipe.chances(episode), rng)
            _write(out / "train", counts["copies"], episode, draft, digest)
            counts["copies"] += 1
            for each in draft.applied:
                applied[each["operation"]] = applied.get(each["operation"], 0) + 1
        logger.debug("%s: copied", path.name)
    said = counts | {"recipe": options.recipe, "about": recipe.about, "seed": options.seed,
                     "train": counts["originals"] + counts["copies"],
                     "applied": dict(sorted(applied.items()))}
    (out / SUMMARY).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _layout(path: Path) -> str:
    """What tells layouts apart: left and right of one seed begin with the same picture.

    A file that was converted says it: its first picture may have been another one before.
    """
    with guarded(path) as file:
        own = attributes(file["sim"]) if "sim" in file else {}
        if "copy_of" in own:
            raise ValueError("is a copy already, expected an original.")
    if "layout" in own:
        return str(text_of(own["layout"]))
    return hashlib.sha256(read_told(path)[1].read(path, [0]).tobytes()).hexdigest()


def _held_out(layouts: list[str], options: Options) -> set[str]:
    rng = np.random.default_rng(options.seed)
    count = round(options.hold_out * len(layouts))
    return {layouts[place] for place in rng.permutation(len(layouts))[:count]}


def _changed(episode: Episode, chances: Chances, rng: np.random.Generator) -> Draft:
    pictures, commands = episode.decisions
    draft = Draft(pictures, commands, episode.scenario, episode.instruction)
    for chance, operation in chances:
        if rng.random() < chance:
            draft = operation(draft, rng)
    return draft


def _write(folder: Path, number: int, episode: Episode, draft: Draft, layout: str) -> None:
    """A copy as a file of its own; its date says that it is no recording."""
    named = episode.pattern in PATTERNS and episode.distance in DISTANCES
    name = EpisodeName(simulated_start(COPIES_FROM + number), draft.scenario,
                       episode.pattern if draft.scenario and named else None,
                       episode.distance if draft.scenario and named else None)
    count, size = len(draft.commands), draft.pictures.shape[1:3]
    commands = np.concatenate([np.zeros((1, 3), np.float32), draft.commands])
    content = Content(
        draft.pictures, [0, *range(count)], commands, ["episode_start", *events_of(commands[1:])],
        count * DECISION_S, {
            "frames": count + 1, "decisions": count, "height": size[0], "width": size[1],
            "scenario": draft.scenario, "source": episode.source, "pattern": episode.pattern,
            "distance": episode.distance, "instruction": draft.instruction})
    facts = {"source": episode.source, "instruction": draft.instruction, "decisions": count,
             "scenario": draft.scenario, "pattern": episode.pattern, "distance": episode.distance,
             "copy_of": episode.name, "layout": layout, "applied": json.dumps(list(draft.applied)),
             "seed_root": episode.seed_root,  # who learned from the original has met the copy
             "purpose": None if episode.seed_root is None else "train"}

    def fill(group: h5py.Group) -> None:
        for key, value in facts.items():
            if value is not None:
                add_attribute(group, key, value)

    write_content(folder / f"{name}.h5", content, "zstd", fill)


def main(options: Options) -> None:
    """Augment, and say the true counts."""
    said = augment(options)
    print(f"{options.recipe}: {said['about']}.")
    if options.hold_out and not said["held_out"]:
        print(f"warning: no episode is held out: {options.hold_out:g} of {said['layouts']} layouts "
              f"is less than one; give more episodes, or a larger --hold-out.")
    print(f"{said['originals']} originals and {said['copies']} copies make {said['train']} "
          f"episodes in {options.out / 'train'}; {said['held_out']} are held out, as they are. "
          + ", ".join(f"{name} {count}" for name, count in said["applied"].items()) + ".")


if __name__ == "__main__":
    run_command(Options, main)
