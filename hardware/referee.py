"""A simulated robot of our own, and who knows the truth about it: `python -m envs.serve`.

Driving sees only what a robot shows. What the referee says goes into the record, as in simulation.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from envs.interface import BoxTruth, Truth
from scenarios import Variation

END_S = 10.0


class Referee:
    """Starts the world, and says what is true in it."""

    def __init__(self, scenario: str, robot: str = "serbot", seed: int = 0,
                 *options: str) -> None:
        """Start it; `address` is then what the transport `sim` connects to.

        Args:
            scenario: Name or TOML file.
            robot: The same.
            seed: Draws the first layout.
            options: More of `python -m envs.serve`.

        Raises:
            ValueError: if it does not start; its own sentence stands above.
        """
        command = [sys.executable, "-m", "envs.serve", "--scenario", scenario, "--robot", robot,
                   "--seed", str(seed), "--referee", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, start_new_session=True)
        said = self._answer()
        if said is None:
            raise ValueError("The simulated robot did not start; its reason stands above.")
        self.address: str = said["address"]

    def reset(self, seed: int, fixed: dict[str, str]) -> dict[str, Any]:
        """Another layout; returns `info` as the simulator gives it."""
        return self._ask({"reset": seed, "fixed": fixed})

    def judge(self) -> dict[str, Any]:
        """How things really are: `info` as the simulator gives it."""
        return self._ask({"judge": True})

    def close(self) -> None:
        """End the world."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            print(json.dumps(order), file=self.process.stdin, flush=True)
            said = self._answer()
        except (BrokenPipeError, ValueError):  # it has ended, or was closed
            said = None
        if said is None:
            raise ConnectionError("The simulated world has ended.")
        truth = said.pop("truth")
        boxes = tuple(BoxTruth(**box) for box in truth.pop("boxes"))
        said["truth"] = Truth(boxes=boxes, robot=tuple(truth.pop("robot")),
                              cup=tuple(truth.pop("cup")), **truth)
        said["layout"] = SimpleNamespace(variation=Variation(**said.pop("variation")))
        return said

    def _answer(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None
