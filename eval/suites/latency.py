"""How slow may a policy be? The world moves while it thinks, on a virtual clock.

The same episodes at growing latencies; where a command's time is over and no newer is there, the
robot stands (`zero`) or goes on (`last`). Constant latencies of at most one decision leave no such
time, so both are the same there and are driven once.
"""

from __future__ import annotations

from pathlib import Path

from envs import load_robot
from episodes.clock import HOLDS, LAST, ZERO, Latency
from eval.latencies import parse
from eval.pairing import Side
from eval.statistics import Rate
from eval.suites.arm import Arm, Extra, Found, Suite
from eval.suites.budget import FALL, Budget, budget
from eval.suites.judging import success_of
from eval.suites.options import Config

DEFAULT = ("0.05", "0.1", "0.2", "0.3", "0.4", "0.6", "0.8")  # seconds
HELD = {ZERO: "stands still", LAST: "goes on"}


def _arms(config: Config, folder: Path) -> list[Arm]:
    """Any latencies that `eval.run --latency` takes."""
    decision_s = load_robot(config.robot).decision_s
    return [arm for words in config.arms or DEFAULT for arm in _both(words, decision_s)]


def _both(words: str, decision_s: float) -> list[Arm]:
    latency = parse(words)
    constant = latency.values[0] if latency.kind == "constant" else None
    if constant is not None and constant <= decision_s:
        return [Arm(f"{words} s", "at most a decision: holding makes no difference",
                    {"latency": words}, "", constant)]
    name = f"{words} s" if constant is not None else words
    return [Arm(f"{name} {hold}", f"{HELD[hold]} where no command is left{_mean(latency)}",
                {"latency": words, "hold": hold}, hold, constant) for hold in HOLDS]


def _mean(latency: Latency) -> str:
    if latency.kind == "constant":
        return ""
    drawn = latency.drawn(0, 10_000)
    return f"; {drawn.mean():.3g} s on average, at most {drawn.max():.3g}"


def _result(found: Found) -> Extra:
    """The budget by each way of holding, from the constant latencies."""
    budgets: dict[str, Budget] = {}
    for hold in HOLDS:
        measured = _measured(found, hold)
        if measured:
            budgets[hold] = budget(found.control, [at for at, _ in measured],
                                   [side for _, side in measured])
    said = [f"Latency budget, where the robot {HELD[hold]} without a command ({hold}): "
            f"{each.said('s')}." for hold, each in budgets.items()]
    pictures = {"latency": _picture(found, budgets)} if budgets else {}
    return Extra({"budget_s": {hold: each.as_json() for hold, each in budgets.items()},
                  "fall": FALL}, {}, said, pictures)


def _measured(found: Found, hold: str) -> list[tuple[float, Side]]:
    """Constant latencies and their arms that drove any episode without an error of the policy."""
    return [(arm.strength, side) for arm, side in found.arms
            if arm.strength is not None and arm.group in ("", hold) and success_of(side).n]


def _picture(found: Found, budgets: dict[str, Budget]) -> bytes:
    """Success against latency, one curve a way of holding."""
    from eval.suites.plots import GREY, Point, curve, new_figure, png

    def point(at: float, success: Rate) -> Point:
        return Point(at, 100 * (success.share or 0.0), 100 * success.low, 100 * success.high)

    figure = new_figure(4.4)
    axes = figure.add_subplot()
    control = success_of(found.control)
    for number, (hold, each) in enumerate(budgets.items()):
        points = [point(0.0, control)] + sorted(
            (point(at, success_of(side)) for at, side in _measured(found, hold)),
            key=lambda each: each.at)
        curve(axes, points, f"{hold}: {HELD[hold]}; budget {each.cell('s')}", number)
    axes.axhline(100 * ((control.share or 0.0) - FALL), color=GREY, linewidth=1, linestyle=":",
                 label=f"{100 * FALL:.0f} points below a world that waits")
    axes.set_ylim(0, 103)
    axes.set_xlabel("latency of every answer, s")
    axes.set_ylabel("success, % (95 % Wilson)")
    axes.set_title(f"{found.control.policy}: success against latency on a virtual clock",
                   fontsize=11, loc="left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    return png(figure)


SUITE = Suite("latency", "The world moves while the policy thinks, on a virtual clock: how slow "
              "may it be?", _arms, _result)
