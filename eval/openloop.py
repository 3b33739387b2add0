"""One-step errors on recorded episodes: what would the policy have answered to these pictures?

Teacher-forced: every picture is a recorded one, whatever was answered before. Such errors do not
rank driving (a closed loop does); they are here because the laboratory compared models by them.
All numbers are in command units. The headline is 2-D (linear_x, linear_y), as the laboratory
trained; angular_z stands apart. Definitions of `scores`, with e = predicted - recorded:

    mae, rmse           mean |e| over decisions and axes; root of the mean e^2
    test_loss           Huber loss of e with delta 0.1, the laboratory's training loss
    accuracy t          share of decisions with |e| < t on every axis (or on one axis)
    r2, correlation     per axis; undefined, with the reason, where an axis is constant
    tracking            share of decisions with |e| < 0.5 on every axis
    direction           per axis: share with equal sign, where |value| <= 0.1 has the sign 0
    magnitude_order     share in which (linear_x > linear_y) is equally true of both, with sign
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.interface import Observation, RobotSpec
from episodes.rollout import policy_seed
from eval.statistics import Rate, rate
from policies.interface import (
    LABEL,
    TRUTH,
    Action,
    ActionError,
    Policy,
    PolicySpec,
    checked_actions,
)
from policies.picture import squeeze
from scenarios import episode_seed

if TYPE_CHECKING:
    from episodes.hdf5 import Episode

AXES = ("linear_x", "linear_y", "angular_z")
THRESHOLDS = (0.3, 0.2, 0.15, 0.1)
TRACKING = 0.5
DEAD_BAND = 0.1
HUBER_DELTA = 0.1
CONSTANT = 1e-9  # an axis that varies by less is constant


@dataclass(frozen=True)
class Answers:
    """What a policy said to the N pictures of one episode, beside what was recorded."""

    episode: Episode
    instruction: str
    seed: int
    predicted: np.ndarray  # [N, 3] float32, command units
    recorded: np.ndarray  # [N, 3] float32
    latency_s: np.ndarray  # [N] float64, wall clock
    error: str | None  # what the policy did wrong; then nothing of this episode counts


def check_policy(spec: PolicySpec) -> None:
    """Refuse a policy that no recording can feed.

    Raises:
        ValueError: for a privileged one.
    """
    if TRUTH in spec.needs:
        raise ValueError(f"Policy {spec.name!r} is told where everything stands, which no recorded "
                         f"file says: open loop is not possible; use --loop closed.")


def answer(policy: Policy, episode: Episode, instruction: str, root: int, robot: RobotSpec,
           pictures: int | None = None) -> Answers:
    """Show a policy one recorded episode, picture by picture, and note the first row of each plan.

    Args:
        policy: Who answers; a wrong answer (`ActionError`) ends the episode with that error.
        episode: The recorded pictures and commands.
        instruction: What the policy is told.
        root: The run's seed; the policy's chance follows from it and the episode's name.
        robot: Says what the recorded commands mean as measured velocity.
        pictures: How many of the first pictures to show; all where not given.

    Raises:
        ValueError: if the policy wants scenario and distance and the file does not say them.
    """
    seed = episode_seed("eval", root, episode.name, 0)
    seen, recorded = (each[:pictures] for each in episode.decisions)
    memory = policy.begin(instruction, policy_seed(seed))
    if LABEL in policy.spec.needs:
        memory.label = _label(policy, episode)
    predicted, latency_s, error = [], [], None
    driven = np.zeros(3, np.float32)  # velocity at the first picture: standing still
    for picture, command in zip(seen, recorded):
        rgb = squeeze(picture, policy.spec.image_size)
        observation: Observation = {"rgb": rgb, "velocity": driven}
        start = time.perf_counter()
        try:
            actions = policy.act([memory], [observation])
            predicted.append(_first_row(checked_actions(actions, 1)[0]))
        except ActionError as wrong:
            error = str(wrong)
            break
        latency_s.append(time.perf_counter() - start)
        driven = robot.velocity(command).astype(np.float32)
    policy.end(memory)
    return Answers(episode, instruction, seed, np.array(predicted, np.float32).reshape(-1, 3),
                   recorded[:len(predicted)], np.array(latency_s), error)


def scores(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, Any]:
    """Every measure of commands [N, 3] against the recorded ones [N, 3], in command units.

    Returns:
        `planar` (linear_x and linear_y together) and `axes` (one table an axis). Values are
        numbers, `Rate`s, or a dict `undefined: reason`; never NaN.

    Raises:
        ValueError: for other shapes, no rows, or numbers that are not finite.
    """
    predicted, recorded = np.asarray(predicted, np.float64), np.asarray(recorded, np.float64)
    if predicted.shape != recorded.shape or predicted.ndim != 2 or predicted.shape[1] != len(AXES):
        raise ValueError(f"predicted and recorded must both be [N, {len(AXES)}], "
                         f"got {predicted.shape} and {recorded.shape}.")
    if not len(recorded):
        raise ValueError("There is no decision to compare, expected at least one.")
    if not (np.isfinite(predicted).all() and np.isfinite(recorded).all()):
        raise ValueError("predicted and recorded must be finite numbers.")
    axes = {name: _axis(predicted[:, k], recorded[:, k]) for k, name in enumerate(AXES)}
    return {"planar": _planar(predicted[:, :2], recorded[:, :2]), "axes": axes}


def _planar(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, Any]:
    """Both linear axes [N, 2] together."""
    larger_x = predicted[:, 0] > predicted[:, 1]
    return {
        **_errors(predicted, recorded),
        "accuracy": _accuracies(predicted, recorded),
        "tracking": _within(predicted, recorded, TRACKING),
        "magnitude_order": rate(larger_x == (recorded[:, 0] > recorded[:, 1])),
    }


def _axis(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, Any]:
    """One axis [N]."""
    return {
        **_errors(predicted, recorded),
        "accuracy": _accuracies(predicted[:, None], recorded[:, None]),
        "direction": rate(_sign(predicted) == _sign(recorded)),
        "r2": _r2(predicted, recorded), "correlation": _correlation(predicted, recorded),
    }


def _errors(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, float]:
    from scipy.special import huber
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    return {
        "mae": float(mean_absolute_error(recorded, predicted)),
        "rmse": float(np.sqrt(mean_squared_error(recorded, predicted))),
        "test_loss": float(np.mean(huber(HUBER_DELTA, predicted - recorded))),
    }


def _accuracies(predicted: np.ndarray, recorded: np.ndarray) -> dict[str, Rate]:
    return {str(each): _within(predicted, recorded, each) for each in THRESHOLDS}


def _within(predicted: np.ndarray, recorded: np.ndarray, threshold: float) -> Rate:
    return rate(np.all(np.abs(predicted - recorded) < threshold, axis=1))


def _sign(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) <= DEAD_BAND, 0.0, np.sign(values))


def _r2(predicted: np.ndarray, recorded: np.ndarray) -> float | dict[str, str]:
    from sklearn.metrics import r2_score

    if np.ptp(recorded) < CONSTANT:
        return {"undefined": f"recorded is always {recorded[0]:.4g}"}
    return float(r2_score(recorded, predicted))


def _correlation(predicted: np.ndarray, recorded: np.ndarray) -> float | dict[str, str]:
    from scipy.stats import pearsonr

    for name, values in (("recorded", recorded), ("predicted", predicted)):
        if np.ptp(values) < CONSTANT:
            return {"undefined": f"{name} is always {values[0]:.4g}"}
    return float(pearsonr(recorded, predicted).statistic)


def _first_row(action: Action) -> np.ndarray:
    """The command [3] that the loop would drive first; a policy that says stop stands still."""
    return np.zeros(3, np.float32) if action.stop else action.commands[0]


def _label(policy: Policy, episode: Episode) -> tuple[str, str]:
    if episode.scenario is None or episode.distance is None:
        raise ValueError(f"{episode.path}: says no scenario and distance, which policy "
                         f"{policy.spec.name!r} needs; use another policy.")
    return episode.scenario, episode.distance
