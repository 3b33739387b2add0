"""The table of faults: everything in time, and a gate that does not stop is found."""

from pathlib import Path

import pytest

from eval.bench.safety import CLOCK_SHARE, EVENTS, SafetyOptions, main, table
from hardware.profile import load_profile
from hardware.safety import Gate

FEW = SafetyOptions(events=20, actions=500)
LIMITS = load_profile().limits


def test_every_event_is_played_and_the_robot_stands_in_time():
    rows = table(FEW, LIMITS)
    assert [row.what for row in rows] == [*EVENTS, "hostile actions"]
    assert [row.count for row in rows] == [20] * 6 + [2, 500]
    assert [row.bad for row in rows] == [0] * 8
    assert rows[0].worst_s > 0.05  # it was under way


def test_the_page_shows_what_the_command_prints():
    page = (Path(__file__).parent.parent.parent / "docs" / "robot.md").read_text("utf-8")
    block = page.split("```text\nOn a virtual clock")[1].split("```")[0]
    rows = [line.split("  ") for line in block.splitlines()[3:]]
    assert [row[0] for row in rows] == [*EVENTS, "hostile actions"]
    counts = [int(next(filter(None, row[1:])).split()[0].replace(",", "")) for row in rows]
    options = SafetyOptions()
    assert counts == [options.events] * 6 + [options.events // CLOCK_SHARE, options.actions]


def test_a_gate_that_drives_on_is_found(monkeypatch, capsys):
    monkeypatch.setattr(Gate, "_target", lambda self, now_s: (0.9, 0.0, 0.0))
    with pytest.raises(SystemExit) as end:
        main(FEW)()
    assert end.value.code == 1
    said = capsys.readouterr()
    assert "did not stand in time" in said.err
    assert "500   500" in said.out  # beyond the limits


def test_too_few_events_are_no_table():
    with pytest.raises(ValueError, match="--events"):
        main(SafetyOptions(events=1))
