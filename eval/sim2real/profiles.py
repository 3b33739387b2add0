"""The fitted robot and its look, as TOML files that commands take: `--robot`, `--appearance`."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

from envs.interface import RobotSpec
from envs.profile import PROFILES
from episodes.atomic import write_atomically
from eval.sim2real.fit import Fit

ROBOT, LOOK = "fitted_robot", "fitted_look"  # files, and the names in them


def fitted_robot(base: RobotSpec, fit: Fit | None) -> RobotSpec:
    """The base robot with every number that the episodes tell; the others stay as they are."""
    if fit is None:
        return dataclasses.replace(base, name=ROBOT)
    told = {name: each.value for name, each in fit.numbers.items() if each.told}
    camera = dataclasses.replace(
        base.camera, height_m=round(told.get("height_m", base.camera.height_m), 4),
        tilt_rad=round(told.get("tilt_rad", base.camera.tilt_rad), 4),
        horizontal_fov_rad=round(2 * math.atan(told["wide"]), 4) if "wide" in told
        else base.camera.horizontal_fov_rad)
    speed = told["step_m"] / base.decision_s if "step_m" in told else base.speed_m_s
    return dataclasses.replace(base, name=ROBOT, camera=camera, speed_m_s=round(speed, 4))


def write_robot(path: Path, robot: RobotSpec, remarks: list[str]) -> None:
    """Write a robot file that `--robot` takes, under its remarks."""
    values = dataclasses.asdict(robot)
    camera = values.pop("camera")
    lines = [*[f"# {each}" for each in remarks], "", *map(_assigned, values.items()), "",
             "[camera]", *map(_assigned, camera.items())]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def write_appearance(path: Path, exposure: float | None, remarks: list[str]) -> None:
    """Write the nominal look with the fitted exposure, as `--appearance` takes it."""
    text = (PROFILES / "nominal.toml").read_text(encoding="utf-8")
    body = text[text.index("\nname = "):]
    body = re.sub(r'^name = .*$', f'name = "{LOOK}"', body, count=1, flags=re.MULTILINE)
    body = re.sub(r'^about = .*$', 'about = "The nominal look, as bright as recorded pictures."',
                  body, count=1, flags=re.MULTILINE)
    if exposure is not None:
        body = re.sub(r"^exposure = .*$", f"exposure = {exposure:.4f}", body, count=1,
                      flags=re.MULTILINE)
    write_atomically(path, ("\n".join(f"# {each}" for each in remarks) + "\n" + body).encode())


def _assigned(item: tuple[str, object]) -> str:
    name, value = item
    return f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
