"""Inside a worker process: drive what the pipe brings, and give signs of life."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

from envs.child import BEAT, BEAT_S, beating
from envs.remote import OUT_OF_MEMORY
from episodes.drive import FatalEpisodeError
from policies.interface import UnreachableError
from scenarios.cli import ROOMS

NO_MEMORY = ("can't allocate memory", "out of memory")  # what torch says in a RuntimeError


def work(pipe: Connection) -> None:
    """Load the recipe that comes first, rehearse what comes next, then drive what comes."""
    sys.excepthook = lambda *_: None  # whoever reads the pipe tells it
    mail = _Mail(pipe)
    try:
        shard, jobs = mail.next().open(), mail.next()
        try:
            with beating(pipe):
                shard.load()
                rehearsal = shard.rehearse(jobs)
        except (ValueError, UnreachableError) as error:
            mail.say("refused", (str(error), traceback.format_exc()))
            return
        mail.say("ready", rehearsal)
        for driven in shard.drive(mail, mail.beat):
            mail.say("driven", driven)
    except FatalEpisodeError as fatal:
        mail.say("fatal", (fatal.key, fatal.how))
    except UnreachableError as gone:
        mail.say("lost", str(gone))
    except _NobodyListensError:
        return
    except BaseException as error:
        if _ran_out_of_memory(error):
            sys.exit(OUT_OF_MEMORY)
        mail.say("failed", traceback.format_exc())
        raise


def _ran_out_of_memory(error: BaseException) -> bool:
    """Whether another try in a process of its own may do."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(each in said for each in NO_MEMORY))


class _Passing(logging.Handler):
    """Keeps what our rooms log until it is passed on: where it ends up is the supervisor's."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: deque[tuple[str, int, str]] = deque()  # of any thread
        self.setFormatter(logging.Formatter("%(message)s"))
        for room in ROOMS:
            logging.getLogger(room).addHandler(self)
            logging.getLogger(room).setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one, with its traceback."""
        self.kept.append((record.name, record.levelno, self.format(record)))


class _NobodyListensError(Exception):
    """The other end of the pipe is closed: there is nothing to do any more."""


class _Mail:
    """The pipe as a source of jobs, and as a place for signs of life."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._beaten = 0.0
        self._log = _Passing()

    def take(self, wait: bool) -> Any:
        """The next job; None where none is there now and nobody waits for one."""
        if not wait and not self._pipe.poll():
            return None
        job = self.next()
        self.say("begun", job.key)
        return job

    def next(self) -> Any:
        """What is said next, waited for."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError) as error:  # told from those that a policy raises
            raise _NobodyListensError from error

    def say(self, what: str, content: Any) -> None:
        """Something that is not only a sign of life; first what was logged before."""
        try:
            while self._log.kept:
                self._pipe.send(("log", self._log.kept.popleft()))
            self._pipe.send((what, content))
        except OSError as error:
            raise _NobodyListensError from error

    def beat(self) -> None:
        """A sign of life, if the last is long enough ago."""
        if time.monotonic() - self._beaten >= BEAT_S:
            self._beaten = time.monotonic()
            self._pipe.send_bytes(BEAT)
