"""What a file's tensors tell: components, the LSTM's width, the width of an action, what lacks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from policies.components import CELL, HEAD, ORDER, RECURRENT, part
from policies.weight_file import Entry

GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}
NUMBERED = re.compile(r"^(.*?)\.(\d+)\.")
ACTIONS = (2, 3, 7)  # widths of the action spaces that there are


@dataclass(frozen=True)
class Tally:
    """One component of a file."""

    component: str
    prefix: str
    tensors: int
    numbers: int
    stored_bytes: int
    dtypes: tuple[str, ...]


@dataclass(frozen=True)
class Recurrent:
    """One recurrent module."""

    name: str
    kind: str  # LSTM, GRU or RNN
    inputs: int
    width: int
    layers: int
    rows: int  # of its matrices: gates x width, which has been misread as the width


def tallies(entries: Mapping[str, Entry]) -> list[Tally]:
    """Components in the order of `ORDER`, each once a prefix."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for name, entry in entries.items():
        found = part(name)
        groups.setdefault((found.component, found.prefix), []).append(entry)
    return [Tally(component, prefix, len(group),
                  sum(entry.numbers for entry in group if entry.stored_bytes),
                  sum(entry.stored_bytes for entry in group),
                  tuple(sorted(Counter(entry.dtype for entry in group))))
            for (component, prefix), group in sorted(groups.items(), key=lambda item: (
                ORDER.index(item[0][0]), item[0][1]))]


def recurrents(entries: Mapping[str, Entry]) -> list[Recurrent]:
    """Every LSTM, GRU and RNN, by the shapes of its first layer."""
    found = []
    for name, entry in entries.items():
        cell = CELL.match(name)
        again = entries.get(name.replace("weight_ih_", "weight_hh_"))
        if cell is None or not name.endswith("weight_ih_l0") or again is None:
            continue
        if len(entry.shape or ()) != 2 or len(again.shape or ()) != 2:
            continue
        (_, inputs), (rows, width) = entry.shape or (0, 0), again.shape or (0, 0)
        layers = sum(other.startswith(f"{cell['stem']}weight_ih_l") for other in entries)
        kind = GATES.get(rows // max(width, 1), "recurrent module")
        found.append(Recurrent(cell["stem"].rstrip(".") or "(unnamed)", kind, inputs, width,
                               layers, rows))
    return found


def action_width(entries: Mapping[str, Entry]) -> tuple[int, str] | None:
    """How many numbers the last layer of the head gives, and its name: a guess."""
    last = [(entry.shape[0], name) for name, entry in entries.items()
            if part(name).component == HEAD and name.endswith("weight")
            and entry.shape is not None and len(entry.shape) == 2]
    wanted = [each for each in last if each[0] in ACTIONS] or last
    return wanted[-1] if wanted else None


def flaws(entries: Mapping[str, Entry]) -> list[str]:
    """What is incomplete in itself, whatever model it is of."""
    said = [f"{name} was built lazily and never had a shape" for name, entry in entries.items()
            if entry.shape is None]
    said += [f"{name} is empty" for name, entry in entries.items()
             if entry.shape is not None and entry.numbers == 0]
    stacks: dict[str, set[int]] = {}
    for name in entries:
        numbered = NUMBERED.match(name)
        if numbered and part(name).component not in (HEAD, RECURRENT):  # a head's gaps are ReLUs
            stacks.setdefault(numbered[1], set()).add(int(numbered[2]))
    for stack, layers in stacks.items():
        gaps = sorted(set(range(max(layers))) - layers)
        if gaps:
            said.append(f"{stack} has layer {max(layers)} but lacks {len(gaps)} before it, "
                        f"like {gaps[0]}")
    return said + _torn_cells(entries)


def _torn_cells(entries: Mapping[str, Entry]) -> list[str]:
    """Layers of recurrent modules that lack one of their two matrices."""
    said = []
    for name in entries:
        cell = CELL.match(name)
        if cell and cell["kind"] == "weight":
            other = "hh" if cell["to"] == "ih" else "ih"
            wanted = f"{cell['stem']}weight_{other}_l{name[cell.end('to') + 2:]}"
            if wanted not in entries:
                said.append(f"{name} stands without {wanted}")
    return said
