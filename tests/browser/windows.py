"""A window of a browser, and what the page in it complains about."""


class Window:
    """One page with storage of its own; `complaints` are errors and warnings of its console."""

    def __init__(self, browser, width=1280, height=800, patience_ms=30_000):
        self._context = browser.new_context(viewport={"width": width, "height": height},
                                            reduced_motion="reduce")
        self._context.set_default_timeout(patience_ms)
        self.page = self._context.new_page()
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda asked: self.complaints.append(f"no {asked.url}"))
        self.page.on("console", self._said)

    def _said(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def close(self):
        self._context.close()


def overflow_px(page):
    """By how many pixels a page is wider than its window: 0 where nobody scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
