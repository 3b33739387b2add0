"""A scenario file that is wrong says so in one sentence: file, key, what was expected."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios

SHIPPED = Path(scenarios.__file__).parent / "2box_hori_left.toml"


def write(folder: Path, old: str, new: str) -> str:
    """The shipped file as a user's own, with one change."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} must stand once in the shipped file"
    path = folder / "own.toml"
    path.write_text(text.replace('name = "2box_hori_left"', 'name = "own"').replace(old, new),
                    encoding="utf-8")
    return str(path)


def test_a_users_own_file_loads_by_its_path(tmp_path):
    own = scenarios.load(write(tmp_path, "count = 2", "count = 1"))
    assert (own.name, own.boxes.count) == ("own", 1)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("count = 2", "cuont = 2", r"own\.toml\.boxes: missing count; unknown cuont\. Expected exactly "
                               r"the keys count, arrangement, size_m"),
    ("count = 2", "", r"own\.toml\.boxes: missing count"),
    ("[cup]", "[mug]", r"own\.toml: missing cup; unknown mug"),
    ("count = 2", "count = 3", r"own\.toml\.boxes: count must be 1 or 2, got 3"),
    ("count = 2", "count = 2.0", r"own\.toml\.boxes\.count: expected int, got 2\.0"),
    ("count = 2", "count = true", r"own\.toml\.boxes\.count: expected int, got True"),
    ("count = 2", 'count = "two"', r"own\.toml\.boxes\.count: expected int, got 'two'"),
    ('arrangement = "hori"', 'arrangement = "diagonal"', r"arrangement must be one of vert, hori"),
    ("mass_kg = 1.0", "mass_kg = nan", r"own\.toml\.boxes\.mass_kg: expected a finite number"),
    ("mass_kg = 1.0", "mass_kg = -1.0", r"boxes: mass_kg must be greater than 0, got -1\.0"),
    ("distance_m = 2.5", f"distance_m = 1{'0' * 400}", r"distance_m: expected a finite number"),
    ("diameter_m = 0.09", "diameter_m = inf", r"own\.toml\.cup\.diameter_m: expected a finite"),
    ("size_m = [0.40, 0.25, 0.30]", "size_m = [0.40, 0.25]", r"size_m: expected 3 entries, got 2"),
    ("size_m = [0.40, 0.25, 0.30]", "size_m = 0.4", r"size_m: expected an array, got 0\.4"),
    ("size_m = [0.40, 0.25, 0.30]", 'size_m = [0.40, "b", 0.30]', r"size_m\[1\]: expected float"),
    ("far = 1.60 }", "away = 1.60 }", r"exactly the keys close, medium, far"),
    (", far = 1.60 }", " }", r"obstacle_distance_m must have exactly"),
    ("variant_share = 0.3333", "variant_share = 1.5", r"variant_share must be in \[0, 1\]"),
    ('pass_side = "left"', 'pass_side = "middle"', r"pass_side must be one of left, right"),
    ("schema_version = 1", "schema_version = 2", r"schema_version must be 1, got 2"),
    ("[success]", "[success", r"own\.toml: is not valid TOML"),
    ("max_decisions = 40", "max_decisions = 0", r"max_decisions must be greater than 0, got 0"),
    ("bounds_x_m = [-1.0, 4.0]", "bounds_x_m = [4.0, -1.0]",
     r"bounds_x_m must rise from its first to its second number, got 4\.0, -1\.0"),
    ("goal_radius_m = 0.45", "goal_radius_m = -0.45", r"goal_radius_m must be greater than 0"),
    ("wall_height_m = 0.9", "wall_height_m = 0.0", r"room: wall_height_m must be greater than 0"),
    ("rgb = [0.85, 0.10, 0.08]", "rgb = [255, 0, 0]", r"cup: rgb must be within 0 and 1, got 255"),
    ("gap_m = 0.05", "gap_m = -0.05", r"boxes: gap_m.* must be 0 or more, got -0\.05"),
    ("start_jitter_m = [0.05, 0.08]", "start_jitter_m = [0.05, -0.08]", r"must be 0 or more"),
    ("variant_lead_m = [0.0, 0.15]", "variant_lead_m = [0.2, 0.1]", r"variant_lead_m must rise"),
])
def test_a_wrong_file_names_file_key_and_expectation(tmp_path, old, new, said):
    with pytest.raises(ValueError, match=said):
        scenarios.load(write(tmp_path, old, new))


def test_a_file_whose_name_differs_from_the_scenarios_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.toml: name must be 'mine' like the file"):
        scenarios.load(str(path))


@pytest.mark.parametrize(("content", "said"), [
    (None, "cannot be read"), (b"\xff\xfe", "is not UTF-8"), (b"x" * 1_000_001, "larger than"),
    (b"a = " + b"[" * 100_000, "is not valid TOML"),
])
def test_a_file_that_is_no_scenario_at_all_is_refused(tmp_path, content, said):
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"own\.toml: {said}"):
        scenarios.load(str(path))


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(SHIPPED.read_text(encoding="utf-8")) - 10), junk=st.text(max_size=8))
def test_a_damaged_file_gets_a_sentence_and_never_a_crash(tmp_path_factory, cut, junk):
    text = SHIPPED.read_text(encoding="utf-8")
    path = tmp_path_factory.getbasetemp() / "2box_hori_left.toml"
    path.write_text(text[:cut] + junk + text[cut + 5:], encoding="utf-8")
    try:
        scenario = scenarios.load(str(path))
    except ValueError as error:
        assert "2box_hori_left.toml" in str(error)
    else:
        assert scenario.name == "2box_hori_left"


def test_unknown_names_get_a_suggestion():
    with pytest.raises(ValueError, match=r"Unknown scenario '2box_horl_left'\. "
                                         r"Did you mean '2box_hori_left'\?"):
        scenarios.load("2box_horl_left")
