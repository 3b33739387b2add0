"""What a run's files must hold to be read again: keys, with dots into nested objects, and types."""

from __future__ import annotations

from typing import Any

from eval.metrics import MEANS, MODES

Shape = dict[str, "type | tuple[type, ...]"]
NUMBER = (int, float)
MAYBE_TEXT = (str, type(None))
LOOPS = ("closed", "open")

FACTS: Shape = {
    "id": str, "planned": int, "source": MAYBE_TEXT, "renderer": MAYBE_TEXT,
    "appearance": (dict, type(None)), "git": MAYBE_TEXT,
    "scenarios": dict, "packages": dict, "robot.name": str,
    "config.loop": str, "config.instruction": str, "config.seed": int,
    "policy.name": str, "policy.needs": list, "policy.privileged": bool, "policy.weights": str,
    "policy.weights_hash": MAYBE_TEXT, "policy.trained_on": MAYBE_TEXT,
    "batch_size": int, "policy.size": MAYBE_TEXT, "policy.trained_seed": (int, type(None)),
    **{f"machine.{name}": (str, int, type(None))
       for name in ("processor", "cores", "system", "python")},
}
_LINE: Shape = {
    "id": str, "policy": str, "source": str, "instruction": str, "seed": int, "error": MAYBE_TEXT,
    "variation": dict, "metrics": dict, "arrays": str, "arrays_sha256": str,
}
LINES: dict[str, Shape] = {
    "closed": _LINE | {
        "index": int, "scenario": str, "scenario_hash": str, "ended_by": str, "resampled": int,
        "pass_side": str, "touched": dict,
        **{f"rules.{name}": NUMBER for name in (
            "goal_radius_m", "hold_decisions", "still_m", "robot_radius_m", "step_m",
            "clearance_m", "lead_m")},
    },
    "open": _LINE | {"scenario": MAYBE_TEXT, "decisions": int, "seed_root": (int, type(None))},
}
JUDGED: dict[str, Shape] = {  # what `eval.metrics.judge` finds; later versions find more
    "closed": {
        "success": bool, "reach": bool, "contact": bool, "side_compliant": (bool, type(None)),
        **{f"metrics.{name}": (*NUMBER, type(None)) for name in MEANS},
        **{f"metrics.success_{mode}": bool for mode in MODES},
    },
    "open": {},
}
TIMING: Shape = {"id": str, "latency_s": list}
TIMING_FILE: Shape = {"sessions": list}


ANEW = "Start a new run."


def check(content: Any, shape: Shape, where: str, advice: str = ANEW) -> None:
    """Refuse what lacks a key of the shape or has another type there.

    Args:
        content: What was read.
        shape: What it must hold.
        where: File and line, for the sentence.
        advice: What to do, its last words.

    Raises:
        ValueError: naming file, key, what was found and what was expected.
    """
    for key, kind in shape.items():
        value = content
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ValueError(f"{where}: has no {key!r}, as eval.run writes it; the file was "
                                 f"changed or is of another version. {advice}")
            value = value[part]
        if not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            expected = " or ".join(each.__name__ for each in kinds)
            raise ValueError(f"{where}: {key!r} must be {expected}, got {value!r}. "
                             f"{advice}")
