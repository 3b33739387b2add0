"""A simulated robot in disguise: the fit must find what nobody told it. All of it is simulated."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs import load_robot
from envs.appearance import load_profile
from eval.sim2real.command import sim2real
from tests.eval.sim2real.disguise import disguised, record_episodes

ROOT = Path(__file__).parents[3]
SCENARIOS = ("1box_vert_left", "1box_hori_right", "2box_vert_right")
TICK_S, DECISION_S = 0.05, 0.4


def looked_at(out, *, each, delay_ticks, exposure, **robot):
    """What is found about a disguise, and its folder."""
    folder = record_episodes(out / "data", disguised(**robot), scenarios=SCENARIOS, each=each,
                             delay_ticks=delay_ticks, exposure=exposure)
    nominal = record_episodes(out / "simulated", load_robot(), scenarios=SCENARIOS[:1], each=2)
    return sim2real(folder, against=nominal, out=str(out / "runs"))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return looked_at(tmp_path_factory.mktemp("sim2real"), each=3, delay_ticks=3, exposure=0.8,
                     height_m=0.26, tilt_rad=0.08, fov_rad=1.3, speed_m_s=0.42)


def test_the_disguise_is_seen_through(result):
    found = result.found.robot
    assert found.camera.height_m == pytest.approx(0.26, rel=0.02)
    assert found.camera.tilt_rad == pytest.approx(0.08, abs=0.005)
    assert found.camera.horizontal_fov_rad == pytest.approx(1.3, rel=0.02)
    assert found.speed_m_s == pytest.approx(0.42, rel=0.02)
    numbers = result.content["fit"]["numbers"]
    assert result.content["fit"]["delay_s"] == pytest.approx(3 * TICK_S, abs=0.02)
    true = {"wide": math.tan(0.65), "height_m": 0.26, "tilt_rad": 0.08,
            "step_m": 0.42 * DECISION_S, "delay": 3 * TICK_S / DECISION_S}
    for name, each in numbers.items():
        assert abs(each["value"] - true[name]) <= each["half_interval"], name
    assert result.content["exposure"]["value"] == pytest.approx(0.8, abs=0.02)


def test_its_profiles_are_files_that_commands_take(result):
    robot = load_robot(result.robot)
    assert robot == result.found.robot
    profile = load_profile(result.appearance)
    assert profile.lens.exposure == pytest.approx((0.8, 0.8), abs=0.02)
    assert (robot.name, profile.name) == ("fitted_robot", "fitted_look")
    assert "--latency 0.15 --hold last" in result.robot.read_text()


def test_nobody_takes_it_for_a_real_robot(result):
    assert result.content["warnings"][0].startswith("SIMULATED: ")
    for name in ("report.md", "fitted_robot.toml", "fitted_look.toml"):
        assert "SIMULATED" in (result.folder / name).read_text()
    assert result.content["recorded"] == {"simulated": 9}


def test_statistics_and_what_cannot_be_told_are_in_the_report(result):
    text = (result.folder / "report.md").read_text()
    for said in ("| red |", "| sideways |", "camera's height m", "What no such episodes can tell",
                 "pixels across"):
        assert said in text
    statistics = result.content["statistics"]["red"]
    assert statistics["recorded"] < statistics["simulated"]
    json.dumps(result.content, allow_nan=False)


def test_a_folder_without_episodes_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="holds no file episode_"):
        sim2real(tmp_path, out=str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_the_command_is_one_of_the_suites(tmp_path):
    done = subprocess.run([sys.executable, "-m", "eval.suite", "sim2real", "--data", tmp_path],
                          cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "holds no file episode_" in done.stderr


def test_where_no_cup_is_seen_statistics_remain(tmp_path, monkeypatch):
    monkeypatch.setattr("eval.sim2real.tracks.find_target", lambda image: None)
    folder = record_episodes(tmp_path / "data", load_robot(), scenarios=SCENARIOS[:1], each=1,
                             image_size=(90, 160))
    found = sim2real(folder, against=folder, out=str(tmp_path / "runs"))
    assert found.content["fit"] is None
    assert any("Camera and drive cannot be found" in each for each in found.content["said"])
    assert load_robot(found.robot).camera == load_robot().camera


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_disguises_drawn_by_chance_are_seen_through(tmp_path, number):
    rng = np.random.default_rng(number)
    true = {"height_m": rng.uniform(0.17, 0.32), "tilt_rad": rng.uniform(-0.05, 0.12),
            "fov_rad": rng.uniform(1.1, 1.7), "speed_m_s": rng.uniform(0.35, 0.55)}
    delay = int(rng.integers(0, 6))
    found = looked_at(tmp_path, each=6, delay_ticks=delay, exposure=rng.uniform(0.6, 1.1), **true)
    numbers = found.content["fit"]["numbers"]
    values = {"wide": math.tan(true["fov_rad"] / 2), "height_m": true["height_m"],
              "tilt_rad": true["tilt_rad"], "step_m": true["speed_m_s"] * DECISION_S,
              "delay": delay * TICK_S / DECISION_S}
    for name, value in values.items():
        each = numbers[name]
        print(number, name, f"{each['value']:.4f} +- {each['half_interval']:.4f}, is {value:.4f}")
    for name, value in values.items():
        assert abs(numbers[name]["value"] - value) <= 2 * numbers[name]["half_interval"], name
