"""One client of the server: its episodes and their memories, its messages and our answers."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from envs.interface import Observation
from hardware.remote_batches import Batches, Begin, FailedError, Kept, RefusedError, Told
from hardware.remote_requests import Row, episodes_over, plain_row, rows_of
from policies.interface import ActionError, Memory
from policies.wire import WireError, pack, unpack

MOST_EPISODES = 1024  # that one client has under way; the longest unused is forgotten
KINDS: dict[type, str] = {ActionError: "action", RefusedError: "refused", FailedError: "failed"}
MOST_STATES = 4  # of an episode: after the last answer, and those that a repeated question needs


class Client:
    """Answers messages; whatever it remembers ends with it."""

    def __init__(self, batches: Batches, shape: tuple[int, int, int], most_rows: int) -> None:
        """A client that has said nothing yet.

        Args:
            batches: Where it asks.
            shape: Of the pictures that the policy wants.
            most_rows: Rows that one message may have.
        """
        self._batches, self._shape, self._most = batches, shape, most_rows
        self._numbers = itertools.count(1)
        self._episodes: OrderedDict[int, OrderedDict[int, Memory]] = OrderedDict()
        self._plain: tuple[str, Memory] | None = None  # of a client that knows no episodes
        self._total_s: float | None = None  # that the message before took in all

    async def answer(self, message: bytes | str) -> bytes | str:
        """What to send back: a message, or text that says what is wrong."""
        since_s = time.perf_counter()
        if isinstance(message, str):
            return "A message must be msgpack, got text."
        number: Any = None
        is_ours = False
        try:
            content = unpack(message)
            if not isinstance(content, dict):
                raise WireError(f"a message must be a map, got {type(content).__name__}.")
            number, is_ours = content.get("seq"), "rows" in content
            answer = await (self._answer_rows(content) if is_ours else self._answer_plain(content))
        except WireError as error:
            if is_ours:
                return pack({"error": str(error), **_numbered(number)})
            return str(error)
        if isinstance(answer, str):
            return answer
        if self._total_s is not None:
            answer["server_timing"]["prev_total_ms"] = 1000 * self._total_s
        self._total_s = time.perf_counter() - since_s
        return pack(answer | _numbered(number))

    def close(self) -> None:
        """It has left: forget its episodes."""
        self._forget(list(self._episodes))
        if self._plain is not None:
            self._batches.forget([self._plain[1]])

    async def _answer_plain(self, content: dict[str, Any]) -> dict[str, Any] | str:
        """As openpi's server: the episode goes on until other words, or `reset`, begin another."""
        row = plain_row(content, self._shape)
        before = self._plain
        goes_on = before is not None and before[0] == row.prompt and not content.get("reset")
        if before is not None and not goes_on:
            self._batches.forget([before[1]])
            self._plain = None
        start = Kept(before[1]) if before and goes_on else Begin(row.prompt, row.seed)
        (told,) = await self._batches.answers([(start, row.observation)])
        if isinstance(told.action, Exception):
            return str(told.action)
        self._plain = row.prompt, told.memory
        plan = told.action.commands
        return {"actions": np.zeros_like(plan) if told.action.stop else plan,
                "stop": told.action.stop, "confidence": _number(told.action.confidence),
                "server_timing": _timing([told])}

    async def _answer_rows(self, content: dict[str, Any]) -> dict[str, Any]:
        rows = rows_of(content, self._shape, self._most)
        self._forget(episodes_over(content))
        starts = {at: start for at, row in enumerate(rows)
                  if (start := self._start(row)) is not None}
        asked: list[tuple[Begin | Kept, Observation]] = [
            (start, rows[at].observation) for at, start in starts.items()]
        answers = await self._batches.answers(asked)
        found = dict(zip(starts, answers))
        return {"rows": [self._row(row, found.get(at)) for at, row in enumerate(rows)],
                "server_timing": _timing(answers)}

    def _start(self, row: Row) -> Begin | Kept | None:
        """Where a row goes on from; None where that is not kept any more."""
        if row.state is None:
            return Begin(row.prompt, row.seed)
        states = self._episodes.get(row.episode, OrderedDict())
        if row.state not in states:
            return None
        self._episodes.move_to_end(row.episode)
        states.move_to_end(row.state)
        return Kept(states[row.state])

    def _row(self, row: Row, told: Told | None) -> dict[str, Any]:
        if told is None:
            return {"kind": "lost", "error": f"state {row.state} of episode {row.episode} is not "
                                             f"kept (any more)."}
        if isinstance(told.action, Exception):
            return {"kind": KINDS[type(told.action)], "error": str(told.action)}
        return {"actions": told.action.commands, "stop": told.action.stop,
                "confidence": _number(told.action.confidence),
                "state": self._keep(row.episode, told.memory)}

    def _keep(self, episode: int, memory: Memory) -> int:
        """Store a memory that nobody will change; returns the number of this state."""
        states = self._episodes.setdefault(episode, OrderedDict())
        self._episodes.move_to_end(episode)
        number = next(self._numbers)
        states[number] = memory
        if len(states) > MOST_STATES:
            states.popitem(last=False)
        if len(self._episodes) > MOST_EPISODES:
            self._forget([next(iter(self._episodes))])
        return number

    def _forget(self, episodes: Iterable[int]) -> None:
        """End episodes, each with its last memory."""
        ended = [self._episodes.pop(each) for each in episodes if each in self._episodes]
        self._batches.forget(next(reversed(states.values())) for states in ended)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _numbered(number: Any) -> dict[str, Any]:
    """The client's own number of its message, given back."""
    return {"seq": number} if type(number) is int else {}


def _timing(answers: Iterable[Told]) -> dict[str, float]:
    """Milliseconds, as openpi names them, and how long the policy was busy with others."""
    spent = [(each.infer_s, each.waited_s) for each in answers] or [(0.0, 0.0)]
    return {"infer_ms": 1000 * max(each for each, _ in spent),
            "queue_ms": 1000 * max(each for _, each in spent)}
