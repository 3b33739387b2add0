"""A simulated robot whose camera, exposure, speed and delay nobody is told: the known truth."""

import dataclasses
from pathlib import Path

import numpy as np

from envs import load_robot
from envs.appearance import load_profile
from envs.navigation import NavigationEnv
from episodes.hdf5_writer import write_episode
from episodes.rollout import Task, rollout
from policies import make as make_policy
from scenarios import load


class Late(NavigationEnv):
    """A world whose wheels obey a command some ticks late; until then they obey the last one."""

    delay_ticks = 0

    def reset(self, **options):
        self._last = np.zeros(3, np.float32)
        return super().reset(**options)

    def step(self, command):
        ticks = self.robot.ticks_per_decision
        played = np.repeat(np.asarray(command, np.float32)[None], ticks, axis=0)
        played[:self.delay_ticks] = self._last
        self._last = np.asarray(command, np.float32)
        return super().step(played)


def disguised(height_m=0.20, tilt_rad=0.0, fov_rad=np.pi / 2, speed_m_s=0.5):
    """The shipped robot with another camera and another speed."""
    robot = load_robot()
    camera = dataclasses.replace(robot.camera, height_m=height_m, tilt_rad=tilt_rad,
                                 horizontal_fov_rad=fov_rad)
    return dataclasses.replace(robot, name="disguised", camera=camera, speed_m_s=speed_m_s)


def record_episodes(folder: Path, robot, *, scenarios, each, delay_ticks=0, exposure=1.0,
                    image_size=(180, 320), first=0):
    """Files that say nothing of the robot which drove; the expert drives."""
    folder.mkdir(parents=True, exist_ok=True)
    expert, profile = make_policy("expert"), load_profile("nominal")
    lens = dataclasses.replace(profile.lens, exposure=(exposure, exposure))
    for name in scenarios:
        world = Late(load(name), robot, image_size=image_size)
        world.delay_ticks, world.profile = delay_ticks, dataclasses.replace(
            profile, name="disguised", lens=lens)
        for seed in range(first, first + each):
            record = rollout(world, expert, Task(seed, "go", keep_rgb=True))
            write_episode(folder, record)
        world.close()
    return folder
