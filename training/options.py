"""The options of `training.run`, for the command line and for Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policies import COMPARED, LEARNED
from scenarios.cli import LogLevel

ALL = "all"


@dataclass(frozen=True)
class TrainingOptions:
    """Train heads of policies on frozen towers; at size mini the towers too."""

    policy: str = "hybrid"
    """Whose head is trained: one name, several with commas between them, or all of the
    comparison."""
    seeds: int = 1
    """How many heads of each policy, with the seeds 0, 1, ... added to --seed."""
    size: Literal["mini", "full"] = "mini"
    """`mini` trains its towers here; `full` takes the published ones."""
    data: Path | None = None
    """Train on the episode files of this folder instead of generated ones."""
    towers: Path | None = None
    """A folder with towers `kosmos2` and `clip` to take instead of training them; the shipped ones
    lie in policies/checkpoints/towers."""
    out: Path | None = None
    """The checkpoint folder, WORK/checkpoint where not given; with several policies a folder of
    checkpoints that share their towers."""
    work: Path = Path("work/hybrid")
    """Where the stages are kept; the same command again goes on from there."""
    episodes: int = 8000
    """Generated episodes, all scenarios together."""
    appearance: str = "mixed"
    """How generated pictures and episodes look: a profile's name or TOML file."""
    frames: int = 48_000
    """Pictures for the towers."""
    tower_epochs: int = 8
    """Passes over these pictures."""
    epochs: int = 24
    """Of the head; each draws 32,000 windows by chance."""
    dagger_rounds: int = 2
    """How often the policy drives, the planner says what was right, and a new head learns both."""
    dagger_episodes: int = 3200
    """Driven in each round, all scenarios together."""
    validation_episodes: int = 5
    """Driven per scenario on layouts of the purpose `val` after training; 0 drives none."""
    workers: int = 2
    """Processes that make pictures, generate episodes and drive; on a cluster at most so many. 0:
    this one alone."""
    engine: Literal["local", "ray"] = "local"
    """Where episodes are generated and driven: on this machine, or on all of a Ray cluster
    (docs/many_machines.md)."""
    address: str | None = None
    """The Ray cluster's HOST:PORT; the one that this machine is in where not given."""
    seed: int = 0
    """Root of layouts, weights and order."""
    log_level: LogLevel = "info"
    """How much is logged."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        wrong = [name for name in self.policies if name not in LEARNED]
        if wrong:
            raise ValueError(f"Policy {wrong[0]!r} cannot be trained, expected one of "
                             f"{', '.join(LEARNED)}, or {ALL}.")
        least = {"episodes": 2, "frames": 128, "tower_epochs": 1, "epochs": 1, "workers": 0,
                 "seeds": 1, "seed": 0, "validation_episodes": 0, "dagger_rounds": 0,
                 "dagger_episodes": 8}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"{name} must be at least {smallest}, got {getattr(self, name)}.")

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of all that are trained; `all` leaves out the ablations."""
        if self.policy == ALL:
            return COMPARED
        return tuple(dict.fromkeys(name.strip() for name in self.policy.split(",")))

    @property
    def is_one(self) -> bool:
        """Whether one head is trained, whose checkpoint stands alone."""
        return len(self.policies) == 1 and self.seeds == 1
