"""What Case 4's planner is asked for: which ways to go next, in their order, without durations.

The originals name ten tasks and say of none what it is. Nine are the later project's classes of a
command (threshold 0.3); the tenth says that nothing is left to do.
"""

from __future__ import annotations

import torch

TASKS = ("stop", "forward", "back", "left", "right", "forward left", "forward right", "back left",
         "back right", "done")
DONE = TASKS.index("done")
MOVES = 0.3  # of a command's axis, command units
BY_SIGNS = ((8, 2, 7), (4, 0, 3), (6, 1, 5))  # number of the task by signs of x and y, each plus 1


def tasks_of(commands: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The plan of tasks that commands carry out.

    Args:
        commands: [..., T, 2] linear_x, linear_y, command units.
        mask: [..., T] 1 where there is a command.

    Returns:
        [..., T] int64: every new way in its order, a way that lasts once, then `done`.
    """
    signs = (commands > MOVES).long() - (commands < -MOVES).long() + 1
    table = torch.tensor(BY_SIGNS, device=commands.device)
    each = torch.where(mask > 0, table[signs[..., 0], signs[..., 1]], DONE)
    turns = torch.diff(each, dim=-1, prepend=torch.full_like(each[..., :1], -1)) != 0
    place = turns.long().cumsum(dim=-1) - 1
    return torch.full_like(each, DONE).scatter(-1, place, each)
