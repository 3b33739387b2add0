"""CALVIN's folders: one file a decision, and tables that say where episodes begin and end.

    training/episode_0001000.npz                 one decision; numbers go on through both folders
    training/ep_start_end_ids.npy                [E, 2] int64: first and last number, both included
    training/ep_lens.npy                         [E] int64
    training/lang_annotations/auto_lang_ann.npy  what CALVIN's loaders unpickle, see below
    training/lang_annotations/auto_lang_ann.json the same for whoever unpickles no files
    validation/...                               whole layouts that are held out

A decision is `rgb_static` [224, 224, 3] uint8 RGB, the whole view squeezed; `rel_actions` and
`actions` [3] float32, the command; `robot_obs` [3] float32, the command before it (zeros at first:
nothing measures where a robot of a recording is); `scene_obs` [0], which CALVIN's loader stacks.
There is no gripper, so there is no `rgb_gripper`. Beside CALVIN's own words stands, of each
episode, whether it is real, simulated or a dummy: `info/source`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from episodes.formats import Asked, held_out, layout_of
from episodes.hdf5 import Episode
from policies.picture import squeeze

SIZE = (224, 224)  # height, width
FOLDERS = ("training", "validation")
FIRST = 1000  # number: CALVIN's loader wants an episode's last one above its longest window


@dataclass(frozen=True)
class _Span:
    """One episode of those that were written."""

    first: int  # number of its first decision
    last: int  # of its last, included
    layout: str
    instruction: str
    scenario: str
    source: str


def write_calvin(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """Both folders; which layouts are held out is decided once all are known.

    Raises:
        OSError: if the disk refuses.
    """
    training, validation = (folder / name for name in FOLDERS)
    training.mkdir()
    spans: list[_Span] = []
    for episode in episodes:
        spans.append(_write(training, episode, spans[-1].last + 1 if spans else FIRST))
    chosen = held_out((span.layout for span in spans), asked.hold_out)
    kept_out = [span for span in spans if span.layout in chosen]
    if kept_out:
        validation.mkdir()
        for span in kept_out:
            for number in range(span.first, span.last + 1):
                os.rename(training / file_name(number), validation / file_name(number))
        _write_tables(validation, kept_out)
    _write_tables(training, [span for span in spans if span.layout not in chosen])


def file_name(number: int) -> str:
    """Of a decision; CALVIN's loaders count its digits."""
    return f"episode_{number:07d}.npz"


def _write(folder: Path, episode: Episode, first: int) -> _Span:
    frames = episode.decision_frames
    before = np.zeros(3, np.float32)
    for number, frame in enumerate(frames, first):
        command = episode.commands[frame]
        np.savez_compressed(
            folder / file_name(number), rgb_static=squeeze(episode.images[frame], SIZE),
            rel_actions=command, actions=command, robot_obs=before,
            scene_obs=np.zeros(0, np.float32))
        before = command
    return _Span(first, first + len(frames) - 1, layout_of(episode), episode.instruction or "",
                 episode.scenario or "", episode.source)


def _write_tables(folder: Path, spans: Sequence[_Span]) -> None:
    each = [(span.first, span.last) for span in spans]
    np.save(folder / "ep_start_end_ids.npy", np.array(each, np.int64))
    np.save(folder / "ep_lens.npy", np.array([last - first + 1 for first, last in each], np.int64))
    said = {"language": {"ann": [span.instruction for span in spans],
                         "task": [span.scenario for span in spans]},
            "info": {"episodes": [], "indx": each, "source": [span.source for span in spans]}}
    annotations = folder / "lang_annotations"
    annotations.mkdir()
    (annotations / "auto_lang_ann.npy").write_bytes(pickled(said))
    (annotations / "auto_lang_ann.json").write_text(
        json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def pickled(said: dict[str, Any]) -> bytes:
    """An `.npy` of one object, as `numpy.load(..., allow_pickle=True).item()` gives it back.

    CALVIN's loaders read nothing else. The array names its module as NumPy 1 does, which NumPy 2
    understands too; the object is made of dicts, lists, tuples, texts and numbers alone.
    """
    written = io.BytesIO()
    array = np.array(said, object)
    np.lib.format.write_array_header_1_0(
        written, np.lib.format.header_data_from_array_1_0(array))
    content = pickle.dumps(array, protocol=3)
    return written.getvalue() + content.replace(b"cnumpy._core.", b"cnumpy.core.", 1)
