"""The geometric expert drives every scenario; the full sample runs under `tox -e slow`."""

import pytest

import scenarios
from scenarios.layout import JUDGING_ROOT
from tests.envs.driving import sample

EXPERTS = ("expert", "expert_keys")


@pytest.mark.parametrize("scenario", scenarios.names())
def test_expert_succeeds_in_every_sampled_layout(scenario):
    assert sample("expert", scenario, 5).successes == 5


@pytest.mark.parametrize("scenario", scenarios.names())
def test_expert_with_keys_succeeds_in_every_sampled_layout(scenario):
    assert sample("expert_keys", scenario, 2).successes == 2


@pytest.mark.slow
@pytest.mark.parametrize("policy", EXPERTS)
def test_experts_success_and_length_over_400_layouts_a_scenario(policy):
    samples = [sample(policy, scenario, 400, JUDGING_ROOT) for scenario in scenarios.names()]
    print(f"\n{policy}: scenario, episodes, success, success within 17 decisions, ends")
    for each in samples:
        print(f"{each.scenario:18s} {each.episodes:5d} {each.successes / each.episodes:8.4f} "
              f"{each.short / each.episodes:8.4f}  {each.ends}")
    episodes = sum(each.episodes for each in samples)
    success = sum(each.successes for each in samples) / episodes
    short = sum(each.short for each in samples) / episodes
    print(f"{'all':18s} {episodes:5d} {success:8.4f} {short:8.4f}")
    assert success >= 0.995
    assert short >= 0.99
