"""What follows from rows made by hand: differences, correlations, advice."""

import json

import numpy as np
import pytest

from eval.advice import advice, behind, head_guide
from eval.curves import read_curves, smallest_shared
from eval.entrants import ABLATION, BASELINE, PRIVILEGED
from eval.paired import difference, pooled, rank_correlation
from eval.worth import ablations, compared, contrasts, correlations, judged, memory
from tests.eval.rows import measured, of, row


def taken(rows, need, curves=None):
    (line,) = [each for each in advice(rows, curves) if each["need"] == need]
    return line["take"], line["because"]


def won(*wins, scenario="left"):
    """Who won layouts 0, 1, ... of one scenario."""
    return {(scenario, seed): win for seed, win in enumerate(wins)}


def test_left_and_right_of_a_layout_are_one_witness():
    both = won(True, True) | won(True, False, scenario="right")
    none = won(False, False) | won(False, False, scenario="right")
    found = difference([both], [none]).mean
    assert (found.value, found.n) == (0.75, 2)


def test_a_paired_difference_counts_only_what_both_drove():
    found = difference([won(True, True, False)], [won(False, True)])
    assert (found.mean.value, found.mean.n, found.p) == (0.5, 2, 1.0)
    assert difference([won(True)], []).p is None


def test_an_error_on_one_side_makes_no_difference_of_two_that_drive_alike():
    """Both always turn right; one ended by an error wherever it should have turned left."""
    left, right = won(*[False] * 20), won(*[True] * 20, scenario="right")
    found = difference([right], [left | right])
    assert (found.mean.value, found.mean.n, found.p) == (0.0, 20, 1.0)
    rows = [row(name, measured(0, of(0.5), [0.1])) for name in ("hybrid", "kosmos_lstm")]
    rows[0].seeds[0].wins, rows[1].seeds[0].wins = right, left | right
    assert contrasts(rows)[0]["success"]["mean"] == 0.0
    assert [each["mean"] for each in behind(rows).values()] == [0.0]


def test_training_seeds_are_averaged_over_what_all_of_them_drove():
    always, never = won(True, True, True), won(False, False)
    found = difference([always, never], [won(True, False, True)])
    assert (found.mean.value, found.mean.n) == (0.0, 2)  # 0.5 - 1, 0.5 - 0


def test_pairing_finds_a_difference_that_unpaired_intervals_would_hide():
    better, worse = of(0.52, 200), of(0.48, 200)  # the same layouts but for 8
    found = difference([won(*better)], [won(*worse)])
    assert found.mean.value == pytest.approx(0.04)
    assert found.mean.low > 0.01
    assert found.p == 2 / 2 ** 8


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
    (found,) = judged([compared("x", other, base)])
    assert found["p_holm"] < 0.001
    assert found["verdict"] == "no measurable difference"


def test_a_part_among_many_needs_more_to_be_worth_something():
    """Six layouts of one sign have p = 0.03 alone, 0.06 beside another row."""
    rows = [row("robovlms_fc", measured(0, of(0.5), [0.1])),
            row("robovlms_lstm", measured(0, of(0.56), [0.1]))]
    alone = contrasts(rows)
    assert [each["verdict"] for each in alone] == ["drives better"]
    assert alone[0]["p_holm"] == alone[0]["success"]["p"] == pytest.approx(2 / 2 ** 6, abs=1e-6)
    beside = contrasts([*rows, row("robovlms_discrete", measured(0, of(0.5), [0.1]))])
    assert {each["verdict"] for each in beside} == {"no measurable difference"}


def test_the_best_of_many_that_drive_alike_leaves_nobody_measurably_worse():
    rng = np.random.default_rng(2)
    rows = [row(f"p{k}", measured(0, list(rng.random(20) < 0.5), [0.1])) for k in range(9)]
    ends = [each["high"] < 0 for each in behind(rows).values()]
    assert any(ends)  # an interval of its own leaves out 0
    _, because = taken(rows, "accuracy: driving")
    assert len(because.partition("not measurably worse: ")[2].split(", ")) == 8


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
