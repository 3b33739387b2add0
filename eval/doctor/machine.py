"""The machine alone: memory, clocks, and whether the checkpoint answers as where it was trained."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import policies
from envs.realtime import DRIVES, ask_for_priority, ticks
from hardware.examination import Finding
from hardware.safety import TICK_S
from policies import Policy, golden
from policies.checkpoint import SHIPPED
from policies.memory import free_bytes, in_words

LEAST_FREE_BYTES = 512 * 2**20  # with everything loaded
LOOKED_S = 2.0
LATE_S = TICK_S  # a loop whose ticks come later than the next one is none
DRIFT_S = 0.005  # of the wall clock against the monotonic one, in LOOKED_S
BUILT = 1_750_000_000.0  # a wall clock before this (June 2025) was never set
SAME = 1e-3  # command units: another library rounds otherwise, another colour order answers another


def memory(device: str) -> Finding:
    """What is left now that the policy is loaded."""
    free = free_bytes(device)
    if free is None:
        return Finding("memory", True, "The system does not say how much is free.", {})
    enough = free >= LEAST_FREE_BYTES
    advice = "" if enough else " Close other programs, or take --size mini."
    return Finding("memory", enough, f"{in_words(free)} are free on {device} with the policy "
                   f"loaded, expected {in_words(LEAST_FREE_BYTES)}.{advice}",
                   {"free_bytes": float(free)})


def clocks(wall: Callable[[], float] = time.time, count: int = round(LOOKED_S / TICK_S)) -> Finding:
    """Whether moments come when they should, and both clocks run alike.

    Measured in a thread that asks for the driver's priority.
    """
    began, late = wall() - time.monotonic(), list[float]()

    def tick() -> None:
        ask_for_priority(DRIVES)
        late.extend(itertools.islice(ticks(TICK_S), count))

    with ThreadPoolExecutor(1) as other:
        other.submit(tick).result()
    drift_s = abs(wall() - time.monotonic() - began)
    worst_s = sorted(late)[int(0.99 * (len(late) - 1))]
    said = [words for words, wrong in (
        (f"99 % of the ticks came at most {worst_s * 1000:.1f} ms late, more than "
         f"{LATE_S * 1000:g}: the machine is too busy", worst_s > LATE_S),
        (f"the wall clock jumped by {drift_s:.3f} s: is it being set?", drift_s > DRIFT_S),
        ("the wall clock was never set: names of episodes and this file's age come from it",
         wall() < BUILT)) if wrong]
    words = "; ".join(said) or f"99 % of the ticks came at most {worst_s * 1000:.1f} ms late"
    return Finding("clocks", not said, f"{words[0].upper()}{words[1:]}.",
                   {"late_s": worst_s, "drift_s": drift_s})


def answers(name: str, policy: Policy, checkpoint: str | None) -> list[Finding]:
    """Golden pairs of every checkpoint that a policy's name stands for.

    Args:
        name: As given to `--policy`.
        policy: Loaded from it.
        checkpoint: The folder given for the first.
    """
    kind, _, inside = name.partition("=")
    if kind not in policies.WRAPPERS:
        return [_answers(name, policy, checkpoint)]
    named = [each for each in inside.split(",") if not each.replace(".", "", 1).isdecimal()]
    inner = [policies.make(named[0], **({} if checkpoint is None else {"checkpoint": checkpoint})),
             *map(policies.make, named[1:])]
    return [_answers(each, one, checkpoint if place == 0 else None)
            for place, (each, one) in enumerate(zip(named, inner))]


def _answers(name: str, policy: Policy, checkpoint: str | None) -> Finding:
    title = f"answers of {policy.spec.name}"
    if policy.spec.weights == "none":
        return Finding(title, True, "Nothing was learned, so nothing can differ.", {})
    if policy.spec.weights == "random":
        return Finding(title, False, "Its weights are random: it must not drive.", {})
    folder = Path(checkpoint or (name if Path(name).is_dir() else SHIPPED / policy.spec.name))
    try:
        apart = golden.check(policy, folder)
    except ValueError as error:
        return Finding(title, False, f"Cannot be compared with those of the training machine: "
                       f"{error}", {})
    same = apart <= SAME
    return Finding(title, same, f"The same pictures give commands that differ by {apart:.2g} from "
                   f"those on the training machine, expected at most {SAME:g}."
                   + ("" if same else " Other versions of torch, or other weights?"),
                   {"apart": apart})
