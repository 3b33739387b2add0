import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from policies import make
from policies.golden import check
from tests.envs.looks import own_profile
from tests.policies.towers import DEEP, write_tiny_towers
from training.learn import command
from training.options import TrainingOptions
from training.run import run


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    from episodes.generate import generate

    folder = tmp_path_factory.mktemp("episodes")
    generate(folder, scenario="1box_hori_left", episodes=3, image=(36, 64))
    return folder


def test_training_on_given_episodes_writes_a_checkpoint_that_drives_and_says_what_it_learned(
    episodes, tmp_path
):
    towers = tmp_path / "towers"
    write_tiny_towers(towers)
    folder = run(TrainingOptions(data=episodes, towers=towers, work=tmp_path / "work", epochs=2,
                                 validation_episodes=0))
    record = json.loads((folder / "training.json").read_text())
    assert record["lesson"]["episodes"] == 3
    assert len(record["head"]["history"]) == 2
    assert str(tmp_path) not in json.dumps(record)  # no path of this machine goes with the weights
    assert "--epochs 2" in record["command"]
    card = (folder / "README.md").read_text()
    assert f"test error {record['head']['test_mae']}" in card
    assert record["command"] in card
    assert "3 simulated episode files" in card
    assert "seeds | weights and order 0; the given files" in card
    policy = make(str(folder))
    assert policy.spec.weights == "trained"
    assert "3 simulated episode files" in policy.spec.trained_on
    memory = policy.begin("left", 0)
    observation = {"rgb": np.zeros((36, 64, 3), np.uint8), "velocity": np.zeros(3, np.float32)}
    assert np.isfinite(policy.act([memory], [observation])[0].commands).all()


def test_the_command_of_a_card_can_be_typed_again_where_paths_were_relative():
    told = command(TrainingOptions(towers=Path("policies/checkpoints/towers"),
                                   data=Path("/data/mine")))
    assert "--towers policies/checkpoints/towers" in told
    assert "--data mine" in told  # no other machine has /data


def test_the_golden_pairs_of_a_checkpoint_are_its_own_answers(episodes, tmp_path):
    towers = tmp_path / "towers"
    write_tiny_towers(towers)
    folder = run(TrainingOptions(data=episodes, towers=towers, work=tmp_path / "work", epochs=1,
                                 validation_episodes=0))
    assert check(make(str(folder)), folder) < 1e-5


def test_several_policies_and_seeds_share_their_towers_and_are_trained_once(episodes, tmp_path):
    towers = tmp_path / "towers"
    write_tiny_towers(towers)
    options = TrainingOptions(policy="hybrid,kosmos_lstm", seeds=2, data=episodes, towers=towers,
                              work=tmp_path / "work", epochs=1, validation_episodes=0)
    folder = run(options)
    heads = [folder / place for place in (
        "hybrid", "kosmos_lstm", "seed_1/hybrid", "seed_1/kosmos_lstm")]
    assert len({make(str(head)).spec.weights_hash for head in heads}) == 4
    assert len(list(folder.rglob("model.safetensors"))) == 1
    written = [(head / "head.safetensors").stat().st_mtime_ns for head in heads]
    run(options)
    assert [(head / "head.safetensors").stat().st_mtime_ns for head in heads] == written


def test_what_was_learned_from_other_words_is_learned_anew(episodes, tmp_path, monkeypatch):
    towers = tmp_path / "towers"
    write_tiny_towers(towers)
    options = TrainingOptions(policy="hybrid,kosmos_lstm", data=episodes, towers=towers,
                              work=tmp_path / "work", epochs=1, validation_episodes=0)
    head = run(options) / "hybrid" / "head.safetensors"
    before = load_file(head)
    monkeypatch.setattr("training.features.spellings", lambda texts: [f"{texts[0]}, please"])
    after = load_file(run(options) / "hybrid" / "head.safetensors")
    assert any(not part.equal(after[name]) for name, part in before.items())


def test_a_policy_on_reduced_towers_learns_from_what_these_see(episodes, tmp_path):
    towers, name = tmp_path / "towers", "hybrid_reduced_towers"
    write_tiny_towers(towers, sizes=DEEP)
    options = {"data": episodes, "towers": towers, "work": tmp_path / "work", "epochs": 1,
               "validation_episodes": 0}
    both = run(TrainingOptions(policy=f"hybrid,{name}", **options))
    alone = run(TrainingOptions(policy=name, out=tmp_path / "alone", **options))
    heads = {folder: load_file(folder / "head.safetensors")["scale.kosmos_vision.mean"]
             for folder in (both / "hybrid", both / name, alone)}
    assert heads[alone].equal(heads[both / name])
    assert not heads[alone].equal(heads[both / "hybrid"])
    assert check(make(str(alone)), alone) < 1e-5


def test_what_was_kept_for_other_options_is_not_taken(tmp_path):
    from training.stages import _towers_name

    quick = TrainingOptions(work=tmp_path, frames=256, tower_epochs=1)
    folders = {_towers_name(each) for each in (
        quick, TrainingOptions(work=tmp_path), TrainingOptions(work=tmp_path, seed=1))}
    assert len(folders) == 3


@pytest.mark.parametrize("wrong", [
    {"validation_episodes": -1}, {"seed": -1}, {"episodes": 1}, {"epochs": 0}])
def test_numbers_that_mean_nothing_are_refused_before_any_work(wrong):
    with pytest.raises(ValueError, match="at least"):
        TrainingOptions(**wrong)


def test_nothing_is_written_where_data_or_towers_are_missing(tmp_path):
    for missing in ({"data": tmp_path / "no"}, {"towers": tmp_path / "no"}):
        with pytest.raises(ValueError, match="no"):
            run(work=tmp_path / "work", **missing)
    assert not (tmp_path / "work").exists()


def test_nothing_is_written_where_pictures_cannot_look_as_asked(tmp_path):
    wide = own_profile(tmp_path, lambda text: text.replace("[0.12, 0.26]", "[0.12, 0.5]"))
    for appearance, sentence in (("randomized", "Did you mean"), (wide, "no side of the room")):
        with pytest.raises(ValueError, match=sentence):
            run(work=tmp_path / "work", appearance=appearance)
    assert not (tmp_path / "work").exists()


def test_an_untrainable_policy_is_refused():
    with pytest.raises(ValueError, match="forward.*hybrid"):
        TrainingOptions(policy="forward")


def test_a_data_folder_without_episodes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="episode_"):
        run(TrainingOptions(data=tmp_path, work=tmp_path / "work"))


def test_an_appearance_may_be_a_path(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("training.stages.train", lambda options: asked.append(options) or tmp_path)
    own = own_profile(tmp_path, lambda text: text)
    run(appearance=own)
    run(TrainingOptions(appearance=own))
    assert [options.appearance for options in asked] == [str(own), str(own)]
