"""Between action spaces of 2, 3 and 7 numbers: by name, never by silent padding or cutting.

An adapter says which numbers it drops and which it fills with zero. Dropped numbers must be zero
already, unless the caller names them: then losing them is meant. Needs numpy alone.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import numpy as np

from envs.interface import COMMAND_LIMIT

CALVIN_LIMIT = 0.65  # the normalisation of CALVIN's arm actions in RoboVLMs
ZERO, SLACK = 1e-6, 1e-4  # smaller is zero; so much beyond a limit is rounding


@dataclass(frozen=True)
class Space:
    """An action space: what its numbers mean, in their order."""

    name: str
    about: str
    limits: dict[str, float]  # column -> largest absolute value

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers, in order."""
        return tuple(self.limits)

    def check(self, values: np.ndarray) -> np.ndarray:
        """Actions [..., columns] of this space as float32.

        Raises:
            ValueError: for another width, or numbers that are not finite or beyond the limits.
        """
        values = np.asarray(values)
        if values.ndim == 0 or values.shape[-1] != len(self.limits):
            got = values.shape[-1] if values.ndim else "a single number"
            raise ValueError(f"Actions of space {self.name!r} have {len(self.limits)} numbers "
                             f"({', '.join(self.columns)}), got {got}; choose the adapter of the "
                             f"space that they are in.")
        if not np.issubdtype(values.dtype, np.number) or not np.isfinite(values).all():
            raise ValueError(f"Actions of space {self.name!r} must be finite numbers.")
        largest = np.abs(values).reshape(-1, len(self.limits)).max(axis=0, initial=0.0)
        for column, value, limit in zip(self.columns, largest, self.limits.values()):
            if value > limit + SLACK:
                raise ValueError(f"{column} of space {self.name!r} must be within +-{limit}, got "
                                 f"{value:g}; scale or clip it where it comes from.")
        return values.astype(np.float32)


@dataclass(frozen=True)
class Adapter:
    """One way from a space to another."""

    source: Space
    target: Space
    takes: dict[str, tuple[str, float]] = field(repr=False)  # target column: source column, factor

    @property
    def drops(self) -> tuple[str, ...]:
        """Source columns that the target lacks."""
        taken = {column for column, _ in self.takes.values()}
        return tuple(column for column in self.source.columns if column not in taken)

    @property
    def fills(self) -> tuple[str, ...]:
        """Target columns that the source lacks: they become zero."""
        return tuple(column for column in self.target.columns if column not in self.takes)

    def __call__(self, values: np.ndarray, drop: tuple[str, ...] = ()) -> np.ndarray:
        """Actions [..., n] of the source as actions [..., m] float32 of the target.

        Args:
            values: Actions of the source space.
            drop: Columns whose loss is meant; others that are dropped must be zero.

        Raises:
            ValueError: for wrong widths or ranges, or where something else than zero would be lost.
        """
        values = self.source.check(values)
        unknown = [column for column in drop if column not in self.drops]
        if unknown:
            raise ValueError(f"{self.source.name} to {self.target.name} drops "
                             f"{', '.join(self.drops) or 'nothing'}, not {', '.join(unknown)}.")
        for column in self.drops:
            lost = np.abs(self._column(values, column)).max(initial=0.0)
            if lost > ZERO and column not in drop:
                raise ValueError(f"{self.source.name} to {self.target.name} drops {column}, which "
                                 f"is up to {lost:g} here; give drop=({column!r},) if its loss is "
                                 f"meant.")
        found = np.zeros((*values.shape[:-1], len(self.target.columns)), np.float32)
        for at, column in enumerate(self.target.columns):
            if column in self.takes:
                name, factor = self.takes[column]
                found[..., at] = self._column(values, name) * factor
        return found

    def _column(self, values: np.ndarray, name: str) -> np.ndarray:
        return values[..., self.source.columns.index(name)]


PLANAR = Space("planar", "the trained models' commands", {"linear_x": COMMAND_LIMIT,
                                                          "linear_y": COMMAND_LIMIT})
BASE = Space("base", "the recorded commands", {**PLANAR.limits, "angular_z": COMMAND_LIMIT})
BASE_GRIPPER = Space("base_gripper", "the 2D proposal's moves, normalised, and a gripper",
                     {"delta_x": 1.0, "delta_y": 1.0, "gripper": 1.0})
CALVIN = Space("calvin", "a Franka arm's relative moves, normalised, and a gripper", {
    **dict.fromkeys(("x", "y", "z", "roll", "pitch", "yaw"), CALVIN_LIMIT), "gripper": 1.0})
PADDED7 = Space("padded7", "the fork's commands in an arm's seven numbers", {
    "linear_x": COMMAND_LIMIT, "linear_y": COMMAND_LIMIT, "z": 0.0, "roll": 0.0, "pitch": 0.0,
    "angular_z": COMMAND_LIMIT, "gripper": 0.0})
SPACES = {space.name: space for space in (PLANAR, BASE, BASE_GRIPPER, CALVIN, PADDED7)}


def _same(*columns: str) -> dict[str, tuple[str, float]]:
    return {column: (column, 1.0) for column in columns}


_XY, _XYZ = _same("linear_x", "linear_y"), _same("linear_x", "linear_y", "angular_z")
_TO_GRIPPER = {"delta_x": ("linear_x", 1 / COMMAND_LIMIT), "delta_y": ("linear_y",
                                                                       1 / COMMAND_LIMIT)}
_FROM_GRIPPER = {"linear_x": ("delta_x", COMMAND_LIMIT), "linear_y": ("delta_y", COMMAND_LIMIT)}
# An arm's move is no base's velocity: its x, y and yaw are taken as such, for import only.
_FROM_ARM = {"linear_x": ("x", COMMAND_LIMIT / CALVIN_LIMIT),
             "linear_y": ("y", COMMAND_LIMIT / CALVIN_LIMIT),
             "angular_z": ("yaw", COMMAND_LIMIT / CALVIN_LIMIT)}
ADAPTERS = {f"{each.source.name}_to_{each.target.name}": each for each in (
    Adapter(PLANAR, BASE, _XY), Adapter(BASE, PLANAR, _XY),
    Adapter(PLANAR, PADDED7, _XY), Adapter(PADDED7, PLANAR, _XY),
    Adapter(BASE, PADDED7, _XYZ), Adapter(PADDED7, BASE, _XYZ),
    Adapter(PLANAR, BASE_GRIPPER, _TO_GRIPPER), Adapter(BASE_GRIPPER, PLANAR, _FROM_GRIPPER),
    Adapter(BASE, BASE_GRIPPER, _TO_GRIPPER), Adapter(BASE_GRIPPER, BASE, _FROM_GRIPPER),
    Adapter(CALVIN, BASE, _FROM_ARM),
)}


def adapter(name: str) -> Adapter:
    """The adapter of that name, like `planar_to_base`.

    Raises:
        ValueError: for an unknown one ("Did you mean").
    """
    if name in ADAPTERS:
        return ADAPTERS[name]
    near = difflib.get_close_matches(name, ADAPTERS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown adapter {name!r}.{hint} Expected one of {', '.join(ADAPTERS)}.")
