"""How much may the drive do otherwise than it is told? One fault at a time, graded.

`eval.run --dynamics slip=0.2` takes the same faults. All strengths are CHOSEN, not measured.
"""

from __future__ import annotations

from pathlib import Path

from eval.suites.arm import Arm, Suite, chosen
from eval.suites.graded import graded, result
from eval.suites.options import Config

KINDS = {  # what it is called -> the fault, what it is, strengths
    "slip": ("slip", "at every tick a share of the way is lost, on average", (0.1, 0.2, 0.4)),
    "actuator delay": ("delay_s", "commands take effect later by s", (0.1, 0.2, 0.4)),
    "too slow": ("speed", "speed is off by the share", (-0.1, -0.25, -0.5)),
    "too fast": ("speed", "speed is off by the share", (0.1, 0.25, 0.5)),
    "drift": ("drift_m_s", "while it moves it also moves aside, m/s", (0.03, 0.08, 0.15)),
    "dropped commands": ("drop", "share of decisions in which it stands", (0.1, 0.2, 0.4)),
    "repeated commands": ("repeat", "share of decisions that drive the one before",
                          (0.1, 0.2, 0.4)),
    "push": ("push_m", "once, between 1 and 4 s, it is pushed aside by m", (0.05, 0.1, 0.2)),
}


def _arms(config: Config, folder: Path) -> list[Arm]:
    arms = [arm for kind, (name, about, values) in KINDS.items()
            for arm in graded(kind, about, values,
                              [{"dynamics": f"{name}={value}"} for value in values])]
    return chosen(arms, config.arms)


SUITE = Suite("dynamics", "One fault of the drive at a time, at three chosen strengths.", _arms,
              result)
