"""What may be said beside --resume: nothing that the run did not begin with."""

import subprocess
import sys
from pathlib import Path

import pytest

from eval.config import typed
from eval.run import run

SCENARIO = "1box_vert_left"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A run whose camera is not the default one."""
    return run(policy="forward", scenario=SCENARIO, episodes=1, renderer="tiny", workers=0,
               videos=0, out=tmp_path_factory.mktemp("runs")).folder


def test_a_default_that_is_said_beside_resume_is_no_silence(tiny):
    with pytest.raises(ValueError, match="began with --renderer tiny, got fast; leave the option"):
        run(resume=tiny, renderer="fast")
    assert run(resume=tiny, renderer="tiny", scenario=SCENARIO).episodes


@pytest.mark.parametrize(("arguments", "names"), [
    (["--resume", "runs/x"], {"resume"}),
    (["--renderer", "fast", "--seed", "0"], {"renderer", "seed"}),
    (["--renderer=fast", "--log_level=debug"], {"renderer", "log_level"}),
    (["--no-random-weights", "--instruction", "go to --seed"], {"random_weights", "instruction"}),
])
def test_a_command_line_tells_which_options_it_gives(arguments, names):
    assert typed(arguments) == names


def test_a_default_that_is_typed_beside_resume_is_no_silence_either(tiny):
    done = subprocess.run(
        [sys.executable, "-m", "eval.run", "--resume", str(tiny), "--renderer=fast"],
        capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "began with --renderer tiny, got fast" in done.stderr
