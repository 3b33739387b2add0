"""The cup in a picture: found to a fraction of a pixel, or not at all."""

import numpy as np
import pytest

from eval.sim2real.target import find_target

RED, GREY, CARDBOARD = (200, 20, 20), (150, 150, 150), (184, 135, 84)
HEIGHT, WIDTH = 90, 160


def picture(*things, background=GREY):
    """Rectangles (left, top, right, base in pixels, colour), drawn ten times finer and averaged."""
    fine = np.full((10 * HEIGHT, 10 * WIDTH, 3), background, np.float64)
    for left, top, right, base, colour in things:
        fine[round(10 * top):round(10 * base), round(10 * left):round(10 * right)] = colour
    return fine.reshape(HEIGHT, 10, WIDTH, 10, 3).mean(axis=(1, 3)).round().astype(np.uint8)


def test_edges_are_found_between_pixels():
    found = find_target(picture((70.3, 40.6, 82.1, 58.2, RED)))
    assert found.centre == pytest.approx((76.2 - 80) / 80, abs=0.001)
    assert found.top == pytest.approx((40.6 - 45) / 45, abs=0.002)
    assert found.base == pytest.approx((58.2 - 45) / 45, abs=0.002)
    assert found.width == pytest.approx(11.8 / 80, abs=0.002)


def test_a_dark_picture_shows_it_too():
    bright, dark = (find_target((share * picture((70.3, 40.6, 82.1, 58.2, RED))).astype(np.uint8))
                    for share in (1.0, 0.5))
    assert dark == pytest.approx(bright, abs=0.003)


@pytest.mark.parametrize("things", [
    (), ((60, 30, 100, 70, CARDBOARD),), ((-1, 40, 12, 60, RED),), ((70, 80, 82, 90, RED),),
    ((40, 40, 52, 58, RED), (90, 40, 100, 58, RED)), ((70, 40, 72, 42, RED),),
], ids=["nothing", "a box", "cut off at the side", "cut off below", "two", "too small"])
def test_what_is_not_sure_is_no_sighting(things):
    shown = [(max(0, left), top, right, base, colour) for left, top, right, base, colour in things]
    assert find_target(picture(*shown)) is None
