"""How many episodes of what: the laboratory's real counts, the planned ones, or an even spread.

A plan is a list of (scenario, fixed factors), one entry an episode, in the order of generation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from policies.baselines import recorded
from scenarios import names

Plan = list[tuple[str, dict[str, str]]]
Counts = Mapping[str, Mapping[str, int]]  # pattern -> distance -> episodes
PLANNED: Counts = {"core": {"close": 2, "medium": 3, "far": 1},
                   "variant": {"close": 1, "medium": 1, "far": 2}}


def recorded72() -> Plan:
    """The 72 episodes that the laboratory recorded, per scenario, pattern and distance."""
    return [entry for scenario, counts in recorded()["episode_counts"].items()
            for entry in _entries(scenario, counts)]


def planned80() -> Plan:
    """The ten episodes per scenario that were planned."""
    return [entry for scenario in names() for entry in _entries(scenario, PLANNED)]


PLANS: dict[str, Callable[[], Plan]] = {"recorded72": recorded72, "planned80": planned80}


def spread(scenarios: Sequence[str], episodes: int, fixed: dict[str, str] | None = None) -> Plan:
    """A total spread evenly: scenarios take turns, so the first ones get what is left over."""
    return [(scenarios[number % len(scenarios)], dict(fixed or {})) for number in range(episodes)]


def _entries(scenario: str, counts: Counts) -> Plan:
    return [(scenario, {"pattern": pattern, "distance": distance})
            for pattern, distances in counts.items()
            for distance, count in distances.items() for _ in range(count)]
