"""The operator's page over a simulated robot, as an operator uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from episodes.hdf5 import read_episode
from tests.browser.windows import Window, overflow_px

ROOT = Path(__file__).parent.parent.parent
WORDS = "Take the outermost left path to the cup"
SOON_MS, DRIVE_MS = 60_000, 180_000  # the machine may be busy


class Robot:
    """`python -m hardware.run --web` with a simulated robot of its own."""

    def __init__(self, folder):
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hardware.run", "--policy", "hybrid", "--scenario",
             "1box_vert_left", "--web", "--port", "0", "--record", folder, "--frames", "all"],
            cwd=ROOT,
            stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.address = self._process.stdout.readline().split()[-1]

    def end(self):
        """Ctrl-C; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(60)


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    found = Robot(tmp_path_factory.mktemp("drives"))
    yield found
    found.end()


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    expect.set_options(timeout=SOON_MS)
    return expect


@pytest.fixture
def page(window, robot):
    found = window(robot.address)
    ready(found)
    return found


def ready(page):
    page.wait_for_selector("body[data-phase=ready]", timeout=SOON_MS)


def drives(page, expect):
    """Arm, and wait until the wheels turn."""
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-phase=driving]")
    expect(page.locator("#speed")).not_to_have_text("0.00")


def stands(page, expect):
    expect(page.locator("#state")).to_have_text("disarmed, stands")
    expect(page.locator("#speed")).to_have_text("0.00")


def test_an_operator_types_arms_watches_it_reach_the_cup_and_judges(page, robot, expect):
    page.fill("#instruction", WORDS)
    page.click("#arm")
    page.wait_for_selector("body[data-phase=driving]")
    assert page.locator("#instruction").is_disabled()
    expect(page.locator("#said")).to_contain_text("Reached the cup", timeout=DRIVE_MS)
    stands(page, expect)
    expect(page.locator("#drives li")).to_have_count(1)
    expect(page.locator("#scenarios [aria-pressed=true] .count")).to_have_text("1/10")
    page.click("#drives .failure")
    expect(page.locator("#scenarios [aria-pressed=true] .count")).to_have_text("0/10")
    page.click("#drives .success")
    expect(page.locator("#scenarios [aria-pressed=true] .count")).to_have_text("1/10")
    (path,) = robot.folder.glob("episode_*_1box_vert_left_*.h5")
    kept = read_episode(path)
    assert kept.instruction == WORDS
    assert kept.source == "simulated"
    assert kept.images.shape[1:] == (360, 640, 3)  # as the camera gave them
    assert '"verdict": "success"' in (robot.folder / "drives.jsonl").read_text("utf-8")


def test_the_space_bar_stops_wherever_the_focus_is(page, expect):
    drives(page, expect)
    page.focus("#mode button")
    page.keyboard.press("Space")
    expect(page.locator("#said")).to_have_text("Stopped by the operator.")
    stands(page, expect)


def test_a_space_in_the_instruction_is_a_space_while_nothing_moves(page):
    page.fill("#instruction", "")
    page.locator("#instruction").press_sequentially("go to the cup")
    assert page.input_value("#instruction") == "go to the cup"


def test_escape_holds_until_it_is_released(page, expect):
    drives(page, expect)
    page.keyboard.press("Escape")
    expect(page.locator("#state")).to_have_text("emergency stop")
    page.wait_for_selector("body[data-phase=ready]")
    assert page.locator("#arm").is_disabled()
    page.click("#emergency")
    expect(page.locator("#state")).to_have_text("disarmed, stands")
    expect(page.locator("#arm")).to_be_enabled()


def test_keys_drive_as_long_as_they_are_held(page, expect):
    page.keyboard.press("m")
    expect(page.locator("#mode [data-mode=manual]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-phase=driving]")
    expect(page.locator("#speed")).to_have_text("0.00")  # the policy does not drive
    page.keyboard.down("w")
    page.keyboard.down("a")
    expect(page.locator("#keys .held")).to_have_text("Q")  # two keys are a diagonal
    expect(page.locator("#speed")).not_to_have_text("0.00")
    page.keyboard.up("w")
    page.keyboard.up("a")
    expect(page.locator("#speed")).to_have_text("0.00")
    expect(page.locator("#state")).to_contain_text("armed")
    page.keyboard.press("Space")
    stands(page, expect)
    page.keyboard.press("v")
    expect(page.locator("#mode [data-mode=vla]")).to_have_attribute("aria-pressed", "true")


def test_closing_the_page_that_drives_stops_the_robot(page, window, robot, expect):
    other = window(robot.address)
    ready(other)
    drives(page, expect)
    expect(other.locator("#arm")).to_contain_text("Another page drives")
    page.close()
    stands(other, expect)
    expect(other.locator("#said")).to_contain_text("lost its connection")


def test_another_scenario_and_cell_are_laid_out(page, expect):
    page.keyboard.press("7")
    expect(page.locator("#scenarios [aria-pressed=true] .name")).to_have_text("2box_hori_left")
    ready(page)
    page.click("[aria-label='core far']")
    expect(page.locator("[aria-label='core far']")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("1")
    expect(page.locator("#scenarios [aria-pressed=true] .name")).to_have_text("1box_vert_left")
    ready(page)


def test_on_a_telephone_nothing_is_cut_off_and_stop_is_in_sight(window, robot):
    page = window(robot.address, width=400, height=700)
    ready(page)
    assert overflow_px(page) == 0
    for at in ("0", "document.body.scrollHeight"):
        page.evaluate(f"() => window.scrollTo(0, {at})")
        box = page.locator("#stop").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 700
    assert box["height"] >= 44  # a thumb's
    smallest = page.evaluate("""() => Math.min(...[...document.querySelectorAll("button, p, span")]
        .filter(each => each.offsetParent && each.textContent.trim())
        .map(each => parseFloat(getComputedStyle(each).fontSize)))""")
    assert smallest >= 11


def test_a_page_whose_robot_is_gone_says_so(chromium, tmp_path):
    robot = Robot(tmp_path)
    window = Window(chromium)
    window.page.goto(robot.address)
    ready(window.page)
    assert robot.end() == 130
    window.page.wait_for_selector("#lost:not([hidden])")
    assert window.complaints == [] or "WebSocket" in " ".join(window.complaints)
    window.close()
