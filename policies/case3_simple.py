"""Case 3, SimpleCase3Model: Case 1 once more, trained for five epochs.

The original is a copy of Case 1's file. Its own was the recipe, 5 epochs with patience 3 where the
others had 50 (the recorded run ended after one, its loss no number), and its first data were
dummies. Here it learns from the same data as every other model, for five epochs with patience 3
(`training.recipes`); the learning rate is the protocol's, for Case 1's reason. A richer Case 3 was
written too (32 latents, Claw attention, a hierarchical planner), whose second level expects 256
numbers and gets 128: it could not run. What it aimed at, Case 4 does.
"""

from __future__ import annotations

from policies.case1_simplified import SimplifiedHead
from policies.learned import Learned


class CaseThree(Learned):
    """`--policy case3_simple`."""

    model, head_class = "case3_simple", SimplifiedHead
