"""The page on the models counts right, and leaves no model of the comparison out."""

import re

import pytest

import policies
from policies.sizes import FULL, MINI
from tests.docs.pages import ROOT
from tests.policies.heads import parameters

ROW = re.compile(r"^\| `(\w+)` \|.*?(?:\| ([\d,]+) \| ([\d,]+) \|)?$", re.MULTILINE)
ROWS = {name: (mini, full) for page in ("heads", "models")
        for name, mini, full in ROW.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8"))}


@pytest.mark.parametrize("name", [name for name, counts in ROWS.items() if all(counts)])
def test_a_models_parameters_are_as_many_as_the_page_says(name):
    assert ROWS[name] == tuple(f"{parameters(name, size):,}" for size in (MINI, FULL))


@pytest.mark.parametrize("name", policies.COMPARED)
def test_every_model_of_the_comparison_has_a_row(name):
    assert name in ROWS
