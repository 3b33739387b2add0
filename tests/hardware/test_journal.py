"""What is said of kept drives, and how far a collection has come."""

import pytest

from hardware.journal import FILE, Drive, Journal
from hardware.progress import progress, table

FIRST = "episode_20260801_101500_2box_hori_left_core_far"
SECOND = "episode_20260801_102000_2box_hori_left_variant_far"


@pytest.fixture
def journal(tmp_path):
    for stem in (FIRST, SECOND, "episode_20260801_103000"):
        (tmp_path / f"{stem}.h5").touch()
    return Journal(tmp_path)


def test_names_say_what_was_driven_and_lines_the_rest(journal):
    journal.note(Drive(FIRST, instruction="컵까지 가세요", mode="vla", ended_by="goal", frames=15))
    first, second, plain = journal.drives()
    assert (first.scenario, first.pattern, first.distance) == ("2box_hori_left", "core", "far")
    assert (first.instruction, first.ended_by, first.frames) == ("컵까지 가세요", "goal", 15)
    assert (second.pattern, second.ended_by) == ("variant", "")
    assert plain.scenario == ""


def test_the_last_verdict_counts_and_no_file_is_touched(journal):
    before = (journal.folder / f"{FIRST}.h5").stat().st_mtime_ns
    journal.judge(FIRST, "success")
    journal.judge(FIRST, "failure")
    assert [drive.verdict for drive in journal.drives()] == ["failure", "", ""]
    assert (journal.folder / f"{FIRST}.h5").stat().st_mtime_ns == before


@pytest.mark.parametrize(("episode", "verdict", "says"), [
    (FIRST, "great", "one of success, failure, unclear"), (FIRST[:-1], "success", "Did you mean"),
    ("../../etc/passwd", "success", "has no episode")])
def test_verdicts_are_words_about_episodes_that_are_there(journal, episode, verdict, says):
    with pytest.raises(ValueError, match=says):
        journal.judge(episode, verdict)
    assert not (journal.folder / FILE).exists()


@pytest.mark.parametrize("line", [b'{"episode": "epi', b"[1]", b"\xff\xfe", b'{"verdict": 3}', b"",
                                  b'{"episode": "nobody", "verdict": "success"}'])
def test_a_line_that_was_cut_off_or_is_none_is_passed_over(journal, line):
    journal.judge(FIRST, "success")
    with (journal.folder / FILE).open("ab") as file:
        file.write(line)
    assert [drive.verdict for drive in journal.drives()] == ["success", "", ""]


def test_failures_do_not_count_and_surplus_fills_no_other_cell():
    kept = [Drive("a", "2box_hori_left", "core", "far")] * 3
    failed = [Drive("b", "2box_hori_left", "core", "close", verdict="failure")]
    row = next(each for each in progress(kept + failed) if each.name == "2box_hori_left")
    assert {(cell.pattern, cell.distance): (cell.kept, cell.planned) for cell in row.cells} == {
        ("core", "close"): (0, 2), ("core", "medium"): (0, 3), ("core", "far"): (3, 1),
        ("variant", "close"): (0, 1), ("variant", "medium"): (0, 1), ("variant", "far"): (0, 2)}
    assert (row.kept, row.planned) == (1, 10)
    assert (row.next.pattern, row.next.distance) == ("core", "close")


def test_the_plan_is_eighty_episodes_and_is_shown_as_a_table():
    assert sum(each.planned for each in progress([])) == 80
    shown = table([Drive("a", "1box_vert_left", "core", "close")]).splitlines()
    assert len(shown) == 9
    assert shown[1].split() == ["1", "1box_vert_left", "1/2", "0/3", "0/1", "0/1", "0/1", "0/2",
                                "1/10"]
