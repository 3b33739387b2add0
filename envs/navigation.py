"""`NavigationEnv`: drive round the boxes on the commanded side and stop at the cup."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from envs import planner
from envs.appearance import Appearance, draw, load_profile
from envs.camera import Look, View, camera_view, check_look, check_size, make_camera, overview
from envs.dynamics import Drive, Faults, parse
from envs.interface import COMMAND_LIMIT, BoxTruth, Observation, RobotSpec, Truth
from envs.simulator import Simulator
from envs.task import goal_distance_m, side_followed, stood_still
from envs.ticks import held
from scenarios import Layout, Scenario, sample_layout
from scenarios.layout import check_fixed

MAX_RESAMPLES = 100
STUCK_RAD = 0.05  # turned less than this, too
TIME_COST = 0.01  # reward lost per decision
CONTACT_COST = 1.0
SUCCESS_REWARD = 1.0
OVERVIEW_SIZE = (360, 640)


class NavigationEnv(gymnasium.Env):
    """A mobile base, one or two boxes, a cup.

    ## Observation
    `Dict`: `rgb` [H, W, 3] uint8, the forward camera; `velocity` [3] float32: vx m/s, vy m/s,
    wz rad/s in the body frame. Never contains ground truth.

    ## Action
    `Box(-1.15, 1.15, (3,), float32)`: linear_x, linear_y, angular_z in command units, held for one
    decision (0.4 s, 8 ticks). What it means in m/s is `RobotSpec.velocity`.

    ## Reward
    The sum of `info["reward_terms"]`: `progress` (metres nearer to the cup), `contact` (-1 at the
    end), `success` (+1 at the end), `time` (-0.01 per decision).

    ## Start and end
    `reset(seed=)` draws the layout; `options` may pin `distance`, `bias`, `pattern`. An episode
    terminates on `goal` (stood still inside the goal circle for `hold_decisions`), `contact`,
    `out_of_bounds` or `stuck`, and is truncated by `TimeLimit` after `max_decisions`. The wrong
    side is recorded and does not end. `info["ended_by"]` says which, or None.

    ## Info
    `truth` (for the record and the privileged expert, never for a policy), `layout`, `is_success`,
    `ended_by`, `reward_terms`, `side_followed`, `touched`, `clearance_m`, `path`, `resampled`,
    `appearance`.
    """

    source = "simulated"  # stands on every record; never pooled with `real`
    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 2.5}

    def __init__(self, scenario: Scenario, robot: RobotSpec,
                 image_size: tuple[int, int] = (224, 224), render_mode: str | None = None,
                 renderer: str = "fast", appearance: str = "nominal",
                 dynamics: str = "nominal") -> None:
        """A world for one scenario.

        Args:
            scenario: What is to be done.
            robot: Who drives, and its camera.
            image_size: Height and width in pixels.
            render_mode: `rgb_array`, `human` or None.
            renderer: `fast` or `tiny`, see `envs.camera`; the attribute `renderer` says which
                version it is.
            appearance: A profile's name or TOML file, see `envs.appearance`.
            dynamics: What is wrong with the drive, as words, see `envs.dynamics`.

        Raises:
            ValueError: for what is unknown.
        """
        if render_mode not in (known := (None, *self.metadata["render_modes"])):
            raise ValueError(f"render_mode must be one of {known}, got {render_mode!r}.")
        self.scenario, self.robot, self.image_size = scenario, robot, image_size
        self.render_mode, self.profile = render_mode, load_profile(appearance)
        check_look(renderer, self.profile.name)
        check_size(image_size)
        self.task = scenario.name
        self.task_description = scenario.instructions.english
        self.observation_space, self.action_space = _spaces(image_size)
        self._simulator = Simulator(scenario, robot, gui=render_mode == "human")
        self._camera = make_camera(renderer, self._simulator, scenario, robot)
        self.renderer = self._camera.identity
        self._faults = parse(dynamics)
        self._drive: Drive | None = None  # None: an ideal base
        self._layout: Layout | None = None
        self._appearance: Appearance
        self._commanded: list[bool] = []  # one a tick
        self._ended_by: str | None = None
        self._resampled = self._looks = 0

    def reset(self, *, seed: int | None = None,
              options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Draw a valid layout and place everything.

        Raises:
            ValueError: for an unknown option, or if no valid layout is found in 100 draws.
        """
        super().reset(seed=seed)
        fixed = check_fixed(options)
        self._commanded, self._ended_by, self._looks = [], None, 0
        for self._resampled in range(MAX_RESAMPLES):
            self._layout = sample_layout(self.scenario, self.np_random, fixed)
            self._simulator.build(self._layout)
            if self._is_valid_start():
                self._dress()
                return self._observe(), self._info(None)
        raise ValueError(f"{self.scenario.name}: no valid layout in {MAX_RESAMPLES} draws "
                         f"(free start, goal not reached, a path exists).")

    def step(self, command: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Hold one command [3] for one decision, or play one a tick, [ticks_per_decision, 3]."""
        ticks = self.robot.ticks_per_decision
        if np.shape(command) == (ticks, 3):
            return self._play(held(np.asarray(command, np.float32)))
        return self.advance(command, ticks)

    def advance(self, command: np.ndarray,
                ticks: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Hold one command for a number of ticks of 0.05 s; otherwise like `step`.

        Raises:
            ValueError: if the command is not three finite numbers.
            RuntimeError: before `reset`.
        """
        command = np.asarray(command, np.float32)
        if command.shape != (3,):
            raise ValueError(f"A command is 3 finite numbers, got {command!r}.")
        return self._play([(command, ticks)])

    def _play(self, told: list[tuple[np.ndarray, int]]) -> tuple[
            Observation, float, bool, bool, dict[str, Any]]:
        """Drive by commands [3], each for so many ticks."""
        if self._layout is None:
            raise RuntimeError("Call reset() before step(): there is no episode yet.")
        before = self._goal_distance_m()
        for command, ticks in told:
            if not np.isfinite(command).all():
                raise ValueError(f"A command is 3 finite numbers, got {command!r}.")
            self._commanded += [self.robot.is_motion(command)] * ticks
        driven = ([(self.robot.velocity(command), ticks) for command, ticks in told]
                  if self._drive is None else held(self._drive.velocities(np.concatenate(
                      [np.repeat(command[None], ticks, axis=0) for command, ticks in told]))))
        for velocity, ticks in driven:
            self._simulator.drive(velocity, ticks)
            if self._simulator.touched:
                break
        self._ended_by = self._end()
        info = self._info(before - self._goal_distance_m())
        if self.render_mode == "human":
            self.render()
        return (self._observe(), float(sum(info["reward_terms"].values())),
                self._ended_by is not None, False, info)

    def render(self) -> np.ndarray | None:
        """The scene from above [360, 640, 3] uint8; in `human` mode PyBullet's own window."""
        if self.render_mode != "rgb_array":
            return None
        return self._camera.look(overview(OVERVIEW_SIZE), OVERVIEW_SIZE).rgb

    def close(self) -> None:
        """Free the physics client."""
        self._simulator.close()

    def look_from(self, pose: tuple[float, float, float]) -> Look:
        """What the robot would see from a pose (x m, y m, yaw rad), with depth and identities.

        The picture is what its sensor gives, with its faults. The robot stays where it is.

        Raises:
            ValueError: for a pose that is not three finite numbers.
            RuntimeError: before `reset`.
        """
        if self._layout is None:
            raise RuntimeError("Call reset() before look_from(): there is nothing to see yet.")
        if np.shape(pose) != (3,) or not np.isfinite(pose).all():
            raise ValueError(f"A pose is x, y and yaw, three finite numbers, got {pose!r}.")
        before = self._simulator.pose("robot")
        self._simulator.place(pose)
        self._looks += 1
        view = self._view()
        picture = self._camera.picture(view, self.image_size, self._looks)
        look = self._camera.look(view, self.image_size)._replace(rgb=picture)
        self._simulator.place(before)
        return look

    def truth(self) -> Truth:
        """The world as it stands. Only the record and the privileged expert may have it."""
        if self._layout is None:
            raise RuntimeError("Call reset() before truth(): there is no episode yet.")
        length, width, _ = self.scenario.boxes.size_m
        boxes = tuple(BoxTruth(*self._simulator.pose(f"box_{k}"), length, width)
                      for k in range(self.scenario.boxes.count))
        return Truth(
            robot=self._simulator.pose("robot"), boxes=boxes, cup=self._cup(),
            pass_side=self.scenario.pass_side, robot_radius_m=self.robot.radius_m,
            step_m=self.robot.step_m, goal_radius_m=self.scenario.success.goal_radius_m,
            clearance_m=self._layout.clearance_m, lead_m=self._layout.lead_m,
        )

    def _cup(self) -> tuple[float, float]:
        return self._simulator.pose("cup")[:2]

    def _is_valid_start(self) -> bool:
        """Free start, goal not reached, and a path exists on the commanded side and the other."""
        truth = self.truth()
        if min(self._simulator.clearances().values()) <= 0.0:
            return False
        if goal_distance_m(truth.robot, truth.cup) <= truth.goal_radius_m:
            return False
        try:
            planner.geodesic_m(truth)
        except ValueError:
            return False
        return True

    def _observe(self) -> Observation:
        moment = len(self._commanded)
        return {"rgb": self._camera.picture(self._view(), self.image_size, moment),
                "velocity": self._simulator.velocity()}

    def _view(self) -> View:
        return camera_view(self._simulator.pose("robot"), self.robot.camera, self._appearance.lens)

    def _dress(self) -> None:
        """Draw how this episode looks: after the layout, so that no look moves a box."""
        rng = np.random.default_rng(self.np_random.integers(2 ** 63))
        self._appearance = draw(self.profile, self.scenario, rng)
        self._camera.dress(self._appearance, int(rng.integers(2 ** 63)))
        if self._faults != Faults():
            self._drive = Drive(self._faults, self.robot, rng)

    def _end(self) -> str | None:
        """How the episode ends at this tick, or None."""
        rules = self.scenario.success
        x, y, _ = self._simulator.pose("robot")
        if self._simulator.touched:
            return "contact"
        if not (rules.bounds_x_m[0] <= x <= rules.bounds_x_m[1]
                and rules.bounds_y_m[0] <= y <= rules.bounds_y_m[1]):
            return "out_of_bounds"
        if self._goal_distance_m() <= rules.goal_radius_m and stood_still(
                np.array(self._last_poses(rules.hold_decisions)), rules.hold_decisions,
                rules.still_m):
            return "goal"
        return "stuck" if self._is_stuck() else None

    def _is_stuck(self) -> bool:
        """Commanded to move all the time, and neither moved nor turned: turning is no standing."""
        rules = self.scenario.success
        window = rules.stuck_decisions * self.robot.ticks_per_decision
        if len(self._commanded) < window or not all(self._commanded[-window:]):
            return False
        poses = self._last_poses(rules.stuck_decisions)
        if math.dist(poses[-2][:2], poses[-1][:2]) >= rules.stuck_m:  # the usual case, at once
            return False
        moves = np.diff(poses, axis=0)
        moved_m = np.linalg.norm(moves[:, :2], axis=1).sum()
        return bool(moved_m < rules.stuck_m and np.abs(moves[:, 2]).sum() < STUCK_RAD)

    def _last_poses(self, decisions: int) -> list[tuple[float, float, float]]:
        """Up to `decisions` + 1 poses, one decision's time apart, the newest last."""
        return self._simulator.last_poses(decisions + 1, self.robot.ticks_per_decision)

    def _goal_distance_m(self) -> float:
        return goal_distance_m(self._simulator.pose("robot"), self._cup())

    def _info(self, progress_m: float | None) -> dict[str, Any]:
        """Everything beside the observation; `progress_m` is None at reset, which earns nothing."""
        path = self._simulator.path
        truth = self.truth()
        side = side_followed(path, [(box.x_m, box.y_m) for box in truth.boxes])
        is_success = self._ended_by == "goal" and side == self.scenario.pass_side
        terms = {} if progress_m is None else {
            "progress": progress_m, "contact": -CONTACT_COST * (self._ended_by == "contact"),
            "success": SUCCESS_REWARD * is_success, "time": -TIME_COST}
        return {
            "truth": truth, "layout": self._layout, "is_success": is_success,
            "ended_by": self._ended_by, "reward_terms": terms, "side_followed": side,
            "touched": self._simulator.touched,
            "clearance_m": min(self._simulator.clearances().values()),
            "path": self._simulator.poses, "resampled": self._resampled,
            "appearance": self._appearance,
        }


def _spaces(image_size: tuple[int, int]) -> tuple[spaces.Dict, spaces.Box]:
    """Of observations and actions, for pictures of this height and width."""
    limit, fastest = np.float32(COMMAND_LIMIT), np.float32(100)
    rgb = spaces.Box(0, 255, (*image_size, 3), np.uint8)
    velocity = spaces.Box(-fastest, fastest, (3,), np.float32)
    return spaces.Dict({"rgb": rgb, "velocity": velocity}), spaces.Box(-limit, limit, (3,))
