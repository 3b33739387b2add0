from collections import Counter

import scenarios
from episodes.plans import planned80, recorded72, spread


def scenario_counts(plan):
    return Counter(scenario for scenario, _ in plan)


def factors(plan, key):
    return Counter(fixed[key] for _, fixed in plan)


def test_the_recorded_plan_has_the_counts_of_the_72_file_names():
    plan = recorded72()
    assert len(plan) == 72
    assert factors(plan, "pattern") == {"core": 48, "variant": 24}
    assert factors(plan, "distance") == {"close": 20, "medium": 32, "far": 20}
    assert scenario_counts(plan) == dict.fromkeys(scenarios.names()[:6], 10) | {
        "2box_hori_left": 6, "2box_hori_right": 6}


def test_the_recorded_plan_has_no_far_core_episode_of_2box_hori_left():
    wanted = ("2box_hori_left", {"pattern": "core", "distance": "far"})
    assert wanted not in recorded72()


def test_the_planned_plan_has_ten_episodes_a_scenario():
    plan = planned80()
    assert scenario_counts(plan) == dict.fromkeys(scenarios.names(), 10)
    assert factors(plan, "pattern") == {"core": 48, "variant": 32}
    one = [fixed for scenario, fixed in plan if scenario == "2box_hori_left"]
    assert Counter((f["pattern"], f["distance"]) for f in one) == {
        ("core", "close"): 2, ("core", "medium"): 3, ("core", "far"): 1,
        ("variant", "close"): 1, ("variant", "medium"): 1, ("variant", "far"): 2}


def test_a_total_is_spread_evenly_and_the_first_get_what_is_left():
    assert scenario_counts(spread(["a", "b", "c"], 8)) == {"a": 3, "b": 3, "c": 2}


def test_a_larger_total_only_adds_episodes():
    assert spread(["a", "b"], 7)[:5] == spread(["a", "b"], 5)
