"""LeRobotDataset v3.0 on the disk: its files, columns and limits, and which file comes next.

One folder holds many episodes: pictures as PNG in the parquet files (`image`) or in mp4 files
(`video`), and four files of what they are in `meta/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from episodes.record import SOURCES

VERSION = "v3.0"
CAMERA, STATE, ACTION = "observation.images.front", "observation.state", "action"
TIME = "time_s"  # not `observation.…`: LeRobot hands those to policies
NUMBERS = ("x.vel", "y.vel", "theta.vel")  # of an action, as LeRobot names them on a mobile base
INDEX_COLUMNS = ("timestamp", "frame_index", "episode_index", "index", "task_index")
STORAGES = ("image", "video")
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
ROBOT = "mobile_base_"  # begins our `robot_type`
SOURCE_OF = {f"{ROBOT}{source}": source for source in SOURCES}
OURS = "meta/mobile_vla_bench.json"  # what LeRobot has no place for; it does not read it
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
MB = 1024**2


@dataclass(frozen=True)
class Limits:
    """How much a file and a folder of files may hold; LeRobot's own numbers."""

    chunks_size: int = 1000  # files in one folder chunk-NNN
    data_files_size_in_mb: int = 100
    video_files_size_in_mb: int = 200

    def __post_init__(self) -> None:
        """Refuse what LeRobot refuses."""
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")


@dataclass(frozen=True)
class Place:
    """Which file of its kind."""

    chunk: int = 0
    file: int = 0

    def next(self, chunks_size: int) -> Place:
        """The file behind it; a full folder is followed by the next."""
        if self.file + 1 < chunks_size:
            return Place(self.chunk, self.file + 1)
        return Place(self.chunk + 1, 0)

    def path(self, template: str) -> str:
        """Its path below the data set's folder."""
        return template.format(chunk_index=self.chunk, file_index=self.file, video_key=CAMERA)

    def columns(self, prefix: str) -> dict[str, int]:
        """As an episode's row has it."""
        return {f"{prefix}/chunk_index": self.chunk, f"{prefix}/file_index": self.file}


def features(storage: str, size: tuple[int, int], numbers: int,
             video: dict[str, Any]) -> dict[str, Any]:
    """What `info.json` says of the columns.

    Args:
        storage: One of STORAGES.
        size: Height and width of all pictures.
        numbers: Of an action: 2 or 3.
        video: What it says of the mp4 files, where there are any.
    """
    camera: dict[str, Any] = {"dtype": storage, "shape": [*size, 3],
                              "names": ["height", "width", "channels"]}
    if storage == "video":
        camera["info"] = {"video.height": size[0], "video.width": size[1], **video}

    def column(kind: str, names: tuple[str, ...] | None = None) -> dict[str, Any]:
        return {"dtype": kind, "shape": [len(names) if names else 1],
                "names": list(names) if names else None}

    return {
        CAMERA: camera,
        STATE: column("float32", NUMBERS),
        ACTION: column("float32", NUMBERS[:numbers]),
        TIME: column("float64"),
        "timestamp": column("float32"),
        **{name: column("int64") for name in INDEX_COLUMNS[1:]},
    }
