"""What `python -m eval.bench policy` prints."""

from __future__ import annotations

from typing import Any

from eval.bench.policy_numbers import WHOLE
from policies.memory import in_words


def told(numbers: dict[str, Any]) -> str:
    """Every table and sentence, in Markdown."""
    from eval.table import markdown

    stages = [markdown(_stages(numbers))] if numbers["stages"] else []
    said = [_what(numbers), *stages, markdown(_whole(numbers)), _rates(numbers)]
    if "hardware" in numbers:
        said += [_words(numbers), _machine(numbers)]
    return "\n\n".join(said)


def _what(numbers: dict[str, Any]) -> str:
    loud = ("\nRANDOM WEIGHTS: this policy has learned nothing; only its times mean something."
            if numbers["weights"] == "random" else "")
    height, width = numbers["protocol"]["picture"]
    size = f", size {numbers['size']}" if numbers["size"] else ""
    return (f"{numbers['policy']}{size}, {numbers['device']}, {numbers['dtype']}, "
            f"{numbers['protocol']['batch']} robot(s), frames of {height} x {width}{loud}")


def _stages(numbers: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    headers = ["stage", "once a", "p50 ms", "p95 ms", "min ms", "floor ms", "bound", "p50 / floor",
               "min / floor"]
    return headers, [[name, stage["per"], *_times(stage, "p50_ms", "p95_ms", "min_ms"),
                      *_floor(stage)] for name, stage in numbers["stages"].items()]


def _floor(stage: dict[str, Any]) -> list[str]:
    """Floor, what bounds it, and how many times it was needed."""
    floor_ms = stage["floor_ms"]
    if not floor_ms:
        return ["-", "", "", ""]
    return [f"{floor_ms:.4g}", stage["bound"], f"{stage['p50_ms'] / floor_ms:.3g}",
            f"{stage['min_ms'] / floor_ms:.3g}"]


def _whole(numbers: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    headers = ["", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms", "min ms", "p99 / p50",
               "deviation ms", "floor ms", "p50 / floor", "min / floor"]
    names = ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "min_ms", "p99_over_p50",
             "deviation_ms")
    whole = numbers[WHOLE]
    floor = ([f"{numbers['floor_ms']:.4g}", f"{numbers['p50_over_floor']:.3g}",
              f"{numbers['min_over_floor']:.3g}"] if "floor_ms" in numbers else ["-", "", ""])
    return headers, [["frame to command", *_times(whole, *names), *floor],
                     ["words, new", *_times(numbers["words"], *names), "", "", ""],
                     ["words, known", *_times(numbers["words_again"], *names), "", "", ""]]


def _times(measured: dict[str, float], *names: str) -> list[str]:
    return [f"{measured[name]:.4g}" for name in names]


def _rates(numbers: dict[str, Any]) -> str:
    memory = ", ".join(f"{name} {in_words(count)}" for name, count in numbers["memory"].items())
    return (f"{numbers['decisions_s']:.4g} decisions/s; {numbers['actions_s']:.4g} actions/s with "
            f"{numbers['execute']} driven of each plan; the first decision took "
            f"{numbers['first_decision_ms']:.4g} ms.\nMemory: {memory}.")


def _words(numbers: dict[str, Any]) -> str:
    known = ""  # text towers are stages, too: without them nobody counted
    if numbers["stages"]:
        known = (f"Stages at their quickest, together: {numbers['undisturbed_ms']:.4g} ms, "
                 f"{numbers['undisturbed_over_floor']:.3g} times the floor: a decision that "
                 f"nothing else on the machine disturbs.\nTold known words, text towers ran "
                 f"{numbers['text_tower_calls_again']} times. ")
    return (f"{known}Reading the words every time would take "
            f"{numbers['words_every_time_over_known']:.3g} times as long, "
            f"{numbers['the_same_of_the_floors']:.3g} times by the floors.")


def _machine(numbers: dict[str, Any]) -> str:
    hardware, machine = numbers["hardware"], numbers["machine"]
    peaks = ", ".join(f"{name} {peak / 1e9:.4g}"
                      for name, peak in hardware["peak_operations_s"].items())
    return (f"{hardware['name']} ({machine['processor']}, load {machine['load'][0]:g} of "
            f"{machine['cores']} cores), measured in the same run: "
            f"{hardware['bandwidth_bytes_s'] / 1e9:.4g} GB/s; 1e9 operations/s: {peaks}.")
