"""The weights in this repository: sound, small, and they drive where they were told to."""

import pytest

import envs
from envs.task import side_followed
from episodes.rollout import Task, rollout
from eval.metrics import success
from policies import golden, make
from policies.checkpoint import SHIPPED
from scenarios import episode_seed, load, names

LIMIT_BYTES = 40_000_000
HEADS = sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


@pytest.fixture(scope="module")
def hybrid():
    return make("hybrid")


def drive(policy, name, instruction, index=0):
    scenario = load(name)
    world = envs.make(scenario)
    seed = episode_seed("val", 0, scenario.layout_group, index)
    record = rollout(world, policy, Task(seed, instruction))
    world.close()
    return record


@pytest.mark.parametrize("name", HEADS)
def test_the_shipped_weights_answer_here_as_where_they_were_trained(name):
    assert golden.check(make(name), SHIPPED / name) < 1e-3


@pytest.mark.parametrize("name", HEADS)
def test_shipped_weights_say_that_they_are_trained_and_on_what(name):
    spec = make(name).spec
    assert spec.weights == "trained"
    assert "simulated" in spec.trained_on
    assert not spec.privileged
    assert (SHIPPED / name / "README.md").is_file()
    assert (SHIPPED / name / "training.json").is_file()


def test_all_shipped_weights_together_stay_small():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.safetensors")) < LIMIT_BYTES


def test_the_shipped_hybrid_wins_most_scenarios_on_layouts_it_was_not_trained_on(hybrid):
    won = [name for name in names()
           if success(drive(hybrid, name, load(name).instructions.english))]
    assert len(won) >= 6, won


@pytest.mark.parametrize(("told", "side"), [("left", "left"), ("right", "right")])
def test_the_side_follows_the_words_and_not_the_layout(hybrid, told, side):
    words = load(f"1box_vert_{told}").instructions.english
    record = drive(hybrid, "1box_vert_left", words, index=1)  # one layout for both
    assert side_followed(record.path, record.boxes[0]) == side


def test_korean_words_lead_to_the_same_side_as_english_ones(hybrid):
    record = drive(hybrid, "1box_hori_right", load("1box_hori_right").instructions.korean)
    assert side_followed(record.path, record.boxes[0]) == "right"


@pytest.mark.slow
def test_the_shipped_hybrid_wins_nine_of_ten_of_8_x_25_held_out_episodes(tmp_path):
    from eval.run import run

    result = run(policy="hybrid", scenario="all", episodes=25, videos=0, out=str(tmp_path))
    success_rate = result.summary["total"]["success"]
    print(success_rate)
    assert success_rate["rate"] >= 0.9
