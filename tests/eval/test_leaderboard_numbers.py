"""What follows from rows made by hand: differences, correlations, advice."""

import json

import pytest

from eval.advice import advice, behind, head_guide
from eval.curves import read_curves, smallest_shared
from eval.entrants import ABLATION, BASELINE, PRIVILEGED
from eval.paired import difference, pooled, rank_correlation, shares
from eval.worth import ablations, compared, contrasts, correlations, memory
from tests.eval.rows import measured, of, row


def taken(rows, need, curves=None):
    (line,) = [each for each in advice(rows, curves) if each["need"] == need]
    return line["take"], line["because"]


def test_left_and_right_of_a_layout_are_one_share():
    assert shares({7: [True, False], 8: [True]}, {7: [True, True]}) == {7: 0.75, 8: 1.0}


def test_a_paired_difference_counts_only_what_both_drove():
    found = difference({1: 1.0, 2: 1.0, 3: 0.0}, {1: 0.0, 2: 1.0, 9: 1.0})
    assert (found.value, found.n) == (0.5, 2)


def test_pairing_finds_a_difference_that_unpaired_intervals_would_hide():
    better, worse = of(0.52, 200), of(0.48, 200)  # the same layouts but for 8
    found = difference(dict(enumerate(map(float, better))), dict(enumerate(map(float, worse))))
    assert found.value == pytest.approx(0.04)
    assert found.low > 0.01


def test_errors_of_episodes_count_by_their_decisions():
    assert pooled([(0.1, 30), (0.4, 10)]).value == pytest.approx(0.175)
    assert pooled([]).value is None


def test_a_perfect_ranking_has_rho_minus_one():
    found = rank_correlation([0.1, 0.2, 0.3, 0.4, 0.5], [0.9, 0.8, 0.7, 0.6, 0.5])
    assert (found["rho"], found["n"]) == (-1.0, 5)
    assert found["low"] <= found["high"] == -1.0


def test_a_rank_correlation_of_three_or_of_equals_is_not_measured():
    assert "too few" in rank_correlation([1, 2, 3], [1, 2, 3])["undefined"]
    assert "equal" in rank_correlation([1, 1, 1, 1], [1, 2, 3, 4])["undefined"]


def test_an_ablation_is_compared_on_the_training_seeds_that_both_have():
    base = row("hybrid", *[measured(k, of(0.9), [0.1]) for k in range(3)])
    variant = row("hybrid_no_text", *[measured(k, of(0.5), [0.2]) for k in (0, 2)], kind=ABLATION,
                  base="hybrid")
    (found,) = ablations([base, variant])
    assert found["seeds"] == [0, 2]
    assert found["success"]["mean"] == pytest.approx(-0.4)
    assert found["success_by_seed"] == pytest.approx([-0.4, -0.4])
    assert found["mae"]["mean"] == pytest.approx(0.1)
    assert found["verdict"] == "drives worse"


def test_a_difference_of_which_one_training_seed_disagrees_is_not_called_one():
    base = row("hybrid", *[measured(k, of(0.5), [0.1]) for k in range(2)])
    other = row("other", measured(0, of(0.8), [0.1]), measured(1, of(0.48), [0.1]))
    found = compared("x", other, base)
    assert found["success"]["low"] > 0
    assert found["verdict"] == "no measurable difference"


def test_contrasts_need_both_models():
    rows = [row("hybrid", measured(0, of(0.9), [0.1])), row("kosmos_lstm")]
    assert contrasts(rows) == []
    rows[1] = row("kosmos_lstm", measured(0, of(0.7), [0.1]))
    assert [each["what"] for each in contrasts(rows)] == ["CLIP beside Kosmos-2"]


def test_memory_sets_the_weakest_with_against_the_strongest_without():
    rows = [row("hybrid", measured(0, of(0.98), [0.1], window=8)),
            row("kosmos_lstm", measured(0, of(0.9), [0.1], window=8)),
            row("case1_simplified", measured(0, of(0.8), [0.1])),
            row("case3_simple", measured(0, of(0.6), [0.1]))]
    found = memory(rows)
    assert (found["weakest_with"], found["strongest_without"]) == (
        "kosmos_lstm", "case1_simplified")
    assert found["success"]["mean"] == pytest.approx(0.1)
    assert memory(rows[:2]) is None


def test_random_weights_privileged_and_baselines_take_part_in_no_ranking():
    good = row("good", measured(0, of(0.9), [0.1]))
    others = [row("lucky", measured(0, of(1.0), [0.1], weights="random")),
              row("forward", measured(0, of(1.0), [0.1]), kind=BASELINE),
              row("expert", measured(0, of(1.0), [0.1]), kind=PRIVILEGED)]
    assert taken([good, *others], "accuracy: driving")[0] == "good"
    assert behind([good, *others]) == {}
    assert correlations([good, *others])["models"]["mae"]["n"] == 1
    assert correlations([good, *others])["models, ablations and baselines"]["mae"]["n"] == 3


def test_memory_and_speed_may_cost_two_points_and_no_more():
    rows = [row("best", measured(0, of(0.98), [0.1], ms=9.0), head=900),
            row("small", measured(0, of(0.97), [0.1], ms=8.0), head=100),
            row("quick", measured(0, of(0.96), [0.1], ms=1.0), head=800),
            row("tiny", measured(0, of(0.90), [0.1], ms=0.5), head=1)]
    assert taken(rows, "accuracy: driving")[0] == "best"
    assert taken(rows, "memory and other resources")[0] == "small"
    assert taken(rows, "speed, real-time control")[0] == "quick"


def test_who_is_not_measurably_worse_than_the_best_is_named():
    rows = [row("best", measured(0, of(0.98), [0.1])), row("twin", measured(0, of(0.98), [0.1])),
            row("bad", measured(0, of(0.2), [0.1]))]
    assert taken(rows, "accuracy: driving")[1].endswith("not measurably worse: twin")


def test_stable_training_needs_several_seeds():
    one = [row("a", measured(0, of(0.9), [0.1]))]
    assert taken(one, "stable training") == (
        None, "not measured: one training seed a model; more come with --seeds-from")
    wide = row("wide", measured(0, of(0.99), [0.1]), measured(1, of(0.91), [0.1]))
    close = row("close", measured(0, of(0.95), [0.1]), measured(1, of(0.94), [0.1]))
    assert taken([wide, close], "stable training")[0] == "close"


def test_little_data_is_advised_from_curves_only(tmp_path):
    rows = [row("a", measured(0, of(0.9), [0.1]))]
    assert taken(rows, "little data")[0] is None
    path = tmp_path / "curves.json"
    path.write_text(json.dumps({"curves": {
        "a": [{"episodes": 160, "k": 70, "n": 100}, {"episodes": 40, "k": 1, "n": 100}],
        "b": [{"episodes": 160, "k": 90, "n": 100}, {"episodes": 640, "k": 99, "n": 100}]}}))
    curves = read_curves(path)
    assert smallest_shared(curves) == 160
    take, because = taken(rows, "little data", curves)
    assert take == "b"
    assert because.startswith("after 160 training episodes 90/100 = 90 %")


@pytest.mark.parametrize(("content", "said"), [
    (None, "cannot be read"), ("{", "is not valid JSON"), ("[]", "holds no curves"),
    ('{"curves": {"a": [{"episodes": 5, "k": 3, "n": 2}]}}', "curve 'a' is .* with 0 <= K <= N"),
    ('{"curves": {"a": 5}}', "curve 'a' is 5"),
])
def test_a_file_that_holds_no_curves_is_refused(tmp_path, content, said):
    path = tmp_path / "curves.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=said):
        read_curves(path)


def test_the_documents_rule_is_checked_where_both_cases_were_driven():
    rows = [row("case1_simplified", measured(0, of(0.9), [0.1])),
            row("case2_clip_normalized", measured(0, of(0.6), [0.1]))]
    (line,) = [each for each in advice(rows) if "documents" in each["need"]]
    assert "drives worse, 60.0 % and 90.0 %" in line["because"]


def test_the_back_up_has_another_structure_than_the_best():
    rows = [row("case1_simplified", measured(0, of(0.9), [0.1])),
            row("case1_no_text", measured(0, of(0.8), [0.1])),
            row("kosmos_lstm", measured(0, of(0.7), [0.1]))]
    assert taken(rows, "back-up beside the best")[0] == "kosmos_lstm"


def test_the_guide_to_heads_orders_those_that_were_driven():
    rows = [row("robovlms_fc", measured(0, of(0.5), [0.1])), row("robovlms_gpt"),
            row("robovlms_lstm", measured(0, of(0.9), [0.1]))]
    assert [each.name for each in head_guide(rows)] == ["robovlms_lstm", "robovlms_fc"]


def test_nobody_trained_means_no_advice():
    rows = [row("a", measured(0, of(0.9), [0.1], weights="random")), row("b")]
    assert advice(rows) == [{"need": "all needs", "take": None,
                             "because": "not measured: no trained model was driven"}]
