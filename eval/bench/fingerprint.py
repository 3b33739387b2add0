"""Which machine measured, and how fast it was allowed to run: a number without this is hearsay."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from eval.provenance import git_revision, machine, package_versions

GPU = ("name", "driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.draw",
       "power.limit", "memory.total")
CORE = Path("/sys/devices/system/cpu/cpu0/cpufreq")
JETSON = Path("/etc/nv_tegra_release")


def fingerprint() -> dict[str, Any]:
    """The machine, its clocks and power mode, the load that others put on it, and the versions."""
    return {**machine(), "load": [round(each, 2) for each in os.getloadavg()],
            "clocks": _clocks(), "gpu": _gpu(), "power_mode": _power_mode(),
            "packages": package_versions(), "git": git_revision()}


def _clocks() -> dict[str, str]:
    """Of the first core, as the kernel says; empty where it does not, as in most guests."""
    names = ("scaling_governor", "scaling_cur_freq", "scaling_max_freq")
    return {name: (CORE / name).read_text(encoding="ascii").strip()
            for name in names if (CORE / name).is_file()}


def _gpu() -> dict[str, str]:
    """What nvidia-smi says of the first GPU; empty without one."""
    said = _said("nvidia-smi", f"--query-gpu={','.join(GPU)}", "--format=csv,noheader")
    return dict(zip(GPU, (each.strip() for each in said.splitlines()[0].split(",")))) \
        if said else {}


def _power_mode() -> dict[str, str]:
    """Of a Jetson: release, power mode and clocks; empty elsewhere."""
    if not JETSON.is_file():
        return {}
    return {"release": JETSON.read_text(encoding="ascii").splitlines()[0],
            "nvpmodel": _said("nvpmodel", "-q"), "jetson_clocks": _said("jetson_clocks", "--show")}


def _said(*words: str) -> str:
    """What a program prints; nothing where there is none, or it may not."""
    if shutil.which(words[0]) is None:
        return ""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20,
                              check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
