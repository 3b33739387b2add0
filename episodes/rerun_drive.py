"""An episode in the Rerun viewer: pictures, commands and words on one timeline (extra `rerun`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rerun as rr

from episodes.drawing import frame_times_s
from episodes.hdf5 import Episode
from episodes.packing import pack_jpeg

APPLICATION, TIMELINE = "mobile-vla-bench", "time"
COMMANDS = ("linear_x", "linear_y", "angular_z")


def write(episode: Episode, path: Path) -> None:
    """Write a recording; pictures as JPEG of quality 95."""
    stream = rr.RecordingStream(APPLICATION, recording_id=episode.name)
    stream.save(str(path))
    stream.log("instruction", rr.TextDocument(episode.instruction or ""), static=True)
    at_s = np.concatenate([[0.0], np.cumsum(frame_times_s(episode)[:-1])])
    for second, picture, command, event in zip(at_s, episode.images, episode.commands,
                                               episode.events):
        stream.set_time(TIMELINE, duration=float(second))
        stream.log("camera", rr.EncodedImage(contents=pack_jpeg(picture), media_type="image/jpeg"))
        stream.log("event", rr.TextLog(event))
        for name, value in zip(COMMANDS, command.tolist()):
            stream.log(f"commands/{name}", rr.Scalars([value]))
    stream.flush()
    stream.disconnect()
