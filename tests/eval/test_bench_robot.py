"""A policy through the whole robot's way beside the simulator: what is compared, and how."""

import json

import pytest

from eval.bench.robot import Compared, RobotOptions, main
from eval.statistics import wilson


def row(driven, simulated):
    return Compared("sim", "1box_vert_left", wilson(*driven), wilson(*simulated), 1,
                    {"goal": 3, "safety_stop": 1}, 61.0)


@pytest.mark.parametrize(("driven", "simulated", "within"), [
    ((24, 25), (25, 25), True), ((20, 25), (25, 25), False), ((25, 25), (20, 25), False),
    ((20, 25), (21, 25), True), ((0, 0), (21, 25), False)])
def test_a_rate_is_held_against_the_simulators_interval(driven, simulated, within):
    assert row(driven, simulated).is_within == within


def test_a_line_says_how_both_did_and_how_episodes_ended():
    line = row((3, 4), (4, 4)).line()
    assert "3 of 4; eval.run 4 of 4 [0.51, 1.00]: within; 1 of 4 layouts differ" in line
    assert "3 goal, 1 safety_stop" in line
    assert "OUTSIDE" in row((0, 4), (4, 4)).line()


@pytest.mark.parametrize(("options", "says"), [
    ({"transports": ("replay",)}, "no simulated robot"), ({"transports": ("smi",)}, "mean 'sim'"),
    ({"episodes": 0}, "1 or more"), ({"scenarios": ()}, "there must be scenarios"),
    ({"scenarios": ("3box",)}, "Unknown scenario"), ({"policy": "expert"}, "told the truth")])
def test_what_cannot_be_compared_is_refused_at_once(options, says):
    with pytest.raises(ValueError, match=says):
        main(RobotOptions(**({"policy": "forward"} | options)))


def test_a_blind_policy_runs_into_the_box_in_both_places(tmp_path, capsys):
    main(RobotOptions("forward", ("1box_vert_left",), ("sim",), episodes=1, out=str(tmp_path)))()
    assert "0 of 1; eval.run 0 of 1" in capsys.readouterr().out
    found, = json.loads((tmp_path / "robot.json").read_text())["rows"]
    assert found["ends"] == {"contact": 1}
    assert found["is_within"]
    assert found["apart"] == 0
