"""Appearance as data: an episode's look, drawn from a profile by the episode's seed.

`draw(load_profile("randomised"), scenario, rng)` gives an `Appearance`. Needs numpy alone.
"""

from __future__ import annotations

import colorsys
import functools
import math

import numpy as np

from envs.look import NO_TEXTURE, Appearance, Distractor, Lens, Light, Surface, texture_path
from envs.places import Circle, check_places, free_place, reach, strips
from envs.profile import (
    SCENARIO,
    ColourRange,
    DistractorRange,
    LensRange,
    LightRange,
    Profile,
    SurfaceRange,
    load_profile,
    profile_names,
)
from scenarios import Scenario

__all__ = ["Appearance", "Distractor", "Lens", "Light", "Profile", "Surface", "check_places",
           "draw", "load_profile", "profile_names", "texture_path"]

RGB = tuple[float, float, float]
PARTS = ("floor", "wall", "box", "cup", "sky", "light", "lens", "distractors",
         "share")  # new ones last


def draw(profile: Profile, scenario: Scenario, rng: np.random.Generator) -> Appearance:
    """One episode's look; the same generator and profile give the same look, bit for bit.

    Every part draws from a child of `rng` of its own, so that changing one part of a profile, or
    the number of distractors, moves no other draw. The stream of `rng` itself is not advanced:
    layouts do not depend on the appearance.

    Raises:
        ValueError: where the scenario leaves no place for the profile's distractors, whatever
            this episode would draw.
    """
    check_places(profile, scenario)
    chance = dict(zip(PARTS, rng.spawn(len(PARTS))))
    if chance["share"].random() < profile.nominal_share:
        return draw(_nominal(), scenario, rng)
    return Appearance(
        profile=profile.name,
        floor=_surface(profile.floor, SCENARIO, chance["floor"]),
        wall=_surface(profile.wall, scenario.room.wall_rgb, chance["wall"]),
        box=_surface(profile.box, scenario.boxes.rgb, chance["box"]),
        cup=_surface(profile.cup, scenario.cup.rgb, chance["cup"]),
        sky_rgb=_colour(profile.sky, SCENARIO, chance["sky"]),
        light=_light(profile.light, chance["light"]),
        lens=_lens(profile.lens, chance["lens"]),
        distractors=_distractors(profile.distractors, scenario, chance["distractors"]),
    )


@functools.cache
def _nominal() -> Profile:
    return load_profile("nominal")


def _colour(colour: ColourRange, own: tuple[float, ...], rng: np.random.Generator) -> RGB:
    """A colour around the range's, or around the scenario's `own`."""
    red, green, blue = colour.rgb if colour.rgb != SCENARIO else own
    turn, saturate, brighten = (rng.uniform(*colour.hue), rng.uniform(*colour.saturation),
                                rng.uniform(*colour.value))
    if (turn, saturate, brighten) == (0.0, 1.0, 1.0):  # as it is, without rounding
        return (red, green, blue)
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    return colorsys.hsv_to_rgb((hue + turn) % 1.0, min(1.0, saturation * saturate),
                               min(1.0, value * brighten))


def _surface(surface: SurfaceRange, own: tuple[float, ...], rng: np.random.Generator) -> Surface:
    rgb = _colour(surface.colour, own, rng)
    texture = surface.textures[int(rng.integers(len(surface.textures)))]
    return Surface(rgb, None if texture == NO_TEXTURE else texture, rng.uniform(*surface.texture_m))


def _light(light: LightRange, rng: np.random.Generator) -> Light:
    azimuth, elevation = rng.uniform(*light.azimuth_rad), rng.uniform(*light.elevation_rad)
    flat = math.cos(elevation)
    direction = (flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation))
    ambient, diffuse = rng.uniform(*light.ambient), rng.uniform(*light.diffuse)
    warmth = rng.uniform(*light.warmth)
    return Light(direction, ambient, diffuse, (1.0 + warmth, 1.0, 1.0 - warmth))


def _lens(lens: LensRange, rng: np.random.Generator) -> Lens:
    return Lens(
        height_offset_m=rng.uniform(*lens.height_offset_m),
        tilt_offset_rad=rng.uniform(*lens.tilt_offset_rad),
        fov_scale=rng.uniform(*lens.fov_scale),
        exposure=rng.uniform(*lens.exposure),
        blur_px=rng.uniform(*lens.blur_px),
        noise=rng.uniform(*lens.noise),
    )


def _distractors(distractors: DistractorRange, scenario: Scenario,
                 rng: np.random.Generator) -> tuple[Distractor, ...]:
    """Things between the bounds and the walls, each drawn on its own, none inside another."""
    count = int(rng.integers(distractors.count[0], distractors.count[1], endpoint=True))
    things: list[Distractor] = []
    placed: list[Circle] = []
    for child in rng.spawn(count):
        thing = _distractor(distractors, scenario, placed, child)
        things.append(thing)
        placed.append((*thing.position[:2], reach(thing.shape, thing.size_m)))
    return tuple(things)


def _distractor(distractors: DistractorRange, scenario: Scenario, placed: list[Circle],
                rng: np.random.Generator) -> Distractor:
    shape = distractors.shapes[int(rng.integers(len(distractors.shapes)))]
    length, width = rng.uniform(*distractors.width_m), rng.uniform(*distractors.width_m)
    height = rng.uniform(*distractors.height_m)
    size = {"box": (length, width, height), "cylinder": (length, length, height),
            "sphere": (length, length, length)}[shape]
    yaw = rng.uniform(-math.pi, math.pi)
    surface = _surface(distractors.surface, scenario.cup.rgb, rng)
    reach_m = reach(shape, size)
    place = free_place(reach_m, strips(reach_m, scenario), placed, rng)
    if place is None:
        raise ValueError(f"{scenario.name}: no free place for distractor {len(placed) + 1}. Make "
                         "their count or width_m smaller.")
    return Distractor(shape, (*place, size[2] / 2), yaw, size, surface)
