"""Does a mirrored world get the mirrored answer? The same pictures, left and right exchanged.

The policy drives; beside it, its mirror image sees every picture mirrored, is told the other side,
and answers mirrored back (`--policy shadow=P,mirrored=P`). Were it symmetric, both would say the
same at every decision. A violation is a command that the two would drive otherwise: their
directions differ by more than a bound, or only one of them stands.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from eval.pairing import Line, Side
from eval.resampling import interval, or_none
from eval.results import load_record
from eval.statistics import Mean
from eval.suites.arm import Arm, Extra, Found, Suite, chosen
from eval.suites.options import Config
from eval.table import Table, mean_cell

IMAGE, ALONE = "beside its mirror image", "mirror image"
BOUND_RAD = math.radians(22.5)  # chosen: half of the step between two keys' directions
SHOWN = 20  # violations in the report; all stand in suite.json


def _arms(config: Config, folder: Path) -> list[Arm]:
    return chosen([
        Arm(IMAGE, "the policy drives, its mirror image is asked about the same pictures",
            {"policy": "shadow={policy},mirrored={policy}"}),
        Arm(ALONE, "the mirror image drives", {"policy": "mirrored={policy}"}),
    ], config.arms)


def angles(asked: np.ndarray, image: np.ndarray, dead_band: float) -> np.ndarray:
    """By how much directions [N] differ, rad; pi where only one moves, 0 where none does.

    Args:
        asked: [N, 3] commands.
        image: [N, 3], mirrored back; NaN where it was not asked.
        dead_band: Smaller commands are none.
    """
    moves = [np.abs(each).max(axis=1) > dead_band for each in (asked, image)]
    turn = np.abs([math.remainder(mine - theirs, math.tau) for mine, theirs in zip(
        *(np.arctan2(each[:, 1], each[:, 0]) for each in (asked, np.nan_to_num(image))))])
    found = np.where(moves[0] & moves[1], turn, np.where(moves[0] | moves[1], math.pi, 0.0))
    return np.where(np.isnan(image).any(axis=1), np.nan, found)


def violations(side: Side) -> tuple[list[dict[str, Any]], Mean]:
    """Every decision at which the two differ, and the share of such decisions by episode."""
    found, shares = [], []
    for line in side.lines:
        if line["error"]:
            continue
        record = load_record(side.run, line)
        (image,) = (record.aside or {"": np.full_like(record.asked, np.nan)}).values()
        apart = angles(record.asked, image, record.rules["dead_band"])
        known = np.isfinite(apart)
        if known.any():
            shares.append((float((apart[known] > BOUND_RAD).sum()), float(known.sum())))
        found += [_violation(line, record.asked, image, apart, int(k))
                  for k in np.flatnonzero(np.where(known, apart, 0.0) > BOUND_RAD)]
    if not shares:
        return found, Mean(None, 0)
    counts, of = np.array(shares).T
    low, high = interval(counts, of)
    return found, Mean(float(counts.sum() / of.sum()), len(shares), or_none(low), or_none(high))


def _violation(line: Line, asked: np.ndarray, image: np.ndarray, apart: np.ndarray,
               k: int) -> dict[str, Any]:
    return {"episode": line["id"], "decision": int(k), "apart_rad": round(float(apart[k]), 4),
            "said": asked[k].round(4).tolist(), "image_said": image[k].round(4).tolist()}


def _result(found: Found) -> Extra:
    side = next((side for arm, side in found.arms if arm.name == IMAGE), None)
    if side is None:
        return Extra()
    listed, share = violations(side)
    listed.sort(key=lambda each: -each["apart_rad"])
    table: Table = (["episode", "decision", "apart, degrees", "said", "its mirror image said"], [
        [each["episode"], str(each["decision"]), f"{math.degrees(each['apart_rad']):.0f}",
         _said(each["said"]), _said(each["image_said"])] for each in listed[:SHOWN]])
    sentence = (f"Of its decisions, {mean_cell(share.as_json(), 3)} differ from its mirror image's "
                f"by more than {math.degrees(BOUND_RAD):.1f} degrees ({len(listed)} in {share.n} "
                f"episodes; the interval is over episodes)." if share.n else
                "Its mirror image could not be asked: every episode ended in an error.")
    return Extra({"violations": listed, "share": share.as_json(), "bound_rad": BOUND_RAD},
                 {f"Violations, the {min(SHOWN, len(listed))} largest of {len(listed)}": table},
                 [sentence])


def _said(command: list[float]) -> str:
    return "stand" if not any(command) else ", ".join(f"{each + 0.0:+.2f}" for each in command)


SUITE = Suite("symmetry", "Mirrored pictures, the other side's words and negated y must give the "
              "mirrored action; where they do not is listed.", _arms, _result)
