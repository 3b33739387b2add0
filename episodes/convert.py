"""Episodes from one format into another: `python -m episodes.convert IN --to lab --out DIR`.

One episode is read and written after the other, and the folder appears once all of it is there.
What cannot be converted is said in one sentence each. The exit code is 0 where every episode was
converted, 1 where some were left out, 2 where nothing was written.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from envs import load_robot
from episodes.atomic import whole_folder
from episodes.channels import swap_channels
from episodes.formats import (
    HOLD_OUT,
    LAB_FRAMES,
    Asked,
    Given,
    LeftOut,
    Reader,
    Target,
    layout_of,
    reader,
    target,
)
from episodes.guard import MAX_FRAMES
from episodes.hdf5 import Episode, default_instruction
from episodes.oddities import misfit, odd
from scenarios import names
from scenarios.cli import LogLevel, run_command

LEFT_OUT = 1  # the exit code
TOLD_EVERY = 100  # episodes
SUMMARY = "conversion.json"
KNOWN_COLOURS = ("lab", "rosbag")  # formats whose files say it, or are always the same

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Convert episodes, and say what was left out and why."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """A file or a folder of the format that is read."""
    out: Path
    """Folder for what is written; must be new or empty."""
    from_: Annotated[str, tyro.conf.arg(name="from")] = "lab"
    """The format that is read: lab, robomimic, rosbag, lerobot."""
    to: str = "lab"
    """The format that is written: lab, robomimic, calvin; lerobot (pictures as they are),
    lerobot_video, lerobot_xy (actions of two numbers)."""
    compat: bool = False
    """With --to lab: gzip, one frame a chunk, as the laboratory's loaders read it by plain h5py."""
    rotate: Literal[0, 180] = 0
    """Turn all pictures by so many degrees; only for a camera that hung upside down."""
    bgr: bool = False
    """Pictures that should be RGB on disk were stored as BGR. The laboratory's `images`, which
    always were, need no such word."""
    scenario: str | None = None
    """Of episodes that do not say theirs."""
    any_scenario: bool = False
    """Take episodes of other scenarios, and of none, too; they must bring their instruction."""
    instruction: str | None = None
    """Of episodes that have none, nor their scenario; of all of a bag, which stores none."""
    origin: Literal["real", "simulated", "dummy"] = "real"
    """Where episodes come from that do not say so."""
    frames: int = LAB_FRAMES
    """Frames that the laboratory's own recordings must have; 0 for any number."""
    hold_out: float = HOLD_OUT
    """Share of the layouts that formats with splits hold out."""
    robot: str = "serbot"
    """Whose velocities a bag has: a shipped name or a TOML file."""
    wire: Literal["si", "lab"] = "si"
    """What a bag's velocities are: m/s and rad/s, or the laboratory's raw +-1.15."""
    image_topic: str | None = None
    """Of a bag, where there are several."""
    velocity_topic: str | None = None
    """Of a bag, where there are several."""
    log_level: LogLevel = "info"
    """How much is said while it works."""


@dataclass
class Report:
    """What happened to every episode."""

    converted: int = 0
    color_orders: Counter[str] = field(default_factory=Counter)  # of the files, of what was taken
    left_out: list[LeftOut] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)  # of what was taken
    cut_decisions: int = 0  # whose velocities were beyond what the robot can do

    def take(self, episode: Episode, bgr: bool) -> None:
        """Count one that is converted."""
        self.converted += 1
        self.sources[episode.source] += 1
        self.color_orders["bgr" if bgr else episode.color_order] += 1
        self.cut_decisions += episode.cut_count
        if self.converted % TOLD_EVERY == 0:
            logger.info("%d episodes converted", self.converted)

    def leave_out(self, left_out: LeftOut) -> None:
        """Count it, and say why at once; paths and names may have bytes that are no text."""
        sentence = "".join(each if each.isprintable() else ascii(each)[1:-1]
                           for each in left_out.sentence)
        self.left_out.append(replace(left_out, sentence=sentence))
        print(f"left out: {sentence}", flush=True)


def convert(options: Options) -> Report:
    """Read, write, and return what happened.

    Raises:
        ValueError: one sentence, if nothing could be converted; nothing is written then.
        OSError: if the disk refuses.
    """
    read = reader(options.from_)
    form, write = target(options.to)
    _check(options)
    report = Report()
    asked = Asked(options.from_, "gzip" if options.compat else "zstd", options.hold_out,
                  bool(options.rotate))
    with whole_folder(options.out) as folder:
        write(folder, _sound(read, form, options, report), asked)
        if not report.converted:
            raise ValueError(f"{options.source}: none of its {len(report.left_out)} episodes could "
                             f"be converted; nothing was written.")
        said = {"from": options.from_, "to": options.to, "converted": report.converted,
                "sources": dict(report.sources),
                "color_order_on_disk": dict(report.color_orders), "rotated_deg": options.rotate,
                "cut_decisions": report.cut_decisions,
                "left_out": [vars(each) for each in report.left_out]}
        (folder / SUMMARY).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n",
                                      encoding="utf-8")
    return report


def _check(options: Options) -> None:
    """Refuse what does not go together."""
    if options.compat and options.to != "lab":
        raise ValueError(f"--compat is a way of writing --to lab, got --to {options.to}.")
    if options.bgr and options.from_ in KNOWN_COLOURS:
        raise ValueError(f"--bgr is not for --from {options.from_}, whose files say how their "
                         f"colours are stored.")
    if not 0 <= options.hold_out < 1:
        raise ValueError(f"--hold-out must be from 0 to below 1, got {options.hold_out:g}.")
    if not 0 <= options.frames <= MAX_FRAMES:
        raise ValueError(f"--frames must be from 0 to {MAX_FRAMES}, got {options.frames}.")
    if options.scenario not in (None, *names()) and not options.any_scenario:
        raise ValueError(f"--scenario must be one of {', '.join(names())}, got "
                         f"{options.scenario!r}; --any-scenario takes others.")
    load_robot(options.robot)


def _sound(read: Reader, form: Target, options: Options, report: Report) -> Iterator[Episode]:
    """The episodes that are converted, upright and RGB; the others are reported."""
    first: Episode | None = None
    for each in _read(read, options, report):
        left_out = each if isinstance(each, LeftOut) else (
            odd(each, options.any_scenario) or misfit(each, first, form))
        if left_out is not None:
            report.leave_out(left_out)
            continue
        assert isinstance(each, Episode)  # what is left out ended above
        first = first or replace(each, images=each.images[:1].copy())
        report.take(each, options.bgr)
        yield _turned(each, options)


def _read(read: Reader, options: Options,
          report: Report) -> Iterator[Episode | LeftOut]:
    """What a reader yields, with what the user said; an error in the middle ends it."""
    given = Given(
        scenario=options.scenario, instruction=options.instruction, source=options.origin,
        wire=options.wire, image_topic=options.image_topic, frames=options.frames,
        velocity_topic=options.velocity_topic, robot=options.robot)
    found = read(options.source, given)
    while True:
        try:
            each = next(found)
        except StopIteration:
            return
        except ValueError as error:
            if not (report.converted or report.left_out):
                raise
            report.leave_out(LeftOut("unreadable", f"{error} What follows there is not read."))
            return
        if isinstance(each, Episode):
            scenario = each.scenario or options.scenario
            each = replace(each, scenario=scenario, instruction=each.instruction
                           or default_instruction(scenario) or options.instruction)
        yield each


def _turned(episode: Episode, options: Options) -> Episode:
    """Upright and RGB; what it shares with its copies is told by the picture as it was before."""
    images = episode.images
    if options.bgr:
        images = swap_channels(images)
    if options.rotate:
        images = np.ascontiguousarray(images[:, ::-1, ::-1])
    return replace(episode, images=images, layout=layout_of(episode))


def main(options: Options) -> None:
    """Convert, say what there is, and leave with 0 only where nothing was left out."""
    try:
        report = convert(options)
    except OSError as error:
        raise ValueError(f"{error}; nothing was written to {options.out}.") from error
    orders = report.color_orders
    print(f"{report.converted} of {report.converted + len(report.left_out)} episodes converted "
          f"from {options.from_} to {options.to} in {options.out}: "
          + ", ".join(f"{count} {source}" for source, count in report.sources.items()) + ".")
    print(f"Pictures on disk: {orders['bgr']} episodes BGR, {orders['rgb']} RGB; written as "
          f"{target(options.to)[0].colours}, "
          + ("turned by 180 degrees." if options.rotate else "not rotated (--rotate 180 does)."))
    if report.cut_decisions:
        print(f"{report.cut_decisions} decisions were faster than {options.robot} can drive and "
              f"were cut to its limits, which may turn them; --robot names another robot.")
    if report.left_out:
        reasons = Counter(each.reason for each in report.left_out).most_common()
        print("left out: " + ", ".join(f"{count} {reason}" for reason, count in reasons) + ".")
        sys.exit(LEFT_OUT)


if __name__ == "__main__":
    run_command(Options, main)
