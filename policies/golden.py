"""Golden pairs: pictures and the commands a checkpoint gave for them where it was trained.

The same pictures must give the same commands wherever the checkpoint is loaded; a robot whose
answers differ (another library, colour order or un-normalisation) must not drive.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from policies.interface import Policy

GOLDEN_FILE = "golden.npz"


def write(policy: Policy, folder: Path, instruction: str, pictures: Sequence[np.ndarray]) -> None:
    """Store pictures [N, H, W, 3] uint8 and the policy's answers to them, one after the other."""
    commands = _answers(policy, instruction, pictures)
    np.savez_compressed(folder / GOLDEN_FILE, instruction=np.array(instruction),
                        pictures=np.stack(list(pictures)), commands=commands)


def check(policy: Policy, folder: Path) -> float:
    """The largest difference to the stored commands, in command units.

    Raises:
        ValueError: if the folder has no golden pairs.
    """
    path = folder / GOLDEN_FILE
    if not path.is_file():
        raise ValueError(f"{folder}: has no {GOLDEN_FILE}, expected one written by training.")
    with np.load(path) as stored:
        answers = _answers(policy, str(stored["instruction"]), stored["pictures"])
        return float(np.abs(answers - stored["commands"]).max())


def _answers(policy: Policy, instruction: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """First rows [N, 3] of the policy's plans in one episode."""
    memory = policy.begin(instruction, seed=0)
    still = np.zeros(3, np.float32)
    return np.stack([policy.act([memory], [{"rgb": picture, "velocity": still}])[0].commands[0]
                     for picture in pictures])
