from types import SimpleNamespace

import pytest

from eval.run import run
from eval.suite import suite
from eval.suites import find
from eval.suites.layout import DIRECTIONS, RADII, SUITE, _nearest
from eval.suites.nearest import FINEST, Bracket, bracket
from eval.suites.options import Config
from scenarios import load, select

LEFT = "1box_vert_left"


def test_every_arm_is_a_folder_of_scenarios_that_differ_in_one_thing(tmp_path):
    arms = {arm.name: arm for arm in find("layout").arms(Config(), tmp_path)}
    assert len(arms) == 4 * 2 * 3 + len(DIRECTIONS) * len(RADII)
    for arm in arms.values():
        assert len(select(arm.changes["scenario"])) == 8
    usual = load(LEFT)
    larger = load(tmp_path / "boxes_larger_strong" / f"{LEFT}.toml")
    assert larger.boxes.size_m == pytest.approx((0.6, 0.375, 0.3))
    assert (larger.cup, larger.placement) == (usual.cup, usual.placement)
    nearer = load(tmp_path / "obstacle_nearer_mild" / f"{LEFT}.toml")
    assert nearer.placement.obstacle_distance_m["close"] == pytest.approx(0.8)


def test_together_left_and_right_change_alike_and_the_seed_says_how(tmp_path):
    def boxes(side, seed, direction, radius):
        folder = tmp_path / str(seed)
        folder.mkdir(exist_ok=True)
        find("layout").arms(Config(seed=seed), folder)
        return load(folder / f"together_{direction}_{radius}" / f"1box_vert_{side}.toml")

    assert boxes("left", 0, 1, "1").placement == boxes("right", 0, 1, "1").placement
    assert boxes("left", 0, 1, "1").boxes != boxes("left", 1, 1, "1").boxes
    assert boxes("left", 0, 1, "1").boxes != boxes("left", 0, 2, "1").boxes
    size = [boxes("left", 0, 1, radius).boxes.size_m[0] - 0.4 for radius in ("0.5", "1")]
    assert size[1] == pytest.approx(2 * size[0])  # one line, from near to far


def searched(losing_from, tmp_path, wanted=("together",)):
    """The radii of a search by direction, where each direction loses from some radius on."""
    def side(is_won, error=None):
        return SimpleNamespace(lines=[{"scenario": LEFT, "seed": 1, "success": is_won,
                                       "error": error}])

    config = Config(scenario=LEFT, arms=wanted)
    arms, driven = SUITE.arms(config, tmp_path), [(SimpleNamespace(name="control"), side(True))]
    while arms:
        for arm in arms:
            _, direction, radius = arm.name.split()
            driven.append((arm, side(float(radius) < losing_from[int(direction)])))
        arms = SUITE.more(config, tmp_path, driven)
    return {number: [arm.strength for arm, _ in driven[1:]
                     if arm.name.startswith(f"together {number} ")] for number in DIRECTIONS}


def test_the_search_halves_between_what_was_won_and_what_was_lost(tmp_path):
    never = 9.0
    found = searched({1: 0.3, 2: never, 3: 0.9}, tmp_path)
    assert found == {1: [0.5, 1.0, 0.25, 0.375, 0.3125],  # begins between 0.25 and 0.3125
                     2: [0.5, 1.0],
                     3: [0.5, 1.0]}  # begins above 0.5: cannot be the nearest
    assert load(tmp_path / "together_1_0.3125" / f"{LEFT}.toml")


def test_nothing_is_searched_where_nothing_fails_or_only_some_arms_are_wanted(tmp_path):
    never = 9.0
    assert searched(dict.fromkeys(DIRECTIONS, never), tmp_path)[1] == [0.5, 1.0]
    assert searched(dict.fromkeys(DIRECTIONS, 0.3), tmp_path, ("together 1 1",))[1] == [1.0]


def test_a_radius_of_errors_alone_says_nothing():
    def side(*errors, is_won=False):
        return SimpleNamespace(lines=[{"scenario": LEFT, "seed": seed, "success": is_won,
                                       "error": error} for seed, error in enumerate(errors)])

    control = side(None, None, is_won=True)
    assert bracket(control, [(0.5, side("no", "no")), (1.0, side(None, "no"))]) == Bracket(0.0, 1.0)


def test_the_nearest_failure_is_the_smallest_change_that_cost_a_success():
    def line(seed, success):
        return {"scenario": LEFT, "seed": seed, "success": success, "error": None,
                "id": f"{LEFT}_{seed:03d}", "ended_by": "goal", "side_followed": "left"}

    def side(name, *wins):
        return SimpleNamespace(name=name, lines=[line(seed, won) for seed, won in enumerate(wins)])

    def arm(name, distance):
        return SimpleNamespace(name=name, strength=distance)

    found = SimpleNamespace(control=side("control", True, False, True), arms=[
        (arm("far", 1.0), side("far", False, False, True)),
        (arm("near", 0.2), side("near", True, False, True)),  # what the control lost counts not
        (arm("middle", 0.6), side("middle", True, False, False))])
    nearest = _nearest(found)
    assert (nearest["arm"], nearest["episode"]) == ("middle", f"{LEFT}_002")
    assert nearest["won_below"] is None  # it is in no direction of the search


def test_a_suite_of_layouts_pairs_by_name_and_seed_though_scenarios_differ(tmp_path):
    arms = ("cup farther mild", "together 1 0.5")
    found = suite("layout", policy="expert", scenario=LEFT, episodes=2, arms=arms, workers=0,
                  out=str(tmp_path))
    assert [each.pairs.differs for each in found.found.contrasts] == [["scenarios"]] * 2
    assert found.content["result"]["control"]["success"]["rate"] == 1.0
    assert any(each.startswith(("Nearest failure", "No failure found")) for each in found.said)
    hashes = {line["scenario_hash"] for _, side in found.found.arms for line in side.lines}
    assert len(hashes) == 2
    assert load(LEFT).hash() not in hashes


def test_the_search_alone_is_a_suite_that_names_where_failures_begin_and_is_resumed(tmp_path):
    found = suite("layout", policy="tests.eval.suites.walkers:Habit", scenario=LEFT, episodes=1,
                  arms=("together",), workers=0, out=str(tmp_path))
    result = found.content["result"]
    names, nearest = [each["arm"] for each in result["arms"]], result["nearest_failure"]
    assert names[:6] == [f"together {direction} {radius}" for direction in DIRECTIONS
                         for radius in ("0.5", "1")]
    assert names[6:]
    assert nearest["distance"] - nearest["won_below"] == FINEST
    files = found.folder / "files" / nearest["arm"].replace(" ", "_")
    assert abs(load(files / f"{LEFT}.toml").boxes.size_m[0] - 0.4) >= 0.04
    assert found.said[0].startswith(f"Nearest failure: {nearest['arm']} (")
    assert "strengths" not in (found.folder / "report.md").read_text()
    again = suite(resume=str(found.folder), workers=0)
    assert [side.name for _, side in again.found.arms] == [
        side.name for _, side in found.found.arms]


def test_a_folder_without_scenarios_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="holds no scenario"):
        run(policy="stop", scenario=str(tmp_path / "none"), out=str(tmp_path / "runs"))
