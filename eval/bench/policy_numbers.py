"""Every number of `python -m eval.bench policy`, ready for JSON."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.bench.floors import floors, refuse_impossible, total_ms
from eval.bench.hardware_profiles import DTYPE_BYTES, Hardware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.bench.policy import PolicyOptions
    from policies import Policy
    from policies.decision_times import Times
    from policies.work import Work

PERCENTILES = (50, 90, 95, 99)
WHOLE = "end to end"
OPTIONS = ("size", "device", "dtype", "checkpoint")


def found(options: PolicyOptions) -> dict[str, Any]:
    """Load, measure, and put floors beside the times.

    Raises:
        ValueError: for an unknown policy, device or dtype, or where memory is too small.
    """
    from eval.bench.fingerprint import fingerprint
    from policies.decision_times import Protocol, measure
    from policies.memory import used_bytes
    from policies.threads import computing_with

    protocol = Protocol(options.batch, options.picture, options.decisions, options.seconds)
    asked = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    if options.random_weights:
        asked["random_weights"] = True
    policy = _policy(options, asked)
    if not 1 <= options.execute <= policy.spec.plan_length:
        raise ValueError(f"--execute must be from 1 to {policy.spec.plan_length}, the plan of "
                         f"{options.policy}, got {options.execute}.")
    device = str(getattr(policy, "device", "cpu"))
    work = _work(policy)
    numbers_of = getattr(policy, "numbers", options.dtype or "fp32")
    machines: list[Hardware] = []
    with computing_with(options.threads) if options.threads else contextlib.nullcontext():
        times = measure(policy, protocol,
                        lambda: _note_machine(machines, work, device, numbers_of))
    numbers: dict[str, Any] = {
        "policy": policy.spec.name, "size": policy.spec.size, "weights": policy.spec.weights,
        "weights_hash": policy.spec.weights_hash, "device": device,
        "dtype": numbers_of,
        "head_dtype": getattr(policy, "numbers", "fp32"), "engine": options.engine,
        "plan": policy.spec.plan_length, "window": policy.spec.window, "execute": options.execute,
        "protocol": asdict(protocol),
        "machine": fingerprint(),
        "memory": used_bytes(device) | _weights(policy),
        "first_decision_ms": 1e3 * times.first, WHOLE: spread(times.whole),
        "words": spread(times.words), "words_again": spread(times.words_again)}
    numbers |= _rates(numbers)
    return numbers | _stages(times, work, machines, numbers)


def guard(numbers: dict[str, Any]) -> None:
    """Do nothing with numbers that can be.

    Raises:
        ImpossibleError: for a decision or a stage below 0.98 of its floor.
    """
    for name, stage in numbers["stages"].items():
        if stage["floor_ms"]:
            refuse_impossible(stage["min_ms"], stage["floor_ms"], name)
    if numbers.get("floor_ms"):
        refuse_impossible(numbers[WHOLE]["min_ms"], numbers["floor_ms"], numbers["policy"])


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """How times lie, in ms: percentiles, extremes, and jitter as p99 / p50 and as deviation."""
    times_ms = 1e3 * np.asarray(seconds)
    found = {f"p{each}_ms": float(np.percentile(times_ms, each)) for each in PERCENTILES}
    return found | {"min_ms": float(times_ms.min()), "max_ms": float(times_ms.max()),
                    "deviation_ms": float(times_ms.std()), "count": len(times_ms),
                    "p99_over_p50": found["p99_ms"] / found["p50_ms"]}


def best(machines: Sequence[Hardware]) -> Hardware:
    """The fastest that a machine was seen to be in several tries: floors ask what is possible."""
    peaks = [each.peak_operations_s for each in machines]
    return replace(machines[0], bandwidth_bytes_s=max(each.bandwidth_bytes_s for each in machines),
                   peak_operations_s={name: max(peak[name] for peak in peaks)
                                      for name in peaks[0]})


def _policy(options: PolicyOptions, asked: dict[str, Any]) -> Policy:
    """The policy as it is, or step by step."""
    import policies

    if options.threads is not None and options.threads < 1:
        raise ValueError(f"--threads must be at least 1, got {options.threads}.")
    if options.policy == "hybrid_stepped" or options.policy.startswith("policies.stepped:"):
        return policies.make(options.policy, **asked, **(
            {"engine": options.engine} if options.engine else {}))
    if options.engine is None and options.dtype != "int8":
        return policies.make(options.policy, **asked)
    return policies.make("policies.stepped:Stepped", of=options.policy,
                         engine=options.engine or "eager", **asked)


def _work(policy: Policy) -> Work | None:
    """What its decision costs; None where it has no weights or is nobody we know."""
    import policies

    name, size = getattr(policy, "counted_as", policy.spec.name), policy.spec.size
    if name not in policies.LEARNED or size is None:
        return None
    from policies.work import work_of, work_of_steps

    if hasattr(policy, "step"):
        return work_of_steps(name, size, policy.step.carried)
    return work_of(name, size)


def _note_machine(machines: list[Hardware], work: Work | None, device: str, dtype: str) -> None:
    if work is not None:
        from policies.machine import measured

        weights = sum(stage.weights for stage in work.stages if stage.per == "frame")
        machines.append(Hardware(**measured(DTYPE_BYTES[dtype] * weights, device, (dtype,))))


def _weights(policy: Any) -> dict[str, int]:
    """Bytes of all its parameters."""
    modules = policy.modules() if hasattr(policy, "modules") else (
        [*policy.backbone.modules(), policy.head] if hasattr(policy, "backbone") else [])
    held = {each.data_ptr(): each.numel() * each.element_size() for module in modules
            for each in [*module.parameters(), *module.buffers()]}
    return {"weights": sum(held.values())}


def _rates(numbers: dict[str, Any]) -> dict[str, float]:
    """Decisions and actions a second, which are two things."""
    decisions = numbers["protocol"]["batch"] * 1e3 / numbers[WHOLE]["p50_ms"]
    return {"decisions_s": decisions, "actions_s": decisions * numbers["execute"]}


def _stages(times: Times, work: Work | None, machines: list[Hardware],
            numbers: dict[str, Any]) -> dict[str, Any]:
    """Times and floors of all stages, and of the decision."""
    stages = {name: _one(times.stages, name) | {"per": "frame", "calls": times.calls[name]}
              for name in (times.stages[0] if times.stages else ())}
    stages |= {name: _one(times.word_stages, name) | {"per": "instruction", "calls": 0}
               for name in (times.word_stages[0] if times.word_stages else ())}
    if work is None:
        return {"stages": stages}
    hardware, batch = best(machines), numbers["protocol"]["batch"]
    dtype, head_dtype = numbers["dtype"], numbers["head_dtype"]
    least = floors(work, hardware, dtype, True, batch, head_dtype)
    known = floors(work, hardware, dtype, False, batch, head_dtype)
    words = {name: floors(work, hardware, dtype, True, 1)[name]
             for name in least if name not in known}
    for name, floor in (least | words).items():
        if name in stages:
            stages[name] |= {"floor_ms": floor.floor_ms, "bound": floor.bound}
    floor_ms = total_ms(known.values())
    with_words = floor_ms + total_ms(words.values())
    whole, words_ms = numbers[WHOLE]["p50_ms"], numbers["words"]["p50_ms"]
    undisturbed_ms = sum(stage["min_ms"] for stage in stages.values() if stage["per"] == "frame")
    return {"stages": stages, "hardware": asdict(hardware), "floor_ms": floor_ms,
            "floor_with_words_ms": with_words, "p50_over_floor": whole / floor_ms,
            "min_over_floor": numbers[WHOLE]["min_ms"] / floor_ms,
            "undisturbed_ms": undisturbed_ms, "undisturbed_over_floor": undisturbed_ms / floor_ms,
            "words_every_time_over_known": (whole + words_ms) / whole,
            "the_same_of_the_floors": with_words / floor_ms,
            "text_tower_calls_again": times.text_tower_calls_again}


def _one(measured: list[dict[str, float]], name: str) -> dict[str, Any]:
    """One stage's times; nothing in a decision is nothing."""
    return spread([each.get(name, 0.0) for each in measured]) | {"floor_ms": None, "bound": ""}
