"""What is started on a robot is what the commands take, and what it needs is listed."""

import fcntl
import json
import os
import pty
import re
import runpy
import shlex
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import tyro
import yaml

from eval.doctor.__main__ import Config as DoctorConfig
from hardware import camera_tape, pilot
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
    assert float(process.sigterm_timeout) >= LEAVING_S
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


LEAVING_S = camera_tape.END_S + camera_tape.LEAVE_S + 2 * pilot.END_S  # until a drive is kept


def outlived(*command, **options):
    return subprocess.Popen([sys.executable, DEPLOY / "outlive.py", *command], text=True,
                            stdout=subprocess.PIPE, **options)


def guarded(then, stands):
    """A command that leaves a guard in a session of its own, as hardware.pilot does."""
    guard = f"import time; time.sleep(1.5); open({str(stands)!r}, 'x')"
    return [sys.executable, "-c", f"""
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {guard!r}], start_new_session=True)
{then}
"""]


@pytest.mark.parametrize(("then", "code"), [
    ("os.kill(os.getpid(), signal.SIGKILL)", 137), ("sys.exit(3)", 3)])
def test_a_container_lives_until_the_guards_of_a_dead_policy_have_stopped_the_wheels(
        tmp_path, then, code):
    with outlived(*guarded(then, tmp_path / "stands")) as process:
        assert process.wait(60) == code
        assert (tmp_path / "stands").exists()


def test_a_container_that_is_stopped_tells_the_policy_and_waits_for_the_guards(tmp_path):
    then = """
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
print("drives", flush=True)
time.sleep(60)"""
    with outlived(*guarded(then, tmp_path / "stands")) as process:
        assert process.stdout.readline() == "drives\n"
        process.terminate()
        assert process.wait(60) == 143
        assert (tmp_path / "stands").exists()


def test_ctrl_c_in_a_containers_terminal_is_heard_once():
    counts = """
import signal, time
heard = []
signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
print("drives", flush=True)
until_s = time.monotonic() + 60
while not heard and time.monotonic() < until_s:
    time.sleep(0.01)
time.sleep(1.0)
print(len(heard), flush=True)"""
    ours, theirs = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with outlived(sys.executable, "-c", counts, stdin=theirs, preexec_fn=own_terminal) as process:
        assert process.stdout.readline() == "drives\n"
        os.write(ours, b"\x03")
        assert process.communicate(timeout=60)[0] == "1\n"
    os.close(ours)
    os.close(theirs)


def test_an_image_begins_with_what_outlives_the_policy():
    image = (DEPLOY / "Dockerfile").read_text()
    (entry,) = re.findall(r"(?m)^ENTRYPOINT (.*)$", image)
    script, *command = json.loads(entry)
    assert script == "deploy/entrypoint.sh"
    assert command == ["python3", "deploy/outlive.py"]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for service in services.values():
        assert "entrypoint" not in service
        assert seconds(service["stop_grace_period"]) >= LEAVING_S


def seconds(said):
    assert said.endswith("s")
    return int(said[:-1])


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
    assert int(said["TimeoutStopSec"]) >= LEAVING_S
    assert said["KillMode"] == "process"  # any other kills driver and watchdog with the policy


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
