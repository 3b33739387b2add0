"""Cameras by name: what they take in, how far things are, the same bits whoever asks."""

import hashlib
import math
import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import envs
import policies
import scenarios
from envs.camera import RENDERERS
from envs.profile import PROFILES
from episodes.rollout import Task, rollout
from tests.envs.worlds import beside, without_jitter

ROOT = Path(__file__).parent.parent.parent
SCRIPTED = ("expert", "expert_keys", "forward", "random", "core_replay", "stop")
SIZE = (180, 320)
TALL, WIDE = 9 / 16, 1.0  # tangents of half the field of view
HEIGHT_M, FAR_WALL_M = 0.20, 4.6


def seen_from(pose, size=SIZE, scenario=None, **options):
    """The look from a pose of the robot in a world without jitter, boxes out of the way."""
    env = envs.make(scenario or beside("1box_vert_left", 1.9), image_size=size, **options)
    env.reset(seed=0, options={"bias": "center", "distance": "medium"})
    look = env.unwrapped.look_from(pose)
    env.close()
    return look


def foot_row(distance_m, height_m=HEIGHT_M, tilt_rad=0.0, tall=TALL):
    """The row at which a point of the floor straight ahead is seen."""
    down = math.tan(math.atan2(height_m, distance_m) - tilt_rad)
    return SIZE[0] / 2 * (1 + down / tall) - 0.5


def lens_profile(folder, **values):
    """The path of a profile that is nominal but for its lens."""
    text = (PROFILES / "nominal.toml").read_text(encoding="utf-8").replace('"nominal"', '"own"')
    for key, value in values.items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert found == 1
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return str(folder / "own.toml")


@pytest.mark.parametrize("x_m", [-0.5, 0.0, 1.0, 2.0])
def test_the_wall_straight_ahead_is_as_far_as_it_stands(x_m):
    look = seen_from((x_m, 0.3, 0.0))
    wall = look.ids == look.names["wall_0"]
    np.testing.assert_allclose(look.depth_m[wall], FAR_WALL_M - x_m, rtol=1e-6)
    column = np.flatnonzero(look.ids[:, 160] == look.names["floor"])
    assert column.min() == pytest.approx(foot_row(FAR_WALL_M - x_m), abs=1)


@pytest.mark.parametrize("distance_m", [0.3, 0.5, 1.0])
def test_a_boxs_face_is_as_far_and_as_large_as_it_is(distance_m):
    """1box_vert: the box's middle at 1.25 m, 0.40 m long: its face at 1.05 m."""
    look = seen_from((1.05 - distance_m, 0.0, 0.0), scenario=without_jitter("1box_vert_left"))
    box = look.ids == look.names["box_0"]
    np.testing.assert_allclose(look.depth_m[box], distance_m, rtol=1e-5)
    wide, high = (np.flatnonzero(box.any(axis=axis)) for axis in (0, 1))
    pixels = SIZE[1] / 2 / WIDE / distance_m  # a metre
    assert len(wide) == pytest.approx(0.25 * pixels, abs=1)
    bottom = foot_row(distance_m)
    assert high.max() == pytest.approx(min(SIZE[0] - 1, bottom), abs=1)
    assert high.min() == pytest.approx(max(0, bottom - 0.30 * pixels), abs=1)


@pytest.mark.parametrize("distance_m", [0.3, 0.5, 1.0])
def test_the_cups_nearest_point_is_its_radius_before_its_middle(distance_m):
    look = seen_from((2.5 - distance_m, 0.0, 0.0), size=(181, 321))
    column = look.depth_m[:, 160][look.ids[:, 160] == look.names["cup"]]
    assert column.min() == pytest.approx(distance_m - 0.045, abs=1e-5)


def test_depth_is_along_the_optical_axis_and_infinite_in_the_sky():
    look = seen_from((0.0, 0.0, 0.0))
    floor = look.ids == look.names["floor"]
    rows = np.flatnonzero(floor[:, 160])
    down = ((rows + 0.5) / SIZE[0] * 2 - 1) * TALL
    np.testing.assert_allclose(look.depth_m[rows, 160], HEIGHT_M / down, rtol=1e-5)
    np.testing.assert_array_equal(look.depth_m[rows, 3], look.depth_m[rows, 160])
    assert np.isinf(look.depth_m[look.ids < 0]).all()
    assert np.isfinite(look.depth_m[look.ids >= 0]).all()


@pytest.mark.parametrize(("lens", "where"), [
    ({"tilt_offset_rad": 0.1}, {"tilt_rad": 0.1}),
    ({"tilt_offset_rad": -0.07}, {"tilt_rad": -0.07}),
    ({"height_offset_m": 0.15}, {"height_m": 0.35}),
    ({"height_offset_m": -0.1}, {"height_m": 0.1}),
    ({"fov_scale": 0.8}, {"tall": TALL * math.tan(0.4 * math.pi / 2)}),
    ({"fov_scale": 1.1}, {"tall": TALL * math.tan(0.55 * math.pi / 2)}),
])
def test_a_lens_moves_the_foot_of_the_wall_by_the_rows_that_are_computed(tmp_path, lens, where):
    look = seen_from((0.0, 0.3, 0.0), appearance=lens_profile(tmp_path, **lens))
    column = np.flatnonzero(look.ids[:, 160] == look.names["floor"])
    assert column.min() == pytest.approx(foot_row(FAR_WALL_M, **where), abs=1)


def test_a_users_own_picture_covers_the_walls(tmp_path):
    Image.new("RGB", (64, 64), (20, 240, 20)).save(tmp_path / "green.png")
    text = (PROFILES / "nominal.toml").read_text(encoding="utf-8").replace('"nominal"', '"own"')
    before, after = text.split("[wall]")
    (tmp_path / "own.toml").write_text(
        before + "[wall]" + after.replace('["none"]', '["green.png"]', 1), encoding="utf-8")
    look = seen_from((0.0, 0.0, 0.0), appearance=str(tmp_path / "own.toml"))
    red, green, blue = look.rgb[look.ids == look.names["wall_0"]].mean(axis=0)
    assert green > 5 * max(red, blue)


def test_distractors_have_identities_too():
    look = seen_from((0.0, 0.0, 0.0), appearance="randomised")
    assert {name for name in look.names if name.startswith("distractor")} <= set(look.names)
    assert len(set(look.names.values())) == len(look.names)
    assert set(np.unique(look.ids)) <= {-1, *look.names.values()}


def test_an_unknown_renderer_is_refused_with_a_hint():
    with pytest.raises(ValueError, match=r"Unknown renderer 'fats'\. Did you mean 'fast'\? "
                                         r"Expected one of fast, tiny\.$"):
        envs.make(scenarios.load("1box_vert_left"), renderer="fats")


def test_the_reference_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match=r"tiny draws only the appearance nominal, got "
                                         r"'randomised'; use the renderer fast\.$"):
        envs.make(scenarios.load("1box_vert_left"), renderer="tiny", appearance="randomised")


def test_a_world_says_which_camera_in_which_version_drew_its_pictures():
    for name in RENDERERS:
        env = envs.make(scenarios.load("1box_vert_left"), renderer=name)
        assert re.fullmatch(rf"{name}-\d+", env.unwrapped.renderer)
        env.close()


def digests(seeds: Sequence[int], name: str = "2box_hori_left") -> dict[int, str]:
    """A hash of the pictures of each seed's first decisions, in the order given, in one world."""
    env = envs.make(scenarios.load(name), image_size=(60, 100), appearance="randomised")
    found = {}
    for seed in seeds:
        pictures = [env.reset(seed=seed)[0]["rgb"].tobytes()]
        for command in ((1.15, 0.8, 0), (0, 0, 1.15), (1.15, 0, 0)):
            pictures.append(env.step(np.array(command, np.float32))[0]["rgb"].tobytes())
        found[seed] = hashlib.sha256(b"".join(pictures)).hexdigest()
    env.close()
    return found


SEEDS = list(range(12))


def test_one_seed_has_one_picture_in_any_order_of_episodes():
    forth, back = digests(SEEDS), digests(SEEDS[::-1])
    assert forth == back
    assert len(set(forth.values())) == len(SEEDS)


def test_one_seed_has_one_picture_in_every_process():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        halves = list(pool.map(digests, (SEEDS[6:], SEEDS[:6])))
    assert halves[1] | halves[0] == digests(SEEDS)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_one_seed_has_one_picture_with_any_number_of_threads(threads):
    code = ("import sys; from tests.envs.test_camera import digests; "
            "print(digests([3, 1])[1])")
    environment = os.environ | {"NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == digests([1])[1]


def test_worlds_in_threads_of_one_process_draw_the_same_pictures():
    """Kernels let go of the GIL, so pictures are drawn at the same time."""
    worlds = [envs.make(scenarios.load(name), image_size=(60, 100), appearance="randomised")
              for name in scenarios.names()[:4]]
    views = [[(x, y, yaw) for x in (-0.4, 0.3) for y in (-0.9, 0.8) for yaw in (0.0, 1.0, 2.5)]
             for _ in worlds]
    for number, env in enumerate(worlds):
        env.reset(seed=number)

    def shown(number):
        env = worlds[number].unwrapped
        env._looks = 0  # the sensor's noise counts looks
        return [env.look_from(pose).rgb.tobytes() for pose in views[number]]

    alone = [shown(number) for number in range(len(worlds))]
    with ThreadPoolExecutor(len(worlds)) as pool:
        for _ in range(5):
            assert list(pool.map(shown, range(len(worlds)))) == alone
    for env in worlds:
        env.close()


def endings(policy: str, name: str, renderer: str, seeds: Sequence[int]) -> list[tuple]:
    """How scripted episodes end and on which path, whatever the pictures show."""
    world = envs.make(scenarios.load(name), image_size=(8, 8), renderer=renderer)
    brain, words = policies.make(policy), scenarios.load(name).instructions.english
    records = [rollout(world, brain, Task(seed, words)) for seed in seeds]
    world.close()
    return [(record.ended_by, record.decisions, record.path.tobytes()) for record in records]


@pytest.mark.parametrize("policy", SCRIPTED)
def test_a_scripted_policy_ends_the_same_way_before_both_cameras(policy):
    assert (endings(policy, "2box_hori_left", "fast", range(3))
            == endings(policy, "2box_hori_left", "tiny", range(3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
@pytest.mark.parametrize("policy", SCRIPTED)
def test_fifty_episodes_of_a_scripted_policy_end_the_same_way_before_both_cameras(policy, name):
    assert (endings(policy, name, "fast", range(50)) == endings(policy, name, "tiny", range(50)))
