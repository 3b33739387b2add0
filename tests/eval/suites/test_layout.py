from types import SimpleNamespace

import pytest

from eval.run import run
from eval.suite import suite
from eval.suites import find
from eval.suites.layout import RADII, _nearest
from eval.suites.options import Config
from scenarios import load, select

LEFT = "1box_vert_left"


def test_every_arm_is_a_folder_of_scenarios_that_differ_in_one_thing(tmp_path):
    arms = {arm.name: arm for arm in find("layout").arms(Config(), tmp_path)}
    assert len(arms) == 4 * 2 * 3 + len(RADII)
    for arm in arms.values():
        assert len(select(arm.changes["scenario"])) == 8
    usual = load(LEFT)
    larger = load(tmp_path / "boxes_larger_strong" / f"{LEFT}.toml")
    assert larger.boxes.size_m == pytest.approx((0.6, 0.375, 0.3))
    assert (larger.cup, larger.placement) == (usual.cup, usual.placement)
    nearer = load(tmp_path / "obstacle_nearer_mild" / f"{LEFT}.toml")
    assert nearer.placement.obstacle_distance_m["close"] == pytest.approx(0.8)


def test_together_left_and_right_change_alike_and_the_seed_says_how(tmp_path):
    def boxes(side, seed, radius):
        folder = tmp_path / str(seed)
        folder.mkdir(exist_ok=True)
        find("layout").arms(Config(seed=seed), folder)
        return load(folder / f"together_{radius}" / f"1box_vert_{side}.toml")

    assert boxes("left", 0, "1").placement == boxes("right", 0, "1").placement
    assert boxes("left", 0, "1").boxes != boxes("left", 1, "1").boxes
    size = [boxes("left", 0, radius).boxes.size_m[0] - 0.4 for radius in ("0.2", "1")]
    assert size[1] == pytest.approx(5 * size[0])  # one line, from near to far


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


def test_a_suite_of_layouts_pairs_by_name_and_seed_though_scenarios_differ(tmp_path):
    arms = ("cup farther mild", "together 0.2")
    found = suite("layout", policy="expert", scenario=LEFT, episodes=2, arms=arms, workers=0,
                  out=str(tmp_path))
    assert [each.pairs.differs for each in found.found.contrasts] == [["scenarios"]] * 2
    assert found.content["result"]["control"]["success"]["rate"] == 1.0
    assert any(each.startswith(("Nearest failure", "No failure found")) for each in found.said)
    hashes = {line["scenario_hash"] for _, side in found.found.arms for line in side.lines}
    assert len(hashes) == 2
    assert load(LEFT).hash() not in hashes


def test_a_folder_without_scenarios_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="holds no scenario"):
        run(policy="stop", scenario=str(tmp_path / "none"), out=str(tmp_path / "runs"))
