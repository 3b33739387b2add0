"""What a page shows works as it stands there."""

import re

import pytest

from tests.docs.pages import LANGUAGES, PAGES, blocks, clone, run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_runs_in_its_order(page, tmp_path):
    clone(tmp_path)
    for block in blocks(page):
        assert block.language in LANGUAGES, f"a block of {page.name} does not say its language"
        run(block, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_policy_of_ones_own_has_30_lines():
    page = next(page for page in PAGES if page.stem == "own_policy")
    policy = next(block for block in blocks(page) if block.title.endswith(".py"))
    assert len(policy.text.splitlines()) <= 30
