import av
import numpy as np
import pytest

from eval.pictures import FPS, SIZE, VERDICT_S, VIEW, film, frames, verdict
from tests.eval.walks import straight, walk

LEFT_BOX = (1.0, 0.6, 0.0, 0.2, 0.2)
PURPLE = (180, 40, 200)


def seen(record_of=straight, **changed):
    """A record whose pictures are purple."""
    blank = record_of(**changed)
    rgb = np.full((blank.decisions + 1, 8, 8, 3), PURPLE, np.uint8)
    return record_of(rgb=rgb, **changed)


def test_the_video_plays_in_browsers_and_lasts_as_long_as_the_episode(tmp_path):
    film(seen(), tmp_path / "episode")
    with av.open(str(tmp_path / "episode.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width % 2, stream.height % 2) == (0, 0)
        count = sum(1 for _ in video.decode(video=0))
    assert count == 4 * 0.4 * FPS + VERDICT_S * FPS  # four decisions, then the verdict


def test_the_picture_from_above_is_a_png(tmp_path):
    film(seen(), tmp_path / "episode")
    assert (tmp_path / "episode.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["episode.mp4", "episode.png"]


def test_what_the_policy_saw_stands_on_the_left_and_the_map_moves():
    first, *_, last = frames(seen())
    left, top, width, height = VIEW
    assert first.shape == (SIZE[1], SIZE[0], 3)
    assert (first[top:top + height, left:left + width] == PURPLE).all()
    assert (first[:, left + width:] != last[:, left + width:]).any()


def test_each_moment_shows_the_picture_of_its_decision():
    record = seen()
    record.rgb[:] = np.arange(5, dtype=np.uint8)[:, None, None, None] * 50
    left, top, *_ = VIEW
    shown = [picture[top + 5, left + 5, 0] for picture in frames(record)]
    assert shown[:16] == [0] * 4 + [50] * 4 + [100] * 4 + [150] * 4
    assert set(shown[16:]) == {200}  # the last look, with the verdict


def test_a_record_without_pictures_cannot_be_filmed():
    with pytest.raises(ValueError, match="no pictures were kept"):
        next(frames(straight()))


@pytest.mark.parametrize(("record", "said"), [
    (straight(), (True, "SUCCESS: at the goal, passed on the left, nothing touched")),
    (straight(boxes=(LEFT_BOX,)), (False, "FAILED (goal): passed on the wrong side (right)")),
    (straight(touched={"cup": 1.55}, ended_by="contact"),
     (False, "FAILED (contact): touched cup at 1.6 s")),
    (walk((0, 0), (0.5, 0), ended_by="time"),
     (False, "FAILED (time): did not pass every box, never at the goal")),
    (straight(stops=0, ended_by="time"), (False, "FAILED (time): did not stand still at the goal")),
    (straight(ended_by="policy_error", error="No answer."),
     (False, "ERROR OF THE POLICY: No answer.")),
])
def test_the_verdict_says_why(record, said):
    assert verdict(record) == said


@pytest.mark.parametrize("instruction", [
    "", "가장 왼쪽 외곽으로 돌아 컵까지 가세요", "costs $5_ \\x", "far " * 99])
def test_any_instruction_can_be_shown(instruction, recwarn):
    next(frames(seen(instruction=instruction)))
    assert [str(each.message) for each in recwarn if "Glyph" in str(each.message)] == []


def test_an_episode_that_never_moved_is_shown():
    def nothing(**changed):
        return walk((0, 0), stops=0, ended_by="policy_error", error="No answer.", **changed)

    assert len(list(frames(seen(nothing)))) == VERDICT_S * FPS
