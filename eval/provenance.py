"""Where a result comes from: code, packages, machine and policy."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from eval.words import is_wording
from policies.interface import LABEL, PolicySpec

PACKAGES = ("mobile-vla-bench", "numpy", "scipy", "scikit-learn", "gymnasium", "pybullet", "numba",
            "h5py", "torch", "transformers", "open_clip_torch", "safetensors", "pillow")


def provenance() -> dict[str, Any]:
    """Git revision, package versions and machine, ready for JSON."""
    return {"git": git_revision(), "packages": package_versions(), "machine": machine()}


def git_revision() -> str | None:
    """The commit of this code, `+changed` behind it where files differ; None without git."""
    folder = Path(__file__).parent.parent
    if not (folder / ".git").exists():
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{revision}+changed" if revision and changed else revision


def package_versions() -> dict[str, str | None]:
    """The installed version of every package that can move a number; None where it is missing."""
    return {name: _version(name) for name in PACKAGES}


def machine() -> dict[str, Any]:
    """Operating system, processor and Python; no name of a host or a user."""
    return {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count(),
            "python": platform.python_version()}


def described(spec: PolicySpec) -> dict[str, Any]:
    """A policy's own words about itself, ready for JSON."""
    return {**vars(spec), "image_size": list(spec.image_size), "needs": sorted(spec.needs),
            "privileged": spec.privileged}


def told(instruction: str) -> str:
    """Which words of `Config.instruction`: `default`, `none`, `wording` or `own_words`."""
    if instruction == "default":
        return "default"
    if is_wording(instruction):
        return "wording"
    return "none" if instruction.strip() in ("", "none") else "own_words"


def warnings(policy: dict[str, Any], instruction: str = "default") -> list[str]:
    """What must be said loudly beside every number of this policy, told these words.

    Args:
        policy: What `described` says.
        instruction: As in `Config.instruction`.
    """
    said = []
    if told(instruction) == "none":
        said.append("NO INSTRUCTION: the policy was told nothing, in no episode.")
    if told(instruction) == "wording":
        said.append(f"OTHER WORDS: each episode was told the wording {instruction}.")
    if told(instruction) == "own_words":
        said.append(f"OWN WORDS: in every episode the policy was told {instruction!r}.")
    if policy["privileged"]:
        said.append("PRIVILEGED POLICY: it is told where everything stands. An upper bound, "
                    "not a result.")
    if LABEL in policy["needs"]:
        said.append("TOLD THE LABEL: this policy is told the scenario's name and the distance.")
    if policy["weights"] == "random":
        said.append("RANDOM WEIGHTS: this policy has learned nothing. Its numbers mean nothing.")
    return said


def changed_world(facts: dict[str, Any]) -> list[str]:
    """What must be said of a run in a world that is not the usual one; `facts` is its run.json."""
    late, faults = facts["config"].get("latency"), facts["config"].get("dynamics", "nominal")
    said = []
    if late is not None:
        said.append(f"VIRTUAL CLOCK: answers take {late} (s), and the world goes on meanwhile "
                    f"(hold {facts['config']['hold']}).")
    if faults != "nominal":
        said.append(f"FAULTS OF THE DRIVE: {faults}.")
    return said


def stopped_early(facts: dict[str, Any]) -> list[str]:
    """What must be said of a run that drove until its own test decided; `facts` is its run.json."""
    if not facts.get("until_decided"):
        return []
    return ["STOPPED WHEN DECIDED: it drove until its own test decided (decision.json); p-values "
            "and intervals that do not know that are too bold."]


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True,
                              timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
