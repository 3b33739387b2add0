"""For all tests: what must be so before the first."""

import signal

import pytest

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that;
# tests that send it expect what a user at a terminal sees.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _compiled():
    """The camera is compiled before the first test, not within one that counts seconds."""
    from envs.raycast.camera import compile_all

    compile_all()
