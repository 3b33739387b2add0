"""Ask a policy what it would do: `python -m hardware.console --pictures DIR`. Nothing drives."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from hardware.console_commands import Console
    from hardware.console_sources import Source

PROMPT, QUIT = "vla> ", "quit"
HISTORY = Path("~/.cache/mobile-vla-bench/console_history")


@dataclass(frozen=True)
class Config:
    """A prompt at a policy: infer, benchmark, memory, clear, instruction, policy, help, quit.

    It looks at a folder of pictures, a camera of this machine, or a robot's camera; a simulated
    robot is started in another process where --transport sim has no --address. It never drives.
    """

    policy: str = "hybrid"
    """Name, module:Class or checkpoint folder, as for eval.run."""
    pictures: Path | None = None
    """Folder that is looked at, a picture at a time."""
    camera: str | None = None
    """Camera of this machine, like /dev/video0."""
    transport: str = "sim"
    """How a robot is reached, if neither of these is given: sim, dds, ros, serbot, replay."""
    address: str | None = None
    """sim: host:port of `python -m envs.serve`; others as for hardware.run."""
    scenario: str = "1box_vert_left"
    """Whose words the policy is told, and whose room a simulated robot stands in."""
    seed: int = 0
    """Draws its layout."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: topics of a real robot."""
    size: Literal["mini", "full"] | None = None
    """Size of the model's towers."""
    checkpoint: str | None = None
    """Folder with the policy's weights; the shipped ones where not given."""
    device: str | None = None
    """Where the model runs: cpu, cuda."""
    dtype: Literal["fp32", "bf16", "fp16"] | None = None
    """What the towers compute in."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Open everything, and return the work."""
    from hardware.console_commands import Console
    from scenarios import load

    if config.pictures is not None and config.camera is not None:
        raise ValueError("Either --pictures or --camera, not both.")
    told = load(config.scenario).instructions.english
    options: dict[str, Any] = {name: getattr(config, name)
                               for name in ("size", "checkpoint", "device", "dtype")
                               if getattr(config, name) is not None}
    stack = contextlib.ExitStack()
    try:
        source = _open(config, stack)
        console = Console(config.policy, source, told, options)
    except ValueError:
        stack.close()
        raise
    return lambda: _work(console, stack)


def talk(console: Console, lines: Iterator[str]) -> None:
    """Do what lines say until there are none any more, or one says quit."""
    for line in lines:
        if line.strip() == QUIT:
            return
        try:
            for answer in console.do(line):
                print(answer, flush=True)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)


def _work(console: Console, stack: contextlib.ExitStack) -> None:
    with stack:
        talk(console, typed() if sys.stdin.isatty() else iter(sys.stdin.readline, ""))


def _open(config: Config, stack: contextlib.ExitStack) -> Source:
    """What is looked at; closed with the stack."""
    from hardware.console_sources import Camera, Folder, Robot
    from hardware.referee import Referee
    from hardware.transport import Place, check_transport

    if config.pictures is not None:
        return Folder(config.pictures)
    if config.camera is not None:
        camera = Camera(config.camera)
        stack.callback(camera.close)
        return camera
    check_transport(config.transport, config.address)
    address = config.address
    if address is None:
        if config.transport != "sim":
            raise ValueError(f"--transport {config.transport} needs --address.")
        referee = Referee(config.scenario, "serbot", config.seed)
        stack.callback(referee.close)
        address = referee.address
    robot = Robot(Place(config.transport, address, config.profile))
    stack.callback(robot.close)
    return robot


def typed() -> Iterator[str]:
    """Lines of a terminal, with history and completion; Ctrl-C leaves a line, Ctrl-D ends."""
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import NestedCompleter
        from prompt_toolkit.history import FileHistory
    except ModuleNotFoundError:
        print("Without prompt_toolkit there is no history: pip install "
              "'mobile-vla-bench[console]'.", file=sys.stderr)
        yield from iter(lambda: input(PROMPT), QUIT)
        return
    path = HISTORY.expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    session: Any = PromptSession(history=FileHistory(str(path)), complete_while_typing=False,
                                 completer=NestedCompleter.from_nested_dict(words()))
    while True:
        try:
            yield session.prompt(PROMPT)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def words() -> dict[str, Any]:
    """What may be completed: commands, and behind `policy` the names of policies."""
    import policies
    from hardware.console_commands import HELP

    return {name: dict.fromkeys(policies.REGISTRY) if name == "policy" else None for name in HELP}


if __name__ == "__main__":
    run_command(Config, main)
