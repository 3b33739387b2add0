"""The operator's desk: consent, stops in every phase, and who drives."""

import threading
import time

import pytest

from envs import load_robot
from hardware.keys import Keys
from hardware.safety import RefusedError
from hardware.web.desk import LOST, Desk, ElsewhereError, Wish
from hardware.web.orders import obey
from hardware.web.view import View
from hardware.web.watched import Watched
from policies.interface import Action
from tests.brains import AHEAD, Brain
from tests.hardware.robots import until

HERE, THERE = 1, 2  # two pages


class Pilot:
    """Notes what it is asked for."""

    source = "simulated"

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda *words, **more: self.asked.append((name, *words, *more.values()))


class Folder:
    """A journal without a disk."""

    def drives(self):
        return []

    def judge(self, episode, verdict):
        raise ValueError(f"no episode {episode!r}")


@pytest.fixture
def desk():
    found = Desk(Wish("1box_vert_left", "go"), Keys(load_robot()), "vla")
    found.open(Pilot())
    return found


def order(desk, who=HERE, **words):
    facts = {"scenarios": ["1box_vert_left", "2box_hori_left"]}
    obey(desk, View(desk, Folder(), facts), who, words)


class Loop:
    """The loop's side in a thread: waits for consent once."""

    def __init__(self, desk):
        desk.place()
        self.came_of_it = None
        self._thread = threading.Thread(target=self._wait, args=(desk,))
        self._thread.start()
        until(lambda: desk.phase == "ready")

    def _wait(self, desk):
        try:
            desk.consent(desk.pilot)
            self.came_of_it = "armed"
        except (ElsewhereError, RefusedError) as error:
            self.came_of_it = error

    def end(self):
        self._thread.join(10.0)
        return self.came_of_it


def drives(desk):
    loop = Loop(desk)
    order(desk, do="arm")
    assert loop.end() == "armed"
    assert desk.phase == "driving"


def test_nothing_is_armed_before_the_operator_says_so(desk):
    loop = Loop(desk)
    time.sleep(0.2)
    assert loop.came_of_it is None
    assert desk.pilot.asked == []
    order(desk, do="arm")
    assert loop.end() == "armed"
    assert desk.pilot.asked == [("set_mode", "vla"), ("arm",)]


def test_another_instruction_is_laid_out_anew_and_then_driven_without_asking_twice(desk):
    loop = Loop(desk)
    order(desk, do="want", instruction=" to the cup, on the right ")
    order(desk, do="arm")
    assert isinstance(loop.end(), ElsewhereError)
    assert desk.place().instruction == "to the cup, on the right"
    desk.consent(desk.pilot)
    assert desk.phase == "driving"


def test_a_stop_while_it_begins_wins(desk):
    loop = Loop(desk)
    arm = desk.pilot.arm
    desk.pilot.arm = lambda: (order(desk, THERE, do="stop"), arm())  # the worst moment
    order(desk, do="arm")
    assert isinstance(loop.end(), RefusedError)
    assert [asked[0] for asked in desk.pilot.asked][-2:] == ["arm", "disarm"]
    assert desk.phase != "driving"


@pytest.mark.parametrize(("do", "asked"), [("stop", [("disarm",)]),
                                           ("emergency", [("disarm",), ("stop", "page")])])
def test_whoever_looks_may_stop(desk, do, asked):
    drives(desk)
    desk.pilot.asked.clear()
    order(desk, THERE, do=do)
    assert desk.pilot.asked == asked


def test_a_page_that_leaves_stops_what_it_drove_and_nothing_else(desk):
    drives(desk)
    desk.pilot.asked.clear()
    desk.left(THERE)
    assert desk.pilot.asked == []
    desk.left(HERE)
    assert desk.pilot.asked == [("disarm",)]
    assert desk.said == LOST


def test_keys_drive_only_from_the_page_that_armed(desk):
    order(desk, do="key", key="w")
    assert desk.pilot.asked == []
    assert "Arm first" in desk.said
    drives(desk)
    desk.pilot.asked.clear()
    order(desk, THERE, do="key", key="w")
    assert desk.pilot.asked == []
    assert "Another page" in desk.said
    order(desk, do="key", key="w")
    assert desk.pilot.asked == [("command", [0.5, 0.0, 0.0], "operator")]
    assert desk.steered


def test_less_throttle_is_less_speed(desk):
    drives(desk)
    for _ in range(5):
        order(desk, do="throttle", more=False)
    order(desk, do="key", key="a")
    assert desk.pilot.asked[-1] == ("command", pytest.approx([0.0, 0.25, 0.0]), "operator")


def test_what_is_driven_cannot_be_changed_on_the_way(desk):
    drives(desk)
    order(desk, do="want", scenario="2box_hori_left")
    assert desk.wish.scenario == "1box_vert_left"
    assert "Stop first" in desk.said


def test_a_chosen_scenario_brings_its_own_words(desk):
    order(desk, do="want", scenario="2box_hori_left", pattern="core", distance="far", record=True)
    assert "left side" in desk.wish.instruction
    assert desk.wish.fixed == {"pattern": "core", "distance": "far"}
    assert desk.wish.record


@pytest.mark.parametrize("words", [
    {}, {"do": "fly"}, {"do": 3}, {"do": ["arm"]}, {"do": "want"},
    {"do": "want", "pattern": "zigzag"},
    {"do": "want", "scenario": "../x"}, {"do": "want", "record": "yes"}, {"do": "key", "key": 3},
    {"do": "key", "key": "ctrl"}, {"do": "judge"}, {"do": "mode", "mode": "x" * 999},
    {"do": "want", "instruction": "  "}, {"do": "want", "distance": ["far"]}])
def test_what_is_no_order_moves_and_changes_nothing(desk, words):
    before = desk.wish
    order(desk, **words)
    assert desk.wish == before
    assert desk.pilot.asked == []
    assert len(desk.said) < 200


def test_what_a_policy_wants_is_seen_and_a_wrong_answer_is_the_loops_to_refuse(desk):
    class Wrong(Brain):
        name = "wrong"

        def act(self, memories, observations):
            return ["ahead"]

    class Stops(Brain):
        name = "stops"

        def act(self, memories, observations):
            return [Action([AHEAD], stop=True, confidence=0.5)]

    assert Watched(Wrong(), desk).act([None], [None]) == ["ahead"]
    assert desk.decisions == 0
    Watched(Stops(), desk).act([None], [None])
    assert desk.plan == [[0.0, 0.0, 0.0]]
    assert desk.confidence == 0.5
