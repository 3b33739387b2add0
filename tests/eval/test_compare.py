import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from eval.compare import compare
from eval.compare_tables import difference_table
from eval.contrast import ALSO, METRICS
from eval.report import write_report
from eval.results import episodes_sha256, write_json
from eval.score import score
from tests.eval.stored import LEFT, RIGHT, WON, finished

ROOT = Path(__file__).parents[2]


def every(step):
    """Wins every so-and-so-many-th episode."""
    return lambda scenario, index: index % step == 0


def always(scenario, index):
    return True


def never(scenario, index):
    return False


def folders(out, *wins, episodes=20, **options):
    return [finished(out, each, episodes, name=name, report=False, **options).folder
            for name, each in zip("abc", wins)]


def test_the_one_that_wins_more_is_better_and_the_numbers_can_be_counted(tmp_path):
    (each,) = (found := compare(*folders(tmp_path, every(2), always))).contrasts
    assert each.counts == {"both": 10, "only_baseline": 0, "only_other": 10, "neither": 0}
    assert (each.decides.baseline, each.decides.other, each.decides.difference) == (0.5, 1.0, 0.5)
    assert each.decides.p == each.p_mcnemar == 2 / 2 ** 10
    assert each.decides.low == pytest.approx(0.5 - 0.22, abs=0.05)  # 1.96 * 0.5 / root of 20
    assert each.better == "other"
    assert found.verdicts[0].startswith("B (b) is better than A (a) by 50.0 points [")


def test_swapping_the_runs_swaps_the_verdict(tmp_path):
    runs = folders(tmp_path, every(2), always)
    there, back = compare(*runs).contrasts[0], compare(*reversed(runs)).contrasts[0]
    assert back.decides.difference == -there.decides.difference
    assert (there.better, back.better) == ("other", "baseline")
    assert back.verdict.startswith("A (b) is better than B (a) by 50.0 points [")
    assert back.lead == there.lead
    assert there.lead == (0.5, there.decides.low, there.decides.high)


def test_the_table_names_whom_each_row_favours(tmp_path):
    """Winning more and needing less time both favour the winner, whichever sign they have."""
    found = compare(*folders(tmp_path, never, always))
    _, (headers, rows) = difference_table("A (a)", "B (b)", found.contrasts[0], found.alpha)
    assert headers[4:] == ["B minus A", "scenarios like these", "p", "better"]
    cells = {row[0]: row for row in rows}
    assert (cells["success"][4][:6], cells["success"][-1]) == ("+100.0", "B")
    assert (cells["time s (-)"][4][0], cells["time s (-)"][-1]) == ("+", "A")  # stopped later
    assert cells["reach"][-1] == "-"


def test_too_few_episodes_are_underpowered_and_say_how_many_are_needed(tmp_path):
    found = compare(*folders(tmp_path, every(2), lambda s, i: i % 2 == (i > 9)))
    verdict = found.verdicts[0]
    assert verdict.startswith("underpowered: B (b) minus A (a) is +0.0 points [")
    # Differences of +-1 in half of the pairs: variance 10/19, (2.80 / 0.05)^2 * 10/19 = 1652.
    assert "a difference of 5.0 points needs about 1653 episodes, here are 20" in verdict


def test_equal_runs_exclude_what_so_many_pairs_would_have_shown(tmp_path):
    found = compare(*folders(tmp_path, every(2), every(2), episodes=60))
    # Had 1 - 0.05^(1 / 60) = 4.9 % of layouts differed, one in 60 would have, 19 times of 20.
    assert found.verdicts == ["no difference: one larger than 4.9 points can be excluded "
                              "(B (b) and A (a) are alike in all 60 pairs)"]


def test_a_few_equal_pairs_exclude_little(tmp_path):
    found = compare(*folders(tmp_path, every(2), every(2), episodes=12))
    assert found.verdicts[0].startswith(
        "underpowered: B (b) and A (a) are alike in all 12 pairs; differences up to 22.1 points "
        "remain possible; a difference of 5.0 points needs about ")


def test_one_disagreement_is_no_more_than_its_exact_bound(tmp_path):
    found = compare(*folders(tmp_path, always, lambda s, i: i > 0, episodes=60))
    assert found.verdicts[0].startswith("underpowered: B (b) minus A (a) is -1.7 points [")
    many = compare(*folders(tmp_path / "many", always, lambda s, i: i > 0, episodes=120))
    assert "no difference: one larger than 3.9 points can be excluded" in many.verdicts[0]


def test_wins_and_losses_that_cancel_do_not_make_two_policies_alike(tmp_path):
    """One layout in each of two groups, one won by either: no interval, and no verdict from it."""
    runs = []
    for name, winner in (("a", 0), ("b", 1)):
        run = finished(tmp_path, always, 2, name=name, report=False, scenarios=(LEFT,))
        edit(run.folder, lambda line, winner=winner: line | {
            "success": line["index"] == winner,
            "scenario": (LEFT, "1box_hori_left")[line["index"]]})
        write_json(run.folder / "summary.json", {"episodes_sha256": episodes_sha256(run.lines())})
        runs.append(run.folder)
    (verdict,) = compare(*runs).verdicts
    assert verdict.startswith("underpowered: B (b) minus A (a) is +0.0 points [-] in success; ")


@pytest.mark.parametrize("pairs", [1, 4])
def test_few_pairs_that_all_differ_alike_do_not_say_that_few_more_would_do(tmp_path, pairs):
    (verdict,) = compare(*folders(tmp_path, never, always, episodes=pairs)).verdicts
    # As of any two policies: variance 0.3, (2.80 / 0.05)^2 * 0.3 = 942.
    assert f"a difference of 5.0 points needs about 942 episodes, here are {pairs}" in verdict


def test_enough_episodes_that_do_not_decide_say_what_remains_possible(tmp_path):
    wins = [lambda s, i: i % 25 != 0, lambda s, i: i % 25 not in (1, 2)]  # 12 and 24 are lost
    (verdict,) = compare(*folders(tmp_path, *wins, episodes=300), min_effect=0.06).verdicts
    assert verdict.startswith("not decided: B (b) minus A (a) is ")
    assert verdict.endswith(" points remain possible")


def test_a_number_that_few_pairs_have_is_compared_over_these(tmp_path):
    """Six of forty pairs have a side, and all six went to A: some draws of layouts have none."""
    runs = []
    for name in "ab":
        run = finished(tmp_path, always, 40, name=name, report=False)
        edit(run.folder, lambda line, name=name: line | {
            "side_compliant": name == "a" if line["index"] < 6 else None})
        write_json(run.folder / "summary.json", {"episodes_sha256": episodes_sha256(run.lines())})
        runs.append(run.folder)
    (each,) = compare(*runs, metric="side_compliant").contrasts
    assert (each.decides.pairs, each.better) == (6, "baseline")
    assert each.verdict == ("A (a) is better than B (b) by 100.0 points [100.0, 100.0] in side "
                            "compliant, p = 0.031")


def test_a_layouts_left_and_right_are_one_witness(tmp_path):
    runs = folders(tmp_path, never, lambda s, i: i < 5, episodes=8, scenarios=(LEFT, RIGHT))
    (each,) = compare(*runs).contrasts
    assert (len(each.pairs.baseline), each.layouts) == (16, 8)
    assert each.p_mcnemar == 2 / 2 ** 10  # as if ten
    assert each.decides.p == 2 / 2 ** 5  # five layouts
    assert each.better is None


def test_holm_makes_two_comparisons_more_careful_than_one(tmp_path):
    runs = folders(tmp_path, never, lambda s, i: i < 6, lambda s, i: i < 6)
    alone, both = compare(*runs[:2]).contrasts[0], compare(*runs).contrasts
    assert alone.decides.p_holm == 2 / 2 ** 6 <= 0.05
    assert [each.decides.p_holm for each in both] == [4 / 2 ** 6] * 2
    assert (alone.better, both[0].better) == ("other", None)


def test_other_metrics_have_differences_and_p_values_of_their_own(tmp_path):
    (each,) = compare(*folders(tmp_path, never, always)).contrasts
    also = {found.metric: found for found in each.also}
    assert set(also) == set(ALSO)
    assert also["spl"].difference == 1.0
    assert also["reach"].difference == 0.0
    assert also["reach"].p_holm == 1.0
    assert also["jerk_m_s3"].pairs == 0  # too short where it is lost
    assert also["jerk_m_s3"].difference is None


def test_another_metric_can_decide_and_less_time_is_better(tmp_path):
    found = compare(*folders(tmp_path, always, never), metric="time_s", min_effect=0.1)
    assert found.contrasts[0].decides.difference == pytest.approx(-0.8)  # two decisions less
    assert found.verdicts[0].startswith("B (b) is better than A (a) by 0.8 s [0.8, 0.8] in time s "
                                        "(less is better), p = ")


def test_errors_and_what_only_one_drove_are_left_out_and_counted(tmp_path):
    wrong = finished(tmp_path, lambda s, i: None if i < 2 else True, 8, name="a", report=False)
    more = finished(tmp_path, always, 12, name="b", report=False)
    (each,) = compare(wrong.folder, more.folder).contrasts
    assert len(each.pairs.baseline) == 6
    assert (each.pairs.errors, each.pairs.unpaired) == ((2, 0), (0, 4))


@pytest.mark.parametrize(("changed", "said"), [
    ({"renderer": "fast-7"}, "renderer is 'tiny-1' in the first and 'fast-7' in the second"),
    ({"source": "real"}, "source is 'simulated' in the first and 'real' in the second"),
    ({"config": {"loop": "closed", "seed": 3, "instruction": "default"}},
     r"seed \(--seed\) is 0 in the first and 3"),
    ({"version": "f" * 16}, f"{LEFT} is version 0123456789abcdef in the first and fff"),
    ({"first": 500}, "have no episode in common"),
    ({"config": {"loop": "open", "seed": 0, "instruction": "default"}}, "run of the open loop"),
    ({"planned": 30}, "holds 20 of 30 episodes; finish it with .*--resume"),
])
def test_runs_that_cannot_pair_say_what_differs(tmp_path, changed, said):
    mine = finished(tmp_path, always, 20, report=False)
    theirs = finished(tmp_path, always, 20, name="b", report=False, **changed)
    with pytest.raises(ValueError, match=said):
        compare(mine.folder, theirs.folder)


def test_another_layout_of_the_same_seed_is_refused(tmp_path):
    mine, theirs = (finished(tmp_path, always, 2, name=name) for name in "ab")
    edit(theirs.folder, lambda line: line | {"variation": line["variation"] | {"distance": "near"}})
    write_report(theirs, theirs.lines())
    with pytest.raises(ValueError, match="seed 0: variation .*'far'.* in .*'near'"):
        compare(mine.folder, theirs.folder)


def test_edited_episodes_are_refused_and_a_run_without_summary_too(tmp_path):
    mine, theirs = (finished(tmp_path, always, 2, name=name) for name in "ab")
    edit(theirs.folder, lambda line: line | {"success": False})
    with pytest.raises(ValueError, match=r"episodes.jsonl: was edited since it was judged"):
        compare(mine.folder, theirs.folder)
    (theirs.folder / "summary.json").write_text("{}")
    with pytest.raises(ValueError, match="holds no hash of the episodes.*eval.score"):
        compare(mine.folder, theirs.folder)
    (theirs.folder / "summary.json").unlink()
    with pytest.raises(ValueError, match="the run is not finished"):
        compare(mine.folder, theirs.folder)
    with pytest.raises(ValueError, match="is given twice"):
        compare(mine.folder, mine.folder)


@pytest.mark.parametrize(("runs", "options", "said"), [
    (1, {}, "Give two folders or more, got 1"),
    (2, {"metric": "sucess"}, "Unknown metric 'sucess'. Did you mean 'success'"),
    (2, {"alpha": 0.0}, "alpha must be above 0"), (2, {"min_effect": 0.0}, "min_effect above 0")])
def test_wrong_questions_are_refused(tmp_path, runs, options, said):
    with pytest.raises(ValueError, match=said):
        compare(*folders(tmp_path, always, never)[:runs], **options)


def test_what_else_differs_is_listed_and_random_weights_are_said_loudly(tmp_path):
    mine = finished(tmp_path, always, 2, report=False)
    facts = json.loads((mine.folder / "run.json").read_text())
    other = finished(tmp_path, always, 2, name="b", report=False, batch_size=4,
                     robot={"name": "other"})
    run_json = other.folder / "run.json"
    run_json.write_text(json.dumps(json.loads(run_json.read_text()) | {
        "policy": facts["policy"] | {"weights": "random"}}))
    found = compare(mine.folder, other.folder)
    assert "robot.name: serbot -> other" in found.contrasts[0].pairs.differs
    assert any(each.startswith("batch_size: 1 -> 4 (") for each in found.contrasts[0].pairs.differs)
    assert [each[:18] for each in found.warnings] == ["B (by_hand): RANDO"]


def test_json_holds_all_numbers_and_no_nan(tmp_path):
    content = compare(*folders(tmp_path, never, always)).as_json()
    text = json.dumps(content, allow_nan=False)
    (row,) = json.loads(text)["comparisons"]
    assert (row["decides"]["difference"], row["difference_is"]) == (1.0, "other minus baseline")
    assert (row["better"], row["better_run"], row["better_by"]) == ("other", "B (b)", [1.0] * 3)
    assert not any(isinstance(each, float) and math.isnan(each)
                   for row in content["comparisons"][0]["also"] for each in row.values())


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_decide(tmp_path, metric):
    (each,) = compare(*folders(tmp_path, every(2), always), metric=metric).contrasts
    assert each.decides.metric == metric
    assert each.verdict


def test_the_command_prints_a_verdict_and_writes_json(tmp_path):
    runs = folders(tmp_path, every(2), always)
    done = command(*runs, "--json", tmp_path / "found" / "c.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-1].startswith(
        "B (b) is better than A (a) by 50.0 points [")
    assert "Both 10, only A (a) 0, only B (b) 10, neither 0" in done.stdout
    assert json.loads((tmp_path / "found" / "c.json").read_text())["metric"] == "success"


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path):
    (run,) = folders(tmp_path, always)
    done = command(run, tmp_path / "nothing")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "is no run" in done.stderr


def test_judging_a_run_anew_makes_it_comparable_again(tmp_path, monkeypatch):
    mine, theirs = (finished(tmp_path, always, 2, name=name) for name in "ab")
    edit(theirs.folder, lambda line: line | {"success": False})
    monkeypatch.setattr("eval.results.load_record", lambda run, line: WON)
    score(theirs.folder)
    assert compare(mine.folder, theirs.folder).contrasts[0].decides.difference == 0.0


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "eval.compare", *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True)


def edit(folder, change):
    path = folder / "episodes.jsonl"
    lines = [json.dumps(change(json.loads(line))) for line in path.read_text().splitlines()]
    path.write_text("".join(line + "\n" for line in lines))

