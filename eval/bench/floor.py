"""`python -m eval.bench floor`: the least time that a decision can take on a machine."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from eval.bench.floors import floors, refuse_impossible, total_ms
from eval.bench.hardware_profiles import HERE, Hardware, load_hardware

if TYPE_CHECKING:
    from eval.table import Table
    from policies.work import Work


@dataclass(frozen=True)
class FloorOptions:
    """The least time that one decision of a policy can take, stage by stage.

    Weights and operations are counted from the modules themselves; nothing is loaded or run.
    """

    policy: str
    """A learned policy's name, or text_action."""
    size: Literal["mini", "full"] = "full"
    """Of its towers and head."""
    hardware: str = "orin-nx-16gb"
    """A profile's name, a TOML file, or here: this machine, measured now."""
    execute: Annotated[int, arg(metavar="N")] = 1
    """Rows of a plan that are driven before asking again."""
    measured_ms: Annotated[float | None, arg(metavar="MS")] = None
    """A time of one decision that somebody measured: exit code 1 if it is impossible in every
    number format, with the words read beforehand."""
    out: Annotated[Path | None, arg(metavar="FILE.json")] = None
    """Write every number there, too."""


def found(options: FloorOptions) -> dict[str, Any]:
    """Every number of the command, ready for JSON.

    Raises:
        ValueError: for an unknown policy, hardware or number of rows.
    """
    from policies.work import work_of

    if options.measured_ms is not None and not 0 < options.measured_ms < math.inf:
        raise ValueError(f"--measured-ms must be a time above 0, got {options.measured_ms}.")
    work = work_of(options.policy, options.size)
    if not 1 <= options.execute <= work.plan:
        raise ValueError(f"--execute must be from 1 to {work.plan}, the plan of {options.policy}, "
                         f"got {options.execute}.")
    hardware = machine(options.hardware, work)
    steps = {f"{dtype}{'' if words else ', words known'}": _step(work, hardware, dtype, words)
             for dtype in hardware.peak_operations_s for words in (True, False)}
    return {"policy": work.policy, "size": work.size, "plan": work.plan, "window": work.window,
            "execute": options.execute, "hardware": asdict(hardware),
            "stages": [asdict(stage) for stage in work.stages], "floors": steps}


def machine(name: str, work: Work) -> Hardware:
    """A profile, or this machine measured with as many weights as the policy has."""
    if name != HERE:
        return load_hardware(name)
    from policies.machine import measured

    facts = measured(4 * sum(stage.weights for stage in work.stages))
    return Hardware(**facts)


def tables(numbers: dict[str, Any]) -> list[Table]:
    """Stages, and whole decisions."""
    dtypes = list(numbers["hardware"]["peak_operations_s"])
    stages = [[each["name"], each["per"], f"{each['weights'] / 1e6:.2f}",
               f"{each['operations'] * each['times'] / 1e9:.3f}",
               *[_cell(numbers["floors"][dtype]["stages"][each["name"]]) for dtype in dtypes]]
              for each in numbers["stages"]]
    whole = [[name, f"{step['weight_bytes'] / 1e6:.1f}", f"{step['floor_ms']:.4g}",
              f"{1e3 / step['floor_ms']:.4g}", f"{step['floor_ms'] / numbers['execute']:.4g}"]
             for name, step in numbers["floors"].items() if step["floor_ms"]]
    return [(["stage", "once a", "weights M", "operations G",
              *[f"{dtype} ms" for dtype in dtypes]], stages),
            (["one decision", "weights MB", "floor ms", "decisions/s at most",
              f"ms an action, {numbers['execute']} driven"], whole)]


def _step(work: Work, hardware: Hardware, dtype: str, words: bool) -> dict[str, Any]:
    """One decision's numbers."""
    stages = floors(work, hardware, dtype, words)
    return {"weight_bytes": sum(each.weight_bytes for each in stages.values()),
            "floor_ms": total_ms(stages.values()),
            "stages": {name: asdict(each) | {"bound": each.bound}
                       for name, each in stages.items()}}


def _cell(floor: dict[str, Any]) -> str:
    return f"{floor['floor_ms']:.4g} {floor['bound'][0].upper()}"


def main(options: FloorOptions) -> None:
    """The command."""
    from eval.table import markdown

    numbers = found(options)
    machine_name = numbers["hardware"]["name"]
    print(f"{options.policy}, size {options.size}, on {machine_name}: M memory-bound, "
          f"C compute-bound\n")
    print("\n\n".join(markdown(each) for each in tables(numbers)))
    if options.out is not None:
        options.out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if options.measured_ms is not None:
        least_ms = min(step["floor_ms"] for step in numbers["floors"].values())
        refuse_impossible(options.measured_ms, least_ms, f"{options.policy} on {machine_name}")
        print(f"\n{options.measured_ms:g} ms can be: the lowest floor is {least_ms:.4g} ms.")
