"""A suite's folder, and driving what is missing in it: one run an arm, each resumable.

- `suite.json`: what was asked, the arms, where their runs lie, and once all is driven the result.
- `arms/<arm>/<run>/`: what `eval.run` makes, the control's among them.
- `report.md` and pictures.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from eval.cells import is_finished, quietly
from eval.pairing import Side, open_side
from eval.results import Run, write_json
from eval.suites import find
from eval.suites.arm import CONTROL, Arm
from eval.suites.options import NOT_STORED, Config, run_options

SCHEMA_VERSION = 1
FILE, ARMS, FILES = "suite.json", "arms", "files"

logger = logging.getLogger(__name__)


def begin(config: Config) -> tuple[Path, Config, list[Arm]]:
    """A new suite's folder, or the one that is resumed; its options and its arms, control first.

    Raises:
        ValueError: for what is missing or unknown; nothing is written then.
    """
    if config.resume is not None:
        return _reopened(config)
    suite = find(config.suite or "")
    if config.policy is None:
        raise ValueError("Which policy? Give --policy NAME.")
    if config.episodes < 1:
        raise ValueError(f"--episodes must be 1 or more, got {config.episodes}.")
    with tempfile.TemporaryDirectory() as nowhere:  # what is wrong is said before anything is kept
        suite.arms(config, Path(nowhere))
    stem = re.sub("[^A-Za-z0-9._-]+", "-", f"suite_{suite.name}_{config.policy}")
    folder = Path(config.out) / f"{datetime.now():%Y%m%d-%H%M%S}_{stem}"
    (folder / FILES).mkdir(parents=True)
    arms = [Arm(CONTROL, "nothing changed"), *suite.arms(config, folder / FILES)]
    asked = {name: value for name, value in vars(config).items() if name not in NOT_STORED}
    write_json(folder / FILE, {"schema_version": SCHEMA_VERSION, "suite": suite.name,
                               "config": asked, "arms": [vars(arm) for arm in arms]})
    return folder, config, arms


def drive(folder: Path, config: Config, arms: list[Arm]) -> Iterator[tuple[Arm, Side]]:
    """Drive what is missing, arm by arm, and what follows from it; yields each arm's finished run.

    Raises:
        ValueError: for anything that keeps a run from starting.
    """
    done: list[tuple[Arm, Side]] = []
    while arms:
        known = len(done) + len(arms)
        for arm in arms:
            logger.info("%s: arm %d of %d, %s", folder, len(done) + 1, known, arm.name)
            done.append((arm, open_side(_driven(folder, config, arm))))
            yield done[-1]
        arms = find(config.suite or "").more(config, folder / FILES, done)


def forget_if_empty(folder: Path) -> bool:
    """Remove a suite in which nothing was driven yet; whether it was removed."""
    is_empty = not any((folder / ARMS).glob("*/*/episodes.jsonl"))
    if is_empty:
        shutil.rmtree(folder)
    return is_empty


def content_of(folder: Path) -> dict[str, Any]:
    """What suite.json says.

    Raises:
        ValueError: if the folder is no suite's.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: is no suite ({path.name} cannot be read: {error}), expected a "
                         f"folder that eval.suite made.") from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema_version must be {SCHEMA_VERSION}; start a new suite.")
    return content


def _driven(folder: Path, config: Config, arm: Arm) -> Path:
    """The folder of an arm's run: kept, resumed, or driven anew."""
    from eval.run import run

    place = folder / ARMS / re.sub("[^A-Za-z0-9._-]+", "-", arm.name)
    begun = sorted(place.glob("*/run.json"))
    if begun:
        old = Run(begun[-1].parent)
        if is_finished(old):
            return old.folder
        with quietly():
            return run(resume=str(old.folder), workers=config.workers).folder
    options = dataclasses.replace(run_options(config, arm.changes), out=str(place))
    with quietly():
        return run(options).folder


def _reopened(config: Config) -> tuple[Path, Config, list[Arm]]:
    """An interrupted suite, with the options that it began with."""
    folder = Path(config.resume or "")
    content = content_of(folder)
    try:
        stored = Config(**content["config"], workers=config.workers, log_level=config.log_level)
        stored = dataclasses.replace(stored, arms=tuple(stored.arms))
        arms = [Arm(**each) for each in content["arms"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / FILE}: holds no suite of this version ({error}); start a new "
                         f"one.") from error
    for name in ("suite", "policy"):
        given = getattr(config, name)
        if given not in (None, getattr(stored, name)):
            raise ValueError(f"{folder} began with {name} {getattr(stored, name)}, got {given}; "
                             f"leave it out, or start a new suite.")
    return folder, stored, arms
