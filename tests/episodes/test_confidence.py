"""Low confidence means standing still: the loop's rule, the same for every policy."""

import numpy as np
import pytest

from episodes.rollout import CONFIDENCE_THRESHOLD
from policies.interface import Action
from tests.policies.test_contract import Answers, drive

TURN = np.array([[0.0, 0.0, 1.15]] * 4, np.float32)


def sure(*confidences: float | None) -> Answers:
    """Turns on the spot by plans of four rows, each as sure as told, over and over."""
    said = iter(confidences * 40)
    return Answers(lambda: [Action(TURN, confidence=next(said))])


def test_the_threshold_is_the_laboratorys():
    assert CONFIDENCE_THRESHOLD == 0.3


@pytest.mark.parametrize(("confidence", "drives"), [
    (None, True), (1.0, True), (0.3, True), (0.2999, False), (0.0, False),
])
def test_a_policy_drives_only_where_it_is_sure_enough_or_says_nothing(confidence, drives):
    record = drive(sure(confidence), most=3)
    assert record.sent.any() == drives
    assert record.asked.any() == drives


def test_after_standing_still_for_a_decision_it_is_asked_again():
    policy = sure(0.1, 0.9)
    record = drive(policy, execute=4, most=10)
    # 1 decision still, 4 rows driven, 1 still, 4 driven
    assert record.sent[:, 2].tolist() == pytest.approx([0, *[1.15] * 4] * 2)
    assert policy.asked == 4


def test_another_threshold_may_be_asked_for():
    assert drive(sure(0.2), most=2, confidence_threshold=0.1).sent.any()
    assert not drive(sure(0.9), most=2, confidence_threshold=0.95).sent.any()


def test_the_record_keeps_how_sure_a_policy_was_of_each_decision():
    record = drive(sure(0.1, 0.9), execute=2, most=4)
    assert record.confidence.tolist() == [0.1, 0.9, 0.9, 0.1]
    assert "confidence" not in record.header()
    mixed = drive(sure(None, 0.5), execute=1, most=2)
    np.testing.assert_array_equal(mixed.confidence, [np.nan, 0.5])


def test_a_policy_that_never_says_how_sure_it_is_leaves_nothing_in_the_record():
    record = drive(sure(None), most=2)
    assert record.confidence is None
    assert "confidence" not in record.arrays()
    assert "confidence" not in record.header()
