"""What tests of several formats begin with."""

import pytest


@pytest.fixture
def source(tmp_path):
    """An empty folder to be converted."""
    folder = tmp_path / "in"
    folder.mkdir()
    return folder
