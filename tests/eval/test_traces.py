"""Commands and latencies over time, as they are drawn."""

import numpy as np
import pytest

from eval import traces
from tests.eval.walks import straight, walk


def points(line):
    return np.array([each.split(",") for each in line.points.split()], float)


def test_a_command_is_held_for_a_decision_and_stands_where_its_axis_says():
    drawn = traces.commands(walk((0, 0), (1, 0), stops=1))  # forward, then still
    assert [line.name for line in drawn.lines] == ["linear x", "linear y", "angular z"]
    middle = (traces.LEFT + traces.RIGHT) / 2
    ticks = {text: at for at, text in drawn.values}
    forward = points(drawn.lines[0])
    assert forward[:, 0].tolist() == [traces.LEFT, middle, middle, traces.RIGHT]
    assert forward[0, 1] < ticks["1"]  # 1.15 is above 1
    assert forward[2, 1] == pytest.approx(ticks["0"], abs=0.1)
    assert drawn.seconds[0] == (traces.LEFT, "0 s")


def test_lines_differ_in_dashes_too():
    assert len({line.dashes for line in traces.commands(straight()).lines}) == 3


def test_latency_is_drawn_in_milliseconds_up_to_a_round_number():
    drawn = traces.latency(walk((0, 0), (1, 0), stops=1, latency_s=np.array([0.02, 0.03])))
    assert [text for _, text in drawn.values] == ["0", "25", "50"]
    y = points(drawn.lines[0])[:, 1]
    height = traces.BOTTOM - traces.TOP
    assert y.tolist() == pytest.approx([traces.BOTTOM - height * share for share in (0.4, 0.6)],
                                       abs=0.06)


def test_decisions_within_a_plan_have_no_latency_and_nothing_known_is_no_picture():
    drawn = traces.latency(walk((0, 0), (1, 0), stops=1, latency_s=np.array([0.02, 0.0])))
    assert len(points(drawn.lines[0])) == 1
    assert traces.latency(straight(latency_s=np.zeros(4))) is None


def test_a_policy_that_never_answered_has_pictures_too():
    traces.commands(walk((0, 0), stops=0))
