"""Drive episodes for tests, with pictures of a few pixels where nobody looks at them."""

from dataclasses import dataclass

import envs
import policies
import scenarios
from envs.task import side_followed
from episodes.record import Record
from episodes.rollout import Task, rollout


@dataclass(frozen=True)
class Sample:
    """How one policy did in one scenario."""

    scenario: str
    episodes: int
    successes: int
    short: int  # episodes of at most 17 decisions that succeeded
    ends: dict[str, int]


def is_success(record: Record) -> bool:
    """Stood still in the goal circle, with every box passed on the commanded side."""
    side = side_followed(record.path, record.boxes[-1])
    return record.ended_by == "goal" and side == record.pass_side


def drive(policy: str, scenario: str, seed: int, image_size: tuple[int, int] = (8, 8),
          **fixed: str) -> Record:
    """One episode in a world of its own."""
    return drive_many(policy, scenario, [seed], image_size, **fixed)[0]


def drive_many(policy: str, scenario: str, seeds: list[int],
               image_size: tuple[int, int] = (8, 8), **fixed: str) -> list[Record]:
    """One episode a seed, one after the other in one world."""
    what = scenarios.load(scenario)
    world, who = envs.make(what, image_size=image_size), policies.make(policy)
    instruction = what.instructions.english
    records = [rollout(world, who, Task(seed, instruction, fixed)) for seed in seeds]
    world.close()
    return records


def sample(policy: str, scenario: str, episodes: int, root: int = 0) -> Sample:
    """The first `episodes` layouts of a scenario for one root."""
    group = scenarios.load(scenario).layout_group
    seeds = [scenarios.episode_seed("eval", root, group, i) for i in range(episodes)]
    records = drive_many(policy, scenario, seeds)
    won = [record for record in records if is_success(record)]
    ends: dict[str, int] = {}
    for record in records:
        ends[record.ended_by] = ends.get(record.ended_by, 0) + 1
    return Sample(scenario, episodes, len(won), sum(r.decisions <= 17 for r in won), ends)
