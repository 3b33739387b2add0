"""What is in a weight file, and which of our models it fits, as lines to read."""

from __future__ import annotations

from pathlib import Path

from policies.anatomy import Tally, action_width, flaws, recurrents, tallies
from policies.fits import Fit, fits
from policies.memory import free_bytes, in_words, load_bytes
from policies.weight_file import WeightFile, look

SHOWN = 5  # names in a list; the others are counted


def report(path: Path, all_keys: bool = False) -> str:
    """Everything that can be told of a file, in lines.

    Raises:
        ValueError: one sentence, if it cannot be opened.
    """
    found = look(path)
    shown = len(found.entries) if all_keys else SHOWN
    lines = [_title(found), *_table(tallies(found.entries))]
    lines += [f"{each.kind} {each.name}: {each.layers} layers, {each.width} wide, on {each.inputs} "
              f"inputs ({each.rows} rows are {each.rows // max(each.width, 1)} gates x "
              f"{each.width})" for each in recurrents(found.entries)]
    width = action_width(found.entries)
    if width is not None:
        lines.append(f"action width {width[0]}, guessed from the last layer, {width[1]}")
    lines += [f"incomplete: {_some(flaws(found.entries), shown)}"] if flaws(found.entries) else []
    lines += [line for fit in fits(found.entries) for line in _fit(fit, shown)]
    return "\n".join([*lines, _memory(found)])


def _title(found: WeightFile) -> str:
    under = f", weights under {found.where!r}" if found.where else ""
    beside = "".join(f"; {name}: {value}" for name, value in found.beside.items())
    return f"{found.path.name}: {found.kind} file{under}{beside}"


def _table(found: list[Tally]) -> list[str]:
    """One line a component, and their sum."""
    line = "{:<18} {:<24} {:>7} {:>14} {:>10}  {}".format
    rows = [line("component", "behind", "tensors", "parameters", "bytes", "types")]
    rows += [line(each.component, each.prefix or "-", each.tensors, f"{each.numbers:,}",
                  in_words(each.stored_bytes), ", ".join(each.dtypes)) for each in found]
    return [*rows, line("all", "", sum(each.tensors for each in found),
                        f"{sum(each.numbers for each in found):,}",
                        in_words(sum(each.stored_bytes for each in found)), "")]


def _fit(fit: Fit, shown: int) -> list[str]:
    if fit.is_whole:
        made = "" if fit.given == fit.count else f", made of {fit.given} in the file"
        return [f"fits {fit.model}: all {fit.count} tensors{made}"]
    kinds = (("missing", fit.missing), ("unexpected", fit.unexpected), ("wrong shape", fit.wrong))
    return [f"does not fit {fit.model} ({fit.count} tensors), the nearest:",
            *(f"  {kind} ({len(names)}): {_some(list(names), shown)}"
              for kind, names in kinds if names)]


def _some(names: list[str], shown: int) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _memory(found: WeightFile) -> str:
    """What loading it would need, and what there is."""
    stored = sum(entry.stored_bytes for entry in found.entries.values())
    free = free_bytes()
    needs = ", ".join(f"{in_words(load_bytes(found.numbers, dtype, stored))} as {dtype}"
                      for dtype in ("fp32", "bf16"))
    has = f"{in_words(free)} are free" if free is not None else "what is free is not known here"
    return f"memory to load it: {needs}; {has}"
