"""Loads `envs/hub/env.py` by LeRobot's own loader and drives in it by LeRobot's own rollout.

The policy repeats what an exported episode did, on that episode's layout: the same pictures must be
seen, and LeRobot must count a success. MOBILE_VLA_PYTHON names the Python that has PyBullet.
"""

import json
import logging
import sys
from pathlib import Path

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.envs.utils import _call_make_env, _import_hub_module, _normalize_hub_result, close_envs
from lerobot.scripts.lerobot_eval import rollout

CAMERA = "observation.images.front"
logging.getLogger("lerobot").setLevel(logging.ERROR)  # it says at length that it decodes by pyav
ROOT = Path(__file__).parent.parent.parent


class Repeat(torch.nn.Module):
    """Commands [T, 3], one after the other, the same to all worlds; then it stands still."""

    def __init__(self, commands: torch.Tensor) -> None:
        super().__init__()
        self.commands, self.seen = commands, []

    def reset(self) -> None:
        self.seen = []

    def select_action(self, batch: dict) -> torch.Tensor:
        step = len(self.seen)
        self.seen.append((batch[CAMERA], batch["observation.state"], batch["task"]))
        command = self.commands[step] if step < len(self.commands) else torch.zeros(3)
        return command.expand(len(batch[CAMERA]), 3)


def same(data: dict) -> dict:
    return data


def main(folder: Path) -> None:
    driven = json.loads((folder / "driven.json").read_text())
    data_set = LeRobotDataset("local/lerobot", root=folder / "lerobot")
    module = _import_hub_module(str(ROOT / "envs/hub/env.py"), "user/repo")
    suites = _normalize_hub_result(_call_make_env(module, n_envs=2, use_async_envs=False, cfg=None))
    assert list(suites) == ["mobile_vla"]
    assert len(suites["mobile_vla"]) == 8
    for number, told in enumerate(driven[:2]):
        task = module.SCENARIOS.index(told["scenario"])
        frames = [data_set[k] for k in range(len(data_set))
                  if int(data_set.hf_dataset[k]["episode_index"]) == number]
        policy = Repeat(torch.stack([frame["action"] for frame in frames]))
        found = rollout(suites["mobile_vla"][task], policy, same, same, same, same,
                        seeds=[told["seed"], told["seed"] + 1])
        for frame, (picture, state, words) in zip(frames, policy.seen):
            assert torch.equal(picture[0], frame[CAMERA])
            assert torch.equal(state[0], frame["observation.state"])
            assert words[0] == frame["task"]
        assert bool(found["success"][0].any()), told
        print(f"{told['scenario']}: LeRobot's rollout saw the {len(frames)} pictures of the data "
              f"set and counted a success.", flush=True)
    close_envs(suites)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
