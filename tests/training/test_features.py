import shutil

import pytest

import scenarios
from episodes.hdf5 import find_episodes
from policies.hybrid import Hybrid
from tests.policies.towers import write_tiny_towers
from training import features


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    from episodes.generate import generate

    folder = tmp_path_factory.mktemp("episodes")
    generate(folder, scenario="1box_hori_left", episodes=2, image=(36, 64))
    return find_episodes(folder)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return Hybrid.untrained(*write_tiny_towers(tmp_path_factory.mktemp("towers")), "mini")


def test_what_was_looked_at_before_is_not_looked_at_again(policy, episodes, tmp_path, monkeypatch):
    first = features.compute(policy, episodes, tmp_path)
    monkeypatch.setattr(policy, "look", None)  # looking again would fail
    again = features.compute(policy, episodes, tmp_path)
    assert again.seen.equal(first.seen)


def test_left_and_right_of_one_seed_count_as_one_layout(policy, episodes, tmp_path):
    from episodes.generate import generate

    generate(tmp_path / "right", scenario="1box_hori_right", episodes=2, image=(36, 64))
    both = [*episodes, *find_episodes(tmp_path / "right")]
    known = features.compute(policy, both, tmp_path)
    layouts = [known.layouts[known.episodes == number][0] for number in range(4)]
    assert layouts == [0, 1, 0, 1]


def test_new_wordings_of_a_scenario_are_not_answered_from_the_cache(
    policy, episodes, tmp_path, monkeypatch
):
    before = features.compute(policy, episodes, tmp_path)
    own = tmp_path / "scenarios"
    shutil.copytree(scenarios.FOLDER, own, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = own / "1box_hori_left.toml"
    path.write_text(path.read_text().replace("Take the outermost left path to the cup",
                                             "Go by the left to the cup"))
    monkeypatch.setattr(scenarios, "FOLDER", own)
    after = features.compute(policy, episodes, tmp_path)
    assert not after.texts.equal(before.texts)
