"""report.html in a real browser: it filters, shows an episode alone, plays its film."""

import pytest

from eval.report import report
from eval.run import run
from tests.browser.windows import overflow_px
from tests.eval.test_report_page import diagnosed, stored

SCENARIO = {"scenario": "1box_vert_left", "episodes": 3}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Two runs beside each other: one always wins, one always touches the box."""
    out = tmp_path_factory.mktemp("runs")
    folders = [run(policy=policy, videos=1, workers=0, out=str(out), **SCENARIO).folder
               for policy in ("forward", "expert")]
    return report(*folders).as_uri()


def rows(page):
    return page.locator("tr.episode:visible")


def test_it_says_who_is_better_and_shows_rates_with_intervals(window, page_file):
    page = window(page_file)
    assert page.locator(".verdict").inner_text().startswith("underpowered: B (expert) minus A ")
    assert page.locator(".track b").count() == 2
    assert rows(page).count() == 6


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(window, page_file, width):
    page = window(page_file, width=width)
    rows(page).first.click()
    assert overflow_px(page) == 0
    assert float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")) >= 14


def test_filters_leave_what_they_say(window, page_file):
    page = window(page_file)
    page.select_option("#outcome", "contact")
    assert rows(page).count() == 3
    assert page.locator("#count").inner_text() == "3 of 6 episodes"
    assert page.locator("figure.episode:visible").count() == 1  # the other film is no contact
    page.select_option("#end", "goal")
    assert rows(page).count() == 0
    page.select_option("#outcome", "")
    assert rows(page).count() == 3
    page.select_option("#end", "")
    page.select_option("#pair", "same")
    assert rows(page).count() == 0
    page.select_option("#pair", "differ")
    assert rows(page).count() == 6


def test_a_chosen_episode_is_shown_of_both_runs_and_another_click_shows_all(window, page_file):
    page = window(page_file)
    rows(page).nth(1).click()
    panel = page.locator("#chosen")
    assert panel.locator("h3").inner_text() == "1box_vert_left_001"
    assert panel.locator("svg.map .way").count() == 2
    assert panel.locator("svg.trace:visible").count() == 4  # commands and latency of both
    assert page.locator("g.episode.chosen").count() == 2
    page.click("#close")
    assert not panel.is_visible()
    assert page.locator("g.episode.chosen").count() == 0


def test_an_episode_can_be_chosen_by_keyboard(window, page_file):
    page = window(page_file)
    rows(page).first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#chosen").is_visible()


def test_causes_are_bars_and_a_filter(window, tmp_path):
    run = stored(tmp_path)
    diagnosed(run)
    page = window(report(run.folder).as_uri())
    bars = page.locator("[data-what=causes] .stack")
    widths = [bar.locator("span").evaluate_all("all => all.map(it => it.offsetWidth)")
              for bar in bars.all()]
    assert len(widths) == 2
    assert sum(widths[0]) == pytest.approx(2 * sum(widths[1]), abs=4)  # two failures, and one
    page.select_option("#cause", "language")
    assert rows(page).count() == 1
    assert "late turn: language" in rows(page).inner_text()


def test_a_film_plays(window, page_file):
    page = window(page_file)
    film = page.locator("video").first
    film.scroll_into_view_if_needed()
    film.evaluate("each => each.play()")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    assert film.evaluate("each => [each.videoWidth, each.videoHeight]") == [960, 540]
    assert film.evaluate("each => each.error") is None


def test_on_paper_there_is_nothing_to_click_and_nothing_is_cut_off(window, page_file):
    page = window(page_file)
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert page.locator("video:visible").count() == 0
    assert page.locator(".long").first.evaluate("it => it.scrollHeight - it.clientHeight") <= 1
