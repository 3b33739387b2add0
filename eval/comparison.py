"""Everything behind a leaderboard in order: check, make held-out episodes, drive, write."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import policies
from envs.appearance import load_profile
from episodes.atomic import write_atomically
from eval.board import Board, origins
from eval.board_page import files_of
from eval.cells import (
    CLOSED,
    LABORATORY,
    OPEN,
    Cell,
    Recorded,
    closed_cell,
    drive,
    open_cell,
    recorded,
)
from eval.claims import load as load_ledger
from eval.curves import read_curves
from eval.entrants import BASELINE, OWN, PRIVILEGED, Entrant, Weights, entrants
from eval.leaderboard_options import Config, command, filled, page_of, plain
from eval.results import Run, write_json
from eval.standings import SIMULATED, Measured, Row, add_closed, add_laboratory, add_open
from scenarios import select

SCHEMA_VERSION = 1
ADD = {CLOSED: add_closed, OPEN: add_open, LABORATORY: add_laboratory}

logger = logging.getLogger(__name__)
Task = tuple[Entrant, Weights, Cell]


def compare(config: Config) -> Board:
    """Drive what is missing and write the page, its pictures and the JSON.

    Raises:
        ValueError: one sentence for anything wrong in options, weights or files.
    """
    config = filled(config)
    who = entrants(config.policy, config.seeds_from, ablations=config.ablations,
                   random_weights=config.random_weights)
    curves = read_curves(config.curves) if config.curves else None
    ledger = load_ledger()
    chosen, profile = select(config.scenario), load_profile(config.appearance)
    _check_roots(who, {config.data_seed} if config.episodes_from is None else set())
    laboratory = recorded(config.data) if config.data else None
    for folder in (config.out, page_of(config).parent):
        _check_writable(folder)
    files = _held_out(config, who)
    tasks = list(_tasks(config, who, files, laboratory))
    runs = _drive(config, tasks)
    rows = _rows(config, who, tasks, runs)
    board = Board(command(config), plain(config) | {"appearance": profile.name}, rows,
                  {each.name: each.hash() for each in chosen}, files, laboratory, curves, ledger,
                  origins(list(runs.values())))
    _write(board, page_of(config))
    return board


def _check_roots(who: list[Entrant], roots: set[int] | frozenset[int]) -> None:
    """Refuse episodes that somebody learned from."""
    for entrant in who:
        for weights in entrant.weights:
            if weights.trained_seed is not None and weights.trained_seed in roots:
                raise ValueError(
                    f"{entrant.name} learned from episodes of root {weights.trained_seed}, and so "
                    f"are those that it would be judged by; choose another --data-seed, or other "
                    f"files with --episodes-from.")


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror}); choose other places "
                         f"with --out and --page.") from error


def _held_out(config: Config, who: list[Entrant]) -> Recorded:
    """Simulated episodes that nobody learned from: given, or generated here.

    Raises:
        ValueError: for files that are not simulated, or that somebody learned from.
    """
    folder = config.episodes_from
    if folder is None:
        from episodes.generate import generate

        profile = load_profile(config.appearance)
        folder = config.out / "_".join(["episodes", str(config.data_episodes), f"{profile.name}-"
                                        f"{profile.hash()[:8]}", f"root{config.data_seed}",
                                        Path(config.scenario).stem])
        generate(folder, episodes=config.data_episodes, seed=config.data_seed,
                 scenario=config.scenario, appearance=config.appearance,
                 workers=1 if config.workers is None else config.workers)
    files = recorded(folder)
    if set(files.sources) != {SIMULATED}:
        raise ValueError(f"{folder}: holds {', '.join(sorted(files.sources))} episodes, expected "
                         f"simulated ones only (--episodes-from); give laboratory files with "
                         f"--data.")
    _check_roots(who, files.seed_roots)
    return files


def _tasks(config: Config, who: list[Entrant], files: Recorded,
           laboratory: Recorded | None) -> Iterator[Task]:
    """Every run that is wanted; what cannot be measured has none."""
    asked = {"device": config.device, "workers": config.workers, "seed": config.seed}
    driven = asked | {"scenario": config.scenario, "episodes": config.episodes,
                      "appearance": config.appearance}
    for entrant in who:
        for weights in entrant.weights:
            told = asked | {"instruction": config.instruction}
            cells = [open_cell(entrant, weights, files, asked),
                     closed_cell(entrant, weights, driven),
                     laboratory and open_cell(entrant, weights, laboratory, told, LABORATORY)]
            yield from ((entrant, weights, cell) for cell in cells if cell)


def _drive(config: Config, tasks: list[Task]) -> dict[str, Run]:
    """All finished runs by their cell's name; suite.json knows each as soon as it is there."""
    runs: dict[str, Run] = {}
    for _, _, cell in _followed(tasks):
        runs[cell.name] = drive(cell, config.out)
        done = [{"policy": each.entrant, "seed": each.seed, "loop": each.loop,
                 "identity": each.identity, "run": runs[each.name].folder.relative_to(
                     config.out).as_posix() if each.name in runs else None}
                for _, _, each in tasks]
        write_json(config.out / "suite.json", {"schema_version": SCHEMA_VERSION,
                                               "kind": "leaderboard", "config": plain(config),
                                               "runs": done})
    return runs


def _followed(tasks: list[Task]) -> Iterable[Task]:
    """With a bar on a terminal, with a line in the log for each run elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(tasks, "runs", console=Console(stderr=True))
        return
    for number, task in enumerate(tasks, start=1):
        logger.info("%d of %d: %s", number, len(tasks), task[2].title)
        yield task


def _rows(config: Config, who: list[Entrant], tasks: list[Task],
          runs: dict[str, Run]) -> list[Row]:
    """One row a policy, from its finished runs."""
    rows = {entrant.name: Row(entrant, [], _parameters(config, entrant)) for entrant in who}
    measured: dict[tuple[str, int], Measured] = {}
    for entrant, weights, cell in tasks:
        key = (entrant.name, weights.seed)
        if key not in measured:
            measured[key] = Measured(weights.seed)
            rows[entrant.name].seeds.append(measured[key])
        ADD[cell.loop](measured[key], runs[cell.name])
    return list(rows.values())


def _parameters(config: Config, entrant: Entrant) -> dict[str, int] | None:
    """How many numbers the head and the towers of a learned model have; None for all others."""
    if entrant.kind in (BASELINE, PRIVILEGED) or not entrant.weights:
        return None
    first = entrant.weights[0]
    options: dict[str, Any] = {}
    if entrant.kind != OWN and first.folder is not None:
        options["checkpoint"] = str(first.folder)
    elif entrant.kind != OWN and first.is_random:
        options["random_weights"] = True
    policy: Any = policies.make(entrant.policy, **options)
    towers = getattr(policy, "backbone", None) or getattr(policy, "kosmos", None)
    if towers is None:
        return None
    modules = towers.modules() if hasattr(towers, "modules") else [towers.model]
    head = getattr(policy, "head", None)
    return {"head": _numbers([head] if head is not None else []), "towers": _numbers(modules)}


def _numbers(modules: Iterable[Any]) -> int:
    return sum(each.numel() for module in modules for each in module.parameters())


def _write(board: Board, path: Path) -> None:
    """Page, pictures and JSON, when all is computed."""
    from eval.board_plots import plots

    files = files_of(board, path.stem, plots(board.rows, board.ablations))
    for name, content in files.items():
        write_atomically(path.with_name(name), content)
