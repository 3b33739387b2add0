"""What is to be done: eight scenarios as data, their schema, instructions and layouts."""

from __future__ import annotations

from pathlib import Path

from scenarios.layout import Layout, Variation, episode_seed, sample_layout
from scenarios.schema import Scenario
from scenarios.shipped import did_you_mean, shipped, shipped_or_own
from scenarios.strict import build, read_toml

__all__ = ["SIDELESS", "Layout", "Scenario", "Variation", "did_you_mean", "episode_seed", "load",
           "names", "sample_layout", "select"]

FOLDER = Path(__file__).parent
SIDELESS = ("", "Reach the cup", "컵까지 가세요")  # the laboratory's fallbacks: no side is named


def names() -> list[str]:
    """The shipped scenarios, one box before two, left before right."""
    order = {"vert": 0, "hori": 1, "left": 0, "right": 1}
    return sorted(shipped(FOLDER, ".toml"),
                  key=lambda name: [order.get(part, part) for part in name.split("_")])


def load(name: str | Path) -> Scenario:
    """A shipped scenario by name, or a user's own by the path of its TOML file.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a file that does not fit the schema.
    """
    path = shipped_or_own("scenario", name, FOLDER, ".toml", "'all'")
    scenario = build(Scenario, read_toml(path), path.name)
    if scenario.name != path.stem:
        raise ValueError(f"{path.name}: name must be {path.stem!r} like the file, "
                         f"got {scenario.name!r}.")
    return scenario


def select(name: str) -> list[Scenario]:
    """The scenarios that a command line means: `all`, a name, a file, or a folder of files.

    Raises:
        ValueError: for an unknown name, or a file that does not fit.
    """
    if name != "all" and Path(name).is_dir():
        files = sorted(Path(name).glob("*.toml"))
        if not files:
            raise ValueError(f"{name}: holds no scenario, expected a folder of TOML files.")
        return [load(each) for each in files]
    return [load(each) for each in (names() if name == "all" else [name])]
