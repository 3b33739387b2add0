"""Statistics of a data set's columns, as LeRobot's normalisation reads them.

Of pictures all pixels are counted, per channel, scaled to [0, 1]. As in LeRobot, a quantile is a
value that was met, nothing between two (it reads them off a fine histogram), and those of many
episodes are the mean of theirs, weighted by their lengths.
"""

from __future__ import annotations

from typing import Any

import numpy as np

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
BYTE = np.arange(256)
Stats = dict[str, np.ndarray]  # min, max, mean, std, count and QUANTILES; count is [1]


def of_vectors(values: np.ndarray) -> Stats:
    """Of numbers [N] or [N, D]: each [1] or [D] float64."""
    values = np.asarray(values, np.float64).reshape(len(values), -1)
    return {"min": values.min(axis=0), "max": values.max(axis=0), "mean": values.mean(axis=0),
            "std": values.std(axis=0), "count": np.array([len(values)]),
            **{name: np.quantile(values, share, axis=0, method="inverted_cdf")
               for name, share in QUANTILES.items()}}


def of_pictures(images: np.ndarray) -> Stats:
    """Of pictures [N, H, W, 3] uint8: each [3, 1, 1] float64; they are counted, not the pixels."""
    channels = [_of_histogram(sum(np.bincount(image[..., channel].ravel(), minlength=256)
                                  for image in images)) for channel in range(3)]
    found: Stats = {name: np.array([each[name] for each in channels]).reshape(3, 1, 1) / 255
                    for name in channels[0]}
    return found | {"count": np.array([len(images)])}


def _of_histogram(counts: Any) -> dict[str, float]:
    """Of how often each of 256 values stands."""
    total, met = counts.sum(), np.flatnonzero(counts)
    mean = float(counts @ BYTE / total)
    below = np.cumsum(counts)
    return {"min": float(met[0]), "max": float(met[-1]), "mean": mean,
            "std": float(np.sqrt(counts @ (BYTE - mean) ** 2 / total)),
            **{name: float(np.searchsorted(below, share * total))
               for name, share in QUANTILES.items()}}


def merged(one: Stats | None, other: Stats) -> Stats:
    """Of two sets of episodes together."""
    if one is None:
        return other
    counts = one["count"] + other["count"]
    share = (other["count"] / counts)[0]
    mean = one["mean"] + share * (other["mean"] - one["mean"])
    variance = sum(weight * (part["std"] ** 2 + (part["mean"] - mean) ** 2)
                   for weight, part in ((1 - share, one), (share, other)))
    return {"min": np.minimum(one["min"], other["min"]),
            "max": np.maximum(one["max"], other["max"]), "mean": mean, "std": np.sqrt(variance),
            "count": counts, **{name: one[name] + share * (other[name] - one[name])
                                for name in QUANTILES}}


def as_json(stats: dict[str, Stats]) -> dict[str, Any]:
    """Lists for `stats.json`."""
    return {column: {name: value.tolist() for name, value in each.items()}
            for column, each in stats.items()}
