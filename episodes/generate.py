"""Generate episodes in simulation: `python -m episodes.generate --scenario all --out data`.

The same seed gives the same files, bit for bit, with any number of workers. An interrupted run
goes on where it stopped when the same command is given again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from envs.appearance import load_profile
from envs.camera import check_look
from episodes.atomic import write_atomically
from episodes.engine import Engine, LostRunError, check_engine, open_engine
from episodes.guard import MAX_CHUNK_BYTES
from episodes.names import check_scenario
from episodes.out_folder import await_visible, prepare, tidy
from episodes.plans import PLANS, Plan, spread
from episodes.storing import STORAGES, storage_of
from scenarios import load, names
from scenarios.cli import LogLevel, run_command
from scenarios.schema import PATTERNS

if TYPE_CHECKING:
    from episodes.worlds import Outcome, Recipe, Slot

IMAGE_SIZES = {"224": (224, 224), "720p": (720, 1280)}  # height, width
DEFAULT_EPISODES = 720
FAILED = 1  # the exit code where one episode takes down whatever makes it
CHOICES = {"plan": tuple(PLANS), "profile": ("lab", "full"), "pattern": PATTERNS,
           "instructions": ("default", "all"), "storage": STORAGES}
FILES = ("scenario", "policy", "appearance")  # or names
NUMBERS = ("episodes", "workers", "seed")
VERSIONS = ("numpy", "h5py", "zstandard", "gymnasium", "numba", "pybullet")

logger = logging.getLogger(__name__)
Progress = Callable[["Iterable[Outcome]", int], "Iterable[Outcome]"]


@dataclass(frozen=True)
class Options:
    """Generate successful expert episodes in the laboratory's HDF5 format."""

    out: Path
    """Folder of the files; the same command again goes on where it stopped."""
    scenario: str = "all"
    """`all`, a scenario's name or a TOML file."""
    episodes: int | None = None
    """How many in total, spread evenly over the scenarios; 720 without this and without a plan."""
    plan: Literal["recorded72", "planned80"] | None = None
    """The laboratory's real counts per scenario, pattern and distance, or its planned ones."""
    profile: Literal["lab", "full"] = "full"
    """`lab`: 18 frames, padded, 720p. `full`: every decision, any length."""
    storage: Literal["zstd", "gzip", "jpeg"] | None = None
    """How pictures are packed: gzip, which plain h5py reads, for `lab`; zstd, or jpeg (lossy)."""
    image: Literal["224", "720p"] | tuple[int, int] | None = None
    """Picture size, or height and width in pixels; by default 720p for `lab`, 224 for `full`."""
    workers: int | None = None
    """Supervised processes; one here, as many as there are on a cluster where not given. 0: this
    one alone, for a debugger. The files do not depend on it."""
    engine: Literal["local", "ray"] = "local"
    """Where they run: on this machine, or on all of a Ray cluster (docs/many_machines.md)."""
    address: str | None = None
    """The Ray cluster's HOST:PORT; the one that this machine is in where not given."""
    seed: int = 0
    """Root of all episode seeds."""
    pattern: Literal["core", "variant"] | None = None
    """Only this pattern of the expert's route; both where not given."""
    policy: str = "expert"
    """Who drives; only its successes are kept."""
    instructions: Literal["default", "all"] = "default"
    """The stored instruction: the English default, or any wording, drawn by the episode's seed."""
    renderer: Literal["fast", "tiny"] = "fast"
    """Which camera; `tiny` is PyBullet's own."""
    appearance: str = "nominal"
    """How episodes look: nominal, randomised, mixed or a profile's TOML file."""
    log_level: LogLevel = "info"
    """How much is said while it runs."""


def generate(out: str | Path, **options: Any) -> dict[str, Any]:
    """Generate episodes and return what `generation.json` says; like the command.

    Args:
        out: The folder of the files.
        options: The fields of `Options`, with its defaults; paths may stand where files may.

    Raises:
        ValueError: one sentence for every wrong input.
    """
    return _generate(_plain(Options(out=Path(out), **options)), _logged)


def _plain(options: Options) -> Options:
    """The same options as text and numbers, whatever paths and numbers came from Python.

    Raises:
        ValueError: for what is neither.
    """
    plain: dict[str, Any] = {}
    for name in FILES:
        value = getattr(options, name)
        if not isinstance(value, str | os.PathLike):
            raise ValueError(f"{name} must be a name or a path, got {value!r}.")
        plain[name] = os.fspath(value)
    for name in NUMBERS:
        value = getattr(options, name)
        if value is None and getattr(Options, name) is None:  # its default
            continue
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise ValueError(f"{name} must be a whole number, got {value!r}.")
        plain[name] = int(value)
    return dataclasses.replace(options, **plain)


def _generate(options: Options, progress: Progress) -> dict[str, Any]:
    _check(options)
    plan = _plan(options)
    recipe = _recipe(options)
    slots, is_shared = _slots(plan), options.engine != "local"
    most = len(slots) if is_shared else 1
    workers = most if options.workers is None else options.workers
    with contextlib.ExitStack() as stack:
        stack.callback(tidy, options.out, options.out.exists())  # the last that is done
        engine = open_engine(recipe, min(workers, len(slots)), options.engine, options.address)
        stack.callback(engine.close)
        prepare(options.out, recipe.token)
        engine.rehearse(slots[:1])
        made = _made(engine, slots, is_shared)
        outcomes = sorted(progress(made, len(slots)), key=lambda outcome: outcome.path)
    said = _summary(options, recipe, plan, outcomes)
    write_atomically(options.out / "generation.json",
                     (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode())
    return said


def _check(options: Options) -> None:
    """Refuse what is unknown, out of range or contradicts itself."""
    if importlib.util.find_spec("pybullet") is None:
        raise ValueError("Episodes are generated in the simulator, and pybullet is not installed: "
                         "install mobile-vla-bench[sim].")
    for name, allowed in CHOICES.items():
        value = getattr(options, name)
        if value is not None and value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}.")
    check_engine(options.engine, options.address, options.workers)
    height, width = _image_size(options)
    for name, least, value in (("workers", 0, options.workers), ("seed", 0, options.seed),
                               ("episodes", 1, options.episodes), ("image height", 1, height),
                               ("image width", 1, width)):
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}.")
    if 3 * height * width > MAX_CHUNK_BYTES:
        raise ValueError(f"--image {height} {width} makes pictures of {3 * height * width:,} "
                         f"bytes, expected at most {MAX_CHUNK_BYTES:,}, which readers take.")
    storage_of(options.profile, options.storage)
    if options.plan is not None and (options.episodes is not None or options.pattern is not None):
        raise ValueError(f"plan {options.plan} says how many episodes of which pattern: "
                         f"leave episodes and pattern out, or the plan.")


def _image_size(options: Options) -> tuple[int, int]:
    """Height and width in pixels."""
    image = options.image or ("720p" if options.profile == "lab" else "224")
    if isinstance(image, str) and image in IMAGE_SIZES:
        return IMAGE_SIZES[image]
    if isinstance(image, str) or len(image) != 2:
        raise ValueError(f"image must be one of {', '.join(IMAGE_SIZES)} or height and width in "
                         f"pixels, got {image!r}.")
    return int(image[0]), int(image[1])


def _plan(options: Options) -> Plan:
    """The episodes to make, in order."""
    wanted = names() if options.scenario == "all" else [options.scenario]
    for scenario in wanted:
        check_scenario(load(scenario).name)
    if options.plan is None:
        fixed: dict[str, str] = {} if options.pattern is None else {"pattern": options.pattern}
        return spread(wanted, options.episodes or DEFAULT_EPISODES, fixed)
    plan = [entry for entry in PLANS[options.plan]() if entry[0] in wanted]
    if not plan:
        raise ValueError(f"plan {options.plan} has no episodes of scenario {options.scenario!r}, "
                         f"expected one of {', '.join(names())} or 'all'.")
    return plan


def _slots(plan: Plan) -> list[Slot]:
    """Number the episodes, over all and within each scenario."""
    from episodes.worlds import Slot

    counts: Counter[str] = Counter()
    slots = []
    for number, (scenario, fixed) in enumerate(plan):
        slots.append(Slot(number, scenario, counts[scenario], fixed))
        counts[scenario] += 1
    return slots


def _recipe(options: Options) -> Recipe:
    import policies
    from episodes.worlds import Recipe

    policies.make(options.policy)  # unknown ones are refused before anything is written
    check_look(options.renderer, load_profile(options.appearance).name)
    is_local = options.engine == "local"
    return Recipe(options.out if is_local else options.out.absolute(), options.profile,
                  _image_size(options), options.policy, options.seed, options.instructions,
                  {"renderer": options.renderer, "appearance": options.appearance},
                  storage=options.storage,
                  token="" if is_local else f".shared_{uuid.uuid4().hex}.tmp")


def _made(engine: Engine, slots: list[Slot], is_shared: bool) -> Iterator[Outcome]:
    """Every slot's episode, as they get ready."""
    from episodes.worlds import Failed

    for made in engine.drive(slots):
        if isinstance(made, Failed):
            raise made.error
        if is_shared:
            await_visible(made.path)
        yield made


def _summary(options: Options, recipe: Recipe, plan: Plan,
             outcomes: list[Outcome]) -> dict[str, Any]:
    """What `generation.json` says: nothing in it depends on workers, folder or interruptions."""
    counts: dict[str, Any] = {}
    refused: Counter[str] = Counter()
    for outcome in outcomes:
        patterns = counts.setdefault(outcome.scenario, {})
        distances = patterns.setdefault(outcome.variation["pattern"], {})
        distance = outcome.variation["distance"]
        distances[distance] = distances.get(distance, 0) + 1
        refused.update(outcome.refused)
    return {
        "source": "simulated", "episodes": len(outcomes), "counts": counts,
        "resampled": dict(sorted(refused.items())), "seed": options.seed, "plan": options.plan,
        "pattern": options.pattern, "profile": options.profile,
        "storage": storage_of(options.profile, options.storage),
        "image_size": list(recipe.image_size), "policy": options.policy,
        "instructions": options.instructions, "renderer": options.renderer,
        "appearance": {"profile": load_profile(options.appearance).name,
                       "hash": load_profile(options.appearance).hash()},
        "scenario_hashes": {name: load(name).hash() for name in dict(plan)},
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in VERSIONS},
    }


def _logged(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """A quiet line in the log for every tenth of the work."""
    for done, outcome in enumerate(outcomes, 1):
        if done * 10 // total > (done - 1) * 10 // total:
            logger.info("%d of %d episodes", done, total)
        yield outcome


def _bar(outcomes: Iterable[Outcome], total: int) -> Iterable[Outcome]:
    """A progress bar on the terminal."""
    from rich.console import Console
    from rich.progress import track

    return track(outcomes, "episodes", total, console=Console(stderr=True))


def main(options: Options) -> None:
    """Generate, and say in one line what is there now."""
    try:
        said = _generate(options, _bar if sys.stderr.isatty() else _logged)
    except OSError as error:  # a full disk, say: no bug either
        raise ValueError(f"{error}; the same command goes on from here.") from error
    except LostRunError as lost:
        print(f"error: {lost}", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        logger.info("The same command goes on from here.")
        raise
    resampled = ", ".join(f"{count} {reason}" for reason, count in said["resampled"].items())
    print(f"{said['episodes']} episodes in {options.out} (resampled: {resampled or 'none'}).")


if __name__ == "__main__":
    run_command(Options, main)
