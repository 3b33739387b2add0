import pytest

from envs.appearance import load_profile
from envs.dynamics import parse
from eval.pairing import open_side
from eval.suite import suite
from eval.suites import find
from eval.suites.arm import Arm
from eval.suites.graded import GRADES, result
from eval.suites.judging import judged
from eval.suites.options import Config
from tests.eval.stored import finished

LEFT = "1box_vert_left"


def test_each_arm_of_appearance_is_a_profile_of_its_own_that_differs_from_the_base(tmp_path):
    arms = find("appearance").arms(Config(policy="hybrid"), tmp_path)
    assert len({arm.name for arm in arms}) == len(arms) == 3 * len({arm.group for arm in arms})
    files = [arm.changes["appearance"] for arm in arms if "appearance" in arm.changes]
    hashes = {load_profile(path).hash() for path in files}
    assert len(hashes) == len(files) == len(arms) - len(GRADES)  # occlusion is a wrapper
    assert load_profile("nominal").hash() not in hashes
    assert load_profile(tmp_path / "blur_strong.toml").lens.blur_px == (4.0, 4.0)


def test_a_base_of_ones_own_keeps_all_but_the_one_thing(tmp_path):
    find("appearance").arms(Config(policy="hybrid", appearance="randomised"), tmp_path)
    base, noisy = load_profile("randomised"), load_profile(tmp_path / "noise_mild.toml")
    assert noisy.lens.noise == (8.0, 8.0)
    assert (noisy.floor, noisy.light, noisy.lens.blur_px) == (
        base.floor, base.light, base.lens.blur_px)


def test_each_arm_of_dynamics_is_a_fault_that_there_is(tmp_path):
    arms = find("dynamics").arms(Config(), tmp_path)
    faults = [parse(arm.changes["dynamics"]) for arm in arms]
    assert len(set(faults)) == len(arms) == 24


def test_a_kind_names_all_its_strengths(tmp_path):
    arms = find("dynamics").arms(Config(arms=("slip", "push mild")), tmp_path)
    assert [arm.name for arm in arms] == ["slip mild", "slip medium", "slip strong", "push mild"]


@pytest.mark.parametrize(("name", "arms", "policy"), [
    ("dynamics", ("slip mild", "push strong"), "forward"),
    ("appearance", ("light strong", "occlusion mild"), "occluded=forward,0.05"),
])
def test_a_graded_suite_shows_kinds_by_strength(name, arms, policy, tmp_path):
    found = suite(name, policy="forward", scenario=LEFT, episodes=1, arms=arms, workers=0,
                  out=str(tmp_path))
    kinds = found.content["result"]["kinds"]
    assert [f"{kind} {grade}" for kind, row in kinds.items() for grade in row] == list(arms)
    assert (found.folder / "strengths.png").read_bytes().startswith(b"\x89PNG")
    assert "| kind | mild | medium | strong |" in (found.folder / "report.md").read_text()
    assert found.found.arms[-1][1].policy in (policy, "forward")


def test_an_arm_of_errors_alone_is_no_field_of_the_picture(tmp_path):
    runs = [finished(tmp_path, lambda _, index, won=won: won, 2) for won in (True, None, True)]
    arms = [Arm("control", ""), Arm("slip mild", "", group="slip"),
            Arm("slip strong", "", group="slip")]
    extra = result(judged([(arm, open_side(run.folder)) for arm, run in zip(arms, runs)]))
    (row,) = extra.tables["Success by kind and strength"][1]
    assert row[:3] == ["slip", "0/0", "-"]
    assert extra.pictures["strengths"].startswith(b"\x89PNG")
