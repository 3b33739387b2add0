"""A named profile of appearances: for every quantity the range that an episode draws from.

In a TOML file a range is `[low, high]`, and a plain number is a range without width. In Python:
`replace(profile, name="dim", light=replace(profile.light, ambient=(0.2, 0.3)))`.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from envs.look import NO_TEXTURE, SHAPES, check_rgb, check_texture, texture_path
from scenarios import did_you_mean
from scenarios.shipped import shipped, shipped_or_own
from scenarios.strict import build, read_toml

PROFILES = Path(__file__).parent / "appearances"
Range = tuple[float, float]  # lowest, highest
SCENARIO = ()  # in place of an RGB: the scenario's own colour of that body
CUP_HUE = 0.05  # turns (18 degrees): a cup of another hue would be another task
CUP_LEAST = 0.3  # of the scenario's saturation and brightness: a grey or black cup has no colour
DISTRACTOR_HUE = 0.1  # turns (36 degrees) from the cup's hue: no distractor passes for the cup
MAX_DISTRACTORS = 16
MAX_FACTOR = 10.0  # of a saturation or a brightness


@dataclass(frozen=True)
class ColourRange:
    """A colour around `rgb`, or around the scenario's own: turned in hue, then scaled.

    Around pure red, `(1, 0, 0)`, hue, saturation and value are what they say.
    """

    rgb: tuple[float, ...]  # in a TOML file three numbers or "scenario"
    hue: Range  # turns, added
    saturation: Range  # factor; the product is cut off at 1
    value: Range  # factor on the brightness; the product is cut off at 1

    def __post_init__(self) -> None:
        """Refuse what is no colour."""
        if self.rgb != SCENARIO and len(self.rgb) != 3:
            raise ValueError(f"rgb must be 'scenario' or three numbers, got {self.rgb!r}.")
        check_rgb("rgb", self.rgb or (0.0,))
        _check_ranges(self, hue=(-1, 1), saturation=(0, MAX_FACTOR),
                      value=(0, MAX_FACTOR))


@dataclass(frozen=True)
class SurfaceRange:
    """The colours and textures of one kind of body; every texture is equally likely."""

    colour: ColourRange
    textures: tuple[str, ...]  # names, paths of PNGs, "none" for plain
    texture_m: Range  # metres that one repetition covers

    def __post_init__(self) -> None:
        """Refuse textures that are not there or damaged."""
        if not self.textures:
            raise ValueError("textures must name at least one texture or 'none', got none at all.")
        for texture in self.textures:
            if texture != NO_TEXTURE:
                check_texture(texture)
        _check_ranges(self, texture_m=(0.01, 100))


@dataclass(frozen=True)
class LightRange:
    """Where the light stands and how strong and warm it is."""

    azimuth_rad: Range  # from the x axis, counter-clockwise
    elevation_rad: Range  # above the floor
    ambient: Range
    diffuse: Range
    warmth: Range  # share that red gains and blue loses; negative is cool

    def __post_init__(self) -> None:
        """Refuse a light at the horizon and negative strengths."""
        _check_ranges(self, azimuth_rad=(-2 * math.pi, 2 * math.pi), elevation_rad=(0.05, 1.5708),
                      ambient=(0, 3), diffuse=(0, 3), warmth=(-1, 1))


@dataclass(frozen=True)
class LensRange:
    """Deviations from the robot's camera and faults of its sensor; units as in `Lens`."""

    height_offset_m: Range
    tilt_offset_rad: Range
    fov_scale: Range
    exposure: Range
    blur_px: Range
    noise: Range

    def __post_init__(self) -> None:
        """Refuse what no camera could be."""
        _check_ranges(self, height_offset_m=(-0.15, 1), tilt_offset_rad=(-0.7, 0.7),
                      fov_scale=(0.5, 1.5), exposure=(0, 10), blur_px=(0, 20), noise=(0, 100))


@dataclass(frozen=True)
class DistractorRange:
    """How many things stand about, and which."""

    count: tuple[int, int]  # fewest, most
    shapes: tuple[str, ...]
    width_m: Range  # box: length and width, each on its own; round ones: the diameter
    height_m: Range  # of boxes and cylinders
    surface: SurfaceRange  # colours around the scenario's cup: hue counts from the cup's

    def __post_init__(self) -> None:
        """Refuse unknown shapes and colours that could be the cup's."""
        _check_ranges(self, count=(0, MAX_DISTRACTORS), width_m=(0.02, 2), height_m=(0.02, 3))
        for shape in self.shapes:
            if shape not in SHAPES:
                raise ValueError(f"shapes must be among {', '.join(SHAPES)}, got {shape!r}."
                                 f"{did_you_mean(shape, list(SHAPES))}")
        if not self.shapes:
            raise ValueError(f"shapes must name at least one of {', '.join(SHAPES)}, got none.")
        low, high = self.surface.colour.hue
        if self.surface.colour.rgb != SCENARIO or not DISTRACTOR_HUE <= low <= high <= (
                1 - DISTRACTOR_HUE):
            raise ValueError(
                f"surface.colour of distractors must have rgb 'scenario' (the cup's colour) and "
                f"hue within {DISTRACTOR_HUE} and {1 - DISTRACTOR_HUE} turns from it, "
                f"got rgb {self.surface.colour.rgb or 'scenario'} and hue {low} to {high}: "
                "a distractor must not pass for the cup.")


@dataclass(frozen=True)
class Profile:
    """Everything that an episode's look is drawn from."""

    name: str
    about: str
    nominal_share: float  # of the episodes, which look as the shipped profile `nominal` says
    floor: SurfaceRange
    wall: SurfaceRange
    box: SurfaceRange
    cup: SurfaceRange
    sky: ColourRange
    light: LightRange
    lens: LensRange
    distractors: DistractorRange

    def __post_init__(self) -> None:
        """Refuse colours that are nobody's, and a cup that is not the scenario's."""
        if not 0.0 <= self.nominal_share <= 1.0:
            raise ValueError(f"nominal_share must be within 0 and 1, got {self.nominal_share}.")
        for key, colour in (("floor", self.floor.colour), ("sky", self.sky)):
            if colour.rgb == SCENARIO:
                raise ValueError(f"{key}: scenarios say no colour of the {key}; "
                                 "rgb must be three numbers, got 'scenario'.")
        low, high = self.cup.colour.hue
        if self.cup.colour.rgb != SCENARIO or min(low, -high) < -CUP_HUE:
            raise ValueError(
                f"cup.colour must have rgb 'scenario' and hue within -{CUP_HUE} and {CUP_HUE} "
                f"turns, got rgb {self.cup.colour.rgb or 'scenario'} and hue {low} to {high}: "
                "the words name the cup's colour; another cup is another scenario file.")
        for key in ("saturation", "value"):
            low, high = getattr(self.cup.colour, key)
            if low < CUP_LEAST:
                raise ValueError(
                    f"cup.colour must have {key} from {CUP_LEAST}, got {low} to {high}: a darker "
                    "or greyer cup does not show the colour that the words name.")

    def hash(self) -> str:
        """The first 16 hex digits of the sha256 over every value and every texture's bytes."""
        values = asdict(self)
        for surface in (*(values[key] for key in ("floor", "wall", "box", "cup")),
                        values["distractors"]["surface"]):
            surface["textures"] = [_texture_hash(texture) for texture in surface["textures"]]
        text = json.dumps(values, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def profile_names() -> list[str]:
    """The shipped profiles."""
    return shipped(PROFILES, ".toml")


def load_profile(name: str | Path) -> Profile:
    """A shipped profile by name, or a user's own by the path of its TOML file.

    A relative path of a texture counts from the TOML file's folder.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a file that does not fit.
    """
    path = shipped_or_own("appearance", name, PROFILES, ".toml")
    if path.stem in profile_names() and path.resolve().parent != PROFILES.resolve():
        raise ValueError(f"{path}: {path.stem!r} is a shipped profile's name; give yours another, "
                         f"in the file and as the file's.")
    profile = build(Profile, _written_out(Profile, read_toml(path), path, path.name), path.name)
    if profile.name != path.stem:
        raise ValueError(f"{path.name}: name must be {path.stem!r} like the file, "
                         f"got {profile.name!r}.")
    return profile


def _written_out(cls: type, table: Any, path: Path, where: str) -> Any:
    """A table as `build` reads it: numbers as ranges, no words for colours, textures' full paths.

    Anything else that does not fit is left as it is: `build` says so.
    """
    if not isinstance(table, dict):
        return table
    kinds, table = get_type_hints(cls), dict(table)
    for key in kinds.keys() & table.keys():
        kind, value = kinds[key], table[key]
        if isinstance(kind, type) and is_dataclass(kind):
            table[key] = _written_out(kind, value, path, f"{where}.{key}")
        elif kind in (Range, tuple[int, int]):
            table[key] = _range(value, f"{where}.{key}")
        elif key == "rgb" and value == "scenario":
            table[key] = list(SCENARIO)
        elif key == "textures" and isinstance(value, list):
            table[key] = [str(path.parent.resolve() / each) if str(each).endswith(".png") else each
                          for each in value]
    return table


def _range(value: Any, where: str) -> list[Any]:
    """A range as it is; a number as the range without width."""
    if isinstance(value, list) and len(value) == 2:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value, value]
    raise ValueError(f"{where}: expected a number or a range [low, high], got {value!r}.")


def _check_ranges(ranges: Any, **limits: tuple[float, float]) -> None:
    """Refuse ranges that fall or leave their limits."""
    for key, (lowest, highest) in limits.items():
        low, high = getattr(ranges, key)
        if not low <= high:
            raise ValueError(f"{key} must rise from its first to its second number, "
                             f"got {low}, {high}.")
        if not (lowest <= low and high <= highest):
            raise ValueError(f"{key} must be within {lowest} and {highest}, got {low} to {high}.")


def _texture_hash(texture: str) -> str:
    """A texture by its bytes, wherever its file lies."""
    if texture == NO_TEXTURE:
        return NO_TEXTURE
    return hashlib.sha256(texture_path(texture).read_bytes()).hexdigest()
