"""Every episode of a run in the Rerun viewer: way, boxes, cup, commands, latencies, films.

Metres, x forward, y left, z up; the timeline `time` is the world's clock. Records hold no heights:
boxes are drawn as high as the scenarios have them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rerun as rr

from envs.interface import TICK_S
from episodes.record import Record
from eval.maps import Outcome, outcome
from eval.results import Run, load_record

APPLICATION = "mobile-vla-bench"
TIMELINE = "time"
BOX_HEIGHT_M, CUP_RADIUS_M = 0.30, 0.045
COMMANDS = ("linear_x", "linear_y", "angular_z")


def write(run: Run, path: Path) -> None:
    """Write the recording.

    Raises:
        ValueError: for a run of the open loop, which drove nowhere.
    """
    if run.facts["config"]["loop"] != "closed":
        raise ValueError(f"{run.folder}: is a run of the open loop; nothing was driven that could "
                         f"be shown. Export it to csv, parquet or tensorboard.")
    stream = rr.RecordingStream(APPLICATION, recording_id=run.folder.name)
    begun = path.with_name(f"{path.name}.begun")
    stream.save(str(begun))
    stream.log("/", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    stream.log("run", rr.TextDocument(json.dumps(run.facts, indent=2, ensure_ascii=False)),
               static=True)
    for line in run.lines():
        record = load_record(run, line)
        _episode(stream, line["id"], record, outcome(line))
        film = run.videos / f"{line['id']}.mp4"
        if film.exists():
            _film(stream, f"{line['id']}/film", film)
    stream.flush()
    stream.disconnect()
    begun.replace(path)


def _episode(stream: rr.RecordingStream, name: str, record: Record, found: Outcome) -> None:
    decision_s = record.rules["decision_s"]
    way = np.column_stack([record.path[:, :2], np.zeros(len(record.path))])
    colour = [int(found.colour[at:at + 2], 16) for at in (1, 3, 5)]
    said = f"{found.name} ({record.ended_by}): {record.instruction}"
    stream.log(f"{name}/outcome", rr.TextDocument(said), static=True)
    stream.log(f"{name}/way", rr.LineStrips3D([way], colors=colour), static=True)
    stream.log(f"{name}/robot", rr.Points3D.from_fields(radii=record.rules["robot_radius_m"],
                                                        colors=colour), static=True)
    stream.send_columns(f"{name}/robot", [_at(np.arange(len(way)) * TICK_S)],
                        rr.Points3D.columns(positions=way))
    at_s = _at(np.arange(record.decisions) * decision_s)
    for number, axis in enumerate(COMMANDS):
        _curve(stream, f"{name}/commands/{axis}", at_s, record.sent[:, number])
    _curve(stream, f"{name}/latency_ms", at_s, 1000.0 * record.latency_s)
    for number, (boxes, cup) in enumerate(zip(record.boxes, record.cup)):
        stream.set_time(TIMELINE, duration=number * decision_s)
        stream.log(f"{name}/boxes", _boxes(boxes))
        stream.log(f"{name}/cup", rr.Points3D([[*cup, CUP_RADIUS_M]], radii=CUP_RADIUS_M,
                                              colors=[192, 57, 43]))
    stream.reset_time()


def _at(seconds: np.ndarray) -> rr.TimeColumn:
    return rr.TimeColumn(TIMELINE, duration=seconds)


def _curve(stream: rr.RecordingStream, name: str, at_s: rr.TimeColumn, values: np.ndarray) -> None:
    if len(values):
        stream.send_columns(name, [at_s], rr.Scalars.columns(scalars=values.astype(np.float64)))


def _boxes(boxes: np.ndarray) -> rr.Boxes3D:
    """From [B, 5]: x m, y m, yaw rad, length m, width m."""
    height = np.full(len(boxes), BOX_HEIGHT_M / 2)
    half_yaw = boxes[:, 2] / 2
    turned = np.zeros((len(boxes), 4))  # x, y, z, w
    turned[:, 2], turned[:, 3] = np.sin(half_yaw), np.cos(half_yaw)
    return rr.Boxes3D(centers=np.column_stack([boxes[:, :2], height]), quaternions=turned,
                      half_sizes=np.column_stack([boxes[:, 3:] / 2, height]), colors=[140, 109, 70])


def _film(stream: rr.RecordingStream, name: str, path: Path) -> None:
    """The video, shown at the world's time."""
    video = rr.AssetVideo(path=path)
    stream.log(name, video, static=True)
    at_ns = np.array(video.read_frame_timestamps_nanos())
    stream.send_columns(name, [_at(at_ns * 1e-9)],
                        rr.VideoFrameReference.columns_nanos(at_ns))
