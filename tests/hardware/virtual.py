"""A gate on a clock that the tests turn, with a camera and a watchdog that can be switched off."""

import math

from hardware.safety import Command, Gate, Limits

TICK_S = 0.02
LIMITS = Limits(speed_m_s=0.5, turn_rate_rad_s=1.0, acceleration_m_s2=2.5,
                turn_acceleration_rad_s2=5.0, confidence=0.3, picture_age_s=2.0)
AHEAD = (0.5, 0.0, 0.0)


class Bench:
    """Ticks of 0.02 s; a picture in every second one."""

    def __init__(self, mode="vla", armed=True):
        self.now_s = 1000.0
        self.gate = Gate(LIMITS, mode)
        self.camera = self.watchdog = True
        self.frozen = False  # the camera counts on, and shows the same
        self.said = []  # (time, velocity) of every tick
        self._number = self._frame = self._ticks = 0
        if armed:
            self.run(0.4)
            self.gate.arm(self.now_s)

    def command(self, velocity=AHEAD, source="policy", **other):
        """A command decided now, with the next number."""
        self._number += 1
        fields = {"number": self._number, "decided_s": self.now_s} | other
        return Command(source, fields.pop("number"), fields.pop("decided_s"), velocity, **fields)

    def say(self, velocity=AHEAD, source="policy", **other):
        """Offer such a command."""
        return self.gate.offer(self.command(velocity, source, **other), self.now_s)

    def run(self, seconds, tick_s=TICK_S):
        """Let time pass; returns what the wheels were told last."""
        for _ in range(round(seconds / tick_s)):
            self.now_s += tick_s
            self._ticks += 1
            if self.watchdog:
                self.gate.saw_watchdog(self.now_s)
            if self.camera and self._ticks % 2 == 0:
                self._frame += 1
                self.gate.saw_frame(self._frame, self.now_s, self.frozen)
            self.said.append((self.now_s, self.gate.tick(self.now_s)))
        return self.said[-1][1]

    def stands_after_s(self, since_s, most_s=2.0):
        """Seconds from a moment until the wheels are told zero, and then for good."""
        self.run(most_s)
        moving = [at_s for at_s, velocity in self.said if at_s > since_s and velocity != (0, 0, 0)]
        return (moving[-1] + TICK_S if moving else since_s + TICK_S) - since_s


def speed(velocity):
    return math.hypot(velocity[0], velocity[1])
