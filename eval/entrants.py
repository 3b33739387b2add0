"""Who is compared: names, the weights of each training seed, and what is not there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import policies
from policies.checkpoint import CONFIG_FILE, SHIPPED, read_config, tower_source
from policies.interface import PolicySpec

ALL = "all"
REFERENCES = ("stop", "forward", "random", "core_replay", "expert")  # stand beside the models
HEADLESS = ("text_action",)  # models of the comparison whose towers alone have learned
MODEL, ABLATION, BASELINE, PRIVILEGED, OWN = "model", "ablation", "baseline", "privileged", "own"
SEED_FOLDER = re.compile(r"seed_(\d+)")
NOTHING_LEARNED, RANDOM = "nothing learned", "random"  # identities without files


@dataclass(frozen=True)
class Weights:
    """One training seed's weights of a policy, or none where nothing is learned."""

    seed: int
    identity: str  # of the content
    folder: Path | None = None  # the checkpoint; None where the policy has none or random weights
    trained_seed: int | None = None  # root of the train seeds it learned from, where known

    @property
    def is_random(self) -> bool:
        """Whether it has learned nothing although it should."""
        return self.identity == RANDOM


@dataclass(frozen=True)
class Entrant:
    """One line of the leaderboard."""

    name: str
    policy: str  # what `--policy` of eval.run takes
    kind: str  # model, ablation, baseline, privileged or own
    weights: tuple[Weights, ...]  # the first is judged in detail; none: no weights were found
    base: str | None = None  # the model that an ablation changes
    needs: frozenset[str] = frozenset()

    @property
    def is_ranked(self) -> bool:
        """Whether it may be called best: learned or a user's own, and told no more than others."""
        return self.kind in (MODEL, OWN) and any(not each.is_random for each in self.weights)


def entrants(asked: str, seeds_from: Path | None, *, ablations: bool = False,
             random_weights: bool = False) -> list[Entrant]:
    """Everybody who is compared, in the registry's order.

    Args:
        asked: `all`, or names, `module:Class` and checkpoint folders with commas between them.
        seeds_from: Folder with weights of further training seeds, `seed_<k>/<name>`, as
            `training.run --seeds` writes them.
        ablations: Whether every variant of a model that takes part does so too.
        random_weights: Give random weights to those who have none.

    Raises:
        ValueError: for unknown names, weights of another policy, or folders that hold none.
    """
    names = [name.strip() for name in asked.split(",")]
    names = [each for name in names
             for each in ((*REFERENCES, *_models()) if name == ALL else (name,))]
    if ablations:
        names += [name for name in policies.ABLATIONS if base_of(name) in names]
    if seeds_from is not None and not any(_further(seeds_from, name) for name in names):
        raise ValueError(f"{seeds_from}: holds no weights seed_<k>/<name> of a policy that is "
                         f"compared, expected what `training.run --seeds` writes (--seeds-from).")
    found = [_entrant(name, seeds_from, random_weights) for name in dict.fromkeys(names)]
    twice = {each.name for each in found if [one.name for one in found].count(each.name) > 1}
    if twice:
        raise ValueError(f"--policy names {', '.join(sorted(twice))} twice; rename a folder.")
    return found


def base_of(ablation: str) -> str | None:
    """The model of the comparison that a named ablation changes, by file and then by name."""
    same = [name for name in policies.COMPARED if _file(name) == _file(ablation)]
    near = [name for name in same or policies.COMPARED if ablation.startswith(f"{name}_")]
    if near:
        return max(near, key=len)
    return same[0] if len(same) == 1 else None


def _file(name: str) -> str:
    """The module of a learned policy: one file per model."""
    return policies.LEARNED[name][0].partition(":")[0]


def _entrant(name: str, seeds_from: Path | None, random_weights: bool) -> Entrant:
    if name in policies.LEARNED:
        kind = ABLATION if name in policies.ABLATIONS else MODEL
        weights = _weights(name, seeds_from)
        if random_weights and not weights:
            weights = (Weights(0, RANDOM),)
        base = base_of(name) if kind == ABLATION else None
        return Entrant(name, name, kind, weights, base)
    if (Path(name) / CONFIG_FILE).is_file():
        weights = (_checkpoint(Path(name), 0, None),)
        return Entrant(Path(name).resolve().name, name, OWN, weights)
    spec = policies.make(name).spec
    return Entrant(spec.name, name, _kind(name, spec), (_own_weights(spec),), needs=spec.needs)


def _models() -> list[str]:
    return [*policies.COMPARED, *(name for name in HEADLESS if name in policies.REGISTRY)]


def _kind(name: str, spec: PolicySpec) -> str:
    """What a policy is that comes without a checkpoint folder."""
    if spec.privileged:
        return PRIVILEGED
    if name not in policies.REGISTRY:
        return OWN
    return MODEL if name in HEADLESS else BASELINE


def _own_weights(spec: PolicySpec) -> Weights:
    """What a policy that comes without a checkpoint folder says of its weights."""
    if spec.weights == RANDOM:
        return Weights(0, RANDOM)
    return Weights(0, spec.weights_hash or NOTHING_LEARNED, trained_seed=spec.trained_seed)


def _weights(name: str, seeds_from: Path | None) -> tuple[Weights, ...]:
    """The weights of a registered model: the shipped ones are those of seed 0."""
    folders = _further(seeds_from, name)
    if (SHIPPED / name / CONFIG_FILE).is_file():
        folders |= {0: SHIPPED / name}
    return tuple(_checkpoint(folder, seed, name) for seed, folder in sorted(folders.items()))


def _further(seeds_from: Path | None, name: str) -> dict[int, Path]:
    """Checkpoint folders of one registered name by training seed."""
    if seeds_from is None or name not in policies.LEARNED:
        return {}
    places = [(0, seeds_from / name)]
    places += [(int(match[1]), folder / name) for folder in seeds_from.glob("seed_*")
               if (match := SEED_FOLDER.fullmatch(folder.name))]
    return {seed: place for seed, place in places if (place / CONFIG_FILE).is_file()}


def _checkpoint(folder: Path, seed: int, name: str | None) -> Weights:
    """The weights of a folder, if they are of the policy that is meant."""
    config = read_config(folder)
    if name is not None and config["policy"] != name:
        raise ValueError(f"{folder}: is a checkpoint of {config['policy']!r}, expected {name!r}.")
    if config["weights"] == RANDOM:
        return Weights(seed, RANDOM, folder)
    return Weights(seed, _content(folder, config), folder, config.get("trained_seed"))


def _content(folder: Path, config: dict[str, Any]) -> str:
    """16 hex digits of everything that is loaded: configuration, head and towers."""
    digest = hashlib.sha256()
    for path in (folder / CONFIG_FILE, *sorted(folder.glob("*.safetensors"))):
        digest.update(path.read_bytes())
    for name, place in sorted(config["towers"].items()):
        digest.update(f"{name} {_tower(tower_source(folder, place))}".encode())
    return digest.hexdigest()[:16]


@cache
def _tower(source: str) -> str:
    """The identity of a tower's folder; a published one is its name."""
    digest = hashlib.sha256(b"" if Path(source).is_dir() else source.encode())
    for path in sorted(Path(source).rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
