import pytest
import torch

from policies.arm_loss import GRIPPER_SHARE, arm_gripper_loss, plan_loss


def test_the_loss_of_a_plan_is_square_near_and_straight_far():
    wanted = torch.zeros(1, 1, 2)
    near, far = torch.tensor([[[0.05, 0.0]]]), torch.tensor([[[1.0, 0.0]]])
    mask = torch.ones(1, 1)
    assert plan_loss(near, wanted, mask).item() == pytest.approx(0.5 * 0.05 ** 2 / 2)
    assert plan_loss(far, wanted, mask).item() == pytest.approx(0.1 * (1.0 - 0.05) / 2)


def test_steps_outside_the_mask_do_not_count_even_in_the_mean():
    found, wanted = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
    wanted[0, :2], wanted[0, 2:] = 1.0, -7.0
    assert plan_loss(found, wanted, torch.tensor([[1.0, 1.0, 0.0, 0.0]])) == plan_loss(
        found[:, :2], wanted[:, :2], torch.ones(1, 2))


def test_where_nothing_counts_the_loss_is_zero_and_not_nan():
    assert plan_loss(torch.ones(1, 2, 2), torch.zeros(1, 2, 2), torch.zeros(1, 2)).item() == 0.0


def test_a_gripper_weighs_a_hundredth():
    arm = torch.zeros(1, 1, 6)
    found = torch.cat([arm, torch.zeros(1, 1, 1)], dim=-1)  # a logit of 0: one half
    wanted = torch.cat([arm, torch.ones(1, 1, 1)], dim=-1)
    loss = arm_gripper_loss(found, wanted, torch.ones(1, 1))
    assert loss.item() == pytest.approx(GRIPPER_SHARE * 0.693147) == pytest.approx(0.00693147)


def test_the_arm_of_seven_numbers_counts_as_a_plan_without_gripper_does():
    torch.manual_seed(0)
    found, wanted, mask = torch.randn(2, 3, 7), torch.rand(2, 3, 7), torch.ones(2, 3)
    found[..., -1], wanted[..., -1] = 100.0, 1.0  # a gripper that is right
    assert arm_gripper_loss(found, wanted, mask).item() == pytest.approx(
        plan_loss(found[..., :6], wanted[..., :6], mask).item())


def test_a_gripper_that_is_neither_open_nor_closed_is_refused_where_it_counts():
    wanted = torch.tensor([[[0.0, -1.0]], [[0.0, 1.0]]])
    found = torch.zeros(2, 1, 2)
    assert torch.isfinite(arm_gripper_loss(found, wanted, torch.tensor([[0.0], [1.0]])))
    with pytest.raises(ValueError, match=r"gripper, 0 or 1, got -1\.0"):
        arm_gripper_loss(found, wanted, torch.ones(2, 1))
