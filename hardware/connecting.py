"""From options to a robot that is ready: reached, examined, and whom to ask before it is armed."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from hardware.pilot import Pilot
    from hardware.robot_env import RobotEnv
    from hardware.run import Config
    from policies import Policy
    from scenarios import Scenario

PAGE_PICTURES = ("--image-size", "360", "640")  # of a simulated camera that people look at, too

DOMAINS = range(1, 102)  # those whose ports Linux gives to nobody else
ALONE = {"CYCLONEDDS_URI": """<CycloneDDS><Domain><General><Interfaces>
<NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>60</MaxAutoParticipantIndex><Peers><Peer Address="127.0.0.1"/></Peers>
</Discovery></Domain></CycloneDDS>"""}  # no network: a robot there would obey


def connect(config: Config, scenario: Scenario, robot: RobotSpec, policy: Policy,
            stack: contextlib.ExitStack,
            consent: Callable[[Pilot], None] | None = None) -> RobotEnv:
    """A robot that is ready, and a policy that computes as it should; the stack ends both.

    `consent` is the operator's to every episode, where not the terminal asks for it.

    Raises:
        ValueError: one sentence, if it cannot be reached.
    """
    from hardware.pilot import Pilot
    from hardware.referee import Referee
    from hardware.robot_env import RobotEnv, wait_for_arming
    from hardware.transport import Place
    from policies.threads import computing_for

    stack.enter_context(computing_for(config))
    referee, address, settings = None, config.address, {}
    if address is None and (config.transport == "sim" or config.simulated):
        referee = Referee(config.scenario, config.robot, config.seed,
                          *(PAGE_PICTURES if config.web else ()))
        stack.callback(referee.close)
        address = referee.address
    if referee is not None and config.transport == "dds":
        settings, address = ALONE, own_domain(config.profile)
        bridge = start_bridge(referee.address, config.profile, address)
        stack.callback(bridge.wait)
        stack.callback(bridge.terminate)
    pilot = Pilot(Place(config.transport, address or "", config.profile), config.mode, settings)
    stack.callback(pilot.close)
    if config.simulated:
        pilot.source = "simulated"
    is_harmless = pilot.source != "real"
    if config.arm == "now" and not is_harmless:
        raise ValueError("--arm now is for what is not real; leave it out, and you are asked.")
    if not is_harmless:
        check_examined(config, robot, policy)
    asks = config.arm == "ask" or (config.arm is None and not is_harmless)
    return RobotEnv(scenario, robot, pilot, policy.spec.image_size, referee,
                    consent or (ask_operator if asks else wait_for_arming))


def check_examined(config: Config, robot: RobotSpec, policy: Policy) -> None:
    """Nothing real is armed before it was examined, today and with these weights.

    Raises:
        ValueError: one sentence, if it was not.
    """
    from hardware.examination import Examined, check, robot_hash
    from hardware.profile import load_profile

    check(Path(config.doctor), Examined(
        config.transport, robot_hash(load_profile(config.profile), robot), policy.spec.name,
        policy.spec.weights_hash))


def own_domain(profile: str) -> str:
    """A DDS domain for one simulated drive: not the robot's, and hardly that of another drive."""
    from hardware.profile import load_profile

    robots = load_profile(profile).ros.domain
    return str(secrets.choice([each for each in DOMAINS if each != robots]))


def start_bridge(address: str, profile: str, domain: str) -> subprocess.Popen[bytes]:
    """Let a simulated robot speak ROS 2, to this machine alone."""
    return subprocess.Popen([sys.executable, "-m", "hardware.bridge", "--address", address,
                             "--profile", profile, "--domain", domain], start_new_session=True,
                            stderr=subprocess.DEVNULL, env={**os.environ, **ALONE})


def ask_operator(pilot: Any) -> None:
    """Arm once the operator says so."""
    from hardware.robot_env import wait_for_arming
    from hardware.safety import RefusedError

    try:
        input("Is the way free and the emergency stop at hand? Enter arms the robot, Ctrl-C ends. ")
    except EOFError:
        raise RefusedError("operator", "Nobody is there to be asked: standard input has ended. "
                           "A robot that is real needs an operator.") from None
    wait_for_arming(pilot)
