"""Who is compared, with which weights, and what is said where there are none."""

import json
from pathlib import Path

import pytest

import policies
from eval import entrants as module
from eval.entrants import base_of, entrants
from policies.checkpoint import write_config

HYBRID = {"policy": "hybrid", "size": "mini", "weights": "trained", "trained_on": "a test",
          "trained_seed": 3, "towers": {"kosmos2": "../towers/kosmos2", "clip": "../towers/clip"}}


def checkpoint(folder: Path, name: str = "hybrid", head: bytes = b"head", **changed) -> Path:
    """A folder that looks like a checkpoint; nobody loads it."""
    write_config(folder, HYBRID | {"policy": name} | changed)
    (folder / "head.safetensors").write_bytes(head)
    for tower in ("kosmos2", "clip"):
        place = folder.parent / "towers" / tower
        place.mkdir(parents=True, exist_ok=True)
        (place / "model.safetensors").write_bytes(tower.encode())
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """Nothing is shipped but what a test puts there."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(module, "SHIPPED", folder)
    module._tower.cache_clear()
    return folder


def one(asked, seeds_from=None, **options):
    (found,) = entrants(asked, seeds_from, **options)
    return found


def test_all_are_every_model_of_the_comparison_the_baselines_and_the_expert(shipped):
    found = {each.name: each.kind for each in entrants("all", None)}
    assert {name: found[name] for name in policies.COMPARED} == dict.fromkeys(policies.COMPARED,
                                                                              "model")
    assert [name for name, kind in found.items() if kind == "baseline"] == [
        "stop", "forward", "random", "core_replay"]
    assert found["expert"] == "privileged"
    assert not set(found) & set(policies.ABLATIONS)


def test_models_without_weights_are_there_without_any(shipped):
    assert all(each.weights == () for each in entrants(",".join(policies.COMPARED), None))


def test_random_weights_are_taken_only_if_asked_for_and_are_never_ranked(shipped):
    found = one("hybrid", random_weights=True)
    assert [each.is_random for each in found.weights] == [True]
    assert not found.is_ranked


def test_ablations_of_what_is_compared_come_along(shipped):
    found = {each.name: each for each in entrants("hybrid", None, ablations=True)}
    assert found["hybrid_no_text"].kind == "ablation"
    assert {each.base for name, each in found.items() if name != "hybrid"} == {"hybrid"}


def test_every_registered_ablation_has_its_model():
    assert [name for name in policies.ABLATIONS if base_of(name) not in policies.COMPARED] == []


def test_seeds_are_the_shipped_weights_and_those_of_the_folder(shipped, tmp_path):
    checkpoint(shipped / "hybrid")
    trained = tmp_path / "trained"
    for k in (1, 2, 10):
        checkpoint(trained / f"seed_{k}" / "hybrid", head=str(k).encode())
    checkpoint(trained / "hybrid", head=b"another")  # the shipped ones go before
    found = one("hybrid", trained)
    assert [each.seed for each in found.weights] == [0, 1, 2, 10]
    assert found.weights[0].folder == shipped / "hybrid"
    assert found.weights[1].trained_seed == 3


def test_what_is_not_shipped_takes_seed_0_from_the_folder(shipped, tmp_path):
    checkpoint(tmp_path / "trained" / "hybrid_no_text", "hybrid_no_text")
    found = one("hybrid_no_text", tmp_path / "trained")
    assert [(each.seed, each.folder.name) for each in found.weights] == [(0, "hybrid_no_text")]


def test_weights_are_known_by_their_content_wherever_they_lie(shipped, tmp_path):
    def identity(folder):
        module._tower.cache_clear()
        return one("hybrid", folder).weights[0].identity

    places = [tmp_path / name for name in ("a", "b", "other_head", "other_tower", "other_config")]
    for place in places:
        checkpoint(place / "hybrid")
    checkpoint(places[2] / "hybrid", head=b"else")
    (places[3] / "towers" / "clip" / "model.safetensors").write_bytes(b"else")
    checkpoint(places[4] / "hybrid", window=4)
    first, second, *others = map(identity, places)
    assert first == second
    assert len({first, *others}) == 4


def test_a_folder_of_a_users_own_is_ranked_with_the_models(shipped, tmp_path):
    folder = checkpoint(tmp_path / "mine")
    found = one(str(folder))
    assert (found.name, found.kind, found.is_ranked) == ("mine", "own", True)
    module_class = one("tests.eval.brains:Listener")
    assert (module_class.name, module_class.kind) == ("listener", "own")


@pytest.mark.parametrize(("asked", "said"), [
    ("hybird", "Did you mean 'hybrid'"), ("nowhere:Nobody", "there is no module 'nowhere'"),
    ("hybrid,forwrad", "Did you mean 'forward'"),
])
def test_unknown_names_are_refused(shipped, asked, said):
    with pytest.raises(ValueError, match=said):
        entrants(asked, None)


def test_weights_of_another_policy_are_refused(shipped, tmp_path):
    checkpoint(tmp_path / "trained" / "seed_1" / "hybrid", "kosmos_lstm")
    with pytest.raises(ValueError, match="is a checkpoint of 'kosmos_lstm', expected 'hybrid'"):
        entrants("hybrid", tmp_path / "trained")


def test_a_damaged_checkpoint_is_refused_by_its_file(shipped, tmp_path):
    folder = checkpoint(tmp_path / "trained" / "seed_1" / "hybrid")
    (folder / "config.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match="policy must be a str"):
        entrants("hybrid", tmp_path / "trained")


def test_a_folder_without_any_weights_is_refused(shipped, tmp_path):
    with pytest.raises(ValueError, match="holds no weights seed_<k>/<name>"):
        entrants("hybrid", tmp_path)


def test_two_lines_of_one_name_are_refused(shipped, tmp_path):
    checkpoint(tmp_path / "forward")
    with pytest.raises(ValueError, match="names forward twice"):
        entrants(f"forward,{tmp_path / 'forward'}", None)
