"""The fast camera against rays traced one by one: random bodies, views and lamps."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envs.camera import View
from tests.envs.studio import BODY, SKY, Studio, box, cylinder, sphere, turned, view
from tests.envs.tracer import trace

SIZE = (90, 160)
FINE = 4  # rays a pixel, along either axis, where anti-aliasing is judged


def place(rng: np.random.Generator) -> tuple[Studio, list, View]:
    """A room with one to eight bodies, none of which meets another's ball or holds the eye."""
    studio = Studio(x_m=(-4, 4), y_m=(-4, 4), wall=(.5, .6, .7), sky=(.2, .2, .9),
                    toward=(*rng.uniform(-1, 1, 2), rng.uniform(.3, 1)), ambient=.3, diffuse=.7)
    bodies, balls = [], []
    for _ in range(rng.integers(1, 9)):
        for _ in range(100):
            body = any_body(rng)
            ball = np.array([*body.position, np.linalg.norm(body.size) / 2])
            if all(apart(ball, other) > 0 for other in balls):
                bodies.append(body)
                balls.append(ball)
                break
    while True:
        eye = rng.uniform((-3.5, -3.5, .1), (3.5, 3.5, 2.5))
        if all(apart(np.array([*eye, .05]), ball) > 0 for ball in balls):
            return studio, bodies, view(eye, rng.uniform((-3, -3, 0), (3, 3, 1)))


def any_body(rng):
    kind, size, rgb = rng.integers(3), rng.uniform(.1, 1, 3), tuple(rng.uniform(.2, 1, 3))
    rotation = turned(*rng.uniform(-3, 3, 3)) if rng.random() < .5 else turned(rng.uniform(-3, 3))
    position = (*rng.uniform(-3, 3, 2), rng.uniform(1, 2))
    if kind == 0:
        return box(position, tuple(size), rotation, rgb=rgb)
    if kind == 1:
        return cylinder(position, size[0], size[2], rotation, rgb=rgb)
    return sphere(position, size[0], rgb=rgb)


def apart(one, other):
    return np.linalg.norm(one[:3] - other[:3]) - one[3] - other[3]


def near_an_edge(ids: np.ndarray) -> np.ndarray:
    """Pixels with another identity within one pixel, and the picture's frame."""
    near = np.ones(ids.shape, bool)
    near[1:-1, 1:-1] = False
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            near |= np.roll(ids, (row, column), (0, 1)) != ids
    return near


@pytest.mark.parametrize("seed", range(40))
def test_what_stands_where_and_how_far_is_what_single_rays_find(seed):
    studio, bodies, seen = place(np.random.default_rng(seed))
    shot, truth = studio.shoot(bodies, seen, SIZE), trace(studio, bodies, seen, SIZE)
    sure = ~near_an_edge(truth.ids)
    assert ((shot.ids != truth.ids) & sure).sum() <= 1  # the rim of a cylinder has 32 corners
    same = sure & (shot.ids == truth.ids) & (truth.ids != SKY)
    off = np.abs(shot.depth[same] / truth.depth[same] - 1)
    assert np.quantile(off, 0.99) < 1e-6
    assert off.max() < 0.02
    assert np.isinf(shot.depth[shot.ids == SKY]).all()


@pytest.mark.parametrize("seed", range(40, 60))
def test_light_shadows_and_edges_are_the_mean_of_sixteen_rays_a_pixel(seed):
    studio, bodies, seen = place(np.random.default_rng(seed))
    shot = studio.shoot(bodies, seen, SIZE)
    fine = trace(studio, bodies, seen, (FINE * SIZE[0], FINE * SIZE[1])).rgb
    truth = fine.reshape(SIZE[0], FINE, SIZE[1], FINE, 3).mean(axis=(1, 3))
    off = np.abs(shot.rgb - truth).max(axis=2)
    assert off.mean() < 0.7  # grey levels of 255; a picture has some 1,500 pixels on edges
    assert (off > 40).sum() <= 50  # of 14,400: corners, and rims of near cylinders


finite = {"allow_nan": False, "allow_infinity": False}
places = st.tuples(*[st.floats(-4, 4, **finite)] * 3)
angles = st.tuples(*[st.floats(-3.2, 3.2, **finite)] * 3)
edges = st.tuples(*[st.floats(1e-3, 3, **finite)] * 3)
anything = st.one_of(
    st.builds(lambda p, s, a: box(p, s, turned(*a)), places, edges, angles),
    st.builds(lambda p, s, a: cylinder(p, s[0], s[1], turned(*a)), places, edges, angles),
    st.builds(lambda p, s: sphere(p, s[0]), places, edges))


SEAMS_BEYOND_A_HORIZON = [((2.5, 4, 4), (1, 3)), ((2.5, 0, 4), (3, 1))]  # eye, tangents


@settings(max_examples=300, deadline=None, derandomize=True)
@example([], SEAMS_BEYOND_A_HORIZON[0][0], (0, 0, 0), SEAMS_BEYOND_A_HORIZON[0][1], (0, 0, 0), 0)
@example([], SEAMS_BEYOND_A_HORIZON[1][0], (0, 0, 0), SEAMS_BEYOND_A_HORIZON[1][1], (0, 0, 0), 0)
@given(bodies=st.lists(anything, max_size=10), eye=places, target=places,
       tangents=st.tuples(*[st.floats(0.05, 3)] * 2), lamp=places, ambient=st.floats(0, 2))
def test_no_scene_and_no_view_breaks_it(bodies, eye, target, tangents, lamp, ambient):
    """Bodies in one another, through floor and walls, round the eye; the eye outside the room."""
    if np.hypot(*np.subtract(eye, target)[:2]) < 1e-3:
        target = (eye[0] + 1, *target[1:])
    studio = Studio(x_m=(-2, 3), y_m=(-2, 2), toward=(*lamp[:2], abs(lamp[2]) + 0.1),
                    ambient=ambient, sky=(.3, .3, .3), wall=(.5, .5, .5))
    shot = studio.shoot(bodies, view(eye, target, tangents), (24, 40))
    assert shot.ids.min() >= SKY
    assert shot.ids.max() < BODY + len(bodies)
    assert not np.isnan(shot.depth).any()
    assert np.isfinite(shot.depth[shot.ids != SKY]).all()
    assert (shot.depth > 0).all()


@pytest.mark.parametrize("body", [box((0, 0, 1), (1, 1, 1)), cylinder((0, 0, 1), 1, 1),
                                  sphere((0, 0, 1), 1)])
@pytest.mark.parametrize("eye", [(0, 0, 1), (0.499, 0, 1), (0.5, 0, 1), (0.501, 0, 1),
                                 (0, 0, 1.5), (0.3, 0.2, 1.5000001)])
def test_an_eye_inside_a_body_or_on_its_skin_sees_finite_depths(body, eye):
    shot = Studio().shoot([body], view(eye, (3, 0.1, 1)), (24, 40))
    assert np.isfinite(shot.depth[shot.ids != SKY]).all()
    assert shot.ids.max() <= BODY
