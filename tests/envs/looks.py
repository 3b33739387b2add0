"""Looks for tests: shipped profiles, changed ones, and what is drawn from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.appearance import Appearance, draw, load_profile
from envs.profile import PROFILES
from scenarios import load

SCENARIO = load("2box_hori_left")
NOMINAL, RANDOMISED = load_profile("nominal"), load_profile("randomised")


def look(profile=RANDOMISED, seed=0, scenario=SCENARIO) -> Appearance:
    """What one seed draws."""
    return draw(profile, scenario, np.random.default_rng(seed))


def crowded(count=8):
    """Randomised, with so many distractors."""
    return replace(RANDOMISED, distractors=replace(RANDOMISED.distractors, count=(count, count)))


def own_profile(folder: Path, change=lambda text: text, source="randomised") -> str:
    """The path of a copy of a shipped profile, changed, called `own`."""
    text = (PROFILES / f"{source}.toml").read_text(encoding="utf-8")
    text = text.replace(f'name = "{source}"', 'name = "own"')
    (folder / "own.toml").write_text(change(text), encoding="utf-8")
    return str(folder / "own.toml")
