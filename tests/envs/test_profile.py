"""Profiles and textures, shipped ones and those of one's own."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from envs.appearance import load_profile, profile_names, texture_path
from envs.look import TEXTURES, texture_names
from envs.profile import PROFILES
from tests.envs.looks import NOMINAL, RANDOMISED, crowded, look, own_profile

WOOD = (TEXTURES / "wood.png").read_bytes()


@pytest.mark.parametrize("name", sorted(set(texture_names()) - {"floor"}))  # the room's own, large
def test_a_texture_is_small_and_light_and_its_edges_meet(name):
    pixels = np.asarray(Image.open(texture_path(name)).convert("RGB"), float)
    assert texture_path(name).stat().st_size < 400_000
    assert pixels.shape == (512, 512, 3)
    assert 0.74 <= pixels.mean() / 255 <= 1.0
    inside = [np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)]
    seams = [np.abs(pixels[0] - pixels[-1]).mean(), np.abs(pixels[:, 0] - pixels[:, -1]).mean()]
    assert seams[0] <= inside[0].max() + 1  # no jump that the picture does not have inside too
    assert seams[1] <= inside[1].max() + 1


def test_every_shipped_texture_is_used_by_a_shipped_profile():
    used = set()
    for profile in map(load_profile, profile_names()):
        for surface in (profile.floor, profile.wall, profile.box, profile.cup,
                        profile.distractors.surface):
            used |= set(surface.textures)
    assert used - {"none"} == set(texture_names())


def test_profiles_with_other_values_have_other_hashes():
    dimmer = replace(RANDOMISED, light=replace(RANDOMISED.light, ambient=(0.2, 0.3)))
    assert len({NOMINAL.hash(), RANDOMISED.hash(), dimmer.hash(), crowded().hash()}) == 4
    assert load_profile("randomised").hash() == RANDOMISED.hash()


def test_a_profile_of_ones_own_may_bring_a_texture(tmp_path):
    (tmp_path / "mine.png").write_bytes(WOOD)
    own = load_profile(own_profile(
        tmp_path, lambda text: text.replace('textures = ["floor"]', 'textures = ["mine.png"]'),
        source="nominal"))
    assert look(own).profile == "own"
    assert texture_path(look(own).floor.texture) == tmp_path / "mine.png"


def test_a_hash_knows_a_texture_by_its_bytes_and_not_by_its_place(tmp_path):
    hashes = []
    for folder, source in (("a", "wood"), ("b", "wood"), ("c", "tiles")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.png").write_bytes((TEXTURES / f"{source}.png").read_bytes())
        hashes.append(load_profile(own_profile(
            tmp_path / folder, lambda text: text.replace('"floor"', '"mine.png"'))).hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_number_means_a_range_without_width(tmp_path):
    own = load_profile(own_profile(
        tmp_path, lambda text: text.replace("exposure = [0.8, 1.25]", "exposure = 2")))
    assert own.lens.exposure == (2.0, 2.0)


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ('"wood"', '"wod"', r"own\.toml\.floor: Unknown texture 'wod'\. Did you mean 'wood'\? "
                        r"Expected one of .*, 'none' or a PNG file\."),
    ('"wood"', '"mine.png"', r"mine\.png: there is no such texture file"),
    ('"wood"', '"own.toml.png"', r"own\.toml\.png: there is no such texture file"),
    ('["none", "cardboard", "carton"]', "[]", r"own\.toml\.box: textures must name at least one"),
    ("rgb = [1.0, 0.0, 0.0], hue = [0.0, 1.0], saturation = [0.0, 0.18], value = [0.5, 1.0]",
     "rgb = [1.5, 0.0, 0.0], hue = 0.0, saturation = 1.0, value = 1.0",
     r"own\.toml\.wall\.colour: rgb must be within 0 and 1, got 1\.5, 0\.0, 0\.0\."),
    ("exposure = [0.8, 1.25]", "exposure = [1.25, 0.8]",
     r"own\.toml\.lens: exposure must rise from its first to its second number, got 1\.25, 0\.8"),
    ("noise = [0.0, 5.0]", "noise = [-1.0, 5.0]", r"noise must be within 0 and 100, got -1\.0 to"),
    ("noise = [0.0, 5.0]", 'noise = "some"',
     r"own\.toml\.lens\.noise: expected a number or a range \[low, high\], got 'some'\."),
    ("noise = [0.0, 5.0]", "noise = nan", r"own\.toml\.lens\.noise\[0\]: expected a finite number"),
    ("noise = [0.0, 5.0]", "", r"own\.toml\.lens: missing noise\. Expected exactly the keys"),
    ("noise = [0.0, 5.0]", "noise = 1.0\nnoize = 2.0", r"own\.toml\.lens: unknown noize\."),
    ("count = [0, 4]", "count = [0, 99]", r"count must be within 0 and 16, got 0 to 99\."),
    ("count = [0, 4]", "count = [0.5, 4]", r"count\[0\]: expected int, got 0\.5\."),
    ('"sphere"', '"spere"', r"shapes must be among box, cylinder, sphere, got 'spere'\. Did you"),
    ("hue = [0.15, 0.8]", "hue = [0.0, 0.8]", r"a distractor must not pass for the cup"),
    ("hue = [-0.03, 0.03], saturation = [0.85, 1.1]", "hue = 0.3, saturation = 1.0",
     r"cup\.colour must have rgb 'scenario' and hue within -0\.05 and 0\.05 turns"),
    ("value = [0.75, 1.15]", "value = [0.0, 0.0]",
     r"own\.toml: cup\.colour must have value from 0\.3, got 0\.0 to 0\.0: a darker or greyer cup"),
    ("saturation = [0.85, 1.1]", "saturation = [0.2, 1.1]",
     r"own\.toml: cup\.colour must have saturation from 0\.3, got 0\.2 to 1\.1"),
    ('rgb = [1.0, 0.0, 0.0]\nhue = [0.5, 0.7]', 'rgb = "scenario"\nhue = [0.5, 0.7]',
     r"sky: scenarios say no colour of the sky; rgb must be three numbers"),
    ('rgb = [1.0, 0.0, 0.0]\nhue = [0.5, 0.7]', 'rgb = [1.0]\nhue = [0.5, 0.7]',
     r"own\.toml\.sky: rgb must be 'scenario' or three numbers, got \(1\.0,\)\."),
    ('name = "own"', 'name = "other"', r"own\.toml: name must be 'own' like the file, got 'other'"),
    ("[lens]", "[lens", r"own\.toml: is not valid TOML"),
])
def test_a_file_that_does_not_fit_gets_one_sentence(tmp_path, old, new, sentence):
    path = own_profile(tmp_path, lambda text: text.replace(old, new))
    with pytest.raises(ValueError, match=sentence) as caught:
        load_profile(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"no picture", "is no PNG file"), (WOOD[:8] + b"noise", "cannot be read as a PNG"),
    (WOOD[:len(WOOD) // 2], "cannot be read as a PNG")])
def test_a_texture_that_is_no_whole_png_is_refused(tmp_path, content, sentence):
    (tmp_path / "mine.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"mine\.png: {sentence}"):
        load_profile(own_profile(tmp_path, lambda text: text.replace('"wood"', '"mine.png"')))


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Did you mean 'randomised'\? Expected one of mixed"):
        load_profile("randomized")
    with pytest.raises(ValueError, match=r"nowhere\.toml: cannot be read"):
        load_profile("nowhere.toml")


def test_a_profile_of_ones_own_has_a_name_of_its_own(tmp_path):
    (tmp_path / "nominal.toml").write_bytes((PROFILES / "nominal.toml").read_bytes())
    with pytest.raises(ValueError, match=r"nominal\.toml: 'nominal' is a shipped profile's name"):
        load_profile(str(tmp_path / "nominal.toml"))
    assert load_profile(str(PROFILES / "nominal.toml")) == NOMINAL
