"""Finished runs made by hand: folders as eval.run leaves them, without a simulator."""

from collections.abc import Callable
from pathlib import Path

from eval.jsonl import encoded
from eval.metrics import judge
from eval.report import write_report
from eval.results import Run, episode_id, episodes_sha256, write_json
from tests.eval.walks import run_facts, straight

LEFT, RIGHT = "1box_vert_left", "1box_vert_right"
Outcome = Callable[[str, int], bool | None]  # scenario, index -> won, lost, or an error (None)


def finished(out: Path, wins: Outcome, episodes: int, *, name="by_hand", scenarios=(LEFT,),
             report=True, first=0, version="0123456789abcdef", **facts) -> Run:
    """A run whose episodes were won as `wins` says; left and right of an index share a layout.

    Args:
        out: Where.
        wins: Who wins what.
        episodes: Of each scenario.
        name: The policy's.
        scenarios: What was driven.
        report: Whether summary and report are written, which takes as long as they are many.
        first: The first index's seed.
        version: The scenarios' hash.
        facts: What run.json says beside.
    """
    run = Run.create(out, name, FACTS | {
        "planned": episodes * len(scenarios), "scenarios": dict.fromkeys(scenarios, version),
        "policy": FACTS["policy"] | {"name": name}} | facts)
    lines = [_line(scenario, index, wins(scenario, index), name, first)
             for scenario in scenarios for index in range(episodes)]
    (run.folder / "episodes.jsonl").write_bytes(b"".join(map(encoded, lines)))
    if report:
        write_report(run, lines)
    else:
        write_json(run.folder / "summary.json", {"episodes_sha256": episodes_sha256(lines)})
    return run


FACTS = run_facts()
WON, LOST = straight(), straight(stops=0, ended_by="time")
JUDGED = {True: judge(WON), False: judge(LOST), None: judge(LOST)}


def _line(scenario: str, index: int, won: bool | None, policy: str, first: int) -> dict:
    record = WON if won else LOST
    header = record.header() | {"scenario": scenario, "seed": first + index, "policy": policy}
    if won is None:
        header |= {"ended_by": "policy_error", "error": "I do not know."}
    name = episode_id(scenario, index)
    return {"id": name, "index": index, **header, **JUDGED[won],
            "arrays": f"arrays/{name}.npz", "arrays_sha256": "0" * 64}
