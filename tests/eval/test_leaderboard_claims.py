"""What others published is kept word for word, judged, and never mixed with what was measured."""

import pytest

from eval.claims import FILE, VERDICTS, Target, load
from eval.claims_tables import best_values, claims_table, target_table
from tests.eval.rows import measured, of, row

PUBLISHED = {  # some numbers of every row, as the documents print them
    "S-138": (0.869, 66.67, 16.67, 0.1234, 0.0567, 0.2345), "S-139": (0.466, 91.67, 58.33, 0.3456),
    "S-140": (0.881, 1.0708, -3.04, -4.35), "S-141": (0.941, 0.9860), "S-142": (0.915,),
    "S-143": (0.2120693027973175, 0.2220009635719988, 0.24686191769109833),
    "S-144": (0.804, 0.756, 0.698, 0.645, 2.0, 5.0, 8.0),
    "S-145": (755.2, 765.7, 2780.0, 0.360, 2163.0, 1086.0, 1.88, 1.92)}


def claims(requirement, verdict=None):
    return [each for each in load().claim if each.requirement == requirement
            and verdict in (None, each.verdict)]


@pytest.mark.parametrize("requirement", PUBLISHED)
def test_every_published_number_stands_in_the_ledger(requirement):
    numbers = {number for each in claims(requirement) for number in each.numbers.values()}
    assert set(PUBLISHED[requirement]) <= numbers


def test_an_r2_that_is_called_impossible_is_above_the_squared_correlation():
    found = [each.numbers for each in load().claim
             if each.verdict == "impossible" and "R2 x" in each.numbers]
    assert len(found) == 2
    assert all(numbers[f"R2 {axis}"] > numbers[f"correlation {axis}"] ** 2
               for numbers in found for axis in "xy")


def test_the_loss_that_is_called_impossible_is_below_what_its_mae_allows():
    (loss,), (mae, *_) = ([each.numbers[name] for each in claims("S-141") if name in each.numbers]
                          for name in ("test loss", "MAE"))
    assert loss < 0.1 * (mae - 0.05)


def test_halved_units_and_dummy_data_are_called_comparable_nowhere():
    for each in load().claim:
        if each.unit == "halved":
            assert each.verdict == "not comparable: halved units"
        if each.data == "dummy":
            assert not each.verdict.startswith("comparable")


def test_accuracies_of_the_cases_are_twelfths():
    for each in (*claims("S-138"), *claims("S-139")):
        shares = [number for name, number in each.numbers.items() if "accuracy" in name]
        assert all(abs(12 * share / 100 - round(12 * share / 100)) < 1e-3 for share in shares)


def test_the_table_says_verdict_and_reason_of_every_claim():
    headers, rows = claims_table(load())
    assert headers[-2:] == ["verdict", "why"]
    assert all(any(cells[-2].startswith(verdict) for verdict in VERDICTS) for cells in rows)
    assert all(cells[-1] for cells in rows)


def test_targets_are_judged_by_the_best_trained_model_only():
    good, bad = row("good", measured(0, of(1.0), [0.05])), row("bad", measured(0, of(0.5), [0.3]))
    untrained = row("lucky", measured(0, of(1.0), [0.001], weights="random"))
    best = best_values([good, bad, untrained])
    assert best["mae"] == (0.05, "good")
    assert best["r2"][0] == 0.8  # the worse axis
    assert best["fps"][0] == pytest.approx(200.0)
    cells = {(each[0], each[2]): each[5] for each in target_table(load(), best)[1]}
    assert cells["S-170", "at most 0.1"] == "yes"
    assert cells["S-171", "at least 80 %"] == "yes"
    assert cells["S-175", "at least 1,000"] == "**no**"
    assert cells["S-175", "at most 5"] == "not measured"


def test_without_a_trained_model_no_target_is_passed():
    untrained = row("lucky", measured(0, of(1.0), [0.001], weights="random"))
    assert {each[5] for each in target_table(load(), best_values([untrained]))[1]} == {
        "not measured"}


def test_a_bound_is_passed_from_its_right_side():
    assert Target("S-1", "mae", 0.1, "004", "").is_passed(0.1)
    assert not Target("S-1", "mae", 0.1, "004", "").is_passed(0.11)
    assert Target("S-1", "r2", 0.7, "004", "").is_passed(0.71)


@pytest.mark.parametrize(("old", "new", "said"), [
    ('data = "real"', 'data = "rael"', "data must be one of real, dummy, unknown, got 'rael'"),
    ('verdict = "impossible"', 'verdict = "wrong"', "verdict must be one of"),
    ('family = "speed"', 'family = "haste"', "families has no haste"),
    ('measure = "mae"', 'measure = "mea"', "measure must be one of"),
    ('unit = "FPS"', 'units = "FPS"', "missing unit; unknown units"),
])
def test_a_ledger_with_a_slip_is_refused_by_its_place(tmp_path, old, new, said):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "claims.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        load(tmp_path / "claims.toml")
