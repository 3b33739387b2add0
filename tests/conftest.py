"""For all tests: the camera is compiled before the first, not within one that counts seconds."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _compiled():
    from envs.raycast.camera import compile_all

    compile_all()
