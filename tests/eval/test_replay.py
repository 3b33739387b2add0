import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eval.branch import Branch, commands_until
from eval.capsule import Config as CapsuleConfig
from eval.capsule import load, main, pack
from eval.replay import replay
from eval.report import write_report
from eval.results import Run
from eval.run import run
from eval.score import score
from eval.verify import verify
from policies import PolicySpec
from policies.interface import TRUTH

ROOT = Path(__file__).parents[2]
SCENARIO = "1box_vert_left"
FIRST = f"{SCENARIO}_000"


@pytest.fixture(scope="module")
def hit(tmp_path_factory):
    """Two episodes that end at the box."""
    return run(policy="forward", scenario=SCENARIO, episodes=2, videos=0, workers=0,
               out=str(tmp_path_factory.mktemp("runs"))).folder


@pytest.fixture
def capsule(hit, tmp_path) -> Path:
    path = tmp_path / "capsule.json"
    main(CapsuleConfig(hit, FIRST, path))
    return path


def test_a_capsule_is_small_and_its_episode_comes_back_bit_for_bit(capsule):
    assert capsule.stat().st_size < 20_000
    found = replay(capsule)
    assert found.differs == []
    assert found.verdict.startswith("the same, bit for bit: FAILED (contact)")


def test_from_a_moment_on_another_policy_decides(hit, capsule):
    stored = load(capsule).content["commands"]
    found = replay(capsule, at=0.8, policy="expert")
    assert found.record.asked[:2].tolist() == stored[:2]
    assert found.record.asked.tolist() != stored
    assert found.verdict == "branch: SUCCESS: at the goal, passed on the left, nothing touched"
    assert found.record.policy == "expert after 2 decisions"


def test_without_another_policy_its_own_goes_on_and_does_the_same_again(capsule):
    stored = load(capsule).content["commands"]
    found = replay(capsule, at=0.8)
    assert found.record.asked.tolist() == stored
    assert found.record.ended_by == "contact"


def test_words_reach_the_policy_that_goes_on(capsule):
    found = replay(capsule, at=0.0, instruction="Go right", policy="stop")
    assert found.record.instruction == "Go right"
    assert not found.record.asked.any()


class Counter:
    """A policy that answers with how many pictures it was shown."""

    spec = PolicySpec("counter", needs=frozenset({TRUTH}))

    def begin(self, instruction, seed):
        from types import SimpleNamespace
        return SimpleNamespace(shown=0, truth=None)

    def act(self, memories, observations):
        from policies import Action
        for memory in memories:
            memory.shown += 1
            assert memory.truth == "the truth"
        return [Action(np.full((1, 3), 0.1 * memory.shown, np.float32)) for memory in memories]

    def end(self, memory):
        memory.shown = None


@pytest.mark.parametrize(("execute", "answers"), [(1, [0.4, 0.5]), (2, [0.3, 0.4])])
def test_a_policy_sees_all_that_went_before_its_turn(execute, answers):
    branch = Branch(np.ones((3, 3), np.float32), Counter(), execute)
    memory = branch.begin("go", 0)
    memory.truth = "the truth"
    said = [branch.act([memory], [None])[0].commands[0, 0] for _ in range(5)]
    assert said == pytest.approx([1.0, 1.0, 1.0, *answers])
    branch.end(memory)
    assert memory.inner.shown is None


def test_a_moment_outside_the_episode_is_refused(capsule):
    with pytest.raises(ValueError, match="--at must be from 0 to .* s, when this episode ended"):
        replay(capsule, at=99.0)
    assert len(commands_until(np.zeros((5, 3)), 2.0, 0.4)) == 5
    assert len(commands_until(np.zeros((5, 3)), 0.0, 0.4)) == 0


@pytest.mark.parametrize(("content", "said"), [
    ("{", "cannot be read as a capsule"), ("[]", "is no capsule"),
    ('{"kind": "capsule", "schema_version": 9}', "schema_version must be 1, got 9")])
def test_a_file_that_is_no_capsule_is_refused(tmp_path, content, said):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(ValueError, match=said):
        replay(tmp_path / "c.json")


def test_commands_that_were_edited_are_noticed(capsule):
    content = json.loads(capsule.read_text())
    content["commands"][0][1] = 1.15
    capsule.write_text(json.dumps(content))
    found = replay(capsule)
    assert "path" in found.differs
    assert found.verdict.startswith("DIFFERS from what was stored in poses")


def test_another_version_of_the_scenario_is_refused(capsule):
    content = json.loads(capsule.read_text())
    content["line"]["scenario_hash"] = "f" * 16
    capsule.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="was driven in version ffffffffffffffff"):
        replay(capsule)


def test_an_episode_that_a_run_does_not_have_is_refused(hit):
    with pytest.raises(ValueError, match=f"has no episode .*Did you mean '{FIRST}'"):
        pack(hit, FIRST + "0")


def test_an_error_before_the_first_command_leaves_only_branches(tmp_path):
    wrong = run(policy="tests.eval.brains:Speechless", scenario=SCENARIO, episodes=1, videos=0,
                workers=0, out=str(tmp_path)).folder
    held = pack(wrong, FIRST)
    with pytest.raises(ValueError, match="ended before its first command"):
        replay(held)
    assert replay(held, policy="stop").record.ended_by == "time"


def test_the_command_films_and_says_what_came_of_it(capsule, tmp_path):
    done = subprocess.run([sys.executable, "-m", "eval.replay", str(capsule), "--out",
                           str(tmp_path / "films")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{FIRST}, commands: the same, bit for bit" in done.stdout
    assert {path.suffix for path in (tmp_path / "films").iterdir()} == {".mp4", ".png"}


def test_a_run_is_verified_bit_for_bit(hit):
    found = verify(hit)
    assert (found.checked, found.driven, found.differs, found.is_same) == (2, 2, {}, True)


def test_an_episode_that_happens_otherwise_is_named(hit, tmp_path):
    copy = Path(shutil.copytree(hit, tmp_path / hit.name))
    facts = json.loads((copy / "run.json").read_text())
    facts["config"]["policy"] = "stop"
    (copy / "run.json").write_text(json.dumps(facts))
    found = verify(copy, episodes=1)
    assert list(found.differs) == [FIRST]
    assert "ended_by" in found.differs[FIRST]
    assert "array path" in found.differs[FIRST]


def test_lines_whose_hash_was_edited_too_do_not_outlive_a_new_judgement(hit, tmp_path):
    copy = Run(Path(shutil.copytree(hit, tmp_path / hit.name)))
    lines = [line | {"success": True} for line in copy.lines()]
    copy.rewrite(lines)
    with pytest.raises(ValueError, match="was edited since it was judged"):
        verify(copy.folder)
    write_report(copy, lines)
    assert verify(copy.folder, episodes=0).differs == {
        line["id"]: ["success, judged anew"] for line in lines}
    score(copy.folder)
    assert verify(copy.folder, episodes=0).is_same


def test_the_command_verifies_and_has_an_exit_code(hit, tmp_path):
    done = subprocess.run([sys.executable, "-m", "eval.verify", str(hit), "--episodes", "1"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 episodes checked, 1 driven again: the same, bit for bit." in done.stdout
