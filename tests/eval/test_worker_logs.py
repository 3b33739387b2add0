"""What a worker process logs stands in the run's log, at the level that was asked for."""

import logging
import re

import pytest

from eval.run import run
from tests.brains import AHEAD, Brain

logger = logging.getLogger("policies.of_a_test")


class Talker(Brain):
    """Says how it feels."""

    name, command = "talker", AHEAD

    def begin(self, instruction, seed):
        logger.debug("deep thoughts of %d", seed)
        logger.info("off we go with %d", seed)
        logger.warning("this may hurt")
        return super().begin(instruction, seed)


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("warning", 1)])
def test_a_worker_logs_to_the_runs_log_at_its_level(tmp_path, level, count):
    done = run(policy="tests.eval.test_worker_logs:Talker", scenario="1box_vert_left", episodes=2,
               videos=0, workers=1, log_level=level, out=str(tmp_path))
    lines = [line.partition(" policies.of_a_test: ")[2]
             for line in (done.folder / "run.log").read_text().splitlines()
             if "policies.of_a_test" in line]
    said = [re.sub(r"worker \d+: (.*?)( (with|of) .*)?$", r"\1", line) for line in lines]
    first = ["deep thoughts", "off we go", "this may hurt"][-count:]
    assert said == first * 2  # both episodes, each in its order; the rehearsal was before the run
