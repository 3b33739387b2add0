"""What every head does with its own answers."""

import torch

from policies.head import Head, Wants

LIMIT = 1.15


class Says(Head):
    """A head that answers what it is told to."""

    def __init__(self, *commands):
        super().__init__(Wants(("seen",)), {"seen": 1})
        self.answer = torch.tensor(commands).view(1, -1, 1, 2)

    def forward(self, parts, lengths):
        return self.answer


def decided(head):
    return head.decide({}, torch.ones(1, dtype=torch.int64))[0, :, 0].tolist()


def test_a_robot_that_learned_full_motions_and_stops_does_the_likelier_of_the_two_in_doubt():
    head = Says([0.5, -0.5], [-0.6, 0.25], [0.0, 0.0])
    head.fit(torch.tensor([[LIMIT, 0.5], [0.0, 0.0], [0.3, -LIMIT]]))
    assert decided(head) == [[0, 0], [torch.tensor(-0.6).item(), 0.25], [0, 0]]


def test_one_that_learned_to_creep_may_creep():
    head = Says([0.06, 0.0], [0.04, -0.04])
    head.fit(torch.tensor([[0.1, 0.0]] * 50 + [[LIMIT, LIMIT]] * 50))
    assert decided(head) == [[torch.tensor(0.06).item(), 0], [0, 0]]


def test_a_single_slip_in_the_recordings_does_not_make_it_creep():
    head = Says([0.3, 0.0])
    head.fit(torch.tensor([[0.01, 0.0]] + [[LIMIT, 0.0]] * 500))
    assert decided(head) == [[0, 0]]
