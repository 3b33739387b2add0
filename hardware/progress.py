"""How far a collection of drives has come, against the counts that were planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from episodes.plans import PLANNED
from hardware.journal import Drive
from scenarios import names

CELLS = [(pattern, distance) for pattern, counts in PLANNED.items() for distance in counts]


@dataclass(frozen=True)
class Cell:
    """How many drives of a kind are there, and how many shall be."""

    pattern: str
    distance: str
    kept: int
    planned: int


@dataclass(frozen=True)
class Progress:
    """One scenario's."""

    name: str
    cells: list[Cell]

    @property
    def kept(self) -> int:
        """In all; what exceeds the plan of a cell fills no other one."""
        return sum(min(cell.kept, cell.planned) for cell in self.cells)

    @property
    def planned(self) -> int:
        """In all."""
        return sum(cell.planned for cell in self.cells)

    @property
    def next(self) -> Cell:
        """The cell that lacks drives first; where none does, the first."""
        lacking = [cell for cell in self.cells if cell.kept < cell.planned]
        return (lacking or self.cells)[0]


def progress(drives: Iterable[Drive]) -> list[Progress]:
    """Of every scenario; drives that the operator calls a failure do not count."""
    kept = Counter((drive.scenario, drive.pattern, drive.distance) for drive in drives
                   if drive.verdict != "failure" and not drive.part_of)
    return [Progress(name, [Cell(pattern, distance, kept[name, pattern, distance],
                                 PLANNED[pattern][distance]) for pattern, distance in CELLS])
            for name in names()]


def table(drives: Iterable[Drive]) -> str:
    """The same as lines of text: a scenario each, `kept/planned` a cell."""
    rows = [["", *(f"{pattern} {distance}" for pattern, distance in CELLS), "in all"]]
    for number, each in enumerate(progress(drives), 1):
        rows.append([f"{number} {each.name}",
                     *(f"{cell.kept}/{cell.planned}" for cell in each.cells),
                     f"{each.kept}/{each.planned}"])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) if not at else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(row, widths)))
                     for row in rows)
