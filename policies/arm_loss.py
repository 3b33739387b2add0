"""RoboVLMs' loss of a plan: masked Huber, and for arms a little of the gripper's cross entropy.

The mobile base has no gripper: its heads take `plan_loss` alone. `arm_gripper_loss` is for spaces
whose last number is a gripper (seven numbers: six of the arm and one). RoboVLMs' Huber loss turns
linear at an error of 1, which normalised commands hardly reach; here it does at 0.1, as in the
seeds' recipe and as in every other head of the comparison.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from policies.head import HUBER_DELTA

GRIPPER_SHARE = 0.01  # `arm_gripper_loss_ratio`


def plan_loss(found: torch.Tensor, wanted: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean Huber loss of normalised plans [..., axes] where mask [...] is 1."""
    off = F.huber_loss(found, wanted, reduction="none", delta=HUBER_DELTA)
    return masked_mean(off.mean(dim=-1), mask)


def arm_gripper_loss(found: torch.Tensor, wanted: torch.Tensor,
                     mask: torch.Tensor) -> torch.Tensor:
    """The loss of plans [..., axes + 1] whose last number is a gripper's.

    Args:
        found: Normalised numbers of the arm, then the logit of an open gripper.
        wanted: Normalised numbers of the arm, then 1 (open) or 0 (closed).
        mask: [...] 1 where a step counts.

    Raises:
        ValueError: if a gripper is neither 0 nor 1 where it counts.
    """
    gripper = wanted[..., -1]
    wrong = gripper[(mask > 0) & (gripper != 0) & (gripper != 1)]
    if len(wrong):
        raise ValueError(f"The last number of a plan is a gripper, 0 or 1, got {wrong[0].item()}; "
                         f"map it first, or take plan_loss where there is no gripper.")
    off = F.binary_cross_entropy_with_logits(found[..., -1], gripper, reduction="none")
    return (plan_loss(found[..., :-1], wanted[..., :-1], mask)
            + GRIPPER_SHARE * masked_mean(off, mask))


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values [...] where mask [...] is 1; 0 where it never is."""
    return (values * mask).sum() / mask.sum().clamp(min=1.0)
