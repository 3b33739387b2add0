"""The folder of a run: written line by line, resumable, readable by anyone.

- `run.json`: what was asked, with which code, machine, scenarios and policy.
- `episodes.jsonl`: one line an episode, only ever appended to; no wall-clock time is in it.
- `timing.jsonl`: one line an episode, the wall-clock times; nobody compares them bit for bit.
- `arrays/`: one .npz an episode: poses, path, commands, clearances.
- `videos/`: pictures of the first episodes.
- `summary.json`, `report.md`: every number, and the report; the same bytes for the same seeds.
- `timing.json`, `timing.md`: how long it took.
- `run.log`: what was logged.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from episodes.atomic import write_atomically
from episodes.record import Record, parted
from eval.jsonl import append_line, drop_torn_line, encoded, read_lines
from eval.metrics import judge
from eval.openloop import Answers, scores
from eval.shape import FACTS, JUDGED, LINES, LOOPS, TIMING, check

SCHEMA_VERSION = 1
HEADER = [field.name for field in dataclasses.fields(Record)]
KEPT_APART = ("latency_s", "rgb")  # wall-clock times, and pictures that stand in the video


class Run:
    """One run's folder. A line that was cut off by a crash counts as not written."""

    def __init__(self, folder: Path) -> None:
        """Open an existing run.

        Raises:
            ValueError: if the folder is no run, of another schema version, or lacks what eval.run
                writes.
        """
        self.folder = folder
        path = folder / "run.json"
        try:
            self.facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"{folder}: is no run ({path.name} cannot be read: {error.strerror}), "
                             f"expected a folder that eval.run made.") from error
        except ValueError as error:
            raise ValueError(f"{path}: is not valid JSON ({error}).") from error
        found = self.facts.get("schema_version") if isinstance(self.facts, dict) else None
        if found != SCHEMA_VERSION:
            raise ValueError(f"{path}: schema_version must be {SCHEMA_VERSION}, got {found!r}.")
        check(self.facts, FACTS, str(path))
        if self.facts["config"]["loop"] not in LOOPS:
            raise ValueError(f"{path}: 'config.loop' must be {' or '.join(LOOPS)}, "
                             f"got {self.facts['config']['loop']!r}.")

    @classmethod
    def create(cls, out: Path, name: str, facts: dict[str, Any]) -> Run:
        """A new folder `<date-time>_<name>` under `out`, with its run.json.

        Raises:
            ValueError: if it cannot be written, or the facts are no JSON; then there is no folder.
        """
        try:
            json.dumps(facts, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"run.json cannot hold what describes this run ({error}); options and "
                             f"a policy's spec must be plain text and numbers.") from error
        stem = f"{datetime.now():%Y%m%d-%H%M%S}_{re.sub('[^A-Za-z0-9._-]+', '-', name)}"
        try:
            folder = _new_folder(out, stem)
            for each in ("arrays", "videos"):
                (folder / each).mkdir()
            write_json(folder / "run.json", {"schema_version": SCHEMA_VERSION, "id": folder.name}
                       | facts)
        except OSError as error:
            raise ValueError(f"{out}: cannot write results there ({error.strerror}); "
                             f"choose another folder with --out.") from error
        return cls(folder)

    @property
    def videos(self) -> Path:
        """Where pictures of episodes go."""
        return self.folder / "videos"

    def add(self, line: dict[str, Any], arrays: dict[str, np.ndarray],
            timing: dict[str, Any]) -> dict[str, Any]:
        """Store one episode: arrays first, its line last, so that a line means a whole episode.

        Args:
            line: What goes to episodes.jsonl; its `id` names the episode within the run.
            arrays: What goes to the .npz.
            timing: Wall-clock times; those of an episode's first drive stand.

        Returns:
            The line as it was stored.
        """
        path, content = f"arrays/{line['id']}.npz", npz(arrays)
        write_atomically(self.folder / path, content)
        if line["id"] not in self.timing:
            self.timing[line["id"]] = {"id": line["id"]} | timing
            append_line(self.folder / "timing.jsonl", self.timing[line["id"]], sync=False)
        digest = hashlib.sha256(content).hexdigest()
        line = line | {"arrays": path, "arrays_sha256": digest}
        append_line(self.folder / "episodes.jsonl", line, sync=True)
        return line

    def lines(self, *, judged: bool = True) -> list[dict[str, Any]]:
        """The episodes, in the order of the run's plan, whatever ended first.

        Args:
            judged: Whether they must hold every metric; a run of an earlier version may lack some,
                until `eval.score` has judged it anew.

        Raises:
            ValueError: if a line is damaged or lacks what eval.run writes.
        """
        path, loop = self.folder / "episodes.jsonl", self.facts["config"]["loop"]
        found = read_lines(path)
        for number, line in enumerate(found, start=1):
            name = line.get("id") if isinstance(line, dict) else None
            where = f"{path}: line {number}, episode {name}"
            check(line, LINES[loop], where)
            if judged:
                check(line, JUDGED[loop], where, f"Judge its episodes anew with python -m "
                      f"eval.score {self.folder}.")
        if loop == "open":
            return found  # one after the other
        order = {name: number for number, name in enumerate(self.facts["scenarios"])}
        return sorted(found, key=lambda line: (order.get(line["scenario"], -1), line["index"]))

    @cached_property
    def timing(self) -> dict[str, dict[str, Any]]:
        """Wall-clock times by episode id."""
        path = self.folder / "timing.jsonl"
        found = read_lines(path)
        for number, line in enumerate(found, start=1):
            check(line, TIMING, f"{path}: line {number}")
        return {line["id"]: line for line in reversed(found)}

    def arrays(self, line: dict[str, Any]) -> dict[str, np.ndarray]:
        """The arrays behind a line of episodes.jsonl.

        Raises:
            ValueError: if they are missing or are not those that were written.
        """
        path = self.folder / line["arrays"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror}).") from error
        if hashlib.sha256(content).hexdigest() != line["arrays_sha256"]:
            raise ValueError(f"{path}: changed or damaged since it was written (sha256 differs).")
        with np.load(io.BytesIO(content)) as stored:
            return dict(stored)

    def drop_torn_lines(self) -> None:
        """Cut off what a crash left behind the last whole line, before anything is appended."""
        for name in ("episodes.jsonl", "timing.jsonl"):
            drop_torn_line(self.folder / name)

    def rewrite(self, lines: list[dict[str, Any]]) -> None:
        """Replace all of episodes.jsonl at once, for new metrics of the same episodes."""
        write_atomically(self.folder / "episodes.jsonl", b"".join(map(encoded, lines)))


def add_record(run: Run, index: int, record: Record,
               spent_s: dict[str, float]) -> dict[str, Any]:
    """Store a judged record as episode `index` of its scenario; returns its line.

    Args:
        run: Where.
        index: Which episode.
        record: What happened.
        spent_s: Seconds by what they were spent on, for timing.jsonl.
    """
    line, kept = stored(index, record)
    latency_s = [round(float(each), 9) for each in record.latency_s]
    spent = {name: round(each, 6) for name, each in spent_s.items()}
    return run.add(line, kept, {**spent, "latency_s": latency_s})


def stored(index: int, record: Record) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is kept of a record as episode `index`: its line, judged, and its arrays."""
    line = {"id": episode_id(record.scenario, index), "index": index, **record.header(),
            **judge(record)}
    return line, {name: value for name, value in record.arrays().items() if name not in KEPT_APART}


def add_answers(run: Run, name: str, answers: Answers) -> dict[str, Any]:
    """Store what policy `name` answered to one recorded episode; returns its line."""
    episode = answers.episode
    line = {
        "id": episode.path.stem, "policy": name, "scenario": episode.scenario,
        "variation": {"distance": episode.distance, "pattern": episode.pattern},
        "source": episode.source, "seed_root": episode.seed_root,
        "instruction": answers.instruction, "seed": answers.seed,
        "file_sha256": hashlib.sha256(episode.path.read_bytes()).hexdigest(),
        "error": answers.error, "decisions": len(answers.recorded),
        "metrics": answers_metrics(answers.predicted, answers.recorded),
    }
    arrays = {"predicted": answers.predicted, "recorded": answers.recorded}
    latency_s = [round(float(each), 9) for each in answers.latency_s]
    return run.add(line, arrays, {"latency_s": latency_s})


def answers_metrics(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, float]:
    """The errors of one episode in both linear axes; nothing where nothing was answered."""
    if not len(recorded):
        return {}
    planar = scores(predicted, recorded)["planar"]
    return {name: planar[name] for name in ("mae", "rmse", "test_loss")}


def load_record(run: Run, line: dict[str, Any]) -> Record:
    """The record behind a line of episodes.jsonl; latencies are 0 where timing.jsonl has none."""
    arrays = run.arrays(line)
    timing = run.timing.get(line["id"])
    latency_s = timing["latency_s"] if timing else np.zeros(len(arrays["sent"]))
    header = {name: line[name] for name in HEADER if name in line}
    known: dict[str, Any] = {**header, **parted(arrays)}
    return Record(**known | {"latency_s": np.array(latency_s, np.float64)})


def episodes_sha256(lines: list[dict[str, Any]]) -> str:
    """The hash of episodes.jsonl, in the order of the plan."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(encoded(line))
    return digest.hexdigest()


def episode_id(scenario: str, index: int) -> str:
    """The name of an episode within its run, and of its files."""
    return f"{scenario}_{index:03d}"


def index_of(identity: str) -> int:
    """Which episode of its scenario an `episode_id` names."""
    return int(identity.rpartition("_")[2])


def write_json(path: Path, content: Any) -> None:
    """Readable JSON, there whole or not at all; refuses NaN."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def _new_folder(out: Path, stem: str) -> Path:
    """A folder that nobody else has: two runs may start in one second."""
    out.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = out / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(17, "a thousand runs of one name in one second")


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed .npz, the same bytes for the same values."""
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()
