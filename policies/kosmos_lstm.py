"""PureKosmos2Model: Kosmos-2's picture and words -> fusion -> LSTM over the window -> command.

The original concatenates 4096 + 2048 numbers; Kosmos-2 gives 1024 + 2048. All else is the hybrid's,
so that the two tell what CLIP is worth.
"""

from __future__ import annotations

from functools import partial

from policies.hybrid import FusionLstm
from policies.learned import Learned

PARTS = ("kosmos_vision", "kosmos_text")


class KosmosLstm(Learned):
    """`--policy kosmos_lstm`."""

    model, head_class = "kosmos_lstm", partial(FusionLstm, parts=PARTS)
