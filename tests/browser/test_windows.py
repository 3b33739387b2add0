"""What all tests of pages stand on: complaints are heard, and widths are measured."""

import pytest

from tests.browser.windows import Window, overflow_px


def saved(tmp_path, body):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body style='margin: 0'>{body}",
                    encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(("body", "complaint"), [
    ("<script>nobody()</script>", "nobody is not defined"),
    ("<script>console.error('as said')</script>", "as said"),
    ("<img src='absent.png'>", "absent.png"),
])
def test_what_a_page_complains_about_is_heard(chromium, tmp_path, body, complaint):
    found = Window(chromium)
    found.page.goto(saved(tmp_path, body))
    assert complaint in " ".join(found.complaints)
    found.close()


@pytest.mark.parametrize(("width_px", "too_wide_px"), [(400, 0), (500, 100)])
def test_what_does_not_fit_into_a_window_is_measured(window, tmp_path, width_px, too_wide_px):
    page = window(saved(tmp_path, f"<p style='width: {width_px}px'>words"), width=400)
    assert page.inner_text("p") == "words"
    assert overflow_px(page) == too_wide_px
