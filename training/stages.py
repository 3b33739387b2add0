"""The stages of a training run, each kept in the work folder and skipped when it is there."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from accelerate import PartialState

from envs.appearance import check_places, load_profile
from episodes.engine import check_engine
from episodes.hdf5 import find_episodes
from policies.backbone import Backbone
from policies.layers import ALL, REDUCED
from policies.sizes import sizes
from scenarios import select
from training.dagger import collect
from training.learn import (
    Lesson,
    is_learned,
    learn,
    lesson_for,
    prepare,
    tower_layers,
    write_record,
)
from training.loop import once

if TYPE_CHECKING:
    from training.options import TrainingOptions

logger = logging.getLogger(__name__)
DRIVER = "hybrid"  # drives the rounds of DAgger, whose episodes all policies learn from
Result = TypeVar("Result")


def train(options: TrainingOptions) -> Path:
    """All stages in order; returns the checkpoint folder, or the folder of several."""
    watch = Watch()
    out = options.out or options.work / ("checkpoint" if options.is_one else "checkpoints")
    lesson = lesson_of(options, watch, out)
    if options.is_one:
        record = watch.time("head", lambda: learn(options.policy, options.seed, lesson, out,
                                                  options))
        write_record(out, record | {"seconds": watch.seconds})
        return out
    once(lambda: _share_towers(lesson.backbone, out / "towers"))
    for seed in range(options.seed, options.seed + options.seeds):
        for name in options.policies:
            folder = out / (name if seed == options.seed else f"seed_{seed}/{name}")
            own = lesson_for(name, lesson, options)
            if not is_learned(name, seed, own, folder, options):
                learn(name, seed, own, folder, options, out / "towers")
    return out


def lesson_of(options: TrainingOptions, watch: Watch | None = None,
              out: Path | None = None) -> Lesson:
    """What heads learn from: episodes, towers, rounds of DAgger, features.

    Args:
        options: Of the run.
        watch: Notes how long each stage took.
        out: Another folder that must be writable, before any work.
    """
    watch = watch or Watch()
    _check_sources(options)
    _writable(options.work, *([out] if out else []))
    paths = watch.time("episodes", lambda: once(lambda: _episodes(options)))
    backbone = watch.time("towers", lambda: _backbone(options))
    for number in range(0 if options.data is not None else options.dagger_rounds):
        paths = paths + watch.time(f"dagger {number + 1}",
                                   partial(_round, number, paths, backbone, options))
    return watch.time("features", lambda: _lesson(backbone, paths, options.policies, options))


class Watch:
    """How long each stage took; one that was kept takes no time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], Result]) -> Result:
        """Do the work and note its seconds."""
        start = time.perf_counter()
        result = work()
        spent_s = time.perf_counter() - start
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent_s, 1)
        return result


def _round(number: int, paths: list[Path], backbone: Backbone,
           options: TrainingOptions) -> list[Path]:
    """One round of DAgger: a head learns from what is there and drives; the planner labels."""
    source = f"{options.episodes}x{options.epochs}_{_towers_name(options)}"
    driver = options.work / f"round_{number}_{source}"
    seen_by = tuple(dict.fromkeys((DRIVER, *options.policies)))  # looked at once for all
    lesson = _lesson(backbone, paths, seen_by, options)
    shorter = replace(options, epochs=max(1, options.epochs // 2))  # it need not be the best
    if not is_learned(DRIVER, options.seed, lesson, driver, shorter):
        learn(DRIVER, options.seed, lesson, driver, shorter)
    folder = options.work / f"dagger_{number}_{options.dagger_episodes}_{source}"
    return once(lambda: collect(folder, driver, number, options))


def _lesson(backbone: Backbone, paths: list[Path], names: tuple[str, ...],
            options: TrainingOptions) -> Lesson:
    """What these policies learn from; those on reduced towers look again, unless all are."""
    deepest = ALL if any(tower_layers(name) == ALL for name in names) else REDUCED
    names = tuple(name for name in names if tower_layers(name) == deepest)
    return prepare(backbone.with_layers(deepest), paths, names, options,
                   _trained_on(options, len(paths)), _towers_record(options))


def _check_sources(options: TrainingOptions) -> None:
    """Refuse data, towers, looks and clusters that cannot be, before anything is written."""
    check_engine(options.engine, options.address, options.workers)
    profile = load_profile(options.appearance)
    for scenario in select("all"):
        check_places(profile, scenario)
    if options.data is not None:
        find_episodes(options.data)
    for name in ("kosmos2", "clip") if options.towers is not None else ():
        if not (Path(options.towers or "") / name).is_dir():
            raise ValueError(f"{options.towers}: has no folder {name}, expected the towers kosmos2 "
                             f"and clip.")


def _episodes(options: TrainingOptions) -> list[Path]:
    """The episode files: given, or generated by the expert on nominal routes.

    Each stage's folder is named after what decides its content: other options never meet it.
    """
    if options.data is not None:
        return find_episodes(options.data)
    from episodes.generate import generate

    folder = options.work / f"episodes_{options.episodes}_{_made(options)}"
    generate(folder, episodes=options.episodes, pattern="core", workers=options.workers,
             seed=options.seed, appearance=options.appearance, engine=options.engine,
             address=options.address)
    return find_episodes(folder)


def _backbone(options: TrainingOptions) -> Backbone:
    """The frozen towers: given, published, or trained here."""
    if options.size == "full" and options.towers is None:
        from policies import clip, kosmos

        sources = {"kosmos2": kosmos.PUBLISHED, "clip": clip.PUBLISHED}
    else:
        folder = options.towers or _mini_towers(options)
        sources = {name: str(folder / name) for name in ("kosmos2", "clip")}
    backbone = Backbone.load(sources, sizes(options.size).image_size)
    backbone.freeze(PartialState().device)  # a GPU, where there is one
    return backbone


def _mini_towers(options: TrainingOptions) -> Path:
    """Towers trained here, or those of an earlier call with the same options."""
    from training.scenes import collect
    from training.towers import TowerRecipe, train_towers

    folder = options.work / _towers_name(options)
    if not (folder / "towers.json").is_file():
        scenes = options.work / f"scenes_{options.frames}_{_made(options)}"
        once(lambda: collect(scenes, options.frames, options.seed, options.workers,
                             options.appearance))
        train_towers(scenes, folder, TowerRecipe(
            frames=options.frames, epochs=options.tower_epochs, seed=options.seed))
    return folder


def _share_towers(backbone: Backbone, folder: Path) -> None:
    """Copy the towers to where several checkpoints find them."""
    for name, source in backbone.sources.items():
        if Path(source).is_dir() and Path(source).resolve() != (folder / name).resolve():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)


def _towers_name(options: TrainingOptions) -> str:
    """Of the folder in which they are kept."""
    if options.towers is not None:
        return options.towers.name
    return f"towers_{options.frames}x{options.tower_epochs}_{_made(options)}"


def _made(options: TrainingOptions) -> str:
    """What tells one set of generated pictures from another, as part of a folder's name."""
    profile = load_profile(options.appearance)
    return f"{profile.name}-{profile.hash()[:8]}_seed{options.seed}"


def _towers_record(options: TrainingOptions) -> Any:
    """What is known of the towers: their own record where they were trained here."""
    if options.towers is not None:
        return options.towers.name
    if options.size == "full":
        return "published"
    path = options.work / _towers_name(options) / "towers.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _trained_on(options: TrainingOptions, episodes: int) -> str:
    """In words, for every result that comes out of these weights."""
    driven = max(0, episodes - options.episodes)
    dagger = f" and {driven} that {DRIVER} drove, labelled by the planner," if driven else ""
    return (f"{options.episodes} simulated expert episodes{dagger} in appearance "
            f"{Path(options.appearance).stem} (train seeds, root {options.seed})")


def _writable(*folders: Path) -> None:
    """Refuse folders that cannot be made, before any work."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{folder}: cannot be made ({error.strerror}).") from error
