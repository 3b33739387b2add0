"""Writing videos comes to an end, however often: an encoder that hangs cannot be stopped."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 40  # with as many threads as the encoder likes, one of the first ten hung
MOST_S = 600.0
WRITING = """
import sys, tempfile
from pathlib import Path
import numpy as np
from episodes.lerobot_layout import Limits
from episodes.lerobot_video import Videos
pictures = np.random.default_rng(0).integers(0, 256, (12, 256, 256, 3), np.uint8)
for _ in range(int(sys.argv[1])):
    with tempfile.TemporaryDirectory() as folder:
        videos = Videos(Path(folder), 3, (256, 256), Limits(2, 1, 1))
        for _ in range(10):
            videos.add(pictures)
        videos.close()
"""


@pytest.mark.slow
def test_no_file_of_many_is_waited_for_without_end():
    subprocess.run([sys.executable, "-c", WRITING, str(ROUNDS)], cwd=ROOT, check=True,
                   timeout=MOST_S)
