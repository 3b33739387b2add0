"""Episodes out of ROS bags: rosbag2 (sqlite3, MCAP) and ROS 1, through `rosbags`, without ROS.

A bag is a stream, an episode a row of decisions. So pictures are taken every 0.4 s from the first
motion on, each with the velocity that was in force then; what lies before the first motion and
behind the last is left out. Where no picture came for 2 s, another episode begins.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.interface import COMMAND_LIMIT, RobotSpec
from episodes.guard import MAX_PIXEL_BYTES
from episodes.hdf5 import Episode, default_instruction, events_of
from episodes.names import EpisodeName
from episodes.record import SOURCES
from episodes.ros_pictures import picture_of

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
VELOCITIES = ("geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped")
WIRES = ("si", "lab")  # m/s and rad/s, or the laboratory's raw +-1.15
GAP_S = 2.0  # without a picture for so long, another episode begins
LIFE_S = 0.4  # a velocity counts no longer than on our robot
ROUNDING = 1e-3  # of a command, which is no speed beyond the robot's
DAMAGE = (OSError, KeyError, IndexError, OverflowError)
MOST_VELOCITIES = 10_000_000
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Told:
    """What a bag does not say itself."""

    scenario: str | None = None
    instruction: str | None = None  # the scenario's English sentence where there is none
    source: str = "real"
    wire: str = "si"  # one of WIRES: what a Twist's numbers are
    image_topic: str | None = None  # the only one of its kind where not given
    velocity_topic: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        for name, known in (("source", SOURCES), ("wire", WIRES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got "
                                 f"{getattr(self, name)!r}.")


def read_bag(path: str | Path, robot: RobotSpec, told: Told | None = None) -> Iterator[Episode]:
    """The episodes of a bag, one after the other; only one is in memory at a time.

    Args:
        path: A folder of rosbag2, or a file of ROS 1.
        robot: Says what m/s are in command units, and how long a decision is.
        told: What the bag does not say.

    Raises:
        ValueError: one sentence naming the bag: no bag, damaged, no such topic, a picture's
            encoding, nothing that moves.
    """
    path, told = Path(path), told or Told()
    if not path.exists():
        raise ValueError(f"{path}: no such bag, expected a folder of rosbag2 or a .bag, .mcap or "
                         ".db3 file.")
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.serde import SerdeError
        from rosbags.typesys import Stores, TypesysError, get_typestore
    except ModuleNotFoundError as error:
        raise ValueError(f"Reading bags needs {error.name}: pip install "
                         "'mobile-vla-bench[rosbag]'.") from error
    broken: tuple[type[Exception], ...] = (AnyReaderError, SerdeError, TypesysError, *DAMAGE,
                                           *_storage_errors())
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
            yield from _episodes(_Bag(reader, told), path, robot, told)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except broken as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: damaged or no bag ({reason}); expected a folder of rosbag2 with "
                         f"its metadata.yaml, or a file of ROS 1.") from error


def _storage_errors() -> tuple[type[Exception], ...]:
    """What the libraries below `rosbags` raise where a file is damaged."""
    import struct

    import apsw

    return apsw.Error, struct.error


class _Bag:
    """The two topics of an open bag that matter."""

    def __init__(self, reader: AnyReader, told: Told) -> None:
        self._reader = reader
        self._images = _only(reader, IMAGES, told.image_topic, "pictures")
        self._velocities = _only(reader, VELOCITIES, told.velocity_topic, "velocities")

    def times(self) -> np.ndarray:
        """When each picture came: [N] int64, ns."""
        return np.array([time_ns for _, time_ns, _ in self._reader.messages(self._images)],
                        np.int64)

    def velocities(self) -> tuple[np.ndarray, np.ndarray]:
        """When each velocity came, [N] int64 ns, and what it was, [N, 3] float64 as on the wire."""
        times, found = [], []
        for connection, time_ns, raw in self._reader.messages(self._velocities):
            message: Any = self._reader.deserialize(raw, connection.msgtype)
            twist = message.twist if connection.msgtype == VELOCITIES[1] else message
            times.append(time_ns)
            found.append((twist.linear.x, twist.linear.y, twist.angular.z))
            if len(times) > MOST_VELOCITIES:
                raise ValueError(f"holds more than {MOST_VELOCITIES} velocities.")
        if not np.isfinite(found).all():
            raise ValueError("holds a velocity that is not finite.")
        return np.array(times, np.int64), np.array(found, np.float64).reshape(-1, 3)

    def pictures(self, first_ns: int, last_ns: int,
                 wanted: Sequence[int]) -> Iterator[np.ndarray]:
        """Of the pictures that came from one moment to another, those of these numbers, in order.

        One that is wanted twice comes twice.
        """
        numbers = iter(wanted)
        want = next(numbers, None)
        for number, (connection, _, raw) in enumerate(
                self._reader.messages(self._images, int(first_ns), int(last_ns) + 1)):
            picture = None
            while want == number:
                if picture is None:
                    picture = _decoded(self._reader.deserialize(raw, connection.msgtype), number)
                yield picture
                want = next(numbers, None)


def _only(reader: AnyReader, kinds: Sequence[str], topic: str | None, what: str) -> list[Any]:
    """The connections of the topic that was named, or of the only one of these kinds."""
    found = [each for each in reader.connections if each.msgtype in kinds]
    topics = sorted({each.topic for each in found})
    if topic is None and len(topics) == 1:
        topic = topics[0]
    if topic not in topics:
        every = sorted({f"{each.topic} ({each.msgtype})" for each in reader.connections})
        raise ValueError(f"expected one topic of {what}{f' {topic}' if topic else ''}, got "
                         f"{', '.join(topics or every) or 'nothing'}; name the topic.")
    return [each for each in found if each.topic == topic]


def _decoded(message: Any, number: int) -> np.ndarray:
    try:
        return picture_of(message)
    except ValueError as error:
        raise ValueError(f"picture {number}: {error}") from error


def _episodes(bag: _Bag, path: Path, robot: RobotSpec, told: Told) -> Iterator[Episode]:
    pictures_ns, (told_ns, velocities) = bag.times(), bag.velocities()
    commands = commands_of(velocities, robot, told.wire)
    moving = told_ns[np.abs(commands).max(axis=1, initial=0.0) > robot.dead_band]
    gaps = np.flatnonzero(np.diff(pictures_ns) > GAP_S * SECOND_NS) + 1
    count = 0
    for stretch in np.split(pictures_ns, gaps):
        if not len(stretch):
            continue
        driven = moving[(moving >= stretch[0]) & (moving <= stretch[-1])]
        if len(driven):
            samples_ns = _samples(driven, stretch, robot.decision_s)
            rows = np.array([_in_force(told_ns, commands, moment, robot.decision_s)
                             for moment in samples_ns])
            yield _episode(bag, path, told, stretch, samples_ns, rows)
            count += 1
    if not count:
        raise ValueError(f"nothing moves in it while pictures come: {len(pictures_ns)} pictures, "
                         f"{len(told_ns)} velocities.")


def commands_of(velocities: np.ndarray, robot: RobotSpec, wire: str) -> np.ndarray:
    """Velocities [N, 3] as on the wire, as commands [N, 3] float64; `cut` brings them within range.

    Raises:
        ValueError: for velocities far beyond what the robot can do.
    """
    full = (robot.speed_m_s, robot.speed_m_s, robot.turn_rate_rad_s)
    found = velocities if wire == "lab" else velocities / full * COMMAND_LIMIT
    if len(found) and np.abs(found).max() > 10 * COMMAND_LIMIT:
        raise ValueError(f"velocities reach {np.abs(velocities).max():.3g}, more than ten times "
                         f"what {robot.name} can do; wire {wire!r} is not what they are in.")
    return found


def cut(commands: np.ndarray) -> tuple[np.ndarray, int]:
    """Commands [N, 3] as float32 within their range, and how many were beyond it."""
    beyond = (np.abs(commands) > COMMAND_LIMIT + ROUNDING).any(axis=1)
    return np.clip(commands, -COMMAND_LIMIT, COMMAND_LIMIT).astype(np.float32), int(beyond.sum())


def _samples(driven: np.ndarray, stretch: np.ndarray, decision_s: float) -> np.ndarray:
    """Moments [N] of decisions: from the first motion past the last, which still lasts a while."""
    step_ns = round(decision_s * SECOND_NS)
    return np.arange(driven[0], min(driven[-1] + step_ns, stretch[-1]) + 1, step_ns)


def _in_force(told_ns: np.ndarray, commands: np.ndarray, moment: int,
              decision_s: float) -> np.ndarray:
    """The command [3] of a decision: the first one given in it, else the one that still counts."""
    at = bisect.bisect_left(told_ns, moment)
    if at < len(told_ns) and told_ns[at] < moment + decision_s * SECOND_NS:
        return commands[at]
    if at and moment - told_ns[at - 1] < LIFE_S * SECOND_NS:
        return commands[at - 1]
    return np.zeros(3)


def _episode(bag: _Bag, path: Path, told: Told, stretch: np.ndarray, samples_ns: np.ndarray,
             rows: np.ndarray) -> Episode:
    """One episode; its first frame shows the first picture and no motion, as the laboratory's."""
    seen = np.maximum(np.searchsorted(stretch, samples_ns, side="right") - 1, 0).tolist()
    seen = [seen[0], *seen]
    images: np.ndarray | None = None
    for frame, picture in enumerate(bag.pictures(stretch[0], stretch[-1], seen)):
        if images is None:
            _check_room(len(seen), picture.shape)
            images = np.empty((len(seen), *picture.shape), np.uint8)
        if picture.shape != images.shape[1:]:
            raise ValueError(f"pictures change their size from {images.shape[1:3]} to "
                             f"{picture.shape[:2]}.")
        images[frame] = picture
    assert images is not None  # there was a picture in this stretch
    rows, cut_count = cut(rows)
    commands = np.vstack([np.zeros((1, 3), np.float32), rows])
    time_s = np.concatenate([[0.0], (samples_ns - samples_ns[0]) / SECOND_NS])
    started = datetime.fromtimestamp(samples_ns[0] / SECOND_NS)
    return Episode(
        images=images, commands=commands, events=("episode_start", *events_of(rows)),
        name=str(EpisodeName(started, told.scenario)), scenario=told.scenario, pattern=None,
        distance=None, instruction=told.instruction or default_instruction(told.scenario),
        source=told.source, total_duration_s=float(time_s[-1]), time_s=time_s, path=path,
        cut_count=cut_count)


def _check_room(frames: int, shape: tuple[int, ...]) -> None:
    """Refuse an episode that could not be stored."""
    if frames * int(np.prod(shape)) > MAX_PIXEL_BYTES:
        raise ValueError(f"an episode has {frames} pictures of {shape[1]} x {shape[0]}, expected "
                         f"at most {MAX_PIXEL_BYTES // 1024**3} GiB of pixels; split the bag.")
