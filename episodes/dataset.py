"""A folder of many episodes as one data set of decisions, for training loops of any library.

`Dataset` has a length and items, `collate` makes a batch of some: `torch.utils.data.DataLoader`
takes both as they are, with any number of workers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from episodes import seal
from episodes.folder_index import INDEX_FILE, Index, file_hash, open_index
from episodes.guard import MAX_FRAMES
from episodes.hdf5 import EXPECTED, read_told
from episodes.packing import PackedError
from episodes.pixels import Pictures

SELECTIONS = ("all", "first", "last", "random")
KNOWN_EPISODES = 1024  # whose commands and places of pictures a process remembers

Item = dict[str, Any]


class _Known(NamedTuple):
    """What is remembered of an episode: no pictures."""

    commands: np.ndarray  # [N, 3] float32: of its decisions
    frames: np.ndarray  # [N] int64: where each decision's picture stands
    pictures: Pictures
    stamp: tuple[int, int]  # bytes and time of change of the file


class Dataset:
    """Decisions of all episodes of a folder, by number.

    An item is a dict: `rgb` [window, H, W, 3] uint8, the last one being what was seen before the
    decision and earlier ones standing before it (the first repeats where there are none, and
    `seen` [window] is False there); `commands` [plan, 3] float32, the decision's and those that
    followed it, with `driven` [plan] False behind the episode's end; `instruction`, text;
    `episode`, `decision`, numbers.

    Nothing is read before it is asked for. What a process remembers of episodes is bounded; files
    are open only while they are read, so that forked and spawned workers share nothing.
    """

    def __init__(self, folder: str | Path, *, window: int = 1, plan: int = 1,
                 frame_selection: str = "all", seed: int = 0,
                 transform: Callable[[np.ndarray], np.ndarray] | None = None,
                 skip_damaged: bool = False) -> None:
        """Open the folder's index, or make it.

        Args:
            folder: With files `episode_*.h5`.
            window: Pictures of an item.
            plan: Commands of an item.
            frame_selection: all decisions, or of every episode the first, the last, or one by
                chance, another one in every epoch (`set_epoch`).
            seed: Of that chance.
            transform: What is done to each picture [H, W, 3]: resizing, say.
            skip_damaged: Leave damaged files out; `index.damaged` names them. By default they
                are an error.

        Raises:
            ValueError: for a wrong option, or a folder without episodes or with damaged ones.
        """
        if frame_selection not in SELECTIONS:
            raise ValueError(f"frame_selection must be one of {', '.join(SELECTIONS)}, got "
                             f"{frame_selection!r}.")
        for name, value in (("window", window), ("plan", plan)):
            if not isinstance(value, int | np.integer) or not 1 <= value <= MAX_FRAMES:
                raise ValueError(f"{name} must be a whole number from 1 to {MAX_FRAMES}, got "
                                 f"{value!r}.")
        self.index: Index = open_index(folder)
        if self.index.damaged and not skip_damaged:
            raise ValueError(f"{next(iter(self.index.damaged.values()))} {len(self.index.damaged)} "
                             f"file(s) of {folder} are damaged: remove them, or skip_damaged.")
        counts = np.array(self.index.columns["decisions"], np.int64)
        self._counts = counts if frame_selection == "all" else np.minimum(counts, 1)
        self._ends = np.cumsum(self._counts)
        self._window, self._plan, self._selection = window, plan, frame_selection
        self._seed, self._epoch, self._transform = seed, 0, transform
        self._known: OrderedDict[int, _Known] = OrderedDict()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, number: int) -> Item:
        """One decision.

        Raises:
            IndexError: behind the last one.
            ValueError: if its file is damaged, or not the one that the index knows.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(f"decision {number} of {len(self)}")
        number %= len(self)
        episode = int(np.searchsorted(self._ends, number, side="right"))
        known = self._recall(episode)
        first = int(self._ends[episode] - self._counts[episode])
        decision = self._decision(episode, number - first)
        wanted = np.arange(decision - self._window + 1, decision + 1)
        commands = known.commands[decision:decision + self._plan]
        missing = self._plan - len(commands)
        return {
            "rgb": self._look(episode, known, known.frames[np.maximum(wanted, 0)]),
            "seen": wanted >= 0, "commands": np.pad(commands, ((0, missing), (0, 0))),
            "driven": np.arange(self._plan) < len(commands),
            "instruction": self.index.columns["instruction"][episode] or "",
            "episode": episode, "decision": decision,
        }

    def set_epoch(self, epoch: int) -> None:
        """Draw other frames, where they are drawn; call it before the workers start."""
        self._epoch = epoch

    def __getstate__(self) -> Mapping[str, Any]:
        return self.__dict__ | {"_known": OrderedDict()}

    def _decision(self, episode: int, place: int) -> int:
        """Which decision of an episode stands at a place of the selection."""
        count = self.index.columns["decisions"][episode]
        if self._selection == "random":
            return int(np.random.default_rng([self._seed, self._epoch, episode]).integers(count))
        return count - 1 if self._selection == "last" else place

    def _recall(self, episode: int) -> _Known:
        """What is known of an episode: its file is verified when it is first met."""
        path = self.index.path(episode)
        try:
            stat = path.stat()
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror}), expected {EXPECTED}."
                             ) from error
        known = self._known.get(episode)
        if known is None or known.stamp != (stat.st_size, stat.st_mtime_ns):
            known = self._read(episode, path, (stat.st_size, stat.st_mtime_ns))
        self._known[episode] = known
        self._known.move_to_end(episode)
        if len(self._known) > KNOWN_EPISODES:
            self._known.popitem(last=False)
        return known

    def _read(self, episode: int, path: Path, stamp: tuple[int, int]) -> _Known:
        told, pictures = read_told(path)
        row, sealed = self.index.row(episode), seal.read_seal(path)
        if (sealed[0] if sealed else file_hash(path)) != row["sha256"]:
            raise ValueError(f"{path}: is not the file that {INDEX_FILE} knows; make the index "
                             f"again with `python -m episodes.check {path.parent} --repair`.")
        kept = np.flatnonzero([event != "episode_start" for event in told["events"]])
        kept = kept[:told["decision_count"]]
        if len(kept) != row["decisions"]:
            raise ValueError(f"{path}: holds {len(kept)} decisions, its header says "
                             f"{row['decisions']}.")
        return _Known(told["commands"][kept], kept, pictures, stamp)

    def _look(self, episode: int, known: _Known, frames: np.ndarray) -> np.ndarray:
        """Pictures [N, H, W, 3] of some frames; a repeated one is read once."""
        each, back = np.unique(frames, return_inverse=True)
        try:
            seen = known.pictures.read(self.index.path(episode), each.tolist())
        except (PackedError, OSError) as error:
            raise ValueError(f"{self.index.path(episode)}: damaged ({error}), expected "
                             f"{EXPECTED}.") from error
        if self._transform is not None:
            seen = np.stack([self._transform(picture) for picture in seen])
        return seen[back]


def collate(items: Sequence[Item]) -> Item:
    """A batch: arrays with one more dimension in front, and lists of texts.

    Raises:
        ValueError: if pictures differ in size, or there are no items.
    """
    if not items:
        raise ValueError("A batch needs at least one item, got none.")
    shapes = {item["rgb"].shape for item in items}
    if len(shapes) > 1:
        raise ValueError(f"Pictures of one batch differ in size: {sorted(shapes)}; give the "
                         f"Dataset a transform, policies.picture.squeeze for one.")
    return {name: [item[name] for item in items] if name == "instruction"
            else np.stack([item[name] for item in items]) for name in items[0]}
