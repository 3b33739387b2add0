import json
import re

import numpy as np
import pytest

from envs.profile import PROFILES
from eval.capsule import pack
from eval.causes import Patient
from eval.failures import ABOUT, kind_of
from eval.replay import policy_of
from eval.results import Run, load_record
from eval.run import run
from eval.why import why
from eval.why_page import causes_table, picture
from tests.eval.knowing import OnlyLeft
from tests.eval.walks import FORWARD, straight, walk

LEFT, RIGHT = "1box_vert_left", "1box_vert_right"
KNOWING = "tests.eval.knowing"
ASIDE, BACK = (1.15, 1.15, 0.0), (-1.15, 0.0, 0.0)


def failed(tmp_path, policy, scenario=LEFT, episodes=1, **options):
    """A run in which nothing was won."""
    found = run(policy=policy, scenario=scenario, episodes=episodes, videos=0, workers=0,
                out=str(tmp_path), **options)
    assert found.summary["total"]["success"]["k"] == 0
    return found.folder


def test_what_is_told_the_wrong_words_is_rescued_by_the_plain_ones(tmp_path):
    (row,) = why(failed(tmp_path, f"{KNOWING}:Obeys", instruction="@swapped"))["episodes"]
    assert (row["cause"], row["kind"]) == ("language", "left_right_confusion")
    assert row["tried"] == {"nothing": "goal", "language": "success", "decisions": "success"}


def test_who_never_listens_is_rescued_by_its_mirror_image(tmp_path):
    (row,) = why(failed(tmp_path, f"{KNOWING}:OnlyLeft", RIGHT))["episodes"]
    assert (row["cause"], row["kind"]) == ("language", "left_right_confusion")


def test_who_is_too_slow_is_rescued_by_answers_that_take_no_time(tmp_path):
    folder = failed(tmp_path, "expert", latency="2.0", hold="last")
    (row,) = why(folder)["episodes"]
    assert row["cause"] == "latency"
    assert row["tried"]["latency"] == "success"
    assert row["tried"]["decisions"] != "success"  # the expert is as slow as it was


def test_what_is_won_with_nothing_repaired_is_no_repairs_doing(tmp_path, monkeypatch):
    folder = failed(tmp_path, f"{KNOWING}:OnlyLeft", RIGHT)
    monkeypatch.setattr(OnlyLeft, "side", "right")  # a policy that answers otherwise when alone
    content = why(folder)
    (row,) = content["episodes"]
    assert (row["cause"], row["tried"]) == ("not repeatable", {"nothing": "success"})
    assert row["last_chance_s"] is None
    assert causes_table(content)[1] == [
        ["not repeatable", "1/1", "nothing: driven again, it was won"]]
    assert picture(content).startswith(b"\x89PNG")


def test_who_sees_too_little_is_rescued_by_nominal_looks(tmp_path):
    dark = re.sub("^exposure = .*", "exposure = 0.1",
                  (PROFILES / "nominal.toml").read_text().replace('"nominal"', '"dark"'),
                  flags=re.MULTILINE)
    (tmp_path / "dark.toml").write_text(dark)
    folder = failed(tmp_path / "runs", f"{KNOWING}:AfraidOfTheDark",
                    appearance=str(tmp_path / "dark.toml"))
    (row,) = why(folder)["episodes"]
    assert (row["cause"], row["kind"]) == ("appearance", "false_stop")


@pytest.fixture(scope="module")
def hits(tmp_path_factory):
    """Somebody who drives straight into the box, six times."""
    return failed(tmp_path_factory.mktemp("runs"), "forward", episodes=6)


def test_who_drives_into_the_box_is_rescued_by_eyes_or_by_the_expert(hits):
    content = why(hits, most=3, films=1)
    assert content["failures"] == 6
    assert len(content["episodes"]) == 3
    for row in content["episodes"]:
        assert row["kind"] == "forward_collapse"
        assert row["cause"] in ("perception", "decisions")
        assert row["tried"]["decisions"] == "success"
        assert 0.0 < row["last_chance_s"] < 3.0
    assert "DIAGNOSIS, NO RESULT" in content["note"]
    (film,) = [row["film"] for row in content["episodes"] if "film" in row]
    assert (hits / film).is_file()
    assert json.loads((hits / "causes.json").read_text()) == content
    assert picture(content).startswith(b"\x89PNG")
    counted = {name: count for name, count, _ in causes_table(content)[1]}
    assert counted == {name: f"{n}/3" for name, n in content["causes"].items()}


def test_repairs_begin_at_the_moment_and_follow_what_was_driven_before(hits):
    line = Run(hits).lines()[0]
    record = load_record(Run(hits), line)
    capsule = pack(hits, line["id"])
    patient = Patient(capsule, record, policy_of(capsule), at_s=0.8)
    branch = patient.drive(patient.decisions())
    assert (branch.path[:17] == record.path[:17]).all()
    assert (branch.asked[2:4] != record.asked[2:4]).any()
    content = why(hits, episode=line["id"], at=99.0)
    assert content["failures"] == 6  # of the run, however many are looked at
    row = next(row for row in content["episodes"] if row["id"] == line["id"])
    assert row["at_s"] == pytest.approx((record.decisions - 1) * 0.4)
    assert row["cause"] == "none found"  # its last decision is too late


def test_asking_about_one_episode_keeps_what_is_known_of_others(tmp_path):
    folder = failed(tmp_path, "forward", episodes=2)
    first, second = why(folder)["episodes"]
    asked = why(folder, episode=second["id"], at=99.0)
    assert asked["episodes"][0] == first
    assert asked["episodes"][1]["at_s"] > 0.0
    assert sum(asked["causes"].values()) == 2
    assert json.loads((folder / "causes.json").read_text()) == asked


def test_nothing_repaired_fails_as_before_on_a_virtual_clock_too(tmp_path):
    folder = failed(tmp_path, "forward", latency="uniform:0:0.9")
    (line,) = Run(folder).lines()
    record, capsule = load_record(Run(folder), line), pack(folder, line["id"])
    patient = Patient(capsule, record, policy_of(capsule), at_s=1.2)
    assert (patient.drive(patient.as_it_was()).path == record.path).all()


@pytest.mark.parametrize(("options", "sentence"), [
    ({"episode": "1box_vert_left_9"}, "is no episode of it. Did you mean"),
    ({"most": 0}, "--most 1 or more"), ({"at": -1.0}, "--at and --films must be 0 or more"),
])
def test_wrong_input_is_one_sentence(hits, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        why(hits, **options)


@pytest.mark.parametrize(("record", "kind"), [
    (straight(pass_side="right"), "left_right_confusion"),
    (straight(touched={"cup": 3.0}), "overshoot"),
    (straight(stops=0, ended_by="time"), "missed_stop"),
    (walk((0, 0), (0.5, 0), touched={"box_0": 0.4}, stops=0), "forward_collapse"),
    (walk((0, 0), (0.5, 0), touched={"box_0": 0.4}, stops=0, sent=np.array([ASIDE])), "late_turn"),
    (walk((0, 0), (0.2, 0), (0, 0), stops=0, sent=np.array([FORWARD, BACK])), "oscillation"),
    (walk((0, 0), (0.5, 0), stops=2, ended_by="time"), "false_stop"),
    (walk((0, 0), (0.5, 0), stops=0, ended_by="time"), "other"),
], ids=list(ABOUT))
def test_failures_have_the_names_of_the_laboratorys_taxonomy(record, kind):
    assert kind_of(record) == kind


def test_a_success_is_no_failure():
    with pytest.raises(ValueError, match="is no failure"):
        kind_of(straight())
