"""How much may the world look otherwise? One thing of the look changed at a time, graded.

Each arm is an appearance profile of its own, written into the suite's folder: `eval.run
--appearance FILE` takes it too. All strengths are CHOSEN, not measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from envs.appearance import load_profile
from eval.suites.arm import Arm, Suite, chosen
from eval.suites.graded import GRADES, graded, result
from eval.suites.options import Config
from eval.suites.toml import write_toml

Tables = dict[str, Any]  # a profile as nested tables
Change = Callable[[Tables, Any], None]


def _set(*path: str) -> Change:
    """Puts one number at this place, as a range without width."""
    def change(tables: Tables, value: Any) -> None:
        for key in path[:-1]:
            tables = tables[key]
        tables[path[-1]] = [value, value]
    return change


def _light(tables: Tables, share: float) -> None:
    for key in ("ambient", "diffuse"):
        tables["light"][key] = [share * end for end in tables["light"][key]]


def _textures(tables: Tables, names: tuple[str, str, str]) -> None:
    for key, name in zip(("floor", "wall", "box"), names):
        tables[key] |= {"textures": [name], "texture_m": [1.5, 1.5] if key != "box" else [0.4, 0.4]}


def _colours(tables: Tables, share: float) -> None:
    """Floor and walls take on colours of their own, boxes go from brown to grey."""
    for key, hue in (("floor", 0.58), ("wall", 0.33)):
        tables[key]["colour"] = {"rgb": [1.0, 0.0, 0.0], "hue": [hue, hue],
                                 "saturation": [share, share], "value": [0.9, 0.9]}
    tables["box"]["colour"]["saturation"] = [1.0 - share, 1.0 - share]


def _distractors(tables: Tables, count: int) -> None:
    tables["distractors"] |= {"count": [count, count], "shapes": ["box", "cylinder", "sphere"],
                              "width_m": [0.12, 0.2], "height_m": [0.15, 0.6]}
    tables["distractors"]["surface"]["colour"]["hue"] = [0.15, 0.8]


def _degrees(change: Change) -> Change:
    return lambda tables, value: change(tables, math.radians(value))


KINDS: dict[str, tuple[str, tuple[Any, ...], str, Change]] = {  # what, strengths, unit, how
    "light": ("strength of all light", (0.7, 0.4, 0.2), " of nominal", _light),
    "warmth": ("red gains and blue loses", (0.1, 0.2, 0.35), "", _set("light", "warmth")),
    "textures": ("floor, wall, box", (("wood", "none", "none"), ("tiles", "brick", "none"),
                                      ("carpet", "wallpaper", "carton")), "", _textures),
    "colours": ("saturation of floor and walls, lost by boxes", (0.2, 0.5, 0.9), "", _colours),
    "blur": ("deviation in pixels of a picture 224 wide", (1.0, 2.0, 4.0), "",
             _set("lens", "blur_px")),
    "noise": ("deviation in grey levels of 255", (8.0, 16.0, 32.0), "", _set("lens", "noise")),
    "camera height": ("higher by", (0.03, 0.08, 0.15), " m", _set("lens", "height_offset_m")),
    "camera tilt": ("looks down by", (3.0, 6.0, 10.0), " degrees",
                    _degrees(_set("lens", "tilt_offset_rad"))),
    "field of view": ("scaled by", (0.9, 0.8, 0.65), "", _set("lens", "fov_scale")),
    "distractors": ("things to look at", (3, 6, 9), "", _distractors),
}
OCCLUDED = (0.05, 0.15, 0.3)  # of the picture's area


def _arms(config: Config, folder: Path) -> list[Arm]:
    arms = []
    for kind, (about, values, unit, change) in KINDS.items():
        files = [_written(config.appearance, f"{kind.replace(' ', '_')}_{grade}", change, value,
                          folder) for grade, value in zip(GRADES, values)]
        shown = tuple(" / ".join(each) if isinstance(each, tuple) else each for each in values)
        arms += graded(kind, about, shown, [{"appearance": str(path)} for path in files], unit)
    arms += graded("occlusion", "a dark patch covers of the picture", OCCLUDED,
                   [{"policy": f"occluded={{policy}},{share}"} for share in OCCLUDED])
    return chosen(arms, config.arms)


def _written(base: str, name: str, change: Change, value: Any, folder: Path) -> Path:
    """A profile like the base's but for one change, as a file."""
    tables = asdict(load_profile(base)) | {"name": name, "about": f"{base}, {name}: {value}"}
    change(tables, value)
    return write_toml(folder / f"{name}.toml", tables)


SUITE = Suite("appearance", "One thing of the look changed at a time, at three chosen strengths.",
              _arms, result)
