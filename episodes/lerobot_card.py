"""The card (README.md) of an exported data set: what it is, how it was made, what is not said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from episodes.lerobot_layout import CAMERA

CARD = """\
---
task_categories:
- robotics
tags:
- LeRobot
- mobile-robot
- {source}
configs:
- config_name: default
  data_files: data/*/*.parquet
---

# Drives of a mobile base round boxes to a cup

| what | |
|---|---|
| source | **{source}**{warning} |
| episodes, frames, tasks | {episodes}, {frames}, {tasks} |
| scenarios | {scenarios} |
| pictures | {height} x {width}, RGB, upright, stored as `{storage}` ({kept}) |
| `action` | {names}: {units} |
| `observation.state` | {state} |
| rate | {rate:.3g} decisions a second; `fps` is {fps} because LeRobot wants a whole number |

One frame is one decision: a picture, and the command that was given on seeing it and held until
the next picture. What filled files up beside decisions was left out. `timestamp` counts at `fps`;
`time_s` has the seconds, NaN where they were not stored. `meta/episodes` also has of each episode
`episode_name`, `scenario`, `pattern`, `distance`, `source`, `copy_of`, `layout`, `seed_root`
(-1: none) and `total_duration_s` (NaN: unknown).

## How it was made

By mobile-vla-bench: `python -m episodes.convert … --to lerobot` (LeRobotDataset {version}). {made}

## Instructions

{instructions}

## Licence

Not chosen. The owner of the episodes says here, and as `license:` in the first lines of this
file, under which licence they may be used.
"""
MADE = {
    "simulated": "The episodes come from its PyBullet simulator; nothing in them was recorded by "
                 "a robot. A policy that is good at them has not driven a robot.",
    "real": "The episodes were stored as recordings of a robot; the converter cannot prove it.",
    "dummy": "The episodes are made up, for tests of programs; nothing can be learnt from them.",
}
MOST_INSTRUCTIONS = 50


def card(info: dict[str, Any], ours: dict[str, Any], tasks: Sequence[str]) -> str:
    """The text, from what the `meta` files say."""
    camera, action = info["features"][CAMERA], info["features"]["action"]
    height, width, _ = camera["shape"]
    storage = camera["dtype"]
    more = len(tasks) - MOST_INSTRUCTIONS
    lines = [f"- {' '.join(task.split())}" for task in tasks[:MOST_INSTRUCTIONS]]
    return CARD.format(
        source=ours["source"], warning=", not recorded" * (ours["source"] != "real"),
        episodes=info["total_episodes"], frames=info["total_frames"], tasks=info["total_tasks"],
        scenarios=", ".join(f"{name} ({count})" for name, count in ours["scenarios"].items()),
        height=height, width=width, storage=storage, units=ours["units"], state=ours["state"],
        kept="every pixel as it was" if storage == "image" else "AV1, crf 20: pixels change",
        names=", ".join(f"`{name}`" for name in action["names"]), rate=ours["rate_hz"],
        fps=info["fps"], version=info["codebase_version"], made=MADE[ours["source"]],
        instructions="\n".join([*lines, *([f"- and {more} more"] if more > 0 else [])]))
