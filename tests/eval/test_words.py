import pytest

from eval.run import run
from eval.words import WORDINGS, wording
from scenarios import load

LEFT = load("1box_vert_left")


def test_swapped_words_are_those_of_the_other_side():
    other = load("1box_vert_right").instructions.english
    assert wording("@swapped", LEFT, 0) == other
    assert "left" not in other


def test_paraphrases_punctuation_and_capitals_take_turns_and_keep_the_side():
    paraphrases = [wording("@paraphrases", LEFT, index) for index in range(7)]
    assert paraphrases == [*LEFT.instructions.paraphrases, LEFT.instructions.paraphrases[0]]
    marked = {wording(name, LEFT, index) for name in ("@punctuation", "@capitals")
              for index in range(4)}
    assert len(marked) == 4 + 2
    assert all("left" in words.lower() for words in marked)
    assert f"{LEFT.instructions.english}." in marked


def test_nonsense_and_empty_name_no_side():
    for name in ("nonsense", "empty"):
        assert not any(side in wording(f"@{name}", LEFT, index).lower()
                       for side in ("left", "right") for index in range(3))


@pytest.mark.parametrize("name", WORDINGS)
def test_a_run_tells_each_episode_its_wording_and_says_so_loudly(name, tmp_path):
    found = run(policy="stop", scenario="1box_vert_left", episodes=2, videos=0, workers=0,
                instruction=f"@{name}", out=str(tmp_path))
    assert [line["instruction"] for line in found.episodes] == [
        wording(f"@{name}", LEFT, index) for index in range(2)]
    assert f"OTHER WORDS: each episode was told the wording @{name}." in found.summary["warnings"]


def test_a_wording_that_is_none_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="Unknown wording '@koraen'. Did you mean 'korean'"):
        run(policy="stop", instruction="@koraen", out=str(tmp_path))
    with pytest.raises(ValueError, match="belongs to the closed loop"):
        run(policy="stop", instruction="@korean", loop="open", data=str(tmp_path),
            out=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
