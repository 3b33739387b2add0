"""A policy through the whole robot's way beside the simulator: what is compared, and how."""

import json
from types import SimpleNamespace

import pytest

from eval.bench.robot import Compared, RobotOptions, compared, main, simulated
from eval.statistics import wilson
from hardware.transport import LinkLostError


def row(driven, simulated, apart=2):
    return Compared("sim", "1box_vert_left", wilson(*driven), wilson(*simulated), apart, 4,
                    {"goal": 3, "contact": 1, "safety_stop": 2}, 61.0)


@pytest.mark.parametrize(("driven", "simulated", "within"), [
    ((24, 25), (25, 25), True), ((20, 25), (25, 25), False), ((25, 25), (20, 25), False),
    ((20, 25), (21, 25), True), ((0, 0), (21, 25), False)])
def test_a_rate_is_held_against_the_simulators_interval(driven, simulated, within):
    assert (row(driven, simulated).verdict == "within") == within


def test_a_rate_outside_by_one_layout_is_said_to_be_that():
    assert row((25, 25), (24, 25), apart=1).verdict == "outside by one layout"
    assert row((25, 25), (24, 25), apart=3).verdict == "OUTSIDE"


def test_a_line_says_how_both_did_and_how_episodes_ended():
    line = row((3, 4), (4, 4), apart=1).line()
    assert "3 of 4; eval.run 4 of 4 [0.51, 1.00]: within; 1 of 4 layouts differ" in line
    assert "1 contact, 3 goal, 2 safety_stop; 2 in no rate" in line
    assert "OUTSIDE" in row((0, 4), (4, 4)).line()


@pytest.mark.parametrize(("options", "says"), [
    ({"transports": ("replay",)}, "no simulated robot"), ({"transports": ("smi",)}, "mean 'sim'"),
    ({"episodes": 0}, "1 or more"), ({"scenarios": ()}, "there must be scenarios"),
    ({"scenarios": ("3box",)}, "Unknown scenario"), ({"policy": "expert"}, "told the truth")])
def test_what_cannot_be_compared_is_refused_at_once(options, says):
    with pytest.raises(ValueError, match=says):
        main(RobotOptions(**({"policy": "forward"} | options)))


class Robots:
    """Instead of driving: what becomes of each episode, robot after robot; None: it is lost."""

    def __init__(self, monkeypatch, *lives):
        self.lives, self.reached = iter(lives), 0
        monkeypatch.setattr("hardware.run.reach", self.reach)
        monkeypatch.setattr("hardware.run.drive", self.drive)

    def reach(self, config, scenario, robot, policy, stack):
        self.reached += 1
        return iter(next(self.lives))

    def drive(self, config, scenario, env, policy, first):
        end = next(env)
        if end is None:
            raise LinkLostError("It is gone.")
        return [SimpleNamespace(record=SimpleNamespace(seed=first, ended_by=end),
                                is_success=end == "goal" or None)]


def test_errors_are_in_no_rate_and_a_lost_robot_is_reached_again(monkeypatch):
    robots = Robots(monkeypatch, ["goal", "safety_stop", None], ["policy_error", "time", "goal"])
    options = RobotOptions("forward", ("1box_vert_left",), ("sim",), episodes=5)
    row = compared(options, "sim", "1box_vert_left", {0: True, 1: True, 3: True}, None)
    assert (row.driven.k, row.driven.n) == (2, 3)
    assert row.errors == 2
    assert (row.apart, row.paired) == (1, 2)  # the simulator itself erred in the fifth
    assert robots.reached == 2


def test_a_robot_that_stays_lost_costs_no_row_that_was_there(monkeypatch, tmp_path, capsys):
    Robots(monkeypatch, ["goal"], [None])
    monkeypatch.setattr("eval.bench.robot.simulated", lambda options, scenario: {0: True})
    options = RobotOptions("forward", ("1box_vert_left", "2box_hori_left"), ("sim",), episodes=1,
                           out=str(tmp_path))
    with pytest.raises(SystemExit):
        main(options)()
    said = capsys.readouterr()
    assert said.err == "error: It is gone.\n"
    (row,) = json.loads((tmp_path / "robot.json").read_text())["rows"]
    assert (row["scenario"], row["errors"]) == ("1box_vert_left", 0)


def test_errors_in_the_simulator_are_in_no_rate_either(monkeypatch):
    lines = [{"seed": 1, "success": True, "ended_by": "goal"},
             {"seed": 2, "success": False, "ended_by": "time"},
             {"seed": 3, "success": False, "ended_by": "policy_error"}]
    monkeypatch.setattr("eval.run.run", lambda **_: SimpleNamespace(episodes=lines))
    assert simulated(RobotOptions(), "1box_vert_left") == {1: True, 2: False}


def test_a_blind_policy_runs_into_the_box_in_both_places(tmp_path, capsys):
    main(RobotOptions("forward", ("1box_vert_left",), ("sim",), episodes=1, out=str(tmp_path)))()
    assert "0 of 1; eval.run 0 of 1" in capsys.readouterr().out
    found, = json.loads((tmp_path / "robot.json").read_text())["rows"]
    assert found["ends"] == {"contact": 1}
    assert found["verdict"] == "within"
    assert found["apart"] == 0
