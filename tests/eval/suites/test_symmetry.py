import math

import numpy as np
import pytest

from eval.suite import suite
from eval.suites.symmetry import angles

SCENARIO = "1box_vert_left"


def test_directions_are_compared_and_standing_differs_from_moving():
    asked = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0], [-1, 0.01, 0], [1, 0, 0]], float)
    image = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0.05, 0], [-1, -0.01, 0],
                      [np.nan] * 3])
    found = angles(asked, image, dead_band=0.1)
    assert found[:5] == pytest.approx([0.0, math.pi / 4, math.pi, 0.0, 0.02], abs=1e-4)
    assert np.isnan(found[5])


@pytest.mark.parametrize(("policy", "share"), [("Listens", 0.0), ("Deaf", None)])
def test_who_has_a_favourite_side_is_found(policy, share, tmp_path):
    found = suite("symmetry", policy=f"tests.eval.suites.walkers:{policy}", scenario=SCENARIO,
                  episodes=2, workers=0, out=str(tmp_path))
    result = found.content["result"]
    if share is not None:
        assert (result["share"]["mean"], result["violations"]) == (share, [])
        return
    first = result["violations"][0]  # it goes left, its mirror image right
    assert (first["decision"], first["said"], first["image_said"]) == (
        0, [0.0, pytest.approx(1.15), 0.0], [0.0, pytest.approx(-1.15), 0.0])
    assert first["apart_rad"] == pytest.approx(math.pi, abs=1e-3)
    report = (found.folder / "report.md").read_text()
    assert "| 1box_vert_left_000 | 0 | 180 | +0.00, +1.15, +0.00 | +0.00, -1.15, +0.00 |" in report


def test_a_mirror_image_that_cannot_be_asked_is_said_to_be_none(tmp_path):
    found = suite("symmetry", policy="tests.eval.suites.walkers:LeftHanded", scenario=SCENARIO,
                  episodes=1, workers=0, out=str(tmp_path))
    assert any("could not be asked: every episode ended" in said for said in found.said)
    assert "- differ" not in (found.folder / "report.md").read_text()
