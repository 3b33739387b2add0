"""How one episode looks: surfaces, light, lens and distractors, as plain values.

Needs numpy alone, and Pillow for textures of one's own.

Lengths in metres, angles in radians, colours as RGB from 0 to 1; world frame as everywhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scenarios.shipped import shipped, shipped_or_own
from scenarios.strict import build

TEXTURES = Path(__file__).parent / "textures"
NO_TEXTURE = "none"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
SHAPES = ("box", "cylinder", "sphere")


@dataclass(frozen=True)
class Surface:
    """What a body's skin looks like: `rgb` multiplies the texture."""

    rgb: tuple[float, float, float]
    texture: str | None  # a shipped texture's name or the path of a PNG; None: plain
    texture_m: float  # metres that one repetition of the texture covers, along both axes

    def __post_init__(self) -> None:
        """Refuse what is no colour and textures without a size."""
        check_rgb("rgb", self.rgb)
        if self.texture_m <= 0:
            raise ValueError(f"texture_m must be above 0, got {self.texture_m}.")


@dataclass(frozen=True)
class Light:
    """One lamp, far away.

    A surface with normal n shows rgb * texture * light.rgb * (ambient + diffuse * max(0, n.l)).
    """

    direction: tuple[float, float, float]  # from the scene towards the light, of any length
    ambient: float
    diffuse: float
    rgb: tuple[float, float, float]  # 1 is neutral; a warm light has more red than blue

    def __post_init__(self) -> None:
        """Refuse a light from below and negative strengths."""
        if self.direction[2] <= 0:
            raise ValueError(f"direction must have z above 0, got {self.direction[2]}.")
        if min(self.ambient, self.diffuse, *self.rgb) < 0:
            raise ValueError("ambient, diffuse and rgb of the light must be 0 or more, got "
                             f"{self.ambient}, {self.diffuse}, {self.rgb}.")


@dataclass(frozen=True)
class Lens:
    """How the camera differs from the robot's `CameraSpec`, and its sensor's faults."""

    height_offset_m: float
    tilt_offset_rad: float  # positive looks further down
    fov_scale: float  # multiplies the horizontal field of view
    exposure: float  # multiplies the picture; 1 is nominal
    blur_px: float  # standard deviation of a Gaussian in a picture 224 wide; 0: none
    noise: float  # standard deviation in grey levels of 255; 0: none


@dataclass(frozen=True)
class Distractor:
    """A thing to look at and never to touch: it stands where the robot may not drive."""

    shape: str
    position: tuple[float, float, float]  # the centre
    yaw_rad: float
    size_m: tuple[float, float, float]  # box: length, width, height; round ones: their diameter
    surface: Surface

    def __post_init__(self) -> None:
        """Refuse unknown shapes and things without a size."""
        if self.shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {self.shape!r}.")
        if min(self.size_m) <= 0:
            raise ValueError(f"size_m must be above 0, got {self.size_m}.")


@dataclass(frozen=True)
class Appearance:
    """One episode's look, complete: a camera needs nothing else to paint the scene."""

    profile: str  # the name of the profile it was drawn from
    floor: Surface
    wall: Surface
    box: Surface
    cup: Surface
    sky_rgb: tuple[float, float, float]  # what is seen above the walls
    light: Light
    lens: Lens
    distractors: tuple[Distractor, ...]

    def __post_init__(self) -> None:
        """Refuse a sky that is no colour."""
        check_rgb("sky_rgb", self.sky_rgb)

    def as_json(self) -> dict[str, Any]:
        """Numbers, words, lists and tables alone, for records."""
        return json.loads(json.dumps(asdict(self)))

    @staticmethod
    def from_json(values: dict[str, Any]) -> Appearance:
        """What `as_json` wrote, bit for bit.

        Raises:
            ValueError: naming the key that is missing, unknown or of another type.
        """
        return build(Appearance, values, "appearance")


def texture_names() -> list[str]:
    """The shipped textures."""
    return shipped(TEXTURES, ".png")


def texture_path(texture: str | Path) -> Path:
    """The PNG of a shipped texture's name, or a user's own by its path.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a file that is not there.
    """
    path = shipped_or_own("texture", texture, TEXTURES, ".png", repr(NO_TEXTURE))
    if not path.is_file():
        raise ValueError(f"{texture}: there is no such texture file; give the path of a PNG.")
    with path.open("rb") as file:
        if file.read(len(PNG_MAGIC)) != PNG_MAGIC:
            raise ValueError(f"{texture}: is no PNG file; save the texture as PNG.")
    return path


def check_texture(texture: str) -> None:
    """Refuse a texture that is not there, or whose picture is damaged.

    Raises:
        ValueError: one sentence.
    """
    path = texture_path(texture)
    if path.parent == TEXTURES:
        return
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{texture}: cannot be read as a PNG ({error}); "
                         f"save the texture again.") from error


def check_rgb(key: str, rgb: tuple[float, ...]) -> None:
    """Refuse a colour outside 0 to 1."""
    if min(rgb) < 0 or max(rgb) > 1:
        raise ValueError(f"{key} must be within 0 and 1, got {', '.join(map(str, rgb))}.")
