"""A policy on another machine: `--policy remote`, or its address, `--policy ws://HOST:PORT`.

It drives like any other. Pictures go to the server, which keeps the episode's memory; where the
server is one of openpi's, it keeps none.
"""

from __future__ import annotations

import importlib.util
import itertools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.interface import Observation
from policies.adapters import adapter as adapter_named
from policies.interface import Action, ActionError, Policy, PolicySpec, UnreachableError
from policies.remote_spec import PROTOCOL, spec_of

if TYPE_CHECKING:
    from policies.remote_line import Line

SERVER = "ws://127.0.0.1:8000"  # openpi's port
ANSWER_S = 15.0  # below the time after which a silent worker is replaced
NEEDED = ("msgpack", "websockets")
PLANAR, BASE = 2, 3  # numbers of a row that need no named adapter
IMAGE, STATE, PROMPT = "observation/image", "observation/state", "prompt"


def check_installed() -> None:
    """Refuse to begin without the libraries that client and server need.

    Raises:
        ValueError: with what to install.
    """
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise ValueError(f"A remote policy needs {' and '.join(absent)}, not installed here: "
                         f"install mobile-vla-bench[remote].")


class Episode:
    """An episode as the server knows it; it is over when nobody holds a memory of it any more."""

    def __init__(self, number: int, instruction: str, seed: int) -> None:
        """`number`: of this policy's own count."""
        self.number, self.instruction, self.seed = number, instruction, seed


@dataclass
class RemoteMemory:
    """Which state of the server's memory an episode goes on from; None: none yet."""

    episode: Episode
    state: int | None = None

    def __deepcopy__(self, _: dict[int, Any]) -> RemoteMemory:
        """The server never changes a state, so a copy goes on from the same."""
        return RemoteMemory(self.episode, self.state)


class Remote(Policy):
    """Asks a server of ours, or one that speaks openpi's protocol."""

    def __init__(self, server: str = SERVER, answer_s: float = ANSWER_S, adapter: str | None = None,
                 image_key: str = IMAGE, state_key: str = STATE) -> None:
        """Connect, and learn what the server's policy is.

        Args:
            server: ws://HOST:PORT.
            answer_s: Seconds that an answer may take.
            adapter: For a server of openpi's whose actions are in another space than ours: what
                `policies.adapters` calls the way to `base`.
            image_key: What a server of openpi's calls the picture.
            state_key: And the velocity.

        Raises:
            ValueError: one sentence, if there is no such server or its policy does not fit.
        """
        check_installed()
        self._server, self._answer_s = server, answer_s
        self._keys = image_key, state_key
        self._adapter = adapter_named(adapter) if adapter else None
        self._numbers = itertools.count(1)
        self._over: list[int] = []  # episodes that the server may forget
        self._line = self._open()
        self.spec = self._described()

    @property
    def dropped(self) -> int:
        """Answers that came too late and were dropped."""
        return self._line.dropped

    def begin(self, instruction: str, seed: int) -> RemoteMemory:
        """Nothing is sent yet: the words travel with the first picture.

        Raises:
            UnreachableError: if the connection was lost, and there is none to the same policy.
        """
        if self._line.is_lost:
            self._connect_again()
        episode = Episode(next(self._numbers), instruction, seed)
        weakref.finalize(episode, self._over.append, episode.number).atexit = False
        return RemoteMemory(episode)

    def act(self, memories: Sequence[RemoteMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """Ask about every row once, however often it stands there.

        Raises:
            ActionError: if the server's policy gave a wrong answer.
            UnreachableError: if there is no answer.
        """
        keys = [(id(memory.episode), memory.state, id(seen["rgb"]), id(seen["velocity"]))
                for memory, seen in zip(memories, observations)]
        asked = dict(zip(keys, zip(memories, observations)))
        ask = self._ask_ours if self._line.numbered else self._ask_openpi
        told = dict(zip(asked, ask(list(asked.values()))))
        actions = []
        for key in keys:
            action = told[key][0]
            if isinstance(action, ActionError):
                raise action
            actions.append(action)
        for memory, key in zip(memories, keys):
            memory.state = told[key][1]
        return actions

    def _open(self) -> Line:
        from policies.remote_line import Line

        return Line(self._server, self._answer_s)

    def _connect_again(self) -> None:
        """A new episode may begin where the server is back; those of before are lost."""
        dropped = self._line.dropped
        try:
            self._line = self._open()
            spec = self._described()
        except ValueError as error:
            raise UnreachableError(str(error)) from error
        if spec != self.spec:
            raise UnreachableError(f"The policy server at {self._server} serves another policy "
                                   f"now: {spec.name}, weights {spec.weights_hash}.")
        self._line.dropped = dropped

    def _described(self) -> PolicySpec:
        """What the server says of its policy, or what one answer shows."""
        if self._line.numbered:
            return spec_of(self._line.metadata, self._server)
        blank: Observation = {"rgb": np.zeros((*PolicySpec.image_size, 3), np.uint8),
                              "velocity": np.zeros(3, np.float32)}
        try:
            (answer,) = self._line.exchange([self._row(blank) | {PROMPT: ""}])
            plan_length = len(self._commands(answer))
        except (UnreachableError, ActionError) as error:
            raise ValueError(f"{self._server}: {error} This was a trial with a black picture of "
                             f"224 x 224; a server that is slow at its first answer only is ready "
                             f"now.") from error
        return PolicySpec("remote", plan_length=plan_length, weights="trained",
                          trained_on="unknown: the server does not say")

    def _ask_ours(self, rows: list[tuple[RemoteMemory, Observation]]
                  ) -> list[tuple[Action | ActionError, int | None]]:
        """In messages of as many rows as the server answers at once."""
        most = self._line.metadata["batch"]
        messages = []
        for at in range(0, len(rows), most):
            over, self._over[:] = list(self._over), []
            messages.append({"rows": [self._place(memory) | self._row(seen)
                                      for memory, seen in rows[at:at + most]], "over": over})
        answers = [each for answer in self._line.exchange(messages)
                   for each in self._listed(answer)]
        if len(answers) != len(rows):
            raise self._breach(f"{len(rows)} rows wanted, {len(answers)} answered")
        return [self._read(answer) for answer in answers]

    def _ask_openpi(self, rows: list[tuple[RemoteMemory, Observation]]
                    ) -> list[tuple[Action | ActionError, int | None]]:
        """One message a row: such a server knows neither rows nor episodes."""
        answers = self._line.exchange([self._row(seen) | {PROMPT: memory.episode.instruction}
                                       for memory, seen in rows])
        found: list[tuple[Action | ActionError, int | None]] = []
        for answer in answers:
            try:
                found.append((Action(self._commands(answer)), None))
            except ActionError as wrong:
                found.append((wrong, None))
        return found

    def _row(self, seen: Observation) -> dict[str, Any]:
        image, state = self._keys
        return {image: seen["rgb"], state: seen["velocity"]}

    def _place(self, memory: RemoteMemory) -> dict[str, Any]:
        """Where in which episode a row stands; the first tells the words and the seed."""
        episode = memory.episode
        if memory.state is not None:
            return {"episode": episode.number, "state": memory.state}
        return {"episode": episode.number, PROMPT: episode.instruction, "seed": episode.seed}

    def _listed(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        rows = answer.get("rows")
        if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise self._breach("no list of rows")
        return rows

    def _read(self, answer: dict[str, Any]) -> tuple[Action | ActionError, int]:
        """One row of an answer of ours.

        Raises:
            ValueError: if the server's policy cannot begin with these words.
        """
        error, kind, state = (answer.get(name) for name in ("error", "kind", "state"))
        if isinstance(error, str):
            if kind == "action":
                return ActionError(error), -1
            raise ValueError(error) if kind == "refused" else UnreachableError(
                f"The policy server at {self._server} cannot answer: {error}")
        stop, confidence = answer.get("stop"), answer.get("confidence")
        if not (type(state) is int and isinstance(stop, bool)
                and (confidence is None or isinstance(confidence, int | float))):
            raise self._breach("state, stop or confidence is missing")
        return Action(self._commands(answer), stop, confidence), state

    def _commands(self, answer: dict[str, Any]) -> np.ndarray:
        """`actions` as commands [T, 3].

        Raises:
            ActionError: if they are none of ours.
            UnreachableError: if there are none, or another number than the server said.
        """
        actions = answer.get("actions")
        if not isinstance(actions, np.ndarray) or actions.ndim != 2:
            raise self._breach("no actions [T, 3]")
        spec = getattr(self, "spec", None)
        if spec is not None and len(actions) != spec.plan_length:
            raise self._breach(f"a plan of {len(actions)} rows, where its first had "
                               f"{spec.plan_length}")
        width = actions.shape[1]
        if self._adapter is None and width == BASE:
            return actions
        if self._adapter is None and width != PLANAR:
            raise ActionError(f"Actions have {width} numbers a row, expected 2 or 3; a subclass of "
                              f"policies.remote:Remote names the adapter of another space.")
        try:
            return (self._adapter or adapter_named("planar_to_base"))(actions)
        except ValueError as error:
            raise ActionError(str(error)) from error

    def _breach(self, what: str) -> UnreachableError:
        return UnreachableError(f"The policy server at {self._server} does not keep to protocol "
                                f"{PROTOCOL}: {what}.")
