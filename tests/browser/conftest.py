"""Pages in a real Chromium without a screen: `tox -e browser`."""

import os
import shutil

import pytest

from tests.browser.windows import Window

NAMES = ("chromium", "chromium-browser", "google-chrome")
ABSENT = ("No Chromium was found: `apt-get install -y chromium` installs Debian's, or name one in "
          "the environment variable CHROMIUM.")
PATIENCE_MS = 60_000  # the machine may be busy


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, or the one named in CHROMIUM; nothing is downloaded."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.exit(ABSENT, returncode=2)
    with sync_playwright() as playwright:
        # Neither the sandbox nor /dev/shm is there for root in a container.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium):
    """Opens an address in a window; what a page complains about fails the test.

    `window(address, width=1280, height=800)` returns Playwright's `Page`.
    """
    opened = []

    def open_(address, width=1280, height=800):
        opened.append(Window(chromium, width, height, PATIENCE_MS))
        opened[-1].page.goto(address)
        return opened[-1].page

    yield open_
    complaints = [each for found in opened for each in found.complaints]
    for found in opened:
        found.close()
    assert complaints == []
