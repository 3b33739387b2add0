"""A simulated world as a robot in real time: `python -m envs.serve --scenario 2box_hori_left`.

It shows its camera over TCP and drives at whatever velocity it was told last, as `envs.wire` says.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from envs.interface import COMMAND_LIMIT, TICK_S, RobotSpec
from envs.realtime import ticks
from envs.serve_clients import Clients
from envs.wire import address_of
from scenarios.cli import LogLevel, run_command

TIMEOUT_S = 0.25  # told nothing for so long, the wheels stop


@dataclass(frozen=True)
class Config:
    """Be a robot in a simulated room, in real time, until Ctrl-C."""

    scenario: str
    """Name or TOML file."""
    seed: int = 0
    """Draws the layout."""
    robot: str = "serbot"
    """Name or TOML file."""
    listen: str = "127.0.0.1:0"
    """host:port; the first line printed says which port it became."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width of the camera's pictures."""
    hold: bool = False
    """Drive on at the last velocity when nobody says anything any more, as bare drivers do."""
    referee: bool = False
    """Hear `{"reset": seed, "fixed": {}}` and `{"judge": true}` on standard input, a line each;
    answer with what is true, a line of JSON each. Ends with its input."""
    log_level: LogLevel = "info"
    """How much is logged."""


class Served:
    """A world that goes on whether or not somebody drives."""

    def __init__(self, config: Config) -> None:
        """Open the world and the port."""
        import envs
        from scenarios import load

        spec = envs.load_robot(config.robot)
        self._robot = replace(spec, drive="proportional", dead_band=0.0)  # hears m/s
        self._env: Any = envs.make(load(config.scenario), self._robot,
                                   image_size=config.image_size).unwrapped
        self._clients = Clients(address_of(config.listen))
        self._hold = config.hold
        self.reset(config.seed, {})

    @property
    def address(self) -> str:
        """Where it listens, host:port."""
        return self._clients.address

    def reset(self, seed: int, fixed: dict[str, str]) -> dict[str, Any]:
        """Another layout; the robot stands."""
        self._clients.forget()
        observation, self._info = self._env.reset(seed=seed, options=fixed)
        self._clients.show(observation)
        return self.judge()

    def judge(self) -> dict[str, Any]:
        """What is true, as JSON."""
        info = self._info
        return {"truth": asdict(info["truth"]), "variation": asdict(info["layout"].variation),
                **{key: info[key] for key in ("ended_by", "is_success", "side_followed", "touched",
                                              "clearance_m", "path", "resampled")}}

    def tick(self) -> None:
        """One tick of 0.05 s; after the end the robot stands where it is."""
        velocity, silent_s = self._clients.hear()
        if silent_s > TIMEOUT_S and not self._hold:
            velocity = (0.0, 0.0, 0.0)
        if self._info["ended_by"] is None:
            observation, _, _, _, self._info = self._env.advance(
                command_of(velocity, self._robot), 1)
            self._clients.show(observation)
        else:
            self._clients.show_again()

    def close(self) -> None:
        """Free port and world."""
        self._clients.close()
        self._env.close()


def command_of(velocity: tuple[float, ...], robot: RobotSpec) -> np.ndarray:
    """The command [3] by which a proportional drive gets a velocity; what is no number is zero."""
    full = np.array((robot.speed_m_s, robot.speed_m_s, robot.turn_rate_rad_s))
    share = np.nan_to_num(np.asarray(velocity) / full, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(share, -1.0, 1.0) * COMMAND_LIMIT


def main(config: Config) -> Any:
    """Open everything and return the work."""
    served = Served(config)
    return lambda: _serve(served, config.referee)


def _serve(served: Served, referee: bool) -> None:
    """Tick in real time, and answer the referee in between."""
    orders: queue.Queue[str] = queue.Queue()
    _say({"address": served.address})
    if referee:
        threading.Thread(target=_read, args=(orders,), daemon=True).start()
    try:
        for _ in ticks(TICK_S):
            while not orders.empty():
                line = orders.get()
                if not line:
                    return
                order = json.loads(line)
                _say(served.reset(order["reset"], order["fixed"]) if "reset" in order
                     else served.judge())
            served.tick()
    finally:
        served.close()


def _read(orders: queue.Queue[str]) -> None:
    for line in sys.stdin:
        orders.put(line)
    orders.put("")


def _say(what: dict[str, Any]) -> None:
    """To whoever started it; that it is gone is noticed where its orders end."""
    try:
        print(json.dumps(what), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run_command(Config, main)
