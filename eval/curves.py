"""Learning curves from a file: how well policies drive after so many training episodes.

    {"curves": {"hybrid": [{"episodes": 160, "k": 140, "n": 160}, ...], ...}}

`k` of `n` driven episodes were successes after training on `episodes` episodes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.statistics import wilson

Curves = dict[str, dict[int, dict[str, Any]]]  # policy -> training episodes -> rate
NEEDED = ("episodes", "k", "n")


def read_curves(path: Path) -> Curves:
    """The file's curves, each point a rate with its interval.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    expected = 'expected {"curves": {policy: [{"episodes": E, "k": K, "n": N}, ...]}}'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}), {expected}.") from error
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON ({error}), {expected}.") from error
    curves = content.get("curves") if isinstance(content, dict) else None
    if not isinstance(curves, dict) or not curves:
        raise ValueError(f"{path}: holds no curves, {expected}.")
    found: Curves = {}
    for name, points in curves.items():
        if not isinstance(points, list) or not all(map(_is_point, points)):
            raise ValueError(f"{path}: curve {name!r} is {points!r}, {expected} with 0 <= K <= N.")
        found[name] = {each["episodes"]: wilson(each["k"], each["n"]).as_json() for each in points}
    return found


def smallest_shared(curves: Curves) -> int | None:
    """The smallest number of training episodes at which all policies were measured."""
    shared = set.intersection(*[set(points) for points in curves.values()])
    return min(shared, default=None)


def _is_point(point: Any) -> bool:
    return (isinstance(point, dict) and all(type(point.get(name)) is int for name in NEEDED)
            and 0 <= point["k"] <= point["n"] and point["n"] > 0 and point["episodes"] > 0)
