"""Bags become episodes: written by `rosbags`, as ROS 2 itself would, in both storages."""

import io

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from envs import load_robot
from episodes.convert import Options, convert
from episodes.hdf5 import find_episodes, read_episode
from episodes.rosbag import Told, read_bag

TYPES = get_typestore(Stores.ROS2_HUMBLE)
STORAGES = {"sqlite3": StoragePlugin.SQLITE3, "mcap": StoragePlugin.MCAP}
START_S = 1_760_000_000.0
RED = (250, 20, 10)
ROBOT = load_robot()


def kind(name):
    return TYPES.types[name]


def vector(x=0.0, y=0.0, z=0.0):
    return kind("geometry_msgs/msg/Vector3")(x=x, y=y, z=z)


def twist(vx, vy, wz):
    return kind("geometry_msgs/msg/Twist")(linear=vector(vx, vy), angular=vector(z=wz))


def header():
    return kind("std_msgs/msg/Header")(
        stamp=kind("builtin_interfaces/msg/Time")(sec=0, nanosec=0), frame_id="camera_frame")


def stamped(vx, vy, wz):
    return kind("geometry_msgs/msg/TwistStamped")(header=header(), twist=twist(vx, vy, wz))


def picture(brightness=0, encoding="bgr8", size=(24, 32), padding=0):
    rgb = np.zeros((*size, 3), np.uint8)
    rgb[:] = RED
    rgb[0] = brightness
    pixels = rgb[..., ::-1] if encoding == "bgr8" else rgb
    rows = np.pad(pixels.reshape(size[0], -1), ((0, 0), (0, padding)))
    return kind("sensor_msgs/msg/Image")(
        header=header(), height=size[0], width=size[1], encoding=encoding, is_bigendian=0,
        step=rows.shape[1], data=rows.reshape(-1))


def compressed(brightness=0, form="JPEG", size=(24, 32)):
    rgb = np.zeros((*size, 3), np.uint8)
    rgb[:] = RED
    rgb[:8] = brightness
    written = io.BytesIO()
    Image.fromarray(rgb).save(written, form, quality=95)
    return kind("sensor_msgs/msg/CompressedImage")(
        header=header(), format=form.lower(), data=np.frombuffer(written.getvalue(), np.uint8))


def bag(folder, messages, storage="sqlite3"):
    """`messages`: (topic, seconds since the start, message)."""
    with Writer(folder, version=9, storage_plugin=STORAGES[storage]) as writer:
        lines = {}
        for topic, at_s, message in sorted(messages, key=lambda each: each[1]):
            name = message.__msgtype__
            if topic not in lines:
                lines[topic] = writer.add_connection(topic, name, typestore=TYPES)
            writer.write(lines[topic], round((START_S + at_s) * 1e9),
                         TYPES.serialize_cdr(message, name))
    return folder


def pictures(until_s, make=picture, topic="/camera", since_s=0.0):
    """30 a second; the first row's brightness counts tenths of seconds."""
    times = np.arange(since_s, until_s, 1 / 30)
    return [(topic, at_s, make(int(at_s * 10))) for at_s in times]


def velocities(commands, since_s=1.0, make=twist):
    """One every 0.4 s, repeated at 10 Hz as controllers do."""
    return [("/cmd_vel", since_s + 0.4 * number + part / 10, make(*command))
            for number, command in enumerate(commands) for part in range(4)]


DRIVE = [(0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, -1.0)]
UNITS = [[0, 0, 0], [1.15, 0, 0], [0, 1.15, 0], [0, 0, -1.15], [0, 0, -1.15]]  # 0.4 s longer


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("make_picture", [picture, compressed])
@pytest.mark.parametrize("make_velocity", [twist, stamped])
def test_a_bag_becomes_an_episode_of_decisions(tmp_path, storage, make_picture, make_velocity):
    path = bag(tmp_path / "bag", [*pictures(4.0, make_picture),
                                  *velocities(DRIVE, make=make_velocity)], storage)
    (episode,) = read_bag(path, ROBOT, Told("2box_hori_left"))
    assert episode.events == ("episode_start", *4 * ["start_action"])
    assert episode.commands == pytest.approx(np.array(UNITS))
    assert episode.time_s[:4] == pytest.approx([0.0, 0.0, 0.4, 0.8])
    tenths = episode.images[:4, 0, 0, 0].astype(int)
    assert tenths == pytest.approx([10, 10, 14, 18], abs=1.5)  # what was seen when it was decided
    assert episode.images[0, 20, 20].tolist() == pytest.approx(RED, abs=6)  # RGB, whatever came
    assert "left side" in episode.instruction
    assert (episode.scenario, episode.source) == ("2box_hori_left", "real")


def test_rgb_and_padded_rows_are_understood(tmp_path):
    def padded(brightness):
        return picture(brightness, "rgb8", padding=5)

    path = bag(tmp_path / "bag", [*pictures(3.0, padded), *velocities(DRIVE)])
    (episode,) = read_bag(path, ROBOT)
    assert episode.images.shape[1:] == (24, 32, 3)
    assert episode.images[0, 20, 31].tolist() == list(RED)


def test_the_laboratorys_raw_numbers_are_commands_already(tmp_path):
    path = bag(tmp_path / "bag", [*pictures(3.0), *velocities([(1.15, -1.15, 0.0)])])
    (episode,) = read_bag(path, ROBOT, Told(wire="lab"))
    assert episode.commands[1].tolist() == pytest.approx([1.15, -1.15, 0.0])


def test_velocities_beyond_the_robots_are_cut_and_counted(tmp_path):
    path = bag(tmp_path / "bag", [*pictures(4.0), *velocities([(0.5, 0, 0), (0.6, 0, 0)])])
    (episode,) = read_bag(path, ROBOT)
    assert episode.commands[:, 0] == pytest.approx([0.0, *[1.15] * 3])
    assert episode.cut_count == 2  # 0.4 s longer: it lasts a while


def test_a_break_without_pictures_begins_another_episode(tmp_path):
    path = bag(tmp_path / "bag", [
        *pictures(3.0), *pictures(9.0, since_s=6.0), *pictures(15.0, since_s=12.0),
        *velocities(DRIVE), *velocities(DRIVE[:1], since_s=7.0)])  # nothing moves in the last
    first, second = read_bag(path, ROBOT)
    assert first.commands[1].tolist() == pytest.approx(UNITS[1])
    assert second.commands.tolist() == [UNITS[0], *2 * [pytest.approx(UNITS[1])]]
    assert first.name < second.name


def test_a_stop_within_a_drive_is_a_decision_too(tmp_path):
    path = bag(tmp_path / "bag", [*pictures(5.0), *velocities(DRIVE[:1]),
                                  *velocities(DRIVE[:1], since_s=3.0)])
    (episode,) = read_bag(path, ROBOT)
    assert episode.events == ("episode_start", *2 * ["start_action"], *3 * ["stop_action"],
                              *2 * ["start_action"])


@pytest.mark.parametrize("encoding", ["mono8", "yuv422", "16UC1", ""])
def test_other_encodings_are_refused_in_a_sentence(tmp_path, encoding):
    path = bag(tmp_path / "bag", [*pictures(3.0, lambda _: picture(encoding=encoding)),
                                  *velocities(DRIVE)])
    with pytest.raises(ValueError, match=f"bag: picture .*{encoding!r}, expected rgb8 or bgr8"):
        list(read_bag(path, ROBOT))


def broken(_):
    message = compressed()
    message.data = message.data[:50]
    return message


@pytest.mark.parametrize(("messages", "told", "says"), [
    ([*pictures(3.0)], {}, r"one topic of velocities, got /camera \(sensor_msgs/msg/Image\)"),
    ([*velocities(DRIVE)], {}, "one topic of pictures, got /cmd_vel"),
    ([*pictures(3.0), *pictures(3.0, topic="/second"), *velocities(DRIVE)], {},
     "got /camera, /second; name the topic"),
    ([*pictures(3.0), *velocities(DRIVE)], {"image_topic": "/rear"}, "pictures /rear, got /camera"),
    ([*pictures(3.0), *velocities([(0.0, 0.0, 0.0)])], {}, "nothing moves"),
    ([*pictures(3.0), *velocities([(np.nan, 0.0, 0.0)])], {}, "not finite"),
    ([*pictures(3.0), *velocities([(50.0, 0.0, 0.0)])], {}, "more than ten times"),
    ([*pictures(1.5), *pictures(3.0, lambda _: picture(size=(12, 16)), since_s=1.5),
      *velocities(DRIVE)], {}, "change their size"),
    ([*pictures(3.0, broken), *velocities(DRIVE)], {}, "cannot be read"),
])
def test_what_is_no_drive_is_refused_in_a_sentence(tmp_path, messages, told, says):
    path = bag(tmp_path / "bag", messages)
    with pytest.raises(ValueError, match=says) as refused:
        list(read_bag(path, ROBOT, Told(**told)))
    assert str(refused.value).startswith(f"{path}: ")


def test_a_topic_may_be_named_where_there_are_several(tmp_path):
    path = bag(tmp_path / "bag", [*pictures(3.0), *velocities(DRIVE), *pictures(
        3.0, lambda _: picture(size=(12, 16)), "/second")])
    (episode,) = read_bag(path, ROBOT, Told(image_topic="/second"))
    assert episode.images.shape[1:3] == (12, 16)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.95])
def test_a_bag_that_was_cut_off_is_refused_in_a_sentence(tmp_path, storage, share):
    path = bag(tmp_path / "bag", [*pictures(3.0), *velocities(DRIVE)], storage)
    (content,) = [each for each in path.iterdir() if each.suffix in (".db3", ".mcap")]
    content.write_bytes(content.read_bytes()[:int(share * content.stat().st_size)])
    with pytest.raises(ValueError, match=str(path)):
        list(read_bag(path, ROBOT))


@pytest.mark.parametrize("name", ["absent", "empty", "text.bag", "text.mcap"])
def test_what_is_no_bag_is_refused_in_a_sentence(tmp_path, name):
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    elif name != "absent":
        path.write_text("no bag", encoding="utf-8")
    with pytest.raises(ValueError, match="bag"):
        list(read_bag(path, ROBOT))


@pytest.mark.parametrize(("words", "says"), [({"source": "dream"}, "source must be one of real"),
                                             ({"wire": "mph"}, "wire must be one of si, lab")])
def test_unknown_words_are_refused(words, says):
    with pytest.raises(ValueError, match=says):
        Told(**words)


def test_a_folder_of_bags_becomes_files_and_a_damaged_bag_a_sentence(tmp_path):
    for name, since_s in (("first", 1.0), ("second", 1.5)):
        bag(tmp_path / "in" / name, [*pictures(4.0), *velocities(DRIVE, since_s)])
    (tmp_path / "in" / "torn.mcap").write_text("no bag", encoding="utf-8")
    report = convert(Options(tmp_path / "in", tmp_path / "out", from_="rosbag",
                             scenario="2box_hori_left"))
    assert [odd.sentence.split(": ")[0] for odd in report.left_out] == [
        str(tmp_path / "in" / "torn.mcap")]
    first, second = (read_episode(path) for path in find_episodes(tmp_path / "out"))
    for episode in (first, second):
        assert episode.commands == pytest.approx(np.array(UNITS))
        assert episode.images[0, 20, 20].tolist() == list(RED)
    assert first.time_s[:4] == pytest.approx([0.0, 0.0, 0.4, 0.8])
    with pytest.raises(ValueError, match="Did you mean 'serbot'"):
        convert(Options(tmp_path / "in", tmp_path / "no", from_="rosbag", robot="serbott"))


@pytest.mark.parametrize("storage", STORAGES)
def test_a_bag_whose_recorder_was_killed_and_those_below_are_found(tmp_path, storage):
    for number, place in enumerate(("whole", "killed", "day/deeper")):
        folder = tmp_path / "in" / place
        folder.parent.mkdir(parents=True, exist_ok=True)
        bag(folder, [*pictures(4.0), *velocities(DRIVE, 1.0 + number / 2)], storage)
    (tmp_path / "in" / "killed" / "metadata.yaml").unlink()  # it is written last
    report = convert(Options(tmp_path / "in", tmp_path / "out", from_="rosbag",
                             scenario="2box_hori_left"))
    assert (report.converted, report.left_out) == (3, [])
