"""Where, simulated: Gymnasium environments over PyBullet, the robot model and the planner.

The ids `MobileVLA/<scenario>-v0` are registered where gymnasium is installed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.interface import RobotSpec
from scenarios import Scenario, load, names
from scenarios.shipped import shipped_or_own
from scenarios.strict import build, read_toml

if TYPE_CHECKING:
    import gymnasium

ROBOTS = Path(__file__).parent / "robots"


def load_robot(name: str | Path = "serbot") -> RobotSpec:
    """A shipped robot by name, or a user's own by the path of its TOML file.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a file that does not fit.
    """
    path = shipped_or_own("robot", name, ROBOTS, ".toml")
    return build(RobotSpec, read_toml(path), path.name)


def make(scenario: Scenario, robot: RobotSpec | None = None, **options: Any) -> gymnasium.Env:
    """A world for any scenario, a user's own too, inside the scenario's time limit."""
    from gymnasium.wrappers import TimeLimit

    from envs.navigation import NavigationEnv

    env = NavigationEnv(scenario, robot or load_robot(), **options)
    return TimeLimit(env, scenario.success.max_decisions)


def make_registered(scenario: str, robot: str = "serbot", **options: Any) -> gymnasium.Env:
    """The entry point behind the registered ids; gymnasium adds the time limit."""
    from envs.navigation import NavigationEnv

    return NavigationEnv(load(scenario), load_robot(robot), **options)


def register() -> None:
    """Register one id a scenario; called on import where gymnasium is installed."""
    import gymnasium

    for name in names():
        gymnasium.register(
            f"MobileVLA/{name}-v0", "envs:make_registered", kwargs={"scenario": name},
            max_episode_steps=load(name).success.max_decisions,
        )


if importlib.util.find_spec("gymnasium") is not None:
    register()
