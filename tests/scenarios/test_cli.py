import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = """
from dataclasses import dataclass
from scenarios.cli import LogLevel, run_command

@dataclass(frozen=True)
class Config:
    '''Do one thing.'''
    what: str = "nothing"
    '''What to do.'''
    log_level: LogLevel = "info"
    '''How much is logged.'''

def bad():
    raise ValueError("a bug in the work")

def main(config):
    if config.what == "wrong":
        raise ValueError("what must be right, got 'wrong'.")
    if config.what == "refused":
        open("/nowhere/at/all")
    if config.what == "interrupted":
        raise KeyboardInterrupt
    if config.what == "bug":
        return bad
    print("did", config.what)

run_command(Config, main)
"""


def call(*words):
    return subprocess.run([sys.executable, "-c", COMMAND, *words], cwd=ROOT, capture_output=True,
                          text=True)


@pytest.mark.parametrize(("words", "code", "said"), [
    ((), 0, ""),
    (("--what", "wrong"), 2, "error: what must be right, got 'wrong'.\n"),
    (("--what", "refused"), 2, "error: /nowhere/at/all: No such file or directory; choose another "
                               "place, or mend this.\n"),
    (("--what", "interrupted"), 130, "Interrupted.\n")])
def test_a_command_ends_with_its_code_and_one_sentence(words, code, said):
    done = call(*words)
    assert (done.returncode, done.stderr) == (code, said)


def test_an_unknown_option_is_refused_with_what_is_near():
    done = call("--wat", "x")
    assert done.returncode == 2
    assert "--what" in done.stderr


def test_a_value_error_of_the_work_is_a_bug_with_its_traceback():
    done = call("--what", "bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "a bug in the work" in done.stderr


def test_debug_shows_where_a_wrong_input_was_found():
    done = call("--what", "wrong", "--log-level", "debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
