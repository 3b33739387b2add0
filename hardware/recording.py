"""A drive as an episode file: what was seen and what was sent, by the writer of simulated ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from episodes.hdf5_writer import write_episode
from episodes.names import EpisodeName
from episodes.record import Record
from scenarios.schema import DISTANCES, PATTERNS


def keep(record: Record, folder: Path, profile: str, mode: str, why: str,
         started: datetime | None = None) -> Path:
    """Write a record whose pictures were kept; the file is there whole or not at all.

    Args:
        record: Of a drive; poses may be unknown (NaN).
        folder: Made if needed.
        profile: The robot's profile, by name.
        mode: Who drove.
        why: Of a safety stop; "" where there was none.
        started: For the file's name; now where not given.
    """
    said = record.variation["pattern"] in PATTERNS and record.variation["distance"] in DISTANCES
    name = EpisodeName(started or datetime.now(), record.scenario,
                       record.variation["pattern"] if said else None,
                       record.variation["distance"] if said else None)
    folder.mkdir(parents=True, exist_ok=True)
    return write_episode(folder / f"{name}.h5", record, "full",
                         facts={"robot_profile": profile, "mode": mode, "stopped": why})
