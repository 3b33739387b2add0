"""What is started on a robot is what the commands take, and what it needs is listed."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
import tyro
import yaml

from eval.doctor.__main__ import Config as DoctorConfig
from hardware.run import Config
from tests.hardware.robots import FAKES

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def expanded(text):
    """As a shell would, with nothing set: ${NAME:-default}."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def parsed(command, config=Config):
    """The options of `python3 -m MODULE ...`."""
    assert command[:2] == ["python3", "-m"]
    return tyro.cli(config, args=command[3:])


def test_a_launch_starts_the_page_over_ros(monkeypatch):
    monkeypatch.syspath_prepend(str(FAKES / "ros"))
    made = runpy.run_path(str(DEPLOY / "robot.launch.py"))["generate_launch_description"]()
    *arguments, process = made
    defaults = {each.name: each.default for each in arguments}
    config = parsed([defaults[each.name] if hasattr(each, "name") else each
                     for each in process.command])
    assert config == Config("hybrid", "2box_hori_left", "ros", address="", web=True,
                            record="drives")
    assert Path(process.folder) == ROOT
    for name in [each for each in sys.modules if each.split(".")[0] == "launch"]:
        del sys.modules[name]


def test_containers_examine_and_drive_with_the_same_robot():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    examine = parsed(shlex.split(expanded(services["examine"]["command"])), DoctorConfig)
    drive = parsed(shlex.split(expanded(services["drive"]["command"])))
    assert examine.robot
    assert (examine.transport, examine.policy, examine.profile, examine.device, examine.out) == (
        drive.transport, drive.policy, drive.profile, drive.device, drive.doctor)
    for service in services.values():
        assert service["restart"] == "no"  # in YAML, no without quotes is false
        assert service["ulimits"]["rtprio"] >= 30  # envs.realtime.WATCHES


def test_the_unit_drives_and_leaves_time_to_stop():
    unit = (DEPLOY / "mobile-vla.service").read_text()
    said = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line[:25]
                and not line.startswith("#"))
    settings = dict(each.split("=") for each in said["Environment"].split())
    words = re.sub(r"\$\{(\w+)\}", lambda found: settings[found.group(1)], said["ExecStart"])
    config = parsed(words.split()[1:])
    assert config.web
    assert config.record == "drives"
    assert said["Restart"] == "no"
    assert int(said["TimeoutStopSec"]) >= 10  # hardware.pilot waits 5 s for each process


@pytest.mark.parametrize("name", ["entrypoint.sh", "Dockerfile", "99-mobile-vla.rules"])
def test_what_is_named_is_there(name):
    assert (DEPLOY / name).is_file()
    if name.endswith(".sh"):
        assert (DEPLOY / name).stat().st_mode & 0o111


def test_the_page_lists_every_dependency_of_a_robot():
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["robot"], *extras["remote"], *extras["web"]]
    names = {re.split(r"[\[<>=; ]", each)[0].lower().replace("_", "-") for each in named}
    page = (ROOT / "docs" / "deployment.md").read_text().lower().replace("_", "-")
    assert {name for name in names - {"mobile-vla-bench"} if f"{name} " not in page} == set()
    assert "torch" not in {each.split(">")[0] for each in extras["robot"]}
