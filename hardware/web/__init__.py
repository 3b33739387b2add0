"""The operator's page: what a browser shows and hears. fastapi and uvicorn are used only here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hardware.listening import checked_token

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from hardware.run import Config
    from policies import Policy


def page(config: Config, robot: RobotSpec, policy: Policy) -> Callable[[], None]:
    """The work of `python -m hardware.run --web`, its options checked.

    Raises:
        ValueError: one sentence about what is missing or wrong.
    """
    try:
        from hardware.web.session import serve
    except ModuleNotFoundError as error:
        raise ValueError(f"--web needs {error.name}: pip install 'mobile-vla-bench[web]'."
                         ) from error
    checked_token(config.host)
    if config.arm is not None:
        raise ValueError("--arm is for the terminal; on the page nothing moves before the operator "
                         "arms. Leave it out.")
    return lambda: serve(config, robot, policy)
